//! `dedup`: keeps the surest of each cluster of duplicates, and none of those that stand on both sides.
//!
//! Only candidates that a judge found sure enough are compared: a text that a judge settles for one side is
//! no conflict. The survivors do not depend on the order of the candidates.
//!
//! The same text on both sides is a conflict. Near texts are compared within one side only: "I like to know
//! how things work" and "I do not like to know how things work" are near, and a good pair of rows. The same holds
//! for texts that mean the same by their vectors, to which a sentence and its opposite are alike; such pairs of
//! two sides are counted.
//!
//! Before all that the candidates fall that repeat a reference: a text of the files and earlier versions that the
//! behaviour names, or one of its examples where the stage says so. References have no side. With a semantic layer those
//! fall as well that say the same as a reference in other words.

use std::collections::BTreeMap;

use evalwright_core::{RejectReason, Side};
use evalwright_dataset::DedupRecord;
use evalwright_dedup::{
    Alike, Dropped, Form, Item, Layer, Layers, Near, Row, Search, Shingle, Vectors, drop_alike,
    find_duplicates, repeats_of_references,
};
use evalwright_recipe::{Behaviour, DedupStage, Reference};

use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger};
use crate::vectors::TextVectors;

/// The layers of the stage, read.
#[derive(Debug)]
pub(crate) struct Deduping {
    layers: Layers,
    /// Whether the behaviour's examples are references.
    examples: bool,
    /// Cosine from which two texts of one side mean the same.
    semantic: Option<f64>,
}

/// What the stage would do to pending candidates, by position in the ledger.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Those that stay.
    pub(crate) kept: Vec<usize>,
    /// Those that fall, with the reason.
    pub(crate) fallen: Vec<(usize, RejectReason)>,
    /// Pairs that mean the same and stand on two sides; they stay.
    pub(crate) alike_across: usize,
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
            form: Form::Sentence,
        };
        // Looking for duplicates among nothing checks the threshold before any model is asked.
        find_duplicates(&[], &layers).map_err(|error| format!("stage `dedup`: {error}"))?;
        let none = Vectors::new(&[], 1).map_err(|error| error.to_string())?;
        drop_alike(&[], none, options.semantic.unwrap_or(1.0))
            .map_err(|error| format!("stage `dedup`: {error}"))?;
        Ok(Self {
            layers,
            examples: options.examples,
            semantic: options.semantic,
        })
    }

    /// Cosine from which two texts of one side mean the same; none without a semantic layer.
    pub(crate) fn semantic(&self) -> Option<f64> {
        self.semantic
    }

    /// What the manifest says of it.
    pub(crate) fn record(&self) -> DedupRecord {
        let Layers {
            exact,
            normalised,
            near,
            ..
        } = &self.layers;
        let layers = [
            (*exact, "exact"),
            (*normalised, "normalised"),
            (near.is_some(), "near"),
            (self.semantic.is_some(), "semantic"),
        ];
        DedupRecord {
            layers: layers
                .into_iter()
                .filter(|(on, _)| *on)
                .map(|(_, name)| name.to_owned())
                .collect(),
            shingle: near.as_ref().map(|near| near.shingle.to_string()),
            near: near.as_ref().map(|near| near.threshold),
            // Filled in by who knows the embedder and what was found.
            semantic: None,
        }
    }

    /// Looks for duplicates among all pending candidates. Without vectors there is no semantic layer.
    pub(crate) fn find(
        &self,
        ledger: &Ledger,
        behaviour: &Behaviour,
        vectors: Option<&mut TextVectors<'_>>,
    ) -> Result<Found, PipelineError> {
        let mut pending: Vec<(usize, &Entry)> = ledger
            .pending_from(0)
            .iter()
            .filter_map(|position| {
                ledger
                    .entries()
                    .get(*position)
                    .map(|entry| (*position, entry))
            })
            .collect();
        let mut fallen = self.repeated(&pending, behaviour)?;
        // Both ascend by position.
        let mut gone = fallen.iter().map(|(position, _)| *position).peekable();
        pending.retain(|(position, _)| gone.next_if_eq(position).is_none());
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
                form: self.layers.form,
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
        let mut alike_across = 0;
        if let (Some(threshold), Some(vectors)) = (self.semantic, vectors) {
            let references = self.references(behaviour);
            let repeats = repeats(&items, &kept, &references, vectors, threshold)?;
            kept.retain(|index| !repeats.contains_key(index));
            fallen.extend(
                repeats
                    .into_iter()
                    .filter_map(|(index, reason)| Some((position(&index)?, reason))),
            );
            let alike = alike(&items, &kept, vectors, threshold)?;
            let back = |index: usize| kept.get(index).copied();
            dropped.extend(alike.dropped.iter().filter_map(|drop| {
                Some(Dropped {
                    index: back(drop.index)?,
                    of: back(drop.of)?,
                    ..*drop
                })
            }));
            kept = alike.kept.iter().filter_map(|index| back(*index)).collect();
            alike_across = alike.across.len();
        }
        fallen.extend(dropped.iter().filter_map(|dropped| {
            let of = items.get(dropped.of)?.id;
            Some((position(&dropped.index)?, reason(dropped, of)))
        }));
        fallen.sort_by_key(|(position, _)| *position);
        Ok(Found {
            kept: kept.iter().filter_map(position).collect(),
            fallen,
            alike_across,
        })
    }

    /// The texts that no candidate may repeat.
    fn references(&self, behaviour: &Behaviour) -> Vec<Reference> {
        let mut references = Vec::new();
        if self.examples {
            references = examples(behaviour);
        }
        references.extend_from_slice(&behaviour.against.texts);
        references
    }

    /// The candidates that repeat a reference, in ascending order of position.
    fn repeated(
        &self,
        pending: &[(usize, &Entry)],
        behaviour: &Behaviour,
    ) -> Result<Vec<(usize, RejectReason)>, PipelineError> {
        let references = self.references(behaviour);
        if references.is_empty() {
            return Ok(Vec::new());
        }
        let mut search = Search::new(self.layers)?;
        let candidates = pending
            .iter()
            .map(|(_, entry)| Row::new(&entry.candidate.text));
        let texts = references.iter().map(|reference| Row {
            is_reference: true,
            ..Row::new(&reference.text)
        });
        let rows: Vec<Row<'_>> = candidates.chain(texts).collect();
        search.push(&rows)?;
        let found = search.finish()?;
        let repeats = found.dropped.iter().filter(|dropped| dropped.reference);
        Ok(repeats
            .filter_map(|dropped| {
                let (position, _) = pending.get(dropped.index)?;
                let of = references.get(dropped.of.checked_sub(pending.len())?)?;
                Some((*position, reason(dropped, &of.place)))
            })
            .collect())
    }
}

