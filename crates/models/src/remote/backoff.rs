//! How long to wait before a request is sent again.
//!
//! Invariant: never earlier than the server asked. What is drawn only adds to its wait, so that clients
//! who failed together do not come back together.

use std::time::Duration;

use evalwright_core::Seed;

/// Waits before a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The least wait.
    pub least: Duration,
    /// The range that the wait after the first failure is drawn from, doubled after each further one.
    /// Four seconds hold a herd down: of clients that fail at the same moment, 2.5 % come back in any
    /// tenth of a second.
    pub first_range: Duration,
    /// The longest wait of our own. A server's wait may be longer.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            least: Duration::from_millis(100),
            first_range: Duration::from_secs(4),
            longest: Duration::from_secs(60),
        }
    }
}

/// The least range that is added to a server's wait.
const LEAST_ADDED: Duration = Duration::from_millis(2400);

impl Backoff {
    /// The wait after the `failed`-th failure (from 1) of the request that `seed` belongs to. The same
    /// arguments give the same wait.
    ///
    /// Without a server's wish it lies between `least` and the range of this failure, evenly. With one it
    /// lies at most a quarter above it, or 2.4 s (the first range, where that is shorter) where that is more.
    #[must_use]
    pub fn wait(&self, seed: Seed, failed: u32, asked: Option<Duration>) -> Duration {
        let share = seed.derive(&format!("wait after failure {failed}")).0;
        match asked {
            None => {
                let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
                let range = self.first_range.saturating_mul(doubled).min(self.longest);
                let above = range.saturating_sub(self.least);
                self.least.saturating_add(part(above, share))
            }
            Some(asked) => {
                let least = LEAST_ADDED.min(self.first_range);
                let range = (asked / 4).clamp(least, self.longest.max(least));
                asked.saturating_add(part(range, share))
            }
        }
    }
}

/// `range · share / 2^64`, in whole nanoseconds, rounded down.
fn part(range: Duration, share: u64) -> Duration {
    // A range of at most 2^64 nanoseconds (584 years) times a share of 64 bits fits.
    let nanoseconds = range.as_nanos().min(u128::from(u64::MAX));
    let part = (nanoseconds * u128::from(share)) >> 64;
    Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_herd_spreads_out() {
        let backoff = Backoff::default();
        for failed in 1..=3 {
            let mut waits: Vec<u128> = (0..1000)
                .map(|client| backoff.wait(Seed(client), failed, None).as_millis())
                .collect();
            waits.sort_unstable();
            // A window that begins at any of the retries; the fullest one begins at one of them.
            let fullest = (0..waits.len())
                .map(|first| waits.partition_point(|wait| *wait < waits[first] + 100) - first)
                .max()
                .unwrap();
            assert!(
                fullest <= 50,
                "{fullest} of 1000 within 100 ms after failure {failed}"
            );
        }
    }

    #[test]
    fn waits_grow_to_their_limit_and_repeat_exactly() {
        let backoff = Backoff::default();
        let longest = |failed| {
            (0..500)
                .map(|seed| backoff.wait(Seed(seed), failed, None))
                .max()
                .unwrap()
        };
        assert!(longest(1) <= Duration::from_secs(4));
        assert!(longest(2) > Duration::from_secs(7));
        assert!(longest(40) > Duration::from_secs(59) && longest(40) <= Duration::from_secs(60));
        assert_eq!(
            backoff.wait(Seed(7), 2, None),
            backoff.wait(Seed(7), 2, None)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn never_earlier_than_asked(
            seed in any::<u64>(), failed in any::<u32>(), seconds in any::<u64>(), nanos in 0..1_000_000_000_u32
        ) {
            let asked = Duration::new(seconds, nanos);
            prop_assert!(Backoff::default().wait(Seed(seed), failed, Some(asked)) >= asked);
            let own = Backoff::default().wait(Seed(seed), failed, None);
            prop_assert!(own >= Duration::from_millis(100) && own <= Duration::from_secs(60));
        }
    }
}
