//! From items to survivors.
//!
//! Items with the same key (the normalised text, or the bytes) form a group; near groups are linked by pairs.
//! First the conflicts leave: a group whose items have different labels, and both groups of a near pair
//! whose labels differ. Only what is left is clustered, transitively, and one item of each cluster
//! stays. So no two kept items are linked, and no item falls because of a chain that runs through a conflict.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::bands::{self, Plan};
use crate::error::DedupError;
use crate::item::{Dropped, Item, Layer, Layers, Near, Outcome};
use crate::join;
use crate::normalise::{is_empty, normalise};
use crate::union_find::UnionFind;
use crate::vocabulary::{Pair, Vocabulary};

/// Up to this many distinct texts near pairs are found by the exact join, above it by bands.
///
/// The join misses nothing, but its work grows with the square of the number of texts. Measured on published statements
/// at a threshold of 0.7, it takes a few seconds for this many: less than bands with word 1-grams, about three
/// times as much with character 4-grams.
const JOIN_LIMIT: usize = 20_000;

/// Finds what repeats what.
///
/// - Clusters are transitive: of a chain of near texts one stays, even where its ends are not near.
/// - The survivor has the highest priority; ties: the smallest id, then the smallest text and label. The
///   same items in another order give the same survivors.
/// - A text linked to one with another label is a conflict; neither stays (see [`Dropped::conflict`]).
/// - Texts with nothing to be seen in them are listed as empty and are neither kept nor compared.
/// - Without any layer every item but the empty ones is kept.
///
/// # Errors
/// A threshold outside (0, 1], a shingle of length 0, a priority that is not a number, or more than 2³² − 1 items.
pub fn find_duplicates(items: &[Item<'_>], layers: &Layers) -> Result<Outcome, DedupError> {
    check(items, layers)?;
    let mut outcome = Outcome::default();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if is_empty(item.text) {
            outcome.empty.push(index);
        } else if let Some(key) = key(item.text, layers) {
            groups.entry(key).or_default().push(index);
        } else {
            outcome.kept.push(index);
        }
    }
    let (keys, mut members): (Vec<String>, Vec<Vec<usize>>) = groups.into_iter().unzip();
    for group in &mut members {
        group.sort_by(|&left, &right| rank(items, left, right));
    }
    let near = layers.near.map(|near| NearGroups::find(&keys, near));
    let grouped = Grouped {
        items,
        layers,
        members: &members,
        near: near.as_ref(),
    };
    let in_conflict = grouped.drop_conflicts(&mut outcome);
    grouped.drop_duplicates(&in_conflict, &mut outcome);
    outcome.kept.sort_unstable();
    outcome
        .dropped
        .sort_unstable_by_key(|dropped| dropped.index);
    Ok(outcome)
}

fn check(items: &[Item<'_>], layers: &Layers) -> Result<(), DedupError> {
    if u32::try_from(items.len()).is_err() {
        return Err(DedupError::TooMany { count: items.len() });
    }
    if let Some(Near { threshold, shingle }) = layers.near {
        if !(threshold > 0.0 && threshold <= 1.0) {
            return Err(DedupError::Threshold { threshold });
        }
        shingle.check()?;
    }
    match items.iter().position(|item| item.priority.is_nan()) {
        Some(index) => Err(DedupError::Priority {
            index,
            id: items.get(index).map_or("", |item| item.id).to_owned(),
        }),
        None => Ok(()),
    }
}

/// What two texts must share to be in one group; none when nothing is compared.
fn key(text: &str, layers: &Layers) -> Option<String> {
    if layers.normalised || layers.near.is_some() {
        Some(normalise(text))
    } else if layers.exact {
        Some(text.to_owned())
    } else {
        None
    }
}

/// Survivors first. Items that compare as equal are the same in everything that an outcome shows.
fn rank(items: &[Item<'_>], left: usize, right: usize) -> Ordering {
    match (items.get(left), items.get(right)) {
        (Some(a), Some(b)) => b
            .priority
            .total_cmp(&a.priority)
            .then_with(|| a.id.cmp(b.id))
            .then_with(|| a.text.cmp(b.text))
            .then_with(|| a.label.cmp(&b.label))
            .then_with(|| left.cmp(&right)),
        _ => left.cmp(&right),
    }
}

/// The near pairs between groups.
struct NearGroups {
    vocabulary: Vocabulary,
    pairs: Vec<Pair>,
}

impl NearGroups {
    fn find(keys: &[String], near: Near) -> Self {
        let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
        let vocabulary = Vocabulary::of(&texts, near.shingle);
        let plan = if texts.len() > JOIN_LIMIT {
            Plan::for_threshold(near.threshold)
        } else {
            None
        };
        let pairs = match plan {
            Some(plan) => bands::near_pairs(&vocabulary, plan, near.threshold),
            None => join::near_pairs(&vocabulary, near.threshold),
        };
        Self { vocabulary, pairs }
    }
}

/// Items by group; each group's best item comes first.
struct Grouped<'a> {
    items: &'a [Item<'a>],
    layers: &'a Layers,
    members: &'a [Vec<usize>],
    near: Option<&'a NearGroups>,
}

