//! What `regenerate` keeps of the version before: its judge, or all stages but some.
//!
//! A stage that is kept asks no model. Its replies come from the store, and where one is missing the run ends before
//! anything is paid; the candidates are those of the version before and no others.

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::model::Deliver;
use evalwright_core::{
    Abilities, Cell, Group, Interrupt, Model, ModelError, ModelIdentity, Prompt, Reject,
    SampleRequest, ScoreReply, ScoreRequest, SlotName, Spending, StopReason, TextReply,
};
use evalwright_dataset::{Manifest, RaterRecord, read_records, read_rejects};
use evalwright_pipeline::{RunPlan, rater_records, rows_at_once};
use evalwright_recipe::{Behaviour, HeldCell, HeldSlots, LoadedKind, Stage};
use serde::Deserialize;

use crate::anchors::Anchoring;
use crate::failure::{Failure, Kind};

/// A version that is made again, and what is kept of it.
pub(crate) struct Again<'a> {
    /// Its rows under the judges of now.
    pub(crate) anchoring: Anchoring<'a>,
    /// The stages that are done anew; none named means all.
    pub(crate) stages: &'a [String],
    /// Whether rows must be judged as they were.
    pub(crate) keeps_judge: bool,
    /// Rows at most, where the command line says nothing: those that the version before wanted.
    pub(crate) limit: Option<u32>,
}

/// What the command line has otherwise than the version before.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) generator: Option<&'a str>,
    pub(crate) has_judges: bool,
    pub(crate) has_seed: bool,
}

/// Who asks in a stage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Writer,
    Judges,
    Nobody,
}

