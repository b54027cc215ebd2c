//! What a run is made from, and the slots that follow from it.
//!
//! Everything is checked before the first model call: stages that fit together, lints and parsers that
//! exist, templates that render with this behaviour.

use std::collections::BTreeSet;

use evalwright_core::{Embedder, Fields, Model, Seed, SlotName};
use evalwright_recipe::{Behaviour, LoadedKind, check_prompts};

use crate::error::PipelineError;
use crate::items::Items;
use crate::panel::Panel;
use crate::stage::emit_item::Emitting;
use crate::stage::{Emission, Stages};
use crate::wave::Quota;

/// Everything that a run is made from.
#[derive(Clone, Copy)]
pub struct RunPlan<'a> {
    /// What to test.
    pub behaviour: &'a Behaviour,
    /// How such datasets are made.
    pub kind: &'a LoadedKind,
    /// The model that writes.
    pub generator: &'a dyn Model,
    /// The models that judge; at least one, none of them twice.
    pub judges: &'a [&'a dyn Model],
    /// What turns texts into vectors; needed by a kind that compares texts by meaning, and by no other.
    pub embedder: Option<&'a dyn Embedder>,
    /// No more rows than this, whatever the behaviour says; an odd number counts as the even one below.
    pub limit: Option<u32>,
}

impl RunPlan<'_> {
    /// Rows wanted for each label.
    ///
    /// # Errors
    /// When behaviour or limit ask for fewer than two rows.
    pub fn wanted_per_cell(&self) -> Result<u32, PipelineError> {
        let rows = self
            .limit
            .map_or(self.behaviour.rows, |limit| limit.min(self.behaviour.rows));
        if rows < 2 {
            return Err(PipelineError::TooFewRows { rows });
        }
        Ok(rows / 2)
    }

    /// Candidates wanted in all, where each becomes so many rows.
    ///
    /// # Errors
    /// When fewer rows are asked for than one candidate becomes, or the behaviour's rows are no multiple of that.
    pub(crate) fn wanted_candidates(&self, rows_each: usize) -> Result<usize, PipelineError> {
        let each = u32::try_from(rows_each.max(1)).unwrap_or(u32::MAX);
        // Both labels get the same.
        let lot = if self.kind.kind.is_labelled() {
            each.saturating_mul(2)
        } else {
            each
        };
        let asked = self.behaviour.rows;
        if !asked.is_multiple_of(lot) {
            return Err(PipelineError::UnevenRows {
                rows: asked,
                lot,
                fits: (asked / lot).max(1).saturating_mul(lot),
            });
        }
        let rows = self.limit.map_or(asked, |limit| limit.min(asked));
        if rows < lot {
            return Err(PipelineError::FewerThanOneLot { rows, lot });
        }
        Ok(usize::try_from(rows / lot * lot / each).unwrap_or(usize::MAX))
    }

    /// The run's seed.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed(self.behaviour.seed)
    }
}

/// A plan whose parts fit together.
pub(crate) struct Checked<'a> {
    /// What it was made from.
    pub(crate) run: RunPlan<'a>,
    /// The stages.
    pub(crate) stages: Stages<'a>,
    /// What items begin as, by cell.
    pub(crate) items: Items,
    /// What each cell gets, in the order of the items.
    pub(crate) quotas: Vec<Quota>,
    /// How rows are written, where fields are mapped.
    pub(crate) emitting: Option<Emitting<'a>>,
    /// What each judge is asked for each requirement, requirements first.
    pub(crate) panels: Vec<Panel<'a>>,
}

impl<'a> Checked<'a> {
    /// Checks everything that can be checked without a model call.
    pub(crate) fn new(run: &RunPlan<'a>) -> Result<Self, PipelineError> {
        let stages = Stages::new(&run.kind.kind)?;
        let kind = &run.kind.kind;
        let refuse = |problem: String| PipelineError::Stages {
            kind: kind.name.clone(),
            preset: kind.preset.clone(),
            problem,
        };
        let mut items = Items::new(run.kind, run.behaviour).map_err(refuse)?;
        let mut quotas = quotas(run, &stages, &items)?;
        if !items.dealt.is_empty() {
            // Of all who could be dealt only those exist that are wanted.
            let mut wanted = quotas.iter().map(|quota| quota.wanted > 0);
            items.cells.retain(|_| wanted.next().unwrap_or(false));
            quotas.retain(|quota| quota.wanted > 0);
        }
        let emitting = match stages.emit.options {
            Emission::Statement(_) => None,
            Emission::Item(options) => Some(Emitting::new(run, options).map_err(refuse)?),
        };
        if run.judges.is_empty() && stages.scores().next().is_some() {
            return Err(PipelineError::NoJudge);
        }
        let mut names = BTreeSet::new();
        for judge in run.judges {
            let name = &judge.identity().name;
            if !names.insert(name.as_str()) {
                return Err(PipelineError::SameJudge { name: name.clone() });
            }
        }
        if kind.needs_vectors() && run.embedder.is_none() {
            return Err(PipelineError::NoEmbedder);
        }
        if let Some(choice) = &run.behaviour.calibration
            && stages.label_score().is_none()
        {
            return Err(PipelineError::Calibration {
                file: choice.file.clone(),
                problem: format!(
                    "kind `{}`, preset `{}`, judges no label, so there is nothing to calibrate; leave `calibration` out",
                    kind.name, kind.preset
                ),
            });
        }
        check_prompts(run.kind, run.behaviour)?;
        let mut panels = Vec::new();
        for score in stages.scores() {
            for judge in run.judges {
                panels.push(Panel::new(run, *judge, score.options.options())?);
            }
        }
        Ok(Self {
            run: *run,
            stages,
            items,
            quotas,
            emitting,
            panels,
        })
    }

