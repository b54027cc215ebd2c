//! `chat/completions` as OpenAI made it and everyone else speaks it.

use std::borrow::Cow;

use evalwright_core::{Prompt, Role};
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{Answer, End, Reported};
use super::body::Body;
use super::malformed::{again, error_in, lacks, not_json};
use super::stream::{self, Event};
use super::{Asked, json, limit, no_log_probabilities, ordinary, unsupported};
use crate::probability::{sent, table};
use crate::remote::trouble::Trouble;
use crate::server::{Opening, Profile, TokenLimitField, WholeText};

/// Bytes of a body beside its texts, as a rule.
const BESIDE_THE_TEXTS: usize = 512;

/// Writes the body for a conversation.
pub(super) fn build(
    profile: &Profile,
    model: &str,
    asked: Asked<'_>,
) -> Result<(&'static str, Body), Trouble> {
    let continued = match asked {
        Asked::Whole { continuation, .. } => {
            if profile.whole_text != WholeText::EchoAndChat {
                return Err(no_log_probabilities(&format!(
                    "{} gives no logprobs of a text inside the chat format",
                    profile.name
                )));
            }
            continuation
        }
        Asked::Sample(_) | Asked::FirstToken(_) => "",
    };
    let (messages, opened) = messages(profile, asked.prompt(), continued)?;
    let texts: usize = messages.iter().map(|turn| turn.content.len()).sum();
    let body = Body::with_room(texts + texts / 16 + BESIDE_THE_TEXTS)
        .put("model", model)
        .put("messages", messages);
    let reasons = profile.is_reasoning(model);
    let limit = match profile.token_limit {
        TokenLimitField::MaxCompletionTokens => "max_completion_tokens",
        TokenLimitField::MaxTokens if reasons => "max_completion_tokens",
        TokenLimitField::MaxTokens => "max_tokens",
    };
    let body = body.put(limit, asked.max_tokens());
    let body = match asked {
        Asked::Sample(_) => sampling(profile, model, asked, body)?,
        Asked::FirstToken(request) => {
            if profile.chat_candidates == 0 || reasons {
                return Err(shows_none(profile, model));
            }
            let body = body
                .put("temperature", 0)
                .put("logprobs", true)
                .put("top_logprobs", profile.chat_candidates);
            limit::put(profile, request, body)?
        }
        Asked::Whole { .. } => body.put("temperature", 0).put("prompt_logprobs", 0),
    };
    let reasoning_off = profile
        .reasoning_off
        .then(|| json!({"enable_thinking": false}));
    let body = body.put_some("chat_template_kwargs", reasoning_off);
    let body = if opened && profile.opening == Opening::ContinueFinalMessage {
        body.put("continue_final_message", true)
            .put("add_generation_prompt", false)
    } else {
        body
    };
    Ok(("chat/completions", body))
}

/// The server shows no candidates of this model.
pub(super) fn shows_none(profile: &Profile, model: &str) -> Trouble {
    no_log_probabilities(&format!("{} gives no logprobs for {model}", profile.name))
}

/// Puts in how a text is drawn.
pub(super) fn sampling(
    profile: &Profile,
    model: &str,
    asked: Asked<'_>,
    body: Body,
) -> Result<Body, Trouble> {
    let Asked::Sample(request) = asked else {
        return Ok(body);
    };
    let seed = profile.seed.then(|| seed(request.seed.0));
    if profile.is_reasoning(model) {
        return Ok(body.put_some("seed", seed));
    }
    let sampling = &request.sampling;
    temperature_allowed(profile, sampling.temperature)?;
    let stops = stops(profile, &sampling.stop);
    Ok(body
        .put("temperature", sampling.temperature)
        .put("top_p", sampling.top_p)
        .put_all(profile.neutral)
        .put_some("stop", (!stops.is_empty()).then_some(stops))
        .put_some("seed", seed))
}

/// A temperature that the server would refuse is not quietly made another.
pub(super) fn temperature_allowed(profile: &Profile, temperature: f64) -> Result<(), Trouble> {
    if temperature > profile.temperature_limit {
        return Err(unsupported(format!(
            "{} knows temperatures up to {}, and {temperature} is asked for",
            profile.name, profile.temperature_limit
        )));
    }
    Ok(())
}

