//! What a judge is asked about texts.
//!
//! A question depends on the plan, the wording and one text alone, so equal texts make equal questions.

use evalwright_core::{
    ContentHash, Fields, Method, Prompt, SampleRequest, Sampling, ScoreMode, ScoreRequest, Side,
};
use evalwright_recipe::{AnswerForms, Rater, ScoreStage, Values, VoteDraws};
use rayon::prelude::*;

use super::Shown;
use super::reasoning::Thoughts;
use super::subject::{Subject, View, views};
use crate::error::PipelineError;
use crate::panel::{Panel, Seat};
use crate::plan::RunPlan;

/// Texts whose prompts are rendered by one task: enough that starting it does not show.
const RENDERED_TOGETHER: usize = 1_024;

/// One request of a judge.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// Log-probabilities.
    Score(ScoreRequest),
    /// One vote.
    Sample(SampleRequest),
}

/// What a question is about: the positions of the text among those given, of the rater in the panel, and of the view of
/// the text, which is an order of its answers or a drawn row.
pub(crate) type Place = (usize, usize, usize);

/// One request of a judge with what it is for.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// What is asked.
    pub(crate) asked: Asked,
    /// What it is about.
    pub(crate) place: Place,
}

/// The requests of one judge about subjects. Those with the same prompt stand together.
pub(crate) fn questions(
    run: &RunPlan<'_>,
    stage: &ScoreStage,
    panel: &Panel<'_>,
    shown: Shown,
    subjects: &[Subject<'_>],
    thoughts: &Thoughts,
) -> Result<Vec<Question>, PipelineError> {
    let mut questions = Vec::with_capacity(subjects.len());
    for (number, seat) in panel.seats.iter().enumerate() {
        if seat.method != Method::Channel {
            let parts: Vec<_> = subjects
                .par_chunks(RENDERED_TOGETHER)
                .enumerate()
                .map(|(part, subjects)| {
                    let place = (part * RENDERED_TOGETHER, number);
                    questions_of_part(run, stage, seat, subjects, place, thoughts)
                })
                .collect();
            for part in parts {
                questions.extend(part?);
            }
            continue;
        }
        let mut add = |text: usize, view: usize, asked: Asked| {
            questions.push(Question {
                asked,
                place: (text, number, view),
            });
        };
        for side in Side::ALL {
            let mut shared: Option<(Prompt, String)> = None;
            for (text, subject) in subjects.iter().enumerate() {
                let Some(view) = views(run, stage, seat, subject).into_iter().next() else {
                    continue;
                };
                // The prompt of a kind with fields may speak of the candidate; else it is one for all.
                let fields = view.item.as_ref().or(subject.fields());
                let (prompt, lead) = match (fields, &shared) {
                    (None, Some(shared)) => shared.clone(),
                    (fields, _) => voice(run, shown, seat.wording, side, fields)?,
                };
                // Nothing is not scored as the lead alone: the model says that it is empty.
                let led = |text: &str| match text.is_empty() {
                    true => String::new(),
                    false => format!("{lead}{text}"),
                };
                let request = ScoreRequest {
                    prompt: prompt.clone(),
                    continuations: match view.forms.as_deref() {
                        Some(answers) if stage.options.is_some() => answers
                            .matching
                            .iter()
                            .chain(&answers.not_matching)
                            .map(|answer| led(answer))
                            .collect(),
                        _ => vec![led(subject.text)],
                    },
                    mode: ScoreMode::Whole,
                };
                if subject.fields().is_none() {
                    shared = Some((prompt, lead));
                }
                add(text, 0, Asked::Score(request));
            }
        }
    }
    Ok(questions)
}

/// The requests of a rater that is asked about each text alone, for texts of which the first stands at this position
/// among all. The error is that of the first prompt that cannot be rendered.
fn questions_of_part(
    run: &RunPlan<'_>,
    stage: &ScoreStage,
    seat: &Seat<'_>,
    subjects: &[Subject<'_>],
    (first, number): (usize, usize),
    thoughts: &Thoughts,
) -> Result<Vec<Question>, PipelineError> {
    let mut seen = Vec::with_capacity(subjects.len());
    for (text, subject) in (first..).zip(subjects) {
        for (view, shown) in views(run, stage, seat, subject).into_iter().enumerate() {
            let place = (text, number, view);
            // Without the reasoning that its prompt must hold there is no question.
            if seat.wording.reasons.is_none() || thoughts.text(place).is_some() {
                seen.push((place, subject, shown));
            }
        }
    }
    let values: Vec<Values<'_>> = seen
        .iter()
        .map(|(place, subject, view)| Values {
            reasoning: thoughts.text(*place),
            ..about(run, subject, view)
        })
        .collect();
    let prompts = run
        .kind
        .prompts
        .render_prompts(&seat.wording.prompt, &values)?;
    Ok(seen
        .iter()
        .zip(prompts)
        .flat_map(|((place, subject, view), prompt)| {
            asked(run, seat, subject, view, prompt)
                .into_iter()
                .map(|asked| Question {
                    asked,
                    place: *place,
                })
        })
        .collect())
}

/// The prompt of a channel rater for one side, and the blanks that move from its end to the text: models
/// read a blank as the beginning of the word after it, so a prompt that ends with one misleads them.
fn voice(
    run: &RunPlan<'_>,
    shown: Shown,
    rater: &Rater,
    side: Side,
    item: Option<&Fields>,
) -> Result<(Prompt, String), PipelineError> {
    let values = Values {
        behaviour: run.behaviour,
        label: side,
        examples: match shown {
            Shown::HeldBack => run.behaviour.examples.for_judges(side),
            Shown::All => run.behaviour.examples.side(side),
        },
        statement: None,
        opened: true,
        item,
        reasoning: None,
    };
    let mut prompt = run.kind.prompts.render_prompt(&rater.prompt, &values)?;
    let end = match &mut prompt {
        Prompt::Text(text) => text,
        Prompt::Chat { opening, .. } => opening,
    };
    let kept = end.trim_end_matches(' ').len();
    let lead = end.split_off(kept);
    Ok((prompt, lead))
}

/// What the prompt about one statement knows. It is rendered for the matching side whatever the statement was written
/// for, so that it cannot give the intended label away.
pub(super) fn about<'a>(
    run: &RunPlan<'a>,
    subject: &'a Subject<'a>,
    view: &'a View<'a>,
) -> Values<'a> {
    Values {
        behaviour: run.behaviour,
        label: Side::Matching,
        examples: &[],
        statement: Some(subject.text),
        opened: true,
        item: view.item.as_ref().or(subject.fields()),
        reasoning: None,
    }
}

