//! Exchanges chosen candidates for others of the same cell until length and wording tell as little about the
//! label as the candidates allow.
//!
//! How many are chosen in a cell never changes. Candidates come in an order that does not depend on the input,
//! so the same candidates give the same choice.

use evalwright_core::{ContentHash, Seed, Side};

use super::first::Ranked;
use super::measure::Spread;
use super::wording::{Vocabulary, Wording};

/// Rounds over all chosen candidates at the most; the search nearly always ends by itself before.
const ROUNDS: u32 = 12;
/// How many candidates are tried in the place of one. Above it, every round tries others.
const TRIED: usize = 768;
/// What uneven words cost beside an uneven measure.
const WORDING_WEIGHT: f64 = 0.2;
/// How much an uneven spread over strata costs beside an uneven length: a deviation as large as chance would
/// give is worth a fifth of the length's.
const SPREAD_WEIGHT: f64 = 0.2;
/// What a loss of mean score costs where the surest are taken: 0.05 is worth one unevenness of length as
/// chance would give it.
const SCORE_WEIGHT: f64 = 20.0;
/// A change smaller than this is none, so that rounding cannot keep the search going.
const LEAST_GAIN: f64 = 1e-9;

/// What the search knows of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Member<'a> {
    /// What the first choice looks at.
    pub(super) ranked: Ranked<'a>,
    /// Only candidates of one cell change places.
    pub(super) cell: usize,
    /// Its label.
    pub(super) label: Side,
    /// Its stratum (a bin of confidence, a cluster), numbered over all cells.
    pub(super) stratum: usize,
}

/// What is to be even.
#[derive(Debug, Default)]
pub(super) struct Even<'a> {
    /// Measures whose distributions are to be the same, with what each weighs: one number for each candidate.
    pub(super) measures: Vec<(f64, Vec<usize>)>,
    /// Words of each candidate, each of which is to be as frequent under both labels.
    pub(super) wording: Option<&'a Vocabulary>,
    /// Whether the score is to be lost as little as possible, or only its spread to be kept.
    pub(super) surest: bool,
}

/// Improves a choice; `chosen` says for each member whether it is in.
pub(super) fn improve(members: &[Member<'_>], even: &Even<'_>, chosen: &mut [bool], seed: Seed) {
    let mut search = Search::new(members, even, chosen);
    let lot = |purpose: &str, id: &str| {
        ContentHash::of_parts(&[&seed.derive(purpose).0.to_le_bytes()[..], id.as_bytes()])
    };
    let mut turns: Vec<(ContentHash, usize)> = members
        .iter()
        .enumerate()
        .map(|(item, member)| (lot("turns", member.ranked.id), item))
        .collect();
    turns.sort_unstable();
    // Each cell's candidates in an order of chance, so that any window of them is a fair sample.
    let cells = members
        .iter()
        .map(|member| member.cell + 1)
        .max()
        .unwrap_or(0);
    let mut rivals: Vec<Vec<usize>> = vec![Vec::new(); cells];
    for (_, item) in &turns {
        let cell = members.get(*item).map_or(0, |member| member.cell);
        if let Some(rivals) = rivals.get_mut(cell) {
            rivals.push(*item);
        }
    }
    let mut window = 0_usize;
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (_, item) in &turns {
            if !chosen.get(*item).copied().unwrap_or(false) {
                continue;
            }
            let cell = members.get(*item).map_or(0, |member| member.cell);
            let Some(rivals) = rivals.get(cell) else {
                continue;
            };
            search.remove(*item);
            let stays = search.with(*item);
            let mut best = (stays - LEAST_GAIN, *item);
            let start = window % rivals.len().max(1);
            for rival in rivals
                .iter()
                .cycle()
                .skip(start)
                .take(TRIED.min(rivals.len()))
            {
                if chosen.get(*rival).copied().unwrap_or(true) {
                    continue;
                }
                let cost = search.with(*rival);
                // A tie goes to the one that stands first among the candidates.
                if cost < best.0 || (cost <= best.0 && best.1 != *item && *rival < best.1) {
                    best = (cost, *rival);
                }
            }
            window = window.wrapping_add(TRIED);
            search.add(best.1);
            if best.1 != *item {
                changed = true;
                for (place, is_in) in [(*item, false), (best.1, true)] {
                    if let Some(mark) = chosen.get_mut(place) {
                        *mark = is_in;
                    }
                }
            }
        }
        if !changed {
            break;
        }
    }
}

