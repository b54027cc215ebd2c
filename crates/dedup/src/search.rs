//! A search for duplicates among rows that come one batch after the other.
//!
//! Rows are numbered from 0 as they come. A row costs about 130 bytes of memory; texts and band keys lie in memory
//! too, or in files of a scratch folder once they are many. Whether they do changes nothing in the outcome.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::DedupError;
use crate::hash;
use crate::item::{Layer, Layers, Outcome};
use crate::near_index::NearIndex;
use crate::normalise::is_empty;
use crate::pair::Pair;
use crate::settle::{Groups, Links, Rows, Settling};
use crate::texts::Packed;
use crate::union_find::UnionFind;

/// Rows that are worked on at a time.
const BATCH: usize = 1 << 14;

/// Rows of a batch that are worked on one after the other.
const PART: usize = 256;

/// One row with what decides whether it survives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// The text.
    pub text: &'a str,
    /// The label; the same text under two labels is a conflict, not a duplicate.
    pub label: u32,
    /// The highest of a cluster survives. Any number but NaN.
    pub priority: f64,
    /// Whether rows are only compared with this one; it is in no list of the outcome itself.
    pub is_reference: bool,
}

impl<'a> Row<'a> {
    /// A row of the only label there is, as good as any other.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            label: 0,
            priority: 0.0,
            is_reference: false,
        }
    }
}

/// Finds what repeats what; see [`crate::find_duplicates`] for what links, conflicts and clusters are.
///
/// The survivor of a cluster has the highest priority; ties: the longest text, then a fixed hash of the text, then the
/// earliest row. So the same rows in another order give the same survivors, up to rows of the same text.
#[derive(Debug)]
pub struct Search {
    keyed: Keyed,
    data: Data,
}

impl Search {
    /// A search in memory.
    ///
    /// # Errors
    /// A threshold outside (0, 1] or a shingle of length 0.
    pub fn new(layers: Layers) -> Result<Self, DedupError> {
        Ok(Self {
            keyed: Keyed::new(layers)?,
            data: Data::default(),
        })
    }

    /// Lets texts and band keys go to files in `folder`, which must exist, once they take more than `most_bytes` of
    /// memory. Remove the folder afterwards.
    #[must_use]
    pub fn with_scratch(mut self, folder: &Path, most_bytes: u64) -> Self {
        self.keyed.scratch = Some((folder.to_owned(), most_bytes));
        self
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keyed.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keyed.keys.is_empty()
    }

    /// Adds rows. Large batches keep all cores busy.
    ///
    /// # Errors
    /// A priority that is not a number, more than 2³² − 2 rows, a scratch file that cannot be written.
    pub fn push(&mut self, rows: &[Row<'_>]) -> Result<(), DedupError> {
        for batch in rows.chunks(BATCH) {
            let start = self.len();
            if let Some(at) = batch.iter().position(|row| row.priority.is_nan()) {
                return Err(DedupError::Priority {
                    index: start + at,
                    id: String::new(),
                });
            }
            let texts: Vec<&str> = batch.iter().map(|row| row.text).collect();
            let raw = self.keyed.push(&texts)?;
            self.data.raw.extend(raw);
            for (index, row) in (start..).zip(batch) {
                let length = u32::try_from(row.text.len()).unwrap_or(u32::MAX);
                self.data.lengths.push(length);
                set(&mut self.data.labels, index, row.label);
                set(&mut self.data.priorities, index, row.priority.to_bits());
                set(&mut self.data.references, index, row.is_reference);
            }
        }
        Ok(())
    }

    /// Searches.
    ///
    /// # Errors
    /// A scratch file that cannot be written or read.
    pub fn finish(self) -> Result<Outcome, DedupError> {
        let Self { keyed, data } = self;
        keyed.finish(&data)
    }
}

/// Sets a value in a list that only reaches as far as values that are not the usual one.
fn set<T: Copy + Default + PartialEq>(list: &mut Vec<T>, index: usize, value: T) {
    if value != T::default() {
        list.resize(index, T::default());
        list.push(value);
    }
}

/// What ranks the rows of a [`Search`].
#[derive(Debug, Default)]
struct Data {
    raw: Vec<u64>,
    lengths: Vec<u32>,
    labels: Vec<u32>,
    /// As bits, so that the usual value is the number 0.
    priorities: Vec<u64>,
    references: Vec<bool>,
}

fn get<T: Copy + Default>(list: &[T], row: u32) -> T {
    list.get(row as usize).copied().unwrap_or_default()
}

impl Rows for Data {
    fn label(&self, row: u32) -> u32 {
        get(&self.labels, row)
    }

    fn is_reference(&self, row: u32) -> bool {
        get(&self.references, row)
    }

