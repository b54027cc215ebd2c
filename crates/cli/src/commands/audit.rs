//! `evalwright audit`: label quality of any dataset, ours or somebody else's.

mod judges;
pub(crate) mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use evalwright_core::{Seed, exit_code};
use evalwright_dataset::Manifest;
use evalwright_dataset::annotations::{
    AnnotationOptions, Annotations, MatchBy, SAMPLE_KEY_SCHEMA, SampleKey, match_ratings,
    read_annotations,
};
use evalwright_dataset::import::{Imported, label_class, read_all};
use evalwright_report::audit::{
    AUDIT_JSON_SCHEMA, Audit, AuditInput, AuditOptions, Gate, Source, SourceKind, audit,
    check_sources,
};

use crate::commands::import::{formats, read_options};
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::out_folder::write_files;
use crate::output::Printer;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// Files, version folders, hub folders, or folders of any of them
    #[arg(required_unless_present = "schema")]
    paths: Vec<PathBuf>,
    /// Print the JSON Schema of report.json, and read nothing
    #[arg(long)]
    schema: bool,
    /// People's labels: a long or wide table, JSON Lines, or an export of Label Studio or Argilla; may be given more
    /// than once
    #[arg(long, value_name = "FILE")]
    annotations: Vec<PathBuf>,
    /// How an annotation names its row
    #[arg(long, value_enum, default_value_t = By::Id, value_name = "HOW")]
    annotation_by: By,
    /// The key of a sample of `evalwright sample`, by which items and letters are read back to rows and labels
    #[arg(
        long,
        value_name = "FILE",
        requires = "annotations",
        conflicts_with = "annotation_by"
    )]
    annotation_key: Option<PathBuf>,
    /// The format of all files, instead of what the first row tells
    #[arg(long, value_parser = formats(), hide_possible_values = true, value_name = "FORMAT")]
    format: Option<String>,
    /// A field under another name: `question=prompt`; may be given more than once
    #[arg(long, value_name = "FIELD=NAME")]
    map: Vec<String>,
    /// Jaccard similarity of word 3-grams from which two texts are near duplicates
    #[arg(long, default_value_t = 0.7, value_name = "SIMILARITY")]
    near: f64,
    /// Decides folds, draws and samples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write report.html, report.json and charts/ into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// End with exit code 5 unless all hold: `kappa=0.8,duplicates=0.01`; figures are rows, agreement, kappa, alpha, ac1
    /// (at least), label-errors, duplicates, defects, damaged, length-auc (at most)
    #[arg(long, value_name = "CONDITIONS")]
    fail_under: Option<String>,
    /// Print report.json instead of the summary
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judging: judges::JudgeArguments,
}

/// Rows on the page's map: more would be one blot, and take seconds.
const MAP_ROWS: usize = 800;

/// How an annotation names its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// By the row's identifier
    Id,
    /// By the row's number, from 1
    Number,
    /// By the row's text
    Text,
}

pub(crate) fn run(
    arguments: &AuditArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    if arguments.schema {
        printer.data(AUDIT_JSON_SCHEMA)?;
        return Ok(exit_code::DONE);
    }
    if !(arguments.near > 0.0 && arguments.near <= 1.0) {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "--near {} is no similarity above 0 and at most 1",
                arguments.near
            ),
        ));
    }
    let gates = match &arguments.fail_under {
        Some(text) => Gate::parse_all(text)
            .map_err(|error| Failure::new(Kind::Usage, format!("--fail-under: {error}")))?,
        None => Vec::new(),
    };
    let imported = read_all(
        &arguments.paths,
        &read_options(arguments.format.as_deref(), &arguments.map)?,
    )?;
    let mut sources = Vec::new();
    let key = arguments
        .annotation_key
        .as_deref()
        .map(read_key)
        .transpose()?;
    for path in &arguments.annotations {
        sources.extend(people(path, &imported, arguments, key.as_ref(), printer)?);
    }
    check_sources(&sources).map_err(|error| {
        Failure::new(Kind::Config, error.to_string())
            .hint("items stand in rows and raters in columns; turn the table round")
    })?;
    let labelled: BTreeSet<usize> = sources
        .iter()
        .flat_map(|source| source.labels.keys().copied())
        .collect();
    let manifests = rows::manifests(&imported)?;
    let setting = judges::Setting {
        imported: &imported,
        manifests: &manifests,
        paths: &arguments.paths,
        labelled: &labelled,
        seed: Seed(arguments.seed),
        as_json: arguments.json,
        printer,
        environment,
    };
    let judging = match judges::judge(&arguments.judging, &setting)? {
        judges::Outcome::None => None,
        judges::Outcome::Estimated(code) => return Ok(code),
        judges::Outcome::Judged(judged) => {
            for source in &mut sources {
                for (row, label) in &mut source.labels {
                    let words = judged.words.get(row);
                    if let Some(place) = words.and_then(|words| words.get(label)) {
                        label.clone_from(place);
                    }
                }
            }
            sources.extend(judged.sources);
            Some(judged.input)
        }
    };
    let versions: Vec<Manifest> = manifests.into_values().collect();
    let input = AuditInput {
        imported: &imported,
        sources: &sources,
        versions: &versions,
        judging: judging.as_ref(),
        gates: &gates,
    };
    let options = AuditOptions {
        near: arguments.near,
        seed: Seed(arguments.seed),
        // The map is for the page.
        map_rows: if arguments.out.is_some() { MAP_ROWS } else { 0 },
        ..AuditOptions::default()
    };
    let found = audit(input, &options);
    if let Some(out) = &arguments.out {
        write(out, &found)?;
        printer.say(&format!("wrote {}", out.join("report.html").display()));
    }
    if arguments.json {
        printer.data(&String::from_utf8_lossy(&found.json()?))?;
    } else {
        printer.data(&found.summary_text())?;
    }
    for line in found.damage.iter().take(20) {
        printer.say(line);
    }
    Ok(if found.gates_are_met() {
        exit_code::DONE
    } else {
        exit_code::BELOW_TARGET
    })
}

