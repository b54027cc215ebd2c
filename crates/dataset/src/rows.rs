//! JSON Lines, strictly: UTF-8, one object a line, `\n` after each, the same keys in the same order in
//! every row, no NaN.
//!
//! Text is never trimmed or changed: a label's leading space is part of it. Our own files must end with
//! a newline, since one that doesn't was cut; files of others may lack the last one.

use std::io::{self, Write};
use std::path::Path;

use evalwright_core::{Reject, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::ser::Formatter;
use serde_json::{Map, Value};

use crate::error::DatasetError;

/// A line of a file whose columns are not known beforehand.
pub type Record = Map<String, Value>;

/// Reads `data.jsonl`.
///
/// # Errors
/// When the file cannot be read, was cut, or a line is not a row; the message names file and line.
pub fn read_rows(path: &Path) -> Result<Vec<Row>, DatasetError> {
    read(path, LastLine::MustEnd)
}

/// Reads `rejected.jsonl`.
///
/// # Errors
/// As [`read_rows`].
pub fn read_rejects(path: &Path) -> Result<Vec<Reject>, DatasetError> {
    read(path, LastLine::MustEnd)
}

/// Reads any JSON Lines file, such as a published set of others.
///
/// # Errors
/// When the file cannot be read or a line is not exactly one object; the message names file and line.
pub fn read_records(path: &Path) -> Result<Vec<Record>, DatasetError> {
    read(path, LastLine::MayEnd)
}

/// [`read_records`] for bytes already read; `path` is for messages only.
///
/// # Errors
/// As [`read_records`].
pub fn parse_records(path: &Path, bytes: &[u8]) -> Result<Vec<Record>, DatasetError> {
    parse(path, bytes, LastLine::MayEnd)
}

/// `data.jsonl` as bytes. No rows give an empty file. A number that is not finite becomes null where the
/// row may lack it.
///
/// # Errors
/// When a row holds a number that is not finite where a number is needed; the message names the row.
pub fn write_rows(rows: &[Row]) -> Result<Vec<u8>, DatasetError> {
    write(rows)
}

/// `rejected.jsonl` as bytes. No rejects give an empty file.
///
/// # Errors
/// As [`write_rows`].
pub fn write_rejects(rejects: &[Reject]) -> Result<Vec<u8>, DatasetError> {
    write(rejects)
}

/// Records as JSON Lines. Every line gets every key that any record has, in the order in which they
/// first came; a value that a record lacks is null. Loaders take the columns from the first lines, so
/// rows with other keys would fail there.
///
/// # Errors
/// Never for values that JSON can hold.
pub fn write_records(records: &[Record]) -> Result<Vec<u8>, DatasetError> {
    let mut columns: Map<String, Value> = Map::new();
    for key in records.iter().flat_map(Map::keys) {
        if !columns.contains_key(key) {
            columns.insert(key.clone(), Value::Null);
        }
    }
    let mut bytes = Vec::new();
    for record in records {
        let mut line = columns.clone();
        for (key, value) in record {
            line.insert(key.clone(), value.clone());
        }
        push_line(&mut bytes, &line)?;
    }
    Ok(bytes)
}

fn write<T: Serialize + DeserializeOwned>(values: &[T]) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let start = bytes.len();
        push_line(&mut bytes, value)?;
        // JSON has no NaN: such a number becomes null, and where a number is needed the file could not
        // be read any more. Better to find out before it is published.
        let line = bytes.get(start..).unwrap_or_default();
        serde_json::from_slice::<T>(line).map_err(|error| DatasetError::NotWritable {
            row: index + 1,
            problem: error_text(&error),
        })?;
    }
    Ok(bytes)
}

fn push_line<T: Serialize>(bytes: &mut Vec<u8>, value: &T) -> Result<(), DatasetError> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *bytes, Spaced);
    value
        .serialize(&mut serializer)
        .map_err(|source| DatasetError::Json {
            what: "a row",
            source,
        })?;
    bytes.push(b'\n');
    Ok(())
}

/// A space after each comma and colon, as in the published model-written evals: such a file, read and
/// written again, keeps its bytes.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        is_first: bool,
    ) -> io::Result<()> {
        separate(writer, is_first)
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        is_first: bool,
    ) -> io::Result<()> {
        separate(writer, is_first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

fn separate<W: Write + ?Sized>(writer: &mut W, is_first: bool) -> io::Result<()> {
    writer.write_all(if is_first { b"" } else { b", " })
}

/// What the end of the file must look like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LastLine {
    MustEnd,
    MayEnd,
}

fn read<T: DeserializeOwned>(path: &Path, last: LastLine) -> Result<Vec<T>, DatasetError> {
    let bytes = std::fs::read(path).map_err(|source| DatasetError::from_read(path, source))?;
    parse(path, &bytes, last)
}

fn parse<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    last: LastLine,
) -> Result<Vec<T>, DatasetError> {
    let mut values = Vec::new();
    for (index, chunk) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = index + 1;
        let content = match chunk.strip_suffix(b"\n") {
            Some(content) => content,
            None if last == LastLine::MayEnd => chunk,
            None => {
                return Err(DatasetError::Cut {
                    path: path.to_path_buf(),
                    line,
                });
            }
        };
        values.push(parse_line(path, line, content)?);
    }
    Ok(values)
}

fn parse_line<T: DeserializeOwned>(
    path: &Path,
    line: usize,
    content: &[u8],
) -> Result<T, DatasetError> {
    let file = || path.to_path_buf();
    let bad = |problem: String| DatasetError::BadLine {
        path: file(),
        line,
        problem,
    };
    let text =
        std::str::from_utf8(content).map_err(|_| DatasetError::NotUtf8 { path: file(), line })?;
    if text.starts_with('\u{feff}') {
        return Err(bad(
            "the file starts with a byte order mark; save it as UTF-8 without one".to_owned(),
        ));
    }
    let start = text.trim_start();
    if start.is_empty() {
        return Err(bad("the line is empty; take it out".to_owned()));
    }
    if start.starts_with('[') {
        return Err(DatasetError::Array { path: file(), line });
    }
    if !start.starts_with('{') {
        return Err(DatasetError::NotOneObjectALine { path: file(), line });
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        // The first object of the line may be good and another follow it, or the object may go on in the
        // next line. Read as any JSON, so that a missing field isn't taken for a broken line.
        Err(error) => match serde_json::from_str::<Value>(text) {
            Ok(_) => Err(bad(error_text(&error))),
            Err(broken) if broken.is_eof() || has_several_objects(text) => {
                Err(DatasetError::NotOneObjectALine { path: file(), line })
            }
            Err(broken) => Err(bad(format!(
                "{} at column {}",
                error_text(&broken),
                broken.column()
            ))),
        },
    }
}

pub(crate) fn has_several_objects(text: &str) -> bool {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .take_while(Result::is_ok)
        .take(1)
        .count()
        == 1
}

/// The message without ` at line 1 column 7`, since that line counts within the line.
fn error_text(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}