/// The stop strings that a request may carry.
pub(super) fn stops<'a>(profile: &Profile, stops: &'a [String]) -> Vec<&'a str> {
    stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter(|stop| profile.blank_stops || !stop.trim().is_empty())
        .take(profile.stop_limit)
        .map(String::as_str)
        .collect()
}

/// A seed that every server can read: 31 bits.
pub(super) fn seed(seed: u64) -> u32 {
    // The upper bits of a hash are as good as any.
    u32::try_from(seed >> 33).unwrap_or(0)
}

/// One message as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    pub(super) role: &'static str,
    pub(super) content: Cow<'a, str>,
}

/// The messages, with the opened reply as the last one if there is any, and whether there is.
pub(super) fn messages<'a>(
    profile: &Profile,
    prompt: &'a Prompt,
    continued: &'a str,
) -> Result<(Vec<Turn<'a>>, bool), Trouble> {
    let Prompt::Chat { messages, opening } = prompt else {
        return Err(no_plain_text(profile));
    };
    let mut written: Vec<Turn<'_>> = messages
        .iter()
        .map(|message| Turn {
            role: message.role.as_str(),
            content: Cow::Borrowed(&*message.content),
        })
        .collect();
    let mut opening = match (&**opening, continued) {
        ("", text) | (text, "") => Cow::Borrowed(text),
        (opening, continued) => Cow::Owned(format!("{opening}{continued}")),
    };
    if profile.opening == Opening::TrimmedLastMessage {
        match &mut opening {
            Cow::Borrowed(text) => *text = text.trim_end(),
            Cow::Owned(text) => text.truncate(text.trim_end().len()),
        }
    }
    if opening.is_empty() {
        return Ok((written, false));
    }
    if profile.opening == Opening::Impossible {
        return Err(unsupported(format!(
            "{} cannot continue a reply that is already begun, and the prompt begins one ({:?}): take a preset whose \
             prompts begin none, or another server",
            profile.name,
            opening.chars().take(20).collect::<String>()
        )));
    }
    written.push(Turn {
        role: Role::Assistant.as_str(),
        content: opening,
    });
    Ok((written, true))
}

/// The server wraps everything into a chat format.
pub(super) fn no_plain_text(profile: &Profile) -> Trouble {
    unsupported(format!(
        "{} cannot continue plain text, and the prompt is plain text",
        profile.name
    ))
}

/// Reads the body of an answer: quickly where it looks as nearly all do, else in whatever shape it comes.
pub(super) fn read(content_type: Option<&str>, body: &[u8]) -> Result<Answer, Trouble> {
    if stream::is_events(content_type, body) {
        return from_events(stream::events(body));
    }
    if let Some(answer) = ordinary::read(body) {
        return answer;
    }
    from_json(content_type, body)
}

/// Reads one whole value of whatever shape.
fn from_json(content_type: Option<&str>, body: &[u8]) -> Result<Answer, Trouble> {
    let read = json::one::<Value>(body).map_err(|_| not_json(content_type, body))?;
    if let Some(trouble) = error_in(&read.value) {
        return Err(trouble);
    }
    from_value(&read.value, read.repaired)
}

fn from_value(value: &Value, repaired: bool) -> Result<Answer, Trouble> {
    let choice = choice(value)?;
    let message = choice
        .get("message")
        .filter(|message| message.is_object())
        .ok_or_else(|| lacks("message", choice))?;
    let (text, part_refusal) = content(message.get("content").unwrap_or(&Value::Null));
    let refusal = message.get("refusal").and_then(Value::as_str);
    let reasoning = ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|field| message.get(field)?.as_str())
        .map_or(0, str::len);
    Ok(Answer {
        text,
        refusal: refusal.map(str::to_owned).or(part_refusal),
        reasoning,
        end: End::read(&choice["finish_reason"])?,
        usage: usage(&value["usage"]),
        table: choice
            .get("logprobs")
            .and_then(|logprobs| table::from_list(logprobs.get("content")?)),
        sent: value.get("prompt_logprobs").and_then(sent::from_maps),
        repaired,
    })
}

/// The first choice; one was asked for.
pub(super) fn choice(value: &Value) -> Result<&Value, Trouble> {
    let choice = value
        .get("choices")
        .and_then(|choices| choices.get(0))
        .ok_or_else(|| lacks("choices", value))?;
    match error_in(choice) {
        Some(trouble) => Err(trouble),
        None => Ok(choice),
    }
}

