//! The search for near texts: sketches pick candidates, the sets decide.
//!
//! Three sieves, each cheaper for a pair than the next: a shared band, the agreement of the kept bits, and the exact
//! similarity. What is found depends on the texts alone: not on their order, the threads, or whether the
//! texts lie in memory or in files.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::bands::{self, Plan, Sorted};
use crate::error::DedupError;
use crate::grams::{Cutter, jaccard_of_sets, sizes_allow};
use crate::item::Near;
use crate::join::Join;
use crate::keys::Keys;
use crate::pair::Pair;
use crate::refused::Refused;
use crate::sets::Sets;
use crate::shingle::Shingle;
use crate::sketch::{Functions, Kept, difference, keep};
use crate::texts::{Packed, Texts};
use crate::union_find::UnionFind;

/// Bands that are searched at a time: as many as the room for their records allows, at least and at most so many. It
/// depends on the texts alone, so that it does not depend on the threads how often a pair is looked at.
const TOGETHER: (usize, usize) = (2, 4);

/// Bytes that the records of the bands searched at a time may take.
const RECORDS_ROOM: usize = 192 << 20;

/// Up to this many shingles an exact join is thought of.
const JOIN_SHINGLES: u64 = 2_000_000;

/// The meetings of texts in a join that take about as long as a search by bands of the same texts.
const JOIN_WORK: u64 = 20_000_000;

/// Up to this many texts of one bucket are linked by going through all pairs of them.
const FEW: usize = 16;

/// What is known of a text beside itself.
#[derive(Debug)]
pub(crate) struct Sketched {
    kept: Vec<Kept>,
    keys: Vec<u32>,
}

/// Texts and what is needed to find near ones among them.
#[derive(Debug)]
pub(crate) struct NearIndex {
    near: Near,
    plan: Option<Plan>,
    functions: Functions,
    texts: Texts,
    kept: Vec<Kept>,
    keys: Keys,
    sets: Sets,
    is_spilled: bool,
    exact: Option<Vec<Pair>>,
    /// The near pairs that joined clusters, in ascending order of (left, right).
    linked: OnceLock<Vec<Pair>>,
}

impl NearIndex {
    pub(crate) fn new(near: Near) -> Self {
        let plan = Plan::for_threshold(near.threshold);
        let texts = Texts::new();
        Self {
            near,
            plan,
            functions: Functions::new(plan.map_or(0, Plan::slots)),
            sets: Sets::new(Cutter::new(near.shingle), &texts),
            texts,
            kept: Vec::new(),
            keys: Keys::new(plan.map_or(0, |plan| plan.bands)),
            is_spilled: false,
            exact: None,
            linked: OnceLock::new(),
        }
    }

    /// Bytes of memory that grow with the texts.
    pub(crate) fn bytes(&self) -> u64 {
        self.texts.bytes() + (self.texts.len() * (size_of::<Kept>() + 4 * self.keys.bands())) as u64
    }

    /// Adds texts, already in their form; the parts are worked on side by side.
    pub(crate) fn push(&mut self, parts: &[Packed]) -> Result<(), DedupError> {
        let sketched: Vec<Sketched> = parts.par_iter().map(|part| self.sketch(part)).collect();
        for text in parts.iter().flat_map(Packed::iter) {
            self.texts.push(text)?;
        }
        for part in sketched {
            self.kept.extend(part.kept);
            self.keys.push(&part.keys)?;
        }
        Ok(())
    }

    fn sketch(&self, texts: &Packed) -> Sketched {
        let Some(plan) = self.plan else {
            return Sketched {
                kept: vec![Kept::default(); texts.len()],
                keys: Vec::new(),
            };
        };
        pulp::Arch::new().dispatch(Sketching {
            index: self,
            plan,
            texts,
        })
    }

    /// From here on texts and band keys lie in files of the folder.
    pub(crate) fn spill(&mut self, folder: &Path) -> Result<(), DedupError> {
        if !self.is_spilled {
            self.texts.spill(&folder.join("texts"))?;
            self.keys.spill(folder)?;
            self.is_spilled = true;
        }
        Ok(())
    }

