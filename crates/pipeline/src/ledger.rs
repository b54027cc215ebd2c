//! The book of all candidates: each is pending, accepted or rejected, and none ever leaves it.

use std::collections::BTreeMap;

use evalwright_core::{Candidate, Cell, Finish, Probability, Reject, RejectReason};

use crate::progress::{Event, Progress};

/// How all candidates stand; `asked = accepted + rejected + pending`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Candidates (a slot without any usable reply counts as one).
    pub asked: u64,
    /// Rows.
    pub accepted: u64,
    /// Candidates that fell.
    pub rejected: u64,
    /// Candidates not settled.
    pub pending: u64,
}

/// Where a candidate stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    /// Not settled.
    Pending,
    /// It became a row.
    Accepted,
    /// It fell.
    Rejected {
        /// Where.
        stage: String,
        /// Why.
        reason: RejectReason,
    },
}

/// One candidate in the book.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The candidate.
    pub(crate) candidate: Candidate,
    /// Why its reply ended; the token limit cuts only the last item of a reply.
    pub(crate) finish: Finish,
    /// Where it stands.
    pub(crate) state: State,
    /// The probability of each requirement but the label that was judged; where only bounds are known, the low
    /// end.
    pub(crate) scores: BTreeMap<String, Probability>,
}

impl Entry {
    /// The cell it was asked for.
    pub(crate) fn cell(&self) -> Cell {
        self.candidate.slot.cell
    }

    /// Whether it is not settled.
    pub(crate) fn is_pending(&self) -> bool {
        self.state == State::Pending
    }
}

/// All candidates in slot order.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// Puts candidates into the book and tells of those that fell already. Gives the position of the first.
    pub(crate) fn add(&mut self, entries: Vec<Entry>, progress: &dyn Progress) -> usize {
        let first = self.entries.len();
        for entry in &entries {
            if let State::Rejected { stage, reason } = &entry.state {
                tell_rejected(entry.cell(), stage, reason, progress);
            }
        }
        self.entries.extend(entries);
        first
    }

    /// All candidates.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One candidate, to be changed.
    pub(crate) fn entry_mut(&mut self, position: usize) -> Option<&mut Entry> {
        self.entries.get_mut(position)
    }

    /// Positions of the candidates from a position on that are not settled.
    pub(crate) fn pending_from(&self, first: usize) -> Vec<usize> {
        self.entries
            .iter()
            .enumerate()
            .skip(first)
            .filter(|(_, entry)| entry.is_pending())
            .map(|(position, _)| position)
            .collect()
    }

    /// Settles a pending candidate as fallen; one that is settled stays as it is.
    pub(crate) fn reject(
        &mut self,
        position: usize,
        stage: &str,
        reason: RejectReason,
        progress: &dyn Progress,
    ) {
        if let Some(entry) = self
            .entries
            .get_mut(position)
            .filter(|entry| entry.is_pending())
        {
            tell_rejected(entry.cell(), stage, &reason, progress);
            entry.state = State::Rejected {
                stage: stage.to_owned(),
                reason,
            };
        }
    }

    /// Settles a pending candidate as a row; one that is settled stays as it is.
    pub(crate) fn accept(&mut self, position: usize) {
        if let Some(entry) = self
            .entries
            .get_mut(position)
            .filter(|entry| entry.is_pending())
        {
            entry.state = State::Accepted;
        }
    }

    /// How all candidates stand.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for entry in &self.entries {
            tally.asked += 1;
            match entry.state {
                State::Pending => tally.pending += 1,
                State::Accepted => tally.accepted += 1,
                State::Rejected { .. } => tally.rejected += 1,
            }
        }
        tally
    }

    /// Candidates that fulfil a condition.
    pub(crate) fn count(&self, condition: impl Fn(&Entry) -> bool) -> u64 {
        self.entries
            .iter()
            .filter(|entry| condition(entry))
            .map(|_| 1)
            .sum()
    }

    /// How many fell in each stage.
    pub(crate) fn rejected_by_stage(&self) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            if let State::Rejected { stage, .. } = &entry.state {
                *counts.entry(stage.as_str()).or_default() += 1;
            }
        }
        counts
    }

    /// How many fell for each reason.
    pub(crate) fn rejected_by_reason(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            if let State::Rejected { reason, .. } = &entry.state {
                *counts.entry(reason.code()).or_default() += 1;
            }
        }
        counts
    }

    /// The fallen candidates in slot order.
    pub(crate) fn rejects(&self) -> Vec<Reject> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.state {
                State::Rejected { stage, reason } => Some(Reject {
                    candidate: entry.candidate.clone(),
                    stage: stage.clone(),
                    reason: reason.clone(),
                }),
                State::Pending | State::Accepted => None,
            })
            .collect()
    }
}

fn tell_rejected(cell: Cell, stage: &str, reason: &RejectReason, progress: &dyn Progress) {
    progress.event(&Event::Rejected {
        cell,
        stage: stage.to_owned(),
        code: reason.code(),
    });
}
