//! Reading files to rows: the container, then the format, then the row.
//!
//! Rows go out one by one, so memory does not grow with the file. A row that cannot be read is counted and named, and
//! reading goes on; so does a file among others.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evalwright_core::ContentHash;
use serde_json::{Map, Value};

use crate::error::DatasetError;
use crate::import::elements::Elements;
use crate::import::folder::{Target, targets};
use crate::import::formats::{Fields, Format, detect};
use crate::import::json::{self, ReadObject};
use crate::import::lines::{LINE_LIMIT, Line, Lines};
use crate::import::map::FieldMap;
use crate::import::parquet;
use crate::import::row::{ImportedRow, RowFault, label_faults};
use crate::import::source::{self, Compression};
use crate::import::summary::{Container, FileSummary, ImportSummary, Note};
use crate::import::table::{Record, Table, delimiter};
use crate::import::values::number;

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The format of all files; told by the first row where none is given.
    pub format: Option<&'static Format>,
    /// Fields under other names.
    pub map: FieldMap,
    /// The longest row in bytes; longer ones are damaged.
    pub row_limit: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            map: FieldMap::default(),
            row_limit: LINE_LIMIT,
        }
    }
}

/// Receives rows in the order of the files. An error ends the reading.
pub type Receive<'a> = &'a mut dyn FnMut(ImportedRow) -> Result<(), DatasetError>;

/// Reads files, version folders, hub folders and folders of any of them.
///
/// # Errors
/// When a path is not there, a folder holds no data, or the receiver fails. What is wrong inside a file stands in
/// its summary.
pub fn read_rows_of(
    paths: &[PathBuf],
    options: &ReadOptions,
    receive: Receive<'_>,
) -> Result<ImportSummary, DatasetError> {
    let mut files = Vec::new();
    for target in targets(paths)? {
        files.push(read_target(&target, options, receive)?);
    }
    Ok(ImportSummary { files })
}

/// All rows at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imported {
    /// The rows, in the order of the files.
    pub rows: Vec<ImportedRow>,
    /// The files.
    pub summary: ImportSummary,
}

/// [`read_rows_of`] into memory.
///
/// # Errors
/// As [`read_rows_of`].
pub fn read_all(paths: &[PathBuf], options: &ReadOptions) -> Result<Imported, DatasetError> {
    let mut rows = Vec::new();
    let summary = read_rows_of(paths, options, &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(Imported { rows, summary })
}

pub(crate) fn read_target(
    target: &Target,
    options: &ReadOptions,
    receive: Receive<'_>,
) -> Result<FileSummary, DatasetError> {
    let unreadable = |source| DatasetError::from_read(&target.path, source);
    let file = std::fs::File::open(&target.path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let sha256 = ContentHash::of_reader(file).map_err(unreadable)?;
    let mut reading = Reading {
        target,
        options,
        summary: FileSummary {
            name: Arc::clone(&target.name),
            path: target.path.clone(),
            bytes,
            sha256,
            compression: Compression::None,
            container: Container::JsonLines,
            format: None,
            format_is_forced: options.format.is_some(),
            rows: 0,
            families: BTreeMap::new(),
            damaged: 0,
            damage: Vec::new(),
            problem: None,
            notes: BTreeMap::new(),
            fields: Vec::new(),
            raw_unicode_rows: 0,
            escaped_unicode_rows: 0,
        },
        format: options.format,
        words: Words::default(),
        receive,
    };
    match reading.file() {
        Ok(()) => {}
        // Only what the receiver says ends the reading.
        Err(Ended::Receiver(error)) => return Err(error),
        Err(Ended::File(problem)) => reading.summary.problem = Some(problem),
    }
    reading.summary.format = reading.format.map(|format| format.name);
    Ok(reading.summary)
}

/// Why reading a file ended early.
enum Ended {
    /// The receiver failed.
    Receiver(DatasetError),
    /// The file cannot be read further.
    File(String),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::File(format!("cannot be read further: {error}"))
    }
}

/// Words that many rows share, kept once.
#[derive(Default)]
struct Words(BTreeMap<String, Arc<str>>);

impl Words {
    fn shared(&mut self, word: String) -> Arc<str> {
        if let Some(known) = self.0.get(&word) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(word.as_str());
        self.0.insert(word, Arc::clone(&shared));
        shared
    }
}

struct Reading<'a> {
    target: &'a Target,
    options: &'a ReadOptions,
    summary: FileSummary,
    format: Option<&'static Format>,
    words: Words,
    receive: Receive<'a>,
}

