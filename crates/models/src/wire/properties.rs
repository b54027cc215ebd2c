//! What holds for any bytes: no panic, no cut answer taken for a whole one, no row lost for half a character.

use evalwright_core::call::Sampling;
use evalwright_core::{
    AnswerScore, Finish, Message, Prompt, ReplyNote, Role, SampleRequest, ScoreMode, ScoreRequest,
    Seed, SlotFailure,
};
use proptest::prelude::*;

use super::{Asked, Got, PromptEstimate, Trouble, read};
use crate::server::{PROFILES, Profile};

const ESTIMATE: PromptEstimate = PromptEstimate {
    at_least: 1,
    at_most: 30,
};

/// Good answers of all protocols and shapes, with what reads them.
const GOOD: &[(&str, &str)] = &[
    (
        "openai",
        r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"I value 助 care."},"finish_reason":"stop","logprobs":{"content":[{"token":"I","logprob":-0.5,"bytes":[73],"top_logprobs":[{"token":"I","logprob":-0.5,"bytes":[73]},{"token":"A","logprob":-2.0,"bytes":[65]}]}]}}],"usage":{"prompt_tokens":9,"completion_tokens":6}}"#,
    ),
    (
        "anthropic",
        r#"{"type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"I value care."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":6}}"#,
    ),
    (
        "ollama",
        r#"{"message":{"role":"assistant","content":"I value care."},"done":true,"done_reason":"stop","logprobs":[{"token":"I","logprob":-0.4,"top_logprobs":[{"token":"I","logprob":-0.4}]}],"prompt_eval_count":9,"eval_count":6}"#,
    ),
    (
        "vllm",
        r#"{"choices":[{"text":"I value","finish_reason":"length","logprobs":{"tokens":["I"," value"],"token_logprobs":[-0.2,-0.3],"text_offset":[0,1],"top_logprobs":[{"I":-0.2},{" value":-0.3," value":-3.0}]}}],"usage":{"prompt_tokens":9,"completion_tokens":40}}"#,
    ),
];

const CHAT_STREAM: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"I value \"},\"finish_reason\":null}]}\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"care.\"},\"finish_reason\":null}]}\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

const MESSAGE_STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[],\"usage\":{\"input_tokens\":9}}}\n\n\
event: content_block_delta\ndata: {\"delta\":{\"type\":\"text_delta\",\"text\":\"I value care.\"}}\n\n\
event: message_delta\ndata: {\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":6}}\n\n";

const LINES: &str = "{\"message\":{\"content\":\"I value \"},\"done\":false}\n{\"message\":{\"content\":\"care.\"},\"done\":false}\n\
{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":6}\n";

fn profile(name: &str) -> &'static Profile {
    PROFILES.iter().find(|known| known.name == name).unwrap()
}

fn chat() -> Prompt {
    Prompt::Chat {
        messages: vec![Message {
            role: Role::User,
            content: "Write.".to_owned(),
        }],
        opening: String::new(),
    }
}

fn sample(prompt: Prompt, stop: &[&str]) -> SampleRequest {
    SampleRequest {
        prompt,
        sampling: Sampling {
            temperature: 1.0,
            top_p: 1.0,
            max_tokens: 40,
            stop: stop.iter().map(|&stop| stop.to_owned()).collect(),
        },
        seed: Seed(1),
    }
}

fn text(server: &str, body: &[u8]) -> Result<evalwright_core::TextReply, Trouble> {
    let prompt = if server == "vllm" {
        Prompt::Text("Q".to_owned())
    } else {
        chat()
    };
    let request = sample(prompt, &[]);
    match read(
        profile(server),
        "m",
        Asked::Sample(&request),
        ESTIMATE,
        None,
        body,
    )? {
        Got::Text(reply) => Ok(reply),
        Got::Scores(_) => panic!("scores for a text"),
    }
}

