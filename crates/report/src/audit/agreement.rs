//! How far labels from different sources agree: the published label, people, judges.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dataset::import::Imported;
use evalwright_stats::confusion::{LabelScores, label_scores};
use evalwright_stats::dawid_skene::DawidSkene;
use evalwright_stats::krippendorff::Level;
use evalwright_stats::label_error::{ErrorRate, error_rate, suspects};
use evalwright_stats::pair::PairTable;
use evalwright_stats::ratings::{Label, MISSING, RatingTable};
use evalwright_stats::{RatingSummary, StatsError, SummaryOptions, summarise_ratings};
use serde::Serialize;

use super::AuditOptions;
use crate::agreement::CONFIDENCE;

/// The name of the label that stands in the files, where a rater's name could stand.
const PUBLISHED: &str = "published label";
/// Most rows that are listed as suspicious.
const MOST: usize = 50;

/// Who labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// The files themselves.
    Published,
    /// A person, from an annotation file.
    Person,
    /// A model.
    Judge,
}

/// One source of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name: the rater's, or the judge's with its wording.
    pub name: String,
    /// Who it is.
    pub kind: SourceKind,
    /// For each row, by position among all rows, the class of the label it gives.
    pub labels: BTreeMap<usize, String>,
    /// For each row its relevance, where the source rates it (1 to 5).
    pub relevance: BTreeMap<usize, f64>,
    /// Rows that it finds unclear or not, where it says so.
    pub ambiguous: BTreeMap<usize, bool>,
}

/// A table of ratings in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RatedTable {
    /// Which sources are in it: `all sources`, `people`, `judges`.
    pub of: String,
    /// The sources, in the order of the table's raters.
    pub sources: Vec<String>,
    /// What each is.
    pub kinds: Vec<SourceKind>,
    /// The labels, in the order of all label figures.
    pub labels: Vec<String>,
    /// Agreement in figures.
    pub figures: RatingSummary,
    /// For each source but the published label: precision and recall by label against the published label.
    pub against_published: BTreeMap<String, Vec<LabelScores>>,
    /// Estimated share of wrong published labels; null with a reason below.
    pub label_errors: Option<ErrorRate>,
    /// Why it is null.
    pub label_errors_undefined: Option<String>,
    /// Mean relevance and how many ratings it is over.
    pub relevance: Option<(f64, u64)>,
    /// Rows by how many sources find them unclear, of those that at least one source was asked about.
    pub unclear: BTreeMap<u64, u64>,
}

/// A row whose label is likely wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspicion {
    /// Where it stands.
    pub place: String,
    /// What it says.
    pub text: String,
    /// Its label.
    pub label: String,
    /// The label that is likeliest instead.
    pub likeliest: String,
    /// Probability that the label is wrong; null where only votes were counted.
    pub wrong: Option<f64>,
    /// In words: who says otherwise.
    pub why: String,
}

/// Refuses a table that was read the wrong way round: far more raters than rows.
///
/// # Errors
/// When the ratings look transposed.
pub fn check_sources(sources: &[Source]) -> Result<(), StatsError> {
    let rows: BTreeSet<usize> = sources
        .iter()
        .flat_map(|one| one.labels.keys().copied())
        .collect();
    let cells: Vec<Label> = rows
        .iter()
        .flat_map(|row| {
            sources.iter().map(|one| {
                // Which label it is does not matter here.
                if one.labels.contains_key(row) {
                    0
                } else {
                    MISSING
                }
            })
        })
        .collect();
    if sources.is_empty() {
        return Ok(());
    }
    RatingTable::from_rows(sources.len(), 2, &cells)?.refuse_transposed()
}

/// Figures over all sources, over people and over judges, and the rows most likely wrong. Only rows that a source
/// beside the files has labelled take part.
pub(super) fn measure(
    imported: &Imported,
    sources: &[Source],
    options: &AuditOptions,
) -> (Vec<RatedTable>, Vec<Suspicion>) {
    let rated: BTreeSet<usize> = sources
        .iter()
        .flat_map(|one| one.labels.keys().copied())
        .collect();
    if rated.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let published = Source {
        name: PUBLISHED.to_owned(),
        kind: SourceKind::Published,
        labels: rated
            .iter()
            .filter_map(|row| Some((*row, imported.rows.get(*row)?.label()?.to_owned())))
            .collect(),
        relevance: BTreeMap::new(),
        ambiguous: BTreeMap::new(),
    };
    let rows: Vec<usize> = rated.into_iter().collect();
    let all: Vec<&Source> = std::iter::once(&published).chain(sources).collect();
    let mut tables = Vec::new();
    let mut suspicious = Vec::new();
    if let Some(fitted) = table("all sources", &all, &rows, options) {
        suspicious = suspicions(imported, &rows, &all, &fitted);
        tables.push(fitted.rated);
    }
    for (name, kind) in [
        ("people", SourceKind::Person),
        ("judges", SourceKind::Judge),
    ] {
        let of: Vec<&Source> = all.iter().filter(|one| one.kind == kind).copied().collect();
        if of.len() > 1
            && let Some(fitted) = table(name, &of, &rows, options)
        {
            tables.push(fitted.rated);
        }
    }
    (tables, suspicious)
}

