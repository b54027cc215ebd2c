//! From the candidates that every filter let through to the rows' places: their scores, the selection, the parts.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Group, ModelIdentity, Probability, Seed, Side};
use evalwright_dataset::{ClusterCount, ClusterRecord, PartRecord, SelectionRecord, SplitRecord};
use evalwright_dedup::{Item, Layers, Near, Shingle, find_duplicates};
use evalwright_recipe::{ClusterBy, Part, Take};
use evalwright_stats::diversity::{Vectors, clusters, evenness};
use evalwright_stats::giveaway::telling_words;

use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger};
use crate::plan::Checked;
use crate::stage::score::{combined, combined_others};
use crate::stage::select::split::{Dealt, Member, deal};
use crate::stage::select::{CellRule, Choice, Rule, Selection, select};
use crate::vectors::TextVectors;

/// Jaccard similarity of word sets from which two rows share a part. Lower than where duplicates fall: what is
/// no duplicate can still tell a learner what is in another part.
const SPLIT_NEAR: f64 = 0.6;
/// Candidates at the most that centres of clusters are found on.
const MOST_FITTED: usize = 20_000;
/// Words that are told of a cluster.
const CLUSTER_WORDS: usize = 4;
/// The part that takes what no other part wants.
const REST: &str = "train";

/// A candidate that becomes a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    /// Its position in the ledger.
    pub(crate) position: usize,
    /// P(intended side), or all requirements together where no label is judged; `None` where nothing is.
    pub(crate) confidence: Option<Probability>,
    /// Its part, if rows are split.
    pub(crate) split: Option<String>,
}

/// Chooses rows among candidates of the ledger, given by position. Those without a confidence are left out, unless
/// the kind judges no label.
pub(crate) fn choose(
    checked: &Checked<'_>,
    ledger: &Ledger,
    good: &[usize],
    vectors: Option<&mut TextVectors<'_>>,
) -> Result<(Vec<Chosen>, SelectionRecord), PipelineError> {
    let options = checked.stages.select.options;
    let seed = checked.run.seed();
    let is_judged = checked.stages.label_score().is_some();
    let entries: Vec<(usize, &Entry, Option<Probability>)> = good
        .iter()
        .filter_map(|position| {
            let entry = ledger.entries().get(*position)?;
            let confidence = match entry.candidate.confidence {
                None if is_judged => return None,
                None => combined_others(options.combine, &entry.scores),
                confidence => confidence,
            };
            Some((*position, entry, confidence))
        })
        .collect();
    let mut choices: Vec<Choice<'_>> = entries
        .iter()
        .map(|(_, entry, confidence)| Choice {
            id: &entry.candidate.id,
            cell: checked.cell_of(&entry.candidate.slot).unwrap_or(usize::MAX),
            label: entry.cell().label,
            // Where nothing is judged all are equal, and their identifiers, which are hashes, decide.
            score: match (is_judged, confidence) {
                (true, Some(confidence)) => combined(options.combine, *confidence, &entry.scores),
                (_, confidence) => confidence.map_or(0.0, Probability::value),
            },
            confidence: confidence.map(Probability::value),
            text: &entry.candidate.text,
            cluster: None,
        })
        .collect();
    let mut groups: BTreeMap<&Group, usize> = BTreeMap::new();
    let cells: Vec<CellRule> = checked
        .items
        .cells
        .iter()
        .zip(&checked.quotas)
        .map(|((place, _), quota)| {
            let next = groups.len();
            CellRule {
                wanted: usize::try_from(quota.wanted).unwrap_or(usize::MAX),
                group: *groups.entry(&place.group).or_insert(next),
            }
        })
        .collect();
    let count = options.clusters.and_then(|clusters| clusters.count);
    let count = count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    if let (true, Some(vectors)) = (options.clusters_by_meaning(), vectors) {
        let wanted: f64 = cells.iter().map(|cell| cell.wanted as f64).sum();
        let count = count.unwrap_or_else(|| square_root(wanted));
        by_meaning(&mut choices, count, vectors, seed)?;
    }
    let rule = Rule {
        take: options.take,
        clusters: count,
        order: options.order,
        balance: &options.balance,
        length_ceiling: options.length_ceiling,
        cells: &cells,
        seed,
    };
    let selection = select(&rule, &choices);
    let mut record = selection.record.clone();
    record.combine =
        (checked.stages.scores().count() > 1).then(|| options.combine.as_str().to_owned());
    if options.take == Take::Clusters {
        let embedder = checked.embedder().map(|embedder| embedder.identity());
        let embedder = embedder.filter(|_| options.clusters_by_meaning());
        record.clusters = cluster_record(&choices, &selection, embedder);
    }
    let rows: Vec<Choice<'_>> = selection
        .order
        .iter()
        .filter_map(|index| choices.get(*index).copied())
        .collect();
    let parts = if options.split.is_empty() {
        vec![None; rows.len()]
    } else {
        let clusters = near_clusters(&rows)?;
        let members: Vec<Member<'_>> = rows
            .iter()
            .zip(&clusters)
            .map(|(row, cluster)| Member {
                id: row.id,
                cell: row.cell,
                cluster: *cluster,
            })
            .collect();
        let shares: Vec<f64> = options.split.iter().map(|part| part.share).collect();
        let dealt = deal(&members, &shares, seed.derive("split"));
        record.split = Some(split_record(&options.split, &dealt, &clusters));
        dealt
            .parts
            .iter()
            .map(|part| Some(part_name(&options.split, *part)))
            .collect()
    };
    let chosen = selection
        .order
        .iter()
        .zip(parts)
        .filter_map(|(index, split)| {
            let (position, _, confidence) = entries.get(*index)?;
            Some(Chosen {
                position: *position,
                confidence: *confidence,
                split,
            })
        })
        .collect();
    Ok((chosen, record))
}

