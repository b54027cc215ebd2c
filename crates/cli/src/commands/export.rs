//! `evalwright export`: a published version in the format of another tool.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use evalwright_core::exit_code;
use evalwright_dataset::export::{EXPORTERS, ExportSource, Exported, exporter};
use evalwright_dataset::import::{ReadOptions, read_all};
use evalwright_dataset::{read_manifest, verify_files};
use serde_json::json;

use crate::commands::status::warn;
use crate::failure::{Failure, Kind};
use crate::out_folder::write_files;
use crate::output::Printer;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The folder of a version: generated/<dataset>/<version>
    version: PathBuf,
    /// The format
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: String,
    /// The folder to write, which must not be there or be empty [default: <dataset>-<version>-<format>]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(
        EXPORTERS
            .iter()
            .map(|exporter| PossibleValue::new(exporter.name).help(exporter.about)),
    )
}

pub(crate) fn run(arguments: &ExportArguments, printer: &Printer) -> Result<u8, Failure> {
    let folder = &arguments.version;
    let manifest = read_manifest(folder)?;
    // What goes to other tools must be what was published.
    verify_files(folder, &manifest)?;
    let status = warn(folder, &manifest.version, printer)?;
    let imported = read_all(std::slice::from_ref(folder), &ReadOptions::default())?;
    if let Some(line) = imported.summary.damage_lines().first() {
        return Err(Failure::new(
            Kind::Config,
            format!("a row of the version cannot be read: {line}"),
        ));
    }
    let path = folder.join("data.jsonl");
    let data = std::fs::read(&path).map_err(|cause| Failure::unreadable(&path, &cause))?;
    let chosen = exporter(&arguments.format).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("there is no format {:?}", arguments.format),
        )
    })?;
    let exported = chosen.export(&ExportSource {
        manifest: &manifest,
        rows: &imported.rows,
        data: &data,
        status: status.as_deref(),
    })?;
    let out = arguments.out.clone().unwrap_or_else(|| {
        PathBuf::from(format!(
            "{}-{}-{}",
            manifest.dataset, manifest.version, chosen.name
        ))
    });
    // Where the folder is not there yet, what would hold it tells.
    let holder = std::path::absolute(&out).ok().and_then(|out| {
        out.ancestors()
            .find_map(|above| std::fs::canonicalize(above).ok())
    });
    let is_inside = match (holder, std::fs::canonicalize(folder)) {
        (Some(holder), Ok(version)) => holder.starts_with(version),
        _ => false,
    };
    if is_inside {
        return Err(Failure::new(
            Kind::Usage,
            "a published version is never changed: name another folder with `--out`",
        ));
    }
    write(&out, &exported)?;
    for (reason, rows) in &exported.left_out {
        printer.say(&format!("left out {rows} rows: {reason}"));
    }
    if arguments.json {
        let names: Vec<&String> = exported.files.0.keys().collect();
        printer.json(&json!({
            "format": chosen.name,
            "folder": out,
            "files": names,
            "rows": exported.rows,
            "left_out": exported.left_out,
        }))?;
    } else {
        printer.say(&format!("wrote {} rows as {}", exported.rows, chosen.name));
        printer.data(&out.display().to_string())?;
    }
    Ok(exit_code::DONE)
}

/// All files or none: they are written into a folder of another name, which then gets the wanted one.
fn write(out: &Path, exported: &Exported) -> Result<(), Failure> {
    let is_free = match std::fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(cause) => cause.kind() == std::io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(
            Failure::new(Kind::Usage, format!("{} is there already", out.display()))
                .hint("name a folder that is not there, or an empty one, with `--out`"),
        );
    }
    let mut unfinished = out.as_os_str().to_owned();
    unfinished.push(format!(".part-{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let written = write_files(&unfinished, &exported.files.0).and_then(|()| {
        // An empty folder in its place would stop the renaming on some systems.
        std::fs::remove_dir(out).ok();
        std::fs::rename(&unfinished, out).map_err(|cause| Failure::unwritable(out, &cause))
    });
    if written.is_err() {
        // The first failure is the one to report.
        std::fs::remove_dir_all(&unfinished).ok();
    }
    written
}
