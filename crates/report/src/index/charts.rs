//! The charts of an index: each drawn from the same figures that its CSV file lists, entry by entry.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dataset::csv;
use evalwright_stats::Interval;

use super::composite::COMPONENTS;
use super::entry::Entry;
use super::figures::{FIGURES, Figure, FigureAbout, FigureName, Unit};
use super::set_charts::{by_source, versions};
use super::sets::{Set, SetKind};
use super::{Index, model, rows};
use crate::chart::{Axis, Bar, Mark, Point, bars, intervals};
use crate::number::{rounded, share, two_digits};

/// Codes of defects that are drawn; the file has all.
const MOST_CODES: usize = 20;

/// Entries by identifier.
pub(super) type ById<'a> = BTreeMap<&'a str, &'a Entry>;

/// Where on the page a chart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Versions,
    Models,
    Sources,
}

/// One chart with its numbers.
pub(super) struct IndexChart {
    pub(super) section: Section,
    /// Name of the CSV file without folder and ending: lower-case letters, digits and signs that need no escape.
    pub(super) stem: String,
    pub(super) title: String,
    pub(super) how: String,
    pub(super) svg: String,
    pub(super) header: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

impl IndexChart {
    /// The path of its CSV file in the site.
    pub(super) fn file(&self) -> String {
        format!("charts/{}.csv", self.stem)
    }

    /// The bytes of its CSV file.
    pub(super) fn csv(&self) -> Vec<u8> {
        csv(&self.header, &self.rows)
    }
}

/// All charts that have something to show, in the order of the page.
pub(super) fn all(index: &Index) -> Vec<IndexChart> {
    let mut charts = vec![group_rows(index)];
    charts.extend(
        FIGURES
            .iter()
            .filter(|about| about.name != FigureName::Rows)
            .filter(|about| is_known(&index.entries, about.name))
            .map(|about| by_group(index, about)),
    );
    charts.push(composite(index));
    if index.entries.iter().any(|entry| !entry.defects.is_empty()) {
        charts.push(defects(index));
    }
    let by_id = index.by_id();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for set in of_kind(index, SetKind::Versions) {
        charts.push(versions(&by_id, set, &mut taken));
    }
    if index.totals.generators.len() > 1 {
        charts.extend(
            FIGURES
                .iter()
                .filter(|about| about.name != FigureName::Rows)
                .filter_map(|about| by_model(index, about)),
        );
    }
    let sources: Vec<&Set> = of_kind(index, SetKind::Sources).collect();
    for about in FIGURES
        .iter()
        .filter(|about| about.name != FigureName::Rows)
    {
        charts.extend(by_source(&by_id, &sources, about));
    }
    charts
}

fn of_kind(index: &Index, kind: SetKind) -> impl Iterator<Item = &Set> {
    index.sets.iter().filter(move |set| set.kind == kind)
}

fn is_known(entries: &[Entry], name: FigureName) -> bool {
    entries.iter().any(|entry| value(entry, name).is_some())
}

pub(super) fn value(entry: &Entry, name: FigureName) -> Option<f64> {
    entry.figures.get(&name)?.value
}

pub(super) fn interval(entry: &Entry, name: FigureName) -> Option<Interval> {
    entry.figures.get(&name)?.interval
}

/// A figure as text for people.
pub(super) fn written(about: &FigureAbout, value: Option<f64>) -> String {
    match about.unit {
        Unit::Count => value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0}")),
        Unit::Share => share(value),
        Unit::Number => two_digits(value),
    }
}

/// A number for a CSV file; nothing where it is missing.
fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| rounded(value).to_string())
}

/// The head of every list of entries.
pub(super) const ENTRY: [&str; 5] = ["place", "group", "dataset", "version", "generator"];

pub(super) fn entry_cells(entry: &Entry) -> Vec<String> {
    vec![
        entry.place.clone(),
        entry.group.clone(),
        entry.dataset.clone(),
        entry.version.value.clone().unwrap_or_default(),
        entry.generator.value.clone().unwrap_or_default(),
    ]
}

pub(super) fn figure_cells(figure: Option<&Figure>) -> Vec<String> {
    let value = figure.and_then(|figure| figure.value);
    let ends = figure.and_then(|figure| figure.interval);
    vec![
        cell(value),
        cell(ends.map(|ends| ends.low)),
        cell(ends.map(|ends| ends.high)),
        cell(figure.and_then(|figure| figure.chance)),
        figure
            .and_then(|figure| figure.missing.clone())
            .unwrap_or_default(),
    ]
}

pub(super) fn header(before: &[&'static str], after: &[&'static str]) -> Vec<&'static str> {
    before.iter().chain(after).copied().collect()
}

/// Entries by what a word of each says; those of which it says nothing are left out.
fn grouped<'a>(
    index: &'a Index,
    word: impl Fn(&'a Entry) -> Option<&'a str>,
) -> BTreeMap<&'a str, Vec<&'a Entry>> {
    let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &index.entries {
        if let Some(word) = word(entry) {
            groups.entry(word).or_default().push(entry);
        }
    }
    groups
}

