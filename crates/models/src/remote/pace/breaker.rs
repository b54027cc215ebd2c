//! Ends the work on a server that fails again and again, so that no run spins on a dead one.

use std::collections::HashSet;

use evalwright_core::Seed;

use super::Ticket;

/// So many failures one after the other make a server sick.
const FAILURES: u32 = 10;

/// And so many different requests. A few that a server cannot answer would otherwise look like a sick one
/// when they are all that is left, in this run and in the next.
const REQUESTS: usize = 4;

/// Counts failures without a success between them. Those under way together count once: one hiccup of a
/// server with 200 requests is one hiccup.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// The requests that failed; more than are needed are not kept.
    requests: HashSet<Seed>,
    /// Requests up to this one were sent before the last failure that counted.
    counted_at: Ticket,
    last: String,
}

impl Breaker {
    pub(super) fn is_open(&self) -> bool {
        self.failures >= FAILURES && self.requests.len() >= REQUESTS
    }

    /// Whether nothing went wrong since the last success.
    pub(super) fn is_quiet(&self) -> bool {
        self.failures == 0
    }

    /// What went wrong last.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.requests.clear();
    }

    /// `last` is the last request that was sent.
    pub(super) fn failed(&mut self, request: Seed, ticket: Ticket, last: Ticket, detail: &str) {
        if self.requests.len() < REQUESTS {
            self.requests.insert(request);
        }
        if ticket <= self.counted_at {
            return;
        }
        self.counted_at = last;
        self.failures = self.failures.saturating_add(1);
        detail.clone_into(&mut self.last);
    }
}