/// The stages of a kind by name, in order, with who asks in them.
fn stages(kind: &LoadedKind) -> Vec<(&'static str, Asks)> {
    let mut named: Vec<(&'static str, Asks)> = Vec::new();
    for stage in &kind.kind.stages {
        let one = match stage {
            Stage::Table(_) => ("table", Asks::Nobody),
            Stage::Cross(_) => ("cross", Asks::Nobody),
            Stage::Ask(_) | Stage::Follow(_) => ("ask", Asks::Writer),
            Stage::Repeat(_) => ("repeat", Asks::Writer),
            Stage::Check(_) => ("check", Asks::Nobody),
            Stage::Lint(_) => ("lint", Asks::Nobody),
            Stage::Score(_) => ("score", Asks::Judges),
            Stage::Dedup(_) => ("dedup", Asks::Nobody),
            Stage::Select(_) => ("select", Asks::Nobody),
            Stage::Emit(_) | Stage::EmitItem(_) => ("emit", Asks::Nobody),
        };
        if !named.contains(&one) {
            named.push(one);
        }
    }
    named
}

impl Again<'_> {
    /// Refuses what cannot be meant, before anything is read or asked: stages that the kind does not have, and options
    /// that change a stage which is to stay as it was.
    pub(crate) fn check(&self, kind: &LoadedKind, given: Given<'_>) -> Result<(), Failure> {
        if self.stages.is_empty() {
            return Ok(());
        }
        let known = stages(kind);
        for stage in self.stages {
            if !known.iter().any(|(name, _)| name == stage) {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                return Err(Failure::new(
                    Kind::Usage,
                    format!(
                        "kind `{}`, preset `{}`, has no stage `{stage}`",
                        kind.kind.name, kind.kind.preset
                    ),
                )
                .hint(format!("its stages are {}", names.join(", "))));
            }
        }
        let before = &self.anchoring.before.manifest;
        for (option, is_given, asks) in [
            (
                "--generator",
                given
                    .generator
                    .is_some_and(|name| name != before.generator.name),
                Asks::Writer,
            ),
            ("--seed", given.has_seed, Asks::Writer),
            ("--judge", given.has_judges, Asks::Judges),
        ] {
            if !is_given || self.asks_anew(kind, asks) {
                continue;
            }
            let missing: Vec<&str> = known
                .iter()
                .filter(|(_, who)| *who == asks)
                .map(|(name, _)| *name)
                .collect();
            let stage = match missing.as_slice() {
                [] => "a stage that the kind does not have".to_owned(),
                names => format!("stage `{}`", names.join("` and `")),
            };
            return Err(Failure::new(
                Kind::Usage,
                format!("{option} changes {stage}, and --only-stage leaves that as it was"),
            )
            .hint(format!("leave {option} out, or name the stage too")));
        }
        Ok(())
    }

    /// Whether a stage is done anew in which these ask.
    fn asks_anew(&self, kind: &LoadedKind, asks: Asks) -> bool {
        self.stages.is_empty()
            || stages(kind)
                .iter()
                .any(|(name, who)| *who == asks && self.stages.iter().any(|stage| stage == name))
    }

    /// The slots of the version before, where only some stages are done anew and slots are asked for at all. Where the
    /// writer writes anew they are the same slots with other replies. `recorded` are those that it was held to itself: the same
    /// ones again are the same recipe.
    pub(crate) fn held(
        &self,
        kind: &LoadedKind,
        recorded: Option<HeldSlots>,
    ) -> Result<Option<HeldSlots>, Failure> {
        if self.stages.is_empty() || kind.kind.ask().is_none() {
            return Ok(None);
        }
        let before = self.anchoring.before;
        let mut slots: BTreeMap<(Cell, Group), u32> = BTreeMap::new();
        let mut add = |slot: &SlotName| {
            let asked = slots.entry((slot.cell, slot.group.clone())).or_default();
            *asked = (*asked).max(slot.index.saturating_add(1));
        };
        let rows = before.folder.join("data.jsonl");
        for (number, record) in read_records(&rows)?.iter().enumerate() {
            let slot = record
                .get("metadata")
                .and_then(|metadata| metadata.get("slot"))
                .and_then(|slot| SlotName::deserialize(slot).ok());
            let Some(slot) = slot else {
                return Err(no_slot(&rows, number + 1));
            };
            add(&slot);
        }
        let rejects: Vec<Reject> = read_rejects(&before.folder.join("rejected.jsonl"))?;
        for reject in &rejects {
            add(&reject.candidate.slot);
        }
        let held = HeldSlots {
            version: before.manifest.version.clone(),
            stages: self.stages.to_vec(),
            cells: slots
                .into_iter()
                .map(|((cell, group), slots)| HeldCell { cell, group, slots })
                .collect(),
        };
        let is_same = |one: &HeldSlots| (&one.stages, &one.cells) == (&held.stages, &held.cells);
        Ok(Some(recorded.filter(is_same).unwrap_or(held)))
    }

    /// The rows that the version before wanted, where only some stages are done anew: it may have been made with a limit.
    pub(crate) fn wanted(
        &self,
        kind: &LoadedKind,
        behaviour: &Behaviour,
    ) -> Result<Option<u32>, Failure> {
        if self.stages.is_empty() {
            return Ok(None);
        }
        let cells = &self.anchoring.before.manifest.funnel.cells;
        let wanted: u64 = cells.iter().map(|cell| cell.wanted).sum();
        let (_, rows_each) = rows_at_once(kind, behaviour)?;
        Ok(u32::try_from(wanted.saturating_mul(u64::from(rows_each)))
            .ok()
            .filter(|rows| *rows < behaviour.rows))
    }

    /// The writer, who cannot be asked where no stage of theirs is done anew.
    pub(crate) fn writer<'m>(&self, kind: &LoadedKind, model: &'m dyn Model) -> Kept<'m> {
        self.kept(kind, model, Asks::Writer)
    }

    /// A judge, likewise.
    pub(crate) fn judge<'m>(&self, kind: &LoadedKind, model: &'m dyn Model) -> Kept<'m> {
        self.kept(kind, model, Asks::Judges)
    }

    fn kept<'m>(&self, kind: &LoadedKind, model: &'m dyn Model, asks: Asks) -> Kept<'m> {
        Kept {
            model,
            may_be_asked: self.asks_anew(kind, asks),
        }
    }

    /// Refuses a run that would judge otherwise than the version before was judged.
    pub(crate) fn check_judge(&self, plan: &RunPlan<'_>) -> Result<(), Failure> {
        if !self.keeps_judge {
            return Ok(());
        }
        let before = &self.anchoring.before.manifest;
        let differs = differing(before, plan)?;
        if differs.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Config,
            format!(
                "rows would be judged otherwise than those of {}: {}",
                before.version,
                differs.join("; ")
            ),
        )
        .hint(
            "leave --keep-judge out to judge as is: anchors then tell what the judge changed from what the data changed",
        ))
    }
}

