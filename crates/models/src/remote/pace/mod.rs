//! How many requests a server gets at a time, when it gets none, and when it counts as sick.
//!
//! Pure state; time comes in as a parameter.

mod breaker;
mod limits;
mod window;

use std::time::Duration;

use evalwright_core::Seed;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use breaker::Breaker;
use limits::{Allowance, Sent, pause};
use window::Window;

use super::trouble::Trouble;

/// Number of a request in the order of sending; ties an outcome to what was known when it was sent.
pub(super) type Ticket = u64;

/// A server that says that it is asked too much is not sick, unless it lets nothing through for longer than
/// this: most limits are filled again every minute.
const BUSY_AT_MOST: Duration = Duration::from_secs(60);

/// What a server has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Its last answer was a good one, or none came yet.
    pub(super) is_well: bool,
    /// Requests that may be sent now.
    pub(super) free: usize,
    /// Requests under way.
    under_way: usize,
}

impl Room {
    /// The room when others are asked as well. A server in doubt fails fast and so looks free: while another
    /// one is well, it is asked one request at a time.
    pub(super) fn beside(mut self, one_is_well: bool) -> Self {
        if one_is_well && !self.is_well {
            self.free = self.free.min(1_usize.saturating_sub(self.under_way));
        }
        self
    }
}

/// The state of one server for one model.
#[derive(Debug)]
pub(super) struct Pace {
    window: Window,
    breaker: Breaker,
    /// What the server's limits leave.
    allowance: Allowance,
    /// Nothing is sent before this.
    closed_until: Option<Instant>,
    /// When it first said that it is asked too much, since its last good answer.
    throttled_since: Option<Instant>,
    under_way: usize,
    /// The tokens that the requests under way can take.
    tokens: u64,
    next: Ticket,
}

impl Pace {
    pub(super) fn new(first: usize, most: usize) -> Self {
        Self {
            window: Window::new(first, most),
            breaker: Breaker::default(),
            allowance: Allowance::default(),
            closed_until: None,
            throttled_since: None,
            under_way: 0,
            tokens: 0,
            next: 0,
        }
    }

    /// Whether the server is sick: too many failures one after the other.
    pub(super) fn is_sick(&self) -> bool {
        self.breaker.is_open()
    }

    /// The trouble that made it sick.
    pub(super) fn sickness(&self) -> &str {
        self.breaker.last()
    }

    /// What there is room for now, for requests that can take so many tokens: nothing at a sick server, while it
    /// has asked for a pause, or where its limits leave nothing.
    pub(super) fn room(&self, tokens: u64, now: Instant) -> Room {
        let is_closed = self.is_sick() || !self.opens_in(tokens, now).is_zero();
        Room {
            is_well: self.breaker.is_quiet(),
            free: if is_closed {
                0
            } else {
                self.window.size().saturating_sub(self.under_way)
            },
            under_way: self.under_way,
        }
    }

    /// How long until the pause that the server has asked for is over, and its limits leave room for a request that
    /// can take so many tokens. The answers under way may open it sooner.
    pub(super) fn opens_in(&self, tokens: u64, now: Instant) -> Duration {
        let opens_at = self.allowance.opens_at(tokens, now);
        let opens_at = self
            .closed_until
            .map_or(opens_at, |until| until.max(opens_at));
        opens_at.saturating_duration_since(now)
    }

