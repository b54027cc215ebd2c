//! `completions`: plain text continued, and the log-probabilities of texts by `echo`.

use serde::Deserialize;
use serde_json::Value;

use super::answer::{Answer, End};
use super::body::Body;
use super::chat::{choice, no_plain_text, sampling, shows_none, usage};
use super::malformed::{error_in, lacks, not_json};
use super::{Asked, json, limit, no_log_probabilities};
use crate::probability::sent;
use crate::probability::table::{self, Pairs, Table};
use crate::remote::trouble::Trouble;
use crate::server::{Profile, WholeText};

/// Writes the body for plain text.
pub(super) fn build(
    profile: &Profile,
    model: &str,
    text: &str,
    asked: Asked<'_>,
) -> Result<(&'static str, Body), Trouble> {
    if !profile.text_prompts {
        return Err(no_plain_text(profile));
    }
    let body = Body::default().put("model", model);
    let body = match asked {
        Asked::Sample(_) => {
            let body = body
                .put("prompt", text)
                .put("max_tokens", asked.max_tokens());
            sampling(profile, model, asked, body)?
        }
        Asked::FirstToken(request) => {
            if profile.text_candidates == 0 {
                return Err(shows_none(profile, model));
            }
            let body = body
                .put("prompt", text)
                .put("max_tokens", asked.max_tokens())
                .put("temperature", 0)
                .put("logprobs", profile.text_candidates);
            limit::put(profile, request, body)?
        }
        Asked::Whole { continuation, .. } => {
            if profile.whole_text == WholeText::Never {
                return Err(no_log_probabilities(&format!(
                    "{} gives no logprobs of texts that it is sent",
                    profile.name
                )));
            }
            body.put("prompt", format!("{text}{continuation}"))
                .put("max_tokens", asked.max_tokens())
                .put("temperature", 0)
                .put("logprobs", 1)
                .put("echo", true)
        }
    };
    Ok(("completions", body))
}

/// Reads the body of an answer.
pub(super) fn read(content_type: Option<&str>, body: &[u8]) -> Result<Answer, Trouble> {
    let read = json::one::<Value>(body).map_err(|_| not_json(content_type, body))?;
    let (value, repaired) = (&read.value, read.repaired);
    if let Some(trouble) = error_in(value) {
        return Err(trouble);
    }
    if let Some(answer) = from_own_table(value, repaired) {
        return Ok(answer);
    }
    let choice = choice(value)?;
    let text = choice
        .get("text")
        .and_then(Value::as_str)
        .ok_or_else(|| lacks("text", choice))?;
    let logprobs = &choice["logprobs"];
    Ok(Answer {
        text: Some(text.to_owned()),
        end: End::read(&choice["finish_reason"])?,
        usage: usage(&value["usage"]),
        table: shown(logprobs, body),
        sent: sent::from_columns(logprobs),
        repaired,
        ..Answer::default()
    })
}

/// The tokens shown: a list as in chat replies from newer servers, columns with maps from others.
fn shown(logprobs: &Value, body: &[u8]) -> Option<Table> {
    if let Some(list) = logprobs.get("content") {
        return table::from_list(list);
    }
    // Read once more from the bytes: only there are keys that repeat.
    let maps = json::one::<Maps>(body)
        .ok()
        .and_then(|read| read.value.choices.into_iter().next())
        .and_then(|choice| choice.logprobs)
        .and_then(|logprobs| logprobs.top_logprobs)
        .unwrap_or_default();
    table::from_columns(logprobs, &maps)
}

#[derive(Debug, Deserialize)]
struct Maps {
    choices: Vec<MapsChoice>,
}

#[derive(Debug, Deserialize)]
struct MapsChoice {
    logprobs: Option<MapsLogprobs>,
}

#[derive(Debug, Deserialize)]
struct MapsLogprobs {
    top_logprobs: Option<Vec<Option<Pairs>>>,
}

/// The shape of a llama.cpp server's own endpoint, which some put behind this one.
fn from_own_table(value: &Value, repaired: bool) -> Option<Answer> {
    let table = table::from_list(value.get("completion_probabilities")?)?;
    Some(Answer {
        text: Some(value.get("content")?.as_str()?.to_owned()),
        end: End::Unsaid,
        table: Some(table),
        repaired,
        ..Answer::default()
    })
}
