//! The cases under `cases/http`: the bytes that a server once sent, and what a run makes of them.

use std::time::{Duration, Instant};

use evalwright_core::{Finish, ModelError, ReplyNote, SlotFailure, StopReason, TextReply};
use evalwright_testing::{Response, Route, Script, ScriptedServer};
use evalwright_text::{ParseContext, Parser, parse};
use serde_json::Value;

use crate::ask::{Asking, Outcome, connection, conversation, fine, server, texts};
use crate::case::{Case, mentions};

/// Plays a case's response, then good ones, to one request.
fn play(case: &Case, kind: &str, asking: &Asking) -> (Outcome<TextReply>, ScriptedServer) {
    let raw = Response::raw(case.path("response.http"));
    let server = server(&[raw, fine(kind)]);
    let outcome = asking.texts(&[connection(kind, &server.url())], &texts(1));
    (outcome, server)
}

fn sent(server: &ScriptedServer) -> usize {
    server.requests().unwrap().len()
}

/// The word that the cases have for a failure.
fn reason(failure: &SlotFailure) -> &'static str {
    match failure {
        SlotFailure::Refused { .. } => "refusal",
        SlotFailure::Filtered { .. } => "content_filter",
        SlotFailure::NoVisibleAnswer { detail } if detail.contains("choices") => "no_choices",
        SlotFailure::NoVisibleAnswer { detail } if detail.contains("content is empty") => {
            "empty_content"
        }
        SlotFailure::NoVisibleAnswer { .. } => "no_visible_answer",
        SlotFailure::PromptCut { .. } => "prompt_truncated",
        other => panic!("no case has {other}"),
    }
}

/// The answer is good, and it took one request.
fn good(id: &str, kind: &str) -> Option<TextReply> {
    let case = Case::find("http", id)?;
    let (outcome, server) = play(&case, kind, &Asking::new());
    assert_eq!(sent(&server), 1);
    assert!(outcome.notices.is_empty());
    let reply = outcome.only().unwrap();
    assert_eq!(case.expected()["text"].as_str(), Some(&*reply.text));
    assert_eq!(reply.finish, Finish::Stop);
    Some(reply)
}

/// The response is asked for again, once, and the next one is delivered.
fn again(id: &str, kind: &str) {
    let Some(case) = Case::find("http", id) else {
        return;
    };
    let (outcome, server) = play(&case, kind, &Asking::new());
    assert_eq!(sent(&server), 2);
    assert_eq!(outcome.notices.len(), 1);
    assert_eq!(outcome.spending.retries, 1);
    for words in ["must_mention", "log_must_mention"] {
        mentions(&case.expected()[words], &outcome.notices[0].0);
    }
    assert_eq!(outcome.only().unwrap().text, "fine");
}

/// The wait that the user is told lies within the case's bounds; it is not waited for here.
fn waits(id: &str, kind: &str) {
    let Some(case) = Case::find("http", id) else {
        return;
    };
    let asking = Asking::new().stopping_at_the_first_notice();
    let (outcome, server) = play(&case, kind, &asking);
    let wait = outcome.notices[0].1.as_secs_f64();
    let bounds = &case.expected()["wait_s"];
    assert!(bounds["min"].as_f64().unwrap() <= wait, "{wait}");
    assert!(wait <= bounds["max"].as_f64().unwrap(), "{wait}");
    mentions(&case.expected()["log_must_mention"], &outcome.notices[0].0);
    assert!(matches!(outcome.end, Err(ModelError::Interrupted)));
    assert_eq!(sent(&server), 1);
}

/// The request has failed for good, after so many requests.
fn fails(id: &str, kind: &str, requests: usize) -> Option<SlotFailure> {
    let case = Case::find("http", id)?;
    let server = server(&[Response::raw(case.path("response.http"))]);
    let outcome = Asking::new().texts(&[connection(kind, &server.url())], &texts(1));
    assert_eq!(sent(&server), requests);
    let failure = outcome.only().unwrap_err();
    let expected = case.expected();
    assert_eq!(expected["reason"].as_str(), Some(reason(&failure)));
    mentions(&expected["must_mention"], &failure.to_string());
    Some(failure)
}

