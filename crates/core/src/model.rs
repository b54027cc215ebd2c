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
    /// The model declined to answer. Asking again would cost and bring the same.
    #[error("the model refused: {text}")]
    Refused {
        /// What it said instead.
        text: String,
    },
    /// The server's content filter held the reply back.
    #[error("the server's content filter held the reply back: {detail}")]
    Filtered {
        /// What the server says about it.
        detail: String,
    },
    /// The reply holds no answer that can be seen: all went into hidden reasoning, or it is empty.
    #[error("no visible answer: {detail}")]
    NoVisibleAnswer {
        /// What came, and what may help.
        detail: String,
    },
    /// The server read less of the prompt than was sent.
    #[error(
        "the server read {reported} prompt tokens of about {estimated}: it cut the prompt; give the model \
         a larger context (num_ctx, --ctx-size, --max-model-len)"
    )]
    PromptCut {
        /// Tokens the server says it read.
        reported: u64,
        /// Tokens of the prompt by our estimate.
        estimated: u64,
    },
    /// The server's answer passed the limit on its size.
    #[error("the server's answer is larger than {limit} bytes")]
    ResponseTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The server refused this one request.
    #[error("the server refused the request with status {status}: {detail}")]
    RequestRefused {
        /// The HTTP status.
        status: u16,
        /// What the server says.
        detail: String,
    },
    /// Passing trouble that outlasted all attempts.
    #[error("gave up after {attempts} attempts: {detail}")]
    GaveUp {
        /// How often it was asked.
        attempts: u32,
        /// The last trouble.
        detail: String,
    },
    /// Log-probabilities that are none: above 0, or with a sum of probabilities above 1.
    #[error("the server's log-probabilities are none: {detail}")]
    InvalidProbabilities {
        /// What is wrong with them.
        detail: String,
    },
    /// No form of any answer stands where the answer begins.
    #[error("no answer can be read: {detail}")]
    AnswersMissing {
        /// What stands there instead.
        detail: String,
    },
}

impl SlotFailure {
    /// Whether asking again would bring the same. What is not final is kept as a record of the attempt, and
    /// asked again by the next run.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::NonFiniteLogits
            | Self::TooLong { .. }
            | Self::EmptyContinuation
            | Self::Refused { .. }
            | Self::Filtered { .. }
            | Self::NoVisibleAnswer { .. }
            | Self::PromptCut { .. }
            | Self::RequestRefused { .. }
            | Self::InvalidProbabilities { .. }
            | Self::AnswersMissing { .. } => true,
            Self::ResponseTooLarge { .. } | Self::GaveUp { .. } => false,
        }
    }
}

/// Why a model stopped answering. The run ends, keeps everything, and goes on with the same command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The server does not accept the key, or wants one.
    KeyRefused,
    /// The server does not know the model, or there is no such server path.
    NotFound,
    /// The account has no money or quota left. Waiting does not help.
    QuotaExhausted,
    /// The next request could pass the user's own limit on money or tokens.
    BudgetSpent,
    /// Too many failures one after the other, or no connection at all.
    ServerSick,
    /// The server asks for a longer wait than the user allows.
    WaitTooLong,
    /// The server sends elsewhere. A key or a prompt is never sent after it.
    Redirected,
    /// The server gives no log-probabilities and the kind needs them.
    NoLogProbabilities,
    /// The model cannot do what the kind asks, whatever the request.
    Unsupported,
    /// Only stored replies may be used here, and the store lacks one.
    NotStored,
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
    /// The model cannot go on; what came so far is kept.
    #[error("model {model}: {cause}")]
    Stopped {
        /// The model's name.
        model: String,
        /// Why.
        reason: StopReason,
        /// A sentence with what the server said, without any secret.
        cause: String,
    },
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

/// After which prompts a model can score a given text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholeScores {
    /// After none.
    Never,
    /// After plain text: the server has no way to score a text inside its chat format.
    AfterText,
    /// After any prompt.
    Always,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// [`ScoreMode::Whole`](crate::ScoreMode::Whole): log-probabilities of given texts.
    pub whole_scores: WholeScores,
    /// [`ScoreMode::FirstToken`](crate::ScoreMode::FirstToken): log-probabilities where the answer begins.
    pub first_token: bool,
    /// [`ScoreMode::Constrained`](crate::ScoreMode::Constrained): the same with an output that is limited to the
    /// answers.
    pub constrained: bool,
    /// [`Prompt::Text`](crate::Prompt::Text): plain text without a chat format.
    pub text_prompts: bool,
    /// Going on from the `opening` of a [`Prompt::Chat`](crate::Prompt::Chat). Without it the opening must be
    /// empty.
    pub opened_replies: bool,
}

impl Abilities {
    /// Everything, as a model inside the process.
    pub const ALL: Self = Self {
        whole_scores: WholeScores::Always,
        first_token: true,
        // The mass of the answers, renormalised, is the very distribution that a limited output is drawn from.
        constrained: true,
        text_prompts: true,
        opened_replies: true,
    };
}

/// What a model's calls took in this process. Nothing of it is part of a dataset's content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Of these, repeated ones.
    pub retries: u64,
    /// Requests that ended after the server may have worked on them: possibly paid twice.
    pub possibly_paid_twice: u64,
    /// Money by the user's prices, in their currency; `None` where the model is free.
    pub cost: Option<f64>,
    /// Replies whose tokens are our estimate.
    pub estimated_usage: u64,
}

/// A model that writes text and scores continuations.
pub trait Model: Send + Sync {
    /// What the model is.
    fn identity(&self) -> &ModelIdentity;

    /// What it can do; everything, unless a model says otherwise.
    fn abilities(&self) -> Abilities {
        Abilities::ALL
    }

    /// Whether the model can be asked for a text like this at all. Nothing is sent.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] with the reason why it cannot.
    fn can_write(&self, request: &SampleRequest) -> Result<(), ModelError> {
        let _ = request;
        Ok(())
    }

    /// Whether [`Model::abilities`] is only what is supposed of it, so that one answer should show what it really
    /// can before anything depends on it.
    fn is_tried_first(&self) -> bool {
        false
    }

    /// What its calls took so far; nothing, for a model that costs nothing.
    fn spending(&self) -> Spending {
        Spending::default()
    }

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

    /// How many tokens a prompt has as far as one can tell: the very number for a model inside the process, and
    /// near the truth rather than a bound where the tokenizer is not at hand.
    ///
    /// # Errors
    /// As [`Model::count_tokens`].
    fn likely_tokens(&self, prompt: &crate::prompt::Prompt) -> Result<u64, ModelError> {
        self.count_tokens(prompt)
    }
}
