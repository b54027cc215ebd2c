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
    /// The last request that found the window full, or filled it.
    filled_at: Ticket,
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
            filled_at: 0,
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

    /// A request was sent, and so many are under way, itself included.
    pub(super) fn sent(&mut self, ticket: Ticket, under_way: usize) {
        if under_way >= self.size() {
            self.filled_at = ticket;
        }
    }

    /// A good answer came to a request. A window that was never full while it was under way says nothing
    /// about what the server can carry. What is under way now does not count: answers that come together
    /// would leave the window empty before the next requests are sent, and only the first would open it.
    pub(super) fn succeeded(&mut self, ticket: Ticket) {
        if ticket > self.filled_at {
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

    /// Fills the window, and then every request is answered.
    fn full_round(window: &mut Window, next: &mut Ticket) {
        let first = *next + 1;
        for under_way in 1..=window.size() {
            *next += 1;
            window.sent(*next, under_way);
        }
        for ticket in first..=*next {
            window.succeeded(ticket);
        }
    }

    #[test]
    fn it_doubles_a_round_until_the_first_sign_and_then_grows_by_one() {
        let mut window = Window::new(8, 256);
        let mut next = 0;
        for round in [16, 32, 64] {
            full_round(&mut window, &mut next);
            assert_eq!(window.size(), round);
        }
        let last = next + 30;
        window.throttled(next + 10, last);
        assert_eq!(window.size(), 32);
        window.throttled(last - 1, last + 20);
        assert_eq!(window.size(), 32, "it was sent before the decrease");
        next = last;
        // A round falls a little short of a whole step, for it is shared among more and more requests.
        full_round(&mut window, &mut next);
        assert_eq!(window.size(), 32);
        full_round(&mut window, &mut next);
        assert_eq!(window.size(), 33);
        window.throttled(next + 1, next + 1);
        assert_eq!(window.size(), 16);
    }

    #[test]
    fn answers_that_come_together_open_it_as_those_that_come_one_by_one() {
        let mut together = Window::new(8, 256);
        full_round(&mut together, &mut 0);
        let mut singly = Window::new(8, 256);
        for ticket in 1..=8 {
            singly.sent(ticket, singly.size());
            singly.succeeded(ticket);
        }
        assert_eq!((together.size(), singly.size()), (16, 16));
    }

    #[test]
    fn it_stays_within_its_ends() {
        let mut window = Window::new(0, 4);
        assert_eq!(window.size(), 1);
        for ticket in 1..100 {
            window.sent(ticket, 4);
            window.succeeded(ticket);
        }
        assert_eq!(window.size(), 4);
        for ticket in 100..150 {
            window.throttled(ticket, ticket);
        }
        assert_eq!(window.size(), 1);
    }

    #[test]
    fn a_window_that_is_not_full_does_not_grow() {
        let mut window = Window::new(8, 256);
        for ticket in 1..100 {
            window.sent(ticket, 7);
            window.succeeded(ticket);
        }
        assert_eq!(window.size(), 8);
    }
}