/// Reads a body in every way there is.
fn read_all(kind: Option<&str>, body: &[u8]) {
    for profile in PROFILES {
        for prompt in [chat(), Prompt::Text("Q".to_owned())] {
            let request = sample(prompt.clone(), &["\n"]);
            let scores = ScoreRequest {
                prompt: prompt.clone(),
                continuations: vec!["I".to_owned(), "(A)".to_owned()],
                mode: ScoreMode::FirstToken,
            };
            let whole = Asked::Whole {
                prompt: &prompt,
                continuation: "I value",
            };
            for asked in [Asked::Sample(&request), Asked::FirstToken(&scores), whole] {
                if let Ok(Got::Scores(reply)) = read(profile, "m", asked, ESTIMATE, kind, body) {
                    for score in reply.scores {
                        assert!(score.log_probability <= 0.0);
                    }
                }
            }
        }
    }
}

#[test]
fn good_answers_are_good() {
    for (server, body) in GOOD {
        let reply = text(server, body.as_bytes()).unwrap();
        assert!(reply.text.starts_with("I value"), "{server}");
        assert_eq!(reply.notes, [], "{server}");
    }
    for (server, body) in [
        ("openai", CHAT_STREAM),
        ("anthropic", MESSAGE_STREAM),
        ("ollama", LINES),
    ] {
        assert_eq!(text(server, body.as_bytes()).unwrap().text, "I value care.");
    }
}

#[test]
fn no_body_that_was_cut_is_an_answer() {
    for (server, body) in GOOD {
        for cut in 0..body.len() {
            let answer = text(server, &body.as_bytes()[..cut]);
            assert!(
                matches!(answer, Err(Trouble::Retry { .. })),
                "{server} at {cut}: {answer:?}"
            );
        }
    }
}

#[test]
fn a_stream_that_was_cut_is_whole_or_no_answer() {
    for (server, body) in [
        ("openai", CHAT_STREAM),
        ("anthropic", MESSAGE_STREAM),
        ("ollama", LINES),
    ] {
        for cut in 0..body.len() {
            match text(server, &body.as_bytes()[..cut]) {
                Ok(reply) => assert_eq!(reply.text, "I value care.", "{server} at {cut}"),
                Err(Trouble::Retry { .. }) => {}
                Err(other) => panic!("{server} at {cut}: {other:?}"),
            }
        }
    }
}

#[test]
fn an_empty_word_for_the_end_is_no_end() {
    let stream = CHAT_STREAM.replace("null", "\"\"");
    assert_eq!(
        text("openai", stream.as_bytes()).unwrap().text,
        "I value care."
    );
    let cut = stream
        .split("data: {\"choices\":[{\"index\":0,\"delta\":{},")
        .next()
        .unwrap();
    assert!(matches!(
        text("openai", cut.as_bytes()),
        Err(Trouble::Retry { .. })
    ));
}

#[test]
fn half_a_surrogate_costs_no_row() {
    let body = GOOD[0].1.replace("助", r"\ud83d");
    let reply = text("openai", body.as_bytes()).unwrap();
    assert_eq!(reply.text, "I value \u{fffd} care.");
    assert_eq!(reply.notes, [ReplyNote::Repaired]);
    let mut bytes = GOOD[0].1.as_bytes().to_vec();
    let place = GOOD[0].1.find('助').unwrap();
    bytes[place] = 0xff;
    let reply = text("openai", &bytes).unwrap();
    assert!(reply.text.contains('\u{fffd}') && reply.text.ends_with(" care."));
}

#[test]
fn a_page_with_status_200_is_asked_again() {
    for body in [
        "<!DOCTYPE html><title>Sign in</title>",
        "",
        "Bad gateway",
        "null",
        "[]",
    ] {
        for server in ["openai", "anthropic", "ollama", "vllm"] {
            let answer = text(server, body.as_bytes());
            assert!(
                matches!(
                    answer,
                    Err(Trouble::Retry { .. } | Trouble::FailAfterRetries(_))
                ),
                "{server} {body}: {answer:?}"
            );
        }
    }
}

