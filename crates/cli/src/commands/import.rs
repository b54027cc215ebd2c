//! `evalwright import`: datasets of others as a first version, so that they can be verified, audited and exported.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use evalwright_core::{DatasetName, exit_code};
use evalwright_dataset::import::{
    FORMATS, FieldMap, Format, ImportRecord, ImportSummary, ReadOptions, format, import_version,
    read_all,
};
use evalwright_dataset::{lock, publish};
use serde_json::json;

use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Damaged rows that are named on the terminal; all are named in the version.
const NAMED: usize = 20;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Files or folders: JSON Lines, JSON, CSV, TSV or Parquet, packed or not, hub folders, versions
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The dataset's name
    #[arg(long)]
    name: String,
    /// The licence of the rows, as an SPDX identifier such as CC-BY-4.0
    #[arg(long, alias = "license", value_name = "LICENCE")]
    licence: String,
    /// What the rows test, in one sentence
    #[arg(long, default_value = "Rows imported from files of others.")]
    description: String,
    /// Where the rows come from: an address, a paper, a repository and commit
    #[arg(long)]
    source: Option<String>,
    /// The model that wrote the rows, if it is known
    #[arg(long, value_name = "MODEL")]
    generator: Option<String>,
    /// The format of the rows, instead of telling it from the first one
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: Option<String>,
    /// A field under another name: question=prompt_text, cell.topic=metadata.topic; may be given more than once
    #[arg(long = "map", value_name = "FIELD=OTHER")]
    map: Vec<String>,
    /// The folder that holds datasets; the version goes to OUT/<name>/1.0.0
    #[arg(long, default_value = "generated", env = "EVALWRIGHT_OUT")]
    out: PathBuf,
    /// Import what can be read although some rows cannot
    #[arg(long)]
    allow_damaged: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// The known formats of rows, with their help.
pub(crate) fn formats() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(
        FORMATS
            .iter()
            .map(|format| PossibleValue::new(format.name).help(format.about)),
    )
}

/// How to read, from `--format` and `--map`.
pub(crate) fn read_options(chosen: Option<&str>, map: &[String]) -> Result<ReadOptions, Failure> {
    let chosen: Option<&'static Format> = chosen.and_then(format);
    Ok(ReadOptions {
        format: chosen,
        map: FieldMap::parse(map)?,
        ..ReadOptions::default()
    })
}

pub(crate) fn run(
    arguments: &ImportArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let name = DatasetName::new(&arguments.name)
        .map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
    let licence = arguments.licence.trim();
    if licence.is_empty() || licence.contains(char::is_control) {
        return Err(Failure::new(Kind::Usage, "`--licence` is empty")
            .hint("name the licence that the rows are under, such as `--licence CC-BY-4.0`"));
    }
    let options = read_options(arguments.format.as_deref(), &arguments.map)?;
    let imported = read_all(&arguments.paths, &options)?;
    refuse_damage(&imported.summary, arguments.allow_damaged, printer)?;
    if imported.rows.is_empty() {
        return Err(Failure::new(Kind::Config, "no row was read"));
    }
    let record = ImportRecord {
        name: name.to_string(),
        description: arguments.description.clone(),
        license: licence.to_owned(),
        source: arguments.source.clone(),
        generator: arguments.generator.clone(),
    };
    let (manifest, files) = import_version(&record, &imported.rows, &imported.summary)?;
    let folder = arguments.out.join(name.as_str());
    let lock = lock(&folder)?;
    let facts = format!(
        "{:#}\n",
        json!({ "imported_at_unix_seconds": environment.unix_seconds() })
    );
    let version = publish(&folder, manifest, files, facts.as_bytes())?;
    drop(lock);
    if arguments.json {
        printer.json(&json!({
            "version": version,
            "rows": imported.summary.rows(),
            "damaged": imported.summary.damaged(),
            "families": imported.summary.families(),
            "files": imported.summary.files,
        }))?;
    } else {
        for (family, rows) in imported.summary.families() {
            printer.say(&format!("{rows} rows of {family}"));
        }
        printer.data(&version.display().to_string())?;
    }
    Ok(exit_code::DONE)
}

/// Names what could not be read, and ends unless the user wants the rest all the same.
fn refuse_damage(
    summary: &ImportSummary,
    is_allowed: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let lines = summary.damage_lines();
    for line in lines.iter().take(NAMED) {
        printer.say(&format!("damaged: {line}"));
    }
    if lines.len() > NAMED {
        printer.say(&format!("damaged: {} more", lines.len() - NAMED));
    }
    if lines.is_empty() || is_allowed {
        return Ok(());
    }
    let files = summary
        .files
        .iter()
        .filter(|file| file.problem.is_some())
        .count();
    Err(Failure::new(
        Kind::Config,
        format!(
            "{} rows and {files} files could not be read; the first is {}",
            summary.damaged(),
            lines.first().map(String::as_str).unwrap_or_default()
        ),
    )
    .hint("mend the files, or import what can be read with `--allow-damaged`"))
}
