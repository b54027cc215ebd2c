//! The small loops of the encoder, written so that the compiler turns them into wide instructions.
//!
//! Invariant: as in `arithmetic`: the same bits whatever the instruction set, the pass and the thread. Sums run
//! in a fixed number of lanes or in the order of their terms; products and sums are never fused. Everything
//! is `inline(always)` because it is compiled once per instruction set inside `pulp::Arch::dispatch`.

use super::weights::{HEAD, HIDDEN};
use crate::arithmetic::{LANES, exponential, join, softmax};

/// Numbers of one token's queries, keys and values together.
pub(super) const PROJECTED: usize = 3 * HIDDEN;

/// The sum of numbers.
#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += block[lane];
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    join(lanes)
}

/// Layer normalisation (Ba, Kiros and Hinton 2016, eq. 3 and 4) of one token, in place. The variance is the mean
/// square from the mean.
#[inline(always)]
pub(super) fn normalise_layer(values: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
    let count = values.len() as f32;
    let mean = sum(values) / count;
    for value in values.iter_mut() {
        *value -= mean;
    }
    let mut lanes = [0.0_f32; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += block[lane] * block[lane];
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value * value;
    }
    let scale = 1.0 / (join(lanes) / count + epsilon).sqrt();
    for ((value, g), s) in values.iter_mut().zip(gain).zip(shift) {
        *value = *value * scale * g + s;
    }
}

/// The Gaussian error function, to 4e-7. Abramowitz and Stegun 1964, 7.1.26 (1.5e-7 in exact arithmetic).
#[inline(always)]
fn error_function(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let mut polynomial = 1.061_405_4_f32;
    polynomial = polynomial * t - 1.453_152_1;
    polynomial = polynomial * t + 1.421_413_8;
    polynomial = polynomial * t - 0.284_496_74;
    polynomial = polynomial * t + 0.254_829_6;
    let value = 1.0 - polynomial * t * exponential(-(size * size));
    value.copysign(x)
}

/// GELU (Hendrycks and Gimpel 2016) of numbers with a bias: `x/2 · (1 + erf(x/√2))`, in place.
#[inline(always)]
pub(super) fn gelu(values: &mut [f32], bias: &[f32]) {
    for (value, b) in values.iter_mut().zip(bias) {
        let x = *value + b;
        *value = 0.5 * x * (1.0 + error_function(x * std::f32::consts::FRAC_1_SQRT_2));
    }
}

/// Keys and scores of one head; kept between calls so that memory is taken once.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Keys in blocks of [`LANES`] tokens; in a block, component by component.
    keys: Vec<f32>,
    scores: Vec<f32>,
}

/// Attention of every token of one text over all of them (Vaswani et al. 2017, eq. 1). `projected` has
/// [`PROJECTED`] numbers a token, `out` gets [`HIDDEN`] numbers a token.
#[inline(always)]
pub(super) fn attend(projected: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
    let count = projected.len() / PROJECTED;
    let blocks = count.div_ceil(LANES);
    let scale = 1.0 / (HEAD as f32).sqrt();
    scratch.keys.clear();
    scratch.keys.resize(blocks * LANES * HEAD, 0.0);
    scratch.scores.clear();
    scratch.scores.resize(blocks * LANES, 0.0);
    for start in (0..HIDDEN).step_by(HEAD) {
        for (token, row) in projected.chunks_exact(PROJECTED).enumerate() {
            let block = token / LANES * LANES * HEAD;
            let keys = &row[HIDDEN + start..HIDDEN + start + HEAD];
            for (component, key) in keys.iter().enumerate() {
                scratch.keys[block + component * LANES + token % LANES] = *key;
            }
        }
        for (row, target) in projected
            .chunks_exact(PROJECTED)
            .zip(out.chunks_exact_mut(HIDDEN))
        {
            let query = &row[start..start + HEAD];
            let (scores, _) = scratch.scores.as_chunks_mut::<LANES>();
            for (scores, block) in scores
                .iter_mut()
                .zip(scratch.keys.chunks_exact(LANES * HEAD))
            {
                let mut lanes = [0.0_f32; LANES];
                let (keys, _) = block.as_chunks::<LANES>();
                for (q, keys) in query.iter().zip(keys) {
                    for lane in 0..LANES {
                        lanes[lane] += q * keys[lane];
                    }
                }
                for lane in 0..LANES {
                    scores[lane] = lanes[lane] * scale;
                }
            }
            let scores = &mut scratch.scores[..count];
            softmax(scores);
            let mut mixed = [0.0_f32; HEAD];
            for (score, row) in scores.iter().zip(projected.chunks_exact(PROJECTED)) {
                let values = &row[2 * HIDDEN + start..2 * HIDDEN + start + HEAD];
                for (m, v) in mixed.iter_mut().zip(values) {
                    *m += score * v;
                }
            }
            target[start..start + HEAD].copy_from_slice(&mixed);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// erf by its series, in double precision (Abramowitz and Stegun 1964, 7.1.6).
    fn exact_error_function(x: f64) -> f64 {
        let mut term = x;
        let mut total = x;
        for n in 1..200 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            total += term;
        }
        total * 2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp()
    }

    proptest! {
        #[test]
        fn the_error_function_is_close(x in -5.0_f32..5.0) {
            let exact = exact_error_function(f64::from(x));
            prop_assert!((f64::from(error_function(x)) - exact).abs() < 6e-7);
        }

        #[test]
        fn a_normalised_layer_has_mean_zero_and_variance_one(
            mut values in prop::collection::vec(-30.0_f32..30.0, 40),
        ) {
            values[0] += 100.0;
            normalise_layer(&mut values, &[1.0; 40], &[0.0; 40], 1e-12);
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / 40.0;
            let square = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / 40.0;
            prop_assert!(mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-4);
        }

        #[test]
        fn attention_is_what_the_formula_says(count in 1_usize..40, seed in 1_u64..1_000) {
            let mut state = seed;
            let projected: Vec<f32> = (0..count * PROJECTED)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
                })
                .collect();
            let mut out = vec![0.0; count * HIDDEN];
            attend(&projected, &mut Scratch::default(), &mut out);
            let at = |token: usize, part: usize, component: usize| {
                f64::from(projected[token * PROJECTED + part * HIDDEN + component])
            };
            for start in (0..HIDDEN).step_by(HEAD) {
                let token = count - 1;
                let scores: Vec<f64> = (0..count)
                    .map(|other| {
                        let dot: f64 = (start..start + HEAD)
                            .map(|c| at(token, 0, c) * at(other, 1, c))
                            .sum();
                        (dot / (HEAD as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = scores.iter().sum();
                for component in start..start + HEAD {
                    let exact: f64 = (0..count)
                        .map(|other| scores[other] / total * at(other, 2, component))
                        .sum();
                    let found = f64::from(out[token * HIDDEN + component]);
                    prop_assert!((found - exact).abs() < 1e-5, "{found} {exact}");
                }
            }
        }
    }

    #[test]
    fn gelu_has_its_known_values() {
        // x · Φ(x) from a table of the normal distribution.
        let mut values = [0.0, 1.0, -1.0, 3.0, -8.0, 100.0];
        gelu(&mut values, &[0.0; 6]);
        let known = [0.0, 0.841_344_7, -0.158_655_3, 2.995_950_3, 0.0, 100.0];
        for (found, known) in values.iter().zip(known) {
            assert!((found - known).abs() < 1e-6, "{found} {known}");
        }
    }
}
