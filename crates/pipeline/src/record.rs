//! From a finished run to its manifest. Version, parent, files and content hash are filled in at publication.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Method, Sampling};
use evalwright_dataset::manifest::{
    CalibrationRecord, CalibrationUse, CellCount, RaterRecord, StageCount,
};
use evalwright_dataset::{
    DedupRecord, Funnel, KindRecord, MANIFEST_SCHEMA, Manifest, SelectionRecord,
};
use evalwright_recipe::Origin;

use crate::calibrate::Calibration;
use crate::calls::{CallCounts, Caller};
use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger, State};
use crate::panel::{LABEL, Panel};
use crate::plan::{Checked, RunPlan};
use crate::stage::emit_item::Emitting;
use crate::stage::score::{NoteCounts, rater_name};

/// The program and version in `made_by`; all crates carry one version.
const MADE_BY: &str = concat!("evalwright ", env!("CARGO_PKG_VERSION"));

/// The manifest of a run.
pub(crate) fn manifest(
    checked: &Checked<'_>,
    recipe: ContentHash,
    ledger: &Ledger,
    caller: &Caller<'_>,
    notes: &NoteCounts,
    waves: u32,
    selection: SelectionRecord,
) -> Result<Manifest, PipelineError> {
    let run = &checked.run;
    let kind = &run.kind.kind;
    let select = checked.stages.select.options;
    Ok(Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        made_by: MADE_BY.to_owned(),
        dataset: run.behaviour.name.as_str().to_owned(),
        version: String::new(),
        parent: None,
        fixes: Vec::new(),
        recipe,
        behaviour: serde_json::to_value(run.behaviour)?,
        license: run.behaviour.license.clone(),
        canary: canary(recipe),
        kind: KindRecord {
            name: kind.name.clone(),
            preset: kind.preset.clone(),
            origin: match kind.origin {
                Origin::BuiltIn => "built-in".to_owned(),
                Origin::Project => "project".to_owned(),
            },
            files: kind.files.clone(),
        },
        seed: run.seed(),
        generator: run.generator.identity().clone(),
        sampling: checked.stages.ask.as_ref().map_or_else(
            || Sampling {
                temperature: 0.0,
                top_p: 1.0,
                max_tokens: 0,
                stop: Vec::new(),
            },
            |ask| ask.options.options().sampling.clone(),
        ),
        judges: run
            .judges
            .iter()
            .map(|judge| judge.identity().clone())
            .collect(),
        raters: raters(&checked.panels, notes),
        mean_calibration: checked
            .panels
            .iter()
            .filter(|panel| panel.requirement == LABEL)
            .filter_map(|panel| {
                let mean = panel.mean.as_ref()?;
                Some((panel.judge.identity().name.clone(), calibration(mean)))
            })
            .collect(),
        minimum_confidence: checked.minimum_confidence(),
        calibration: calibration_use(checked)?,
        dedup: checked.stages.dedup.as_ref().map_or_else(
            || DedupRecord {
                layers: Vec::new(),
                shingle: None,
                near: None,
                semantic: None,
            },
            |dedup| dedup.options.record(),
        ),
        take: select.take.as_str().to_owned(),
        order: select.order.as_str().to_owned(),
        selection: Some(selection),
        funnel: funnel(checked, ledger, caller.used(), waves),
        usage: caller.usage(),
        notes: notes.of(&run.generator.identity().name),
        columns: checked
            .emitting
            .as_ref()
            .map(Emitting::columns)
            .unwrap_or_default(),
        dealt: checked
            .items
            .dealt
            .iter()
            .map(|(name, values)| (name.clone(), *values as u64))
            .collect(),
        content: None,
        files: BTreeMap::new(),
        seal: None,
    })
}

