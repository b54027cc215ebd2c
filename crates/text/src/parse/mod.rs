//! From a model's reply to items.
//!
//! Every part of the reply that was meant as an item ends in `items` or in `rejected`; a reply of which
//! nothing can be used has a `failure`. Texts are never guessed: what cannot be read for certain is rejected.

mod choice;
mod clean;
mod fields;
mod json;
mod line;
mod lines;
mod list;
pub(crate) mod marker;
mod reply;

use evalwright_core::Finish;

pub use choice::{ParsedChoice, parse_choice};
pub use fields::{FieldValue, ParsedFields, parse_fields};
pub(crate) use json::{Plain, plain_members};
pub use lines::parse_lines;
pub(crate) use reply::without_reasoning;

/// How a reply is taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parser {
    /// The first line with text is the one item; a list marker and wrapping quotes are taken off.
    FirstLine,
    /// A numbered or bulleted list; greeting, headings and closing lines are ignored and counted.
    List,
    /// Objects, one item each: an array, one object, or one object a line; fences and chatter may surround them.
    Json {
        /// The field that holds the item's text.
        item_field: String,
        /// The field that holds the item's label; an object without it is rejected.
        label_field: Option<String>,
    },
    /// The whole reply (with what the prompt wrote of it) is one item; only reasoning is taken out.
    Raw,
}

impl Parser {
    /// The parser with this name; `json` reads the field `statement` and no label.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "first-line" => Some(Self::FirstLine),
            "list" => Some(Self::List),
            "json" => Some(Self::Json {
                item_field: "statement".to_owned(),
                label_field: None,
            }),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    /// Every name that [`Parser::by_name`] knows.
    #[must_use]
    pub fn names() -> &'static [&'static str] {
        &["first-line", "list", "json", "raw"]
    }
}

/// What a parser must know beside the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseContext<'a> {
    /// Why the reply ended; `Length` means that its end may be half an item.
    pub finish: Finish,
    /// What the prompt already wrote of the reply, such as `1.` or `"I`; it is read as the reply's start.
    pub opening: &'a str,
}

/// What a reply holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The items, in the reply's order.
    pub items: Vec<ParsedItem>,
    /// Parts that were meant as items and cannot be used.
    pub rejected: Vec<RejectedItem>,
    /// Why nothing can be used; then `items` and `rejected` are empty.
    pub failure: Option<ParseFailure>,
    /// What a person should know about the reply as a whole: `numbering_restarts`, `heading_between_items`,
    /// `salvaged_objects`.
    pub warnings: Vec<String>,
    /// Whether the token limit cut the reply inside its last item. A list or JSON item that was cut is in
    /// `rejected` with the reason `cut_off`; the one item of `first-line` and `raw` is kept for the lints.
    pub truncated: bool,
    /// The turn marker (`Human:`) at which a model that plays both sides was cut.
    pub cut_at: Option<String>,
    /// Lines with text that are no part of any item.
    pub ignored_lines: u32,
}

impl Parsed {
    /// A reply of which nothing can be used.
    fn failed(reason: &str, detail: impl Into<String>) -> Self {
        Self {
            failure: Some(ParseFailure {
                reason: reason.to_owned(),
                detail: detail.into(),
            }),
            ..Self::default()
        }
    }

    fn warn(&mut self, warning: &str) {
        if !self.warnings.iter().any(|known| known == warning) {
            self.warnings.push(warning.to_owned());
        }
    }
}

/// One item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedItem {
    /// Its text, without control characters, markers and wrapping quotes.
    pub text: String,
    /// What was changed in it: `repaired`, `replaced_character`, `control_characters`, `bidi_characters`,
    /// `zero_width_characters`.
    pub flags: Vec<String>,
    /// The list it stood in, from 0: a list whose numbering starts again may be for another label.
    pub group: u32,
    /// The label, where the parser was asked to read one.
    pub label: Option<String>,
}

/// A part of a reply that was meant as an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectedItem {
    /// `invalid_json`, `duplicate_key`, `missing_field`, `wrong_shape`, `too_deep`, `empty_text`, `cut_off`.
    pub reason: String,
    /// The part as the model wrote it.
    pub raw: String,
    /// Its line in the reply (with the opening in front), from 1.
    pub line: Option<u32>,
    /// The key that is doubled, missing or of the wrong kind.
    pub key: Option<String>,
}

/// Why nothing of a reply can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseFailure {
    /// `empty_content`, `wrong_shape`, `too_deep`, `unclosed_reasoning` or `invalid_json`.
    pub reason: String,
    /// A sentence on this reply.
    pub detail: String,
}

/// Takes a reply apart. Never panics, whatever the reply holds; the work grows linearly with its length.
///
/// ```
/// use evalwright_core::Finish;
/// use evalwright_text::{ParseContext, Parser, parse};
/// let context = ParseContext { finish: Finish::Stop, opening: "" };
/// let parsed = parse(&Parser::List, "1. I like tea.\n2. I like rain.", &context);
/// assert_eq!(parsed.items[1].text, "I like rain.");
/// ```
#[must_use]
pub fn parse(parser: &Parser, reply: &str, context: &ParseContext<'_>) -> Parsed {
    if !clean::has_text(reply) {
        return Parsed::failed("empty_content", "the reply holds no text");
    }
    match parser {
        Parser::FirstLine => line::first_line(reply, context),
        Parser::Raw => line::raw(reply, context),
        Parser::List => list::parse(reply, context),
        Parser::Json {
            item_field,
            label_field,
        } => json::parse(reply, context, item_field, label_field.as_deref()),
    }
}