impl Reading<'_> {
    fn file(&mut self) -> Result<(), Ended> {
        let path = self.target.path.as_path();
        if parquet::is_parquet(path)? {
            self.summary.container = Container::Parquet;
            return self.parquet(path);
        }
        let said = |error: DatasetError| match error {
            DatasetError::Utf16 { .. } => Ended::File(
                "line 1 is not UTF-8 text, it looks like UTF-16; save the file as UTF-8".to_owned(),
            ),
            DatasetError::Read { source, .. } => Ended::from(source),
            other => Ended::File(other.to_string()),
        };
        let start = source::peek(path).map_err(said)?;
        let mut opened = source::open(path).map_err(said)?;
        self.summary.compression = opened.compression;
        self.summary
            .note(Note::ByteOrderMark, 1, u64::from(opened.had_mark));
        let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&start);
        let first = start
            .iter()
            .find(|byte| !byte.is_ascii_whitespace())
            .copied();
        let ending = self.target.ending.as_str();
        let reader = &mut *opened.reader;
        match (ending, first) {
            ("csv" | "tsv", _) => self.table(reader, start),
            (_, Some(b'[')) => {
                self.summary.container = Container::JsonList;
                self.summary.note(
                    Note::ArrayInJsonl,
                    1,
                    u64::from(matches!(ending, "jsonl" | "ndjson")),
                );
                self.list(reader)
            }
            ("json", Some(b'{')) if !begins_with_whole_object(start) => {
                self.summary.container = Container::JsonList;
                self.document(reader)
            }
            ("jsonl" | "ndjson" | "json", _) | (_, Some(b'{') | None) => self.lines(reader),
            _ => self.table(reader, start),
        }
    }

    fn lines(&mut self, reader: &mut dyn io::BufRead) -> Result<(), Ended> {
        let mut lines = Lines::new(reader, self.options.row_limit);
        let mut line = Line::default();
        let mut is_ended = true;
        while lines.next_into(&mut line)? {
            is_ended = line.is_ended;
            let number = line.number;
            self.summary
                .note(Note::CarriageReturns, number, u64::from(line.has_return));
            if line.is_too_long {
                self.too_long(number);
            } else if line.bytes.iter().all(u8::is_ascii_whitespace) {
                self.summary.note(Note::EmptyLines, number, 1);
            } else {
                self.json_row(number, &line.bytes)?;
            }
        }
        self.summary
            .note(Note::NoFinalNewline, line.number, u64::from(!is_ended));
        Ok(())
    }

    fn list(&mut self, reader: &mut dyn io::BufRead) -> Result<(), Ended> {
        let mut elements = Elements::new(reader, self.options.row_limit);
        while let Some(element) = elements.next()? {
            if element.is_too_long {
                self.too_long(element.line);
            } else if element.is_cut {
                self.summary.damage(
                    element.line,
                    "the file ends before the list does".to_owned(),
                );
            } else {
                self.json_row(element.line, &element.bytes)?;
            }
        }
        Ok(())
    }

    /// One object over many lines: its first member that is a list of objects holds the rows.
    fn document(&mut self, reader: &mut dyn io::BufRead) -> Result<(), Ended> {
        let text = whole_text(reader, self.options.row_limit.saturating_mul(16))?;
        let read = json::object(&text).map_err(Ended::File)?;
        let is_list = |value: &&Value| {
            value
                .as_array()
                .is_some_and(|values| values.first().is_some_and(Value::is_object))
        };
        let Some(rows) = read.fields.values().find(is_list).and_then(Value::as_array) else {
            return Err(Ended::File(
                "one object without a list of objects; write one object a line".to_owned(),
            ));
        };
        for (index, row) in rows.iter().enumerate() {
            self.json_row(index as u64 + 1, row.to_string().as_bytes())?;
        }
        Ok(())
    }

    fn table(&mut self, reader: &mut dyn io::BufRead, start: &[u8]) -> Result<(), Ended> {
        self.summary.container = Container::Table;
        let delimiter = if self.target.ending == "tsv" {
            b'\t'
        } else {
            delimiter(start)
        };
        let limit = self.options.row_limit;
        let mut table = Table::new(Lines::new(reader, limit), delimiter, limit);
        let header: Vec<String> = match table.next()? {
            None => return Err(Ended::File("the file is empty".to_owned())),
            Some(Record::Damaged { line, problem, .. }) => {
                return Err(Ended::File(format!(
                    "line {line}: the header cannot be read: {problem}"
                )));
            }
            Some(Record::Cells { cells, .. }) => {
                cells.iter().map(|cell| cell.trim().to_owned()).collect()
            }
        };
        while let Some(record) = table.next()? {
            match record {
                Record::Damaged { line, problem, .. } => self.summary.damage(line, problem),
                Record::Cells { line, cells } if cells.len() != header.len() => {
                    self.summary.damage(
                        line,
                        format!(
                            "{} cells where the header has {}",
                            cells.len(),
                            header.len()
                        ),
                    )
                }
                Record::Cells { line, cells } => {
                    let fields: Map<String, Value> = header
                        .iter()
                        .cloned()
                        .zip(cells.into_iter().map(Value::String))
                        .collect();
                    let original = Value::Object(fields.clone()).to_string();
                    self.row(line, fields, original)?;
                }
            }
        }
        let returns = table.returns;
        self.summary.note(Note::CarriageReturns, 1, returns);
        Ok(())
    }

    fn parquet(&mut self, path: &Path) -> Result<(), Ended> {
        // A row's number is its line. The receiver's error must come out as such, so it's kept beside.
        let mut number = 0;
        let mut ended = None;
        let read = parquet::read(path, &mut |row| {
            number += 1;
            let kept = match row {
                Ok(fields) => {
                    let original = Value::Object(fields.clone()).to_string();
                    self.row(number, fields, original)
                }
                Err(problem) => {
                    self.summary.damage(number, problem);
                    Ok(())
                }
            };
            match kept {
                Ok(()) => true,
                Err(error) => {
                    ended = Some(error);
                    false
                }
            }
        });
        match ended {
            Some(error) => Err(error),
            None => read.map_err(Ended::File),
        }
    }

    fn too_long(&mut self, line: u64) {
        let limit = self.options.row_limit;
        self.summary.damage(
            line,
            format!("longer than {limit} bytes, the limit of a row"),
        );
    }

    fn json_row(&mut self, line: u64, bytes: &[u8]) -> Result<(), Ended> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.summary
                .damage(line, "not UTF-8 text; save the file as UTF-8".to_owned());
            return Ok(());
        };
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        match json::object(text) {
            Err(problem) => {
                self.summary.damage(line, problem);
                Ok(())
            }
            Ok(ReadObject {
                fields,
                half_surrogates,
                not_numbers,
                repeated_keys,
            }) => {
                self.summary
                    .note(Note::HalfSurrogates, line, half_surrogates);
                self.summary.note(Note::NotNumbers, line, not_numbers);
                self.summary.note(Note::RepeatedKeys, line, repeated_keys);
                self.summary.raw_unicode_rows += u64::from(!text.is_ascii());
                self.summary.escaped_unicode_rows += u64::from(text.contains("\\u"));
                self.row(line, fields, text.to_owned())
            }
        }
    }

    /// Reads a row in the file's format and hands it on. The first row that can be read says which that is.
    fn row(
        &mut self,
        line: u64,
        fields: Map<String, Value>,
        original: String,
    ) -> Result<(), Ended> {
        for name in fields.keys() {
            match self
                .summary
                .fields
                .iter_mut()
                .find(|(known, _)| known == name)
            {
                Some((_, rows)) => *rows += 1,
                None => self.summary.fields.push((name.clone(), 1)),
            }
        }
        let mut read = match self.fields_of(line, &fields) {
            Ok(read) => read,
            Err(problem) => {
                self.summary.damage(line, problem);
                return Ok(());
            }
        };
        if let Err(problem) = self.options.map.apply(&fields, &mut read) {
            self.summary.damage(line, problem);
            return Ok(());
        }
        self.summary.rows += 1;
        let mut faults = label_faults(&read.options, &read.matching, &read.not_matching);
        let confidence = read
            .confidence
            .as_ref()
            .filter(|value| !value.is_null() && **value != "");
        let known = confidence
            .and_then(number)
            .filter(|number| (0.0..=1.0).contains(number));
        if let (Some(found), None) = (confidence, known) {
            faults.push(RowFault::ConfidenceOutOfRange {
                found: found.to_string(),
            });
        }
        let format = self.format.map_or("plain", |format| format.name);
        let target = self.target;
        let family = match read.family {
            Some(family) => self.words.shared(family),
            None => target
                .family
                .clone()
                .unwrap_or_else(|| self.words.shared(format.to_owned())),
        };
        *self.summary.families.entry(family.to_string()).or_default() += 1;
        let row = ImportedRow {
            file: Arc::clone(&self.summary.name),
            line,
            number: self.summary.rows,
            id: read.id,
            question: read.question,
            stem: read.stem,
            header: read.header,
            statement: read.statement,
            options: read.options,
            matching: read.matching,
            not_matching: read.not_matching,
            not_matching_is_list: read.not_matching_is_list,
            confidence: known,
            cells: read.cells,
            split: read
                .split
                .map(|split| self.words.shared(split))
                .or_else(|| target.split.clone()),
            family,
            behaviour: read.behaviour.map_or_else(
                || Arc::clone(&target.behaviour),
                |word| self.words.shared(word),
            ),
            faults,
            original: read.original.unwrap_or(original).into_boxed_str(),
        };
        let zeros = u64::from(row.question.contains('\0'));
        self.summary.note(Note::ZeroCharacters, line, zeros);
        (self.receive)(row).map_err(Ended::Receiver)
    }

    fn fields_of(&mut self, line: u64, fields: &Map<String, Value>) -> Result<Fields, String> {
        // A mapped question makes up for one that the format does not find.
        let bridged = |read: Result<Fields, String>| match read {
            Err(_) if self.options.map.maps("question") => Ok(Fields::default()),
            other => other,
        };
        let Some(format) = self.format else {
            let found = detect(fields);
            let read = bridged((found.read)(fields))?;
            self.format = Some(found);
            return Ok(read);
        };
        let read = bridged((format.read)(fields));
        if self.options.format.is_some() || ((format.fits)(fields) && read.is_ok()) {
            return read;
        }
        // A row of another format among the others is read as what it is.
        let other = detect(fields);
        if std::ptr::eq(other, format) || other.name == format.name {
            return read;
        }
        let read = bridged((other.read)(fields))?;
        self.summary.note(Note::MixedFormats, line, 1);
        Ok(read)
    }
}

/// Whether the first line is one JSON object.
fn begins_with_whole_object(start: &[u8]) -> bool {
    let first = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    std::str::from_utf8(first).is_ok_and(|line| json::object(line.trim()).is_ok())
}

/// All of a text of at most so many bytes.
fn whole_text(reader: &mut dyn io::BufRead, limit: usize) -> Result<String, Ended> {
    let mut text = String::new();
    match reader.take(limit as u64 + 1).read_to_string(&mut text) {
        Ok(length) if length > limit => Err(Ended::File(format!(
            "the object is longer than {limit} bytes; write one object a line"
        ))),
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Ended::File(
            "not UTF-8 text; save the file as UTF-8".to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}
