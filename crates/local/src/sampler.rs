//! Drawing one token: temperature, nucleus, one uniform number from the slot's own stream.

use evalwright_core::{Sampling, Seed};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::arithmetic::{exponential, largest};
use crate::logits::{NonFiniteLogits, log_sum_exp};

/// The stream of draws of one slot.
pub(crate) struct Sampler {
    stream: ChaCha8Rng,
    temperature: f64,
    top_p: f64,
}

impl Sampler {
    pub(crate) fn new(seed: Seed, sampling: &Sampling) -> Self {
        Self {
            stream: ChaCha8Rng::seed_from_u64(seed.0),
            temperature: sampling.temperature,
            top_p: sampling.top_p,
        }
    }

    /// Draws a token: the likeliest for temperature 0 (ties: the lowest id), else from the nucleus
    /// (Holtzman et al. 2020): the smallest set of likeliest tokens whose mass reaches `top_p`; ties in
    /// probability are ordered by id.
    pub(crate) fn draw(&mut self, logits: &[f32]) -> Result<u32, NonFiniteLogits> {
        // Checks for NaN and +∞ before any comparison could step over them.
        log_sum_exp(logits)?;
        if self.temperature <= 0.0 {
            let mut best = 0;
            for (index, logit) in logits.iter().enumerate() {
                if *logit > logits[best] {
                    best = index;
                }
            }
            return u32::try_from(best).map_err(|_| NonFiniteLogits);
        }
        let uniform = (self.stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let scale = (1.0 / self.temperature) as f32;
        let top_p = self.top_p;
        let nucleus = pulp::Arch::new().dispatch(
            #[inline(always)]
            || nucleus(logits, scale, top_p),
        );
        let mass: f64 = nucleus.iter().map(|(weight, _)| f64::from(*weight)).sum();
        let target = uniform * mass;
        let mut reached = 0.0;
        for (weight, token) in &nucleus {
            reached += f64::from(*weight);
            if target < reached {
                return Ok(*token);
            }
        }
        nucleus
            .last()
            .map(|(_, token)| *token)
            .ok_or(NonFiniteLogits)
    }
}

/// The nucleus: unnormalised weights, likeliest first.
#[inline(always)]
fn nucleus(logits: &[f32], scale: f32, top_p: f64) -> Vec<(f32, u32)> {
    let most = largest(logits);
    let weights: Vec<f32> = logits
        .iter()
        .map(|logit| exponential((logit - most) * scale))
        .collect();
    let total: f64 = weights
        .chunks(256)
        .map(|part| f64::from(part.iter().sum::<f32>()))
        .sum();
    // Tokens below this cannot be in the nucleus: all of them together hold at most 1 − top_p of the mass.
    let least = ((1.0 - top_p).max(0.0) * total / logits.len() as f64) as f32;
    let mut likely: Vec<(f32, u32)> = weights
        .iter()
        .copied()
        .zip(0_u32..)
        .filter(|(weight, _)| *weight > 0.0 && *weight >= least)
        .collect();
    likely.sort_unstable_by(|(left, left_id), (right, right_id)| {
        right.total_cmp(left).then(left_id.cmp(right_id))
    });
    let wanted = top_p * total;
    let mut reached = 0.0;
    let mut kept = likely.len();
    for (index, (weight, _)) in likely.iter().enumerate() {
        reached += f64::from(*weight);
        if reached >= wanted {
            kept = index + 1;
            break;
        }
    }
    likely.truncate(kept.max(1));
    likely
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampling(temperature: f64, top_p: f64) -> Sampling {
        Sampling {
            temperature,
            top_p,
            max_tokens: 1,
            stop: Vec::new(),
        }
    }

    #[test]
    fn draws_follow_the_distribution() {
        let probabilities = [0.5_f64, 0.3, 0.15, 0.05];
        let logits: Vec<f32> = probabilities.iter().map(|p| p.ln() as f32).collect();
        let mut counts = [0_u32; 4];
        for seed in 0..20_000 {
            let token = Sampler::new(Seed(seed), &sampling(1.0, 1.0))
                .draw(&logits)
                .unwrap();
            counts[token as usize] += 1;
        }
        for (count, p) in counts.iter().zip(probabilities) {
            // Four standard errors of 20,000 draws.
            assert!(
                (f64::from(*count) / 20_000.0 - p).abs() < 4.0 * (p * (1.0 - p) / 20_000.0).sqrt()
            );
        }
    }

    #[test]
    fn the_nucleus_is_the_smallest_set_that_reaches_the_mass() {
        let logits: Vec<f32> = [0.5_f64, 0.3, 0.15, 0.05]
            .iter()
            .map(|p| p.ln() as f32)
            .collect();
        let ids = |top_p| {
            nucleus(&logits, 1.0, top_p)
                .iter()
                .map(|(_, id)| *id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(0.4), [0]);
        assert_eq!(ids(0.6), [0, 1]);
        assert_eq!(ids(0.94), [0, 1, 2]);
        assert_eq!(ids(1.0), [0, 1, 2, 3]);
    }

    #[test]
    fn temperature_zero_takes_the_likeliest_and_nan_is_an_error() {
        let mut sampler = Sampler::new(Seed(1), &sampling(0.0, 1.0));
        assert_eq!(sampler.draw(&[0.1, 3.0, 3.0, 2.0]), Ok(1));
        assert_eq!(sampler.draw(&[0.1, f32::NAN]), Err(NonFiniteLogits));
        assert_eq!(
            Sampler::new(Seed(1), &sampling(1.0, 0.9)).draw(&[f32::NAN; 8]),
            Err(NonFiniteLogits)
        );
    }

    proptest! {
        #[test]
        fn the_same_seed_draws_the_same(seed in any::<u64>(), logits in prop::collection::vec(-20.0_f32..20.0, 1..300)) {
            let one = Sampler::new(Seed(seed), &sampling(1.4, 0.975)).draw(&logits);
            let two = Sampler::new(Seed(seed), &sampling(1.4, 0.975)).draw(&logits);
            prop_assert_eq!(one, two);
            prop_assert!((one.unwrap() as usize) < logits.len());
        }
    }
}
