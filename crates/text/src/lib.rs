//! Parsers for model replies and judges' verdicts, and deterministic lints.
//!
//! Pure functions over text: the same reply always gives the same items, no input makes them panic, and
//! whatever is lost on the way is listed with a reason. Normalising and similarity come from the dedup crate.

pub mod lint;
pub mod parse;
pub mod verdict;

mod words;

pub use lint::{Finding, LINTS, Lint, LintContext, find_all, lint_by_code};
pub use parse::{ParseContext, ParseFailure, Parsed, ParsedItem, Parser, RejectedItem, parse};
pub use verdict::{AnswerRead, Scale, ScoreRead, Unread, read_answer, read_score};
