//! `evalwright index`: one static site over many datasets, versions and models.
//!
//! Places are written relative to the folders that were named, so the site says nothing of the machine, and its bytes
//! depend neither on the order of the arguments nor on threads.

mod places;

use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::exit_code;
use evalwright_dataset::import::{
    FileSummary, ImportSummary, Listed, ReadOptions, Target, read_all, read_listed,
};
use evalwright_dataset::{STATUS_FILE, StatusLog, find_faults, read_manifest};
use evalwright_report::audit::AuditOptions;
use evalwright_report::index::{
    Beside, Entry, FewShotExamples, INDEX_FILE, INDEX_SCHEMA, Index, PAGE_FILE, Placed, Problem,
    measure,
};
use rayon::prelude::*;
use serde_json::Value;

use crate::commands::import::{formats, read_options};
use crate::failure::{Failure, Kind};
use crate::out_folder::replace_folder;
use crate::output::Printer;
use places::{Place, places};

/// Problems that are named on the terminal; the page and the document have all.
const NAMED: usize = 20;
/// Lines of one file that are named; the others are counted.
const NAMED_LINES: usize = 20;

/// Arguments of `index`.
#[derive(Debug, Args)]
pub(crate) struct IndexArguments {
    /// Folders of datasets or versions, or any folders and files of others: each file is one dataset
    #[arg(required = true, value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Write the site into this folder: new, empty, or written by this command before
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// The format of all files of others, instead of what the first row tells
    #[arg(long, value_parser = formats(), hide_possible_values = true, value_name = "FORMAT")]
    format: Option<String>,
    /// A field under another name: `question=prompt`; may be given more than once
    #[arg(long, value_name = "FIELD=NAME")]
    map: Vec<String>,
    /// Print data/index.json instead of the summary
    #[arg(long)]
    json: bool,
}

/// An entry, or why there is none, and lines that could not be read.
struct Measured {
    entry: Result<Placed, Problem>,
    lines: Vec<Problem>,
}

pub(crate) fn run(arguments: &IndexArguments, printer: &Printer) -> Result<u8, Failure> {
    refuse_what_is_not_ours(&arguments.out)?;
    let options = read_options(arguments.format.as_deref(), &arguments.map)?;
    let (places, mut problems) = places(&arguments.paths)?;
    let examples = few_shot_examples(&places, &options);
    // One file at a time for each thread, and only its figures stay.
    let measured: Vec<Measured> = places
        .par_iter()
        .map(|place| look(place, &examples, &options))
        .collect();
    let mut entries = Vec::new();
    for one in measured {
        problems.extend(one.lines);
        match one.entry {
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push(problem),
        }
    }
    let index = Index::new(entries, problems);
    tell(&index, printer);
    if index.entries.is_empty() {
        return Err(Failure::new(
            Kind::Config,
            "nothing could be indexed; nothing was written",
        )
        .hint("name folders such as `generated`, or files with rows: .jsonl, .json, .csv, .tsv or .parquet"));
    }
    replace_folder(&arguments.out, &index.site()?)?;
    printer.say(&format!(
        "wrote {}",
        arguments.out.join(PAGE_FILE).display()
    ));
    if arguments.json {
        printer.data(&String::from_utf8_lossy(&index.json()?))?;
    } else {
        printer.data(&index.summary_text())?;
    }
    Ok(exit_code::DONE)
}

fn tell(index: &Index, printer: &Printer) {
    for problem in index.problems.iter().take(NAMED) {
        let line = problem
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        printer.say(&format!(
            "not read: {}{line}: {}",
            problem.place, problem.problem
        ));
    }
    let more = index.problems.len().saturating_sub(NAMED);
    if more > 0 {
        printer.say(&format!("not read: {more} more, all in {INDEX_FILE}"));
    }
}

/// The examples that rows may have been written after, from all files that hold such.
fn few_shot_examples(places: &[Place], options: &ReadOptions) -> FewShotExamples {
    let mut examples = FewShotExamples::default();
    for place in places {
        if let Listed::File(target) = &place.listed
            && target.family.as_deref() == Some(FewShotExamples::FAMILY)
            && let Ok(imported) = read_listed(target, options)
        {
            examples.add(&imported);
        }
    }
    examples
}

fn look(place: &Place, examples: &FewShotExamples, options: &ReadOptions) -> Measured {
    let (entry, lines) = match &place.listed {
        Listed::Version(folder) => version(&place.name, folder, examples),
        Listed::File(target) => file(&place.name, target, examples, options),
    };
    Measured {
        entry: entry
            .map(|entry| Placed {
                entry,
                home: place.home.clone(),
            })
            .map_err(|problem| Problem {
                place: place.name.clone(),
                line: None,
                // A message must not show the machine's own paths.
                problem: problem.replace(&place.listed.path().display().to_string(), &place.name),
            }),
        lines,
    }
}

