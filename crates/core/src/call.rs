//! What is asked of a model and what comes back.
//!
//! A request holds everything that can change its answer, so its hash can be the key of the reply store.

use serde::{Deserialize, Serialize};

use crate::prompt::Prompt;
use crate::seed::Seed;

/// How text is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Divides the logits; 0 takes the likeliest token every time.
    pub temperature: f64,
    /// Keeps the smallest set of likeliest tokens whose mass reaches this share, in (0, 1].
    pub top_p: f64,
    /// The reply ends after this many tokens at the latest.
    pub max_tokens: u32,
    /// The reply ends before the first of these strings; none is part of the text.
    pub stop: Vec<String>,
}

/// A request for one text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRequest {
    /// What the model is given.
    pub prompt: Prompt,
    /// How the text is drawn.
    pub sampling: Sampling,
    /// The seed of this draw alone.
    pub seed: Seed,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its turn, or a stop string came.
    Stop,
    /// The token limit cut it.
    Length,
}

/// Tokens read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens written (or scored).
    pub completion_tokens: u64,
    /// Of the prompt's tokens, those that a server took from its own cache, where it says so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_tokens: u64,
    /// Of the tokens written, those of hidden reasoning, where the server says so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
}

impl TokenUsage {
    /// Tokens read and written, none of them cached or hidden.
    #[must_use]
    pub fn new(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            ..Self::default()
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl std::ops::AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cached_tokens += other.cached_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
    }
}

/// Something about a reply that its reader should know. It changes no label by itself; reports count it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum ReplyNote {
    /// The server did not say how many tokens it read and wrote; the numbers are our upper estimate.
    UsageEstimated,
    /// The reply ended because the model's context of this many tokens was full, below the limit asked for.
    ContextFull {
        /// Tokens of prompt and reply together.
        tokens: u64,
    },
    /// A log-probability stood at a floor that servers write for "no value"; it counts as no mass.
    FloorValue,
    /// Probabilities were taken after a sampler at temperature 0: they say which token won, not how surely.
    PostSampling,
    /// A form was not among the tokens shown; only an upper bound of its mass is known.
    FormNotShown,
    /// The server gave no value for a form's log-probability; only an upper bound of its mass is known.
    ValueMissing,
    /// The reply was read from text that had to be repaired.
    Repaired,
}

impl ReplyNote {
    /// The stable code, as in JSON.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UsageEstimated => "usage_estimated",
            Self::ContextFull { .. } => "context_full",
            Self::FloorValue => "floor_value",
            Self::PostSampling => "post_sampling",
            Self::FormNotShown => "form_not_shown",
            Self::ValueMissing => "value_missing",
            Self::Repaired => "repaired",
        }
    }
}

/// A text that a model wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextReply {
    /// The text after the opening and before any stop string.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens read and written.
    pub usage: TokenUsage,
    /// What the reader should know; empty as a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<ReplyNote>,
}

/// Which probability a score asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreMode {
    /// The log-probability of the whole continuation: the sum over its tokens.
    Whole,
    /// The log-probability of the continuation's first token alone; the continuation should be one token.
    FirstToken,
    /// As [`ScoreMode::FirstToken`], while the model is kept from writing anything but one of the continuations.
    Constrained,
}

/// A request for log-probabilities of given continuations of one prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRequest {
    /// What the model is given.
    pub prompt: Prompt,
    /// The continuations, each scored on its own right after the prompt.
    pub continuations: Vec<String>,
    /// Sum over all tokens, or first token.
    pub mode: ScoreMode,
}

/// The score of one continuation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AnswerScore {
    /// Natural logarithm, at most 0 up to rounding.
    pub log_probability: f64,
    /// How many tokens the continuation has.
    pub tokens: u32,
    /// The log-probability is an upper bound only: the continuation was not among the tokens that the
    /// server showed, and can hold no more than the mass that the shown ones leave over.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_most: bool,
}

impl AnswerScore {
    /// A score that is known.
    #[must_use]
    pub fn known(log_probability: f64, tokens: u32) -> Self {
        Self {
            log_probability,
            tokens,
            at_most: false,
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// The scores of one request, in the order of its continuations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreReply {
    /// One entry per continuation.
    pub scores: Vec<AnswerScore>,
    /// Tokens read and scored.
    pub usage: TokenUsage,
    /// What the reader should know; empty as a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<ReplyNote>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notes_code_is_the_one_in_json() {
        for note in [
            ReplyNote::UsageEstimated,
            ReplyNote::ContextFull { tokens: 4096 },
            ReplyNote::FloorValue,
            ReplyNote::PostSampling,
            ReplyNote::FormNotShown,
            ReplyNote::ValueMissing,
            ReplyNote::Repaired,
        ] {
            let json = serde_json::to_value(&note).unwrap();
            assert_eq!(json["code"], note.code());
        }
    }
}
