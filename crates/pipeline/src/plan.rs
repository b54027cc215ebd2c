//! What a run is made from, and the slots that follow from it.
//!
//! Everything is checked before the first model call: stages that fit together, lints and parsers that
//! exist, templates that render with this behaviour.

use std::collections::BTreeSet;

use evalwright_core::{Cell, Model, Seed, SlotName};
use evalwright_recipe::{Behaviour, LoadedKind, check_prompts};

use crate::error::PipelineError;
use crate::panel::Panel;
use crate::stage::Stages;
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
    /// What each cell gets.
    pub(crate) quota: Quota,
    /// What each judge is asked.
    pub(crate) panels: Vec<Panel<'a>>,
}

impl<'a> Checked<'a> {
    /// Checks everything that can be checked without a model call.
    pub(crate) fn new(run: &RunPlan<'a>) -> Result<Self, PipelineError> {
        let stages = Stages::new(&run.kind.kind)?;
        let quota = Quota::new(run.wanted_per_cell()?, &stages.ask.options.options().plan);
        if run.judges.is_empty() {
            return Err(PipelineError::NoJudge);
        }
        let mut names = BTreeSet::new();
        for judge in run.judges {
            let name = &judge.identity().name;
            if !names.insert(name.as_str()) {
                return Err(PipelineError::SameJudge { name: name.clone() });
            }
        }
        check_prompts(run.kind, run.behaviour)?;
        let raters = stages
            .score()
            .map_or(&[][..], |score| score.options.raters());
        let panels = run
            .judges
            .iter()
            .map(|judge| Panel::new(run, *judge, raters))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            run: *run,
            stages,
            quota,
            panels,
        })
    }

    /// The slots of a wave: cells take turns, so that all of them grow at once. `sizes` holds for each cell
    /// the slots asked before and the slots of this wave.
    pub(crate) fn slots(&self, sizes: &[(Cell, u32, u32)]) -> Vec<SlotName> {
        let turns = sizes.iter().map(|(_, _, size)| *size).max().unwrap_or(0);
        let mut slots = Vec::new();
        for turn in 0..turns {
            for (cell, before, size) in sizes {
                if turn < *size {
                    slots.push(SlotName {
                        stage: self.stages.ask.name.clone(),
                        cell: *cell,
                        index: before.saturating_add(turn),
                    });
                }
            }
        }
        slots
    }
}
