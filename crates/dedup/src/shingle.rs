//! What a text is cut into for a comparison, and the similarity of two such sets.
//!
//! A text is never without shingles: one shorter than the shingle is one shingle as a whole. Were its set
//! empty, all short texts would look alike.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::error::DedupError;

/// The unit and length of the overlapping pieces of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shingle {
    /// Runs of this many words; a word is what stands between blanks, signs included.
    Words(usize),
    /// Runs of this many characters (Unicode scalar values), blanks included.
    Characters(usize),
}

impl Shingle {
    /// The set of the text's shingles in ascending order, each once. Never empty.
    #[must_use]
    pub(crate) fn cut(self, text: &str) -> Vec<String> {
        let pieces: BTreeSet<String> = match self {
            Self::Words(length) => {
                let words: Vec<&str> = text.split_whitespace().collect();
                // A word holds no blank, so one blank between words keeps different runs apart.
                words
                    .windows(length.max(1))
                    .map(|run| run.join(" "))
                    .collect()
            }
            Self::Characters(length) => {
                let characters: Vec<char> = text.chars().collect();
                characters
                    .windows(length.max(1))
                    .map(|run| run.iter().collect())
                    .collect()
            }
        };
        if pieces.is_empty() {
            return vec![text.to_owned()];
        }
        pieces.into_iter().collect()
    }

    /// Whether the shingle holds anything.
    ///
    /// # Errors
    /// [`DedupError::EmptyShingle`] for a length of 0.
    pub(crate) fn check(self) -> Result<(), DedupError> {
        match self {
            Self::Words(0) => Err(DedupError::EmptyShingle { unit: "word" }),
            Self::Characters(0) => Err(DedupError::EmptyShingle { unit: "character" }),
            Self::Words(_) | Self::Characters(_) => Ok(()),
        }
    }
}

impl fmt::Display for Shingle {
    /// `word 1-grams`, `character 4-grams`: how reports name it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(length) => write!(formatter, "word {length}-grams"),
            Self::Characters(length) => write!(formatter, "character {length}-grams"),
        }
    }
}

impl FromStr for Shingle {
    type Err = DedupError;

    /// Reads `word-1`, `character-4` or, as it is also written, `char-4`.
    fn from_str(text: &str) -> Result<Self, DedupError> {
        let unknown = || DedupError::Shingle {
            text: text.to_owned(),
        };
        let (unit, length) = text.split_once('-').ok_or_else(unknown)?;
        if !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unknown());
        }
        let length: usize = length.parse().map_err(|_| unknown())?;
        let shingle = match unit {
            "word" => Self::Words(length),
            "char" | "character" => Self::Characters(length),
            _ => return Err(unknown()),
        };
        shingle.check()?;
        Ok(shingle)
    }
}

/// The Jaccard similarity of the two texts' shingle sets: shared shingles divided by all shingles, in [0, 1].
///
/// The texts are compared as they are, without normalising. Two texts shorter than the shingle have
/// similarity 1 when they are the same and 0 when not; so have two empty texts.
///
/// ```
/// use evalwright_dedup::{Shingle, jaccard};
/// let similarity = jaccard("a b c d", "a b c e", Shingle::Words(1));
/// assert!((similarity - 0.6).abs() < 1e-12);
/// ```
#[must_use]
pub fn jaccard(a: &str, b: &str, shingle: Shingle) -> f64 {
    let (left, right) = (shingle.cut(a), shingle.cut(b));
    let shared = shared_count(&left, &right);
    similarity(shared, left.len(), right.len())
}

/// How many values two ascending lists without repeats share.
pub(crate) fn shared_count<T: Ord>(left: &[T], right: &[T]) -> usize {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut shared = 0;
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        match first.cmp(second) {
            std::cmp::Ordering::Less => {
                left.next();
            }
            std::cmp::Ordering::Greater => {
                right.next();
            }
            std::cmp::Ordering::Equal => {
                shared += 1;
                left.next();
                right.next();
            }
        }
    }
    shared
}

/// Shared over all; both sets together are never empty.
pub(crate) fn similarity(shared: usize, left: usize, right: usize) -> f64 {
    let all = left + right - shared;
    if all == 0 {
        return 1.0;
    }
    shared as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_and_shown() {
        assert_eq!("word-1".parse::<Shingle>().unwrap(), Shingle::Words(1));
        for name in ["character-4", "char-4"] {
            assert_eq!(name.parse::<Shingle>().unwrap(), Shingle::Characters(4));
        }
        assert_eq!(Shingle::Words(1).to_string(), "word 1-grams");
        assert_eq!(Shingle::Characters(4).to_string(), "character 4-grams");
        for wrong in [
            "word",
            "word-",
            "word-+1",
            "words-1",
            "word-0",
            "character-0",
            "-1",
            "word-99999999999999999999",
        ] {
            assert!(wrong.parse::<Shingle>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_short_text_is_one_shingle() {
        assert_eq!(Shingle::Words(5).cut("Yes."), ["Yes."]);
        assert_eq!(Shingle::Characters(4).cut(""), [""]);
        assert!(jaccard("Yes.", "No.", Shingle::Words(5)) < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn similarity_is_symmetric_and_bounded(a in "[ab c]{0,12}", b in "[ab c]{0,12}", length in 1_usize..5, words: bool) {
            let shingle = if words { Shingle::Words(length) } else { Shingle::Characters(length) };
            let one_way = jaccard(&a, &b, shingle);
            prop_assert!((0.0..=1.0).contains(&one_way));
            prop_assert!((one_way - jaccard(&b, &a, shingle)).abs() < f64::EPSILON);
            prop_assert!((jaccard(&a, &a, shingle) - 1.0).abs() < f64::EPSILON);
        }
    }
}
