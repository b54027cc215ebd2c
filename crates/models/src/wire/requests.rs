//! The exact bytes of requests: a change here can change answers, and belongs with a new `PROFILES_VERSION`.

use evalwright_core::call::Sampling;
use evalwright_core::{
    Message, Prompt, Role, SampleRequest, ScoreMode, ScoreRequest, Seed, StopReason,
};

use super::{Asked, Trouble, build};
use crate::server::{PROFILES, Profile};

fn profile(name: &str) -> &'static Profile {
    PROFILES.iter().find(|known| known.name == name).unwrap()
}

fn chat(opening: &str) -> Prompt {
    let message = |role, content: &str| Message {
        role,
        content: content.to_owned(),
    };
    Prompt::Chat {
        messages: vec![
            message(Role::System, "Be short."),
            message(Role::User, "Hi \"you\""),
        ],
        opening: opening.to_owned(),
    }
}

fn sample(prompt: Prompt) -> SampleRequest {
    SampleRequest {
        prompt,
        sampling: Sampling {
            temperature: 0.75,
            top_p: 0.95,
            max_tokens: 40,
            stop: vec!["\n".to_owned(), "END".to_owned()],
        },
        seed: Seed(u64::MAX),
    }
}

fn sent(server: &str, model: &str, asked: Asked<'_>) -> (String, String) {
    let outgoing = build(profile(server), model, asked).unwrap();
    (
        outgoing.endpoint.to_owned(),
        String::from_utf8(outgoing.body.to_vec()).unwrap(),
    )
}

fn stopped(server: &str, model: &str, asked: Asked<'_>) -> (StopReason, String) {
    match build(profile(server), model, asked) {
        Err(Trouble::Stop { reason, cause }) => (reason, cause),
        other => panic!("{other:?}"),
    }
}

