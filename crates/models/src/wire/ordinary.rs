//! The shape that nearly every chat answer has, read straight into an [`Answer`] without a tree of values between.
//!
//! Invariant: it gives what reading the tree gives, or nothing. Whatever is unusual (an error inside, a field of another
//! type or of another server, a key twice, anything that needs repair) is left to the reader of trees.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::answer::{Answer, End, Reported};
use super::json::without_mark;
use crate::probability::table::{Candidate, Position, Table};
use crate::remote::trouble::Trouble;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    usage: Option<Usage>,
    #[serde(borrow)]
    object: Option<Cow<'a, str>>,
    error: Option<IgnoredAny>,
    #[serde(default, rename = "type")]
    kind: Present,
    prompt_logprobs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Message<'a>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    logprobs: Option<LogProbabilities<'a>>,
    error: Option<IgnoredAny>,
    #[serde(default)]
    object: Present,
    #[serde(default, rename = "type")]
    kind: Present,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct LogProbabilities<'a> {
    #[serde(borrow)]
    content: Option<Vec<Token<'a>>>,
}

#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
    logprob: Option<f64>,
    bytes: Option<Vec<u8>>,
    #[serde(borrow)]
    top_logprobs: Option<Vec<Token<'a>>>,
    #[serde(default, alias = "probs", alias = "top_probs")]
    prob: Present,
}

#[derive(Default, Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

/// Whether a field is there, if only with null.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// The answer in a body; `None` where it is not of the ordinary shape.
pub(super) fn read(body: &[u8]) -> Option<Result<Answer, Trouble>> {
    let body: Body<'_> = serde_json::from_slice(without_mark(body)).ok()?;
    let unusual = body.error.is_some()
        || body.kind.0
        || body.prompt_logprobs.is_some()
        || body.object.as_deref() == Some("error");
    let choice = body.choices.into_iter().next()?;
    if unusual || choice.error.is_some() || choice.object.0 || choice.kind.0 {
        return None;
    }
    let table = match choice.logprobs.and_then(|shown| shown.content) {
        Some(tokens) => Some(Table {
            positions: tokens
                .into_iter()
                .map(position)
                .collect::<Option<Vec<Position>>>()?,
            post_sampling: false,
        }),
        None => None,
    };
    let end = match End::of(choice.finish_reason.as_deref()) {
        Ok(end) => end,
        Err(trouble) => return Some(Err(trouble)),
    };
    let message = choice.message;
    let reasoning = message.reasoning_content.or(message.reasoning);
    let usage = body.usage.unwrap_or_default();
    Some(Ok(Answer {
        text: message.content.map(Cow::into_owned),
        refusal: message.refusal.map(Cow::into_owned),
        reasoning: reasoning.map_or(0, |text| text.len()),
        end,
        usage: Reported {
            prompt: usage.prompt_tokens,
            completion: usage.completion_tokens,
            cached: usage
                .prompt_tokens_details
                .and_then(|details| details.cached_tokens)
                .unwrap_or(0),
            reasoning: usage
                .completion_tokens_details
                .and_then(|details| details.reasoning_tokens)
                .unwrap_or(0),
        },
        table,
        sent: None,
        repaired: false,
    }))
}

fn position(token: Token<'_>) -> Option<Position> {
    let (written, candidates) = candidate(token)?;
    let candidates = candidates
        .unwrap_or_default()
        .into_iter()
        .map(|token| candidate(token).map(|(candidate, _)| candidate))
        .collect::<Option<Vec<Candidate>>>()?;
    Some(Position::new(written, candidates))
}

/// A token and what is shown beside it; `None` where the server gives probabilities and no logarithms.
fn candidate(token: Token<'_>) -> Option<(Candidate, Option<Vec<Token<'_>>>)> {
    let candidate = Candidate {
        text: token.token.into_owned(),
        bytes: token.bytes,
        log_probability: token.logprob,
    };
    (!token.prob.0).then_some((candidate, token.top_logprobs))
}
