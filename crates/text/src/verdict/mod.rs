//! Reading a judge's own verdict out of what it wrote: an answer among several, or a score on a scale.
//!
//! What stands in quotes is what somebody else said and never a verdict. Whatever cannot be read for certain is
//! unread with a reason; nothing is guessed, clamped or taken from the middle of a word.

mod answer;
mod score;
mod words;

use thiserror::Error;

pub use answer::{AnswerRead, read_answer};
pub use score::{Scale, ScoreRead, read_score};
pub(crate) use words::{Word, words};

/// Why no verdict could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unread {
    /// The reply has no text.
    #[error("the reply is empty")]
    Empty,
    /// The reply began to reason and never came to an answer.
    #[error("the reply ends inside its reasoning")]
    Unfinished,
    /// No verdict stands where one would.
    #[error("no verdict stands at the beginning or after a word such as `answer:`")]
    None,
    /// More than one verdict is given.
    #[error("the reply gives several verdicts")]
    Several,
    /// The number does not lie on the scale.
    #[error("the number is not on the scale")]
    OffScale,
}

/// Words that announce a verdict.
pub(crate) const CUES: [&str; 10] = [
    "answer",
    "verdict",
    "label",
    "decision",
    "judgement",
    "judgment",
    "conclusion",
    "score",
    "grade",
    "rating",
];
/// Of these, the ones that announce a number.
const NUMBER_CUES: [&str; 3] = ["score", "grade", "rating"];

/// Signs that set a word off without meaning anything.
fn is_mark(sign: char) -> bool {
    sign.is_whitespace() || matches!(sign, '*' | '_' | '#' | '>' | '`')
}

/// Whether what stands between two words says that the second is the first one's value.
pub(crate) fn announces(gap: &str) -> bool {
    gap.chars().any(|sign| matches!(sign, ':' | '='))
        && gap
            .chars()
            .all(|sign| is_mark(sign) || matches!(sign, ':' | '=' | '"' | '(' | '[' | '“' | '\''))
}
