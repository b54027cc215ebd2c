//! Ends the work on a server that fails again and again, so that no run spins on a dead one.

use super::Ticket;

/// So many failures one after the other make a server sick.
const FAILURES: u32 = 10;

/// Counts failures without a success between them. Those under way together count once: one hiccup of a
/// server with 200 requests is one hiccup.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Requests up to this one were sent before the last failure that counted.
    counted_at: Ticket,
    last: String,
}

impl Breaker {
    pub(super) fn is_open(&self) -> bool {
        self.failures >= FAILURES
    }

    /// What went wrong last.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// `last` is the last request that was sent.
    pub(super) fn failed(&mut self, ticket: Ticket, last: Ticket, detail: &str) {
        if ticket <= self.counted_at {
            return;
        }
        self.counted_at = last;
        self.failures = self.failures.saturating_add(1);
        detail.clone_into(&mut self.last);
    }
}