    /// Ends the adding. Of the texts only the wanted ones are searched; if an exact join of them is cheap, it is made.
    pub(crate) fn seal(&mut self, wanted: &[bool]) -> Result<(), DedupError> {
        self.texts.seal()?;
        self.keys.seal()?;
        self.sets = Sets::new(Cutter::new(self.near.shingle), &self.texts);
        let shingles = match self.near.shingle {
            // A word and the blank behind it take about six bytes.
            Shingle::Words(_) => self.texts.bytes() / 6,
            Shingle::Characters(_) => self.texts.bytes(),
        };
        if self.plan.is_none() || (!self.is_spilled && shingles <= JOIN_SHINGLES) {
            let rows: Vec<u32> = rows_of(wanted).collect();
            let sets: Result<Vec<Arc<[u64]>>, DedupError> =
                rows.par_iter().map(|&row| self.set(row)).collect();
            let join = Join::new(rows, &sets?, self.near.threshold);
            if self.plan.is_none() || join.work() <= JOIN_WORK {
                self.exact = Some(join.pairs());
            }
        }
        Ok(())
    }

    fn set(&self, row: u32) -> Result<Arc<[u64]>, DedupError> {
        self.sets.get(&self.texts, row)
    }

    /// The exact similarity of two texts.
    pub(crate) fn similarity(&self, left: u32, right: u32) -> Result<f64, DedupError> {
        // Many texts that fall were compared with their survivor already.
        let pair = (left.min(right), left.max(right));
        if let Some(linked) = self.linked.get()
            && let Ok(at) = linked.binary_search_by_key(&pair, |known| (known.left, known.right))
            && let Some(known) = linked.get(at)
        {
            return Ok(known.similarity);
        }
        Ok(jaccard_of_sets(&self.set(left)?, &self.set(right)?))
    }

    /// The similarity, if it reaches the threshold.
    fn near(&self, left: u32, right: u32) -> Result<Option<f64>, DedupError> {
        let (a, b) = (self.set(left)?, self.set(right)?);
        if !sizes_allow(a.len(), b.len(), self.near.threshold) {
            return Ok(None);
        }
        let similarity = jaccard_of_sets(&a, &b);
        Ok((similarity >= self.near.threshold).then_some(similarity))
    }

    /// Whether the sketches agree well enough for a closer look.
    fn may_be_near(&self, left: u32, right: u32, most_different: u32) -> bool {
        match (self.kept.get(left as usize), self.kept.get(right as usize)) {
            (Some(left), Some(right)) => difference(left, right) <= most_different,
            _ => false,
        }
    }

    /// All near pairs among the wanted texts that `across` picks, in ascending order of (left, right).
    pub(crate) fn pairs(
        &self,
        wanted: &[bool],
        across: impl Fn(u32, u32) -> bool + Sync,
    ) -> Result<Vec<Pair>, DedupError> {
        if let Some(pairs) = &self.exact {
            let is_wanted = |row: u32| wanted.get(row as usize) == Some(&true);
            let picked = pairs.iter().filter(|pair| {
                is_wanted(pair.left) && is_wanted(pair.right) && across(pair.left, pair.right)
            });
            return Ok(picked.copied().collect());
        }
        let Some(plan) = self.plan else {
            return Ok(Vec::new());
        };
        let (mut known, mut pairs): (Vec<u64>, Vec<Pair>) = (Vec::new(), Vec::new());
        self.each_group_of_bands(
            wanted,
            |sorted| {
                let mut found = Vec::new();
                for bucket in sorted.buckets() {
                    for (at, &left) in bucket.iter().enumerate() {
                        let left = bands::row(left);
                        for &right in bucket.iter().skip(at + 1) {
                            let right = bands::row(right);
                            if across(left, right)
                                && self.may_be_near(left, right, plan.most_different)
                            {
                                found.push(u64::from(left) << 32 | u64::from(right));
                            }
                        }
                    }
                }
                Ok(found)
            },
            |found: Vec<u64>| {
                let mut fresh = found;
                fresh.par_sort_unstable();
                fresh.dedup();
                fresh.retain(|pair| known.binary_search(pair).is_err());
                let near: Result<Vec<Option<Pair>>, DedupError> = fresh
                    .par_iter()
                    .map(|&pair| {
                        let (left, right) = ((pair >> 32) as u32, pair as u32);
                        let similarity = self.near(left, right)?;
                        Ok(similarity.map(|similarity| Pair::new(left, right, similarity)))
                    })
                    .collect();
                pairs.extend(near?.into_iter().flatten());
                known.extend(fresh);
                known.par_sort_unstable();
                Ok(())
            },
        )?;
        pairs.par_sort_unstable_by_key(|pair| (pair.left, pair.right));
        Ok(pairs)
    }

