//! `evalwright diff`: what changed between two versions, or any two sets of rows.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::{Seed, exit_code};
use evalwright_dataset::import::{ImportedRow, read_all};
use evalwright_dataset::{Manifest, StatusChange, StatusLog, read_manifest};
use evalwright_report::{AnchorReport, Compared, DiffRow, compare};
use serde::Deserialize;

use crate::commands::import::{formats, read_options};
use crate::failure::{Failure, Kind};
use crate::out_folder::write_files;
use crate::output::Printer;

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// A version's folder, or a file or folder of rows
    before: PathBuf,
    /// Another one
    after: PathBuf,
    /// The format of all files, instead of what the first row tells
    #[arg(long, value_parser = formats(), hide_possible_values = true, value_name = "FORMAT")]
    format: Option<String>,
    /// A field under another name: `question=prompt`; may be given more than once
    #[arg(long, value_name = "FIELD=NAME")]
    map: Vec<String>,
    /// Decides the draws behind intervals
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write diff.html and diff.json into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print diff.json instead of the summary
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &DiffArguments, printer: &Printer) -> Result<u8, Failure> {
    let options = read_options(arguments.format.as_deref(), &arguments.map)?;
    let side = |path: &Path| -> Result<(String, Vec<DiffRow>, Option<Manifest>), Failure> {
        let imported = read_all(&[path.to_path_buf()], &options)?;
        for line in imported.summary.damage_lines().iter().take(10) {
            printer.say(&format!("not compared: {line}"));
        }
        let manifest = if path.join("manifest.json").exists() {
            Some(read_manifest(path)?)
        } else {
            None
        };
        let rows = imported.rows.iter().map(row).collect();
        let mut name = path.display().to_string();
        if let Some(manifest) = &manifest
            && let Some(words) = StatusLog::beside(path)?
                .of(&manifest.version)
                .and_then(StatusChange::warning)
        {
            printer.say(&format!("warning: {name}: {words}"));
            name.push_str(&format!(" [{words}]"));
        }
        Ok((name, rows, manifest))
    };
    let (before_name, before_rows, before_manifest) = side(&arguments.before)?;
    let (after_name, after_rows, after_manifest) = side(&arguments.after)?;
    let found = compare(
        Compared {
            name: &before_name,
            rows: &before_rows,
            manifest: before_manifest.as_ref(),
        },
        Compared {
            name: &after_name,
            rows: &after_rows,
            manifest: after_manifest.as_ref(),
        },
        Seed(arguments.seed),
    )
    .with_anchors(match (&before_manifest, &after_manifest) {
        (Some(before), Some(after)) => anchors(before, after, &arguments.after)?,
        _ => None,
    });
    if let Some(out) = &arguments.out {
        let json = serde_json::to_vec_pretty(&found).map_err(|error| {
            Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}"))
        })?;
        let files = BTreeMap::from([
            ("diff.html".to_owned(), found.html()?),
            ("diff.json".to_owned(), json),
        ]);
        write_files(out, &files)?;
        printer.say(&format!("wrote {}", out.join("diff.html").display()));
    }
    if arguments.json {
        printer.json(&found)?;
    } else {
        printer.data(&found.summary_text())?;
    }
    Ok(exit_code::DONE)
}

/// What the anchors said when the second version was made from the first with another judge: it stands in `run.json`, for
/// it says nothing about the rows themselves. A version without that file, or made from another one, has none.
fn anchors(
    before: &Manifest,
    after: &Manifest,
    folder: &Path,
) -> Result<Option<AnchorReport>, Failure> {
    let path = folder.join("run.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(Failure::unreadable(&path, &cause)),
    };
    let run: RunFacts = serde_json::from_str(&text).map_err(|error| {
        Failure::new(Kind::Config, format!("{}: {error}", path.display()))
            .hint("it holds clock times and what a regeneration found about the judge; take it away to compare without")
    })?;
    Ok(run
        .anchors
        .filter(|found| found.version == before.version && before.dataset == after.dataset))
}

/// What is looked at of `run.json`.
#[derive(Deserialize)]
struct RunFacts {
    anchors: Option<AnchorReport>,
}

/// A row as far as a comparison looks at it: the statement where there is one, else the whole question.
pub(crate) fn row(row: &ImportedRow) -> DiffRow {
    DiffRow {
        id: row.id.clone().unwrap_or_else(|| row.place()),
        text: row
            .statement
            .clone()
            .unwrap_or_else(|| row.question.clone()),
        label: row.matching.join(", "),
        confidence: row.confidence,
    }
}
