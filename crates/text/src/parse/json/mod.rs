//! Items as JSON objects.
//!
//! A reply that is JSON as a whole is read as it is. Otherwise reasoning, other turns, fences and chatter go,
//! and what is left is read value by value; a broken object is rejected and the ones around it stay.

mod extract;
mod fences;
mod reader;

use std::collections::BTreeMap;

use evalwright_core::Finish;

use super::{ParseContext, Parsed, line, reply};
use extract::Extractor;
use reader::{Reader, Value};

/// Takes objects out of a reply.
pub(super) fn parse(
    text: &str,
    context: &ParseContext<'_>,
    item_field: &str,
    label_field: Option<&str>,
) -> Parsed {
    let whole = format!("{}{text}", context.opening);
    let mut extractor = Extractor::new(item_field, label_field);
    if extractor.whole(&whole) {
        return extractor.finish(false);
    }
    let answer = match reply::without_reasoning(&whole) {
        Ok(answer) => answer,
        Err(reply::Unclosed(tag)) => return line::unclosed(tag),
    };
    let (answer, cut_at) = reply::first_turn(&answer);
    let is_cut = context.finish == Finish::Length && cut_at.is_none();
    let blocks = fences::blocks(answer);
    if blocks.is_empty() {
        extractor.sequence(answer, 0..answer.len(), is_cut);
    }
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.into_iter().enumerate() {
        // Only an unclosed last fence can hold the cut.
        let cut_here = is_cut && index == last && block.end == answer.len();
        extractor.sequence(answer, block, cut_here);
    }
    Parsed {
        cut_at,
        ..extractor.finish(is_cut)
    }
}

/// A member of an object that is neither a list nor an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plain {
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
}

/// A member's value, as far as fields can hold it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Member {
    /// A string.
    Text(String),
    /// A list of strings.
    List(Vec<String>),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// Null, an object, or a list of anything else.
    Other,
}

/// An object with its members in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Members {
    pub(crate) members: Vec<(String, Member)>,
    /// The first key that stands twice.
    pub(crate) doubled: Option<String>,
}

/// Most places at which an object is looked for; a reply has few, and each may be read to its end.
const MOST_STARTS: usize = 64;

/// The outermost objects of a text, wherever they stand.
pub(crate) fn objects(text: &str) -> Vec<Members> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices('{').take(MOST_STARTS) {
        if at < from {
            continue;
        }
        let mut reader = Reader::new(text, at);
        let Ok(element) = reader.element(0) else {
            continue;
        };
        from = element.end;
        if let Value::Object(object) = element.value {
            found.push(Members {
                members: object
                    .members
                    .into_iter()
                    .map(|(name, member)| {
                        let written = text.get(member.start..member.end).unwrap_or_default();
                        (name, member_of(member.value, written))
                    })
                    .collect(),
                doubled: object.doubled,
            });
        }
    }
    found
}

fn member_of(value: Value, written: &str) -> Member {
    match value {
        Value::Text(text) => Member::Text(text.text),
        Value::Number => written.trim().parse().map_or(Member::Other, Member::Number),
        Value::Boolean => Member::Truth(written.trim() == "true"),
        Value::Array(elements) => {
            let texts: Option<Vec<String>> = elements
                .into_iter()
                .map(|element| match element.value {
                    Value::Text(text) => Some(text.text),
                    _ => None,
                })
                .collect();
            texts.map_or(Member::Other, Member::List)
        }
        Value::Null | Value::Object(_) => Member::Other,
    }
}

/// The plain members of a text that is one JSON object and nothing else, with or without a fence around it.
/// `None` for anything else, and for an object with a key that stands twice: no one could say which counts.
pub(crate) fn plain_members(text: &str) -> Option<BTreeMap<String, Plain>> {
    let text = match fences::blocks(text).as_slice() {
        [] => text,
        [only] => text.get(only.clone())?,
        _ => return None,
    };
    let mut reader = Reader::new(text, 0);
    let element = reader.element(0).ok()?;
    reader.skip_blanks();
    let Value::Object(object) = element.value else {
        return None;
    };
    if reader.position() != text.len() || object.doubled.is_some() {
        return None;
    }
    let mut members = BTreeMap::new();
    for (name, member) in object.members {
        let written = text.get(member.start..member.end)?;
        let plain = match member.value {
            Value::Text(text) => Plain::Text(text.text),
            Value::Number => Plain::Number(written.trim().parse().ok()?),
            Value::Boolean => Plain::Truth(written.trim() == "true"),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
        };
        members.insert(name, plain);
    }
    Some(members)
}