/// The nearest whole number to the root, and at least 2.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the root of a number of rows is small and not negative"
)]
fn square_root(rows: f64) -> usize {
    (rows.sqrt().round() as usize).max(2)
}

/// Puts each candidate into its cluster of meaning. Candidates are looked at by identifier, so that their order makes
/// no difference.
fn by_meaning(
    choices: &mut [Choice<'_>],
    count: usize,
    vectors: &mut TextVectors<'_>,
    seed: Seed,
) -> Result<(), PipelineError> {
    let mut order: Vec<usize> = (0..choices.len()).collect();
    order.sort_by_key(|place| choices.get(*place).map(|choice| choice.id));
    let texts: Vec<&str> = order
        .iter()
        .filter_map(|place| choices.get(*place).map(|choice| choice.text))
        .collect();
    let (data, dimension) = vectors.of(&texts)?;
    let all = Vectors::new(dimension, &data).map_err(|error| vectors.unusable(&error))?;
    let seed = seed.derive("clusters of meaning");
    let Some(found) = clusters(&all, count, MOST_FITTED, seed) else {
        return Ok(());
    };
    for (place, cluster) in order.into_iter().zip(found.cluster_of) {
        if let Some(choice) = choices.get_mut(place) {
            choice.cluster = Some(u32::try_from(cluster).unwrap_or(u32::MAX));
        }
    }
    Ok(())
}

/// What the manifest tells about the clusters, the largest first.
fn cluster_record(
    choices: &[Choice<'_>],
    selection: &Selection,
    embedder: Option<&ModelIdentity>,
) -> Option<ClusterRecord> {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (position, cluster) in &selection.clusters {
        members.entry(*cluster).or_default().push(*position);
    }
    let mut members: Vec<Vec<usize>> = members.into_values().collect();
    for positions in &mut members {
        positions.sort_unstable();
    }
    members.sort_by_key(|positions| {
        let first = positions.first().and_then(|first| choices.get(*first));
        (
            std::cmp::Reverse(positions.len()),
            first.map(|first| first.id),
        )
    });
    let mut texts = Vec::new();
    let mut labels = Vec::new();
    for (number, positions) in members.iter().enumerate() {
        for choice in positions
            .iter()
            .filter_map(|position| choices.get(*position))
        {
            texts.push(choice.text);
            labels.push(number);
        }
    }
    let words = telling_words(&texts, &labels, members.len(), CLUSTER_WORDS).ok()?;
    let taken: BTreeSet<usize> = selection.order.iter().copied().collect();
    let clusters: Vec<ClusterCount> = members
        .iter()
        .enumerate()
        .map(|(number, positions)| {
            let rows = |side: Side| {
                let chosen = positions
                    .iter()
                    .filter(|position| taken.contains(*position));
                let own = chosen.filter_map(|position| choices.get(*position));
                own.filter(|choice| choice.label == side).count() as u64
            };
            ClusterCount {
                candidates: positions.len() as u64,
                matching: rows(Side::Matching),
                not_matching: rows(Side::NotMatching),
                words: words
                    .iter()
                    .filter(|word| word.label == number)
                    .map(|word| word.word.clone())
                    .collect(),
            }
        })
        .collect();
    let even =
        |of: fn(&ClusterCount) -> u64| evenness(&clusters.iter().map(of).collect::<Vec<u64>>());
    Some(ClusterRecord {
        by: match embedder {
            Some(_) => ClusterBy::Meaning,
            None => ClusterBy::Words,
        }
        .as_str()
        .to_owned(),
        embedder: embedder.cloned(),
        evenness_of_candidates: even(|one| one.candidates),
        evenness_of_rows: even(|one| one.matching + one.not_matching),
        clusters,
    })
}

/// For each row a number that it shares with the rows that it is linked to by near texts, whatever their labels.
fn near_clusters(rows: &[Choice<'_>]) -> Result<Vec<usize>, PipelineError> {
    let items: Vec<Item<'_>> = rows
        .iter()
        .map(|row| Item {
            id: row.id,
            text: row.text,
            // One label for all: a text and its contradiction belong together too.
            label: 0,
            priority: 0.0,
        })
        .collect();
    let layers = Layers {
        near: Some(Near {
            threshold: SPLIT_NEAR,
            shingle: Shingle::Words(1),
        }),
        ..Layers::default()
    };
    let mut clusters: Vec<usize> = (0..rows.len()).collect();
    // Each cluster has one survivor, and all others of it name that one.
    for dropped in find_duplicates(&items, &layers)?.dropped {
        if let Some(cluster) = clusters.get_mut(dropped.index) {
            *cluster = dropped.of;
        }
    }
    Ok(clusters)
}

fn part_name(parts: &[Part], number: usize) -> String {
    parts
        .get(number)
        .map_or_else(|| REST.to_owned(), |part| part.name.clone())
}

fn split_record(parts: &[Part], dealt: &Dealt, clusters: &[usize]) -> SplitRecord {
    let mut sizes: Vec<u64> = vec![0; clusters.len()];
    for cluster in clusters {
        if let Some(size) = sizes.get_mut(*cluster) {
            *size += 1;
        }
    }
    let count = |number: usize| {
        u64::try_from(dealt.parts.iter().filter(|part| **part == number).count())
            .unwrap_or(u64::MAX)
    };
    let named = parts.iter().enumerate().map(|(number, part)| PartRecord {
        name: part.name.clone(),
        share: Some(part.share),
        rows: count(number),
    });
    let rest = PartRecord {
        name: REST.to_owned(),
        share: None,
        rows: count(parts.len()),
    };
    SplitRecord {
        parts: named.chain([rest]).collect(),
        near: SPLIT_NEAR,
        clusters: u64::try_from(sizes.iter().filter(|size| **size > 0).count()).unwrap_or(u64::MAX),
        largest_cluster: sizes.iter().copied().max().unwrap_or(0),
        missing: u64::try_from(dealt.missing).unwrap_or(u64::MAX),
    }
}