fn file(
    name: &str,
    target: &Target,
    examples: &FewShotExamples,
    options: &ReadOptions,
) -> (Result<Entry, String>, Vec<Problem>) {
    match read_listed(target, options) {
        Err(error) => (Err(Failure::from(error).in_one_line()), Vec::new()),
        Ok(imported) => {
            let found = measure(
                name,
                &imported,
                Beside::Nothing,
                examples,
                &AuditOptions::default(),
            );
            // A file without any row is one problem and not one for each of its lines.
            let lines = match &found {
                Ok(_) => unread(name, &imported.summary),
                Err(_) => Vec::new(),
            };
            (found, lines)
        }
    }
}

/// Lines that could not be read of files that hold others that could.
fn unread(name: &str, summary: &ImportSummary) -> Vec<Problem> {
    let problem = |line: Option<u64>, problem: String| Problem {
        place: name.to_owned(),
        line,
        problem,
    };
    let of_file = |file: &FileSummary| {
        let mut found: Vec<Problem> = file
            .damage
            .iter()
            .take(NAMED_LINES)
            .map(|damage| problem(Some(damage.line), damage.problem.clone()))
            .collect();
        found.extend(file.problem.clone().map(|words| problem(None, words)));
        let more = file.damaged.saturating_sub(NAMED_LINES as u64);
        if more > 0 {
            found.push(problem(
                None,
                format!("{more} more lines could not be read"),
            ));
        }
        found
    };
    summary.files.iter().flat_map(of_file).collect()
}

/// A version counts only when it is as it was published.
fn version(
    name: &str,
    folder: &Path,
    examples: &FewShotExamples,
) -> (Result<Entry, String>, Vec<Problem>) {
    let words = |failure: Failure| failure.in_one_line();
    let mut lines = Vec::new();
    let log = StatusLog::beside(folder).unwrap_or_else(|error| {
        let above = name.rsplit_once('/').map_or("", |(above, _)| above);
        let home = folder.parent().unwrap_or(folder);
        lines.push(Problem {
            place: format!("{above}/{STATUS_FILE}")
                .trim_start_matches('/')
                .to_owned(),
            line: None,
            problem: words(error.into()).replace(&home.display().to_string(), above),
        });
        StatusLog::default()
    });
    let found = || -> Result<Entry, String> {
        let findings = find_faults(folder).map_err(|error| words(error.into()))?;
        if let Some(first) = findings.faults.first() {
            let more = findings.faults.len() - 1;
            return Err(format!(
                "the version is not as it was published: {}: {}{}",
                first.file,
                first.problem,
                if more > 0 {
                    format!(" (and {more} more; see `evalwright verify`)")
                } else {
                    String::new()
                }
            ));
        }
        let manifest = read_manifest(folder).map_err(|error| words(error.into()))?;
        let imported = read_all(&[folder.to_path_buf()], &ReadOptions::default())
            .map_err(|error| words(error.into()))?;
        let (report, run) = (
            document(folder, "report.json"),
            document(folder, "run.json"),
        );
        let beside = Beside::Version {
            manifest: &manifest,
            report: report.as_ref().map_err(String::as_str),
            run: run.as_ref().map_err(String::as_str),
            status: log.of(&manifest.version),
        };
        measure(name, &imported, beside, examples, &AuditOptions::default())
    };
    (found(), lines)
}

/// A JSON file of a version, or why there is none.
fn document(folder: &Path, name: &str) -> Result<Value, String> {
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| format!("{name} is no JSON")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("the version has no {name}"))
        }
        Err(_) => Err(format!("{name} cannot be read")),
    }
}

/// Refuses a folder that holds anything which this command did not write.
fn refuse_what_is_not_ours(out: &Path) -> Result<(), Failure> {
    let refused = |why: String| {
        Err(Failure::new(
            Kind::Usage,
            format!("`--out {}`: {why}; nothing was written", out.display()),
        )
        .hint("name a new or empty folder, or one that `evalwright index` wrote"))
    };
    match std::fs::metadata(out) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::unwritable(out, &error)),
        Ok(data) if !data.is_dir() => return refused("it is a file".to_owned()),
        Ok(_) => {}
    }
    let mut present = Vec::new();
    places::files_below(out, "", &mut present).map_err(|error| Failure::unwritable(out, &error))?;
    if present.is_empty() {
        return Ok(());
    }
    let Some(site) = places::site(out) else {
        return refused(format!(
            "it holds files and no {INDEX_FILE} of schema {INDEX_SCHEMA}"
        ));
    };
    let listed: Vec<&str> = site
        .get("files")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match present.iter().find(|name| !listed.contains(&name.as_str())) {
        Some(name) => refused(format!("it holds {name}, which this command did not write")),
        None => Ok(()),
    }
}