/// The state of a choice and what it costs.
struct Search<'m> {
    members: &'m [Member<'m>],
    measures: Vec<(f64, Spread)>,
    wording: Option<Wording>,
    /// Chosen in each stratum, less what the first choice had.
    strata: Vec<i64>,
    strata_cost: i64,
    surest: bool,
    size: f64,
}

impl<'m> Search<'m> {
    fn new(members: &'m [Member<'m>], even: &Even<'_>, chosen: &[bool]) -> Self {
        let size = chosen.iter().filter(|is_in| **is_in).count();
        let strata = members
            .iter()
            .map(|member| member.stratum + 1)
            .max()
            .unwrap_or(0);
        let mut search = Self {
            members,
            measures: even
                .measures
                .iter()
                .map(|(weight, values)| (*weight, Spread::new(values, size)))
                .collect(),
            wording: even
                .wording
                .map(|vocabulary| Wording::new(vocabulary, size)),
            strata: vec![0; strata],
            strata_cost: 0,
            surest: even.surest,
            size: size.max(1) as f64,
        };
        for (item, _) in chosen.iter().enumerate().filter(|(_, is_in)| **is_in) {
            search.add(item);
        }
        // The first choice is the aim: from here on only deviations from it cost.
        search.strata.fill(0);
        search.strata_cost = 0;
        search
    }

    fn sign(&self, item: usize) -> i64 {
        match self.members.get(item).map(|member| member.label) {
            Some(Side::Matching) => 1,
            _ => -1,
        }
    }

    fn add(&mut self, item: usize) {
        let sign = self.sign(item);
        for (_, measure) in &mut self.measures {
            measure.add(item, sign);
        }
        if let Some(wording) = &mut self.wording {
            wording.add(item, sign);
        }
        self.count(item, 1);
    }

    fn remove(&mut self, item: usize) {
        let sign = self.sign(item);
        for (_, measure) in &mut self.measures {
            measure.add(item, -sign);
        }
        if let Some(wording) = &mut self.wording {
            wording.add(item, -sign);
        }
        self.count(item, -1);
    }

    fn count(&mut self, item: usize, change: i64) {
        let Some(member) = self.members.get(item) else {
            return;
        };
        if let Some(deviation) = self.strata.get_mut(member.stratum) {
            self.strata_cost += 2 * change * *deviation + 1;
            *deviation += change;
        }
    }

    /// The cost of the choice with one more candidate.
    fn with(&self, item: usize) -> f64 {
        let sign = self.sign(item);
        let measures: f64 = self
            .measures
            .iter()
            .map(|(weight, measure)| weight * measure.with(item, sign))
            .sum();
        let wording = self
            .wording
            .as_ref()
            .map_or(0.0, |wording| wording.with(item, sign));
        let Some(member) = self.members.get(item) else {
            return f64::INFINITY;
        };
        let deviation = self.strata.get(member.stratum).copied().unwrap_or(0);
        let spread = (self.strata_cost + 2 * deviation + 1) as f64 / self.size;
        // What the others lack in score is the same whoever comes in.
        let doubt = if self.surest {
            (1.0 - member.ranked.score) / self.size
        } else {
            0.0
        };
        measures + WORDING_WEIGHT * wording + SPREAD_WEIGHT * spread + SCORE_WEIGHT * doubt
    }
}
