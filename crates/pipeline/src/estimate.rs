//! What a run would cost, without asking any model: `--dry-run`.
//!
//! Numbers are upper bounds for a store that holds nothing; a reply that is there costs nothing.

use evalwright_core::{Cell, Model, Prompt, SlotName};

use crate::calls::count;
use crate::error::PipelineError;
use crate::plan::{Checked, RunPlan};
use crate::stage::score::{Asked, Shown, questions};

/// The least and the most that may come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    /// When the first wave is enough.
    pub first_wave: u64,
    /// When every cell goes to its limit.
    pub worst: u64,
}

/// Calls and tokens of a run. Tokens are bounds: prompts are counted, replies taken at their limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
}

impl Bound {
    fn of(calls: Self, tokens: u64) -> Self {
        Self {
            first_wave: calls.first_wave.saturating_mul(tokens),
            worst: calls.worst.saturating_mul(tokens),
        }
    }

    fn add(&mut self, other: Self) {
        self.first_wave = self.first_wave.saturating_add(other.first_wave);
        self.worst = self.worst.saturating_add(other.worst);
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
    let quota = checked.quota;
    let cells = count(Cell::ALL.len());
    let per_cell = Bound {
        first_wave: u64::from(quota.first),
        worst: u64::from(quota.limit),
    };
    let both = Bound::of(per_cell, cells);
    let mut estimate = Estimate {
        rows: u64::from(quota.wanted).saturating_mul(cells),
        sample_calls: both,
        ..Estimate::default()
    };
    let ask = &checked.stages.ask;
    let reply_tokens = u64::from(ask.options.options().sampling.max_tokens);
    for cell in Cell::ALL {
        let mut longest = 0;
        for index in 0..quota.first {
            let slot = SlotName {
                stage: ask.name.clone(),
                cell,
                index,
            };
            let request = ask.options.request(plan, &slot)?;
            longest = plan.generator.count_tokens(&request.prompt)?.max(longest);
        }
        estimate.prompt_tokens.add(Bound::of(per_cell, longest));
    }
    estimate
        .completion_tokens
        .add(Bound::of(both, reply_tokens));

    for panel in &checked.panels {
        let judge = panel.judge;
        // The questions about one empty statement: its own length is what `reply_tokens` stands for.
        for question in questions(plan, panel, Shown::HeldBack, &[String::new()])? {
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
            let read = judge.count_tokens(prompt)?.saturating_add(statement);
            estimate.prompt_tokens.add(Bound::of(both, read));
            estimate.completion_tokens.add(Bound::of(both, written));
        }
    }
    Ok(estimate)
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