    /// Whether requests are under way.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way > 0
    }

    /// Takes a place for a request that can take so many tokens, if one is free.
    pub(super) fn begin(&mut self, tokens: u64, now: Instant) -> Option<Ticket> {
        (self.room(tokens, now).free > 0).then(|| {
            self.under_way += 1;
            self.tokens = self.tokens.saturating_add(tokens);
            self.allowance.sent(tokens);
            self.next += 1;
            self.window.sent(self.next, self.under_way);
            self.next
        })
    }

    /// Gives back the place of a request that could take so many tokens.
    pub(super) fn give_back(&mut self, tokens: u64) {
        self.under_way = self.under_way.saturating_sub(1);
        self.tokens = self.tokens.saturating_sub(tokens);
    }

    /// A good answer came to a request that could take so many tokens.
    pub(super) fn succeeded(
        &mut self,
        ticket: Ticket,
        tokens: u64,
        headers: &HeaderMap,
        now: Instant,
        server_now: std::time::SystemTime,
    ) {
        self.window.succeeded(ticket);
        self.is_there();
        self.give_back(tokens);
        let under_way = Sent {
            requests: u64::try_from(self.under_way).unwrap_or(u64::MAX),
            tokens: self.tokens,
        };
        self.allowance
            .told(headers, ticket, under_way, now, server_now);
        self.close_for(pause(headers, server_now), now);
    }

    /// No good answer came to a request that could take so many tokens.
    pub(super) fn failed(
        &mut self,
        request: Seed,
        ticket: Ticket,
        tokens: u64,
        trouble: &Trouble,
        now: Instant,
    ) {
        self.give_back(tokens);
        if let Trouble::Retry {
            wait,
            throttled,
            detail,
        } = trouble
        {
            if *throttled {
                self.window.throttled(ticket, self.next);
                self.close_for(*wait, now);
                let since = *self.throttled_since.get_or_insert(now);
                if now.saturating_duration_since(since) < BUSY_AT_MOST {
                    return;
                }
            }
            self.breaker.failed(request, ticket, self.next, detail);
        } else {
            // An answer, even one that refuses this request, shows that the server is there.
            self.is_there();
        }
    }

    fn is_there(&mut self) {
        self.breaker.succeeded();
        self.throttled_since = None;
    }

    fn close_for(&mut self, wait: Option<Duration>, now: Instant) {
        let Some(until) = wait.and_then(|wait| now.checked_add(wait)) else {
            return;
        };
        if self.closed_until.is_none_or(|closed| closed < until) {
            self.closed_until = Some(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(throttled: bool, wait: Option<u64>) -> Trouble {
        Trouble::Retry {
            wait: wait.map(Duration::from_secs),
            throttled,
            detail: "status 503".to_owned(),
        }
    }

    #[test]
    fn a_pause_that_the_server_asks_for_holds_for_all_requests() {
        let now = Instant::now();
        let mut pace = Pace::new(4, 8);
        let ticket = pace.begin(1, now).unwrap();
        assert_eq!(pace.room(1, now).free, 3);
        pace.failed(Seed(ticket), ticket, 1, &trouble(true, Some(30)), now);
        assert_eq!(pace.room(1, now).free, 0);
        assert_eq!(pace.opens_in(1, now), Duration::from_secs(30));
        assert_eq!(
            pace.room(1, now + Duration::from_secs(31)).free,
            2,
            "and half the connections"
        );
    }

    #[test]
    fn a_used_up_limit_closes_before_the_next_request_runs_into_it() {
        let now = Instant::now();
        let mut pace = Pace::new(4, 8);
        let ticket = pace.begin(1, now).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining-requests", "0".parse().unwrap());
        headers.insert("x-ratelimit-reset-requests", "20ms".parse().unwrap());
        pace.succeeded(ticket, 1, &headers, now, std::time::SystemTime::UNIX_EPOCH);
        assert_eq!(pace.opens_in(1, now), Duration::from_millis(20));
    }

    #[test]
    fn failures_one_after_the_other_make_a_server_sick_and_one_good_answer_heals_it() {
        let now = Instant::now();
        let mut pace = Pace::new(4, 8);
        for _ in 0..9 {
            let ticket = pace.begin(1, now).unwrap();
            pace.failed(Seed(ticket), ticket, 1, &trouble(false, None), now);
        }
        assert!(!pace.is_sick());
        let ticket = pace.begin(1, now).unwrap();
        pace.succeeded(
            ticket,
            1,
            &HeaderMap::new(),
            now,
            std::time::SystemTime::UNIX_EPOCH,
        );
        for _ in 0..10 {
            let ticket = pace.begin(1, now).unwrap();
            pace.failed(Seed(ticket), ticket, 1, &trouble(false, None), now);
        }
        assert!(pace.is_sick());
        assert_eq!(pace.sickness(), "status 503");
    }

    #[test]
    fn a_server_that_throttles_is_sick_only_when_it_does_so_for_long() {
        let mut now = Instant::now();
        let mut pace = Pace::new(8, 8);
        let mut fail = |now| {
            let ticket = pace.begin(1, now).unwrap();
            pace.failed(Seed(ticket), ticket, 1, &trouble(true, None), now);
            pace.is_sick()
        };
        assert!(!(0..100).any(|_| fail(now)));
        now += BUSY_AT_MOST;
        assert!(!(0..9).any(|_| fail(now)));
        assert!(fail(now));
    }

    #[test]
    fn a_good_answer_ends_the_time_of_throttling() {
        let mut now = Instant::now();
        let mut pace = Pace::new(8, 8);
        for _ in 0..100 {
            let ticket = pace.begin(1, now).unwrap();
            pace.failed(Seed(ticket), ticket, 1, &trouble(true, None), now);
            now += Duration::from_secs(50);
            let ticket = pace.begin(1, now).unwrap();
            pace.succeeded(
                ticket,
                1,
                &HeaderMap::new(),
                now,
                std::time::SystemTime::UNIX_EPOCH,
            );
        }
        assert!(!pace.is_sick());
    }

    #[test]
    fn a_few_requests_that_always_fail_make_no_server_sick() {
        let now = Instant::now();
        let mut pace = Pace::new(4, 8);
        for round in 0..100 {
            let ticket = pace.begin(1, now).unwrap();
            pace.failed(Seed(round % 3), ticket, 1, &trouble(false, None), now);
        }
        assert!(!pace.is_sick());
        let ticket = pace.begin(1, now).unwrap();
        pace.failed(Seed(3), ticket, 1, &trouble(false, None), now);
        assert!(pace.is_sick());
    }

    #[test]
    fn what_fails_together_counts_once() {
        let now = Instant::now();
        let mut pace = Pace::new(200, 256);
        let tickets: Vec<_> = (0..200).map(|_| pace.begin(1, now).unwrap()).collect();
        for ticket in tickets {
            pace.failed(Seed(ticket), ticket, 1, &trouble(false, None), now);
        }
        assert!(!pace.is_sick());
    }
}
