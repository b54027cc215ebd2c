//! Why a figure is undefined: a stable code for programs and a sentence for people.

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// The reason for a null. Written as `{"code": …, "sentence": …}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undefined {
    /// There is nothing to count.
    NoItems,
    /// Only one rater gave ratings.
    OneRater,
    /// No item has two ratings.
    NoPairs,
    /// Everything carries one and the same label, so the agreement expected by chance is 1 and the figure 0/0.
    NoVariation,
    /// The figure needs two labels to choose from.
    TooFewLabels,
    /// Fewer than three sources of labels: their errors cannot be told apart.
    TooFewRaters,
    /// One class has no example.
    OneClass,
    /// Half of the draws or more had no value.
    UnstableDraws,
    /// No threshold reaches what was asked for.
    OutOfReach,
    /// Fewer examples of a class than folds.
    TooFewExamples,
    /// The method is made for two labels.
    NotTwoLabels,
}

impl Undefined {
    /// A stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoItems => "no_items",
            Self::OneRater => "one_rater",
            Self::NoPairs => "no_pairs",
            Self::NoVariation => "no_variation",
            Self::TooFewLabels => "too_few_labels",
            Self::TooFewRaters => "too_few_raters",
            Self::OneClass => "one_class",
            Self::UnstableDraws => "unstable_draws",
            Self::OutOfReach => "out_of_reach",
            Self::TooFewExamples => "too_few_examples",
            Self::NotTwoLabels => "not_two_labels",
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoItems => "there are no items",
            Self::OneRater => {
                "only one annotator gave ratings, and agreement needs two ratings of an item"
            }
            Self::NoPairs => "no item has two ratings",
            Self::NoVariation => {
                "every rating is one and the same label, so the agreement expected by chance is 1 and the figure is 0/0"
            }
            Self::TooFewLabels => "fewer than two labels were declared",
            Self::TooFewRaters => {
                "with fewer than three sources of labels nobody can tell whose label is wrong"
            }
            Self::OneClass => "one of the classes has no example",
            Self::UnstableDraws => "the figure is undefined in half of the drawn samples or more",
            Self::OutOfReach => "no threshold reaches the wanted precision",
            Self::TooFewExamples => "a class has fewer examples than there are folds",
            Self::NotTwoLabels => "the figure is defined for two labels only",
        }
    }
}

impl Serialize for Undefined {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_struct("Undefined", 2)?;
        written.serialize_field("code", self.code())?;
        written.serialize_field("sentence", self.sentence())?;
        written.end()
    }
}
