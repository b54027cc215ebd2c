//! Judging texts that are already there: the same raters, prompts and curves as in a run.

use evalwright_core::{Interrupt, Judgement, Verdict};
use evalwright_store::ReplyStore;

use crate::calls::Caller;
use crate::error::PipelineError;
use crate::plan::{Checked, RunPlan};
use crate::progress::Progress;
use crate::stage::score::subject::Subject;
use crate::stage::score::{Asking, NoteCounts, Shown};

/// What all raters of a plan say about one text.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedText {
    /// One per judge and wording that it can do, judges first.
    pub judgements: Vec<Judgement>,
    /// P(the text matches the behaviour), averaged as in a run, known or bounded; `None` when no rater knows.
    pub verdict: Option<Verdict>,
}

/// Judges texts with the plan's judges under all wordings of its kind; replies come from the store where it
/// has them. The generator is not asked, so the judges read all
/// of the behaviour's examples. Results stand in the order of the texts.
///
/// # Errors
/// As [`crate::run`].
pub fn judge(
    plan: &RunPlan<'_>,
    texts: &[String],
    store: &ReplyStore,
    interrupt: &Interrupt,
    progress: &dyn Progress,
) -> Result<Vec<JudgedText>, PipelineError> {
    judge_by(plan, texts, Shown::All, store, interrupt, progress)
}

/// [`judge`] for statements that were written in a run of the same behaviour: the judges read the examples that they
/// read in the run, so their numbers can be compared with those that stand in its rows.
///
/// # Errors
/// As [`crate::run`].
pub fn judge_again(
    plan: &RunPlan<'_>,
    texts: &[String],
    store: &ReplyStore,
    interrupt: &Interrupt,
    progress: &dyn Progress,
) -> Result<Vec<JudgedText>, PipelineError> {
    judge_by(plan, texts, Shown::HeldBack, store, interrupt, progress)
}

fn judge_by(
    plan: &RunPlan<'_>,
    texts: &[String],
    shown: Shown,
    store: &ReplyStore,
    interrupt: &Interrupt,
    progress: &dyn Progress,
) -> Result<Vec<JudgedText>, PipelineError> {
    let checked = Checked::new(plan)?;
    let Some(score) = checked.stages.label_score() else {
        return Ok(texts
            .iter()
            .map(|_| JudgedText {
                judgements: Vec::new(),
                verdict: None,
            })
            .collect());
    };
    let subjects: Vec<Subject<'_>> = texts.iter().map(|text| Subject::of_text(text)).collect();
    let mut asking = Asking {
        caller: &mut Caller::new(store, interrupt, progress),
        notes: &mut NoteCounts::default(),
    };
    score
        .options
        .judge_all(plan, &checked.panels, shown, &subjects, &mut asking)
}