impl Grouped<'_> {
    fn group(&self, group: usize) -> &[usize] {
        self.members.get(group).map_or(&[], Vec::as_slice)
    }

    fn label(&self, index: usize) -> Option<u32> {
        self.items.get(index).map(|item| item.label)
    }

    fn labels(&self, group: usize) -> BTreeSet<u32> {
        self.group(group)
            .iter()
            .filter_map(|&index| self.label(index))
            .collect()
    }

    fn pairs(&self) -> &[Pair] {
        self.near.map_or(&[], |near| near.pairs.as_slice())
    }

    /// Lists every item that is linked to one with another label, and says for each group whether it fell.
    fn drop_conflicts(&self, outcome: &mut Outcome) -> Vec<bool> {
        let labels: Vec<BTreeSet<u32>> = (0..self.members.len())
            .map(|group| self.labels(group))
            .collect();
        let differ = |left: usize, right: usize| match (labels.get(left), labels.get(right)) {
            (Some(left), Some(right)) => left.union(right).count() > 1,
            _ => false,
        };
        // For each group that falls, the groups to look for the other label in.
        let mut partners: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
        for group in 0..self.members.len() {
            if differ(group, group) {
                partners.entry(group).or_default().push((group, 1.0));
            }
        }
        for pair in self.pairs() {
            if differ(pair.left, pair.right) {
                let similarity = pair.similarity;
                partners
                    .entry(pair.left)
                    .or_default()
                    .push((pair.right, similarity));
                partners
                    .entry(pair.right)
                    .or_default()
                    .push((pair.left, similarity));
            }
        }
        let mut in_conflict = vec![false; self.members.len()];
        for (&group, others) in &partners {
            for &index in self.group(group) {
                if let Some(dropped) = self.conflict(index, group, others) {
                    outcome.dropped.push(dropped);
                    if let Some(flag) = in_conflict.get_mut(group) {
                        *flag = true;
                    }
                }
            }
        }
        in_conflict
    }

    /// The closest item with another label: by layer, then similarity, then as survivors are ranked.
    fn conflict(&self, index: usize, group: usize, others: &[(usize, f64)]) -> Option<Dropped> {
        let label = self.label(index)?;
        others
            .iter()
            .flat_map(|&(other, similarity)| {
                self.group(other)
                    .iter()
                    .filter(move |&&candidate| self.label(candidate) != Some(label))
                    .map(move |&candidate| Dropped {
                        index,
                        of: candidate,
                        layer: self.layer(index, candidate, other == group),
                        similarity,
                        conflict: true,
                    })
            })
            .min_by(|left, right| {
                left.layer
                    .cmp(&right.layer)
                    .then_with(|| right.similarity.total_cmp(&left.similarity))
                    .then_with(|| rank(self.items, left.of, right.of))
            })
    }

    /// Clusters the groups that are not in conflict and lists all but the best item of each.
    fn drop_duplicates(&self, in_conflict: &[bool], outcome: &mut Outcome) {
        let stands = |group: usize| in_conflict.get(group) == Some(&false);
        let mut clusters = UnionFind::new(self.members.len());
        for pair in self.pairs() {
            if stands(pair.left) && stands(pair.right) {
                clusters.link(pair.left, pair.right);
            }
        }
        let mut by_root: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for group in (0..self.members.len()).filter(|&group| stands(group)) {
            by_root.entry(clusters.root(group)).or_default().push(group);
        }
        for groups in by_root.values() {
            let best = groups
                .iter()
                .filter_map(|&group| Some((group, *self.group(group).first()?)))
                .min_by(|left, right| rank(self.items, left.1, right.1));
            let Some((home, survivor)) = best else {
                continue;
            };
            outcome.kept.push(survivor);
            for &group in groups {
                let similarity = match self.near {
                    Some(near) if group != home => near.vocabulary.similarity(group, home),
                    _ => 1.0,
                };
                for &index in self.group(group).iter().filter(|&&index| index != survivor) {
                    outcome.dropped.push(Dropped {
                        index,
                        of: survivor,
                        layer: self.layer(index, survivor, group == home),
                        similarity,
                        conflict: false,
                    });
                }
            }
        }
    }

    /// The strictest enabled layer that links two items.
    fn layer(&self, left: usize, right: usize, same_group: bool) -> Layer {
        let text = |index: usize| self.items.get(index).map(|item| item.text);
        if self.layers.exact && text(left) == text(right) {
            Layer::Exact
        } else if self.layers.normalised && same_group {
            Layer::Normalised
        } else {
            Layer::Near
        }
    }
}