/// The requests of a rater that is asked about one statement by this prompt.
fn asked(
    run: &RunPlan<'_>,
    seat: &Seat<'_>,
    subject: &Subject<'_>,
    view: &View<'_>,
    prompt: Prompt,
) -> Vec<Asked> {
    // Answers and draws are there for every rater that needs them: the stage has checked it.
    match (seat.method, view.forms.as_deref(), &seat.wording.votes) {
        (Method::Votes, _, Some(draws)) => votes(run, seat, prompt, &view.name(subject), draws),
        (Method::Sequence, Some(forms), _) => {
            vec![Asked::Score(compared(prompt, forms, ScoreMode::Whole))]
        }
        (Method::Token, Some(forms), _) => {
            vec![Asked::Score(compared(prompt, forms, ScoreMode::FirstToken))]
        }
        (Method::Constrained, Some(forms), _) => {
            vec![Asked::Score(compared(
                prompt,
                forms,
                ScoreMode::Constrained,
            ))]
        }
        _ => Vec::new(),
    }
}

fn compared(prompt: Prompt, forms: &AnswerForms, mode: ScoreMode) -> ScoreRequest {
    ScoreRequest {
        prompt,
        continuations: forms
            .matching
            .iter()
            .chain(&forms.not_matching)
            .cloned()
            .collect(),
        mode,
    }
}

/// One request for each vote. Its seed follows from the run's seed, the rater, the text and the vote's number,
/// so votes on one text differ and votes on two texts have nothing in common.
fn votes(
    run: &RunPlan<'_>,
    seat: &Seat<'_>,
    prompt: Prompt,
    text: &ContentHash,
    draws: &VoteDraws,
) -> Vec<Asked> {
    (0..draws.samples)
        .map(|number| {
            Asked::Sample(SampleRequest {
                prompt: prompt.clone(),
                sampling: Sampling {
                    temperature: draws.temperature,
                    top_p: 1.0,
                    max_tokens: draws.max_tokens,
                    stop: Vec::new(),
                },
                seed: run
                    .seed()
                    .derive(&format!("vote {}/{number}/{text}", seat.wording.name)),
            })
        })
        .collect()
}
