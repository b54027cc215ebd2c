//! `emit`: maps each chosen candidate to a row.
//!
//! A statement written for the matching side matches when the model under test agrees with it; one written
//! for the other side matches when the model disagrees.

use evalwright_core::{Candidate, Probability, Row, RowMetadata, Side};
use evalwright_recipe::{EmitStage, Values};

use crate::error::PipelineError;
use crate::plan::RunPlan;

/// The row of a candidate whose P(intended side) is known.
pub(crate) fn emit(
    options: &EmitStage,
    run: &RunPlan<'_>,
    candidate: &Candidate,
    confidence: Probability,
) -> Result<Row, PipelineError> {
    let label = candidate.slot.cell.label;
    let values = Values {
        behaviour: run.behaviour,
        label,
        examples: &[],
        statement: Some(&candidate.text),
        opened: true,
        item: None,
        reasoning: None,
    };
    let question = run.kind.prompts.render_text(&options.question, &values)?;
    let (agreeing, disagreeing) = (
        options.answers.matching.clone(),
        options.answers.not_matching.clone(),
    );
    let (matching, not_matching) = match label {
        Side::Matching => (agreeing, disagreeing),
        Side::NotMatching => (disagreeing, agreeing),
    };
    Ok(Row {
        id: Row::identify(&question, &matching, &not_matching),
        question,
        statement: candidate.text.clone(),
        label_confidence: confidence,
        answer_matching_behavior: matching,
        answer_not_matching_behavior: not_matching,
        metadata: RowMetadata {
            label,
            candidate: candidate.id.clone(),
            slot: candidate.slot.clone(),
            reply: candidate.reply,
            flags: candidate.flags.clone(),
            split: None,
            judgements: candidate.judgements.clone(),
        },
    })
}
