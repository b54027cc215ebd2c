//! Asking a judge outright: letters where the answer begins, or sampled replies that are counted.

use std::collections::BTreeMap;

use evalwright_core::{
    Fields, Method, Prompt, SampleRequest, Sampling, ScoreMode, ScoreRequest, Side,
};
use evalwright_recipe::choices::letter;
use evalwright_recipe::{Prompts, Values};
use serde_json::Value;

use super::answered::Answered;
use super::channel::is_by_channel;
use super::{
    AMBIGUOUS, RELEVANCE, RelabelItem, RelabelJudge, RelabelPlan, RowLabels, WHICH, WHICH_RIGHT,
};
use crate::calls::Caller;
use crate::error::PipelineError;

/// Sampled replies to each question: with both orders six for a label.
const VOTES: u32 = 3;
/// Tokens that an answer of one word may take, with what models put around it.
const ANSWER_TOKENS: u32 = 16;
/// The highest relevance.
const MOST_RELEVANT: u8 = 5;

/// What a question is for. The order is the one in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    Label,
    TurnedLabel,
    Relevance,
    Unclear,
}

/// One prompt with the forms of its answers.
pub(super) struct Question {
    row: usize,
    purpose: Purpose,
    prompt: Prompt,
    forms: Vec<Vec<String>>,
}

/// How a judge's answers are read.
pub(super) fn method(judge: &RelabelJudge<'_>) -> Method {
    if judge.by_votes || !judge.model.abilities().first_token {
        Method::Votes
    } else {
        Method::Token
    }
}

/// The first question that a judge of which too much may be supposed is tried with.
pub(super) fn first_question(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    prompts: &Prompts,
) -> Result<Option<ScoreRequest>, PipelineError> {
    if !judge.model.is_tried_first() || method(judge) != Method::Token {
        return Ok(None);
    }
    for part in plan.items.chunks(1) {
        if let Some(question) = questions(plan, judge, part, prompts)?.into_iter().next() {
            return Ok(Some(scored(&question)));
        }
    }
    Ok(None)
}

/// Asks about every row that is not scored by channel, and all rows for relevance and clearness where the judge is
/// asked for them.
pub(super) fn ask(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    part: &[RelabelItem],
    prompts: &Prompts,
    found: &mut [RowLabels],
    caller: &mut Caller<'_>,
) -> Result<(), PipelineError> {
    let questions = questions(plan, judge, part, prompts)?;
    let method = method(judge);
    let answers: Vec<Answered> = match method {
        Method::Token => {
            let requests: Vec<ScoreRequest> = questions.iter().map(scored).collect();
            caller
                .ask(judge.model, &requests)?
                .iter()
                .zip(&questions)
                .map(|(answer, question)| Answered::of_scores(&answer.reply, &question.forms))
                .collect()
        }
        _ => {
            let requests: Vec<SampleRequest> = questions
                .iter()
                .flat_map(|question| votes(plan, question))
                .collect();
            let replies = caller.ask(judge.model, &requests)?;
            replies
                .chunks(VOTES as usize)
                .zip(&questions)
                .map(|(answers, question)| {
                    let replies: Vec<_> =
                        answers.iter().map(|answer| answer.reply.clone()).collect();
                    Answered::of_votes(&replies, &question.forms)
                })
                .collect()
        }
    };
    let mut by_row: BTreeMap<usize, BTreeMap<Purpose, Answered>> = BTreeMap::new();
    for (question, answer) in questions.iter().zip(answers) {
        by_row
            .entry(question.row)
            .or_default()
            .insert(question.purpose, answer);
    }
    for (row, mut answers) in by_row {
        let (Some(found), Some(item)) = (found.get_mut(row), part.get(row)) else {
            continue;
        };
        let turned = turned(item.answers.len());
        if let (Some(given), Some(other)) = (
            answers.remove(&Purpose::Label),
            answers.remove(&Purpose::TurnedLabel),
        ) {
            let other = other.reordered(&turned);
            found.method = method;
            found.is_steady = match (given.likeliest(), other.likeliest()) {
                (Some(one), Some(other)) => Some(one == other),
                _ => None,
            };
            found.answers = Answered::mean(&[given, other]);
        }
        found.relevance = answers.remove(&Purpose::Relevance);
        found.unclear = answers.remove(&Purpose::Unclear);
    }
    Ok(())
}

/// The places of answers in the opposite order.
fn turned(count: usize) -> Vec<usize> {
    (0..count).rev().collect()
}

