//! What can go wrong with one request to a server, and what follows from it.
//!
//! Every layer below the retry loop ends in one of these four; nothing else is retried anywhere.

use std::time::Duration;

use evalwright_core::{SlotFailure, StopReason};

/// What follows from a request that brought no good answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trouble {
    /// Passing: ask again, not before `wait` where the server says so, and never keep what came.
    Retry {
        /// The least wait that the server asked for.
        wait: Option<Duration>,
        /// The server says that it is asked too much: fewer connections from now on.
        throttled: bool,
        /// A sentence for the log: status, the server's words, the request's id. No secret.
        detail: String,
    },
    /// Odd but it happens: ask again a few times, then this one request has failed.
    FailAfterRetries(SlotFailure),
    /// This one request has failed; asking again would bring the same.
    Fail(SlotFailure),
    /// No request can succeed.
    Stop {
        /// Why.
        reason: StopReason,
        /// A sentence with what to do. No secret.
        cause: String,
    },
}