#[test]
fn h01_retry_after_http_date() {
    waits("H01", "openai");
    // It counts as an attempt.
    if let Some(case) = Case::find("http", "H01") {
        let (outcome, _) = play(&case, "openai", &Asking::new().attempts(1));
        let failure = outcome.only().unwrap_err();
        assert!(matches!(failure, SlotFailure::GaveUp { attempts: 1, .. }));
    }
}

#[test]
fn h02_retry_after_beyond_cap() {
    let Some(case) = Case::find("http", "H02") else {
        return;
    };
    let mut asking = Asking::new();
    let cap = case.description["given"]["max_wait_s"].as_u64().unwrap();
    asking.settings.longest_wait = Duration::from_secs(cap);
    let (outcome, server) = play(&case, "openai", &asking);
    let (reason, words) = outcome.stopped();
    assert_eq!(reason, StopReason::WaitTooLong);
    mentions(&case.expected()["accept"][1]["must_mention"], &words);
    assert_eq!((sent(&server), outcome.delivered()), (1, 0));
}

#[test]
fn h03_anthropic_529_overloaded() {
    waits("H03", "anthropic");
    again("H03", "anthropic");
}

#[test]
fn h04_sse_error_after_200_no_text() {
    again("H04", "anthropic");
}

#[test]
fn h05_quota_429_not_retryable() {
    let Some(case) = Case::find("http", "H05") else {
        return;
    };
    let raw = Response::raw(case.path("response.http"));
    let server = server(&[fine("openai"), raw, fine("openai")]);
    let place = connection("openai", &server.url());
    let outcome = Asking::new().texts(&[place], &texts(20));
    let (reason, words) = outcome.stopped();
    assert_eq!(reason, StopReason::QuotaExhausted);
    mentions(&case.expected()["must_mention"], &words);
    // What came before is kept, and nothing is sent after it.
    assert_eq!((outcome.fine(), outcome.delivered()), (1, 1));
    assert_eq!(sent(&server), 2);
}

#[test]
fn h06_http_200_body_is_an_error() {
    again("H06", "openrouter");
}

#[test]
fn h07_usage_null() {
    if let Some(reply) = good("H07", "openai") {
        assert_eq!(reply.notes, [ReplyNote::UsageEstimated]);
        assert!(reply.usage.completion_tokens >= reply.text.len() as u64);
        assert!(reply.usage.prompt_tokens > 0);
    }
}

#[test]
fn h08_content_null_reasoning_ate_budget() {
    fails("H08", "vllm", 1);
}

#[test]
fn h09_anthropic_thinking_block_first() {
    good("H09", "anthropic");
}

#[test]
fn h10_content_parts_array() {
    good("H10", "openai");
}

#[test]
fn h11_refusal_field() {
    if let Some(SlotFailure::Refused { text }) = fails("H11", "openai", 1) {
        assert_eq!(text, "I can't help with writing these statements.");
    }
}

#[test]
fn h12_content_filter_200_null() {
    fails("H12", "azure", 1);
}

#[test]
fn h13_length_stop_is_not_success() {
    let Some(case) = Case::find("http", "H13") else {
        return;
    };
    let (outcome, server) = play(&case, "openai", &Asking::new());
    assert_eq!(sent(&server), 1);
    let reply = outcome.only().unwrap();
    assert_eq!(reply.finish, Finish::Length);
    let context = ParseContext {
        finish: reply.finish,
        opening: "",
    };
    let parsed = parse(&Parser::by_name("json").unwrap(), &reply.text, &context);
    let items: Vec<&str> = parsed.items.iter().map(|item| &*item.text).collect();
    assert_eq!(serde_json::json!(items), case.expected()["items"]);
    assert_eq!(parsed.rejected.len(), 1);
}

