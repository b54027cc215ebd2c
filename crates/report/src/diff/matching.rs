//! Which row of one side is which row of the other.
//!
//! First the same text, rows with the same label before the others; then, among what is left, the most similar
//! texts. A row is paired at most once, and the result follows from the two lists alone.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dedup::fold;

use super::DiffRow;

/// Two texts count as one reworded text from this Jaccard similarity of their sets of words on.
pub const REWORDED_FROM: f64 = 0.5;

/// A row before and a row after, by position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) before: usize,
    pub(super) after: usize,
    /// Jaccard similarity of the sets of words; 1 for the same text.
    pub(super) similarity: f64,
}

/// Every row of both sides, each once.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Matched {
    /// In the order of the rows before.
    pub(super) same_text: Vec<Pair>,
    /// The most similar first; ties in the order of the rows before.
    pub(super) reworded: Vec<Pair>,
    pub(super) dropped: Vec<usize>,
    pub(super) added: Vec<usize>,
    /// Whether the rows with the same text stand in the same order on both sides.
    pub(super) same_order: bool,
}

/// Pairs the rows of two sides.
pub(super) fn pair(before: &[DiffRow], after: &[DiffRow]) -> Matched {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, row) in after.iter().enumerate() {
        places.entry(&row.text).or_default().push(place);
    }
    let mut paired = vec![None; before.len()];
    // Labels first, so that of two equal texts with both labels none counts as flipped.
    for same_label in [true, false] {
        for (place, row) in before.iter().enumerate() {
            if paired.get(place).is_some_and(Option::is_some) {
                continue;
            }
            let Some(free) = places.get_mut(row.text.as_str()) else {
                continue;
            };
            let found = free.iter().position(|other| {
                !same_label
                    || after
                        .get(*other)
                        .is_some_and(|other| other.label == row.label)
            });
            if let (Some(found), Some(slot)) = (found, paired.get_mut(place)) {
                *slot = Some(free.remove(found));
            }
        }
    }
    let mut matched = Matched::default();
    let mut taken = BTreeSet::new();
    let mut left = Vec::new();
    for (place, other) in paired.into_iter().enumerate() {
        if let Some(other) = other {
            taken.insert(other);
            matched.same_text.push(Pair {
                before: place,
                after: other,
                similarity: 1.0,
            });
        } else {
            left.push(place);
        }
    }
    matched.same_order = matched.same_text.iter().map(|pair| pair.after).is_sorted();
    let new: Vec<usize> = (0..after.len())
        .filter(|place| !taken.contains(place))
        .collect();
    reword(before, after, &left, &new, &mut matched);
    matched
}

/// Pairs what is left by similarity, greedily from the most similar pair down.
fn reword(
    before: &[DiffRow],
    after: &[DiffRow],
    left: &[usize],
    new: &[usize],
    matched: &mut Matched,
) {
    let words = |rows: &[DiffRow], places: &[usize]| -> Vec<BTreeSet<String>> {
        places
            .iter()
            .map(|place| {
                rows.get(*place)
                    .map_or_else(BTreeSet::new, |row| word_set(&row.text))
            })
            .collect()
    };
    let (old_words, new_words) = (words(before, left), words(after, new));
    let mut pairs = similar(&old_words, &new_words);
    pairs.sort_by(|a, b| {
        b.similarity
            .total_cmp(&a.similarity)
            .then_with(|| (a.before, a.after).cmp(&(b.before, b.after)))
    });
    let (mut old_taken, mut new_taken) = (BTreeSet::new(), BTreeSet::new());
    for pair in pairs {
        if old_taken.contains(&pair.before) || new_taken.contains(&pair.after) {
            continue;
        }
        if let (Some(old), Some(fresh)) = (left.get(pair.before), new.get(pair.after)) {
            old_taken.insert(pair.before);
            new_taken.insert(pair.after);
            matched.reworded.push(Pair {
                before: *old,
                after: *fresh,
                similarity: pair.similarity,
            });
        }
    }
    let rest = |places: &[usize], taken: &BTreeSet<usize>| -> Vec<usize> {
        places
            .iter()
            .enumerate()
            .filter(|(index, _)| !taken.contains(index))
            .map(|(_, place)| *place)
            .collect()
    };
    matched.dropped = rest(left, &old_taken);
    matched.added = rest(new, &new_taken);
}

/// The words of a text, case and signs aside.
pub(super) fn word_set(text: &str) -> BTreeSet<String> {
    fold(text)
        .split(|character: char| !character.is_alphanumeric() && character != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// All pairs of sets that are similar enough. Two such sets share one of the rarest words of each: with a
/// similarity of at least t, n words leave at most n − ⌈t·n⌉ that are not shared, so one of the first
/// n − ⌈t·n⌉ + 1 is.
fn similar(old: &[BTreeSet<String>], new: &[BTreeSet<String>]) -> Vec<Pair> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in old.iter().chain(new).flatten() {
        *counts.entry(word).or_default() += 1;
    }
    let rarest = |set: &BTreeSet<String>| -> Vec<String> {
        let mut words: Vec<&String> = set.iter().collect();
        words.sort_by_key(|word| {
            (
                counts.get(word.as_str()).copied().unwrap_or(0),
                word.as_str(),
            )
        });
        let needed = (REWORDED_FROM * words.len() as f64).ceil() as usize;
        let many = (words.len() + 1).saturating_sub(needed.max(1));
        words.into_iter().take(many).cloned().collect()
    };
    let mut postings: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, set) in new.iter().enumerate() {
        for word in rarest(set) {
            postings.entry(word).or_default().push(place);
        }
    }
    let mut pairs = Vec::new();
    for (place, set) in old.iter().enumerate() {
        let met: BTreeSet<usize> = rarest(set)
            .iter()
            .filter_map(|word| postings.get(word))
            .flatten()
            .copied()
            .collect();
        for other in met {
            let Some(other_set) = new.get(other) else {
                continue;
            };
            let shared = set.intersection(other_set).count();
            let all = set.len() + other_set.len() - shared;
            let similarity = shared as f64 / all.max(1) as f64;
            if similarity >= REWORDED_FROM {
                pairs.push(Pair {
                    before: place,
                    after: other,
                    similarity,
                });
            }
        }
    }
    pairs
}
