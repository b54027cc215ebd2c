//! What a run would cost, without asking any model: `--dry-run`.
//!
//! Numbers are upper bounds for a store that holds nothing; a reply that is there costs nothing.

use std::collections::BTreeMap;

use evalwright_core::{Candidate, ContentHash, Model, Prompt, SlotName};
use evalwright_recipe::{FollowStage, ScoreStage, sample_fields};

use crate::calls::count;
use crate::error::PipelineError;
use crate::plan::{Checked, RunPlan};
use crate::stage::Filter;
use crate::stage::follow::request_about;
use crate::stage::score::subject::Subject;
use crate::stage::score::{Asked, Shown, Thoughts, questions, reasonings};

/// The least and the most that may come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    /// When the first wave is enough.
    pub first_wave: u64,
    /// When every cell goes to its limit.
    pub worst: u64,
}

/// Calls and tokens of a run. Tokens are bounds: prompts are counted, replies taken at their limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Rows wanted in all.
    pub rows: u64,
    /// Calls that write text, judges' votes among them.
    pub sample_calls: Bound,
    /// Calls that score, if each reply gives one candidate and none falls before.
    pub score_calls: Bound,
    /// Tokens that models read.
    pub prompt_tokens: Bound,
    /// Tokens that models write or score.
    pub completion_tokens: Bound,
    /// The tokens of each model, by its name: models have prices of their own.
    pub models: BTreeMap<String, ModelTokens>,
}

/// What one model reads and writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelTokens {
    /// Tokens that it reads at most.
    pub prompt_tokens: Bound,
    /// Tokens that it reads as far as one can tell; statements count with the token limit of their reply.
    pub likely_prompt_tokens: Bound,
    /// Tokens that it writes or scores at most.
    pub completion_tokens: Bound,
}

impl Bound {
    fn of(calls: Self, tokens: u64) -> Self {
        Self {
            first_wave: calls.first_wave.saturating_mul(tokens),
            worst: calls.worst.saturating_mul(tokens),
        }
    }

    /// Adds what is in the other one.
    pub fn add(&mut self, other: Self) {
        self.first_wave = self.first_wave.saturating_add(other.first_wave);
        self.worst = self.worst.saturating_add(other.worst);
    }
}

impl Estimate {
    /// Adds so many calls of a model, each with a prompt of these tokens and so many written.
    fn add(&mut self, model: &dyn Model, calls: Bound, prompt: PromptLength, written: u64) {
        let (read, likely) = (
            Bound::of(calls, prompt.at_most),
            Bound::of(calls, prompt.likely),
        );
        let written = Bound::of(calls, written);
        self.prompt_tokens.add(read);
        self.completion_tokens.add(written);
        let own = self
            .models
            .entry(model.identity().name.clone())
            .or_default();
        own.prompt_tokens.add(read);
        own.likely_prompt_tokens.add(likely);
        own.completion_tokens.add(written);
    }
}

/// The tokens of a prompt.
#[derive(Debug, Clone, Copy, Default)]
struct PromptLength {
    at_most: u64,
    likely: u64,
}

impl PromptLength {
    fn of(model: &dyn Model, prompt: &Prompt) -> Result<Self, PipelineError> {
        Ok(Self {
            at_most: model.count_tokens(prompt)?,
            likely: model.likely_tokens(prompt)?,
        })
    }

    fn and(self, tokens: u64) -> Self {
        Self {
            at_most: self.at_most.saturating_add(tokens),
            likely: self.likely.saturating_add(tokens),
        }
    }
}

