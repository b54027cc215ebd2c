//! How far a version's rows differ from one another, and where each stands among the others.
//!
//! A version's files hold no vectors of sentences, so everything here is computed from words, and says so: what is said
//! in other words counts as something else.

use evalwright_core::{Seed, Side};
use evalwright_stats::diversity::{
    Sampled, clusters, distinct_ngrams, hashed_vectors, ngram_vectors, principal_map,
    vendi_of_ngrams,
};
use serde::Serialize;

use crate::number::{rounded, share, two_digits};
use crate::plane::{Dot, Frame, Series, plane};
use crate::plots::Plot;
use crate::words::label;

/// Rows behind the Vendi score, which grows with the cube of them.
const VENDI_ROWS: usize = 500;
/// Rows behind the directions of the map, and the centres of clusters.
const FITTED_ROWS: usize = 2000;
/// Rows that the map draws; all are in the CSV file.
const DRAWN: usize = 1500;
/// Numbers in the vector of a text.
const DIMENSIONS: usize = 256;
/// A text is cut for the map at so many characters.
const SHOWN: usize = 160;

/// One row to look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) id: &'a str,
    pub(crate) text: &'a str,
    pub(crate) label: Option<Side>,
}

/// How far rows differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diversity {
    /// What texts are compared by: `words and pairs of words`.
    pub by: &'static str,
    /// All rows, then each label's.
    pub over: Vec<Spread>,
    /// Clusters that rows were grouped into: about the root of their number.
    pub clusters: u64,
    /// The entropy of rows over these clusters, over the most there can be; null for fewer than two.
    pub cluster_evenness: Option<f64>,
    /// The shares of variance along the two axes of the map.
    pub map_explains: [f64; 2],
    /// The rows on the map; they stand in `charts/map.csv`.
    #[serde(skip)]
    points: Vec<Point>,
}

/// How far some rows differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// `all`, `matching` or `not matching`.
    pub over: String,
    /// Rows.
    pub rows: u64,
    /// Distinct words over all words.
    pub distinct_1: Option<f64>,
    /// Distinct pairs of neighbouring words over all pairs.
    pub distinct_2: Option<f64>,
    /// Distinct runs of three words over all of them.
    pub distinct_3: Option<f64>,
    /// The mean cosine of two rows' counts of words and pairs; 0 when no two share any.
    pub self_similarity: Option<f64>,
    /// The Vendi score: how many wholly different rows they amount to.
    pub vendi: Option<f64>,
    /// Rows that it was computed on.
    pub vendi_rows: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Point {
    id: String,
    text: String,
    label: Option<Side>,
    cluster: u64,
    at: [f64; 2],
}

