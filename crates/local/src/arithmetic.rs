//! The small loops of a transformer, written so that the compiler turns them into wide instructions.
//!
//! Invariant: each result is the same bit pattern whatever the instruction set, the batch and the thread.
//! Sums run in a fixed number of lanes that are joined in a fixed order; products and sums are never fused.
//! Everything here is `inline(always)` because it is compiled once per instruction set inside
//! `pulp::Arch::dispatch`.

/// Lanes of every sum: one 512-bit or two 256-bit registers of 32-bit floats.
pub(crate) const LANES: usize = 16;

/// Joins the lanes of a sum, pairwise, in a fixed order.
#[inline(always)]
pub(crate) fn join(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The dot product of two vectors of equal length.
#[inline(always)]
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (left_blocks, left_rest) = left.as_chunks::<LANES>();
    let (right_blocks, right_rest) = right.as_chunks::<LANES>();
    for (l, r) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..LANES {
            lanes[lane] += l[lane] * r[lane];
        }
    }
    for ((lane, l), r) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += l * r;
    }
    join(lanes)
}

/// `target += factor · source`.
#[inline(always)]
pub(crate) fn add_scaled(target: &mut [f32], factor: f32, source: &[f32]) {
    for (t, s) in target.iter_mut().zip(source) {
        *t += factor * s;
    }
}

/// The exponential function, to about two units in the last place for arguments from −87 to 88; smaller
/// arguments give 0, NaN stays NaN. After Cephes' `expf`: reduction by ln 2 in two parts, then a polynomial of degree 6.
#[inline(always)]
pub(crate) fn exponential(x: f32) -> f32 {
    // 1.5 · 2²³: adding it rounds to an integer that then stands in the low bits.
    const ROUNDER: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let rest = clamped - whole * 0.693_359_4 - whole * -2.121_944_4e-4;
    let mut polynomial = 1.987_569_1e-4_f32;
    polynomial = polynomial * rest + 1.398_199_9e-3;
    polynomial = polynomial * rest + 8.333_452e-3;
    polynomial = polynomial * rest + 4.166_579_6e-2;
    polynomial = polynomial * rest + 1.666_666_5e-1;
    polynomial = polynomial * rest + 0.5;
    let mantissa = polynomial * rest * rest + rest + 1.0;
    let exponent = shifted
        .to_bits()
        .wrapping_sub(ROUNDER.to_bits())
        .wrapping_add(127)
        << 23;
    let value = mantissa * f32::from_bits(exponent);
    if x < -87.0 { 0.0 } else { value }
}

/// The largest value; −∞ for none.
#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] = if block[lane] > lanes[lane] {
                block[lane]
            } else {
                lanes[lane]
            };
        }
    }
    let mut most = f32::NEG_INFINITY;
    for value in lanes.iter().chain(rest) {
        if *value > most {
            most = *value;
        }
    }
    most
}

/// The sum of `exp(value − shift)`.
#[inline(always)]
pub(crate) fn sum_of_exponentials(values: &[f32], shift: f32) -> f64 {
    let mut total = 0.0_f64;
    // Blocks keep the 32-bit lanes short enough that the sum over a whole vocabulary stays exact to 1e-7.
    for part in values.chunks(1024) {
        let mut lanes = [0.0_f32; LANES];
        let (blocks, rest) = part.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                lanes[lane] += exponential(block[lane] - shift);
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            *lane += exponential(value - shift);
        }
        total += f64::from(join(lanes));
    }
    total
}

/// Turns scores into weights that sum to 1.
#[inline(always)]
pub(crate) fn softmax(values: &mut [f32]) {
    let most = largest(values);
    let mut lanes = [0.0_f32; LANES];
    let (blocks, rest) = values.as_chunks_mut::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            block[lane] = exponential(block[lane] - most);
            lanes[lane] += block[lane];
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *value = exponential(*value - most);
        *lane += *value;
    }
    let scale = 1.0 / join(lanes);
    for value in values {
        *value *= scale;
    }
}

/// Root-mean-square normalisation (Zhang and Sennrich 2019), from `source` into `target`.
#[inline(always)]
pub(crate) fn normalise(source: &[f32], gain: &[f32], epsilon: f32, target: &mut [f32]) {
    let mean_square = dot(source, source) / source.len() as f32;
    let scale = 1.0 / (mean_square + epsilon).sqrt();
    for ((t, s), g) in target.iter_mut().zip(source).zip(gain) {
        *t = s * scale * g;
    }
}

/// SwiGLU (Shazeer 2020): `target = gate · sigmoid(gate) · up`.
#[inline(always)]
pub(crate) fn gated(gate: &[f32], up: &[f32], target: &mut [f32]) {
    for ((t, g), u) in target.iter_mut().zip(gate).zip(up) {
        *t = g / (1.0 + exponential(-g)) * u;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exponential_is_close(x in -86.9_f32..87.9) {
            let exact = f64::from(x).exp();
            prop_assert!((f64::from(exponential(x)) - exact).abs() <= exact * 4e-7);
        }

        #[test]
        fn sums_agree_with_doubles(values in prop::collection::vec(-8.0_f32..8.0, 0..200)) {
            let exact: f64 = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
            prop_assert!((f64::from(dot(&values, &values)) - exact).abs() <= 1e-4 * (1.0 + exact));
            let exact: f64 = values.iter().map(|v| f64::from(*v - 8.0).exp()).sum();
            prop_assert!((sum_of_exponentials(&values, 8.0) - exact).abs() <= 1e-5 * (1e-6 + exact));
        }

        #[test]
        fn softmax_sums_to_one(mut values in prop::collection::vec(-50.0_f32..50.0, 1..100)) {
            softmax(&mut values);
            prop_assert!((values.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn extremes_do_not_run_over() {
        assert_eq!(exponential(-1e9).to_bits(), 0.0_f32.to_bits());
        assert!(exponential(1e9).is_finite());
        assert!(exponential(f32::NAN).is_nan());
        assert!((exponential(0.0) - 1.0).abs() < 1e-7);
        assert!(largest(&[]).is_infinite());
    }
}
