//! The one stream of chance of this crate: numbers that a seed decides, the same on every machine.

use evalwright_core::Seed;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Random numbers from a seed.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed.0))
    }

    /// A number in [0, 1), a multiple of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * SCALE
    }

    /// A number below `limit`, each equally likely: the high half of a 128-bit product, drawn again where the
    /// low half shows that the value would be favoured (Lemire 2019, ACM Transactions on Modeling and Computer
    /// Simulation 29: 3). 0 for a limit of 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = limit as u64;
        if limit == 0 {
            return 0;
        }
        let favoured = limit.wrapping_neg() % limit;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(limit);
            if product as u64 >= favoured {
                return (product >> 64) as usize;
            }
        }
    }

    /// Every order equally likely (Durstenfeld 1964, Communications of the ACM 7: 420).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last + 1);
            items.swap(last, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even() {
        let mut stream = Stream::new(Seed(3));
        let mut counts = [0_u32; 3];
        for _ in 0..30_000 {
            counts[stream.below(3)] += 1;
        }
        // Three standard deviations of a count of 30,000 at one third are 245.
        assert!(
            counts.iter().all(|count| count.abs_diff(10_000) < 300),
            "{counts:?}"
        );
        let mean = (0..30_000).map(|_| stream.unit()).sum::<f64>() / 30_000.0;
        assert!((mean - 0.5).abs() < 0.006, "{mean}");
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut stream = Stream::new(Seed(4));
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..12_000 {
            let mut items = [1, 2, 3];
            stream.shuffle(&mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // Four standard deviations of a count of 12,000 at one sixth are 163.
        assert!(
            counts.values().all(|count| count.abs_diff(2000) < 170),
            "{counts:?}"
        );
    }
}
