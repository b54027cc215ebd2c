//! What is compared and what comes out of it.
//!
//! An item is in exactly one of `kept`, `dropped` and `empty` of an [`Outcome`]; the three add up.

use std::fmt;

use crate::normalise::Form;
use crate::shingle::Shingle;

/// One text with what decides whether it survives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// A name that does not depend on the order of the items; breaks ties between equal priorities.
    pub id: &'a str,
    /// The text.
    pub text: &'a str,
    /// The label; the same text under two labels is a conflict, not a duplicate.
    pub label: u32,
    /// The highest of a cluster survives; ties: the smallest id. Any number but NaN.
    pub priority: f64,
}

/// Which kinds of sameness count.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Layers {
    /// Same bytes.
    pub exact: bool,
    /// Same once both are brought into the form.
    pub normalised: bool,
    /// Similar enough in the form; implies that texts that are the same in it are linked.
    pub near: Option<Near>,
    /// The form in which `normalised` and `near` compare texts.
    pub form: Form,
}

/// When two texts are near.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The Jaccard similarity of the shingle sets from which two texts are near, in (0, 1].
    pub threshold: f64,
    /// What the sets are made of.
    pub shingle: Shingle,
}

/// The strictest enabled kind of sameness that holds between two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Same bytes.
    Exact,
    /// Same after normalising.
    Normalised,
    /// Near, or linked by a chain of near texts.
    Near,
    /// Alike in meaning, or linked by a chain of such texts.
    Semantic,
}

impl Layer {
    /// The word in kind files and reports: `exact`, `normalised`, `near`, `semantic`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Normalised => "normalised",
            Self::Near => "near",
            Self::Semantic => "semantic",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An item that does not stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropped {
    /// Its position.
    pub index: usize,
    /// The survivor of its cluster; for a conflict, the most similar item with another label.
    pub of: usize,
    /// What links the two.
    pub layer: Layer,
    /// Jaccard similarity of the two texts in their form, or the cosine of their vectors; 1 for `exact` and
    /// `normalised`. It may lie below the threshold where a chain links an item to its survivor.
    pub similarity: f64,
    /// Whether it fell because a linked text has another label. Then none of the linked texts stays.
    pub conflict: bool,
    /// Whether it fell because `of` is a reference: a text that is only compared with, such as a few-shot example.
    pub reference: bool,
}

/// What stays and what falls, by position; each list in ascending order of position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// One survivor of each cluster.
    pub kept: Vec<usize>,
    /// Duplicates and conflicts.
    pub dropped: Vec<Dropped>,
    /// Items with nothing to be seen in them: blanks, control and zero-width characters, or no character.
    pub empty: Vec<usize>,
}
