//! From logits to log-probabilities, and never to a number that is none.

use thiserror::Error;

use crate::arithmetic::{largest, sum_of_exponentials};

/// The model gave a logit that is not a number, or +∞.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the model gave logits that are not finite (non_finite_logits)")]
pub struct NonFiniteLogits;

/// ln Σ exp(logit), in nats.
///
/// # Errors
/// When there are no logits, or any of them is NaN or +∞, or all are −∞.
pub fn log_sum_exp(logits: &[f32]) -> Result<f64, NonFiniteLogits> {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let most = largest(logits);
            if !most.is_finite() {
                return Err(NonFiniteLogits);
            }
            // A NaN anywhere makes the sum NaN: `largest` alone would step over it.
            let sum = sum_of_exponentials(logits, most);
            if sum.is_finite() && sum > 0.0 {
                Ok(f64::from(most) + sum.ln())
            } else {
                Err(NonFiniteLogits)
            }
        },
    )
}

/// The log-probability of one token, in nats; at most 0.
///
/// # Errors
/// As [`log_sum_exp`], or when the token lies outside the vocabulary.
pub fn log_probability(logits: &[f32], token: u32) -> Result<f64, NonFiniteLogits> {
    let total = log_sum_exp(logits)?;
    let logit = usize::try_from(token)
        .ok()
        .and_then(|index| logits.get(index))
        .ok_or(NonFiniteLogits)?;
    Ok((f64::from(*logit) - total).min(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_a_worked_example() {
        let logits = [0.0_f32, 1.0, 2.0];
        let total = (1.0_f64 + 1.0_f64.exp() + 2.0_f64.exp()).ln();
        assert!((log_sum_exp(&logits).unwrap() - total).abs() < 1e-6);
        assert!((log_probability(&logits, 0).unwrap() + total).abs() < 1e-6);
    }

    #[test]
    fn anything_that_is_not_finite_is_an_error() {
        for bad in [f32::NAN, f32::INFINITY] {
            for place in 0..40 {
                let mut logits = vec![0.5_f32; 40];
                logits[place] = bad;
                assert_eq!(
                    log_sum_exp(&logits),
                    Err(NonFiniteLogits),
                    "{bad} at {place}"
                );
            }
        }
        assert_eq!(log_sum_exp(&[]), Err(NonFiniteLogits));
        assert_eq!(log_sum_exp(&[f32::NEG_INFINITY; 3]), Err(NonFiniteLogits));
        assert_eq!(log_probability(&[0.0], 7), Err(NonFiniteLogits));
        assert!(log_probability(&[f32::NEG_INFINITY, 0.0], 1).is_ok());
    }
}