fn no_slot(file: &Path, line: usize) -> Failure {
    Failure::new(
        Kind::Config,
        format!(
            "{}: line {line}: the row does not say which slot it comes from",
            file.display()
        ),
    )
    .hint("rows that were imported were not asked for here: leave --only-stage out")
}

/// What judges otherwise, in sentences.
fn differing(before: &Manifest, plan: &RunPlan<'_>) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let now: Vec<&ModelIdentity> = plan.judges.iter().map(|judge| judge.identity()).collect();
    for judge in &before.judges {
        match now.iter().find(|one| one.name == judge.name) {
            Some(same) if *same == judge => {}
            Some(_) => found.push(format!("judge {} is not the same any more", judge.name)),
            None => found.push(format!("judge {} is not asked", judge.name)),
        }
    }
    for judge in now {
        if before.judges.iter().all(|one| one.name != judge.name) {
            found.push(format!("judge {} is new", judge.name));
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let raters = rater_records(plan)?;
    let uncounted = |rater: &RaterRecord| RaterRecord {
        notes: BTreeMap::new(),
        position: None,
        ..rater.clone()
    };
    for rater in &before.raters {
        let name = &rater.rater;
        match raters
            .iter()
            .find(|one| (&one.rater, &one.requirement) == (name, &rater.requirement))
        {
            None => found.push(format!("rater {name} is gone")),
            Some(same) if uncounted(same) != uncounted(rater) => {
                found.push(format!("rater {name} is read or calibrated otherwise"));
            }
            Some(_) => {}
        }
    }
    let is_new = |rater: &&RaterRecord| before.raters.iter().all(|one| one.rater != rater.rater);
    found.extend(
        raters
            .iter()
            .filter(is_new)
            .map(|rater| format!("rater {} is new", rater.rater)),
    );
    let kind = &plan.kind.kind;
    let prompts = kind.stages.iter().filter_map(|stage| match stage {
        Stage::Score(score) => Some(score),
        _ => None,
    });
    for rater in prompts.flat_map(|score| &score.raters) {
        let files = [
            Some(&rater.prompt),
            rater.reasons.as_ref().map(|it| &it.prompt),
        ];
        for file in files.into_iter().flatten() {
            if before.kind.files.get(file) != kind.files.get(file) {
                found.push(format!("the prompt {file} of the kind has changed"));
            }
        }
    }
    found.dedup();
    Ok(found)
}

/// A model, or what is known of one that must not be asked.
pub(crate) struct Kept<'m> {
    model: &'m dyn Model,
    may_be_asked: bool,
}

impl Kept<'_> {
    fn refuse(&self, what: &str, count: usize) -> ModelError {
        ModelError::Stopped {
            model: self.model.identity().name.clone(),
            reason: StopReason::NotStored,
            cause: format!(
                "the store lacks {count} of its {what}, and the stage that wants them is not named by --only-stage, so \
                 nothing was asked"
            ),
        }
    }
}

impl Model for Kept<'_> {
    fn identity(&self) -> &ModelIdentity {
        self.model.identity()
    }

    fn abilities(&self) -> Abilities {
        self.model.abilities()
    }

    fn can_write(&self, request: &SampleRequest) -> Result<(), ModelError> {
        self.model.can_write(request)
    }

    fn is_tried_first(&self) -> bool {
        self.may_be_asked && self.model.is_tried_first()
    }

    fn spending(&self) -> Spending {
        self.model.spending()
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        if self.may_be_asked {
            return self.model.sample(requests, interrupt, deliver);
        }
        Err(self.refuse("texts", requests.len()))
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        if self.may_be_asked {
            return self.model.score(requests, interrupt, deliver);
        }
        Err(self.refuse("scores", requests.len()))
    }

    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        self.model.count_tokens(prompt)
    }

    fn likely_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        self.model.likely_tokens(prompt)
    }
}
