//! Statements scored in either voice: how likely the statement is after the behaviour and after its contrast.
//!
//! The wordings, examples and curves are those of the kind `statement`. A small model that cannot answer a question
//! still finds a sentence likelier after the description that it fits.

use std::collections::BTreeMap;

use evalwright_core::{Model, UnknownReason, Verdict};
use evalwright_recipe::Behaviour;

use super::answered::Answered;
use super::{Aim, RelabelItem, RelabelJudge, RelabelPlan, RowLabels};
use crate::calls::Caller;
use crate::error::PipelineError;
use crate::no_model::NoModel;
use crate::plan::{Checked, RunPlan};
use crate::stage::score::subject::Subject;
use crate::stage::score::{
    Asked, Asking, NoteCounts, Question, Scoring, Shown, Thoughts, questions, reasonings,
};

/// Whether a row is scored so by this judge.
pub(super) fn is_by_channel(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    item: &RelabelItem,
) -> bool {
    let has_contrast = match plan.aims.get(item.aim) {
        Some(Aim::Behaviour(behaviour)) => !behaviour.contrast.is_empty(),
        _ => false,
    };
    judge.by_channel && has_contrast && item.answers.len() == 2 && item.statement.is_some()
}

/// The rows that are scored so, by their aim, with what they state.
fn by_aim<'i>(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    part: &'i [RelabelItem],
) -> BTreeMap<usize, Vec<(usize, &'i str, usize)>> {
    let mut by_aim: BTreeMap<usize, Vec<(usize, &str, usize)>> = BTreeMap::new();
    for (row, item) in part.iter().enumerate() {
        if let Some((statement, agrees)) = &item.statement
            && is_by_channel(plan, judge, item)
        {
            by_aim
                .entry(item.aim)
                .or_default()
                .push((row, statement, *agrees));
        }
    }
    by_aim
}

/// The rows of one aim that are scored so, with what scores them.
struct Part<'p> {
    run: &'p RunPlan<'p>,
    checked: &'p Checked<'p>,
    scoring: &'p Scoring<'p>,
    /// Place, statement and the answer that agrees with it.
    rows: &'p [(usize, &'p str, usize)],
    subjects: &'p [Subject<'p>],
}

/// Goes through the rows that are scored so, aim by aim.
fn by_parts(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    part: &[RelabelItem],
    mut act: impl FnMut(&Part<'_>) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    let judges = [judge.model];
    for (aim, rows) in by_aim(plan, judge, part) {
        let Some(aim) = plan.aims.get(aim) else {
            continue;
        };
        let none = NoModel::default();
        let run = run_plan(plan, aim.behaviour(), &none, &judges);
        let checked = Checked::new(&run)?;
        let Some(score) = checked.stages.label_score() else {
            continue;
        };
        let subjects: Vec<Subject<'_>> = rows
            .iter()
            .map(|(_, text, _)| Subject::of_text(text))
            .collect();
        act(&Part {
            run: &run,
            checked: &checked,
            scoring: &score.options,
            rows: &rows,
            subjects: &subjects,
        })?;
    }
    Ok(())
}

/// Scores the rows that are scored so.
pub(super) fn score(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    part: &[RelabelItem],
    found: &mut [RowLabels],
    caller: &mut Caller<'_>,
) -> Result<(), PipelineError> {
    by_parts(plan, judge, part, |part| {
        let mut asking = Asking {
            caller: &mut *caller,
            notes: &mut NoteCounts::default(),
        };
        let judged = part.scoring.judge_all(
            part.run,
            &part.checked.panels,
            Shown::All,
            part.subjects,
            &mut asking,
        )?;
        for ((row, _, agrees), judged) in part.rows.iter().zip(judged) {
            let Some(found) = found.get_mut(*row) else {
                continue;
            };
            if let Some(first) = judged.judgements.first() {
                found.method = first.method;
            }
            let reason = judged.judgements.iter().find_map(|one| match &one.verdict {
                Verdict::Unknown { reason } => Some(reason.clone()),
                _ => None,
            });
            found.answers = answered(judged.verdict.as_ref(), *agrees, reason);
        }
        Ok(())
    })
}

/// What a judge would be asked about rows that are scored so.
pub(super) fn asked(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    part: &[RelabelItem],
) -> Result<Vec<Question>, PipelineError> {
    let mut all = Vec::new();
    by_parts(plan, judge, part, |part| {
        let (run, subjects) = (part.run, part.subjects);
        let stage = part.scoring.options();
        for panel in &part.checked.panels {
            let mut thoughts = Thoughts::default();
            for (place, request) in reasonings(run, stage, panel, subjects)? {
                thoughts.suppose(place);
                all.push(Question {
                    asked: Asked::Sample(request),
                    place,
                });
            }
            all.extend(questions(
                run,
                stage,
                panel,
                Shown::All,
                subjects,
                &thoughts,
            )?);
        }
        Ok(())
    })?;
    Ok(all)
}

fn run_plan<'a>(
    plan: &RelabelPlan<'a>,
    behaviour: &'a Behaviour,
    none: &'a NoModel,
    judges: &'a [&'a dyn Model],
) -> RunPlan<'a> {
    RunPlan {
        behaviour,
        kind: plan.kind,
        generator: none,
        judges,
        embedder: None,
        limit: None,
    }
}

/// P(each of two answers) from P(the statement fits) and the place of the answer that agrees.
fn answered(verdict: Option<&Verdict>, agrees: usize, reason: Option<UnknownReason>) -> Answered {
    let (low, high) = match verdict {
        Some(Verdict::Known { matching }) => (matching.value(), matching.value()),
        Some(Verdict::Bounded { low, high }) => (low.value(), high.value()),
        Some(Verdict::Unknown { reason }) => return Answered::Unknown(reason.clone()),
        None => return Answered::Unknown(reason.unwrap_or(UnknownReason::NotAsked)),
    };
    let is_known = matches!(verdict, Some(Verdict::Known { .. }));
    let mut ends = [(low, high), (1.0 - high, 1.0 - low)];
    if agrees != 0 {
        ends.reverse();
    }
    if is_known {
        Answered::Known(ends.iter().map(|ends| ends.0).collect())
    } else {
        Answered::Bounded(ends.to_vec())
    }
}