/// A table's figures with the ratings and the model behind them.
struct Fitted {
    ratings: RatingTable,
    rated: RatedTable,
    /// Of the published labels and at least two other sources.
    model: Option<DawidSkene>,
}

fn table(
    name: &str,
    sources: &[&Source],
    rows: &[usize],
    options: &AuditOptions,
) -> Option<Fitted> {
    let labels: BTreeSet<&str> = sources
        .iter()
        .flat_map(|one| one.labels.values().map(String::as_str))
        .collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let number = |label: &str| {
        let place = labels.iter().position(|known| *known == label);
        place.and_then(|place| Label::try_from(place).ok())
    };
    let cells: Vec<Label> = rows
        .iter()
        .flat_map(|row| {
            sources.iter().map(move |one| {
                let label = one.labels.get(row).map(String::as_str);
                label.and_then(number).unwrap_or(MISSING)
            })
        })
        .collect();
    // Two labels at least: a table of one label has no agreement to speak of, and the figures say so.
    let table = RatingTable::from_rows(sources.len(), labels.len().max(2), &cells).ok()?;
    let seed = options.seed.derive(&format!("agreement of {name}"));
    let figures = summarise_ratings(
        &table,
        &SummaryOptions {
            level: Level::Nominal,
            values: Vec::new(),
            draws: options.draws,
            confidence: CONFIDENCE,
            seed,
        },
    );
    let has_published = sources
        .first()
        .is_some_and(|one| one.kind == SourceKind::Published);
    let mut against_published = BTreeMap::new();
    let (mut errors, mut undefined, mut model) = (None, None, None);
    if has_published {
        for (place, one) in sources.iter().enumerate().skip(1) {
            let pair = PairTable::of(&table, 0, place);
            against_published.insert(one.name.clone(), label_scores(&pair, CONFIDENCE));
        }
        let seed = options.seed.derive("label errors");
        match error_rate(
            &table,
            0,
            Default::default(),
            options.draws.min(300),
            CONFIDENCE,
            seed,
        ) {
            Ok((rate, fitted)) => (errors, model) = (Some(rate), Some(fitted)),
            Err(reason) => undefined = Some(reason.sentence().to_owned()),
        }
    }
    let relevance: Vec<f64> = sources
        .iter()
        .flat_map(|one| one.relevance.values().copied())
        .collect();
    let mut doubts: BTreeMap<usize, u64> = BTreeMap::new();
    for (row, unclear) in sources.iter().flat_map(|one| &one.ambiguous) {
        *doubts.entry(*row).or_default() += u64::from(*unclear);
    }
    let mut unclear = BTreeMap::new();
    for count in doubts.values() {
        *unclear.entry(*count).or_default() += 1;
    }
    let rated = RatedTable {
        of: name.to_owned(),
        sources: sources.iter().map(|one| one.name.clone()).collect(),
        kinds: sources.iter().map(|one| one.kind).collect(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        figures,
        against_published,
        label_errors: errors,
        label_errors_undefined: undefined,
        relevance: (!relevance.is_empty()).then(|| {
            (
                relevance.iter().sum::<f64>() / relevance.len() as f64,
                relevance.len() as u64,
            )
        }),
        unclear,
    };
    Some(Fitted {
        ratings: table,
        rated,
        model,
    })
}

/// Rows whose published label the others contradict: by the fitted model where there are three sources, by votes
/// otherwise.
fn suspicions(
    imported: &Imported,
    rows: &[usize],
    sources: &[&Source],
    fitted: &Fitted,
) -> Vec<Suspicion> {
    if let Some(model) = &fitted.model {
        return suspects(&fitted.ratings, 0, model, MOST)
            .into_iter()
            .filter_map(|suspect| {
                let row = *rows.get(suspect.item)?;
                let labels = &fitted.rated.labels;
                let likeliest = labels.get(usize::from(suspect.likeliest))?;
                suspicion(imported, row, sources, likeliest, Some(suspect.wrong))
            })
            .collect();
    }
    let mut found: Vec<(usize, Suspicion)> = rows
        .iter()
        .filter_map(|row| {
            let label = imported.rows.get(*row)?.label()?;
            let against: Vec<&str> = sources
                .iter()
                .skip(1)
                .filter_map(|one| one.labels.get(row))
                .map(String::as_str)
                .filter(|other| *other != label)
                .collect();
            let likeliest = *against.first()?;
            let votes = against.iter().filter(|other| **other == likeliest).count();
            Some((votes, suspicion(imported, *row, sources, likeliest, None)?))
        })
        .collect();
    found.sort_by(|(many, _), (few, _)| few.cmp(many));
    found.truncate(MOST);
    found.into_iter().map(|(_, one)| one).collect()
}

fn suspicion(
    imported: &Imported,
    row: usize,
    sources: &[&Source],
    likeliest: &str,
    wrong: Option<f64>,
) -> Option<Suspicion> {
    let of = imported.rows.get(row)?;
    let label = of.label()?;
    let said: Vec<String> = sources
        .iter()
        .skip(1)
        .filter_map(|one| Some(format!("{} says {}", one.name, one.labels.get(&row)?)))
        .collect();
    Some(Suspicion {
        place: of.place(),
        text: of.text().to_owned(),
        label: label.to_owned(),
        likeliest: likeliest.to_owned(),
        wrong,
        why: said.join("; "),
    })
}
