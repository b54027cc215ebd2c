//! From groups of rows and the links between them to what stays and what falls.
//!
//! Rows with the same key form a group; near groups are linked by pairs. First the rows leave that repeat a reference.
//! Then the conflicts: a group whose rows have different labels, and both groups of a pair whose labels differ.
//! Only what is left is clustered, transitively, and one row of each cluster stays. So no two kept rows are
//! linked, and no row falls because of a chain that runs through a conflict or a reference.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::error::DedupError;
use crate::item::{Dropped, Layer, Outcome};
use crate::pair::Pair;
use crate::union_find::UnionFind;

/// Finds links between groups, each of which is known by its first row.
pub(crate) trait Links: Sync {
    /// The layer that a link stands for.
    fn layer(&self) -> Layer;
    /// All linked pairs of wanted rows that `across` picks.
    fn pairs(
        &self,
        wanted: &[bool],
        across: &(dyn Fn(u32, u32) -> bool + Sync),
    ) -> Result<Vec<Pair>, DedupError>;
    /// Links the wanted rows.
    fn link(&self, wanted: &[bool], forest: &mut UnionFind) -> Result<(), DedupError>;
    /// The similarity of two rows.
    fn similarity(&self, left: u32, right: u32) -> Result<f64, DedupError>;
}

/// The rows as far as they matter here.
pub(crate) trait Rows: Sync {
    /// The label.
    fn label(&self, row: u32) -> u32;
    /// Whether the row is only compared with.
    fn is_reference(&self, row: u32) -> bool;
    /// Survivors first. Rows that compare as equal are the same in everything that an outcome shows.
    fn rank(&self, left: u32, right: u32) -> Ordering;
    /// Whether the texts are the same byte for byte; asked of two rows of one group.
    fn is_same(&self, left: u32, right: u32) -> bool;
}

/// Rows of the same key, best row first in each group.
#[derive(Debug)]
pub(crate) struct Groups {
    rows: Vec<u32>,
    ends: Vec<u32>,
    of_row: Vec<u32>,
}

/// A row that is in no group.
const NOWHERE: u32 = u32::MAX;

impl Groups {
    /// `keyed` holds the rows that are compared, in any order; rows of one key have the same text in the form.
    pub(crate) fn new<K: Ord + Send>(
        mut keyed: Vec<(K, u32)>,
        count: usize,
        rows: &impl Rows,
    ) -> Self {
        keyed.par_sort_unstable_by(|left, right| {
            left.0
                .cmp(&right.0)
                .then_with(|| rows.rank(left.1, right.1))
        });
        let mut groups = Self {
            rows: keyed.iter().map(|(_, row)| *row).collect(),
            ends: Vec::new(),
            of_row: vec![NOWHERE; count],
        };
        let (mut group, mut end) = (0, 0);
        for part in keyed.chunk_by(|left, right| left.0 == right.0) {
            for (_, row) in part {
                if let Some(slot) = groups.of_row.get_mut(*row as usize) {
                    *slot = group;
                }
            }
            group += 1;
            end += part.len() as u32;
            groups.ends.push(end);
        }
        groups
    }

    fn count(&self) -> u32 {
        self.ends.len() as u32
    }

    fn members(&self, group: u32) -> &[u32] {
        let group = group as usize;
        let start = match group.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(group).copied().unwrap_or(start);
        self.rows.get(start as usize..end as usize).unwrap_or(&[])
    }

    /// The row by which links know the group.
    fn first(&self, group: u32) -> Option<u32> {
        self.members(group).first().copied()
    }

    fn of(&self, row: u32) -> u32 {
        self.of_row.get(row as usize).copied().unwrap_or(NOWHERE)
    }

    /// For each row whether a group is known by it and `stands` for the group.
    pub(crate) fn firsts(&self, stands: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut wanted = vec![false; self.of_row.len()];
        for row in (0..self.count())
            .filter(|&group| stands(group))
            .filter_map(|group| self.first(group))
        {
            if let Some(slot) = wanted.get_mut(row as usize) {
                *slot = true;
            }
        }
        wanted
    }
}

