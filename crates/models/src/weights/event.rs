//! What a pull tells while it works, for a progress display.

use std::path::PathBuf;
use std::time::Duration;

/// One thing that happened. Texts are for people and hold no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PullEvent {
    /// Another process fetches the same model; this one waits for it.
    WaitingForOther,
    /// A source is asked.
    Trying {
        /// The source.
        source: String,
    },
    /// A source did not have the file.
    Failed {
        /// The source.
        source: String,
        /// Why.
        why: String,
    },
    /// Bytes arrived.
    Received {
        /// Bytes on disk, with those from an earlier try.
        done: u64,
        /// Bytes when complete.
        total: u64,
    },
    /// A request failed and is made again after a wait.
    Retrying {
        /// Why.
        why: String,
        /// The wait.
        wait: Duration,
    },
    /// The weights are taken out of their archive.
    Unpacking,
    /// A file's SHA-256 is computed.
    Checking {
        /// The file.
        path: PathBuf,
    },
}
