//! The cases under `cases/http` that are about reading an answer or writing an address.

use evalwright_core::{Finish, ReplyNote, SlotFailure, TextReply};
use evalwright_text::{ParseContext, Parser, parse};
use serde_json::Value;

use super::{Asked, Case, Got, PromptEstimate, SMALL, Trouble, case, mentions, profile, read};
use super::{reason, sample};
use crate::server::Address;
use crate::wire::stream::EventReader;

/// What the case's response means to a server's client.
fn answer(case: &Case, server: &str, max_tokens: u32) -> Result<TextReply, Trouble> {
    let (kind, body) = case.response();
    ask(server, max_tokens, SMALL, kind.as_deref(), &body)
}

fn ask(
    server: &str,
    max_tokens: u32,
    estimate: PromptEstimate,
    kind: Option<&str>,
    body: &[u8],
) -> Result<TextReply, Trouble> {
    let request = sample(max_tokens);
    let asked = Asked::Sample(&request);
    match read(profile(server), "mock", asked, estimate, kind, body)? {
        Got::Text(reply) => Ok(reply),
        Got::Scores(_) => panic!("scores for a text"),
    }
}

/// Compares with what the case expects.
fn holds(id: &str, server: &str) {
    if let Some(case) = case("http", id) {
        check(&case, answer(&case, server, 12));
    }
}

fn check(case: &Case, answer: Result<TextReply, Trouble>) -> Option<TextReply> {
    let expected = case.expected();
    match (expected["outcome"].as_str().unwrap(), answer) {
        ("ok", Ok(reply)) => {
            assert_eq!(expected["text"].as_str(), Some(&*reply.text));
            assert_eq!(reply.finish, Finish::Stop);
            Some(reply)
        }
        ("ok_truncated", Ok(reply)) => {
            assert_eq!(reply.finish, Finish::Length);
            Some(reply)
        }
        ("retry", Err(Trouble::Retry { .. })) => None,
        ("item_failed", Err(Trouble::Fail(failure)))
        | ("item_failed_after_retries", Err(Trouble::FailAfterRetries(failure))) => {
            assert_eq!(
                expected["reason"].as_str(),
                Some(reason(&failure)),
                "{failure}"
            );
            mentions(&expected["must_mention"], &failure.to_string());
            None
        }
        (outcome, answer) => panic!("{outcome} is expected and {answer:?} came"),
    }
}

