//! Pairs that were compared and are not near, as many as there is room for.
//!
//! Two texts right below the threshold meet in several bands and would be compared in each. What is remembered is true
//! whenever it is remembered, so forgetting a pair costs time and changes nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::hash;

/// The most pairs that are remembered, 8 bytes each.
const MOST: usize = 1 << 21;

/// A table in which a later pair takes the place of an earlier one.
#[derive(Debug)]
pub(crate) struct Refused {
    /// left · 2³² + right with left < right, so that 0 stands for none.
    pairs: Vec<AtomicU64>,
}

impl Refused {
    /// Room for what so many texts bring about.
    pub(crate) fn new(texts: usize) -> Self {
        let room = texts.next_power_of_two().min(MOST);
        Self {
            pairs: (0..room).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Whether the pair is known not to be near.
    pub(crate) fn has(&self, left: u32, right: u32) -> bool {
        let pair = joined(left, right);
        self.place(pair)
            .is_some_and(|place| place.load(Ordering::Relaxed) == pair)
    }

    /// Remembers a pair of two different rows.
    pub(crate) fn remember(&self, left: u32, right: u32) {
        let pair = joined(left, right);
        if let Some(place) = self.place(pair) {
            place.store(pair, Ordering::Relaxed);
        }
    }

    fn place(&self, pair: u64) -> Option<&AtomicU64> {
        self.pairs
            .get(hash::mix(pair) as usize & self.pairs.len().wrapping_sub(1))
    }
}

fn joined(left: u32, right: u32) -> u64 {
    u64::from(left.min(right)) << 32 | u64::from(left.max(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_pair_is_known_both_ways_and_no_other_is() {
        let refused = Refused::new(3);
        assert!(!refused.has(0, 1));
        refused.remember(2, 1);
        assert!(refused.has(1, 2) && refused.has(2, 1));
        assert!(!refused.has(0, 2) && !refused.has(0, 1));
        // Many pairs in little room: each is known right after it was remembered.
        for right in 1..50 {
            refused.remember(0, right);
            assert!(refused.has(0, right));
        }
        assert!(!Refused::new(0).has(0, 1), "one place, and nothing in it");
    }
}
