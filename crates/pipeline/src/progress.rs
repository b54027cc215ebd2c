//! What a run tells while it goes: events for a progress bar, and the counts that tests check.
//!
//! Events are for watching. Nothing in an outcome depends on them, and those of one batch may come from
//! any thread in any order.

use evalwright_core::{Cell, TokenUsage};

use crate::ledger::Tally;

/// Which kind of model call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallKind {
    /// A model writes a text.
    Sample,
    /// A model scores continuations.
    Score,
}

impl CallKind {
    /// `sample` or `score`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Score => "score",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A wave goes out.
    WaveStarted {
        /// Counts from 1.
        wave: u32,
        /// Its slots.
        slots: u64,
    },
    /// A batch of calls was looked up in the store.
    Batch {
        /// Which kind.
        call: CallKind,
        /// The model's name.
        model: String,
        /// Distinct requests whose reply was there.
        from_store: u64,
        /// Distinct requests that go to the model.
        to_send: u64,
    },
    /// A reply is there, and durable.
    Reply {
        /// Which kind.
        call: CallKind,
        /// Whether it was in the store before.
        from_store: bool,
        /// Tokens read and written; nothing when the model could not answer.
        usage: TokenUsage,
    },
    /// Another run that uses the same store kept other replies to the same requests first: those are used here too.
    FirstKept {
        /// Which kind.
        call: CallKind,
        /// Replies of this run that are not used.
        replies: u64,
    },
    /// A candidate passed every filter of its wave; whether it becomes a row is settled at the end.
    Passed {
        /// Its cell.
        cell: Cell,
    },
    /// A candidate fell.
    Rejected {
        /// Its cell.
        cell: Cell,
        /// Where.
        stage: String,
        /// The reason's code.
        code: String,
    },
    /// A stage is through with the candidates of a wave (or, after the last wave, with all of them).
    StageDone {
        /// The stage.
        stage: String,
        /// Candidates that came in.
        received: u64,
        /// Candidates that went on.
        passed: u64,
    },
    /// A wave is through.
    WaveDone {
        /// Counts from 1.
        wave: u32,
        /// How all candidates so far stand.
        tally: Tally,
        /// Per cell: candidates that would still stand if no further wave came.
        survivors: Vec<(Cell, u64)>,
    },
    /// The rows are chosen.
    Finished {
        /// How all candidates stand: none is pending.
        tally: Tally,
    },
}

/// Receives events.
pub trait Progress: Sync {
    /// Called for each event, possibly from several threads at once; it should return quickly.
    fn event(&self, event: &Event);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: &Event) {}
}