/// One source for each rater of an annotation file. Whatever could not be used is told.
fn people(
    path: &Path,
    imported: &Imported,
    arguments: &AuditArguments,
    key: Option<&SampleKey>,
    printer: &Printer,
) -> Result<Vec<Source>, Failure> {
    let annotations = read_annotations(path, &AnnotationOptions::default())?;
    tell(path, &annotations, printer);
    let by = match arguments.annotation_by {
        By::Id => MatchBy::Id,
        By::Number => MatchBy::Number,
        By::Text => MatchBy::Text,
    };
    let matched = match key {
        Some(key) => {
            let (matched, strange) = key.resolve(&annotations, &imported.rows);
            for one in strange.iter().take(5) {
                printer.say(&format!(
                    "{}:{}: {:?} is no answer of {}; left out",
                    path.display(),
                    one.line,
                    one.label,
                    one.item
                ));
            }
            if strange.len() > 5 {
                printer.say(&format!("{}: {} more", path.display(), strange.len() - 5));
            }
            matched
        }
        None => match_ratings(&annotations, &imported.rows, by),
    };
    if !matched.unknown_items.is_empty() {
        let shown: Vec<&str> = matched
            .unknown_items
            .iter()
            .take(5)
            .map(String::as_str)
            .collect();
        printer.say(&format!(
            "{}: {} ratings of {} items that are no row, such as {}",
            path.display(),
            matched.unmatched_ratings,
            matched.unknown_items.len(),
            shown.join(", ")
        ));
    }
    if matched.ratings.is_empty() {
        return Err(Failure::new(
            Kind::Config,
            format!(
                "{}: none of its items is a row of the dataset",
                path.display()
            ),
        )
        .hint(
            "`--annotation-by number` or `--annotation-by text` match by the row's number or text, `--annotation-key FILE` \
             by the key of `evalwright sample`",
        ));
    }
    let mut by_rater: BTreeMap<String, Source> = BTreeMap::new();
    for one in matched.ratings {
        let source = by_rater
            .entry(one.rating.rater.clone())
            .or_insert_with(|| Source {
                name: one.rating.rater.clone(),
                kind: SourceKind::Person,
                labels: BTreeMap::new(),
                relevance: BTreeMap::new(),
                ambiguous: BTreeMap::new(),
                chances: BTreeMap::new(),
            });
        if let Some(label) = &one.rating.label {
            source.labels.insert(one.row, label_class(label).to_owned());
        }
        if let Some(rating) = one.rating.rating {
            source.relevance.insert(one.row, rating);
        }
        if let Some(ambiguous) = one.rating.ambiguous {
            source.ambiguous.insert(one.row, ambiguous);
        }
    }
    Ok(by_rater.into_values().collect())
}

fn read_key(path: &Path) -> Result<SampleKey, Failure> {
    let bytes = std::fs::read(path).map_err(|cause| Failure::unreadable(path, &cause))?;
    let wrong = |problem: String| {
        Failure::new(Kind::Config, format!("{}: {problem}", path.display()))
            .hint("the key is the file that `evalwright sample` wrote beside the one for raters")
    };
    let key: SampleKey = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("it is no key of a sample: {error}")))?;
    if key.schema != SAMPLE_KEY_SCHEMA {
        return Err(wrong(format!(
            "its schema is {:?} and not {SAMPLE_KEY_SCHEMA:?}",
            key.schema
        )));
    }
    Ok(key)
}

/// Says what of an annotation file could not be used.
pub(crate) fn tell(path: &Path, annotations: &Annotations, printer: &Printer) {
    let report = &annotations.report;
    let mut left_out = Vec::new();
    for (count, what) in [
        (report.damaged.len() as u64, "damaged lines"),
        (report.without_rater, "ratings without a rater"),
        (report.without_item, "ratings without an item"),
        (
            report.unknown_labels.len() as u64,
            "words that are no label",
        ),
        (
            report.same_rater_twice.len() as u64,
            "ratings given again differently (the last counts)",
        ),
        (report.identical_repeats, "ratings given twice"),
        (report.skipped, "skipped ratings"),
    ] {
        if count > 0 {
            left_out.push(format!("{count} {what}"));
        }
    }
    if !left_out.is_empty() {
        printer.say(&format!("{}: {}", path.display(), left_out.join(", ")));
    }
}

fn write(out: &Path, found: &Audit) -> Result<(), Failure> {
    let mut files = found.charts();
    files.insert("report.json".to_owned(), found.json()?);
    files.insert("report.html".to_owned(), found.html()?);
    write_files(out, &files)
}
