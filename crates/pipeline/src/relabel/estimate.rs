//! What judging rows would take, without asking: `audit --dry-run`.
//!
//! Numbers are bounds for a store that holds nothing; a reply that is there costs nothing, and equal rows are asked
//! about once.

use std::collections::BTreeMap;

use evalwright_core::{Model, Prompt, SampleRequest, ScoreRequest};
use evalwright_recipe::Prompts;

use super::{RelabelJudge, RelabelPlan, TOGETHER, asking, channel, check, templates};
use crate::error::PipelineError;
use crate::stage::score::Asked;

/// Calls and tokens of all judges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelabelEstimate {
    /// Calls that sample a reply.
    pub sample_calls: u64,
    /// Calls that score.
    pub score_calls: u64,
    /// The tokens of each model, by its name: models have prices of their own.
    pub models: BTreeMap<String, RelabelTokens>,
}

/// What one model reads and writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelabelTokens {
    /// Tokens that it reads at most.
    pub prompt_tokens: u64,
    /// Tokens that it reads as far as one can tell.
    pub likely_prompt_tokens: u64,
    /// Tokens that it writes or scores at most.
    pub completion_tokens: u64,
}

/// Counts calls and tokens.
///
/// # Errors
/// When a prompt cannot be rendered, or written in a model's chat format; no judge or the same one twice.
pub fn estimate_relabel(plan: &RelabelPlan<'_>) -> Result<RelabelEstimate, PipelineError> {
    check(plan)?;
    let prompts = templates()?;
    let mut estimate = RelabelEstimate::default();
    for judge in plan.judges {
        add(plan, judge, &prompts, &mut estimate)?;
    }
    Ok(estimate)
}

fn add(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    prompts: &Prompts,
    estimate: &mut RelabelEstimate,
) -> Result<(), PipelineError> {
    let mut tokens = RelabelTokens::default();
    for part in plan.items.chunks(TOGETHER) {
        for question in channel::asked(plan, judge, part)? {
            match &question.asked {
                Asked::Score(request) => {
                    estimate.score_calls += 1;
                    tokens.add_scored(judge.model, request)?;
                }
                Asked::Sample(request) => {
                    estimate.sample_calls += 1;
                    tokens.add_sampled(judge.model, request)?;
                }
            }
        }
        for question in asking::questions(plan, judge, part, prompts)? {
            if asking::method(judge) == evalwright_core::Method::Token {
                estimate.score_calls += 1;
                tokens.add_scored(judge.model, &asking::scored(&question))?;
            } else {
                for request in asking::votes(plan, &question) {
                    estimate.sample_calls += 1;
                    tokens.add_sampled(judge.model, &request)?;
                }
            }
        }
    }
    let name = judge.model.identity().name.clone();
    estimate.models.insert(name, tokens);
    Ok(())
}

impl RelabelTokens {
    fn add_scored(
        &mut self,
        model: &dyn Model,
        request: &ScoreRequest,
    ) -> Result<(), PipelineError> {
        self.read(model, &request.prompt)?;
        for continuation in &request.continuations {
            self.completion_tokens += model.count_tokens(&Prompt::Text(continuation.clone()))?;
        }
        Ok(())
    }

    fn add_sampled(
        &mut self,
        model: &dyn Model,
        request: &SampleRequest,
    ) -> Result<(), PipelineError> {
        self.read(model, &request.prompt)?;
        self.completion_tokens += u64::from(request.sampling.max_tokens);
        Ok(())
    }

    fn read(&mut self, model: &dyn Model, prompt: &Prompt) -> Result<(), PipelineError> {
        self.prompt_tokens += model.count_tokens(prompt)?;
        self.likely_prompt_tokens += model.likely_tokens(prompt)?;
        Ok(())
    }
}