    fn rank(&self, left: u32, right: u32) -> Ordering {
        let priority = |row: u32| f64::from_bits(get(&self.priorities, row));
        priority(right)
            .total_cmp(&priority(left))
            .then_with(|| get(&self.lengths, right).cmp(&get(&self.lengths, left)))
            .then_with(|| get(&self.raw, left).cmp(&get(&self.raw, right)))
            .then_with(|| self.label(left).cmp(&self.label(right)))
            .then_with(|| left.cmp(&right))
    }

    fn is_same(&self, left: u32, right: u32) -> bool {
        get(&self.raw, left) == get(&self.raw, right)
    }
}

/// Rows with the keys of their texts and, for near duplicates, an index.
#[derive(Debug)]
pub(crate) struct Keyed {
    layers: Layers,
    keys: Vec<[u64; 2]>,
    empty: Vec<bool>,
    index: Option<NearIndex>,
    scratch: Option<(PathBuf, u64)>,
}

impl Keyed {
    pub(crate) fn new(layers: Layers) -> Result<Self, DedupError> {
        if let Some(near) = layers.near {
            let threshold = near.threshold;
            if !(threshold > 0.0 && threshold <= 1.0) {
                return Err(DedupError::Threshold { threshold });
            }
            near.shingle.check()?;
        }
        Ok(Self {
            layers,
            keys: Vec::new(),
            empty: Vec::new(),
            index: layers.near.map(NearIndex::new),
            scratch: None,
        })
    }

    /// Adds texts and gives the hash of each as it is.
    pub(crate) fn push(&mut self, texts: &[&str]) -> Result<Vec<u64>, DedupError> {
        let count = self.keys.len() + texts.len();
        if u32::try_from(count).map_or(true, |count| count == u32::MAX) {
            return Err(DedupError::TooMany { count });
        }
        let compares_forms = self.layers.normalised || self.layers.near.is_some();
        let parts: Vec<(Packed, Vec<[u64; 2]>, Vec<u64>)> = texts
            .par_chunks(PART)
            .map(|texts| {
                let (mut forms, mut keys) = (Packed::default(), Vec::with_capacity(texts.len()));
                for text in texts {
                    if compares_forms {
                        let form = self.layers.form.of(text);
                        keys.push(hash::wide(&form));
                        forms.push(&form);
                    } else {
                        keys.push(hash::wide(text));
                    }
                }
                (
                    forms,
                    keys,
                    texts.iter().map(|text| hash::text(text)).collect(),
                )
            })
            .collect();
        self.empty.extend(texts.iter().map(|text| is_empty(text)));
        let (mut forms, mut raws) = (Vec::new(), Vec::with_capacity(texts.len()));
        for (form, keys, raw) in parts {
            forms.push(form);
            self.keys.extend(keys);
            raws.extend(raw);
        }
        if let Some(index) = &mut self.index {
            index.push(&forms)?;
            if let Some((folder, most)) = &self.scratch
                && index.bytes() > *most
            {
                index.spill(folder)?;
            }
        }
        Ok(raws)
    }

    /// Searches and puts the lists in order.
    pub(crate) fn finish(mut self, rows: &impl Rows) -> Result<Outcome, DedupError> {
        let mut outcome = Outcome::default();
        let count = self.keys.len();
        let is_own = |row: usize| !rows.is_reference(row as u32);
        outcome.empty = (0..count)
            .filter(|&row| self.empty.get(row) == Some(&true) && is_own(row))
            .collect();
        let compares = self.layers.exact || self.layers.normalised || self.layers.near.is_some();
        if !compares {
            outcome.kept = (0..count)
                .filter(|&row| self.empty.get(row) != Some(&true) && is_own(row))
                .collect();
            return Ok(outcome);
        }
        let keyed: Vec<([u64; 2], u32)> = std::mem::take(&mut self.keys)
            .into_iter()
            .zip(0_u32..)
            .filter(|(_, row)| self.empty.get(*row as usize) != Some(&true))
            .collect();
        let groups = Groups::new(keyed, count, rows);
        if let Some(index) = &mut self.index {
            index.seal(&groups.firsts(|_| true))?;
        }
        let settling = Settling {
            rows,
            groups: &groups,
            links: self.index.as_ref(),
            exact: self.layers.exact,
            normalised: self.layers.normalised,
        };
        settling.settle(&mut outcome)?;
        outcome.kept.sort_unstable();
        outcome
            .dropped
            .sort_unstable_by_key(|dropped| dropped.index);
        Ok(outcome)
    }
}

impl Links for NearIndex {
    fn layer(&self) -> Layer {
        Layer::Near
    }

    fn pairs(
        &self,
        wanted: &[bool],
        across: &(dyn Fn(u32, u32) -> bool + Sync),
    ) -> Result<Vec<Pair>, DedupError> {
        self.pairs(wanted, across)
    }

    fn link(&self, wanted: &[bool], forest: &mut UnionFind) -> Result<(), DedupError> {
        self.link(wanted, forest)
    }

    fn similarity(&self, left: u32, right: u32) -> Result<f64, DedupError> {
        self.similarity(left, right)
    }
}
