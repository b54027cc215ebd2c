//! How evenly what was dealt to candidates stands among those that were published: names, places, interests.
//!
//! Counted over candidates and never over rows, since all rows of one candidate share what it was dealt. Labels are looked
//! at one by one: both get the same by construction, so together they would look less even than they are.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::Fields;
use evalwright_dataset::Manifest;
use evalwright_stats::{ChiSquare, chi_square, evenness};
use serde::Serialize;

use crate::items::{cell, label, metadata};

/// Below this p value a spread is told to be uneven.
const UNEVEN: f64 = 0.01;
/// Tables with more values than this are no lists of names, and a test of them would take memory for each.
const MOST_VALUES: u64 = 1_000_000;

/// The spread of one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DealtField {
    /// The field, as in `metadata.cell`.
    pub field: String,
    /// How many values there were to deal.
    pub values: u64,
    /// Each label's candidates; one entry where there are no labels.
    pub labels: Vec<DealtSpread>,
    /// The share of one label's candidates that would have to get another value for both labels to have the same values
    /// equally often: 0 where they do, 1 where they share none. Null without two labels.
    pub apart: Option<f64>,
}

/// The spread over the candidates of one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DealtSpread {
    /// `matching` or `not_matching`; null where there are no labels.
    pub label: Option<String>,
    /// Candidates that were published.
    pub candidates: u64,
    /// Values that stand in at least one of them.
    pub used: u64,
    /// How often the most frequent value stands.
    pub most: u64,
    /// Whether all values are equally likely, those that stand nowhere counted as 0. Dealt values are evener than chance
    /// would have them, so the p value is large; rough where there are fewer than five candidates for each value.
    pub test: Option<ChiSquare>,
    /// The entropy as a share of the most that is possible: 1 where values are as even as can be.
    pub evenness: Option<f64>,
}

impl DealtField {
    /// The spread of every field that the manifest says was dealt, by name.
    pub(crate) fn of(manifest: &Manifest, records: &[Fields]) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let candidates: Vec<&Fields> = records
            .iter()
            .filter(|row| {
                let name = metadata(row).and_then(|metadata| metadata.get("candidate")?.as_str());
                name.is_some_and(|name| seen.insert(name))
            })
            .collect();
        manifest
            .dealt
            .iter()
            .filter(|(_, values)| **values <= MOST_VALUES)
            .map(|(field, values)| Self::of_field(field, *values, &candidates))
            .collect()
    }

    fn of_field(field: &str, values: u64, candidates: &[&Fields]) -> Self {
        let mut by_label: BTreeMap<Option<String>, BTreeMap<&str, u64>> = BTreeMap::new();
        for row in candidates {
            if let Some(value) = cell(row).and_then(|cell| cell.get(field)?.as_str()) {
                let label = label(row).map(|label| label.to_string());
                *by_label.entry(label).or_default().entry(value).or_default() += 1;
            }
        }
        let apart = match by_label.values().collect::<Vec<_>>().as_slice() {
            [first, second] => Some(apart(first, second)),
            _ => None,
        };
        let labels = by_label
            .into_iter()
            .map(|(label, counts)| DealtSpread::of(label, values, &counts))
            .collect();
        Self {
            field: field.to_owned(),
            values,
            labels,
            apart,
        }
    }

    /// What to be careful about.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.labels
            .iter()
            .filter_map(|of| {
                let test = of.test.filter(|test| test.p_value < UNEVEN)?;
                let whose = of.label.as_ref().map(|label| format!(" of `{label}`"));
                Some(format!(
                    "`{}` is spread less evenly over the candidates{} than chance would have it (p = {:.4}): one of {} \
                     values stands in {} of {}",
                    self.field,
                    whose.unwrap_or_default(),
                    test.p_value,
                    self.values,
                    of.most,
                    of.candidates
                ))
            })
            .collect()
    }

    /// One sentence: `name: 4 of 60 values in 4 candidates, …`.
    pub(crate) fn sentence(&self) -> String {
        let each: Vec<String> = self
            .labels
            .iter()
            .map(|of| {
                let whose = of.label.as_ref().map(|label| format!("{label}: "));
                let p = of
                    .test
                    .map(|test| format!(", p = {:.2}", test.p_value))
                    .unwrap_or_default();
                format!(
                    "{}{} of {} values in {} candidates, each at most {} times{p}",
                    whose.unwrap_or_default(),
                    of.used,
                    self.values,
                    of.candidates,
                    of.most
                )
            })
            .collect();
        let apart = match self.apart {
            Some(0.0) => "; both labels have the same".to_owned(),
            Some(share) => format!(
                "; {:.0} % of a label's would have to change for both to have the same",
                share * 100.0
            ),
            None => String::new(),
        };
        format!("{} is spread over {}{apart}", self.field, each.join("; "))
    }

    /// The lines of the table, one for each label.
    pub(crate) fn lines(&self) -> Vec<Vec<String>> {
        let number =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
        self.labels
            .iter()
            .map(|of| {
                vec![
                    self.field.clone(),
                    of.label.clone().unwrap_or_else(|| "all".to_owned()),
                    of.candidates.to_string(),
                    self.values.to_string(),
                    of.used.to_string(),
                    of.most.to_string(),
                    number(of.test.map(|test| test.statistic)),
                    of.test
                        .map_or_else(String::new, |test| test.degrees.to_string()),
                    number(of.test.map(|test| test.p_value)),
                    number(of.evenness),
                    number(self.apart),
                ]
            })
            .collect()
    }
}