impl Diversity {
    /// None for fewer than two rows.
    pub(crate) fn of(rows: &[Text<'_>], seed: Seed) -> Option<Self> {
        if rows.len() < 2 {
            return None;
        }
        let mut over = vec![spread("all", rows, seed)];
        if rows.iter().any(|row| row.label == Some(Side::NotMatching)) {
            for side in Side::ALL {
                let own: Vec<Text<'_>> = rows
                    .iter()
                    .filter(|row| row.label == Some(side))
                    .copied()
                    .collect();
                over.push(spread(label(side), &own, seed));
            }
        }
        let texts: Vec<&str> = rows.iter().map(|row| row.text).collect();
        let vectors = hashed_vectors(&texts, DIMENSIONS);
        let wanted = ((rows.len() as f64).sqrt().round() as usize).max(2);
        let groups = clusters(
            &vectors,
            wanted,
            FITTED_ROWS,
            seed.derive("report clusters"),
        );
        let map = principal_map(&vectors, FITTED_ROWS, seed.derive("report map"))?;
        let cluster = |row: usize| {
            let of = groups
                .as_ref()
                .and_then(|groups| groups.cluster_of.get(row));
            of.map_or(0, |cluster| *cluster as u64 + 1)
        };
        Some(Self {
            by: "words and pairs of words",
            over,
            clusters: groups
                .as_ref()
                .map_or(0, |groups| groups.sizes.len() as u64),
            cluster_evenness: groups.as_ref().and_then(|groups| groups.evenness),
            map_explains: map.explained,
            points: rows
                .iter()
                .zip(&map.points)
                .enumerate()
                .map(|(place, (row, at))| Point {
                    id: row.id.to_owned(),
                    text: row.text.to_owned(),
                    label: row.label,
                    cluster: cluster(place),
                    at: *at,
                })
                .collect(),
        })
    }

    /// In one sentence.
    pub(crate) fn sentence(&self) -> Option<String> {
        let all = self.over.first()?;
        let vendi = all.vendi.map_or_else(String::new, |vendi| {
            format!(
                ", and they amount to {vendi:.0} wholly different ones of {} (Vendi score)",
                all.vendi_rows
            )
        });
        Some(format!(
            "By {}, {} of pairs of neighbouring words are distinct, two rows resemble each other by {} on average \
             (cosine){vendi}; over {} clusters of words their entropy is {} of the most there can be.",
            self.by,
            share(all.distinct_2),
            two_digits(all.self_similarity),
            self.clusters,
            share(self.cluster_evenness),
        ))
    }

    /// For a terminal.
    pub(crate) fn line(&self) -> String {
        let all = self.over.first();
        format!(
            "diversity by words: distinct-2 {}, self-similarity {}, Vendi score {} of {}",
            two_digits(all.and_then(|all| all.distinct_2)),
            two_digits(all.and_then(|all| all.self_similarity)),
            all.and_then(|all| all.vendi)
                .map_or_else(|| "–".to_owned(), |vendi| format!("{vendi:.1}")),
            all.map_or(0, |all| all.vendi_rows),
        )
    }

    /// The figures, and the map.
    pub(crate) fn plots(&self) -> Vec<Plot> {
        vec![self.figures(), self.map()]
    }

    fn figures(&self) -> Plot {
        let number =
            |value: Option<f64>| value.map_or_else(String::new, |value| rounded(value).to_string());
        Plot {
            stem: "diversity",
            title: "How far rows differ".to_owned(),
            how: "Distinct-n: distinct runs of n words over all of them (Li et al. 2016). Self-similarity: mean cosine of the \
                  counts of words and pairs of two rows. Vendi score: the exponential of the entropy of the eigenvalues of \
                  these cosines (Friedman and Dieng 2023), on at most 500 rows. All of them by words: what is said in other \
                  words counts as something else."
                .to_owned(),
            svg: String::new(),
            header: vec![
                "over",
                "rows",
                "distinct_1",
                "distinct_2",
                "distinct_3",
                "self_similarity",
                "vendi",
                "vendi_rows",
            ],
            rows: self
                .over
                .iter()
                .map(|one| {
                    let mut row = vec![one.over.clone(), one.rows.to_string()];
                    let numbers = [
                        one.distinct_1,
                        one.distinct_2,
                        one.distinct_3,
                        one.self_similarity,
                        one.vendi,
                    ];
                    row.extend(numbers.map(number));
                    row.push(one.vendi_rows.to_string());
                    row
                })
                .collect(),
        }
    }

    fn map(&self) -> Plot {
        let title = "Rows on a map of their words".to_owned();
        let sorts = [
            (Some(Side::Matching), "matching", "matching"),
            (Some(Side::NotMatching), "not matching", "not_matching"),
            (None, "without label", "plain"),
        ];
        // Every so many rows, so that a large version is drawn thinned and not cut.
        let step = self.points.len().div_ceil(DRAWN).max(1);
        let series: Vec<Series> = sorts
            .into_iter()
            .map(|(side, name, class)| Series {
                name: name.to_owned(),
                class,
                joined: false,
                dots: self
                    .points
                    .iter()
                    .step_by(step)
                    .filter(|point| point.label == side)
                    .map(|point| Dot {
                        x: point.at[0],
                        y: point.at[1],
                        interval: None,
                        says: Some(cut(&point.text)),
                    })
                    .collect(),
            })
            .filter(|series: &Series| !series.dots.is_empty())
            .collect();
        let ends = |axis: usize| {
            let values = || {
                self.points
                    .iter()
                    .filter_map(move |point| point.at.get(axis).copied())
            };
            let low = values().fold(f64::INFINITY, f64::min);
            let high = values().fold(f64::NEG_INFINITY, f64::max);
            let margin = (high - low) * 0.03;
            (low - margin, high + margin)
        };
        let [first, second] = self.map_explains;
        let frame = Frame {
            x: ends(0),
            y: ends(1),
            ticks: Vec::new(),
            x_label: String::new(),
            y_label: String::new(),
            diagonal: false,
            radius: if self.points.len() > 300 { 2.5 } else { 4.0 },
        };
        Plot {
            stem: "map",
            how: format!(
                "Each row as a vector of its words and pairs of words, rarer ones weighing more, hashed to {DIMENSIONS} numbers; \
                 drawn along the two directions in which rows differ most ({} and {} of all variance). Rows with like words lie \
                 near each other; rest the pointer on one to read it. Labels that form two clouds are told apart by words \
                 alone.",
                share(Some(first)),
                share(Some(second))
            ),
            svg: plane(&title, &series, &frame),
            title,
            header: vec!["row", "label", "cluster", "x", "y"],
            rows: self
                .points
                .iter()
                .map(|point| {
                    vec![
                        point.id.clone(),
                        point.label.map_or("", Side::as_str).to_owned(),
                        point.cluster.to_string(),
                        rounded(point.at[0]).to_string(),
                        rounded(point.at[1]).to_string(),
                    ]
                })
                .collect(),
        }
    }
}

fn spread(over: &str, rows: &[Text<'_>], seed: Seed) -> Spread {
    let texts: Vec<&str> = rows.iter().map(|row| row.text).collect();
    let vectors = ngram_vectors(&texts, 2);
    let vendi = vendi_of_ngrams(&vectors, VENDI_ROWS, seed.derive("report vendi"));
    Spread {
        over: over.to_owned(),
        rows: rows.len() as u64,
        distinct_1: distinct_ngrams(&texts, 1),
        distinct_2: distinct_ngrams(&texts, 2),
        distinct_3: distinct_ngrams(&texts, 3),
        self_similarity: vectors.self_similarity(),
        vendi: vendi.map(|Sampled { value, .. }| value),
        vendi_rows: vendi.map_or(0, |vendi| vendi.rows as u64),
    }
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<'a>(texts: &'a [String], ids: &'a [String]) -> Vec<Text<'a>> {
        texts
            .iter()
            .zip(ids)
            .enumerate()
            .map(|(place, (text, id))| Text {
                id,
                text,
                label: Some(Side::ALL[place % 2]),
            })
            .collect()
    }

    #[test]
    fn the_same_text_again_and_again_is_one_text_and_different_ones_are_many() {
        let ids: Vec<String> = (0..20).map(|place| format!("row_{place}")).collect();
        let same: Vec<String> = vec!["I like to take risks".to_owned(); 20];
        let found = Diversity::of(&rows(&same, &ids), Seed(1)).unwrap();
        assert!(
            (found.over[0].vendi.unwrap() - 1.0).abs() < 1e-6,
            "{found:?}"
        );
        assert!((found.over[0].self_similarity.unwrap() - 1.0).abs() < 1e-9);
        let apart: Vec<String> = (0..20)
            .map(|place| format!("a{place} b{place} c{place}"))
            .collect();
        let found = Diversity::of(&rows(&apart, &ids), Seed(1)).unwrap();
        assert!(
            (found.over[0].vendi.unwrap() - 20.0).abs() < 1e-6,
            "{found:?}"
        );
        assert_eq!(found.over.len(), 3);
        assert_eq!(found.over[1].rows, 10);
        assert!((found.over[0].distinct_2.unwrap() - 1.0).abs() < 1e-12);
        let [figures, map] = found.plots().try_into().ok().unwrap();
        assert_eq!((figures.rows.len(), map.rows.len()), (3, 20));
        assert_eq!(map.svg.matches("<title>").count(), 20);
        assert!(!map.svg.contains("NaN"));
        assert_eq!(found, Diversity::of(&rows(&apart, &ids), Seed(1)).unwrap());
        assert!(Diversity::of(&rows(&apart[..1], &ids), Seed(1)).is_none());
    }
}
