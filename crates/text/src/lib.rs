//! Parsers for model replies, multiple-choice questions and judges' verdicts, and deterministic lints.
//!
//! Pure functions over text: the same reply always gives the same items, no input makes them panic, and
//! whatever is lost on the way is listed with a reason. Normalising and similarity come from the dedup crate.

pub mod choices;
pub mod language;
pub mod lint;
pub mod parse;
pub mod verdict;

mod words;

pub use choices::{Choice, MultipleChoice};
pub use language::{LANGUAGES, Language, language_by_code};
pub use lint::{Finding, Form, LINTS, Lint, Severity, Subject, lint_by_code};
pub use parse::{
    FieldValue, ParseContext, ParseFailure, Parsed, ParsedChoice, ParsedFields, ParsedItem, Parser,
    RejectedItem, parse, parse_choice, parse_fields, parse_lines,
};
pub use verdict::{AnswerRead, Scale, ScoreRead, Unread, read_answer, read_score};