impl DealtSpread {
    fn of(label: Option<String>, values: u64, counts: &BTreeMap<&str, u64>) -> Self {
        let mut all: Vec<u64> = counts.values().copied().collect();
        let used = all.len() as u64;
        all.resize(usize::try_from(values.max(used)).unwrap_or(all.len()), 0);
        Self {
            label,
            candidates: all.iter().sum(),
            used,
            most: all.iter().copied().max().unwrap_or(0),
            test: chi_square(&all),
            evenness: evenness(&all),
        }
    }
}

/// Half the sum of the differences of two sets of shares.
fn apart(first: &BTreeMap<&str, u64>, second: &BTreeMap<&str, u64>) -> f64 {
    let share = |counts: &BTreeMap<&str, u64>, value: &str| {
        let total: u64 = counts.values().sum();
        counts.get(value).copied().unwrap_or(0) as f64 / total.max(1) as f64
    };
    let values: BTreeSet<&str> = first.keys().chain(second.keys()).copied().collect();
    values
        .into_iter()
        .map(|value| (share(first, value) - share(second, value)).abs())
        .sum::<f64>()
        / 2.0
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row(candidate: &str, label: &str, name: &str) -> Fields {
        let row = json!({ "metadata": { "candidate": candidate, "label": label, "cell": { "name": name } } });
        match row {
            Value::Object(row) => row,
            _ => Fields::new(),
        }
    }

    fn spread(rows: &[Fields], values: u64) -> DealtField {
        let rows: Vec<&Fields> = rows.iter().collect();
        DealtField::of_field("name", values, &rows)
    }

    #[test]
    fn each_label_is_tested_by_itself_and_both_are_compared() {
        let mut rows = Vec::new();
        for (number, name) in ["a", "b", "c", "d"].iter().enumerate() {
            rows.push(row(&format!("m{number}"), "matching", name));
            rows.push(row(&format!("n{number}"), "not_matching", name));
        }
        let even = spread(&rows, 4);
        assert_eq!(even.apart, Some(0.0));
        for of in &even.labels {
            assert_eq!((of.candidates, of.used, of.most), (4, 4, 1));
            assert_eq!(of.evenness, Some(1.0));
            assert!((of.test.unwrap().p_value - 1.0).abs() < 1e-9);
        }
        assert_eq!(even.warnings(), Vec::<String>::new());
        assert_eq!(
            even.sentence(),
            "name is spread over matching: 4 of 4 values in 4 candidates, each at most 1 times, p = 1.00; \
             not_matching: 4 of 4 values in 4 candidates, each at most 1 times, p = 1.00; both labels have the same"
        );
    }

    #[test]
    fn one_name_in_three_of_ten_is_told() {
        // Thirty of a hundred share one of sixty names, as in the published set.
        let rows: Vec<Fields> = (0..100)
            .map(|number| {
                let name = if number < 30 {
                    "John Smith".to_owned()
                } else {
                    format!("n{}", number % 59)
                };
                row(&format!("c{number}"), "matching", &name)
            })
            .collect();
        let uneven = spread(&rows, 60);
        assert_eq!(uneven.labels[0].most, 30);
        assert_eq!(uneven.apart, None);
        let warnings = uneven.warnings();
        assert!(
            warnings[0].contains("one of 60 values stands in 30 of 100"),
            "{warnings:?}"
        );
    }

    #[test]
    fn labels_that_share_no_value_are_wholly_apart() {
        let rows = [row("1", "matching", "a"), row("2", "not_matching", "b")];
        assert_eq!(spread(&rows, 2).apart, Some(1.0));
        assert_eq!(spread(&[], 2).labels, Vec::new());
    }
}
