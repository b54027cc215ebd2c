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
}

impl std::ops::AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
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
}

/// Which probability a score asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreMode {
    /// The log-probability of the whole continuation: the sum over its tokens.
    Whole,
    /// The log-probability of the continuation's first token alone; the continuation should be one token.
    FirstToken,
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
}

/// The scores of one request, in the order of its continuations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreReply {
    /// One entry per continuation.
    pub scores: Vec<AnswerScore>,
    /// Tokens read and scored.
    pub usage: TokenUsage,
}
