//! What is tried before the first text is written: whether the writer can be asked at all, and one question to each
//! judge.
//!
//! A server may give less than its kind promises; that must show before a writer is paid. The question is a real
//! one, about an example that the judges read, and its answer is kept like any other: a run that goes on asks it
//! no more. It counts for nothing in the outcome.

use evalwright_core::{SampleRequest, Side};

use crate::calls::Caller;
use crate::error::PipelineError;
use crate::plan::Checked;
use crate::stage::score::subject::Subject;
use crate::stage::score::{Asked, Shown, Thoughts, questions};

/// Finds out what would end the run after the first texts: a writer that cannot be asked for `texts`, or a judge that
/// cannot give scores or does not answer at all. Any other failure of the one question says nothing about the others.
pub(crate) fn try_models(
    checked: &Checked<'_>,
    texts: &[SampleRequest],
    caller: &mut Caller<'_>,
) -> Result<(), PipelineError> {
    if let Some(text) = texts.first() {
        checked.run.generator.can_write(text)?;
    }
    let examples = &checked.run.behaviour.examples;
    let Some(example) = Side::ALL
        .iter()
        .find_map(|side| examples.for_judges(*side).first())
    else {
        return Ok(());
    };
    for panel in &checked.panels {
        if !panel.judge.is_tried_first() {
            continue;
        }
        let Some(stage) = checked
            .stages
            .scores()
            .map(|score| score.options.options())
            .find(|stage| stage.requirement == panel.requirement)
        else {
            continue;
        };
        let subject = Subject::of_text(example);
        // What a judge is asked after its reasoning cannot be asked before there is any; such raters are not tried.
        let none = Thoughts::default();
        let shown = Shown::HeldBack;
        let question = questions(&checked.run, stage, panel, shown, &[subject], &none)?
            .into_iter()
            .find_map(|question| match question.asked {
                Asked::Score(request) => Some(request),
                Asked::Sample(_) => None,
            });
        if let Some(request) = question {
            caller.try_out(panel.judge, &request)?;
        }
    }
    Ok(())
}