/// All questions about some rows, row by row.
pub(super) fn questions(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    part: &[RelabelItem],
    prompts: &Prompts,
) -> Result<Vec<Question>, PipelineError> {
    let mut by_template: BTreeMap<&str, Vec<(usize, Purpose, Fields)>> = BTreeMap::new();
    for (row, item) in part.iter().enumerate() {
        let Some(aim) = plan.aims.get(item.aim) else {
            continue;
        };
        let order: Vec<usize> = (0..item.answers.len()).collect();
        let given = shown(item, &order, aim.asks_right());
        if !is_by_channel(plan, judge, item) {
            let template = if aim.asks_right() { WHICH_RIGHT } else { WHICH };
            let list = by_template.entry(template).or_default();
            list.push((row, Purpose::Label, given.clone()));
            let opposite = shown(item, &turned(item.answers.len()), aim.asks_right());
            list.push((row, Purpose::TurnedLabel, opposite));
        }
        if judge.asks_more {
            if !aim.asks_right() {
                let list = by_template.entry(RELEVANCE).or_default();
                list.push((row, Purpose::Relevance, given.clone()));
            }
            let list = by_template.entry(AMBIGUOUS).or_default();
            list.push((row, Purpose::Unclear, given));
        }
    }
    let mut questions = Vec::new();
    for (template, list) in by_template {
        let values: Vec<Values<'_>> = list
            .iter()
            .filter_map(|(row, _, fields)| {
                let aim = plan.aims.get(part.get(*row)?.aim)?;
                Some(Values {
                    behaviour: aim.behaviour(),
                    label: Side::Matching,
                    examples: &[],
                    statement: None,
                    opened: false,
                    item: Some(fields),
                    reasoning: None,
                })
            })
            .collect();
        let rendered = prompts.render_prompts(template, &values)?;
        for ((row, purpose, _), prompt) in list.iter().zip(rendered) {
            let answers = part.get(*row).map_or(0, |item| item.answers.len());
            questions.push(Question {
                row: *row,
                purpose: *purpose,
                prompt,
                forms: forms(*purpose, answers, method(judge)),
            });
        }
    }
    questions.sort_by_key(|question| (question.row, question.purpose));
    Ok(questions)
}

/// A row's question and its answers under letters, in an order.
fn shown(item: &RelabelItem, order: &[usize], asks_right: bool) -> Fields {
    let mut text = item.question.trim().to_owned();
    text.push('\n');
    for (place, answer) in order
        .iter()
        .filter_map(|at| item.answers.get(*at))
        .enumerate()
    {
        text.push_str(&format!("\n({}) {}", letter(place), answer.trim()));
    }
    let mut fields = Fields::new();
    fields.insert("shown".to_owned(), Value::String(text));
    fields.insert("asks_right".to_owned(), Value::Bool(asks_right));
    fields
}

/// The forms of each answer. A first token is a bare word; a sampled reply may have brackets around it.
fn forms(purpose: Purpose, answers: usize, method: Method) -> Vec<Vec<String>> {
    let spelt = |word: String| match method {
        Method::Token => vec![format!(" {word}"), word],
        _ => vec![format!("({word})"), word],
    };
    match purpose {
        Purpose::Label | Purpose::TurnedLabel => (0..answers)
            .map(|place| spelt(letter(place).to_string()))
            .collect(),
        Purpose::Relevance => (1..=MOST_RELEVANT)
            .map(|number| spelt(number.to_string()))
            .collect(),
        Purpose::Unclear => ["Yes", "No"]
            .map(|word| vec![word.to_owned(), format!(" {word}"), word.to_lowercase()])
            .to_vec(),
    }
}

/// A question for log-probabilities where its answer begins.
pub(super) fn scored(question: &Question) -> ScoreRequest {
    ScoreRequest {
        prompt: question.prompt.clone(),
        continuations: question.forms.concat(),
        mode: ScoreMode::FirstToken,
    }
}

/// A question for sampled replies. Their seeds follow from the prompt and the number of the reply.
pub(super) fn votes(plan: &RelabelPlan<'_>, question: &Question) -> Vec<SampleRequest> {
    (0..VOTES)
        .map(|number| SampleRequest {
            prompt: question.prompt.clone(),
            sampling: Sampling {
                temperature: 1.0,
                top_p: 1.0,
                max_tokens: ANSWER_TOKENS,
                stop: Vec::new(),
            },
            seed: plan
                .seed
                .derive(&format!("vote {number} on {}", question.prompt.hash())),
        })
        .collect()
}
