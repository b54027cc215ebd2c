//! From JSON values to items.
//!
//! A value is an object with the item's field, an array of such objects, or an object whose only array holds
//! them (`{"statements": [..]}`). Anything else is of the wrong shape and said so.

use std::ops::Range;

use super::reader::{Element, Error, Fault, Object, Reader, Value};
use crate::parse::{Parsed, ParsedItem, RejectedItem, clean};

/// Collects items and rejects over the values of one reply.
pub(super) struct Extractor<'a> {
    item_field: &'a str,
    label_field: Option<&'a str>,
    parsed: Parsed,
    /// The reply being read, for raw texts.
    text: String,
    /// Where its lines begin.
    line_starts: Vec<usize>,
    /// The end of the last part that could not be read; what lies before it is not reported again.
    broken_until: usize,
    is_repaired: bool,
    /// A sentence for the failure, should nothing at all be usable.
    detail: Option<String>,
}

impl<'a> Extractor<'a> {
    pub(super) fn new(item_field: &'a str, label_field: Option<&'a str>) -> Self {
        Self {
            item_field,
            label_field,
            parsed: Parsed::default(),
            text: String::new(),
            line_starts: vec![0],
            broken_until: 0,
            is_repaired: false,
            detail: None,
        }
    }

    /// Reads the text if it is one JSON value and nothing else; says whether it was.
    pub(super) fn whole(&mut self, text: &str) -> bool {
        let mut reader = Reader::new(text, blanks(text));
        let Ok(element) = reader.element(0) else {
            return false;
        };
        reader.skip_blanks();
        if text.get(reader.position()..).is_none_or(clean::has_text) {
            return false;
        }
        self.open(text);
        self.is_repaired = reader.is_repaired;
        self.value(&element);
        true
    }

    fn open(&mut self, text: &str) {
        self.text = text.to_owned();
        self.broken_until = 0;
        self.line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
    }

