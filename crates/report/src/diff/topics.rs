//! Topics won and lost, seen by their words.
//!
//! A word stands for its topic: the share of rows that hold it is compared between the sides. Many words are looked
//! at, so the level is divided among them (Bonferroni): without any change, at most one comparison in twenty lists
//! a word at all.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_stats::{Interval, normal_quantile, wilson};
use serde::Serialize;

use super::DiffRow;
use super::matching::word_set;
use super::shift::{Verdict, share_difference};

/// Words in fewer rows than this on both sides together can show nothing.
const FEWEST: usize = 5;
/// The level before it is divided.
const LEVEL: f64 = 0.05;
/// Most words that are listed.
const MOST: usize = 40;

/// A word whose share of rows changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicShift {
    /// The word, folded.
    pub word: String,
    /// Rows that hold it before.
    pub before: u64,
    /// Rows that hold it after.
    pub after: u64,
    /// Share of rows after − before.
    pub difference: f64,
    /// The 95 % interval of the difference, for this word alone.
    pub interval: Interval,
    /// How many standard errors the difference is from 0.
    pub z: f64,
    /// [`Verdict::Higher`] or [`Verdict::Lower`].
    pub verdict: Verdict,
}

/// Words whose share changed beyond chance, the surest first; ties in the order of the alphabet.
pub(super) fn shifts(before: &[DiffRow], after: &[DiffRow]) -> Vec<TopicShift> {
    let count = |rows: &[DiffRow]| -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for word in rows.iter().flat_map(|row| word_set(&row.text)) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    };
    let (old, new) = (count(before), count(after));
    let of = |counts: &BTreeMap<String, usize>, word: &str| counts.get(word).copied().unwrap_or(0);
    let words: BTreeSet<&str> = old
        .keys()
        .chain(new.keys())
        .map(String::as_str)
        .filter(|word| of(&old, word) + of(&new, word) >= FEWEST)
        .collect();
    let Some(limit) = normal_quantile(1.0 - LEVEL / 2.0 / words.len().max(1) as f64) else {
        return Vec::new();
    };
    let mut found: Vec<TopicShift> = words
        .into_iter()
        .filter_map(|word| {
            let (first, second) = (of(&old, word), of(&new, word));
            let z = pooled_z((first, before.len()), (second, after.len()))?;
            let (difference, interval) =
                share_difference((first, before.len()), (second, after.len()))?;
            (z.abs() >= limit).then(|| TopicShift {
                word: word.to_owned(),
                before: first as u64,
                after: second as u64,
                difference,
                interval,
                z,
                verdict: if z > 0.0 {
                    Verdict::Higher
                } else {
                    Verdict::Lower
                },
            })
        })
        .collect();
    found.sort_by(|a, b| {
        b.z.abs()
            .total_cmp(&a.z.abs())
            .then_with(|| a.word.cmp(&b.word))
    });
    found.truncate(MOST);
    found
}

/// The difference of two shares over its standard error under no difference; `None` where that is 0.
fn pooled_z(before: (usize, usize), after: (usize, usize)) -> Option<f64> {
    // Wilson refuses what is no share, so that nothing below divides by 0.
    wilson(before.0 as u64, before.1 as u64, 0.5)?;
    wilson(after.0 as u64, after.1 as u64, 0.5)?;
    let (n, m) = (before.1 as f64, after.1 as f64);
    let pooled = (before.0 + after.0) as f64 / (n + m);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let step = after.0 as f64 / m - before.0 as f64 / n;
    (error > 0.0).then(|| step / error)
}