#[test]
fn nesting_without_end_is_an_error() {
    let deep = "{\"choices\":".repeat(100_000);
    assert!(matches!(
        text("openai", deep.as_bytes()),
        Err(Trouble::Retry { .. })
    ));
}

#[test]
fn stop_strings_that_the_server_does_not_know_end_the_text() {
    let request = sample(chat(), &[" care", "zzz"]);
    let asked = Asked::Sample(&request);
    let body = GOOD[0].1.replace("\"stop\"", "\"length\"");
    match read(
        profile("openai"),
        "m",
        asked,
        ESTIMATE,
        None,
        body.as_bytes(),
    ) {
        Ok(Got::Text(reply)) => {
            assert_eq!(reply.text, "I value 助");
            assert_eq!(reply.finish, Finish::Stop);
            assert_eq!(reply.notes, []);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stop_string_at_once_is_a_reply_of_no_length() {
    let body = r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;
    let request = sample(chat(), &["\n"]);
    let answer = |request| {
        read(
            profile("openai"),
            "m",
            Asked::Sample(request),
            ESTIMATE,
            None,
            body.as_bytes(),
        )
    };
    assert!(matches!(answer(&request), Ok(Got::Text(reply)) if reply.text.is_empty()));
    let without = sample(chat(), &[]);
    assert!(matches!(
        answer(&without),
        Err(Trouble::FailAfterRetries(_))
    ));
}

#[test]
fn an_end_without_a_word_is_told_by_the_length() {
    let body = |tokens: u32| {
        GOOD[0].1.replace("\"stop\"", "null").replace(
            "\"completion_tokens\":6",
            &format!("\"completion_tokens\":{tokens}"),
        )
    };
    let finish = |tokens| text("openai", body(tokens).as_bytes()).unwrap().finish;
    assert_eq!(finish(39), Finish::Stop);
    assert_eq!(finish(40), Finish::Length);
    let odd = GOOD[0].1.replace("\"stop\"", "\"abort\"");
    assert!(matches!(
        text("openai", odd.as_bytes()),
        Err(Trouble::Retry { .. })
    ));
}

#[test]
fn tokens_that_the_server_does_not_count_are_estimated_upwards() {
    let usage = |counted: &str| {
        let body = GOOD[0]
            .1
            .replace(r#"{"prompt_tokens":9,"completion_tokens":6}"#, counted);
        let reply = text("openai", body.as_bytes()).unwrap();
        let estimated = reply.notes.contains(&ReplyNote::UsageEstimated);
        (
            reply.usage.prompt_tokens,
            reply.usage.completion_tokens,
            estimated,
        )
    };
    let seen = "I value 助 care.".len() as u64 + 1;
    assert_eq!(
        usage(r#"{"prompt_tokens":9,"completion_tokens":6}"#),
        (9, 6, false)
    );
    assert_eq!(usage(r#"{"prompt_tokens":9}"#), (9, seen, true));
    assert_eq!(
        usage(r#"{"completion_tokens":6}"#),
        (ESTIMATE.at_most, 6, true)
    );
    assert_eq!(
        usage(r#"{"prompt_tokens":0,"completion_tokens":0}"#),
        (ESTIMATE.at_most, seen, true)
    );
    assert_eq!(usage("17"), (ESTIMATE.at_most, seen, true));
}

#[test]
fn cached_and_hidden_tokens_are_counted_apart() {
    let body = GOOD[0].1.replace(
        r#""completion_tokens":6"#,
        r#""completion_tokens":6,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}"#,
    );
    let usage = text("openai", body.as_bytes()).unwrap().usage;
    assert_eq!((usage.cached_tokens, usage.reasoning_tokens), (4, 2));
    let body = GOOD[1].1.replace(
        r#""input_tokens":9"#,
        r#""input_tokens":9,"cache_read_input_tokens":100"#,
    );
    let usage = text("anthropic", body.as_bytes()).unwrap().usage;
    assert_eq!((usage.prompt_tokens, usage.cached_tokens), (109, 100));
}

#[test]
fn a_blank_that_the_opening_lost_is_taken_off_the_text() {
    let reply = |opening: &str, text: &str| {
        let mut prompt = chat();
        if let Prompt::Chat { opening: begun, .. } = &mut prompt {
            begun.push_str(opening);
        }
        let request = sample(prompt, &[]);
        let body = GOOD[1].1.replace("I value care.", text);
        match read(
            profile("anthropic"),
            "m",
            Asked::Sample(&request),
            ESTIMATE,
            None,
            body.as_bytes(),
        ) {
            Ok(Got::Text(reply)) => reply.text,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(reply("I ", " like tea."), "like tea.");
    assert_eq!(reply("I ", "like tea."), "like tea.");
    assert_eq!(reply("I", " like tea."), " like tea.");
}

#[test]
fn refusals_and_filters_are_no_texts() {
    let declined = GOOD[1].1.replace("end_turn", "refusal");
    assert!(matches!(
        text("anthropic", declined.as_bytes()),
        Err(Trouble::Fail(SlotFailure::Refused { .. }))
    ));
    let window = GOOD[1]
        .1
        .replace("end_turn", "model_context_window_exceeded");
    let reply = text("anthropic", window.as_bytes()).unwrap();
    assert_eq!(reply.finish, Finish::Length);
    assert_eq!(reply.notes, [ReplyNote::ContextFull { tokens: 15 }]);
    let filtered = CHAT_STREAM.replace("\"stop\"", "\"content_filter\"");
    assert!(matches!(
        text("openai", filtered.as_bytes()),
        Err(Trouble::Fail(SlotFailure::Filtered { .. }))
    ));
}

#[test]
fn a_text_inside_the_chat_format_is_scored_by_the_tokens_sent() {
    let body = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"length"}],
        "prompt_logprobs":[null,{"1":{"logprob":-3.0,"rank":9,"decoded_token":"-"}},
        {"2":{"logprob":-0.25,"rank":1,"decoded_token":" I"}},{"3":{"logprob":-0.5,"rank":1,"decoded_token":" like"}}],
        "usage":{"prompt_tokens":4,"completion_tokens":1}}"#;
    let prompt = chat();
    let asked = Asked::Whole {
        prompt: &prompt,
        continuation: " I like",
    };
    match read(profile("vllm"), "m", asked, ESTIMATE, None, body.as_bytes()) {
        Ok(Got::Scores(reply)) => {
            assert_eq!(reply.scores, [AnswerScore::known(-0.75, 2)]);
            assert_eq!(reply.notes, []);
        }
        other => panic!("{other:?}"),
    }
    let without = body.replace("prompt_logprobs", "other");
    assert!(matches!(
        read(
            profile("vllm"),
            "m",
            asked,
            ESTIMATE,
            None,
            without.as_bytes()
        ),
        Err(Trouble::Stop { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_bytes_bring_a_panic(
        which in 0_usize..7,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 0..6),
        events in any::<bool>(),
    ) {
        let streams = [CHAT_STREAM, MESSAGE_STREAM, LINES];
        let source = GOOD.get(which).map_or_else(|| streams[which - 4], |(_, body)| body);
        let mut body = source.as_bytes().to_vec();
        for (place, byte, kind) in edits {
            if body.is_empty() {
                break;
            }
            let place = place.index(body.len());
            match kind {
                0 => body[place] = byte,
                1 => { body.remove(place); }
                2 => body.insert(place, byte),
                _ => {
                    let end = (place + usize::from(byte)).min(body.len());
                    let piece = body[place..end].to_vec();
                    body.splice(place..place, piece);
                }
            }
        }
        read_all(events.then_some("text/event-stream"), &body);
    }

    #[test]
    fn random_bytes_bring_no_panic(body in proptest::collection::vec(any::<u8>(), 0..256)) {
        read_all(None, &body);
    }
}