    /// The line of a byte, from 1.
    fn line_of(&self, at: usize) -> u32 {
        let line = self.line_starts.partition_point(|&start| start <= at);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// Reads the values in a part of the text one after another; what stands between them is chatter.
    pub(super) fn sequence(&mut self, text: &str, part: Range<usize>, is_cut: bool) {
        self.open(text);
        let part_text = text.get(..part.end).unwrap_or(text);
        if let Some(values) = values_only(part_text, part.start) {
            for (element, is_repaired) in &values {
                self.is_repaired = *is_repaired;
                self.value(element);
            }
            return;
        }
        self.salvage(part_text, part.start, is_cut);
    }

    /// Reads every object it can, and skips over the ones it cannot.
    fn salvage(&mut self, text: &str, from: usize, is_cut: bool) {
        let mut at = from;
        let mut found = 0_u32;
        while let Some(start) = find_from(text, at, '{') {
            let mut reader = Reader::new(text, start);
            match reader.element(0) {
                Ok(element) => {
                    self.is_repaired = reader.is_repaired;
                    self.value(&element);
                    found += 1;
                    at = element.end;
                    self.broken_until = at;
                }
                Err(error) => at = self.broken(text, start, error, is_cut),
            }
        }
        if found > 0 {
            // Objects amid chatter are as they should be; objects out of a broken array are worth a word.
            if text
                .get(from..)
                .is_some_and(|part| part.trim_start().starts_with('['))
            {
                self.parsed.warn("salvaged_objects");
            }
        } else if self.parsed.rejected.is_empty() {
            self.nothing(text, from);
        }
    }

    /// Handles an object that cannot be read; gives the byte to go on at.
    fn broken(&mut self, text: &str, start: usize, error: Error, is_cut: bool) -> usize {
        // The fault may lie in an object inside this one whose neighbours are good: those are tried first.
        if error.fault != Fault::TooDeep
            && let Some(inner) = inner_object(text, start, error.at)
        {
            return inner;
        }
        let reason = match error.fault {
            Fault::TooDeep => "too_deep",
            Fault::Ended if is_cut => "cut_off",
            Fault::Ended | Fault::Unexpected => "invalid_json",
        };
        if reason == "cut_off" {
            self.parsed.truncated = true;
        }
        // Braces further on in the same line are most likely part of the same broken object.
        if start >= self.broken_until {
            let rest = text.get(error.at..).unwrap_or_default();
            let end = error.at + rest.find('\n').unwrap_or(rest.len());
            self.reject(reason, start, end, None);
            self.broken_until = end;
        }
        if reason == "too_deep" {
            // Whatever nests on from here is part of the same tower.
            let rest = text.get(error.at..).unwrap_or_default();
            return error.at + rest.find(['\n', '}']).unwrap_or(rest.len());
        }
        error.at.max(start + 1)
    }

    /// Says why a text without any readable object is of no use.
    fn nothing(&mut self, text: &str, from: usize) {
        let start = find_from(text, from, '[');
        let error = start.map(|start| Reader::new(text, start).element(0));
        let (reason, detail) = match (start, error) {
            (
                Some(start),
                Some(Err(Error {
                    fault: Fault::TooDeep,
                    at,
                })),
            ) => (
                "too_deep",
                format!(
                    "more than {} brackets inside one another (bytes {start} to {at})",
                    super::reader::DEPTH
                ),
            ),
            (Some(start), Some(Err(error))) => (
                "invalid_json",
                format!(
                    "the array on line {} cannot be read on from line {}",
                    self.line_of(start),
                    self.line_of(error.at)
                ),
            ),
            _ => (
                "wrong_shape",
                format!(
                    "no JSON object with the field `{}` in the reply",
                    self.item_field
                ),
            ),
        };
        self.parsed.failure = Some(crate::parse::ParseFailure {
            reason: reason.to_owned(),
            detail,
        });
    }

    fn value(&mut self, element: &Element) {
        match &element.value {
            Value::Object(object) => self.object(object, element),
            Value::Array(elements) => {
                if elements.is_empty() {
                    self.detail = Some("the array is empty".to_owned());
                }
                for inner in elements {
                    match &inner.value {
                        Value::Object(object) => self.object(object, inner),
                        other => self.wrong_shape(other, inner),
                    }
                }
            }
            other => self.wrong_shape(other, element),
        }
    }

    fn wrong_shape(&mut self, value: &Value, element: &Element) {
        self.detail.get_or_insert_with(|| {
            format!(
                "expected objects with the field `{}`, found {}",
                self.item_field,
                value.kind()
            )
        });
        self.reject("wrong_shape", element.start, element.end, None);
    }

    fn object(&mut self, object: &Object, element: &Element) {
        let (start, end) = (element.start, element.end);
        if let Some(key) = &object.doubled {
            self.reject("duplicate_key", start, end, Some(key));
            return;
        }
        let Some(field) = object.get(self.item_field) else {
            match only_array(object) {
                Some(list) => self.value(list),
                None => self.reject("missing_field", start, end, Some(self.item_field)),
            }
            return;
        };
        let Value::Text(text) = &field.value else {
            self.reject("wrong_shape", start, end, Some(self.item_field));
            return;
        };
        let mut item = clean::item(&text.text);
        if item.text.is_empty() {
            self.reject("empty_text", start, end, Some(self.item_field));
            return;
        }
        let mut has_replacement = text.has_replacement;
        if let Some(key) = self.label_field {
            match object.get(key).map(|field| &field.value) {
                Some(Value::Text(label)) => {
                    has_replacement |= label.has_replacement;
                    item.label = Some(label.text.clone());
                }
                found => {
                    let reason = if found.is_some() {
                        "wrong_shape"
                    } else {
                        "missing_field"
                    };
                    self.reject(reason, start, end, Some(key));
                    return;
                }
            }
        }
        if has_replacement {
            item.flags.push("replaced_character".to_owned());
        }
        if self.is_repaired {
            item.flags.push("repaired".to_owned());
        }
        self.parsed.items.push(ParsedItem { group: 0, ..item });
    }

    fn reject(&mut self, reason: &str, start: usize, end: usize, key: Option<&str>) {
        self.parsed.rejected.push(RejectedItem {
            reason: reason.to_owned(),
            raw: shortened(self.text.get(start..end).unwrap_or_default().trim_end()),
            line: Some(self.line_of(start)),
            key: key.map(str::to_owned),
        });
    }

    /// The result. One unreadable value as the whole reply is a failure of the reply.
    pub(super) fn finish(mut self, is_cut: bool) -> Parsed {
        if !self.parsed.items.is_empty() {
            self.parsed.failure = None;
            return self.parsed;
        }
        if let [only] = self.parsed.rejected.as_slice()
            && matches!(
                only.reason.as_str(),
                "invalid_json" | "wrong_shape" | "too_deep"
            )
        {
            let detail = self.detail.take().unwrap_or_else(|| {
                let what = if only.reason == "too_deep" {
                    "nests too deeply"
                } else {
                    "cannot be read"
                };
                format!("the object on line {} {what}", only.line.unwrap_or(1))
            });
            let reason = only.reason.clone();
            self.parsed.rejected.clear();
            self.parsed.failure = Some(crate::parse::ParseFailure { reason, detail });
        }
        if !self.parsed.rejected.is_empty() {
            self.parsed.failure = None;
        } else if self.parsed.failure.is_none() {
            let detail = self
                .detail
                .take()
                .unwrap_or_else(|| "the reply holds no value".to_owned());
            self.parsed.failure = Some(crate::parse::ParseFailure {
                reason: "wrong_shape".to_owned(),
                detail,
            });
        }
        self.parsed.truncated |= is_cut && self.parsed.failure.is_some();
        self.parsed
    }
}

/// The values of a text that holds nothing but values and blanks, each with whether it was repaired.
fn values_only(text: &str, from: usize) -> Option<Vec<(Element, bool)>> {
    let mut values = Vec::new();
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        if !clean::has_text(rest) {
            return (!values.is_empty()).then_some(values);
        }
        let mut reader = Reader::new(text, at + blanks(rest));
        let element = reader.element(0).ok()?;
        at = reader.position();
        values.push((element, reader.is_repaired));
    }
}

