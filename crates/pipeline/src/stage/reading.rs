//! From a reply to fields, for kinds whose items have named parts.

use evalwright_core::{Fields, Finish, Prompt, RejectReason, TextReply};
use evalwright_text::{
    FieldValue, ParseContext, Parser, parse, parse_choice, parse_fields, parse_lines,
};
use serde_json::Value;

/// How replies are read.
#[derive(Debug)]
pub(crate) enum Reading<'a> {
    /// One text for each item.
    Texts {
        /// The parser.
        parser: Parser,
        /// The field that holds it.
        gives: &'a str,
    },
    /// An object with these members.
    Fields(&'a [String]),
    /// Lines that begin with these names.
    Lines(&'a [String]),
    /// A multiple-choice question.
    Choice,
}

/// One item of a reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReadItem {
    /// Its fields.
    pub(crate) fields: Fields,
    /// What was changed in it.
    pub(crate) flags: Vec<String>,
    /// Whether the token limit cut it.
    pub(crate) finish: Finish,
}

impl<'a> Reading<'a> {
    /// Looks a parser up; the error is a sentence.
    pub(crate) fn new(parse: &str, gives: &'a [String]) -> Result<Self, String> {
        match (parse, gives) {
            ("fields", [_, ..]) => Ok(Self::Fields(gives)),
            ("lines", [_, ..]) => Ok(Self::Lines(gives)),
            ("choice", _) => Ok(Self::Choice),
            (parse, [gives]) => Parser::by_name(parse)
                .map(|parser| Self::Texts { parser, gives })
                .ok_or_else(|| format!("there is no parser `{parse}`")),
            (parse, _) => Err(format!(
                "the parser `{parse}` gives one field, and {} are named",
                gives.len()
            )),
        }
    }

    /// The items of a reply; a reply of which nothing can be used has a reason.
    pub(crate) fn items(
        &self,
        prompt: &Prompt,
        reply: &TextReply,
    ) -> Result<Vec<ReadItem>, RejectReason> {
        let opening = match prompt {
            Prompt::Chat { opening, .. } => opening.as_str(),
            Prompt::Text(_) => "",
        };
        let context = ParseContext {
            finish: reply.finish,
            opening,
        };
        let failed = |failure: evalwright_text::ParseFailure| RejectReason::Unparsable {
            detail: format!("{}: {}", failure.reason, failure.detail),
        };
        match self {
            Self::Fields(names) | Self::Lines(names) => {
                let parse = match self {
                    Self::Lines(_) => parse_lines,
                    _ => parse_fields,
                };
                let parsed = parse(&reply.text, &context, names).map_err(failed)?;
                Ok(vec![ReadItem {
                    fields: parsed
                        .fields
                        .into_iter()
                        .map(|(name, value)| (name, json(value)))
                        .collect(),
                    flags: parsed.flags,
                    finish: Finish::Stop,
                }])
            }
            Self::Choice => {
                let parsed = parse_choice(&reply.text, &context).map_err(failed)?;
                let mut fields = Fields::new();
                fields.insert("stem".to_owned(), Value::from(parsed.stem));
                fields.insert("options".to_owned(), Value::from(parsed.options));
                Ok(vec![ReadItem {
                    fields,
                    flags: parsed.flags,
                    finish: Finish::Stop,
                }])
            }
            Self::Texts { parser, gives } => {
                let parsed = parse(parser, &reply.text, &context);
                if let Some(failure) = parsed.failure {
                    return Err(failed(failure));
                }
                let last = parsed.items.len().saturating_sub(1);
                Ok(parsed
                    .items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let mut fields = Fields::new();
                        fields.insert((*gives).to_owned(), Value::from(item.text));
                        ReadItem {
                            fields,
                            flags: item.flags,
                            finish: if parsed.truncated && index == last {
                                Finish::Length
                            } else {
                                Finish::Stop
                            },
                        }
                    })
                    .collect())
            }
        }
    }
}

fn json(value: FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => Value::from(text),
        FieldValue::List(texts) => Value::from(texts),
        FieldValue::Number(number) => {
            serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)
        }
        FieldValue::Truth(truth) => Value::from(truth),
    }
}
