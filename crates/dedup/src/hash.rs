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
    chunks(text).fold(mix(STEP ^ text.len() as u64), join)
}

/// Two hashes of a text; two texts share both with a probability of 2⁻¹²⁸.
#[must_use]
pub(crate) fn wide(text: &str) -> [u64; 2] {
    let length = text.len() as u64;
    chunks(text).fold(
        [mix(STEP ^ length), mix(!STEP ^ length)],
        |[one, two], word| [join(one, word), join(two, !word)],
    )
}

fn chunks(text: &str) -> impl Iterator<Item = u64> {
    let (whole, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let last = (!rest.is_empty()).then_some(u64::from_le_bytes(last));
    let whole = whole.iter().map(|chunk| u64::from_le_bytes(*chunk));
    whole.chain(last)
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
        let [one, two] = wide("a text of some length");
        assert_eq!(one, text("a text of some length"));
        assert_ne!(one, two);
    }
}
