//! A map of rows: near points are texts with the same telling words.
//!
//! Texts become vectors of words weighted by how rare they are, folded into few dimensions; neighbours stay neighbours on
//! the map, distances between far points mean nothing. Of many rows a seeded sample is drawn.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::Seed;
use evalwright_dataset::import::Imported;
use evalwright_stats::diversity::{MapMethod, Vectors, neighbour_map};

use crate::number::rounded;
use crate::plane::{Dot, Frame, Series, plane};
use crate::plots::Plot;

/// Dimensions that words are folded into. At a few hundred words a text two of them rarely fall together.
const DIMENSIONS: usize = 256;
/// Characters of a text that are shown when a pointer rests on its point.
const SHOWN: usize = 160;
/// Labels with a colour of their own; the others share one.
const COLOURS: [&str; 2] = ["not_matching", "matching"];

/// Rows as points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowMap {
    method: MapMethod,
    /// Rows that there are.
    of: usize,
    points: Vec<MapPoint>,
}

#[derive(Debug, Clone, PartialEq)]
struct MapPoint {
    at: [f64; 2],
    place: String,
    label: String,
    text: String,
}

/// The map of at most `most` rows; none where fewer than three rows hold a word, or none is wanted.
pub(super) fn map(imported: &Imported, most: usize, seed: Seed) -> Option<RowMap> {
    let rows: Vec<usize> = (0..imported.rows.len())
        .filter(|row| {
            let row = imported.rows.get(*row);
            row.is_some_and(|row| row.text().chars().any(char::is_alphabetic))
        })
        .collect();
    if most == 0 || rows.len() < 3 {
        return None;
    }
    // Vectors of all rows would be most of the memory; drawn rows are chosen by their place first.
    let mut order: Vec<(u64, usize)> = rows
        .iter()
        .map(|row| (seed.derive(&format!("map {row}")).0, *row))
        .collect();
    order.sort_unstable();
    order.truncate(most);
    let mut drawn: Vec<usize> = order.into_iter().map(|(_, row)| row).collect();
    drawn.sort_unstable();
    let drawn: Vec<_> = drawn
        .into_iter()
        .filter_map(|row| imported.rows.get(row))
        .collect();
    let texts: Vec<&str> = drawn.iter().map(|row| row.text()).collect();
    let vectors = Vectors::new(DIMENSIONS, &folded(&texts)).ok()?;
    let map = neighbour_map(&vectors, drawn.len(), seed.derive("map"))?;
    let points = map
        .rows
        .iter()
        .zip(&map.points)
        .filter_map(|(row, at)| {
            let row = drawn.get(*row)?;
            Some(MapPoint {
                at: *at,
                place: row.place(),
                label: row.label().unwrap_or_default().to_owned(),
                text: row.text().to_owned(),
            })
        })
        .collect();
    Some(RowMap {
        method: map.method,
        of: rows.len(),
        points,
    })
}

/// Texts as vectors, one after the other: each word adds the logarithm of how rare it is at the place that its letters
/// tell, with a sign that they tell too, so that words which fall together cancel out on the whole.
fn folded(texts: &[&str]) -> Vec<f32> {
    let words: Vec<BTreeSet<String>> = texts
        .iter()
        .map(|text| {
            text.split(|character: char| !character.is_alphanumeric())
                .filter(|word| !word.is_empty())
                .map(str::to_lowercase)
                .collect()
        })
        .collect();
    let mut texts_with: BTreeMap<&str, f64> = BTreeMap::new();
    for word in words.iter().flatten() {
        *texts_with.entry(word).or_default() += 1.0;
    }
    let all = texts.len() as f64;
    let mut cells = Vec::with_capacity(texts.len() * DIMENSIONS);
    for words in &words {
        let mut vector = vec![0.0_f32; DIMENSIONS];
        for word in words {
            let hash = fnv(word);
            let rare = (all / texts_with.get(word.as_str()).copied().unwrap_or(1.0)).ln();
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            if let Some(cell) = vector.get_mut((hash % DIMENSIONS as u64) as usize) {
                *cell += (sign * rare) as f32;
            }
        }
        cells.append(&mut vector);
    }
    cells
}

/// FNV-1a with 64 bits, mixed once more: its upper bits alone say little of the last letters.
fn fnv(word: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in word.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (hash >> 32)
}

impl RowMap {
    /// The chart with its numbers.
    pub(super) fn plot(&self) -> Plot {
        let title = "Map of rows".to_owned();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for point in &self.points {
            *counts.entry(&point.label).or_default() += 1;
        }
        let mut labels: Vec<(&str, u64)> = counts.into_iter().collect();
        labels.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        labels.truncate(COLOURS.len());
        labels.sort_unstable();
        let mut series: Vec<Series> = labels
            .iter()
            .zip(COLOURS)
            .map(|((label, count), class)| {
                let own = self.points.iter().filter(|point| point.label == *label);
                sort(format!("{} ({count})", named(label)), class, own)
            })
            .collect();
        let is_other = |point: &&MapPoint| labels.iter().all(|(label, _)| *label != point.label);
        let others: Vec<&MapPoint> = self.points.iter().filter(is_other).collect();
        if !others.is_empty() {
            let name = format!("other labels ({})", others.len());
            series.insert(0, sort(name, "plain", others.into_iter()));
        }
        let ends = |of: fn(&MapPoint) -> f64| {
            let low = self.points.iter().map(of).fold(f64::INFINITY, f64::min);
            (
                low,
                self.points.iter().map(of).fold(f64::NEG_INFINITY, f64::max),
            )
        };
        let frame = Frame {
            x: ends(|point| point.at[0]),
            y: ends(|point| point.at[1]),
            ticks: Vec::new(),
            x_label: String::new(),
            y_label: String::new(),
            diagonal: false,
            radius: 2.2,
        };
        Plot {
            stem: "map",
            how: format!(
                "{} of {} rows{}. Texts are vectors of their words, rare ones weighing more; {}. Rest the pointer on a point to \
                 read its row.",
                self.points.len(),
                self.of,
                if self.points.len() < self.of {
                    ", a seeded sample"
                } else {
                    ""
                },
                match self.method {
                    MapMethod::Neighbours => {
                        "points are placed so that neighbours stay neighbours (t-SNE), and distances between far points \
                         mean nothing"
                    }
                    MapMethod::Principal =>
                        "points are placed by the two directions of largest variance",
                }
            ),
            svg: plane(&title, &series, &frame),
            title,
            header: vec!["place", "label", "x", "y"],
            rows: self
                .points
                .iter()
                .map(|point| {
                    let [x, y] = point.at.map(|value| rounded(value).to_string());
                    vec![point.place.clone(), point.label.clone(), x, y]
                })
                .collect(),
        }
    }
}

/// Points of one sort.
fn sort<'p>(
    name: String,
    class: &'static str,
    points: impl Iterator<Item = &'p MapPoint>,
) -> Series {
    let dots = points
        .map(|point| Dot {
            x: point.at[0],
            y: point.at[1],
            interval: None,
            says: Some(format!(
                "{}: {} ({})",
                named(&point.label),
                cut(&point.text),
                point.place
            )),
        })
        .collect();
    Series {
        name,
        class,
        joined: false,
        dots,
    }
}

fn named(label: &str) -> &str {
    if label.is_empty() { "no label" } else { label }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(SHOWN - 1).collect();
    cut.push('…');
    cut
}