fn groups(index: &Index) -> BTreeMap<&str, Vec<&Entry>> {
    grouped(index, |entry| Some(&entry.group))
}

fn group_rows(index: &Index) -> IndexChart {
    let title = "Rows by kind or family".to_owned();
    let drawn: Vec<Bar> = groups(index)
        .into_iter()
        .map(|(group, entries)| {
            let all: u64 = entries.iter().map(|entry| rows(entry)).sum();
            Bar {
                label: group.to_owned(),
                note: format!("{all} in {}", entries.len()),
                value: all,
                behind: None,
                class: "plain",
            }
        })
        .collect();
    IndexChart {
        section: Section::Overview,
        stem: "rows".to_owned(),
        how: format!(
            "{} All versions of a dataset are counted.",
            FigureName::Rows.about().how
        ),
        svg: bars(&title, &drawn),
        title,
        header: header(&ENTRY, &["rows", "unreadable"]),
        rows: index
            .entries
            .iter()
            .map(|entry| {
                let mut cells = entry_cells(entry);
                cells.extend([rows(entry).to_string(), entry.damaged.to_string()]);
                cells
            })
            .collect(),
    }
}

fn mean_and_range(values: &[f64]) -> (Option<f64>, Option<Interval>) {
    let low = values.iter().copied().reduce(f64::min);
    let high = values.iter().copied().reduce(f64::max);
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let range = low.zip(high).map(|(low, high)| Interval { low, high });
    (mean, range.filter(|_| values.len() > 1))
}

/// One mark for each group: its mean, its range, and over how many entries.
fn group_marks(
    groups: BTreeMap<&str, Vec<&Entry>>,
    of: impl Fn(&Entry) -> Option<f64>,
    text: impl Fn(Option<f64>) -> String,
) -> Vec<Mark> {
    groups
        .into_iter()
        .map(|(group, entries)| {
            let values: Vec<f64> = entries.iter().filter_map(|entry| of(entry)).collect();
            let (mean, range) = mean_and_range(&values);
            Mark {
                label: group.to_owned(),
                note: match mean {
                    None => format!("missing for all {}", entries.len()),
                    Some(_) if values.len() == entries.len() => text(mean),
                    Some(_) => format!("{}, {} of {}", text(mean), values.len(), entries.len()),
                },
                points: vec![Point {
                    value: mean,
                    interval: range,
                    hollow: false,
                }],
            }
        })
        .collect()
}

fn by_group(index: &Index, about: &'static FigureAbout) -> IndexChart {
    let name = about.name;
    let values = index.entries.iter().filter_map(|entry| value(entry, name));
    let marks = group_marks(
        groups(index),
        |entry| value(entry, name),
        |value| written(about, value),
    );
    let title = about.title.to_owned();
    IndexChart {
        section: Section::Overview,
        stem: about.key.replace('_', "-"),
        how: format!(
            "{} The point is the mean over the entries of a kind or family, each counting once, and the line runs from the \
             lowest to the highest. The file lists every entry with its own interval, or why it is missing.",
            about.how
        ),
        svg: intervals(&title, &marks, &axis(about, values)),
        title,
        header: header(&ENTRY, &["value", "low", "high", "chance", "missing"]),
        rows: index
            .entries
            .iter()
            .map(|entry| {
                let mut cells = entry_cells(entry);
                cells.extend(figure_cells(entry.figures.get(&name)));
                cells
            })
            .collect(),
    }
}

/// One figure by the model that wrote, over the latest versions; none where fewer than two models have it.
fn by_model(index: &Index, about: &'static FigureAbout) -> Option<IndexChart> {
    let name = about.name;
    let models = grouped(index, |entry| model(entry).filter(|_| entry.is_latest));
    let entries: Vec<&Entry> = models.values().flatten().copied().collect();
    let known = models
        .values()
        .filter(|entries| entries.iter().any(|entry| value(entry, name).is_some()));
    if known.count() < 2 {
        return None;
    }
    let all = entries.iter().filter_map(|entry| value(entry, name));
    let axis = axis(about, all);
    let marks = group_marks(
        models,
        |entry| value(entry, name),
        |value| written(about, value),
    );
    let title = format!("{}, by model", about.title);
    Some(IndexChart {
        section: Section::Models,
        stem: format!("models-{}", about.key.replace('_', "-")),
        how: format!(
            "{} The point is the mean over the latest versions that a model wrote, each counting once, and the line runs \
             from the lowest to the highest. Models that wrote about other behaviours are not strictly comparable: see the \
             same behaviour by source.",
            about.how
        ),
        svg: intervals(&title, &marks, &axis),
        title,
        header: header(&ENTRY, &["value", "low", "high", "chance", "missing"]),
        rows: entries
            .iter()
            .map(|entry| {
                let mut cells = entry_cells(entry);
                cells.extend(figure_cells(entry.figures.get(&name)));
                cells
            })
            .collect(),
    })
}

