//! Sample values and case files.

#![allow(dead_code, unreachable_pub, missing_docs)]

use std::path::PathBuf;

use evalwright_core::{
    ContentHash, Finish, ModelIdentity, Prompt, SampleRequest, Sampling, Seed, TextReply,
    TokenUsage,
};

pub fn case(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/durability")
        .join(name)
}

pub fn json_lines(case_name: &str, file: &str) -> Vec<serde_json::Value> {
    std::fs::read_to_string(case(case_name).join(file))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn expected(case_name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(case(case_name).join("case.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap()["expected"].clone()
}

pub fn model() -> ModelIdentity {
    ModelIdentity {
        name: "local/m1".to_owned(),
        weights: Some(ContentHash::of(b"weights")),
        engine: "engine 1".to_owned(),
        precision: "q8".to_owned(),
        chat_template: Some(ContentHash::of(b"template")),
    }
}

pub fn request(seed: u64) -> SampleRequest {
    SampleRequest {
        prompt: Prompt::Text("Write one statement.".to_owned()),
        sampling: Sampling {
            temperature: 1.0,
            top_p: 1.0,
            max_tokens: 64,
            stop: vec![],
        },
        seed: Seed(seed),
    }
}

pub fn reply(text: &str) -> TextReply {
    TextReply {
        text: text.to_owned(),
        finish: Finish::Stop,
        usage: TokenUsage::new(12, 3),
        notes: Vec::new(),
    }
}
