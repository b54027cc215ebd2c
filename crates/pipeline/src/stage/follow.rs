//! `ask` after the first one, and `repeat`: questions about candidates whose answers become fields.
//!
//! A question is a function of plan, stage, round and candidate alone, so it can be asked again at any time. A
//! candidate that gets no answer, or one that cannot be read, falls in that stage.

use evalwright_core::{
    Candidate, Fields, RejectReason, SampleRequest, Seed, SlotFailure, Step, TextReply, field_text,
};
use evalwright_recipe::{DrawnRow, FollowStage, RepeatStage, Values};
use serde_json::Value;

use crate::calls::Caller;
use crate::draw::Draw;
use crate::error::PipelineError;
use crate::ledger::Ledger;
use crate::plan::RunPlan;
use crate::progress::Progress;
use crate::stage::reading::{ReadItem, Reading};
use crate::stage::score::NoteCounts;

/// What questions need beside the candidates.
pub(crate) struct Asking<'c, 's> {
    pub(crate) caller: &'c mut Caller<'s>,
    pub(crate) notes: &'c mut NoteCounts,
}

/// Where a question stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The stage's name.
    pub(crate) stage: &'a str,
    /// The round, from 1, where the stage repeats.
    pub(crate) round: Option<u32>,
    /// What is drawn for the round.
    pub(crate) draw: Option<&'a DrawnRow>,
}

/// Asks one question about each candidate.
pub(crate) fn apply(
    options: &FollowStage,
    stage: &str,
    run: &RunPlan<'_>,
    positions: &[usize],
    ledger: &mut Ledger,
    asking: &mut Asking<'_, '_>,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    let at = Place {
        stage,
        round: None,
        draw: None,
    };
    ask(options, 0, at, run, positions, ledger, asking, progress)
}

/// Asks the questions of every round about each candidate; rounds follow each other, so that a round sees what the
/// one before gave.
pub(crate) fn repeat(
    options: &RepeatStage,
    stage: &str,
    run: &RunPlan<'_>,
    positions: &[usize],
    ledger: &mut Ledger,
    asking: &mut Asking<'_, '_>,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    for position in positions {
        if let Some(entry) = ledger.entry_mut(*position) {
            started(options, &mut entry.candidate);
        }
    }
    for round in 1..=options.rounds {
        let at = Place {
            stage,
            round: Some(round),
            draw: options.draw.as_ref(),
        };
        for (number, follow) in options.ask.iter().enumerate() {
            ask(follow, number, at, run, positions, ledger, asking, progress)?;
        }
    }
    Ok(())
}

/// Sets the field that the rounds begin with.
pub(crate) fn started(options: &RepeatStage, candidate: &mut Candidate) {
    if let Some(start) = &options.start
        && let Some(value) = candidate.fields.get(&start.from).cloned()
    {
        candidate.fields.insert(start.field.clone(), value);
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the question, its place, and what a stage is given"
)]
fn ask(
    options: &FollowStage,
    number: usize,
    at: Place<'_>,
    run: &RunPlan<'_>,
    positions: &[usize],
    ledger: &mut Ledger,
    asking: &mut Asking<'_, '_>,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    let mut asked: Vec<(usize, Option<String>)> = Vec::new();
    let mut requests = Vec::new();
    for position in positions {
        let Some(entry) = ledger
            .entries()
            .get(*position)
            .filter(|entry| entry.is_pending())
        else {
            continue;
        };
        let (request, drawn) = question(options, number, at, run, &entry.candidate)?;
        asked.push((*position, drawn));
        requests.push(request);
    }
    if requests.is_empty() {
        return Ok(());
    }
    let reading =
        Reading::new(&options.parse, &options.gives).map_err(|problem| PipelineError::Stages {
            kind: run.kind.kind.name.clone(),
            preset: run.kind.kind.preset.clone(),
            problem,
        })?;
    let answers = asking.caller.ask(run.generator, &requests)?;
    let writer = &run.generator.identity().name;
    for (((position, drawn), request), answer) in asked.into_iter().zip(&requests).zip(answers) {
        if let Ok(reply) = &answer.reply {
            asking.notes.add(writer, &reply.notes);
        }
        match read(&reading, request, &answer.reply) {
            Ok(item) => {
                let text = run.kind.kind.text.as_deref();
                if let Some(entry) = ledger.entry_mut(position) {
                    // The limit that cuts another field is no matter of the text.
                    if text.is_some_and(|text| item.fields.contains_key(text)) {
                        entry.finish = item.finish;
                    }
                    add(
                        &mut entry.candidate,
                        text,
                        Step {
                            stage: at.stage.to_owned(),
                            round: at.round,
                            drawn,
                            gave: item.fields,
                            reply: answer.key,
                        },
                        item.flags,
                    );
                }
            }
            Err(reason) => ledger.reject(position, at.stage, reason, progress),
        }
    }
    Ok(())
}