    /// Links the near texts among the wanted ones. Pairs that are joined already are not looked at, so many texts
    /// that are all alike cost little more than one look each.
    pub(crate) fn link(&self, wanted: &[bool], forest: &mut UnionFind) -> Result<(), DedupError> {
        if self.exact.is_some() {
            for pair in self.pairs(wanted, |_, _| true)? {
                forest.link(pair.left, pair.right);
            }
            return Ok(());
        }
        let Some(plan) = self.plan else {
            return Ok(());
        };
        let forest = RwLock::new(forest);
        let refused = Refused::new(wanted.len());
        let mut linked = Vec::new();
        self.each_group_of_bands(
            wanted,
            |sorted| {
                let forest = forest.read().unwrap_or_else(PoisonError::into_inner);
                let mut found = Vec::new();
                for bucket in sorted.buckets() {
                    self.link_bucket(bucket, plan.most_different, (&forest, &refused), &mut found)?;
                }
                Ok(found)
            },
            |found: Vec<Pair>| {
                let mut forest = forest.write().unwrap_or_else(PoisonError::into_inner);
                for pair in &found {
                    forest.link(pair.left, pair.right);
                }
                linked.extend(found);
                Ok(())
            },
        )?;
        linked.par_sort_unstable_by_key(|pair| (pair.left, pair.right));
        // Already there only after another call, whose pairs are as true.
        drop(self.linked.set(linked));
        Ok(())
    }

