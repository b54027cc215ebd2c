//! `select`: chooses equally many rows for each label and puts them in order.
//!
//! Labels are always balanced: when one label has fewer candidates than wanted, the other is trimmed to as
//! many, its surest first (or spread, as the kind says). The rows do not depend on the candidates' order.
//!
//! Where the kind wants length or wording even between the labels, the first choice is then improved by
//! exchanges; what is left of these give-aways, and what evening them out cost, is recorded.

mod balance;
mod clusters;
mod first;
mod guess;
pub(crate) mod letters;
mod measure;
pub(crate) mod split;
mod wording;

use evalwright_core::{Seed, Side};
use evalwright_dataset::{ChoiceFigures, SelectionRecord};
use evalwright_recipe::{Balance, Order, Take};

use crate::calibrate::average;
use crate::draw::Draw;
use balance::{Even, Member, improve};
use clusters::lexical_clusters;
use first::{Ranked, first, strata};
use guess::{accuracy_outside, leaning_ranks, length_area, wording_accuracy};
use wording::Vocabulary;

/// What each measure of length weighs beside the leaning of the words, which weighs 1: length can nearly always be
/// evened out, wording seldom, so wording must not pay with it.
const LENGTH_WEIGHT: f64 = 4.0;
/// A length ceiling never costs more than nine of ten rows.
const LEAST_LEFT: usize = 10;

/// A candidate that may become a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choice<'a> {
    /// Its identifier, which breaks ties.
    pub(crate) id: &'a str,
    /// The number of its cell.
    pub(crate) cell: usize,
    /// The side that it was written for.
    pub(crate) label: Side,
    /// What it is ranked by: P(intended side), or all requirements together.
    pub(crate) score: f64,
    /// P(intended side), or all requirements together where no label is judged; `None` where nothing is.
    pub(crate) confidence: Option<f64>,
    /// Its text.
    pub(crate) text: &'a str,
    /// Its cluster, where clusters are known; else words decide.
    pub(crate) cluster: Option<u32>,
}

/// What one cell gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellRule {
    /// Rows at the most.
    pub(crate) wanted: usize,
    /// Cells of one group differ in their label alone; all of them are trimmed to the smallest.
    pub(crate) group: usize,
}

/// How rows are chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule<'a> {
    /// Which of them.
    pub(crate) take: Take,
    /// In which order.
    pub(crate) order: Order,
    /// Clusters of words at the most, where the kind says; no matter for candidates whose cluster is known.
    pub(crate) clusters: Option<usize>,
    /// What is made even between the labels.
    pub(crate) balance: &'a [Balance],
    /// The farthest that the length-only area may lie above one half (and as far below), rows being given up for
    /// it.
    pub(crate) length_ceiling: Option<f64>,
    /// Each cell's.
    pub(crate) cells: &'a [CellRule],
    /// The run's seed.
    pub(crate) seed: Seed,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection {
    /// Positions of the chosen ones in the order of publication.
    pub(crate) order: Vec<usize>,
    /// The cluster of each candidate, by its position, where rows were spread over clusters.
    pub(crate) clusters: Vec<(usize, u32)>,
    /// What the manifest tells about it; how the rows are split is not filled in.
    pub(crate) record: SelectionRecord,
}

/// Chooses rows.
pub(crate) fn select(rule: &Rule<'_>, choices: &[Choice<'_>]) -> Selection {
    let pool = Pool::new(rule, choices);
    let sizes = pool.sizes(usize::MAX);
    let most = sizes.iter().copied().max().unwrap_or(0);
    let plain = pool.choose(&sizes, false);
    let mut chosen = plain.clone();
    let mut given_up = 0;
    if !rule.balance.is_empty() {
        chosen = pool.choose(&sizes, true);
        if let Some(fewer) = pool.below_ceiling(&chosen, most) {
            given_up = count(&chosen) - count(&fewer);
            chosen = fewer;
        }
    }
    let record = SelectionRecord {
        balance: rule
            .balance
            .iter()
            .map(|balance| balance.as_str().to_owned())
            .collect(),
        length_ceiling: rule.length_ceiling,
        given_up,
        combine: None,
        candidates: pool.figures(&vec![true; pool.ranked.len()]),
        unbalanced: (!rule.balance.is_empty()).then(|| pool.figures(&plain)),
        chosen: pool.figures(&chosen),
        clusters: None,
        split: None,
    };
    Selection {
        order: pool.ordered(&chosen),
        clusters: pool.clusters(),
        record,
    }
}

fn count(chosen: &[bool]) -> u64 {
    chosen.iter().map(|is_in| u64::from(*is_in)).sum()
}

