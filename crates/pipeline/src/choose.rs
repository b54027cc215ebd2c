//! From the candidates that every filter let through to the rows' places: their scores, the selection, the parts.

use std::collections::BTreeMap;

use evalwright_core::{Group, Probability};
use evalwright_dataset::{PartRecord, SelectionRecord, SplitRecord};
use evalwright_dedup::{Item, Layers, Near, Shingle, find_duplicates};
use evalwright_recipe::Part;

use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger};
use crate::plan::Checked;
use crate::stage::score::{combined, combined_others};
use crate::stage::select::split::{Dealt, Member, deal};
use crate::stage::select::{CellRule, Choice, Rule, select};

/// Jaccard similarity of word sets from which two rows share a part. Lower than where duplicates fall: what is
/// no duplicate can still tell a learner what is in another part.
const SPLIT_NEAR: f64 = 0.6;
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
    let choices: Vec<Choice<'_>> = entries
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
    let rule = Rule {
        take: options.take,
        order: options.order,
        balance: &options.balance,
        length_ceiling: options.length_ceiling,
        cells: &cells,
        seed,
    };
    let selection = select(&rule, &choices);
    let mut record = selection.record;
    record.combine =
        (checked.stages.scores().count() > 1).then(|| options.combine.as_str().to_owned());
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