#[test]
fn h14_sse_utf8_split_across_chunks() {
    let Some(case) = Case::find("http", "H14") else {
        return;
    };
    let chunks = case.json("chunks.json");
    let body: Vec<u8> = chunks["chunks_base64"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|chunk| base64(chunk.as_str().unwrap()))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, body).unwrap();
    // The case's own cuts, and every other one, are among the cuts of one byte each.
    for bytes in [1, 7, 4096] {
        let streamed = Response::file(&file)
            .header("content-type", "text/event-stream")
            .chunked()
            .trickle(bytes, 0);
        let server = server(&[streamed]);
        let place = connection("openai-compatible", &server.url());
        let reply = Asking::new().texts(&[place], &texts(1)).only().unwrap();
        assert_eq!(case.expected()["text"].as_str(), Some(&*reply.text));
        assert_eq!(reply.finish, Finish::Stop);
    }
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
    let Some(case) = Case::find("http", "H15") else {
        return;
    };
    let (outcome, server) = play(&case, "openai-compatible", &Asking::new());
    let requests = sent(&server);
    match &*outcome.only().unwrap().text {
        "(A)" => assert_eq!(requests, 1),
        "fine" => assert_eq!(requests, 2),
        other => panic!("{other} was taken for the answer"),
    }
}

#[test]
fn h16_sse_eof_without_done_or_finish() {
    again("H16", "openai-compatible");
}

#[test]
fn h17_ollama_ndjson_error_line() {
    again("H17", "ollama");
}

#[test]
fn h18_content_length_longer_than_body() {
    again("H18", "openai-compatible");
}

#[test]
fn h19_redirect_to_other_origin_with_key() {
    let Some(case) = Case::find("http", "H19") else {
        return;
    };
    for kind in ["openai-compatible", "anthropic"] {
        let (outcome, server) = play(&case, kind, &Asking::new());
        let (reason, words) = outcome.stopped();
        assert_eq!(reason, StopReason::Redirected);
        mentions(&case.expected()["must_mention"], &words);
        assert!(!words.contains("sk-test"), "{words}");
        let requests = server.requests().unwrap();
        assert_eq!(requests.len(), 1, "no second request, not even to this one");
        // The key was sent here, so its absence above says something.
        let header = if kind == "anthropic" {
            "x-api-key"
        } else {
            "authorization"
        };
        assert!(requests[0].header(header).unwrap().contains("sk-test-000"));
    }
}

#[test]
fn h20_proxy_plain_text_429() {
    again("H20", "openai-compatible");
}

/// Every base URL of the case, at the address of a server that knows the wanted path alone.
fn addresses(id: &str) {
    let Some(case) = Case::find("http", id) else {
        return;
    };
    let config = case.json("config.json");
    let bases = config["base_urls"].as_array().unwrap();
    let wanted = case.expected()["request_urls"].as_array().unwrap();
    assert_eq!(bases.len(), wanted.len());
    let path = |url: &Value| {
        let (_, rest) = url.as_str().unwrap().split_once("://").unwrap();
        rest.find('/')
            .map_or(String::new(), |start| rest.split_at(start).1.to_owned())
    };
    for (base, wanted) in bases.iter().zip(wanted) {
        let wanted = path(wanted);
        let route = Route::at(&wanted).method("POST").reply(fine("openai"));
        let server = ScriptedServer::start(&Script::new().route(route)).unwrap();
        let place = connection(
            "openai-compatible",
            &format!("{}{}", server.url(), path(base)),
        );
        let reply = Asking::new().texts(&[place], &texts(1)).only().unwrap();
        assert_eq!(reply.text, "fine", "{base}");
        assert_eq!(server.requests_for(&wanted).unwrap().len(), 1);
    }
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
    let Some(case) = Case::find("http", "H22") else {
        return;
    };
    let tokens = case.description["given"]["our_prompt_token_estimate"]
        .as_u64()
        .unwrap();
    let server = server(&[Response::raw(case.path("response.http"))]);
    let mut requests = texts(1);
    // The estimate is one token for five characters.
    let words: String = (0..tokens)
        .map(|number| format!("{:04} ", number % 10_000))
        .collect();
    requests[0].prompt = conversation(&words);
    let place = connection("ollama", &server.url());
    let failure = Asking::new().texts(&[place], &requests).only().unwrap_err();
    assert_eq!(case.expected()["reason"].as_str(), Some(reason(&failure)));
    mentions(&case.expected()["must_mention"], &failure.to_string());
    assert_eq!(sent(&server), 1);
}

