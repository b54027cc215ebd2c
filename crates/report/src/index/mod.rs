//! An index over many datasets, versions and models: one table, trends, comparisons, and a composite whose weights the
//! reader sets.
//!
//! An index is a function of its entries and of what could not be indexed, whatever their order: no file, no clock, no
//! path of a machine. What is missing is null with a reason and is never counted as 0.

mod charts;
mod composite;
mod drawing;
mod entry;
mod figures;
mod page;
mod published;
mod sentences;
mod set_charts;
mod sets;

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dataset::{Status, Version};
use serde::Serialize;

pub use composite::{COMPONENTS, Component, Composite};
pub use entry::{Beside, Entry, EntryKind, FewShotExamples, Said, measure};
pub use figures::{Better, FIGURES, Figure, FigureAbout, FigureName, Unit};
pub use sets::{Set, SetKind};

use crate::ReportError;

/// The format of the JSON document.
pub const INDEX_SCHEMA: &str = "evalwright.index/1";
/// Where the JSON document stands in the site.
pub const INDEX_FILE: &str = "data/index.json";
/// Where the page stands in the site.
pub const PAGE_FILE: &str = "index.html";

/// Something that could not be indexed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where, as places of entries are written.
    pub place: String,
    /// The line, where one line could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Why, in one line.
    pub problem: String,
}

/// Totals as plain integers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Entries: versions and files.
    pub entries: u64,
    /// Datasets of ours.
    pub datasets: u64,
    /// Versions of them.
    pub versions: u64,
    /// Files of others.
    pub files: u64,
    /// Rows of all entries.
    pub rows: u64,
    /// Lines that could not be read.
    pub damaged: u64,
    /// Rows by kind or family.
    pub groups: BTreeMap<String, u64>,
    /// Models that wrote, by name, with the entries they wrote.
    pub generators: BTreeMap<String, u64>,
}

/// How often a figure is missing, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The figure.
    pub figure: FigureName,
    /// Entries that have it.
    pub known: u64,
    /// Entries that do not, by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// The index. Its fields are those of the JSON document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Index {
    /// [`INDEX_SCHEMA`].
    pub schema: String,
    /// What the figures say, in sentences.
    pub takeaways: Vec<String>,
    /// Totals.
    pub totals: Totals,
    /// Every entry, by kind or family, dataset, and version.
    pub entries: Vec<Entry>,
    /// Entries that belong side by side: the versions of a dataset, one behaviour from several sources.
    pub sets: Vec<Set>,
    /// What each figure means.
    pub figures: Vec<FigureAbout>,
    /// What the composite is made of.
    pub components: Vec<Component>,
    /// What is missing, by figure.
    pub missing: Vec<Missing>,
    /// What could not be indexed, and lines that could not be read.
    pub problems: Vec<Problem>,
    /// Every file of the site.
    pub files: Vec<String>,
}

/// An entry with what decides to which dataset it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The entry.
    pub entry: Entry,
    /// The same for all versions of one dataset and no others: the folder that holds them. It stands in no file.
    pub home: String,
}

impl Index {
    /// An index over entries. Their order does not matter, nor that of the problems.
    #[must_use]
    pub fn new(mut placed: Vec<Placed>, mut problems: Vec<Problem>) -> Self {
        let number = |entry: &Entry| entry.version.value.as_deref().and_then(Version::parse);
        placed.sort_by(|a, b| {
            let (one, other) = (&a.entry, &b.entry);
            (&one.group, &one.dataset, number(one), &one.place).cmp(&(
                &other.group,
                &other.dataset,
                number(other),
                &other.place,
            ))
        });
        problems.sort();
        problems.dedup();
        mark_latest(&mut placed);
        mark_twins(&mut placed);
        let homes: Vec<String> = placed.iter().map(|one| one.home.clone()).collect();
        let entries: Vec<Entry> = placed.into_iter().map(|one| one.entry).collect();
        let mut index = Self {
            schema: INDEX_SCHEMA.to_owned(),
            takeaways: Vec::new(),
            totals: totals(&entries, &homes),
            sets: sets::sets(&entries, &homes),
            figures: FIGURES.to_vec(),
            components: COMPONENTS.to_vec(),
            missing: missing(&entries),
            entries,
            problems,
            files: Vec::new(),
        };
        index.takeaways = sentences::takeaways(&index);
        let charts = charts::all(&index);
        let names: BTreeSet<String> = charts
            .iter()
            .map(charts::IndexChart::file)
            .chain([PAGE_FILE.to_owned(), INDEX_FILE.to_owned()])
            .collect();
        index.files = names.into_iter().collect();
        index
    }

