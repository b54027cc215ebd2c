//! What was read from each file, and what was wrong with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use evalwright_core::ContentHash;
use serde::Serialize;

use crate::import::row::word;
use crate::import::source::Compression;

/// How many damaged rows of one file are named; all are counted.
pub const NAMED_DAMAGE: usize = 1_000;

/// All files that were read, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ImportSummary {
    /// The files.
    pub files: Vec<FileSummary>,
}

impl ImportSummary {
    /// Rows that were read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Rows that could not be read.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.files.iter().map(|file| file.damaged).sum()
    }

    /// One line for each file and row that could not be read: `file:line: why`. Rows that are counted but not named
    /// are told by their number.
    #[must_use]
    pub fn damage_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for file in &self.files {
            if let Some(problem) = &file.problem {
                lines.push(format!("{}: {problem}", file.name));
            }
            for damage in &file.damage {
                lines.push(format!("{}:{}: {}", file.name, damage.line, damage.problem));
            }
            let unnamed = file.damaged.saturating_sub(file.damage.len() as u64);
            if unnamed > 0 {
                lines.push(format!("{}: {unnamed} more", file.name));
            }
        }
        lines
    }

    /// Rows by family.
    #[must_use]
    pub fn families(&self) -> BTreeMap<String, u64> {
        let mut families = BTreeMap::new();
        for file in &self.files {
            for (family, rows) in &file.families {
                *families.entry(family.clone()).or_default() += rows;
            }
        }
        families
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileSummary {
    /// The file as it is named in rows.
    #[serde(serialize_with = "word")]
    pub name: Arc<str>,
    /// Where it is.
    pub path: PathBuf,
    /// Size on disk.
    pub bytes: u64,
    /// SHA-256 of the file as it is on disk.
    pub sha256: ContentHash,
    /// What it is packed in.
    pub compression: Compression,
    /// How rows stand in it.
    pub container: Container,
    /// The format of most rows; none where no row was read.
    pub format: Option<&'static str>,
    /// Whether the user chose the format.
    pub format_is_forced: bool,
    /// Rows that were read.
    pub rows: u64,
    /// Rows by family; one family, unless the rows themselves say otherwise.
    pub families: BTreeMap<String, u64>,
    /// Rows that could not be read.
    pub damaged: u64,
    /// The first [`NAMED_DAMAGE`] of these.
    pub damage: Vec<Damage>,
    /// Why the file could not be read, or not to its end.
    pub problem: Option<String>,
    /// What was noticed while reading.
    pub notes: BTreeMap<Note, NoteCount>,
    /// The names of fields in the order in which they first came, with the number of rows that have them.
    pub fields: Vec<(String, u64)>,
    /// Rows whose text holds characters beyond ASCII as they are.
    pub raw_unicode_rows: u64,
    /// Rows whose text holds `\uXXXX` escapes.
    pub escaped_unicode_rows: u64,
}

impl FileSummary {
    pub(crate) fn note(&mut self, note: Note, line: u64, count: u64) {
        if count == 0 {
            return;
        }
        self.notes
            .entry(note)
            .or_insert(NoteCount {
                count: 0,
                first_line: line,
            })
            .count += count;
    }

    pub(crate) fn damage(&mut self, line: u64, problem: String) {
        self.damaged += 1;
        if self.damage.len() < NAMED_DAMAGE {
            self.damage.push(Damage { line, problem });
        }
    }
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Its line, from 1; for Parquet its number.
    pub line: u64,
    /// What is wrong, in one sentence.
    pub problem: String,
}

/// How rows stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// One JSON object a line.
    JsonLines,
    /// One JSON list of objects, or one object that holds such a list.
    JsonList,
    /// A table with a header line.
    Table,
    /// Parquet.
    Parquet,
}

/// Something worth knowing about a file that could be read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The file begins with a byte order mark.
    ByteOrderMark,
    /// Lines end with `\r\n`.
    CarriageReturns,
    /// A file named as JSON Lines is one JSON list.
    ArrayInJsonl,
    /// Lines with nothing in them.
    EmptyLines,
    /// The last line has no end.
    NoFinalNewline,
    /// Halves of surrogate pairs, read as U+FFFD.
    HalfSurrogates,
    /// `NaN` or `Infinity`, read as null.
    NotNumbers,
    /// Keys that stand twice in one object with the same value.
    RepeatedKeys,
    /// Zero characters inside texts.
    ZeroCharacters,
    /// Rows in another format than the file's first.
    MixedFormats,
}

/// How often something was noticed, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NoteCount {
    /// How often.
    pub count: u64,
    /// The first line, from 1.
    pub first_line: u64,
}