macro_rules! cases {
    ($($name:ident $id:literal $server:literal)*) => {
        $(#[test] fn $name() { holds($id, $server); })*
    };
}

cases! {
    h04_sse_error_after_200_no_text "H04" "anthropic"
    h06_http_200_body_is_an_error "H06" "openrouter"
    h08_content_null_reasoning_ate_budget "H08" "vllm"
    h09_anthropic_thinking_block_first "H09" "anthropic"
    h10_content_parts_array "H10" "openai"
    h12_content_filter_200_null "H12" "azure"
    h16_sse_eof_without_done_or_finish "H16" "openai-compatible"
    h17_ollama_ndjson_error_line "H17" "ollama"
    h25_refusal_as_content_part "H25" "openai"
    h29_choices_null "H29" "openai"
    h30_anthropic_empty_content "H30" "anthropic"
}

#[test]
fn h07_usage_null() {
    let Some(case) = case("http", "H07") else {
        return;
    };
    let reply = check(&case, answer(&case, "openai", 40)).unwrap();
    assert_eq!(reply.notes, [ReplyNote::UsageEstimated]);
    assert_eq!(reply.usage.prompt_tokens, SMALL.at_most);
    assert!(reply.usage.completion_tokens >= reply.text.len() as u64);
}

#[test]
fn h11_refusal_field() {
    let Some(case) = case("http", "H11") else {
        return;
    };
    let refused = answer(&case, "openai", 40);
    let Err(Trouble::Fail(SlotFailure::Refused { text })) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(text, "I can't help with writing these statements.");
    check(&case, refused);
}

#[test]
fn h13_length_stop_is_not_success() {
    let Some(case) = case("http", "H13") else {
        return;
    };
    let reply = check(&case, answer(&case, "openai", 12)).unwrap();
    let context = ParseContext {
        finish: reply.finish,
        opening: "",
    };
    let parsed = parse(&Parser::by_name("json").unwrap(), &reply.text, &context);
    let items: Vec<&str> = parsed.items.iter().map(|item| &*item.text).collect();
    let expected = case.expected();
    assert_eq!(serde_json::json!(items), expected["items"]);
    let dropped = expected["dropped"][0]["text_prefix"].as_str().unwrap();
    assert_eq!(parsed.rejected.len(), 1);
    // The case calls it `truncated`.
    assert_eq!(parsed.rejected[0].reason, "cut_off");
    assert!(parsed.rejected[0].raw.contains(dropped));
}

#[test]
fn h14_sse_utf8_split_across_chunks() {
    let Some(case) = case("http", "H14") else {
        return;
    };
    let file: Value = serde_json::from_slice(&case.file("chunks.json")).unwrap();
    let chunks: Vec<Vec<u8>> = file["chunks_base64"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chunk| base64(chunk.as_str().unwrap()))
        .collect();
    let mut reader = EventReader::default();
    for chunk in &chunks {
        reader.push(chunk);
    }
    let body = chunks.concat();
    assert_eq!(reader.finish(), crate::wire::stream::events(&body));
    let kind = Some("text/event-stream");
    check(&case, ask("openai-compatible", 40, SMALL, kind, &body));
}

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn h15_sse_two_json_in_one_event() {
    let Some(case) = case("http", "H15") else {
        return;
    };
    match answer(&case, "openai-compatible", 40) {
        Ok(reply) => assert_eq!(reply.text, "(A)"),
        Err(Trouble::Retry { detail, .. }) => assert!(detail.contains("malformed event")),
        Err(other) => panic!("{other:?}"),
    }
}

fn addresses(id: &str) {
    let Some(case) = case("http", id) else {
        return;
    };
    let config: Value = serde_json::from_slice(&case.file("config.json")).unwrap();
    let urls: Vec<String> = config["base_urls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|base| Address::parse(base.as_str().unwrap()).unwrap())
        .map(|base| base.endpoint("v1", "chat/completions").to_string())
        .collect();
    let wanted = case.expected()["request_urls"].as_array().unwrap();
    assert_eq!(
        urls,
        *wanted
            .iter()
            .map(|url| url.as_str().unwrap())
            .collect::<Vec<_>>()
    );
}

#[test]
fn h21_base_url_with_v1_and_slash() {
    addresses("H21");
}

#[test]
fn h27_base_url_odd_paths() {
    addresses("H27");
}

#[test]
fn h22_ollama_silent_prompt_truncation() {
    let Some(case) = case("http", "H22") else {
        return;
    };
    let estimated = case.description["given"]["our_prompt_token_estimate"].as_u64();
    let estimate = PromptEstimate {
        at_least: estimated.unwrap(),
        at_most: estimated.unwrap(),
    };
    let (kind, body) = case.response();
    check(&case, ask("ollama", 40, estimate, kind.as_deref(), &body));
}

#[test]
fn h26_openai_endpoint_window_exactly_full() {
    let Some(case) = case("http", "H26") else {
        return;
    };
    let limit = case.description["given"]["max_tokens"].as_u64().unwrap();
    let limit = u32::try_from(limit).unwrap();
    let reply = check(&case, answer(&case, "openai-compatible", limit));
    assert_eq!(
        reply.unwrap().notes,
        [ReplyNote::ContextFull { tokens: 4096 }]
    );
}

#[test]
fn h31_sse_finish_reason_but_no_done() {
    let Some(case) = case("http", "H31") else {
        return;
    };
    let reply = check(&case, answer(&case, "openai-compatible", 40)).unwrap();
    let wanted = &case.expected()["usage"];
    assert_eq!(
        Some(reply.usage.prompt_tokens),
        wanted["prompt_tokens"].as_u64()
    );
    assert_eq!(
        Some(reply.usage.completion_tokens),
        wanted["completion_tokens"].as_u64()
    );
}
