//! How many replies of each rater, and of the writer, carry each note.

use std::collections::BTreeMap;

use evalwright_core::ReplyNote;

/// Counts of notes by who replied. A reply that serves several candidates counts for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoteCounts(BTreeMap<String, BTreeMap<String, u64>>);

impl NoteCounts {
    /// Adds the notes of replies.
    pub(crate) fn add<'n>(&mut self, who: &str, notes: impl IntoIterator<Item = &'n ReplyNote>) {
        for note in notes {
            let counts = self.0.entry(who.to_owned()).or_default();
            *counts.entry(note.code().to_owned()).or_default() += 1;
        }
    }

    /// The counts of one of them, by the note's code.
    pub(crate) fn of(&self, who: &str) -> BTreeMap<String, u64> {
        self.0.get(who).cloned().unwrap_or_default()
    }
}