/// A message's content: a text, nothing, or parts, of which those that are text are joined in order.
fn content(content: &Value) -> (Option<String>, Option<String>) {
    match content {
        Value::String(text) => (Some(text.clone()), None),
        Value::Array(parts) => {
            let joined = |field: &str| {
                let texts: Vec<&str> = parts
                    .iter()
                    .filter_map(|part| part.get(field)?.as_str())
                    .collect();
                (!texts.is_empty()).then(|| texts.concat())
            };
            (joined("text"), joined("refusal"))
        }
        _ => (None, None),
    }
}

/// The server's token counts.
pub(super) fn usage(usage: &Value) -> Reported {
    let count = |value: &Value| value.as_u64();
    Reported {
        prompt: count(&usage["prompt_tokens"]),
        completion: count(&usage["completion_tokens"]),
        cached: count(&usage["prompt_tokens_details"]["cached_tokens"]).unwrap_or(0),
        reasoning: count(&usage["completion_tokens_details"]["reasoning_tokens"]).unwrap_or(0),
    }
}

/// Joins the chunks of a stream to what would have come without one.
fn from_events(events: Vec<Event>) -> Result<Answer, Trouble> {
    let mut message = serde_json::Map::new();
    let mut logprobs: Option<Vec<Value>> = None;
    let mut finish = Value::Null;
    let mut usage = Value::Null;
    let mut repaired = false;
    for event in events {
        if event.is_end() {
            break;
        }
        for chunk in chunks(&event, &mut repaired)? {
            if chunk["usage"].is_object() {
                usage = chunk["usage"].clone();
            }
            let Some(choice) = chunk["choices"]
                .as_array()
                .and_then(|choices| choices.iter().find(|choice| is_first(choice)))
            else {
                continue;
            };
            if let Some(trouble) = error_in(choice) {
                return Err(trouble);
            }
            if let Some(delta) = choice["delta"].as_object() {
                for (field, value) in delta {
                    append(&mut message, field, value);
                }
            }
            if let Some(tokens) = choice["logprobs"]["content"].as_array() {
                logprobs
                    .get_or_insert_default()
                    .extend(tokens.iter().cloned());
            }
            // Some write an empty word until the end.
            if choice["finish_reason"]
                .as_str()
                .is_some_and(|word| !word.is_empty())
            {
                finish = choice["finish_reason"].clone();
            }
        }
    }
    if finish.is_null() {
        return Err(ended_early());
    }
    let logprobs = logprobs.map_or(Value::Null, |content| json!({ "content": content }));
    let whole = json!({
        "choices": [{"message": message, "finish_reason": finish, "logprobs": logprobs}],
        "usage": usage,
    });
    from_value(&whole, repaired)
}

fn is_first(choice: &Value) -> bool {
    choice["index"].as_u64().unwrap_or(0) == 0
}

/// Adds a piece of a text to what came before it.
fn append(message: &mut serde_json::Map<String, Value>, field: &str, piece: &Value) {
    let Some(piece) = piece.as_str() else {
        return;
    };
    match message.get_mut(field) {
        Some(Value::String(text)) => text.push_str(piece),
        _ => {
            message.insert(field.to_owned(), Value::from(piece));
        }
    }
}

/// The values of one event. A proxy that eats blank lines leaves several in one.
pub(super) fn chunks(event: &Event, repaired: &mut bool) -> Result<Vec<Value>, Trouble> {
    let read = json::several(&event.data).map_err(|_| {
        again(format!(
            "malformed event in the stream: {}",
            super::malformed::quoted(&String::from_utf8_lossy(&event.data))
        ))
    })?;
    *repaired |= read.repaired;
    for value in &read.value {
        if let Some(trouble) = error_in(value) {
            return Err(trouble);
        }
        if event.name == "error" {
            return Err(again(format!(
                "the stream holds an error: {}",
                super::malformed::quoted(&value.to_string())
            )));
        }
    }
    Ok(read.value)
}

/// A clean close looks like the end of an answer; without a reason for the end it is none.
pub(super) fn ended_early() -> Trouble {
    again("the stream ended early: no reason for the end of the reply came".to_owned())
}

#[cfg(test)]
#[path = "ordinary_tests.rs"]
mod tests;
