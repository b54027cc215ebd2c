//! `evalwright report`: builds the report of a published version again, from its folder alone.

use std::path::PathBuf;

use clap::Args;
use evalwright_core::exit_code;
use evalwright_dataset::{read_manifest, read_records, read_rejects, read_rows};

use crate::commands::status::warn;
use crate::failure::{Failure, Kind};
use crate::out_folder::write_files;
use crate::output::Printer;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The folder of a version: generated/<dataset>/<version>
    version: PathBuf,
    /// Write report.html, report.json and charts/ into this folder (the version itself is never changed)
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print report.json instead of the summary
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &ReportArguments, printer: &Printer) -> Result<u8, Failure> {
    let folder = &arguments.version;
    let manifest = read_manifest(folder)?;
    warn(folder, &manifest.version, printer)?;
    let rejects = read_rejects(&folder.join("rejected.jsonl"))?;
    let data = folder.join("data.jsonl");
    let (charts, json, html, summary) = if !manifest.maps_fields() {
        let report = evalwright_report::build(&manifest, &read_rows(&data)?, &rejects)?;
        (
            report.charts(),
            report.json()?,
            report.html()?,
            report.summary_text(),
        )
    } else {
        let report = evalwright_report::build_items(&manifest, &read_records(&data)?, &rejects)?;
        (
            report.charts(),
            report.json()?,
            report.html(),
            report.summary_text(),
        )
    };
    if let Some(out) = &arguments.out {
        if std::fs::canonicalize(out).ok() == std::fs::canonicalize(folder).ok() {
            return Err(Failure::new(
                Kind::Usage,
                "a published version is never changed: name another folder with `--out`",
            ));
        }
        let mut files = charts;
        files.insert("report.json".to_owned(), json.clone());
        files.insert("report.html".to_owned(), html);
        write_files(out, &files)?;
        printer.say(&format!("wrote {}", out.join("report.html").display()));
    }
    if arguments.json {
        printer.data(&String::from_utf8_lossy(&json))?;
    } else {
        printer.data(&summary)?;
    }
    Ok(exit_code::DONE)
}