#[test]
fn h24_slow_loris() {
    let Some(case) = Case::find("http", "H24") else {
        return;
    };
    // The case's seconds, each a twentieth of one here.
    let scale = |seconds: f64| Duration::from_secs_f64(seconds / 20.0);
    let client = &case.json("recipe.json")["client"];
    let mut asking = Asking::new().connections(2, 2).attempts(1);
    asking.settings.limits.idle = scale(client["idle_timeout_s"].as_f64().unwrap());
    asking.settings.limits.total = scale(client["total_timeout_s"].as_f64().unwrap());
    let slow = Response::text(200, &" ".repeat(4000))
        .header("content-type", "application/json")
        .delay_ms(50)
        .trickle(1, 250);
    let script = Script::new()
        .route(
            Route::at("/v1/chat/completions")
                .when_body_contains("slowly")
                .reply(slow),
        )
        .route(Route::at("/v1/chat/completions").reply(fine("openai")));
    let server = ScriptedServer::start(&script).unwrap();
    let mut requests = texts(40);
    requests[0].prompt = conversation("Write slowly.");
    let start = Instant::now();
    let outcome = asking.texts(&[connection("openai", &server.url())], &requests);
    let took = start.elapsed();
    let bounds = &case.expected()["gives_up_at_s"];
    assert!(took >= scale(bounds["min"].as_f64().unwrap()), "{took:?}");
    // The rest of the process shares two cores with it.
    assert!(
        took <= scale(bounds["max"].as_f64().unwrap()) + Duration::from_secs(1),
        "{took:?}"
    );
    // The others are not blocked by it.
    assert_eq!(outcome.fine(), 39);
    let failed = outcome.replies[0].as_ref().unwrap().as_ref().unwrap_err();
    assert!(failed.to_string().contains("within 1 s"), "{failed}");
    assert!(!failed.is_final());
    assert_eq!(outcome.spending.possibly_paid_twice, 1);
}

#[test]
fn h25_refusal_as_content_part() {
    fails("H25", "openai", 1);
}

#[test]
fn h26_openai_endpoint_window_exactly_full() {
    let Some(case) = Case::find("http", "H26") else {
        return;
    };
    let server = server(&[Response::raw(case.path("response.http"))]);
    let mut requests = texts(1);
    let limit = case.description["given"]["max_tokens"].as_u64().unwrap();
    requests[0].sampling.max_tokens = u32::try_from(limit).unwrap();
    let place = connection("openai-compatible", &server.url());
    let reply = Asking::new().texts(&[place], &requests).only().unwrap();
    assert_eq!(reply.finish, Finish::Length);
    assert_eq!(reply.notes, [ReplyNote::ContextFull { tokens: 4096 }]);
}

#[test]
fn h28_retry_after_ms_and_seconds() {
    waits("H28", "openai");
}

#[test]
fn h29_choices_null() {
    fails("H29", "openai", 3);
}

#[test]
fn h30_anthropic_empty_content() {
    fails("H30", "anthropic", 3);
}

#[test]
fn h31_sse_finish_reason_but_no_done() {
    if let Some(reply) = good("H31", "openai-compatible") {
        assert_eq!(
            (reply.usage.prompt_tokens, reply.usage.completion_tokens),
            (9, 1)
        );
    }
}
