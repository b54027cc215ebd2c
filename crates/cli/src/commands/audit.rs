//! `evalwright audit`: label quality of any dataset, ours or somebody else's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use evalwright_core::{Seed, exit_code};
use evalwright_dataset::annotations::{
    AnnotationOptions, Annotations, MatchBy, match_ratings, read_annotations,
};
use evalwright_dataset::import::{Imported, label_class, read_all};
use evalwright_report::audit::{
    Audit, AuditInput, AuditOptions, Gate, Source, SourceKind, audit, check_sources,
};

use crate::commands::import::{formats, read_options};
use crate::failure::{Failure, Kind};
use crate::out_folder::write_files;
use crate::output::Printer;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// Files, version folders, hub folders, or folders of any of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// People's labels: a long or wide table, JSON Lines, or an export of Label Studio or Argilla; may be given more
    /// than once
    #[arg(long, value_name = "FILE")]
    annotations: Vec<PathBuf>,
    /// How an annotation names its row
    #[arg(long, value_enum, default_value_t = By::Id, value_name = "HOW")]
    annotation_by: By,
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
}

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

pub(crate) fn run(arguments: &AuditArguments, printer: &Printer) -> Result<u8, Failure> {
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
    for path in &arguments.annotations {
        sources.extend(people(path, &imported, arguments.annotation_by, printer)?);
    }
    check_sources(&sources).map_err(|error| {
        Failure::new(Kind::Config, error.to_string())
            .hint("items stand in rows and raters in columns; turn the table round")
    })?;
    let input = AuditInput {
        imported: &imported,
        sources: &sources,
        gates: &gates,
    };
    let options = AuditOptions {
        near: arguments.near,
        seed: Seed(arguments.seed),
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
    by: By,
    printer: &Printer,
) -> Result<Vec<Source>, Failure> {
    let annotations = read_annotations(path, &AnnotationOptions::default())?;
    tell(path, &annotations, printer);
    let by = match by {
        By::Id => MatchBy::Id,
        By::Number => MatchBy::Number,
        By::Text => MatchBy::Text,
    };
    let matched = match_ratings(&annotations, &imported.rows, by);
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
            "`--annotation-by number` or `--annotation-by text` match by the row's number or text",
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