    /// `data/index.json`: indented, numbers rounded to six digits, a final newline.
    ///
    /// # Errors
    /// When the figures cannot be written as JSON.
    pub fn json(&self) -> Result<Vec<u8>, ReportError> {
        page::json(self)
    }

    /// Every file of the site by its path in it.
    ///
    /// # Errors
    /// When the figures cannot be written as JSON, or the page template fails.
    pub fn site(&self) -> Result<BTreeMap<String, Vec<u8>>, ReportError> {
        let charts = charts::all(self);
        let mut files: BTreeMap<String, Vec<u8>> = charts
            .iter()
            .map(|chart| (chart.file(), chart.csv()))
            .collect();
        files.insert(PAGE_FILE.to_owned(), page::render(self, charts)?);
        files.insert(INDEX_FILE.to_owned(), self.json()?);
        Ok(files)
    }

    /// The index on one screen of a terminal.
    #[must_use]
    pub fn summary_text(&self) -> String {
        sentences::summary(self)
    }

    /// Entries by identifier.
    pub(crate) fn by_id(&self) -> BTreeMap<&str, &Entry> {
        let entries = self.entries.iter();
        entries.map(|entry| (entry.id.as_str(), entry)).collect()
    }
}

/// Only the last version of each dataset that is for use is the latest; entries are in order.
fn mark_latest(placed: &mut [Placed]) {
    let mut last: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (index, one) in placed.iter().enumerate() {
        let is_for_use = !matches!(one.entry.status, Some(Status::Dropped | Status::Renamed));
        if one.entry.kind == EntryKind::Version && is_for_use {
            last.insert((one.home.clone(), one.entry.dataset.clone()), index);
        }
    }
    for (index, one) in placed.iter_mut().enumerate() {
        let key = (one.home.clone(), one.entry.dataset.clone());
        one.entry.is_latest = one.entry.kind == EntryKind::File || last.get(&key) == Some(&index);
    }
}

/// Notes on entries whose rows are the same bytes as another's.
fn mark_twins(placed: &mut [Placed]) {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in placed.iter() {
        let same = places.entry(one.entry.sha256.clone()).or_default();
        same.push(one.entry.place.clone());
    }
    for one in placed {
        let others: Vec<&str> = places
            .get(&one.entry.sha256)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|place| *place != one.entry.place)
            .collect();
        if !others.is_empty() {
            one.entry
                .notes
                .push(format!("the same bytes as {}", others.join(", ")));
        }
    }
}

fn totals(entries: &[Entry], homes: &[String]) -> Totals {
    let mut totals = Totals {
        entries: entries.len() as u64,
        ..Totals::default()
    };
    let mut datasets = BTreeSet::new();
    for (entry, home) in entries.iter().zip(homes) {
        let rows = rows(entry);
        totals.rows += rows;
        totals.damaged += entry.damaged;
        *totals.groups.entry(entry.group.clone()).or_default() += rows;
        match entry.kind {
            EntryKind::Version => {
                totals.versions += 1;
                datasets.insert((home, &entry.dataset));
            }
            EntryKind::File => totals.files += 1,
        }
        if let Some(generator) = model(entry) {
            *totals.generators.entry(generator.to_owned()).or_default() += 1;
        }
    }
    totals.datasets = datasets.len() as u64;
    totals
}

/// The model that wrote an entry, where one did and it is known.
fn model(entry: &Entry) -> Option<&str> {
    let name = entry.generator.value.as_deref();
    name.filter(|name| *name != published::NO_MODEL)
}

/// Rows of an entry; an entry without any is not made.
fn rows(entry: &Entry) -> u64 {
    entry
        .figures
        .get(&FigureName::Rows)
        .and_then(|figure| figure.value)
        .map_or(0, |rows| rows as u64)
}

fn missing(entries: &[Entry]) -> Vec<Missing> {
    FIGURES
        .iter()
        .map(|about| {
            let mut counted = Missing {
                figure: about.name,
                known: 0,
                reasons: BTreeMap::new(),
            };
            for entry in entries {
                match entry.figures.get(&about.name) {
                    Some(figure) if figure.value.is_some() => counted.known += 1,
                    figure => {
                        let reason = figure
                            .and_then(|figure| figure.missing.clone())
                            .unwrap_or_else(|| "not measured".to_owned());
                        *counted.reasons.entry(reason).or_default() += 1;
                    }
                }
            }
            counted
        })
        .collect()
}