/// The array of an object that holds exactly one array, if that array holds objects.
fn only_array(object: &Object) -> Option<&Element> {
    let mut arrays = object
        .members
        .iter()
        .map(|(_, element)| element)
        .filter(|element| matches!(element.value, Value::Array(_)));
    let only = arrays.next().filter(|_| arrays.next().is_none())?;
    match &only.value {
        Value::Array(elements)
            if elements
                .iter()
                .any(|inner| matches!(inner.value, Value::Object(_))) =>
        {
            Some(only)
        }
        _ => None,
    }
}

/// Where the sign next stands, from this byte on.
fn find_from(text: &str, from: usize, sign: char) -> Option<usize> {
    Some(from + text.get(from..)?.find(sign)?)
}

/// The next object that begins inside a broken one before its fault, outside strings.
fn inner_object(text: &str, start: usize, fault: usize) -> Option<usize> {
    let mut in_string = false;
    let mut is_escaped = false;
    let inside = text.get(start + 1..fault)?;
    for (offset, byte) in inside.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => return Some(start + 1 + offset),
            _ => {}
        }
    }
    None
}

/// How many bytes of blanks (and byte-order marks) the text begins with.
fn blanks(text: &str) -> usize {
    text.len()
        - text
            .trim_start_matches(|character: char| {
                character.is_whitespace() || character == '\u{feff}'
            })
            .len()
}

/// A raw part of at most [`RAW_LIMIT`] characters: a broken reply in one line must not be kept once per object.
fn shortened(raw: &str) -> String {
    match raw.char_indices().nth(RAW_LIMIT) {
        Some((at, _)) => format!("{}…", raw.get(..at).unwrap_or_default()),
        None => raw.to_owned(),
    }
}

/// The length of a long statement with its keys.
const RAW_LIMIT: usize = 300;
