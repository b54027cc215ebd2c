//! Anthropic's `messages`.

use evalwright_core::Role;
use serde_json::{Map, Value, json};

use super::answer::{Answer, End, Reported};
use super::body::Body;
use super::chat::{Turn, chunks, ended_early, messages, shows_none, stops, temperature_allowed};
use super::malformed::{error_in, lacks, not_json};
use super::stream::{self, Event};
use super::{Asked, json};
use crate::remote::trouble::Trouble;
use crate::server::Profile;

/// Writes the body.
pub(super) fn build(
    profile: &Profile,
    model: &str,
    asked: Asked<'_>,
) -> Result<(&'static str, Body), Trouble> {
    let Asked::Sample(request) = asked else {
        return Err(shows_none(profile, model));
    };
    let (messages, _) = messages(profile, &request.prompt, "")?;
    let (system, turns): (Vec<Turn<'_>>, Vec<Turn<'_>>) = messages
        .into_iter()
        .partition(|turn| turn.role == Role::System.as_str());
    let sampling = &request.sampling;
    temperature_allowed(profile, sampling.temperature)?;
    // 1 is the server's own value for both.
    let is_one = |value: f64| (value - 1.0).abs() < f64::EPSILON;
    let temperature = (!is_one(sampling.temperature)).then_some(sampling.temperature);
    let rules_out_top_p = profile.temperature_or_top_p && temperature.is_some();
    let top_p = (!is_one(sampling.top_p) && !rules_out_top_p).then_some(sampling.top_p);
    let stops = stops(profile, &sampling.stop);
    let body = Body::default()
        .put("model", model)
        .put("max_tokens", sampling.max_tokens)
        .put_some("system", joined(&system))
        .put("messages", turns)
        .put_some("temperature", temperature)
        .put_some("top_p", top_p)
        .put_some("stop_sequences", (!stops.is_empty()).then_some(stops));
    Ok(("messages", body))
}

fn joined(system: &[Turn<'_>]) -> Option<String> {
    let texts: Vec<&str> = system.iter().map(|turn| &*turn.content).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// Reads the body of an answer.
pub(super) fn read(content_type: Option<&str>, body: &[u8]) -> Result<Answer, Trouble> {
    if stream::is_events(content_type, body) {
        return from_events(stream::events(body));
    }
    let read = json::one::<Value>(body).map_err(|_| not_json(content_type, body))?;
    if let Some(trouble) = error_in(&read.value) {
        return Err(trouble);
    }
    from_value(&read.value, read.repaired)
}

fn from_value(value: &Value, repaired: bool) -> Result<Answer, Trouble> {
    let blocks = value
        .get("content")
        .and_then(Value::as_array)
        .ok_or_else(|| lacks("content", value))?;
    let texts: Vec<&str> = blocks
        .iter()
        .filter_map(|block| block.get("text")?.as_str())
        .collect();
    let reasoning = blocks
        .iter()
        .filter_map(|block| block.get("thinking")?.as_str())
        .map(str::len)
        .sum();
    Ok(Answer {
        text: (!texts.is_empty()).then(|| texts.concat()),
        reasoning,
        end: End::read(&value["stop_reason"])?,
        usage: usage(&value["usage"]),
        repaired,
        ..Answer::default()
    })
}

/// Tokens that the server took from its cache, or wrote to it, are not among its `input_tokens`.
fn usage(usage: &Value) -> Reported {
    let count = |field: &str| usage[field].as_u64();
    let cached = count("cache_read_input_tokens").unwrap_or(0);
    let written = count("cache_creation_input_tokens").unwrap_or(0);
    Reported {
        prompt: count("input_tokens")
            .map(|fresh| fresh.saturating_add(cached).saturating_add(written)),
        completion: count("output_tokens"),
        cached,
        reasoning: 0,
    }
}

/// Joins the events of a stream to what would have come without one.
fn from_events(events: Vec<Event>) -> Result<Answer, Trouble> {
    let mut texts = String::new();
    let mut thinking = String::new();
    let mut has_text = false;
    let mut reason = Value::Null;
    let mut usage = Map::new();
    let mut repaired = false;
    for event in events {
        for value in chunks(&event, &mut repaired)? {
            for counted in [&value["usage"], &value["message"]["usage"]] {
                // Later counts are totals and win.
                if let Some(counted) = counted.as_object() {
                    usage.extend(counted.clone());
                }
            }
            for piece in [&value["content_block"], &value["delta"]] {
                if let Some(text) = piece["text"].as_str() {
                    texts.push_str(text);
                    has_text = true;
                }
                thinking.push_str(piece["thinking"].as_str().unwrap_or_default());
            }
            if value["delta"]["stop_reason"].is_string() {
                reason = value["delta"]["stop_reason"].clone();
            }
        }
    }
    if reason.is_null() {
        return Err(ended_early());
    }
    let mut blocks = vec![json!({"type": "thinking", "thinking": thinking})];
    if has_text {
        blocks.push(json!({"type": "text", "text": texts}));
    }
    let whole = json!({"content": blocks, "stop_reason": reason, "usage": usage});
    from_value(&whole, repaired)
}