#[test]
fn texts() {
    let request = sample(chat(""));
    let (endpoint, body) = sent("openai", "gpt-x", Asked::Sample(&request));
    assert_eq!(endpoint, "chat/completions");
    assert_eq!(
        body,
        concat!(
            r#"{"model":"gpt-x","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hi \"you\""}],"#,
            r#""max_completion_tokens":40,"temperature":0.75,"top_p":0.95,"stop":["\n","END"],"seed":2147483647}"#
        )
    );
    let (_, body) = sent("openai", "o3-mini", Asked::Sample(&request));
    assert_eq!(
        body,
        concat!(
            r#"{"model":"o3-mini","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hi \"you\""}],"#,
            r#""max_completion_tokens":40,"seed":2147483647}"#
        )
    );
    let begun = sample(chat("I "));
    let (_, body) = sent("vllm", "org/m", Asked::Sample(&begun));
    assert_eq!(
        body,
        concat!(
            r#"{"model":"org/m","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hi \"you\""},"#,
            r#"{"role":"assistant","content":"I "}],"max_tokens":40,"temperature":0.75,"top_p":0.95,"#,
            r#""top_k":-1,"min_p":0,"repetition_penalty":1,"stop":["\n","END"],"seed":2147483647,"#,
            r#""continue_final_message":true,"add_generation_prompt":false}"#
        )
    );
    let (_, body) = sent("llama-cpp", "m", Asked::Sample(&begun));
    assert!(
        body.ends_with(r#""seed":2147483647,"chat_template_kwargs":{"enable_thinking":false}}"#),
        "{body}"
    );
    let (endpoint, body) = sent("anthropic", "m", Asked::Sample(&begun));
    assert_eq!(endpoint, "messages");
    assert_eq!(
        body,
        concat!(
            r#"{"model":"m","max_tokens":40,"system":"Be short.","messages":[{"role":"user","content":"Hi \"you\""},"#,
            r#"{"role":"assistant","content":"I"}],"temperature":0.75,"stop_sequences":["END"]}"#
        )
    );
    let (endpoint, body) = sent("ollama", "m", Asked::Sample(&begun));
    assert_eq!(endpoint, "api/chat");
    assert_eq!(
        body,
        concat!(
            r#"{"model":"m","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hi \"you\""},"#,
            r#"{"role":"assistant","content":"I "}],"think":false,"stream":false,"options":{"num_predict":40,"temperature":0.75,"#,
            r#""top_p":0.95,"top_k":0,"min_p":0,"repeat_penalty":1,"stop":["\n","END"],"seed":2147483647}}"#
        )
    );
}

#[test]
fn plain_texts() {
    let request = sample(Prompt::Text("Once".to_owned()));
    let (endpoint, body) = sent("llama-cpp", "m", Asked::Sample(&request));
    assert_eq!(endpoint, "completions");
    assert_eq!(
        body,
        concat!(
            r#"{"model":"m","prompt":"Once","max_tokens":40,"temperature":0.75,"top_p":0.95,"#,
            r#""top_k":0,"min_p":0,"repeat_penalty":1,"stop":["\n","END"],"seed":2147483647}"#
        )
    );
    let (endpoint, body) = sent("ollama", "m", Asked::Sample(&request));
    assert_eq!(endpoint, "api/generate");
    assert!(
        body.starts_with(
            r#"{"model":"m","prompt":"Once","raw":true,"think":false,"stream":false,"#
        )
    );
    for server in ["anthropic", "azure", "openai"] {
        let (reason, cause) = stopped(server, "m", Asked::Sample(&request));
        assert_eq!(reason, StopReason::Unsupported);
        assert!(cause.contains("plain text"), "{cause}");
    }
}

#[test]
fn first_tokens() {
    let request = |prompt| ScoreRequest {
        prompt,
        continuations: vec!["Yes".to_owned(), "No".to_owned()],
        mode: ScoreMode::FirstToken,
    };
    let asked = request(chat(""));
    let (_, body) = sent("openai", "m", Asked::FirstToken(&asked));
    assert!(
        body.ends_with(
            r#""max_completion_tokens":4,"temperature":0,"logprobs":true,"top_logprobs":20}"#
        ),
        "{body}"
    );
    let (_, body) = sent("ollama", "m", Asked::FirstToken(&asked));
    assert!(
        body.ends_with(r#""logprobs":true,"top_logprobs":20,"think":false,"stream":false,"options":{"num_predict":4,"temperature":0}}"#),
        "{body}"
    );
    let plain = request(Prompt::Text("Q".to_owned()));
    let (_, body) = sent("vllm", "m", Asked::FirstToken(&plain));
    assert_eq!(
        body,
        r#"{"model":"m","prompt":"Q","max_tokens":4,"temperature":0,"logprobs":20}"#
    );
    for (server, model) in [("anthropic", "m"), ("lm-studio", "m"), ("openai", "o1")] {
        let (reason, cause) = stopped(server, model, Asked::FirstToken(&asked));
        assert_eq!(reason, StopReason::NoLogProbabilities);
        assert!(cause.contains("votes"), "{cause}");
    }
}

#[test]
fn whole_texts() {
    let whole = |prompt| Asked::Whole {
        prompt,
        continuation: " I like",
    };
    let plain = Prompt::Text("Q".to_owned());
    let (_, body) = sent("sglang", "m", whole(&plain));
    assert_eq!(
        body,
        r#"{"model":"m","prompt":"Q I like","max_tokens":1,"temperature":0,"logprobs":1,"echo":true}"#
    );
    let conversation = chat("-");
    let (_, body) = sent("vllm", "m", whole(&conversation));
    assert!(
        body.ends_with(concat!(
            r#"{"role":"assistant","content":"- I like"}],"max_tokens":1,"temperature":0,"prompt_logprobs":0,"#,
            r#""continue_final_message":true,"add_generation_prompt":false}"#
        )),
        "{body}"
    );
    for (server, prompt) in [
        ("sglang", &conversation),
        ("openai-compatible", &plain),
        ("ollama", &plain),
    ] {
        let (reason, _) = stopped(server, "m", whole(prompt));
        assert_eq!(reason, StopReason::NoLogProbabilities);
    }
}

#[test]
fn what_cannot_be_asked_is_said() {
    let begun = sample(chat("I "));
    let (reason, cause) = stopped("openai", "m", Asked::Sample(&begun));
    assert_eq!(reason, StopReason::Unsupported);
    assert!(cause.contains("already begun"), "{cause}");
    let mut hot = sample(chat(""));
    hot.sampling.temperature = 1.5;
    let (reason, cause) = stopped("anthropic", "m", Asked::Sample(&hot));
    assert_eq!(reason, StopReason::Unsupported);
    assert!(cause.contains("1.5"), "{cause}");
}

#[test]
fn a_prompt_is_estimated_from_below_and_from_above() {
    let text =
        "The lighthouse keeper wrote a letter to the harbour master every evening. ".repeat(20);
    let request = sample(Prompt::Text(text.clone()));
    let estimate = build(profile("vllm"), "m", Asked::Sample(&request))
        .unwrap()
        .prompt_estimate;
    let words = text.split_whitespace().count() as u64;
    assert!(estimate.at_least >= words && estimate.at_least <= words * 4 / 3);
    assert!(estimate.at_most >= text.len() as u64);
}
