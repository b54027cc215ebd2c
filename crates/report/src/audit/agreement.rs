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
    /// For each row P(each label), where the source tells; they sum to 1.
    pub chances: BTreeMap<usize, BTreeMap<String, f64>>,
}

/// The labels that stand in the files.
pub(super) struct Published<'a> {
    pub(super) imported: &'a Imported,
    /// For rows whose answers are free texts: the place of the published answer.
    pub(super) classes: Option<&'a BTreeMap<usize, String>>,
}

impl Published<'_> {
    /// The label of a row by its position; none where it has no label or several.
    pub(super) fn label(&self, row: usize) -> Option<String> {
        let class = self.classes.and_then(|classes| classes.get(&row));
        class
            .cloned()
            .or_else(|| Some(self.imported.rows.get(row)?.label()?.to_owned()))
    }
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
    of: &Published<'_>,
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
            .filter_map(|row| Some((*row, of.label(*row)?)))
            .collect(),
        relevance: BTreeMap::new(),
        ambiguous: BTreeMap::new(),
        chances: BTreeMap::new(),
    };
    let rows: Vec<usize> = rated.into_iter().collect();
    let all: Vec<&Source> = std::iter::once(&published).chain(sources).collect();
    let mut tables = Vec::new();
    let mut suspicious = Vec::new();
    if let Some(fitted) = table("all sources", &all, &rows, options) {
        suspicious = suspicions(of, &rows, &all, &fitted);
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

/// Rows whose published label the others contradict: by the fitted model where there are three sources, else by the
/// judges' probabilities, else by votes. Rows that are equal so stand in the order of the judges' probabilities.
fn suspicions(
    of: &Published<'_>,
    rows: &[usize],
    sources: &[&Source],
    fitted: &Fitted,
) -> Vec<Suspicion> {
    let mut found: Vec<(f64, f64, Suspicion)> = Vec::new();
    if let Some(model) = &fitted.model {
        for suspect in suspects(&fitted.ratings, 0, model, usize::MAX) {
            let row = rows.get(suspect.item).copied();
            let likeliest = fitted.rated.labels.get(usize::from(suspect.likeliest));
            let (Some(row), Some(likeliest)) = (row, likeliest) else {
                continue;
            };
            let doubt = doubt(of, sources, row).unwrap_or(0.5);
            let one = suspicion(of, row, sources, likeliest, Some(suspect.wrong));
            found.extend(one.map(|one| (suspect.wrong, doubt, one)));
        }
    } else {
        for row in rows {
            found.extend(by_judges(of, sources, *row).or_else(|| by_votes(of, sources, *row)));
        }
    }
    // The sort is stable: equal rows stay in the order of the files.
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    found.truncate(MOST);
    found.into_iter().map(|(_, _, one)| one).collect()
}

/// The mean over judges of the probability that a row's label is wrong.
fn doubt(of: &Published<'_>, sources: &[&Source], row: usize) -> Option<f64> {
    let label = of.label(row)?;
    let doubts: Vec<f64> = sources
        .iter()
        .filter_map(|one| one.chances.get(&row))
        .map(|chances| 1.0 - chances.get(&label).copied().unwrap_or(0.0))
        .collect();
    (!doubts.is_empty()).then(|| doubts.iter().sum::<f64>() / doubts.len() as f64)
}

fn by_judges(of: &Published<'_>, sources: &[&Source], row: usize) -> Option<(f64, f64, Suspicion)> {
    let doubt = doubt(of, sources, row).filter(|doubt| *doubt > 0.5)?;
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for chances in sources.iter().filter_map(|one| one.chances.get(&row)) {
        for (label, chance) in chances {
            *sums.entry(label).or_default() += chance;
        }
    }
    let (likeliest, _) = sums.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let one = suspicion(of, row, sources, likeliest, Some(doubt))?;
    Some((doubt, doubt, one))
}

fn by_votes(of: &Published<'_>, sources: &[&Source], row: usize) -> Option<(f64, f64, Suspicion)> {
    if doubt(of, sources, row).is_some() {
        return None;
    }
    let label = of.label(row)?;
    let against: Vec<&str> = sources
        .iter()
        .skip(1)
        .filter_map(|one| one.labels.get(&row))
        .map(String::as_str)
        .filter(|other| *other != label)
        .collect();
    let likeliest = *against.first()?;
    let votes = against.iter().filter(|other| **other == likeliest).count();
    let one = suspicion(of, row, sources, likeliest, None)?;
    // Whole numbers of votes, from 1: they stand before probabilities.
    Some((votes as f64, 0.0, one))
}

fn suspicion(
    of: &Published<'_>,
    row: usize,
    sources: &[&Source],
    likeliest: &str,
    wrong: Option<f64>,
) -> Option<Suspicion> {
    let label = of.label(row)?;
    let said: Vec<String> = sources
        .iter()
        .skip(1)
        .filter_map(|one| {
            let said = one.labels.get(&row)?;
            let chance = one.chances.get(&row).and_then(|chances| chances.get(said));
            Some(match chance {
                Some(chance) => format!("{} says {said} ({chance:.2})", one.name),
                None => format!("{} says {said}", one.name),
            })
        })
        .collect();
    let of = of.imported.rows.get(row)?;
    Some(Suspicion {
        place: of.place(),
        text: of.text().to_owned(),
        label,
        likeliest: likeliest.to_owned(),
        wrong,
        why: said.join("; "),
    })
}
