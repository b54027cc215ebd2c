//! Reads JSONL files line by line. A damaged line is remembered with its reason, and reading goes on.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::failure::{Failure, Kind};

/// Bytes of lines that are read before they are parsed side by side.
const BATCH_BYTES: usize = 8 << 20;

/// Names of fields that a message lists.
const NAMED_FIELDS: usize = 12;

/// The fields to look for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) text: &'a str,
    pub(super) label: Option<&'a str>,
    pub(super) prefer: Option<&'a str>,
}

/// What the fields of a line hold.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) text: Option<String>,
    pub(super) label: Option<String>,
    pub(super) prefer: Option<f64>,
    /// A field that is there and does not hold what it must.
    wrong: Option<String>,
}

/// A line that is no row.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Damaged {
    pub(super) file: PathBuf,
    pub(super) line: u64,
    pub(super) why: String,
}

/// Lines one after the other, without their ends; blank lines are left out but counted.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    lines: Vec<(u64, std::ops::Range<usize>)>,
}

/// A line of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u64,
    pub(super) bytes: &'a [u8],
}

impl Batch {
    pub(super) fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|(number, range)| Line {
            number: *number,
            bytes: self.bytes.get(range.clone()).unwrap_or(&[]),
        })
    }

    /// Keeps some lines only.
    pub(super) fn retain(&mut self, keeps: impl Fn(u64) -> bool) {
        self.lines.retain(|(number, _)| keeps(*number));
    }
}

/// Gives the lines of a file in batches, and how many there are in all. A byte order mark is no part of the first
/// line's content, a carriage return before the end is part of the line.
pub(super) fn each_batch(
    path: &Path,
    mut take: impl FnMut(&mut Batch) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let file = File::open(path).map_err(|cause| Failure::unreadable(path, &cause))?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut batch, mut number) = (Batch::default(), 0);
    loop {
        let start = batch.bytes.len();
        let read = reader
            .read_until(b'\n', &mut batch.bytes)
            .map_err(|cause| Failure::unreadable(path, &cause))?;
        if read == 0 {
            break;
        }
        number += 1;
        let bytes = batch.bytes.get(start..).unwrap_or(&[]);
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        if !content(number, line).iter().all(u8::is_ascii_whitespace) {
            batch.lines.push((number, start..start + line.len()));
        }
        if batch.bytes.len() >= BATCH_BYTES {
            take(&mut batch)?;
            batch.bytes.clear();
            batch.lines.clear();
        }
    }
    take(&mut batch)?;
    Ok(number)
}

/// The JSON of a line.
pub(super) fn content(number: u64, bytes: &[u8]) -> &[u8] {
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) if number == 1 => rest,
        _ => bytes,
    }
}

/// Reads the fields of many lines side by side; the reason is a sentence.
pub(super) fn parse(batch: &Batch, fields: Fields<'_>) -> Vec<Result<Found, String>> {
    let lines: Vec<Line<'_>> = batch.iter().collect();
    lines
        .par_iter()
        .with_min_len(64)
        .map(|line| read(content(line.number, line.bytes), fields))
        .collect()
}

fn read(bytes: &[u8], fields: Fields<'_>) -> Result<Found, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let found = fields
        .deserialize(&mut reader)
        .and_then(|found| reader.end().map(|()| found))
        .map_err(|error| without_line(&error.to_string()))?;
    if let Some(wrong) = found.wrong {
        return Err(wrong);
    }
    let missing = |name: &str| Err(format!("has no field `{name}`"));
    match fields {
        Fields { text, .. } if found.text.is_none() => missing(text),
        Fields {
            label: Some(label), ..
        } if found.label.is_none() => missing(label),
        Fields {
            prefer: Some(prefer),
            ..
        } if found.prefer.is_none() => missing(prefer),
        _ => Ok(found),
    }
}

/// Each line is a document of its own to the reader, so its "line 1" says nothing.
fn without_line(message: &str) -> String {
    message.replace(" at line 1 column ", " at column ")
}

/// Why no line of a file could be used: names the fields that there are.
pub(super) fn no_rows(path: &Path, field: &str, lines: u64, first: Option<&Damaged>) -> Failure {
    let shown = path.display();
    if lines == 0 {
        return Failure::new(Kind::Config, format!("{shown} is empty: it holds no line"));
    }
    let why = match first {
        Some(first) => format!("line {} {}", first.line, because(&first.why)),
        None => "all lines are blank".to_owned(),
    };
    let failure = Failure::new(
        Kind::Config,
        format!("{shown} holds no row that can be compared: {why}"),
    );
    let names = names_in_first_line(path);
    if names.is_empty() || names.contains(field) {
        return failure.hint("each line of the file must be one JSON object");
    }
    let listed: Vec<String> = names
        .iter()
        .take(NAMED_FIELDS)
        .map(|name| format!("`{name}`"))
        .collect();
    failure.hint(format!(
        "name the field with the text by `--field`; its first row has {}",
        listed.join(", ")
    ))
}

/// The reason as the end of a sentence that names the line.
pub(super) fn because(why: &str) -> String {
    if why.starts_with("has no field") || why.starts_with("holds") {
        why.to_owned()
    } else {
        format!("is no JSON object ({why})")
    }
}

fn names_in_first_line(path: &Path) -> BTreeSet<String> {
    let first = File::open(path)
        .ok()
        .and_then(|file| BufReader::new(file).lines().next()?.ok());
    let value: Option<serde_json::Value> =
        first.and_then(|line| serde_json::from_slice(content(1, line.as_bytes())).ok());
    value
        .as_ref()
        .and_then(serde_json::Value::as_object)
        .map(|object| object.keys().cloned().collect())
        .unwrap_or_default()
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        // A field may serve for more than one purpose.
        while let Some(names) = map.next_key_seed(Names(self))? {
            if !(names.text || names.label || names.prefer) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: serde_json::Value = map.next_value()?;
            found.take(names, value, self);
        }
        Ok(found)
    }
}

impl Found {
    fn take(&mut self, names: Purposes, value: serde_json::Value, fields: Fields<'_>) {
        if names.label {
            self.label = Some(match &value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            });
        }
        if names.prefer {
            self.prefer = value.as_f64();
            if self.prefer.is_none() {
                let name = fields.prefer.unwrap_or_default();
                self.wrong = Some(format!("holds no number in the field `{name}`"));
            }
        }
        if names.text {
            if let serde_json::Value::String(text) = value {
                self.text = Some(text);
            } else {
                self.wrong = Some(format!("holds no text in the field `{}`", fields.text));
            }
        }
    }
}

/// What a field is there for.
#[derive(Debug, Clone, Copy)]
struct Purposes {
    text: bool,
    label: bool,
    prefer: bool,
}

/// Compares a name without keeping it.
struct Names<'a>(Fields<'a>);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = Purposes;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Purposes, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Names<'_> {
    type Value = Purposes;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Purposes, E> {
        Ok(Purposes {
            text: name == self.0.text,
            label: self.0.label == Some(name),
            prefer: self.0.prefer == Some(name),
        })
    }
}
