//! From a manifest, rows and rejects to the files of a version: a pure function, so that they can be made again.

use evalwright_core::{Reject, Row};
use evalwright_dataset::rows::Record;
use evalwright_dataset::{
    Files, Manifest, card, card_of_items, croissant, write_records, write_rejects, write_rows,
};

use crate::failure::Failure;

/// What a run made.
pub(crate) struct Content<'a> {
    /// Rows of a kind whose rows are statements.
    pub(crate) rows: &'a [Row],
    /// Rows of a kind that maps its fields itself.
    pub(crate) records: &'a [Record],
    /// Candidates that fell.
    pub(crate) rejects: &'a [Reject],
}

impl Content<'_> {
    /// `data.jsonl`.
    pub(crate) fn row_bytes(&self, manifest: &Manifest) -> Result<Vec<u8>, Failure> {
        Ok(if manifest.maps_fields() {
            write_records(self.records)?
        } else {
            write_rows(self.rows)?
        })
    }
}

/// The files of a version, and the report's summary for a terminal. Version, parent and maker must stand in the
/// manifest; its `files`, `content` and `seal` are not read. A kind that maps fields has a schema.
pub(crate) fn version_files<'a>(
    manifest: &Manifest,
    content: &Content<'_>,
    schemas: impl Iterator<Item = &'a String>,
) -> Result<(Files, String), Failure> {
    let mut files = Files::default();
    let summary = if manifest.maps_fields() {
        let report = evalwright_report::build_items(manifest, content.records, content.rejects)?;
        files.0.extend(report.charts());
        files.0.insert("report.json".to_owned(), report.json()?);
        files.0.insert("report.html".to_owned(), report.html());
        let card = card_of_items(manifest, content.records.len(), &report.card_summary());
        files.0.insert("README.md".to_owned(), card.into_bytes());
        for schema in schemas {
            files
                .0
                .insert("schema.json".to_owned(), schema.clone().into_bytes());
        }
        report.summary_text()
    } else {
        let report = evalwright_report::build(manifest, content.rows, content.rejects)?;
        files.0.extend(report.charts());
        files.0.insert("report.json".to_owned(), report.json()?);
        files.0.insert("report.html".to_owned(), report.html()?);
        let card = card(manifest, content.rows, &report.card_summary());
        files.0.insert("README.md".to_owned(), card.into_bytes());
        report.summary_text()
    };
    files
        .0
        .insert("data.jsonl".to_owned(), content.row_bytes(manifest)?);
    files
        .0
        .insert("rejected.jsonl".to_owned(), write_rejects(content.rejects)?);
    let metadata = croissant(manifest, &files)?;
    files.0.insert("croissant.json".to_owned(), metadata);
    Ok((files, summary))
}
