//! Replies that hold one object with named members: the parser `fields`.
//!
//! Chatter and fences may surround the object; a member that is missing, empty or of another shape makes the whole
//! reply unusable, since a candidate with a hole is no candidate.

use evalwright_core::Finish;

use super::json::{Member, objects};
use super::{ParseContext, ParseFailure, clean, reply};

/// A member's value.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// A text, cleaned.
    Text(String),
    /// A list of texts, each cleaned.
    List(Vec<String>),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
}

/// The named members of one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedFields {
    /// Each asked-for name with its value, in the order in which they were asked for.
    pub fields: Vec<(String, FieldValue)>,
    /// What was changed in the texts: see [`super::ParsedItem::flags`].
    pub flags: Vec<String>,
}

/// Reads the first object that has all the names. Members beside them are left out.
///
/// # Errors
/// `empty_content`, `unclosed_reasoning`, `cut_off` (the token limit cut the reply before an object ended),
/// `invalid_json` (no object), `duplicate_key`, `missing_field`, `empty_text` or `wrong_shape` of the first object.
pub fn parse_fields(
    text: &str,
    context: &ParseContext<'_>,
    names: &[String],
) -> Result<ParsedFields, ParseFailure> {
    let answer = reply::whole_answer(text, context)?;
    let (answer, _) = reply::first_turn(&answer);
    let mut first: Option<ParseFailure> = None;
    for object in objects(answer) {
        let read = match &object.doubled {
            Some(key) => Err(failure("duplicate_key", format!("`{key}` stands twice"))),
            None => members(&object.members, names),
        };
        match read {
            Ok(fields) => return Ok(fields),
            Err(problem) => first = first.or(Some(problem)),
        }
    }
    Err(first.unwrap_or_else(|| {
        if context.finish == Finish::Length {
            failure(
                "cut_off",
                "the token limit cut the reply before its object ended",
            )
        } else {
            failure("invalid_json", "the reply holds no object")
        }
    }))
}

fn members(found: &[(String, Member)], names: &[String]) -> Result<ParsedFields, ParseFailure> {
    let mut parsed = ParsedFields::default();
    for name in names {
        let Some((_, member)) = found.iter().find(|(key, _)| key == name) else {
            return Err(failure(
                "missing_field",
                format!("the object has no `{name}`"),
            ));
        };
        let mut text = |text: &str| -> Result<String, ParseFailure> {
            let item = clean::item(text);
            for flag in item.flags {
                if !parsed.flags.contains(&flag) {
                    parsed.flags.push(flag);
                }
            }
            if clean::has_text(&item.text) {
                Ok(item.text)
            } else {
                Err(failure("empty_text", format!("`{name}` is empty")))
            }
        };
        let value = match member {
            Member::Text(value) => FieldValue::Text(text(value)?),
            Member::List(values) => FieldValue::List(
                values
                    .iter()
                    .map(|value| text(value))
                    .collect::<Result<_, _>>()?,
            ),
            Member::Number(number) => FieldValue::Number(*number),
            Member::Truth(truth) => FieldValue::Truth(*truth),
            Member::Other => {
                return Err(failure(
                    "wrong_shape",
                    format!("`{name}` is neither a text, a number nor a list of texts"),
                ));
            }
        };
        parsed.fields.push((name.clone(), value));
    }
    Ok(parsed)
}

pub(super) fn failure(reason: &str, detail: impl Into<String>) -> ParseFailure {
    ParseFailure {
        reason: reason.to_owned(),
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, names: &[&str]) -> Result<ParsedFields, ParseFailure> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let context = ParseContext {
            finish: Finish::Stop,
            opening: "",
        };
        parse_fields(text, &context, &names)
    }

    #[test]
    fn the_first_whole_object_counts_whatever_stands_around_it() {
        let text = "Sure! {\"no\": 1} Here:\n```json\n{\"stem\": \"Why?\\n\", \"options\": [\"a\", \" b\"], \"n\": 2}\n```";
        let parsed = read(text, &["options", "stem"]).unwrap();
        assert_eq!(
            parsed.fields,
            [
                (
                    "options".to_owned(),
                    FieldValue::List(vec!["a".to_owned(), "b".to_owned()])
                ),
                ("stem".to_owned(), FieldValue::Text("Why?".to_owned())),
            ]
        );
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (text, reason) in [
            ("", "empty_content"),
            ("none here", "invalid_json"),
            ("{\"a\": \"x\", \"a\": \"y\"}", "duplicate_key"),
            ("{\"b\": \"x\"}", "missing_field"),
            ("{\"a\": \" \"}", "empty_text"),
            ("{\"a\": null}", "wrong_shape"),
            ("{\"a\": [1]}", "wrong_shape"),
            ("<think> never done {\"a\": \"x\"}", "unclosed_reasoning"),
        ] {
            assert_eq!(read(text, &["a"]).unwrap_err().reason, reason, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic(text in any::<String>(), marks in "[{}\\[\\]\":,a ]{0,30}") {
            for text in [text, marks] {
                if let Ok(parsed) = read(&text, &["a"]) {
                    prop_assert_eq!(parsed.fields.len(), 1);
                }
            }
        }
    }
}