/// An axis for a figure: 0 to 1 for shares and coefficients, else from 0 to the largest value.
pub(super) fn axis(about: &FigureAbout, values: impl Iterator<Item = f64>) -> Axis {
    let (low, high, ticks) = match about.name {
        FigureName::Kappa => (-0.2, 1.0, marks(&[0.0, 0.25, 0.5, 0.75, 1.0], about)),
        FigureName::TextWords | FigureName::Rows => {
            let high = ceiling(values.fold(0.0, f64::max));
            (
                0.0,
                high,
                vec![
                    (0.0, "0".to_owned()),
                    (high / 2.0, whole(high / 2.0)),
                    (high, whole(high)),
                ],
            )
        }
        _ => (0.0, 1.0, marks(&[0.0, 0.25, 0.5, 0.75, 1.0], about)),
    };
    Axis {
        low,
        high,
        ticks,
        label: about.short.to_owned(),
        reference: match about.name {
            FigureName::LengthArea => Some((0.5, "no sign".to_owned())),
            FigureName::Kappa => Some((0.0, "chance".to_owned())),
            _ => None,
        },
    }
}

fn whole(value: f64) -> String {
    rounded(value).to_string()
}

/// The smallest of 10, 20, 50, 100, … that is not below a value.
fn ceiling(value: f64) -> f64 {
    let mut unit = 10.0;
    while unit < 1e15 {
        for step in [1.0, 2.0, 5.0] {
            if value <= unit * step {
                return unit * step;
            }
        }
        unit *= 10.0;
    }
    value
}

fn marks(values: &[f64], about: &FigureAbout) -> Vec<(f64, String)> {
    let text = |value: f64| {
        if about.unit == Unit::Share {
            format!("{:.0} %", value * 100.0)
        } else {
            value.to_string()
        }
    };
    values.iter().map(|value| (*value, text(*value))).collect()
}

fn composite(index: &Index) -> IndexChart {
    let title = "Composite at default weights".to_owned();
    let marks = group_marks(groups(index), |entry| entry.composite.value, two_digits);
    let weights: Vec<String> = COMPONENTS
        .iter()
        .map(|one| format!("{} {}", one.figure.about().short, one.weight))
        .collect();
    let axis = Axis {
        low: 0.0,
        high: 1.0,
        ticks: [0.0, 0.25, 0.5, 0.75, 1.0]
            .iter()
            .map(|value| (*value, value.to_string()))
            .collect(),
        label: "composite".to_owned(),
        reference: None,
    };
    IndexChart {
        section: Section::Overview,
        stem: "composite".to_owned(),
        how: format!(
            "The weighted mean of the components that are known, each from 0 to 1, at the default weights ({}); this chart \
             does not follow weights set on the page. Point and line: mean and range over entries. Entries with other \
             components missing are not strictly comparable: the file gives the share of the weights that is known, and \
             what the composite would be were all that is missing 0 (low) or 1 (high).",
            weights.join(", ")
        ),
        svg: intervals(&title, &marks, &axis),
        title,
        header: header(
            &ENTRY,
            &[
                "composite",
                "low",
                "high",
                "known_weight",
                "kappa",
                "balance",
                "confidence",
                "duplicates",
                "defects",
                "length_area",
                "words_guess",
                "diversity",
            ],
        ),
        rows: index
            .entries
            .iter()
            .map(|entry| {
                let found = &entry.composite;
                let mut cells = entry_cells(entry);
                cells.extend([
                    cell(found.value),
                    cell(found.low),
                    cell(found.high),
                    cell(Some(found.known)),
                ]);
                cells.extend(
                    COMPONENTS
                        .iter()
                        .map(|one| cell(found.parts.get(&one.figure).copied().flatten())),
                );
                cells
            })
            .collect(),
    }
}

fn defects(index: &Index) -> IndexChart {
    let title = "Rows by defect".to_owned();
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for entry in &index.entries {
        for (code, rows) in &entry.defects {
            let (sum, entries) = counts.entry(code).or_default();
            *sum += rows;
            *entries += 1;
        }
    }
    let mut list: Vec<(&str, u64, u64)> = counts
        .into_iter()
        .map(|(code, (sum, entries))| (code, sum, entries))
        .collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let drawn: Vec<Bar> = list
        .iter()
        .take(MOST_CODES)
        .map(|(code, sum, entries)| Bar {
            label: (*code).to_owned(),
            note: format!("{sum} in {entries}"),
            value: *sum,
            behind: None,
            class: "plain",
        })
        .collect();
    IndexChart {
        section: Section::Overview,
        stem: "defects-by-code".to_owned(),
        how: "Rows in which each check found something, over all entries, those of style with the others; a row may stand \
              under several. `evalwright lint --list` says what each code means."
            .to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: header(&ENTRY, &["defect", "rows"]),
        rows: index
            .entries
            .iter()
            .flat_map(|entry| {
                entry.defects.iter().map(move |(code, count)| {
                    let mut cells = entry_cells(entry);
                    cells.extend([code.clone(), count.to_string()]);
                    cells
                })
            })
            .collect(),
    }
}