    /// The links between texts of one bucket that are not joined yet.
    fn link_bucket(
        &self,
        bucket: &[u64],
        most_different: u32,
        (forest, refused): (&UnionFind, &Refused),
        found: &mut Vec<Pair>,
    ) -> Result<(), DedupError> {
        let compare = |left: u32, right: u32| -> Result<Option<Pair>, DedupError> {
            if !self.may_be_near(left, right, most_different) {
                return Ok(None);
            }
            if refused.has(left, right) {
                return Ok(None);
            }
            let similarity = self.near(left, right)?;
            if similarity.is_none() {
                refused.remember(left, right);
            }
            Ok(similarity.map(|similarity| Pair::new(left, right, similarity)))
        };
        if let &[left, right] = bucket {
            let (left, right) = (bands::row(left), bands::row(right));
            if forest.root(left) != forest.root(right) {
                found.extend(compare(left, right)?);
            }
            return Ok(());
        }
        if let Some(few) = [(0, 0); FEW].get_mut(..bucket.len()) {
            return link_few(bucket, few, forest, compare, found);
        }
        let mut rooted: Vec<(u32, u32)> = bucket
            .iter()
            .map(|&record| (forest.root(bands::row(record)), bands::row(record)))
            .collect();
        rooted.sort_unstable();
        let mut clusters: Vec<Vec<u32>> = Vec::new();
        for part in rooted.chunk_by(|left, right| left.0 == right.0) {
            let mut joined: Vec<u32> = part.iter().map(|&(_, row)| row).collect();
            let mut apart = Vec::with_capacity(clusters.len() + 1);
            for cluster in clusters {
                let mut link = None;
                'search: for &(_, row) in part {
                    for &other in &cluster {
                        link = compare(other, row)?;
                        if link.is_some() {
                            break 'search;
                        }
                    }
                }
                match link {
                    Some(link) => {
                        found.push(link);
                        joined.extend(cluster);
                    }
                    None => apart.push(cluster),
                }
            }
            apart.push(joined);
            clusters = apart;
        }
        Ok(())
    }

    /// Calls `search` for each band and `gather` with what the bands of a group found.
    fn each_group_of_bands<T: Send>(
        &self,
        wanted: &[bool],
        search: impl Fn(&Sorted) -> Result<Vec<T>, DedupError> + Sync,
        mut gather: impl FnMut(Vec<T>) -> Result<(), DedupError>,
    ) -> Result<(), DedupError> {
        // A record and the room to sort it.
        let bytes = (2 * size_of::<u64>() * wanted.len()).max(1);
        let together = (RECORDS_ROOM / bytes).clamp(TOGETHER.0, TOGETHER.1);
        let parts = (bytes * together).div_ceil(RECORDS_ROOM);
        let bands: Vec<usize> = (0..self.keys.bands()).collect();
        let room: Vec<Mutex<Sorted>> = (0..together).map(|_| Mutex::default()).collect();
        for part in 0..parts {
            for group in bands.chunks(together) {
                let found: Result<Vec<Vec<T>>, DedupError> = group
                    .par_iter()
                    .zip(&room)
                    .map(|(&band, sorted)| {
                        let mut sorted = sorted.lock().unwrap_or_else(PoisonError::into_inner);
                        sorted.fill(|records| {
                            self.keys.records(band, (part, parts), wanted, records)
                        })?;
                        search(&sorted)
                    })
                    .collect();
                gather(found?.into_iter().flatten().collect())?;
            }
        }
        Ok(())
    }
}

/// The links of a bucket that is no larger than `few`, which becomes the rows with their clusters. It asks for no memory.
fn link_few(
    bucket: &[u64],
    few: &mut [(u32, u32)],
    forest: &UnionFind,
    compare: impl Fn(u32, u32) -> Result<Option<Pair>, DedupError>,
    found: &mut Vec<Pair>,
) -> Result<(), DedupError> {
    for (slot, &record) in few.iter_mut().zip(bucket) {
        let row = bands::row(record);
        *slot = (forest.root(row), row);
    }
    for later in 1..few.len() {
        for earlier in 0..later {
            let ((one, left), (other, right)) = (few[earlier], few[later]);
            if one == other {
                continue;
            }
            if let Some(pair) = compare(left, right)? {
                found.push(pair);
                for (cluster, _) in few.iter_mut().filter(|(cluster, _)| *cluster == other) {
                    *cluster = one;
                }
            }
        }
    }
    Ok(())
}

/// Sketches texts; compiled once for each instruction set.
struct Sketching<'a> {
    index: &'a NearIndex,
    plan: Plan,
    texts: &'a Packed,
}

impl WithSimd for Sketching<'_> {
    type Output = Sketched;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Sketched {
        let mut cutter = Cutter::new(self.index.near.shingle);
        let (mut grams, mut short) = (Vec::new(), Vec::new());
        let functions = &self.index.functions;
        let mut slots = vec![0; functions.slots()];
        let mut sketched = Sketched {
            kept: Vec::with_capacity(self.texts.len()),
            keys: Vec::with_capacity(self.texts.len() * self.plan.bands),
        };
        for text in self.texts.iter() {
            cutter.cut(text, &mut grams);
            functions.sketch(&grams, &mut short, &mut slots);
            sketched.kept.push(keep(&slots));
            sketched.keys.extend(self.plan.keys(&slots));
        }
        sketched
    }
}

/// The rows that are wanted.
pub(crate) fn rows_of(wanted: &[bool]) -> impl Iterator<Item = u32> {
    (0_u32..)
        .zip(wanted)
        .filter(|(_, wanted)| **wanted)
        .map(|(row, _)| row)
}
