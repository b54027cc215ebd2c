//! The traits that a model implements: sample text, score answers.
//!
//! Calls come in batches and replies are delivered one by one as they are ready, in any order, from any
//! thread; a reply depends on its own request alone, never on the batch around it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::call::{SampleRequest, ScoreReply, ScoreRequest, TextReply};
use crate::hash::ContentHash;
use crate::interrupt::Interrupt;

/// Everything about a model that can change its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// The name as the user writes it: `local/smollm2-135m-instruct`.
    pub name: String,
    /// SHA-256 of the weights, where they are at hand.
    pub weights: Option<ContentHash>,
    /// The engine and its version.
    pub engine: String,
    /// The effective precision: how the weights are held and multiplied.
    pub precision: String,
    /// SHA-256 of the chat template in use.
    pub chat_template: Option<ContentHash>,
}

impl ModelIdentity {
    /// The identity as one hash, part of every reply's key.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let hex =
            |hash: Option<ContentHash>| hash.map_or_else(String::new, |hash| hash.to_string());
        ContentHash::of_parts(&[
            self.name.clone(),
            hex(self.weights),
            self.engine.clone(),
            self.precision.clone(),
            hex(self.chat_template),
        ])
    }
}

/// One request that got no answer. The run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotFailure {
    /// The model's output held numbers that are not numbers.
    #[error("the model gave logits that are not finite")]
    NonFiniteLogits,
    /// Prompt and reply do not fit into the model's window.
    #[error("prompt and reply need {needed} tokens and the model reads {window}")]
    TooLong {
        /// Tokens needed.
        needed: u64,
        /// Tokens the model can read.
        window: u64,
    },
    /// A continuation that is empty cannot be scored.
    #[error("there is nothing to score: the continuation is empty")]
    EmptyContinuation,
}

/// The model cannot go on at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A stop was asked for; what was in flight has been delivered.
    #[error("interrupted")]
    Interrupted,
    /// The receiver of replies failed, so nothing more may be asked.
    #[error("a reply could not be kept: {0}")]
    Receiver(String),
    /// The engine broke.
    #[error("model {model}: {cause}")]
    Engine {
        /// The model's name.
        model: String,
        /// What happened.
        cause: String,
    },
}

/// Receives `(index of the request, reply)`. An error stops the batch.
pub type Deliver<'a, R> = &'a (dyn Fn(usize, Result<R, SlotFailure>) -> Result<(), String> + Sync);

/// A model that writes text and scores continuations.
pub trait Model: Send + Sync {
    /// What the model is.
    fn identity(&self) -> &ModelIdentity;

    /// Writes one text per request.
    ///
    /// # Errors
    /// [`ModelError::Interrupted`] when a stop was asked for before every request was taken on; every
    /// request taken on has been delivered.
    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError>;

    /// Scores the continuations of each request.
    ///
    /// # Errors
    /// As [`Model::sample`].
    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError>;

    /// How many tokens a prompt has; used by `--dry-run`.
    ///
    /// # Errors
    /// When the prompt cannot be written in the model's chat format.
    fn count_tokens(&self, prompt: &crate::prompt::Prompt) -> Result<u64, ModelError>;
}
