//! What a good answer's headers say about the next requests.
//!
//! A server that tells how much is left of its limits is asked no more than that: waiting is cheaper than being
//! turned away. What is left counts from the newest request that was answered, less all that are under way, so
//! it is never more than the server has.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::Ticket;
use crate::remote::retry_after::{
    Counted, LIMITS, reset_wait, server_time, tells_limits, text, used_up,
};

/// How long to send nothing, because a limit on requests or tokens is used up.
pub(super) fn pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if !tells_limits(headers) {
        return None;
    }
    used_up(headers, server_time(headers, now))
}

/// What is left of a server's limits.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    requests: Option<Left>,
    tokens: Option<Left>,
    /// The request whose answer told it.
    told_by: Ticket,
}

/// What is left of one limit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Left {
    count: u64,
    /// All that there is when it is full.
    limit: Option<u64>,
    told_at: Instant,
    full_at: Instant,
}

impl Left {
    /// How long until so many are there. A limit fills evenly as far as anyone can tell; where the server does
    /// not say how large it is, it is there when it is full.
    fn opens_at(&self, needed: u64) -> Instant {
        if self.count >= needed {
            return self.told_at;
        }
        let fills = self.full_at.saturating_duration_since(self.told_at);
        match self.limit {
            Some(limit) if limit > self.count => {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a share of a time, of which nobody sees the sixteenth digit"
                )]
                let share = (needed - self.count) as f64 / (limit - self.count) as f64;
                self.told_at + fills.mul_f64(share.min(1.0))
            }
            _ => self.full_at,
        }
    }
}

impl Allowance {
    /// Takes in what an answer tells. Answers to older requests than the newest one tell nothing new.
    /// `under_way` requests, that can take `tokens` together, may not be counted yet.
    pub(super) fn told(
        &mut self,
        headers: &HeaderMap,
        ticket: Ticket,
        under_way: Sent,
        now: Instant,
        server_now: SystemTime,
    ) {
        if ticket < self.told_by {
            return;
        }
        self.told_by = ticket;
        if !tells_limits(headers) {
            (self.requests, self.tokens) = (None, None);
            return;
        }
        self.requests = left(
            headers,
            Counted::Requests,
            under_way.requests,
            now,
            server_now,
        );
        self.tokens = left(headers, Counted::Tokens, under_way.tokens, now, server_now);
    }

    /// A request was sent that can take so many tokens.
    pub(super) fn sent(&mut self, tokens: u64) {
        for (left, taken) in [(&mut self.requests, 1), (&mut self.tokens, tokens)] {
            if let Some(left) = left {
                left.count = left.count.saturating_sub(taken);
            }
        }
    }

    /// When a request that can take so many tokens may be sent, as far as the limits go; now or earlier where they
    /// leave room for it.
    pub(super) fn opens_at(&self, tokens: u64, now: Instant) -> Instant {
        [(self.requests, 1), (self.tokens, tokens)]
            .into_iter()
            .filter_map(|(left, needed)| {
                left.filter(|left| left.full_at > now)
                    .map(|left| left.opens_at(needed))
            })
            .max()
            .unwrap_or(now)
    }
}

/// What was sent and may not be counted by the server yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Requests.
    pub(super) requests: u64,
    /// The tokens that they can take together.
    pub(super) tokens: u64,
}

/// The scarcest of the limits that count this.
fn left(
    headers: &HeaderMap,
    counted: Counted,
    under_way: u64,
    now: Instant,
    server_now: SystemTime,
) -> Option<Left> {
    let number = |name: &str| text(headers, name)?.parse::<u64>().ok();
    LIMITS
        .iter()
        .filter(|limit| limit.counted == counted)
        .filter_map(|limit| {
            let remaining = number(limit.remaining)?;
            let reset = text(headers, limit.reset)?;
            let wait = reset_wait(reset, server_time(headers, server_now))?;
            Some(Left {
                count: remaining.saturating_sub(under_way),
                limit: number(limit.limit),
                told_at: now,
                full_at: now.checked_add(wait)?,
            })
        })
        .min_by_key(|left| left.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(
        allowance: &mut Allowance,
        ticket: Ticket,
        under_way: u64,
        headers: &[(&'static str, &str)],
    ) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name = reqwest::header::HeaderName::from_static(name);
                (name, value.parse().unwrap())
            })
            .collect();
        let sent = Sent {
            requests: under_way,
            tokens: under_way * 100,
        };
        allowance.told(
            &headers,
            ticket,
            sent,
            Instant::now(),
            SystemTime::UNIX_EPOCH,
        );
    }

    fn wait(allowance: &Allowance, tokens: u64, now: Instant) -> Duration {
        allowance
            .opens_at(tokens, now)
            .saturating_duration_since(now)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_counted_down_and_what_is_under_way_counts() {
        let now = Instant::now();
        let mut allowance = Allowance::default();
        assert_eq!(wait(&allowance, 1, now), Duration::ZERO);
        let headers = [
            ("x-ratelimit-remaining-requests", "5"),
            ("x-ratelimit-reset-requests", "10s"),
        ];
        told(&mut allowance, 7, 3, &headers);
        for _ in 0..2 {
            assert_eq!(wait(&allowance, 1, now), Duration::ZERO);
            allowance.sent(1);
        }
        assert_eq!(wait(&allowance, 1, now), Duration::from_secs(10));
        // An older request's answer comes late, and is too hopeful.
        told(&mut allowance, 6, 0, &headers);
        assert_eq!(wait(&allowance, 1, now), Duration::from_secs(10));
        assert_eq!(
            wait(&allowance, 1, now + Duration::from_secs(10)),
            Duration::ZERO
        );
        // An answer without such headers ends it.
        told(&mut allowance, 8, 0, &[]);
        assert_eq!(wait(&allowance, 1, now), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_come_back_evenly_where_the_whole_limit_is_known() {
        let now = Instant::now();
        let mut allowance = Allowance::default();
        let headers = [
            ("x-ratelimit-limit-tokens", "10000"),
            ("x-ratelimit-remaining-tokens", "2000"),
            ("x-ratelimit-reset-tokens", "8s"),
        ];
        told(&mut allowance, 1, 5, &headers);
        assert_eq!(wait(&allowance, 1_500, now), Duration::ZERO);
        // 8,500 more until it is full take 8 s.
        assert_eq!(wait(&allowance, 10_000, now), Duration::from_secs(8));
        assert_eq!(
            wait(&allowance, 1_000_000, now),
            Duration::from_secs(8),
            "it can have no more"
        );
        let part = wait(&allowance, 5_750, now);
        assert!(
            part.abs_diff(Duration::from_secs(4)) < Duration::from_millis(1),
            "{part:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_scarcest_limit_counts() {
        let now = Instant::now();
        let mut allowance = Allowance::default();
        told(
            &mut allowance,
            1,
            0,
            &[
                ("anthropic-ratelimit-input-tokens-remaining", "9000"),
                (
                    "anthropic-ratelimit-input-tokens-reset",
                    "1970-01-01T00:00:20Z",
                ),
                ("anthropic-ratelimit-output-tokens-remaining", "400"),
                (
                    "anthropic-ratelimit-output-tokens-reset",
                    "1970-01-01T00:00:05Z",
                ),
            ],
        );
        assert_eq!(wait(&allowance, 400, now), Duration::ZERO);
        assert_eq!(wait(&allowance, 401, now), Duration::from_secs(5));
    }
}