/// The references that a behaviour's examples are.
fn examples(behaviour: &Behaviour) -> Vec<Reference> {
    let sides = [
        ("matching", &behaviour.examples.matching),
        ("not_matching", &behaviour.examples.not_matching),
    ];
    sides
        .into_iter()
        .flat_map(|(side, texts)| {
            texts.iter().enumerate().map(move |(at, text)| Reference {
                place: format!("examples.{side}:{}", at + 1),
                text: text.clone(),
            })
        })
        .collect()
}

/// The items that mean the same as a reference, with the nearest one.
fn repeats(
    items: &[Item<'_>],
    among: &[usize],
    references: &[Reference],
    vectors: &mut TextVectors<'_>,
    threshold: f64,
) -> Result<BTreeMap<usize, RejectReason>, PipelineError> {
    if references.is_empty() {
        return Ok(BTreeMap::new());
    }
    let own = among.iter().filter_map(|index| items.get(*index));
    let texts: Vec<&str> = references
        .iter()
        .map(|reference| reference.text.as_str())
        .chain(own.map(|item| item.text))
        .collect();
    let (data, dimension) = vectors.of(&texts)?;
    let all = Vectors::new(&data, dimension)?;
    let pairs = repeats_of_references(all, references.len(), threshold)?;
    Ok(pairs
        .into_iter()
        .filter_map(|pair| {
            let index = among.get(pair.right.checked_sub(references.len())?)?;
            let reason = RejectReason::Duplicate {
                of: references.get(pair.left)?.place.clone(),
                layer: Layer::Semantic.as_str().to_owned(),
                similarity: pair.cosine,
            };
            Some((*index, reason))
        })
        .collect())
}

/// What stays of some items when those fall that mean the same as a surer one of their side.
fn alike(
    items: &[Item<'_>],
    among: &[usize],
    vectors: &mut TextVectors<'_>,
    threshold: f64,
) -> Result<Alike, PipelineError> {
    let own: Vec<Item<'_>> = among
        .iter()
        .filter_map(|index| items.get(*index).copied())
        .collect();
    let texts: Vec<&str> = own.iter().map(|item| item.text).collect();
    let (data, dimension) = vectors.of(&texts)?;
    Ok(drop_alike(
        &own,
        Vectors::new(&data, dimension)?,
        threshold,
    )?)
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
