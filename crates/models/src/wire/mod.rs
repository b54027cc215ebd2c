//! What is sent to a server and what comes back, as bytes. Pure functions: no connection, no clock.
//!
//! Any bytes give a reply or a [`Trouble`], never a panic. A reply that was cut, is an error in the clothes of a success, or
//! holds no answer is never a good one.

mod answer;
mod body;
mod chat;
mod completions;
pub(crate) mod embeddings;
mod estimate;
mod json;
mod limit;
mod malformed;
mod messages;
mod ollama;
mod ordinary;
mod stream;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod requests;

use bytes::Bytes;
use evalwright_core::{
    Prompt, SampleRequest, ScoreReply, ScoreRequest, StopReason, TextReply, TokenUsage,
};

pub(crate) use embeddings::Embedded;
pub(crate) use estimate::PromptEstimate;

use crate::remote::trouble::Trouble;
use crate::server::{Profile, Protocol};

/// Tokens that an answer may take whose first tokens are read: blanks and a bracket can stand before it.
const ANSWER_TOKENS: u32 = 4;

/// One request to a server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// A text.
    Sample(&'a SampleRequest),
    /// The log-probabilities of all continuations where the answer begins.
    FirstToken(&'a ScoreRequest),
    /// The log-probability of one whole text after a prompt.
    Whole {
        /// What stands before it.
        prompt: &'a Prompt,
        /// The text.
        continuation: &'a str,
    },
}

impl Asked<'_> {
    /// What the model is given.
    pub(crate) fn prompt(&self) -> &Prompt {
        match self {
            Self::Sample(request) => &request.prompt,
            Self::FirstToken(request) => &request.prompt,
            Self::Whole { prompt, .. } => prompt,
        }
    }

    /// How many tokens the server may write at most.
    pub(crate) fn max_tokens(&self) -> u32 {
        match self {
            Self::Sample(request) => request.sampling.max_tokens,
            Self::FirstToken(_) => ANSWER_TOKENS,
            // Some servers refuse 0.
            Self::Whole { .. } => 1,
        }
    }
}

/// A request as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// The endpoint, below the server's version: `chat/completions`.
    pub(crate) endpoint: &'static str,
    /// The exact bytes: JSON with keys in a fixed order.
    pub(crate) body: Bytes,
    /// How many tokens the prompt has, by what can be known without the tokenizer.
    pub(crate) prompt_estimate: PromptEstimate,
}

/// A good answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Got {
    /// To [`Asked::Sample`].
    Text(TextReply),
    /// To the others; one score for [`Asked::Whole`].
    Scores(ScoreReply),
}

/// Writes a request.
///
/// # Errors
/// [`Trouble::Stop`] when the server cannot do what is asked, whatever the text; [`Trouble::Fail`] when this one request
/// cannot be asked.
pub(crate) fn build(profile: &Profile, model: &str, asked: Asked<'_>) -> Result<Outgoing, Trouble> {
    let (endpoint, body) = match (profile.protocol, asked.prompt()) {
        (Protocol::Chat, Prompt::Chat { .. }) => chat::build(profile, model, asked)?,
        (Protocol::Chat, Prompt::Text(text)) => completions::build(profile, model, text, asked)?,
        (Protocol::Messages, _) => messages::build(profile, model, asked)?,
        (Protocol::Ollama, _) => ollama::build(profile, model, asked)?,
    };
    Ok(Outgoing {
        endpoint,
        body: body.into_bytes().into(),
        prompt_estimate: estimate::prompt(asked),
    })
}

/// Reads the body of a response with status 200.
///
/// # Errors
/// What follows from an answer that is not good.
pub(crate) fn read(
    profile: &Profile,
    model: &str,
    asked: Asked<'_>,
    prompt_estimate: PromptEstimate,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Got, Trouble> {
    let reader = answer::Reader {
        profile,
        model,
        asked,
        prompt_estimate,
    };
    reader.settle(answer(profile, asked, content_type, body)?)
}

/// What a body of status 200 says that its answer took, whether or not the answer is a good one; `None` where it does
/// not say all of it.
pub(crate) fn reported_usage(
    profile: &Profile,
    asked: Asked<'_>,
    content_type: Option<&str>,
    body: &[u8],
) -> Option<TokenUsage> {
    let reported = answer(profile, asked, content_type, body).ok()?.usage;
    Some(TokenUsage {
        prompt_tokens: reported.prompt?,
        completion_tokens: reported.completion?,
        cached_tokens: reported.cached,
        reasoning_tokens: reported.reasoning,
    })
}

fn answer(
    profile: &Profile,
    asked: Asked<'_>,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<answer::Answer, Trouble> {
    match (profile.protocol, asked.prompt()) {
        (Protocol::Chat, Prompt::Chat { .. }) => chat::read(content_type, body),
        (Protocol::Chat, Prompt::Text(_)) => completions::read(content_type, body),
        (Protocol::Messages, _) => messages::read(content_type, body),
        (Protocol::Ollama, _) => ollama::read(content_type, body),
    }
}

/// The server cannot do what the kind asks.
fn unsupported(cause: String) -> Trouble {
    Trouble::Stop {
        reason: StopReason::Unsupported,
        cause,
    }
}

/// The server shows no log-probabilities.
fn no_log_probabilities(cause: &str) -> Trouble {
    Trouble::Stop {
        reason: StopReason::NoLogProbabilities,
        cause: format!(
            "{cause}; use a model that gives logprobs, or sampled votes (method `votes`)"
        ),
    }
}
