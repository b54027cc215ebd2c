//! The quick way and the way through a tree give the same answer.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{from_json, ordinary};

const ORDINARY: &str = r#"{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",
    "content":"I \u52a9 care.","refusal":null,"tool_calls":[]},"finish_reason":"stop","stop_reason":null,"logprobs":
    {"content":[{"token":"I","logprob":-0.5,"bytes":[73],"top_logprobs":[{"token":"I","logprob":-0.5,"bytes":[73]},
    {"token":" no","logprob":-2,"bytes":null}]}]}}],"prompt_logprobs":null,"error":null,
    "usage":{"prompt_tokens":9,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":4}}}"#;

/// What the quick way gives, held against the other one. Whether it was taken.
fn agrees(body: &[u8]) -> bool {
    let Some(quick) = ordinary::read(body) else {
        return false;
    };
    assert_eq!(
        quick,
        from_json(None, body),
        "{}",
        String::from_utf8_lossy(body)
    );
    true
}

#[test]
fn an_ordinary_answer_is_read_quickly_and_the_same() {
    assert!(agrees(ORDINARY.as_bytes()));
    let shortest = r#"{"choices":[{"message":{"content":"Yes"}}]}"#;
    assert!(agrees(shortest.as_bytes()));
    let odd_end = r#"{"choices":[{"message":{"content":"Yes"},"finish_reason":"gone"}]}"#;
    assert!(agrees(odd_end.as_bytes()));
}

#[test]
fn what_is_unusual_is_left_to_the_other_way() {
    for (from, to) in [
        ("\"error\":null", "\"error\":{\"message\":\"m\"}"),
        ("chat.completion", "error"),
        ("\"index\":0", "\"error\":\"m\""),
        ("\"index\":0", "\"type\":\"error\""),
        ("\"prompt_logprobs\":null", "\"prompt_logprobs\":[]"),
        ("\"token\":\"I\"", "\"tok_str\":\"I\""),
        ("\"logprob\":-0.5", "\"prob\":0.5"),
        ("-0.5", "NaN"),
        ("\"I \\u52a9 care.\"", "[]"),
        ("\\u52a9", "\\ud83d"),
        ("\"id\"", "\"choices\":[],\"id\""),
    ] {
        let body = ORDINARY.replacen(from, to, 1);
        assert_ne!(body, ORDINARY, "{from}");
        assert!(!agrees(body.as_bytes()), "{from} -> {to}");
    }
}

/// Values that a field may have, the usual ones and others.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!("stop")),
        Just(json!("")),
        Just(json!(-1.5)),
        Just(json!(7)),
        Just(json!(false)),
        Just(json!([{"token": "a", "logprob": -1.0}])),
        Just(json!({"content": "b"})),
        any::<String>().prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn whatever_a_field_holds_both_ways_agree(place in 0_usize..26, value in anything()) {
        const PLACES: [&str; 26] = [
            "/id", "/object", "/choices", "/choices/0", "/choices/0/index", "/choices/0/message",
            "/choices/0/message/content", "/choices/0/message/refusal", "/choices/0/finish_reason",
            "/choices/0/logprobs", "/choices/0/logprobs/content", "/choices/0/logprobs/content/0",
            "/choices/0/logprobs/content/0/token", "/choices/0/logprobs/content/0/logprob",
            "/choices/0/logprobs/content/0/bytes", "/choices/0/logprobs/content/0/bytes/0",
            "/choices/0/logprobs/content/0/top_logprobs", "/choices/0/logprobs/content/0/top_logprobs/1",
            "/choices/0/logprobs/content/0/top_logprobs/1/token", "/prompt_logprobs", "/error", "/usage",
            "/usage/prompt_tokens", "/usage/completion_tokens", "/usage/prompt_tokens_details",
            "/usage/prompt_tokens_details/cached_tokens",
        ];
        let mut body: Value = serde_json::from_str(ORDINARY).unwrap();
        *body.pointer_mut(PLACES[place]).unwrap() = value;
        agrees(body.to_string().as_bytes());
    }

    #[test]
    fn whatever_name_a_field_has_both_ways_agree(
        name in prop::sample::select(vec![
            "error", "type", "object", "probs", "prob", "top_probs", "reasoning", "reasoning_content", "content",
            "bytes", "logprob", "token", "prompt_logprobs", "completion_tokens_details", "refusal",
        ]),
        place in prop::sample::select(vec![
            "", "/choices/0", "/choices/0/message", "/choices/0/logprobs", "/choices/0/logprobs/content/0",
            "/choices/0/logprobs/content/0/top_logprobs/0", "/usage",
        ]),
        value in anything(),
    ) {
        let mut body: Value = serde_json::from_str(ORDINARY).unwrap();
        body.pointer_mut(place).unwrap()[name] = value;
        agrees(body.to_string().as_bytes());
    }
}