/// What the labels and references of a group come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag {
    /// The label of its rows that are no references; none if they differ.
    label: Option<u32>,
    has_rows: bool,
    has_references: bool,
}

impl Tag {
    /// Whether a link between groups with these tags makes rows fall other than by clustering.
    fn across(self, other: Self) -> bool {
        (self.has_references && other.has_rows)
            || (self.has_rows && other.has_references)
            || (self.has_rows
                && other.has_rows
                && (self.label != other.label || self.label.is_none()))
    }
}

/// One search being settled.
pub(crate) struct Settling<'a, R, L> {
    pub(crate) rows: &'a R,
    pub(crate) groups: &'a Groups,
    pub(crate) links: Option<&'a L>,
    /// Whether texts that are the same byte for byte are called exact duplicates.
    pub(crate) exact: bool,
    /// Whether rows of one group are called normalised duplicates.
    pub(crate) normalised: bool,
}

/// For each group that may fall, the groups to look for the reason in.
type Partners = BTreeMap<u32, Vec<(u32, f64)>>;

impl<R: Rows, L: Links> Settling<'_, R, L> {
    /// Sorts every row of the groups but the references into `outcome`; the lists are in no order yet.
    pub(crate) fn settle(&self, outcome: &mut Outcome) -> Result<(), DedupError> {
        let tags: Vec<Tag> = (0..self.groups.count())
            .map(|group| self.tag(group))
            .collect();
        let mut stands: Vec<bool> = tags.iter().map(|tag| tag.has_rows).collect();
        let partners = self.partners(&tags)?;
        for is_reference in [true, false] {
            let mut fallen = Vec::new();
            for (&group, others) in &partners {
                if stands.get(group as usize) != Some(&true) {
                    continue;
                }
                // Rows that a reference took away are in conflict with nobody.
                let open: Vec<(u32, f64)> = others
                    .iter()
                    .copied()
                    .filter(|(other, _)| is_reference || stands.get(*other as usize) == Some(&true))
                    .collect();
                for &row in self.groups.members(group) {
                    if !self.rows.is_reference(row)
                        && let Some(dropped) = self.reason(row, group, &open, is_reference)
                    {
                        outcome.dropped.push(dropped);
                        fallen.push(group);
                    }
                }
            }
            for group in fallen {
                if let Some(slot) = stands.get_mut(group as usize) {
                    *slot = false;
                }
            }
        }
        self.cluster(&stands, outcome)
    }

    fn tag(&self, group: u32) -> Tag {
        let mut tag = Tag {
            label: None,
            has_rows: false,
            has_references: false,
        };
        let mut is_mixed = false;
        for &row in self.groups.members(group) {
            if self.rows.is_reference(row) {
                tag.has_references = true;
            } else {
                let label = self.rows.label(row);
                is_mixed |= tag.label.is_some_and(|other| other != label);
                tag.has_rows = true;
                tag.label = Some(label);
            }
        }
        if is_mixed {
            tag.label = None;
        }
        tag
    }

    fn partners(&self, tags: &[Tag]) -> Result<Partners, DedupError> {
        let mut partners = Partners::new();
        for (group, tag) in (0_u32..).zip(tags) {
            if tag.across(*tag) {
                partners.entry(group).or_default().push((group, 1.0));
            }
        }
        let mut kinds: Vec<Tag> = Vec::new();
        for tag in tags {
            if kinds.len() < 2 && !kinds.contains(tag) {
                kinds.push(*tag);
            }
        }
        // With one label and no reference no link is across, and looking for some would be for nothing.
        let is_plain = kinds.len() < 2 && !kinds.iter().any(|kind| kind.across(*kind));
        let Some(links) = self.links.filter(|_| !is_plain) else {
            return Ok(partners);
        };
        let tag = |row: u32| tags.get(self.groups.of(row) as usize).copied();
        let across = |left: u32, right: u32| match (tag(left), tag(right)) {
            (Some(left), Some(right)) => left.across(right),
            _ => false,
        };
        let all = self.groups.firsts(|_| true);
        for pair in links.pairs(&all, &across)? {
            let (left, right) = (self.groups.of(pair.left), self.groups.of(pair.right));
            partners
                .entry(left)
                .or_default()
                .push((right, pair.similarity));
            partners
                .entry(right)
                .or_default()
                .push((left, pair.similarity));
        }
        Ok(partners)
    }

    /// The closest reference, or the closest row with another label: by layer, then similarity, then as survivors
    /// are ranked.
    fn reason(
        &self,
        row: u32,
        group: u32,
        others: &[(u32, f64)],
        is_reference: bool,
    ) -> Option<Dropped> {
        let label = self.rows.label(row);
        let counts = |candidate: u32| {
            self.rows.is_reference(candidate) == is_reference
                && (is_reference || self.rows.label(candidate) != label)
        };
        others
            .iter()
            .flat_map(|&(other, similarity)| {
                self.groups
                    .members(other)
                    .iter()
                    .copied()
                    .filter(move |&candidate| counts(candidate))
                    .map(move |candidate| Dropped {
                        index: row as usize,
                        of: candidate as usize,
                        layer: self.layer(row, candidate, other == group),
                        similarity,
                        conflict: !is_reference,
                        reference: is_reference,
                    })
            })
            .min_by(|left, right| {
                left.layer
                    .cmp(&right.layer)
                    .then_with(|| right.similarity.total_cmp(&left.similarity))
                    .then_with(|| self.rows.rank(left.of as u32, right.of as u32))
            })
    }

    /// Clusters the groups that stand and lists all but the best row of each.
    fn cluster(&self, stands: &[bool], outcome: &mut Outcome) -> Result<(), DedupError> {
        let stands = |group: u32| stands.get(group as usize) == Some(&true);
        let mut forest = UnionFind::new(self.groups.of_row.len() as u32);
        if let Some(links) = self.links {
            links.link(&self.groups.firsts(stands), &mut forest)?;
        }
        let mut rooted: Vec<(u32, u32)> = (0..self.groups.count())
            .filter(|&group| stands(group))
            .filter_map(|group| Some((forest.root(self.groups.first(group)?), group)))
            .collect();
        rooted.par_sort_unstable();
        // Row, survivor, and whether both are of one group.
        let mut fallen: Vec<(u32, u32, bool)> = Vec::new();
        for cluster in rooted.chunk_by(|left, right| left.0 == right.0) {
            // References stand in no group that stands, so the first row of each is its best.
            let best = cluster
                .iter()
                .filter_map(|&(_, group)| Some((group, self.groups.first(group)?)))
                .min_by(|left, right| self.rows.rank(left.1, right.1));
            let Some((home, survivor)) = best else {
                continue;
            };
            outcome.kept.push(survivor as usize);
            for &(_, group) in cluster {
                let members = self.groups.members(group).iter();
                fallen.extend(
                    members
                        .filter(|&&row| row != survivor)
                        .map(|&row| (row, survivor, group == home)),
                );
            }
        }
        let dropped: Result<Vec<Dropped>, DedupError> = fallen
            .into_par_iter()
            .map(|(row, survivor, is_home)| {
                let similarity = match self.links {
                    Some(links) if !is_home => links.similarity(
                        self.groups.first(self.groups.of(row)).unwrap_or(row),
                        survivor,
                    )?,
                    _ => 1.0,
                };
                Ok(Dropped {
                    index: row as usize,
                    of: survivor as usize,
                    layer: self.layer(row, survivor, is_home),
                    similarity,
                    conflict: false,
                    reference: false,
                })
            })
            .collect();
        outcome.dropped.extend(dropped?);
        Ok(())
    }

    /// The strictest enabled layer that links two rows.
    fn layer(&self, left: u32, right: u32, is_one_group: bool) -> Layer {
        if self.exact && is_one_group && self.rows.is_same(left, right) {
            Layer::Exact
        } else if self.normalised && is_one_group {
            Layer::Normalised
        } else {
            self.links.map_or(Layer::Normalised, Links::layer)
        }
    }
}
