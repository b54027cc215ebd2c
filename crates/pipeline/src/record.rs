//! From a finished run to its manifest. Version, parent, files and content hash are filled in at publication.

use std::collections::BTreeMap;

use evalwright_core::{Cell, ContentHash, Model};
use evalwright_dataset::manifest::{CalibrationRecord, CellCount, RaterRecord, StageCount};
use evalwright_dataset::{DedupRecord, Funnel, KindRecord, MANIFEST_SCHEMA, Manifest};
use evalwright_recipe::Origin;

use crate::calibrate::{Calibration, JudgeCurves};
use crate::calls::{CallCounts, Caller};
use crate::error::PipelineError;
use crate::ledger::{Ledger, State};
use crate::plan::Checked;
use crate::stage::score::{Scoring, rater_name};

/// The program and version in `made_by`; all crates carry one version.
const MADE_BY: &str = concat!("evalwright ", env!("CARGO_PKG_VERSION"));

/// The manifest of a run.
pub(crate) fn manifest(
    checked: &Checked<'_>,
    recipe: ContentHash,
    ledger: &Ledger,
    caller: &Caller<'_>,
    curves: &[JudgeCurves],
    waves: u32,
) -> Result<Manifest, PipelineError> {
    let run = &checked.run;
    let kind = &run.kind.kind;
    let select = checked.stages.select.options;
    let raters = match checked.stages.score() {
        Some(score) => raters(&score.options, run.judges, curves),
        None => Vec::new(),
    };
    Ok(Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        made_by: MADE_BY.to_owned(),
        dataset: run.behaviour.name.as_str().to_owned(),
        version: String::new(),
        parent: None,
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
        sampling: checked.stages.ask.options.options().sampling.clone(),
        judges: run
            .judges
            .iter()
            .map(|judge| judge.identity().clone())
            .collect(),
        raters,
        mean_calibration: run
            .judges
            .iter()
            .zip(curves)
            .filter_map(|(judge, curves)| {
                let mean = curves.mean.as_ref()?;
                Some((judge.identity().name.clone(), calibration(mean)))
            })
            .collect(),
        minimum_confidence: select.minimum,
        dedup: checked.stages.dedup.as_ref().map_or_else(
            || DedupRecord {
                layers: Vec::new(),
                shingle: None,
                near: None,
            },
            |dedup| dedup.options.record(),
        ),
        take: select.take.as_str().to_owned(),
        order: select.order.as_str().to_owned(),
        funnel: funnel(checked, ledger, caller.used(), waves),
        usage: caller.usage(),
        content: None,
        files: BTreeMap::new(),
    })
}

/// A string that no other text holds: it follows from the recipe, and no two recipes give the same.
fn canary(recipe: ContentHash) -> String {
    let digits = ContentHash::of_parts(&["canary", recipe.to_string().as_str()]).short(32);
    format!("evalwright-canary-{digits}")
}

fn raters(
    scoring: &Scoring<'_>,
    judges: &[&dyn Model],
    curves: &[JudgeCurves],
) -> Vec<RaterRecord> {
    let mut records = Vec::new();
    for (judge, curves) in judges.iter().zip(curves) {
        let name = &judge.identity().name;
        for (rater, curve) in scoring.raters().iter().zip(&curves.raters) {
            records.push(RaterRecord {
                rater: rater_name(name, &rater.name),
                judge: name.clone(),
                wording: rater.name.clone(),
                method: rater.method,
                counts: rater.counts,
                calibration: calibration(curve),
            });
        }
    }
    records
}

fn calibration(curve: &Calibration) -> CalibrationRecord {
    CalibrationRecord {
        slope: curve.slope,
        intercept: curve.intercept,
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
        cells: Cell::ALL
            .iter()
            .map(|cell| CellCount {
                cell: *cell,
                wanted: u64::from(checked.quota.wanted),
                got: ledger.count(*cell, |entry| entry.state == State::Accepted),
                asked: ledger.count(*cell, |_| true),
            })
            .collect(),
    }
}