/// The request about one candidate, and the identifier of what was drawn for it.
pub(crate) fn request_about(
    options: &FollowStage,
    run: &RunPlan<'_>,
    candidate: &Candidate,
    draw: Option<&DrawnRow>,
) -> Result<SampleRequest, PipelineError> {
    let at = Place {
        stage: "",
        round: None,
        draw,
    };
    Ok(question(options, 0, at, run, candidate)?.0)
}

/// The request of question `number` of a stage or round about one candidate, and the identifier of what was drawn for
/// it.
pub(crate) fn question(
    options: &FollowStage,
    number: usize,
    at: Place<'_>,
    run: &RunPlan<'_>,
    candidate: &Candidate,
) -> Result<(SampleRequest, Option<String>), PipelineError> {
    let round = at.round.unwrap_or(0);
    let name = format!("{} of {} round {round}", at.stage, candidate.id);
    let mut item = candidate.fields.clone();
    let mut drawn = None;
    if let Some(draw) = at.draw {
        // All questions of a round are about the same row.
        let row = drawn_rows(run, draw, run.seed().derive(&format!("draw for {name}")));
        if let Some(row) = row.into_iter().next() {
            drawn = row.get("id").and_then(field_text);
            item.insert(draw.field.clone(), Value::Object(row));
        }
    }
    let values = Values {
        behaviour: run.behaviour,
        label: candidate.slot.cell.label,
        examples: &[],
        statement: Some(&candidate.text),
        opened: run.generator.abilities().opened_replies,
        item: Some(&item),
        reasoning: None,
    };
    Ok((
        SampleRequest {
            prompt: run.kind.prompts.render_prompt(&options.prompt, &values)?,
            sampling: options.sampling.clone(),
            seed: run.seed().derive(&format!("question {number} of {name}")),
        },
        drawn,
    ))
}

/// The rows that a seed draws from a table, in the drawn order.
pub(crate) fn drawn_rows(run: &RunPlan<'_>, draw: &DrawnRow, seed: Seed) -> Vec<Fields> {
    let mut rows: Vec<&Fields> = run
        .kind
        .table(run.behaviour, &draw.table)
        .unwrap_or_default()
        .iter()
        .collect();
    Draw::new(seed).shuffle(&mut rows);
    rows.into_iter().take(draw.count).cloned().collect()
}

/// The first item of a reply.
fn read(
    reading: &Reading<'_>,
    request: &SampleRequest,
    reply: &Result<TextReply, SlotFailure>,
) -> Result<ReadItem, RejectReason> {
    let reply = reply.as_ref().map_err(|failure| RejectReason::NoReply {
        detail: failure.to_string(),
    })?;
    let mut items = reading.items(&request.prompt, reply)?;
    if items.is_empty() {
        return Err(RejectReason::Unparsable {
            detail: "no_item: the reply holds no item".to_owned(),
        });
    }
    Ok(items.swap_remove(0))
}

/// Puts a step's fields into a candidate; the field that lints and judges look at becomes its text.
pub(crate) fn add(candidate: &mut Candidate, text: Option<&str>, step: Step, flags: Vec<String>) {
    for (name, value) in &step.gave {
        if text == Some(name)
            && let Some(value) = field_text(value)
        {
            candidate.text = value;
        }
        candidate.fields.insert(name.clone(), value.clone());
    }
    for flag in flags {
        if !candidate.flags.contains(&flag) {
            candidate.flags.push(flag);
        }
    }
    candidate.history.push(step);
}
