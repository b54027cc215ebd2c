//! Collects ratings so that a rater counts once for an item.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::labels::{Found, Labels, truth};
use super::{AnnotationReport, Annotations, Rating, Shape, Twice, UnknownLabel};

/// A rating as a file gives it, before anything is decided.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) item: String,
    pub(super) rater: String,
    pub(super) label: Option<String>,
    pub(super) rating: Option<String>,
    pub(super) ambiguous: Option<String>,
    pub(super) time: Option<String>,
    pub(super) line: u64,
}

/// Takes ratings one by one.
pub(super) struct Collector {
    labels: Labels,
    ratings: Vec<Rating>,
    /// Place of a rating by item and rater.
    places: BTreeMap<(String, String), usize>,
    items: BTreeSet<String>,
    pub(super) report: AnnotationReport,
}

impl Collector {
    pub(super) fn new(file: &Path, shape: Shape, labels: &[String]) -> Self {
        Self {
            labels: Labels::new(labels),
            ratings: Vec::new(),
            places: BTreeMap::new(),
            items: BTreeSet::new(),
            report: AnnotationReport {
                file: file.to_path_buf(),
                shape,
                columns: Vec::new(),
                rows: 0,
                raters: Vec::new(),
                items: 0,
                items_with_fewer_than_two: 0,
                labels: BTreeMap::new(),
                missing: 0,
                skipped: 0,
                repeated_tasks: 0,
                identical_repeats: 0,
                same_rater_twice: Vec::new(),
                without_rater: 0,
                without_item: 0,
                unknown_labels: Vec::new(),
                damaged: Vec::new(),
            },
        }
    }

    /// An item that stands in the file, rated or not.
    pub(super) fn item(&mut self, item: &str) {
        let item = item.trim();
        if !item.is_empty() {
            self.items.insert(item.to_owned());
        }
    }

    pub(super) fn rating(&mut self, raw: Raw) {
        let (item, rater) = (raw.item.trim().to_owned(), raw.rater.trim().to_owned());
        if item.is_empty() {
            self.report.without_item += 1;
            return;
        }
        self.item(&item);
        if rater.is_empty() {
            self.report.without_rater += 1;
            return;
        }
        let label = match self.labels.read(raw.label.as_deref().unwrap_or_default()) {
            Found::Missing => None,
            Found::Label(label) => Some(label),
            Found::Unknown => {
                self.report.unknown_labels.push(UnknownLabel {
                    item,
                    rater,
                    line: raw.line,
                    label: raw.label.unwrap_or_default(),
                });
                return;
            }
        };
        let rating: Option<f64> = raw
            .rating
            .and_then(|number| number.trim().parse().ok())
            .filter(|number: &f64| number.is_finite());
        let ambiguous = raw.ambiguous.as_deref().and_then(truth);
        if label.is_none() && rating.is_none() && ambiguous.is_none() {
            self.report.missing += 1;
            return;
        }
        self.keep(Rating {
            item,
            rater,
            label,
            rating,
            ambiguous,
            time: raw.time.filter(|time| !time.trim().is_empty()),
            line: raw.line,
        });
    }

    fn keep(&mut self, new: Rating) {
        let key = (new.item.clone(), new.rater.clone());
        let Some(known) = self
            .places
            .get(&key)
            .and_then(|place| self.ratings.get_mut(*place))
        else {
            self.places.insert(key, self.ratings.len());
            self.ratings.push(new);
            return;
        };
        let is_same = known.label == new.label
            && known.rating.map(f64::to_bits) == new.rating.map(f64::to_bits)
            && known.ambiguous == new.ambiguous;
        if is_same {
            self.report.identical_repeats += 1;
            return;
        }
        // Times compare as text only where they are written alike, as ISO 8601 is.
        let is_older = match (&known.time, &new.time) {
            (Some(known), Some(new)) if known.len() == new.len() => new < known,
            _ => false,
        };
        let (kept_line, dropped_line) = if is_older {
            (known.line, new.line)
        } else {
            (new.line, known.line)
        };
        self.report.same_rater_twice.push(Twice {
            item: key.0,
            rater: key.1,
            kept_line,
            dropped_line,
        });
        if !is_older {
            *known = new;
        }
    }

    pub(super) fn finish(mut self) -> Annotations {
        let mut by_item: BTreeMap<&str, u64> =
            self.items.iter().map(|item| (item.as_str(), 0)).collect();
        let mut raters = BTreeSet::new();
        for rating in &self.ratings {
            *by_item.entry(&rating.item).or_default() += 1;
            raters.insert(rating.rater.clone());
            if let Some(label) = &rating.label {
                *self.report.labels.entry(label.clone()).or_default() += 1;
            }
        }
        self.report.items = by_item.len() as u64;
        self.report.items_with_fewer_than_two =
            by_item.values().filter(|count| **count < 2).count() as u64;
        self.report.raters = raters.into_iter().collect();
        Annotations {
            ratings: self.ratings,
            report: self.report,
        }
    }
}