/// The calibration file in force, whole: the version can be made again, and explained, without it.
fn calibration_use(checked: &Checked<'_>) -> Result<Option<CalibrationUse>, PipelineError> {
    let choice = checked.run.behaviour.calibration.as_ref();
    let Some((choice, content)) =
        choice.and_then(|choice| Some((choice, choice.content.as_ref()?)))
    else {
        return Ok(None);
    };
    Ok(Some(CalibrationUse {
        file: choice.file.clone(),
        sha256: content.hash()?,
        precision: content
            .threshold(choice.precision)
            .ok()
            .flatten()
            .map(|threshold| threshold.precision),
        minimum: choice.minimum,
        content: serde_json::to_value(content)?,
    }))
}

/// A string that no other text holds: it follows from the recipe, and no two recipes give the same.
fn canary(recipe: ContentHash) -> String {
    let digits = ContentHash::of_parts(&["canary", recipe.to_string().as_str()]).short(32);
    format!("evalwright-canary-{digits}")
}

/// Each judge of a plan under each wording, as the manifest of its run will have them but for what is counted.
///
/// # Errors
/// When the plan's parts do not fit together.
pub fn rater_records(plan: &RunPlan<'_>) -> Result<Vec<RaterRecord>, PipelineError> {
    let checked = Checked::new(plan)?;
    Ok(raters(&checked.panels, &NoteCounts::default()))
}

fn raters(panels: &[Panel<'_>], notes: &NoteCounts) -> Vec<RaterRecord> {
    let mut records = Vec::new();
    for panel in panels {
        let judge = &panel.judge.identity().name;
        for seat in &panel.seats {
            let rater = rater_name(judge, &seat.wording.name);
            let draws = seat.wording.votes.as_ref();
            records.push(RaterRecord {
                judge: judge.clone(),
                wording: seat.wording.name.clone(),
                requirement: panel.requirement.to_owned(),
                method: seat.method,
                samples: draws
                    .filter(|_| seat.method == Method::Votes)
                    .map(|draws| draws.samples),
                reasons: seat
                    .wording
                    .reasons
                    .as_ref()
                    .map(|reasons| reasons.sampling.clone()),
                clamp: seat.wording.clamp,
                counts: seat.wording.counts,
                calibration: calibration(&seat.curve),
                notes: notes.of(&rater),
                position: notes.position_of(&rater).record(),
                rater,
            });
        }
    }
    records
}

fn calibration(curve: &Calibration) -> CalibrationRecord {
    CalibrationRecord {
        slope: curve.slope,
        intercept: curve.intercept,
        knots: curve
            .rising
            .iter()
            .flat_map(|curve| curve.knots())
            .collect(),
        origin: curve.origin.to_owned(),
    }
}

fn funnel(checked: &Checked<'_>, ledger: &Ledger, used: CallCounts, waves: u32) -> Funnel {
    let tally = ledger.tally();
    let rejected = ledger.rejected_by_stage();
    let mut received = tally.asked;
    let stages = checked
        .stages
        .names()
        .into_iter()
        .map(|stage| {
            let passed = received.saturating_sub(rejected.get(stage).copied().unwrap_or(0));
            let count = StageCount {
                stage: stage.to_owned(),
                received,
                passed,
            };
            received = passed;
            count
        })
        .collect();
    Funnel {
        asked: tally.asked,
        sample_calls: used.sample,
        score_calls: used.score,
        waves,
        accepted: tally.accepted,
        rejected: tally.rejected,
        pending: tally.pending,
        stages,
        reasons: ledger.rejected_by_reason(),
        cells: checked
            .items
            .cells
            .iter()
            .zip(&checked.quotas)
            .map(|((place, _), quota)| {
                let is_own = |entry: &Entry| {
                    let slot = &entry.candidate.slot;
                    slot.cell == place.cell && slot.group == place.group
                };
                CellCount {
                    cell: place.cell,
                    group: place.group.clone(),
                    wanted: u64::from(quota.wanted),
                    got: ledger.count(|entry| is_own(entry) && entry.state == State::Accepted),
                    asked: ledger.count(is_own),
                }
            })
            .collect(),
    }
}
