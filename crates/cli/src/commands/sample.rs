//! `evalwright sample`: rows for raters who must not see the label.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use evalwright_core::{Seed, exit_code};
use evalwright_dataset::annotations::{FormFormat, form, form_items, form_settings, sample_key};
use evalwright_dataset::import::{ImportedRow, read_all};
use evalwright_stats::sample::{Allocation, stratified_sample};
use serde_json::json;

use crate::commands::audit::rows::{Meaning, asked};
use crate::commands::import::{formats, read_options};
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Arguments of `sample`.
#[derive(Debug, Args)]
pub(crate) struct SampleArguments {
    /// Files, version folders, hub folders, or folders of any of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How many rows; all, when there are fewer
    #[arg(long)]
    rows: usize,
    /// Decides rows, their order and the order of their answers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What to write
    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,
    /// The file for raters; the key goes beside it, to `FILE.key.json`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The key's file, kept from raters: which row each item is, and which label each letter
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A rater's name, for a line of their own for each row of a table; may be given more than once
    #[arg(long = "rater", value_name = "NAME")]
    raters: Vec<String>,
    /// What the rows test: who gives the matching answers, `someone who …`; versions of ours say it themselves
    #[arg(long, value_name = "TEXT", conflicts_with = "behaviours")]
    behaviour: Option<String>,
    /// Who gives the other answers
    #[arg(long, value_name = "TEXT", requires = "behaviour")]
    contrast: Option<String>,
    /// Several behaviours by the names of the rows' files: `[[behaviour]]` with name, description, contrast
    #[arg(long, value_name = "FILE")]
    behaviours: Option<PathBuf>,
    /// As many rows of each file and label, instead of in proportion
    #[arg(long)]
    even: bool,
    /// The format of all files, instead of what the first row tells
    #[arg(long, value_parser = formats(), hide_possible_values = true, value_name = "FORMAT")]
    read_as: Option<String>,
    /// A field under another name: `question=prompt`; may be given more than once
    #[arg(long, value_name = "FIELD=NAME")]
    map: Vec<String>,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
    /// One JSON document about what was written
    #[arg(long)]
    json: bool,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A table, to be filled in with any spreadsheet
    Csv,
    /// Tasks of Label Studio, with its configuration
    LabelStudio,
    /// Records of Argilla, with its fields and questions
    Argilla,
}

pub(crate) fn run(arguments: &SampleArguments, printer: &Printer) -> Result<u8, Failure> {
    if arguments.rows == 0 {
        return Err(Failure::new(Kind::Usage, "--rows 0 is no sample"));
    }
    if !arguments.raters.is_empty() && arguments.format != Form::Csv {
        return Err(Failure::new(
            Kind::Usage,
            "--rater is for tables; labelling tools know their raters themselves",
        ));
    }
    let imported = read_all(
        &arguments.paths,
        &read_options(arguments.read_as.as_deref(), &arguments.map)?,
    )?;
    let damaged = imported.summary.damaged();
    if damaged > 0 {
        printer.say(&format!(
            "{damaged} rows could not be read and are left out"
        ));
    }
    let meaning = Meaning {
        behaviour: arguments.behaviour.as_deref(),
        contrast: arguments.contrast.as_deref(),
        list: arguments.behaviours.as_deref(),
    };
    let wordings = asked(&imported, &meaning)?;
    let able: Vec<(&ImportedRow, String)> = imported
        .rows
        .iter()
        .zip(wordings)
        .filter(|(row, _)| row.answers().len() > 1)
        .collect();
    let without = imported.rows.len() - able.len();
    if without > 0 {
        printer.say(&format!(
            "{without} rows have fewer than two answers to choose from and are left out"
        ));
    }
    if able.is_empty() {
        return Err(Failure::new(
            Kind::Config,
            "no row has two answers to choose from",
        ));
    }
    let mut strata: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let places: Vec<usize> = able
        .iter()
        .map(|(row, _)| {
            let next = strata.len();
            *strata
                .entry((&*row.file, row.label().unwrap_or_default()))
                .or_insert(next)
        })
        .collect();
    let keys: Vec<String> = able.iter().map(|(row, _)| row.key()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let allocation = if arguments.even {
        Allocation::Even
    } else {
        Allocation::Proportional
    };
    let seed = Seed(arguments.seed);
    let chosen = stratified_sample(&keys, &places, arguments.rows, allocation, seed)
        .map_err(|error| Failure::new(Kind::Unexpected, error.to_string()))?;
    let rows: Vec<(&ImportedRow, String)> = chosen
        .into_iter()
        .filter_map(|place| able.get(place).cloned())
        .collect();
    let items = form_items(&rows, seed);
    let format = match arguments.format {
        Form::Csv => FormFormat::Csv,
        Form::LabelStudio => FormFormat::LabelStudio,
        Form::Argilla => FormFormat::Argilla,
    };
    let key_path = arguments
        .key
        .clone()
        .unwrap_or_else(|| beside(&arguments.out, "key.json"));
    let key = sample_key(&items, arguments.seed);
    let mut key = serde_json::to_vec_pretty(&key)
        .map_err(|error| Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}")))?;
    key.push(b'\n');
    let mut files = vec![
        (
            arguments.out.clone(),
            form(&items, format, &arguments.raters)?,
        ),
        (key_path.clone(), key),
    ];
    if let Some((ending, bytes)) = form_settings(&items, format)? {
        files.push((beside(&arguments.out, ending), bytes));
    }
    write(&files, arguments.force)?;
    if arguments.json {
        printer.json(&json!({
            "rows": items.len(),
            "of": able.len(),
            "strata": strata.len(),
            "files": files.iter().map(|(path, _)| path).collect::<Vec<_>>(),
        }))?;
    } else {
        for (path, _) in &files {
            printer.data(&path.display().to_string())?;
        }
        printer.say(&format!(
            "{} of {} rows; keep {} from raters, and give it back with `audit --annotations FILE --annotation-key {}`",
            items.len(),
            able.len(),
            key_path.display(),
            key_path.display()
        ));
    }
    Ok(exit_code::DONE)
}

/// `FILE.ending` for a file.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn write(files: &[(PathBuf, Vec<u8>)], force: bool) -> Result<(), Failure> {
    if let Some((path, _)) = files.iter().find(|(path, _)| !force && path.exists()) {
        return Err(
            Failure::new(Kind::Config, format!("{} is there already", path.display()))
                .hint("raters may have filled it in; `--force` writes over it"),
        );
    }
    for (path, bytes) in files {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|cause| Failure::unwritable(folder, &cause))?;
        }
        std::fs::write(path, bytes).map_err(|cause| Failure::unwritable(path, &cause))?;
    }
    Ok(())
}
