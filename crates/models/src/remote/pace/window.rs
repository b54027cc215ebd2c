//! How many requests may be under way: more while answers come, fewer when the server says it is too much.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain 1989), with doubling until the first sign of
//! too much. It stays between 1 and the user's limit.

use super::Ticket;

/// Requests that may be under way.
#[derive(Debug)]
pub(super) struct Window {
    size: f64,
    most: f64,
    /// No sign of too much so far: every full round doubles.
    is_finding: bool,
    /// Requests up to this one were sent before the last decrease and say nothing new.
    decreased_at: Ticket,
}

impl Window {
    /// `first` is at least 1 and at most `most`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "connections are far fewer than 2^52"
    )]
    pub(super) fn new(first: usize, most: usize) -> Self {
        let most = most.max(1) as f64;
        Self {
            size: (first as f64).clamp(1.0, most),
            most,
            is_finding: true,
            decreased_at: 0,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of connections"
    )]
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// A good answer came while so many were under way, itself included. A window that is not full says
    /// nothing about what the server can carry.
    pub(super) fn succeeded(&mut self, under_way: usize) {
        if under_way < self.size() {
            return;
        }
        let step = if self.is_finding {
            1.0
        } else {
            1.0 / self.size
        };
        self.size = (self.size + step).min(self.most);
    }

    /// The server says that it is asked too much. Of the requests that were under way together only the
    /// first one to say so counts. `last` is the last request that was sent.
    pub(super) fn throttled(&mut self, ticket: Ticket, last: Ticket) {
        if ticket <= self.decreased_at {
            return;
        }
        self.decreased_at = last;
        self.is_finding = false;
        self.size = (self.size / 2.0).max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_a_round_until_the_first_sign_and_then_grows_by_one() {
        let mut window = Window::new(8, 256);
        for round in [16, 32, 64] {
            for _ in 0..window.size() {
                window.succeeded(window.size());
            }
            assert_eq!(window.size(), round);
        }
        window.throttled(70, 100);
        assert_eq!(window.size(), 32);
        window.throttled(99, 120);
        assert_eq!(window.size(), 32, "it was sent before the decrease");
        for _ in 0..33 {
            window.succeeded(window.size());
        }
        assert_eq!(window.size(), 33);
        window.throttled(121, 140);
        assert_eq!(window.size(), 16);
    }

    #[test]
    fn it_stays_within_its_ends() {
        let mut window = Window::new(0, 4);
        assert_eq!(window.size(), 1);
        for _ in 0..100 {
            window.succeeded(window.size());
        }
        assert_eq!(window.size(), 4);
        for ticket in 1..50 {
            window.throttled(ticket * 10, ticket * 10);
        }
        assert_eq!(window.size(), 1);
        window.succeeded(0);
        assert_eq!(window.size(), 1, "an idle window does not grow");
    }
}