    /// The semantic layer's threshold and what makes its vectors; none without the layer.
    pub(crate) fn semantic(&self) -> Option<(f64, &'a dyn Embedder)> {
        let dedup = self.stages.dedup.as_ref()?;
        Some((dedup.options.semantic()?, self.run.embedder?))
    }

    /// What makes vectors, where the kind asks for any.
    pub(crate) fn embedder(&self) -> Option<&'a dyn Embedder> {
        self.run
            .embedder
            .filter(|_| self.run.kind.kind.needs_vectors())
    }

    /// The least P(intended side) of a row: the kind's, or what the behaviour's calibration file says in its place.
    pub(crate) fn minimum_confidence(&self) -> f64 {
        let fitted = self.run.behaviour.calibration.as_ref();
        fitted
            .and_then(|choice| choice.minimum)
            .unwrap_or(self.stages.select.options.minimum)
    }

    /// The slots of a wave: cells take turns, so that all of them grow at once. `sizes` holds for each cell, in
    /// their order, the slots asked before and the slots of this wave.
    pub(crate) fn slots(&self, sizes: &[(u32, u32)]) -> Vec<SlotName> {
        let turns = sizes.iter().map(|(_, size)| *size).max().unwrap_or(0);
        let stage = self.first_stage();
        let mut slots = Vec::new();
        for turn in 0..turns {
            for ((place, _), (before, size)) in self.items.cells.iter().zip(sizes) {
                if turn < *size {
                    slots.push(SlotName {
                        stage: stage.to_owned(),
                        cell: place.cell,
                        group: place.group.clone(),
                        index: before.saturating_add(turn),
                    });
                }
            }
        }
        slots
    }

    /// The stage that candidates come from.
    pub(crate) fn first_stage(&self) -> &str {
        self.stages.ask.as_ref().map_or("table", |ask| &ask.name)
    }

    /// The number of a candidate's cell.
    pub(crate) fn cell_of(&self, slot: &SlotName) -> Option<usize> {
        self.items
            .cells
            .iter()
            .position(|(place, _)| place.cell == slot.cell && place.group == slot.group)
    }

    /// What the item of a slot begins as: the cell's beginnings in turn.
    pub(crate) fn beginning(&self, slot: &SlotName) -> Fields {
        let Some((_, beginnings)) = self
            .cell_of(slot)
            .and_then(|cell| self.items.cells.get(cell))
        else {
            return Fields::new();
        };
        let index = usize::try_from(slot.index).unwrap_or(0);
        index
            .checked_rem(beginnings.len())
            .and_then(|index| beginnings.get(index))
            .cloned()
            .unwrap_or_default()
    }
}

/// Rows that come together, and those that one candidate becomes: both labels get the same, and a candidate may become
/// several rows.
///
/// # Errors
/// When the kind's tables cannot be crossed.
pub fn rows_at_once(kind: &LoadedKind, behaviour: &Behaviour) -> Result<(u32, u32), PipelineError> {
    let items = Items::new(kind, behaviour).map_err(|problem| PipelineError::Stages {
        kind: kind.kind.name.clone(),
        preset: kind.kind.preset.clone(),
        problem,
    })?;
    let each = u32::try_from(items.rows_each.max(1)).unwrap_or(u32::MAX);
    let labels = if kind.kind.is_labelled() { 2 } else { 1 };
    Ok((each.saturating_mul(labels), each))
}

/// What each cell gets. Where no model is asked every beginning is a slot, and all go out at once, as those do that are
/// held from an earlier version.
fn quotas(
    run: &RunPlan<'_>,
    stages: &Stages<'_>,
    items: &Items,
) -> Result<Vec<Quota>, PipelineError> {
    let shares = if run.kind.kind.maps_fields() {
        items.shares(run.wanted_candidates(items.rows_each)?, run.seed())
    } else {
        let each = usize::try_from(run.wanted_per_cell()?).unwrap_or(usize::MAX);
        vec![each; items.cells.len()]
    };
    Ok(shares
        .into_iter()
        .zip(&items.cells)
        .map(|(wanted, (place, beginnings))| {
            let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
            match (&stages.ask, &run.behaviour.held) {
                (Some(_), Some(held)) => Quota::all(wanted, held.of(place.cell, &place.group)),
                (Some(ask), None) => Quota::new(wanted, &ask.options.options().plan),
                (None, _) => {
                    Quota::all(wanted, u32::try_from(beginnings.len()).unwrap_or(u32::MAX))
                }
            }
        })
        .collect())
}
