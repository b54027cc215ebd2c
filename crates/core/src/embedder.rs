//! The trait of what turns texts into vectors whose directions say what the texts are about.
//!
//! Invariant: a vector depends on its own text alone, never on the texts around it.

use crate::interrupt::Interrupt;
use crate::model::{ModelError, ModelIdentity, Spending};

/// What turns texts into vectors.
pub trait Embedder: Send + Sync {
    /// What it is. Vectors may be compared only if they come from equal identities.
    fn identity(&self) -> &ModelIdentity;

    /// What its calls took so far; nothing, for one that costs nothing.
    fn spending(&self) -> Spending {
        Spending::default()
    }

    /// One vector for each text, in the order of the texts. All have the same number of components, every
    /// component is finite, and the Euclidean length is 1 (to a few parts in 10⁷), so that a dot product is
    /// the cosine of the angle between two texts. No texts give no vectors.
    ///
    /// # Errors
    /// [`ModelError::Interrupted`] when a stop was asked for before the last text; otherwise when one text
    /// gets no vector. Then there are none for the others either.
    fn embed(&self, texts: &[String], interrupt: &Interrupt) -> Result<Vec<Vec<f32>>, ModelError>;
}

/// Scales a vector to Euclidean length 1. `false`, and the vector as it was, when it has no direction: when it
/// is empty, all zeros, or holds a component that is not finite.
pub fn scale_to_unit_length(vector: &mut [f32]) -> bool {
    // In double precision: the square of a large component has no 32-bit form.
    let square: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    if !square.is_finite() || square <= 0.0 {
        return false;
    }
    let scale = 1.0 / square.sqrt();
    for component in vector {
        *component = (f64::from(*component) * scale) as f32;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::scale_to_unit_length;

    #[test]
    fn a_vector_with_a_direction_gets_length_one_and_no_other_changes() {
        let mut vector = vec![3.0, -4.0];
        assert!(scale_to_unit_length(&mut vector));
        assert_eq!(vector, [0.6, -0.8]);
        let mut large = vec![f32::MAX, f32::MAX];
        assert!(scale_to_unit_length(&mut large));
        assert!((large[0] - 0.5_f32.sqrt()).abs() < 1e-6);
        for without in [
            vec![],
            vec![0.0, 0.0],
            vec![1.0, f32::NAN],
            vec![f32::INFINITY, 0.0],
        ] {
            let mut vector = without.clone();
            assert!(!scale_to_unit_length(&mut vector));
            let same = vector
                .iter()
                .zip(&without)
                .all(|(l, r)| l.to_bits() == r.to_bits());
            assert!(same);
        }
    }
}
