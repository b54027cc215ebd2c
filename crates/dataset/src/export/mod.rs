//! A version in the formats of other tools, one file each.
//!
//! An export is made of the version's rows alone, so the same version gives the same bytes. A row that a format cannot
//! hold is left out, counted and named by its reason, never bent to fit.

mod ascii;
mod chat;
mod croissant;
mod harness;
mod hub;
mod inspect;
mod model_written;
mod names;
mod openai_evals;
mod pairs;
mod parquet;
mod posed;
mod promptfoo;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::DatasetError;
use crate::import::ImportedRow;
use crate::manifest::Manifest;
use crate::publish::Files;
use crate::rows::{Record, write_records};

pub use names::Segments;

/// A version to be exported.
#[derive(Debug, Clone, Copy)]
pub struct ExportSource<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Its rows as they are read from its folder.
    pub rows: &'a [ImportedRow],
    /// The bytes of its `data.jsonl`.
    pub data: &'a [u8],
    /// What a reader should know of its status; nothing for a published one.
    pub status: Option<&'a str>,
}

/// A format.
#[derive(Debug)]
pub struct Exporter {
    /// Its name on the command line.
    pub name: &'static str,
    /// One sentence for users: what is written.
    pub about: &'static str,
    write: fn(&ExportSource<'_>) -> Result<Exported, DatasetError>,
}

/// The formats there are.
pub static EXPORTERS: &[Exporter] = &[
    model_written::EXPORTER,
    inspect::EXPORTER,
    harness::EXPORTER,
    openai_evals::EXPORTER,
    promptfoo::EXPORTER,
    pairs::EXPORTER,
    chat::EXPORTER,
    parquet::EXPORTER,
    hub::EXPORTER,
    croissant::EXPORTER,
];

/// The format of that name.
#[must_use]
pub fn exporter(name: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|exporter| exporter.name == name)
}

impl Exporter {
    /// Writes a version in the format.
    ///
    /// # Errors
    /// [`DatasetError::NothingToExport`] when the format can hold none of the rows.
    pub fn export(&self, source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
        let exported = (self.write)(source)?;
        if exported.rows == 0 {
            let reasons: Vec<String> = exported
                .left_out
                .iter()
                .map(|(reason, rows)| format!("{rows} × {reason}"))
                .collect();
            return Err(DatasetError::NothingToExport {
                format: self.name,
                problem: if reasons.is_empty() {
                    "the version has no rows".to_owned()
                } else {
                    reasons.join(", ")
                },
            });
        }
        Ok(exported)
    }
}

/// What an export holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// The files by relative path.
    pub files: Files,
    /// Rows that were written.
    pub rows: u64,
    /// Rows that the format cannot hold, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
}

impl Exported {
    fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.0.insert(name.into(), bytes.into());
    }
}

/// Records of a format that holds a line for a row; a row that it cannot hold gives the reason.
fn lines_of(
    source: &ExportSource<'_>,
    name: &str,
    line: impl Fn(&ImportedRow) -> Result<Value, &'static str>,
) -> Result<Exported, DatasetError> {
    let mut exported = Exported::default();
    let mut records: Vec<Record> = Vec::new();
    for row in source.rows {
        match line(row) {
            Ok(Value::Object(record)) => records.push(record),
            Ok(_) => exported.leave_out("no object"),
            Err(reason) => exported.leave_out(reason),
        }
    }
    exported.rows = records.len() as u64;
    exported.add(name, write_records(&records)?);
    Ok(exported)
}