/// Counts calls and tokens of a plan.
///
/// Every prompt of the first wave's slots is rendered and counted; later prompts differ in their examples
/// alone, so the longest of a cell stands for them. A statement counts with the token limit of its reply.
///
/// # Errors
/// When the plan's parts do not fit together, or a prompt cannot be written in a model's chat format.
pub fn estimate(plan: &RunPlan<'_>) -> Result<Estimate, PipelineError> {
    let checked = Checked::new(plan)?;
    let mut all = Bound::default();
    for quota in &checked.quotas {
        all.add(Bound {
            first_wave: u64::from(quota.first),
            worst: u64::from(quota.limit),
        });
    }
    let wanted: u64 = checked
        .quotas
        .iter()
        .map(|quota| u64::from(quota.wanted))
        .sum();
    let mut estimate = Estimate {
        rows: wanted.saturating_mul(count(checked.items.rows_each)),
        ..Estimate::default()
    };
    let mut reply_tokens = 0;
    if let Some(ask) = &checked.stages.ask {
        reply_tokens = u64::from(ask.options.options().sampling.max_tokens);
        estimate.sample_calls = all;
        for ((place, _), quota) in checked.items.cells.iter().zip(&checked.quotas) {
            let mut longest = PromptLength::default();
            for index in 0..quota.first {
                let slot = SlotName {
                    stage: ask.name.clone(),
                    cell: place.cell,
                    group: place.group.clone(),
                    index,
                };
                let request = ask
                    .options
                    .request(plan, &slot, &checked.beginning(&slot))?;
                let length = PromptLength::of(plan.generator, &request.prompt)?;
                longest.at_most = longest.at_most.max(length.at_most);
                longest.likely = longest.likely.max(length.likely);
            }
            let own = Bound {
                first_wave: u64::from(quota.first),
                worst: u64::from(quota.limit),
            };
            estimate.add(plan.generator, own, longest, reply_tokens);
        }
    }
    let sample = sample(plan, &checked)?;
    for filter in &checked.stages.filters {
        let (follows, draw, rounds): (Vec<&FollowStage>, _, u64) = match filter {
            Filter::Follow(follow) => (vec![follow.options], None, 1),
            Filter::Repeat(repeat) => (
                repeat.options.ask.iter().collect(),
                repeat.options.draw.as_ref(),
                u64::from(repeat.options.rounds),
            ),
            _ => continue,
        };
        for follow in follows {
            let Some(candidate) = &sample else { continue };
            let calls = Bound::of(all, rounds);
            let request = request_about(follow, plan, candidate, draw)?;
            let read = PromptLength::of(plan.generator, &request.prompt)?.and(reply_tokens);
            estimate.sample_calls.add(calls);
            let written = u64::from(request.sampling.max_tokens);
            estimate.add(plan.generator, calls, read, written);
            reply_tokens = reply_tokens.saturating_add(u64::from(request.sampling.max_tokens));
        }
    }
    let both = all;
    let stages: Vec<&ScoreStage> = checked
        .stages
        .scores()
        .map(|score| score.options.options())
        .collect();
    for panel in &checked.panels {
        let judge = panel.judge;
        let Some(stage) = stages
            .iter()
            .find(|stage| stage.requirement == panel.requirement)
        else {
            continue;
        };
        // The questions about one empty statement: its own length is what `reply_tokens` stands for.
        let subject = match &sample {
            Some(candidate) => Subject::of_candidate(candidate, true),
            None => Subject::of_text(""),
        };
        let mut thoughts = Thoughts::default();
        let mut thought_tokens = BTreeMap::new();
        for (place, request) in reasonings(plan, stage, panel, &[subject])? {
            estimate.sample_calls.add(both);
            let most = u64::from(request.sampling.max_tokens);
            let read = PromptLength::of(judge, &request.prompt)?.and(reply_tokens);
            estimate.add(judge, both, read, most);
            thoughts.suppose(place);
            thought_tokens.insert(place, most);
        }
        for question in questions(plan, stage, panel, Shown::HeldBack, &[subject], &thoughts)? {
            let thought = thought_tokens.get(&question.place).copied().unwrap_or(0);
            let (prompt, in_prompt, written) = match &question.asked {
                Asked::Score(request) => {
                    estimate.score_calls.add(both);
                    let mut scored = 0_u64;
                    for continuation in &request.continuations {
                        scored = scored.saturating_add(scored_tokens(
                            judge,
                            continuation,
                            reply_tokens,
                        )?);
                    }
                    // The statement stands either in the continuation, left empty here, or in the prompt.
                    let in_prompt = request.continuations.iter().all(|text| !text.is_empty());
                    (&request.prompt, in_prompt, scored)
                }
                Asked::Sample(request) => {
                    estimate.sample_calls.add(both);
                    let most = u64::from(request.sampling.max_tokens);
                    (&request.prompt, true, most)
                }
            };
            let statement = if in_prompt { reply_tokens } else { 0 };
            let read = PromptLength::of(judge, prompt)?.and(statement.saturating_add(thought));
            estimate.add(judge, both, read, written);
        }
    }
    Ok(estimate)
}

/// A candidate that stands in for a real one where a kind maps fields. Its text is empty, as a statement's is.
fn sample(plan: &RunPlan<'_>, checked: &Checked<'_>) -> Result<Option<Candidate>, PipelineError> {
    if !plan.kind.kind.maps_fields() {
        return Ok(None);
    }
    let Some((place, _)) = checked.items.cells.first() else {
        return Ok(None);
    };
    let slot = SlotName {
        stage: checked.first_stage().to_owned(),
        cell: place.cell,
        group: place.group.clone(),
        index: 0,
    };
    Ok(Some(Candidate {
        id: Candidate::identify(&slot, 0, ""),
        slot,
        position: 0,
        text: String::new(),
        reply: ContentHash::of(b""),
        fields: sample_fields(plan.kind, plan.behaviour)?,
        history: Vec::new(),
        flags: Vec::new(),
        judgements: Vec::new(),
        confidence: None,
    }))
}

/// Tokens of a continuation; an empty one stands for the statement.
fn scored_tokens(
    judge: &dyn Model,
    continuation: &str,
    reply_tokens: u64,
) -> Result<u64, PipelineError> {
    if continuation.is_empty() {
        return Ok(reply_tokens);
    }
    Ok(judge.count_tokens(&Prompt::Text(continuation.to_owned()))?)
}
