//! `dedup`: keeps the surest of each cluster of duplicates, and none of those that stand on both sides.
//!
//! Only candidates that a judge found sure enough are compared: a text that a judge settles for one side is
//! no conflict. The survivors do not depend on the order of the candidates.
//!
//! The same text on both sides is a conflict. Near texts are compared within one side only: "I like to know
//! how things work" and "I do not like to know how things work" are near, and a good pair of rows.

use evalwright_core::{RejectReason, Side};
use evalwright_dataset::DedupRecord;
use evalwright_dedup::{Dropped, Item, Layers, Near, Shingle, find_duplicates};
use evalwright_recipe::DedupStage;

use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger};

/// The layers of the stage, read.
#[derive(Debug)]
pub(crate) struct Deduping {
    layers: Layers,
}

/// What the stage would do to pending candidates, by position in the ledger.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Those that stay.
    pub(crate) kept: Vec<usize>,
    /// Those that fall, with the reason.
    pub(crate) fallen: Vec<(usize, RejectReason)>,
}

impl Deduping {
    /// Reads the options; the error is a sentence.
    pub(crate) fn new(options: &DedupStage) -> Result<Self, String> {
        let near = match (options.near, &options.shingle) {
            (None, _) => None,
            (Some(threshold), Some(shingle)) => {
                let shingle: Shingle = shingle.parse().map_err(|error| format!("{error}"))?;
                Some(Near { threshold, shingle })
            }
            (Some(_), None) => {
                return Err("stage `dedup` names `near` and needs `shingle` with it".to_owned());
            }
        };
        let layers = Layers {
            exact: options.exact,
            normalised: options.normalised,
            near,
        };
        // Looking for duplicates among nothing checks the threshold before any model is asked.
        find_duplicates(&[], &layers).map_err(|error| format!("stage `dedup`: {error}"))?;
        Ok(Self { layers })
    }

    /// What the manifest says of it.
    pub(crate) fn record(&self) -> DedupRecord {
        let Layers {
            exact,
            normalised,
            near,
        } = &self.layers;
        let layers = [
            (*exact, "exact"),
            (*normalised, "normalised"),
            (near.is_some(), "near"),
        ];
        DedupRecord {
            layers: layers
                .into_iter()
                .filter(|(on, _)| *on)
                .map(|(_, name)| name.to_owned())
                .collect(),
            shingle: near.as_ref().map(|near| near.shingle.to_string()),
            near: near.as_ref().map(|near| near.threshold),
        }
    }

    /// Looks for duplicates among all pending candidates.
    pub(crate) fn find(&self, ledger: &Ledger) -> Result<Found, PipelineError> {
        let positions = ledger.pending_from(0);
        let pending: Vec<(usize, &Entry)> = positions
            .iter()
            .filter_map(|position| {
                ledger
                    .entries()
                    .get(*position)
                    .map(|entry| (*position, entry))
            })
            .collect();
        let items: Vec<Item<'_>> = pending
            .iter()
            .map(|(_, entry)| Item {
                id: &entry.candidate.id,
                text: &entry.candidate.text,
                label: label(entry.cell().label),
                priority: entry
                    .candidate
                    .confidence
                    .map_or(0.0, |confidence| confidence.value()),
            })
            .collect();
        let same = Layers {
            near: None,
            ..self.layers
        };
        let outcome = find_duplicates(&items, &same)?;
        let position = |index: &usize| pending.get(*index).map(|(position, _)| *position);
        let mut fallen: Vec<(usize, RejectReason)> = Vec::new();
        fallen.extend(outcome.empty.iter().filter_map(position).map(|position| {
            let detail = "empty: there is nothing to be seen in the text".to_owned();
            (position, RejectReason::Unparsable { detail })
        }));
        let mut dropped = outcome.dropped;
        let mut kept = outcome.kept.clone();
        if self.layers.near.is_some() {
            let near = Layers {
                exact: false,
                normalised: false,
                near: self.layers.near,
            };
            kept = Vec::new();
            for side in Side::ALL {
                let own = of_side(&items, &outcome.kept, side);
                let texts: Vec<Item<'_>> = own
                    .iter()
                    .filter_map(|index| items.get(*index).copied())
                    .collect();
                let found = find_duplicates(&texts, &near)?;
                let back = |index: &usize| own.get(*index).copied();
                kept.extend(found.kept.iter().filter_map(back));
                dropped.extend(found.dropped.iter().filter_map(|drop| {
                    Some(Dropped {
                        index: back(&drop.index)?,
                        of: back(&drop.of)?,
                        ..*drop
                    })
                }));
            }
            kept.sort_unstable();
        }
        fallen.extend(dropped.iter().filter_map(|dropped| {
            let of = items.get(dropped.of)?.id;
            Some((position(&dropped.index)?, reason(dropped, of)))
        }));
        fallen.sort_by_key(|(position, _)| *position);
        Ok(Found {
            kept: kept.iter().filter_map(position).collect(),
            fallen,
        })
    }
}

/// The items of one side.
fn of_side(items: &[Item<'_>], among: &[usize], side: Side) -> Vec<usize> {
    among
        .iter()
        .copied()
        .filter(|index| {
            items
                .get(*index)
                .is_some_and(|item| item.label == label(side))
        })
        .collect()
}

/// The number that stands for a side.
fn label(side: Side) -> u32 {
    match side {
        Side::Matching => 1,
        Side::NotMatching => 0,
    }
}

fn reason(dropped: &Dropped, of: &str) -> RejectReason {
    let layer = dropped.layer.as_str().to_owned();
    let similarity = dropped.similarity;
    if dropped.conflict {
        RejectReason::Conflict {
            with: of.to_owned(),
            layer,
            similarity,
        }
    } else {
        RejectReason::Duplicate {
            of: of.to_owned(),
            layer,
            similarity,
        }
    }
}
