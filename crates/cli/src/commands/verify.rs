//! `evalwright verify`: whether published versions still are what they were when they were published.

use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::{exit_code, show::visible};
use evalwright_dataset::{
    Fault, Findings, STATUS_FILE, Status, StatusChange, StatusLog, find_faults, read_manifest,
    versions,
};
use serde_json::json;

use crate::failure::{Failure, Kind};
use crate::output::Printer;
use crate::rebuild::{differing, rebuild};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Folders of versions (generated/<dataset>/<version>), or of datasets: all their versions
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Make each version again from this reply store, ask no model, and compare every byte
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The project's folder; its `kinds/` folder shadows and extends the built-in kinds
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &VerifyArguments, printer: &Printer) -> Result<u8, Failure> {
    let mut checked = Vec::new();
    for folder in &arguments.folders {
        for version in versions_in(folder)? {
            let mut findings = find_faults(&version)?;
            if let Some(store) = &arguments.store {
                compare(&version, store, &arguments.project, &mut findings)?;
            }
            let change = status_of(&version, &mut findings);
            checked.push((version, findings, change));
        }
    }
    let faults: usize = checked.iter().map(|(_, found, _)| found.faults.len()).sum();
    if arguments.json {
        let documents: Vec<_> = checked
            .iter()
            .map(|(folder, found, change)| {
                let status = change
                    .as_ref()
                    .map_or(Status::Published, |change| change.status);
                json!({ "folder": folder, "findings": found, "status": status, "change": change })
            })
            .collect();
        printer.json(&json!({
            "schema": "evalwright.verify/1",
            "faults": faults,
            "versions": documents,
        }))?;
    } else {
        for (folder, found, change) in &checked {
            show(folder, found, printer)?;
            if let Some(words) = change.as_ref().and_then(StatusChange::warning) {
                printer.data(&visible(&format!("{}: {words}", folder.display())))?;
            }
        }
    }
    Ok(if faults == 0 {
        exit_code::DONE
    } else {
        exit_code::CONFIG
    })
}

/// Adds the files in which the version differs from what the stored replies give.
fn compare(
    folder: &Path,
    store: &Path,
    project: &Path,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let Ok(manifest) = read_manifest(folder) else {
        // It is a fault already.
        return Ok(());
    };
    if let Some(edited) = manifest.fixes.iter().find(|fix| fix.edited.is_some()) {
        findings.unchecked.push(format!(
            "whether it follows from the store: rows were edited by hand for version {} ({})",
            edited.version, edited.reason
        ));
        return Ok(());
    }
    let path = folder.join("manifest.json");
    let rebuilt = rebuild(&path, &manifest, project, store)?;
    for (file, problem) in differing(folder, &rebuilt)? {
        findings.faults.push(Fault { file, problem });
    }
    findings.rebuilt = true;
    Ok(())
}

/// What is said about a version beside it. A file there that cannot be read is a fault: a mark that is silently not
/// seen would be taken for a good sign.
fn status_of(folder: &Path, findings: &mut Findings) -> Option<StatusChange> {
    let version = read_manifest(folder).ok()?.version;
    match StatusLog::beside(folder) {
        Ok(log) => log.of(&version).cloned(),
        Err(error) => {
            findings.faults.push(Fault {
                file: format!("../{STATUS_FILE}"),
                problem: error.to_string(),
            });
            None
        }
    }
}

/// The folder itself where it holds a manifest, otherwise the versions in it.
fn versions_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Err(Failure::new(
            Kind::Config,
            format!("{}: there is no such folder", folder.display()),
        ));
    }
    if folder.join("manifest.json").exists() || folder.join("data.jsonl").exists() {
        return Ok(vec![folder.to_path_buf()]);
    }
    let found: Vec<PathBuf> = versions(folder)?
        .into_iter()
        .map(|version| version.folder)
        .collect();
    if found.is_empty() {
        return Err(Failure::new(
            Kind::Config,
            format!(
                "{}: neither a version nor a dataset with versions",
                folder.display()
            ),
        )
        .hint("name a folder such as generated/<dataset>/<version>"));
    }
    Ok(found)
}

fn show(folder: &Path, found: &Findings, printer: &Printer) -> Result<(), Failure> {
    if found.faults.is_empty() {
        printer.data(&format!(
            "{}: as published ({} files, {} rows, {} rejects){}",
            folder.display(),
            found.files,
            found.rows,
            found.rejects,
            if found.rebuilt {
                "; made again from the store, byte for byte"
            } else {
                ""
            }
        ))?;
    }
    for fault in &found.faults {
        printer.data(&visible(&format!(
            "{}: {}",
            folder.join(&fault.file).display(),
            fault.problem
        )))?;
    }
    for words in &found.unchecked {
        printer.say(&format!("{}: not checked: {words}", folder.display()));
    }
    Ok(())
}
