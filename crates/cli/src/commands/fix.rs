//! `evalwright fix`: the next version of a dataset without some rows, or with rows that were mended by hand.
//!
//! The version before stays as it is. Why it was done stands in manifest, card and changelog of the new one, and what
//! was taken out is kept with the rejects.

use std::path::PathBuf;

use clap::Args;
use evalwright_core::{Row, exit_code};
use evalwright_dataset::fix::{Content, drop_rows, replace_rows};
use evalwright_dataset::rows::Record;
use evalwright_dataset::{
    Manifest, OpenVersion, Parent, lock, publish, read_records, read_rejects, verify_files,
    versions,
};
use serde_json::{Value, json};

use crate::changelog;
use crate::commands::status::{chosen, warn};
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::output::Printer;
use crate::version_files;

/// Arguments of `fix`.
#[derive(Debug, Args)]
pub(crate) struct FixArguments {
    /// The dataset's folder, or that of its newest version
    folder: PathBuf,
    /// A row to take out, by its id; may be given more than once
    #[arg(long = "drop", value_name = "ROW_ID", num_args = 1.., required_unless_present = "rows")]
    drop: Vec<String>,
    /// The rows as they are to be: a copy of `data.jsonl`, edited by hand
    #[arg(long, value_name = "FILE", conflicts_with = "drop")]
    rows: Option<PathBuf>,
    /// Why; stands in manifest, card and changelog
    #[arg(long, value_name = "WORDS")]
    reason: String,
    /// Print one JSON document about the result
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(
    arguments: &FixArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let reason = arguments.reason.trim();
    if reason.is_empty() {
        return Err(Failure::new(Kind::Usage, "`--reason` is empty")
            .hint("say in a few words why; readers of the dataset will ask"));
    }
    let (dataset, meant) = chosen(&arguments.folder)?;
    let lock = lock(&dataset)?;
    let newest = versions(&dataset)?.pop();
    let (Some(newest), Some(meant)) = (newest, meant.last()) else {
        return Err(Failure::new(Kind::Config, "the dataset has no version"));
    };
    if meant.folder != newest.folder {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "{} is not the newest version: {} is",
                meant.folder.display(),
                newest.manifest.version
            ),
        )
        .hint("a fix follows the newest version; name that one, or the dataset"));
    }
    verify_files(&newest.folder, &newest.manifest)?;
    warn(&newest.folder, &newest.manifest.version, printer)?;
    let before = content(&newest)?;
    let fixed = match &arguments.rows {
        Some(path) => replace_rows(&before, read_records(path)?, reason)?,
        None => drop_rows(&before, &arguments.drop, reason)?,
    };
    let gone = before.rows.len().saturating_sub(fixed.rows.len());
    if arguments.rows.is_none() && gone > arguments.drop.len() {
        printer.say(&format!(
            "{gone} rows go: those that were made of one candidate belong together"
        ));
    }
    let mut manifest = fixed.manifest.clone();
    manifest.made_by = super::run::made_by();
    manifest.parent = newest.manifest.content.map(|content| Parent {
        version: newest.manifest.version.clone(),
        content,
    });
    let schema = std::fs::read_to_string(newest.folder.join("schema.json")).ok();
    let rows = statements(&manifest, &fixed.rows)?;
    let made = version_files::Content {
        rows: &rows,
        records: &fixed.rows,
        rejects: &fixed.rejects,
    };
    let (files, summary) = version_files::version_files(&manifest, &made, schema.iter())?;
    let facts = format!(
        "{:#}\n",
        json!({
            "schema": "evalwright.run/1",
            "fixed_at_unix_seconds": environment.unix_seconds(),
            "program": manifest.made_by,
        })
    );
    let folder = publish(&dataset, manifest.clone(), files, facts.as_bytes())?;
    changelog::update(&lock, &dataset, &[])?;
    if arguments.json {
        printer.json(&json!({
            "dataset": manifest.dataset,
            "version": manifest.version,
            "path": folder,
            "rows": fixed.rows.len(),
            "fix": manifest.fixes.last(),
        }))?;
    } else {
        printer.say(&summary);
        printer.data(&folder.display().to_string())?;
    }
    Ok(exit_code::DONE)
}

/// What a version holds.
fn content(version: &OpenVersion) -> Result<Content, Failure> {
    Ok(Content {
        manifest: version.manifest.clone(),
        rows: read_records(&version.folder.join("data.jsonl"))?,
        rejects: read_rejects(&version.folder.join("rejected.jsonl"))?,
    })
}

/// The rows as statements, where they are some.
pub(crate) fn statements(manifest: &Manifest, rows: &[Record]) -> Result<Vec<Row>, Failure> {
    if manifest.maps_fields() {
        return Ok(Vec::new());
    }
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            serde_json::from_value(Value::Object(row.clone()))
                .map_err(|error| Failure::new(Kind::Config, format!("row {}: {error}", index + 1)))
        })
        .collect()
}
