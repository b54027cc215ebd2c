//! Seeded draws. The stream is ChaCha8 with the seed as its key, so a draw is the same on every machine
//! and does not change with a release of a random number library.

use evalwright_core::Seed;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of draws for one purpose.
#[derive(Debug)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of a seed: the key is the seed's eight bytes (little-endian), then zeros.
    pub(crate) fn new(seed: Seed) -> Self {
        let mut key = [0_u8; 32];
        for (place, byte) in key.iter_mut().zip(seed.0.to_le_bytes()) {
            *place = byte;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number from 0 to `bound - 1`, each equally likely; 0 when `bound` is 0.
    fn below(&mut self, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        // Numbers beyond the last whole multiple of the bound would favour small remainders.
        let beyond = (u64::MAX % bound + 1) % bound;
        loop {
            let number = self.0.next_u64();
            if number <= u64::MAX - beyond {
                return number % bound;
            }
        }
    }

    /// A number from 0 on and below 1, in steps of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts the items in a random order, each order equally likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u64::try_from(last).map_or(u64::MAX, |last| last + 1);
            let other = usize::try_from(self.below(bound)).unwrap_or(last);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_shuffle_repeats_exactly_and_follows_its_seed() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..50).collect();
            Draw::new(Seed(seed)).shuffle(&mut items);
            items
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn every_order_of_three_is_about_equally_likely() {
        let mut draw = Draw::new(Seed(3));
        let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for _ in 0..6000 {
            let mut items = vec![1, 2, 3];
            draw.shuffle(&mut items);
            *seen.entry(items).or_default() += 1;
        }
        assert_eq!(seen.len(), 6);
        // Expected 1,000 each, standard deviation 29: six of them.
        assert!(
            seen.values().all(|count| (826..=1174).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn bounds_are_kept() {
        let mut draw = Draw::new(Seed(9));
        for bound in [0, 1, 2, 3, 7, u64::MAX] {
            for _ in 0..100 {
                assert!(draw.below(bound) < bound.max(1));
            }
        }
    }
}
