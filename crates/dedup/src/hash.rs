//! The hash of the search: written out here so that it is the same on every machine and in every release.
//!
//! It only picks which pairs are looked at; whether a pair is near is decided on the shingles themselves.

/// The odd constant of the SplitMix64 generator (Steele, Lea and Flood 2014): 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finishing step of SplitMix64: a bijection of 64 bits in which every input bit moves about half the output bits.
#[must_use]
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A chain of two values that depends on their order.
#[must_use]
pub(crate) fn join(left: u64, right: u64) -> u64 {
    mix(left.wrapping_add(STEP) ^ mix(right.wrapping_add(STEP)))
}

/// The hash of a text: eight bytes at a time, little-endian, the last ones filled up with zeros; the length goes first.
#[must_use]
pub(crate) fn text(text: &str) -> u64 {
    let mut state = mix(STEP ^ text.len() as u64);
    for chunk in text.as_bytes().chunks(8) {
        let word = chunk
            .iter()
            .rev()
            .fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        state = join(state, word);
    }
    state
}

/// The salt of the hash function with this number.
#[must_use]
pub(crate) fn salt(number: usize) -> u64 {
    mix(STEP.wrapping_mul(number as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_pinned() {
        // The first output of SplitMix64 seeded with 0, as published with the generator.
        assert_eq!(mix(STEP), 0xe220_a839_7b1d_cdaf);
        assert_ne!(text("a"), text("a\0"));
        assert_ne!(text("abcdefgh1"), text("abcdefgh2"));
        assert_ne!(join(1, 2), join(2, 1));
    }
}
