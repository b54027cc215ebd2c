//! Seeds: every random draw of a run comes from the run's seed and the purpose of the draw.
//!
//! Two draws with different purposes are independent; the same purpose gives the same draw whatever
//! else runs, in whatever order.

use serde::{Deserialize, Serialize};

use crate::hash::ContentHash;

/// A 64-bit seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed for one purpose: the leading 64 bits of SHA-256 over (seed, purpose).
    #[must_use]
    pub fn derive(self, purpose: &str) -> Self {
        Self(ContentHash::of_parts(&[&self.0.to_le_bytes()[..], purpose.as_bytes()]).leading_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;

    #[test]
    fn purposes_and_runs_give_different_seeds_and_repeat_exactly() {
        let run = Seed(7);
        assert_eq!(run.derive("a"), run.derive("a"));
        assert_ne!(run.derive("a"), run.derive("b"));
        assert_ne!(run.derive("a"), Seed(8).derive("a"));
    }
}
