//! What is counted over all replies: notes of each rater and of the writer, and the effect of an answer's position.

use std::collections::BTreeMap;

use evalwright_core::ReplyNote;

use super::position::Position;

/// Counts by who replied. A reply that serves several candidates counts for each.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NoteCounts {
    notes: BTreeMap<String, BTreeMap<String, u64>>,
    positions: BTreeMap<String, Position>,
}

impl NoteCounts {
    /// Adds the notes of replies.
    pub(crate) fn add<'n>(&mut self, who: &str, notes: impl IntoIterator<Item = &'n ReplyNote>) {
        for note in notes {
            let code = note.code();
            // Known ones as a rule: their names are not copied again for each of many replies.
            if let Some(count) = self.notes.get_mut(who).and_then(|all| all.get_mut(code)) {
                *count += 1;
                continue;
            }
            let counts = self.notes.entry(who.to_owned()).or_default();
            counts.insert(code.to_owned(), 1);
        }
    }

    /// What was seen of the effect of positions on one rater.
    pub(crate) fn position(&mut self, who: &str) -> &mut Position {
        self.positions.entry(who.to_owned()).or_default()
    }

    /// The same, to be read.
    pub(crate) fn position_of(&self, who: &str) -> Position {
        self.positions.get(who).copied().unwrap_or_default()
    }

    /// The counts of one of them, by the note's code.
    pub(crate) fn of(&self, who: &str) -> BTreeMap<String, u64> {
        self.notes.get(who).cloned().unwrap_or_default()
    }
}