/// All candidates in an order that does not depend on the input: by cell, then the surest first.
struct Pool<'p> {
    rule: &'p Rule<'p>,
    /// The candidates in that order, with their positions in the input.
    ranked: Vec<(usize, &'p Choice<'p>)>,
    members: Vec<Member<'p>>,
    vocabulary: Vocabulary,
    words: Vec<usize>,
    characters: Vec<usize>,
    /// Which label each text's words lean to, by what a guesser learns from the others; empty if not wanted.
    leanings: Vec<usize>,
}

impl<'p> Pool<'p> {
    fn new(rule: &'p Rule<'p>, choices: &'p [Choice<'p>]) -> Self {
        let mut ranked: Vec<(usize, &Choice<'_>)> = choices
            .iter()
            .enumerate()
            .filter(|(_, choice)| choice.cell < rule.cells.len())
            .collect();
        ranked.sort_by(|(_, one), (_, other)| {
            one.cell.cmp(&other.cell).then_with(|| surer(one, other))
        });
        let texts: Vec<&str> = ranked.iter().map(|(_, choice)| choice.text).collect();
        let lexical = (rule.take == Take::Clusters
            && ranked.iter().any(|(_, choice)| choice.cluster.is_none()))
        .then(|| lexical_clusters(&texts, rule.clusters, rule.seed));
        let mut members = Vec::new();
        let mut strata_before = 0;
        for cell in 0..rule.cells.len() {
            let own: Vec<Ranked<'_>> = ranked
                .iter()
                .enumerate()
                .filter(|(_, (_, choice))| choice.cell == cell)
                .map(|(place, (_, choice))| Ranked {
                    id: choice.id,
                    score: choice.score,
                    cluster: match &lexical {
                        Some(clusters) => clusters.get(place).copied().unwrap_or(0),
                        None => choice.cluster.unwrap_or(0),
                    },
                })
                .collect();
            let strata = strata(rule.take, &own);
            let label = ranked
                .iter()
                .find(|(_, choice)| choice.cell == cell)
                .map_or(Side::Matching, |(_, choice)| choice.label);
            members.extend(own.iter().zip(&strata).map(|(one, stratum)| Member {
                ranked: *one,
                cell,
                label,
                stratum: strata_before + stratum,
            }));
            strata_before += strata.iter().max().map_or(0, |most| most + 1);
        }
        let vocabulary = Vocabulary::new(&texts);
        let leanings = if rule.balance.contains(&Balance::Wording) {
            let labelled: Vec<(usize, &str, Side)> = ranked
                .iter()
                .enumerate()
                .map(|(place, (_, choice))| (place, choice.id, choice.label))
                .collect();
            leaning_ranks(&vocabulary, &labelled, rule.seed.derive("wording leaning"))
        } else {
            Vec::new()
        };
        Self {
            rule,
            vocabulary,
            leanings,
            words: texts
                .iter()
                .map(|text| text.split_whitespace().count())
                .collect(),
            characters: texts.iter().map(|text| text.chars().count()).collect(),
            ranked,
            members,
        }
    }

    /// Rows of each cell: as many as wanted and there, trimmed to the smallest of the group, and to `cap`.
    fn sizes(&self, cap: usize) -> Vec<usize> {
        let there = |cell: usize| {
            self.members
                .iter()
                .filter(|member| member.cell == cell)
                .count()
        };
        let own: Vec<usize> = self
            .rule
            .cells
            .iter()
            .enumerate()
            .map(|(cell, rule)| there(cell).min(rule.wanted).min(cap))
            .collect();
        self.rule
            .cells
            .iter()
            .map(|rule| {
                self.rule
                    .cells
                    .iter()
                    .zip(&own)
                    .filter(|(other, _)| other.group == rule.group)
                    .map(|(_, size)| *size)
                    .min()
                    .unwrap_or(0)
            })
            .collect()
    }

    /// Says for each candidate whether it is chosen.
    fn choose(&self, sizes: &[usize], balanced: bool) -> Vec<bool> {
        let mut chosen = vec![false; self.members.len()];
        for (cell, size) in sizes.iter().enumerate() {
            let start = self.members.partition_point(|member| member.cell < cell);
            let own = self.members.iter().filter(|member| member.cell == cell);
            let (ranked, strata): (Vec<Ranked<'_>>, Vec<usize>) =
                own.map(|member| (member.ranked, member.stratum)).unzip();
            let seed = self.rule.seed.derive("spread");
            for position in first(self.rule.take, &ranked, &strata, *size, seed) {
                if let Some(mark) = chosen.get_mut(start + position) {
                    *mark = true;
                }
            }
        }
        if balanced {
            let is_wanted = |balance| self.rule.balance.contains(&balance);
            let mut measures = Vec::new();
            if is_wanted(Balance::Length) {
                measures.push((LENGTH_WEIGHT, self.words.clone()));
                measures.push((LENGTH_WEIGHT, self.characters.clone()));
            }
            if is_wanted(Balance::Wording) {
                measures.push((1.0, self.leanings.clone()));
            }
            let even = Even {
                measures,
                wording: is_wanted(Balance::Wording).then_some(&self.vocabulary),
                surest: self.rule.take == Take::Top,
            };
            improve(
                &self.members,
                &even,
                &mut chosen,
                self.rule.seed.derive("balance"),
            );
        }
        chosen
    }

    /// The most rows for which length says no more than the ceiling allows; `None` if no ceiling is set, all rows
    /// keep to it, or not even a tenth of them would.
    fn below_ceiling(&self, chosen: &[bool], most: usize) -> Option<Vec<bool>> {
        let ceiling = self.rule.length_ceiling?;
        let keeps = |chosen: &[bool]| {
            [&self.words, &self.characters].into_iter().all(|lengths| {
                self.area(chosen, lengths)
                    .is_none_or(|area| (area - 0.5).abs() <= ceiling - 0.5 + 1e-12)
            })
        };
        if keeps(chosen) {
            return None;
        }
        let attempt = |cap: usize| {
            let chosen = self.choose(&self.sizes(cap), true);
            keeps(&chosen).then_some(chosen)
        };
        let mut low = most.div_ceil(LEAST_LEFT).max(1);
        let mut high = most;
        let mut best = attempt(low)?;
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            match attempt(middle) {
                Some(chosen) => (low, best) = (middle, chosen),
                None => high = middle,
            }
        }
        Some(best)
    }

    fn area(&self, chosen: &[bool], lengths: &[usize]) -> Option<f64> {
        length_area(
            self.members
                .iter()
                .zip(lengths)
                .zip(chosen)
                .filter(|(_, is_in)| **is_in)
                .map(|((member, length), _)| (*length, member.label)),
        )
    }

    fn figures(&self, chosen: &[bool]) -> ChoiceFigures {
        let of: Vec<(usize, &Choice<'_>)> = self
            .ranked
            .iter()
            .enumerate()
            .zip(chosen)
            .filter(|(_, is_in)| **is_in)
            .map(|((place, (_, choice)), _)| (place, *choice))
            .collect();
        let confidences: Vec<f64> = of
            .iter()
            .filter_map(|(_, choice)| choice.confidence)
            .collect();
        let texts: Vec<(usize, &str, Side)> = of
            .iter()
            .map(|(place, choice)| (*place, choice.id, choice.label))
            .collect();
        let others: Vec<(usize, Side)> = self
            .ranked
            .iter()
            .enumerate()
            .zip(chosen)
            .filter(|(_, is_in)| !**is_in)
            .map(|((place, (_, choice)), _)| (place, choice.label))
            .collect();
        ChoiceFigures {
            rows: count(chosen),
            mean_confidence: average(&confidences),
            length_area: self.area(chosen, &self.words),
            character_area: self.area(chosen, &self.characters),
            wording_accuracy: wording_accuracy(
                &self.vocabulary,
                &texts,
                self.rule.seed.derive("wording guesser"),
            ),
            wording_accuracy_outside: accuracy_outside(&self.vocabulary, &others, &texts),
        }
    }

    /// The cluster of each candidate by its position in the input; none where no clusters were made.
    fn clusters(&self) -> Vec<(usize, u32)> {
        if self.rule.take != Take::Clusters {
            return Vec::new();
        }
        let positions = self.ranked.iter().map(|(position, _)| *position);
        let clusters = self.members.iter().map(|member| member.ranked.cluster);
        positions.zip(clusters).collect()
    }

    /// The positions in the input of the chosen ones in the order of publication.
    fn ordered(&self, chosen: &[bool]) -> Vec<usize> {
        let mut cells: Vec<Vec<usize>> = vec![Vec::new(); self.rule.cells.len()];
        for ((position, choice), is_in) in self.ranked.iter().zip(chosen) {
            if let (true, Some(cell)) = (*is_in, cells.get_mut(choice.cell)) {
                cell.push(*position);
            }
        }
        match self.rule.order {
            Order::Confidence => alternate(&cells),
            Order::Shuffled => {
                let mut rows = cells.concat();
                // Each cell stands in the order of score and name, so the draw owes nothing to the input.
                Draw::new(self.rule.seed.derive("order")).shuffle(&mut rows);
                rows
            }
        }
    }
}

/// Falling score; ties: the smaller identifier first.
fn surer(one: &Choice<'_>, other: &Choice<'_>) -> std::cmp::Ordering {
    other
        .score
        .total_cmp(&one.score)
        .then_with(|| one.id.cmp(other.id))
}

/// Takes one of each cell in turn.
fn alternate(cells: &[Vec<usize>]) -> Vec<usize> {
    let most = cells.iter().map(Vec::len).max().unwrap_or(0);
    (0..most)
        .flat_map(|turn| cells.iter().filter_map(move |cell| cell.get(turn).copied()))
        .collect()
}

#[cfg(test)]
mod tests;
