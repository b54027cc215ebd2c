//! Ollama's own protocol: `api/chat`, and `api/generate` for plain text.
//!
//! Its OpenAI-compatible endpoint hides how much of a prompt was read; this one says it.

use evalwright_core::Prompt;
use serde_json::{Map, Value, json};

use super::answer::{Answer, End, Reported};
use super::body::Body;
use super::chat::{ended_early, messages, seed, shows_none, stops, temperature_allowed};
use super::malformed::{again, error_in, lacks, not_json, quoted};
use super::{Asked, json, limit, no_log_probabilities, stream};
use crate::probability::table;
use crate::remote::trouble::Trouble;
use crate::server::Profile;

/// Writes the body.
pub(super) fn build(
    profile: &Profile,
    model: &str,
    asked: Asked<'_>,
) -> Result<(&'static str, Body), Trouble> {
    let body = Body::default().put("model", model);
    let (endpoint, body, candidates) = match asked.prompt() {
        Prompt::Chat { .. } => {
            let (messages, _) = messages(profile, asked.prompt(), "")?;
            let body = body.put("messages", messages);
            ("api/chat", body, profile.chat_candidates)
        }
        Prompt::Text(text) => {
            let body = body.put("prompt", text.as_str()).put("raw", true);
            ("api/generate", body, profile.text_candidates)
        }
    };
    let options = Body::default().put("num_predict", asked.max_tokens());
    let (body, options) = match asked {
        Asked::Sample(request) => {
            let sampling = &request.sampling;
            temperature_allowed(profile, sampling.temperature)?;
            let stops = stops(profile, &sampling.stop);
            let options = options
                .put("temperature", sampling.temperature)
                .put("top_p", sampling.top_p)
                .put_all(profile.neutral)
                .put_some("stop", (!stops.is_empty()).then_some(stops))
                .put("seed", seed(request.seed.0));
            (body, options)
        }
        Asked::FirstToken(request) => {
            if candidates == 0 {
                return Err(shows_none(profile, model));
            }
            let body = limit::put(profile, request, body)?;
            let body = body.put("logprobs", true).put("top_logprobs", candidates);
            (body, options.put("temperature", 0))
        }
        Asked::Whole { .. } => {
            return Err(no_log_probabilities(&format!(
                "{} gives no logprobs of texts that it is sent",
                profile.name
            )));
        }
    };
    // Hidden reasoning would take the few tokens that are asked for; models without any do not mind.
    let body = body
        .put_some("think", profile.reasoning_off.then_some(false))
        .put("stream", false)
        .put_object("options", options);
    Ok((endpoint, body))
}

/// Reads the body of an answer: one object, or a stream of them, one a line.
pub(super) fn read(content_type: Option<&str>, body: &[u8]) -> Result<Answer, Trouble> {
    if let Ok(read) = json::one::<Value>(body) {
        return from_parts(vec![read.value], read.repaired);
    }
    let mut parts = Vec::new();
    let mut repaired = false;
    for line in stream::lines(body) {
        match json::one::<Value>(&line) {
            Ok(read) => {
                repaired |= read.repaired;
                parts.push(read.value);
            }
            Err(_) if parts.is_empty() => return Err(not_json(content_type, body)),
            Err(_) => {
                return Err(again(format!(
                    "malformed line in the stream: {}",
                    quoted(&String::from_utf8_lossy(&line))
                )));
            }
        }
    }
    if parts.is_empty() {
        return Err(not_json(content_type, body));
    }
    from_parts(parts, repaired)
}

/// Joins the parts of a reply. The last one says that it is whole.
fn from_parts(parts: Vec<Value>, repaired: bool) -> Result<Answer, Trouble> {
    let mut whole = Map::new();
    let mut text: Option<String> = None;
    let mut thinking = 0;
    let mut logprobs: Option<Vec<Value>> = None;
    for part in parts {
        if let Some(trouble) = error_in(&part) {
            return Err(trouble);
        }
        let piece = part["message"]["content"]
            .as_str()
            .or_else(|| part["response"].as_str());
        if let Some(piece) = piece {
            text.get_or_insert_default().push_str(piece);
        }
        for field in [&part["message"]["thinking"], &part["thinking"]] {
            thinking += field.as_str().map_or(0, str::len);
        }
        if let Some(tokens) = part["logprobs"].as_array() {
            logprobs
                .get_or_insert_default()
                .extend(tokens.iter().cloned());
        }
        if let Value::Object(fields) = part {
            whole.extend(fields);
        }
    }
    let whole = Value::Object(whole);
    match whole["done"].as_bool() {
        Some(true) => {}
        Some(false) => return Err(ended_early()),
        None => return Err(lacks("done", &whole)),
    }
    Ok(Answer {
        text,
        reasoning: thinking,
        end: End::read(&whole["done_reason"])?,
        usage: Reported {
            prompt: whole["prompt_eval_count"].as_u64(),
            completion: whole["eval_count"].as_u64(),
            ..Reported::default()
        },
        table: logprobs.and_then(|tokens| table::from_list(&json!(tokens))),
        repaired,
        ..Answer::default()
    })
}
