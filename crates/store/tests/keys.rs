//! Keys hold everything that can change an answer (cases D03 and D04).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::collections::BTreeSet;

use evalwright_core::{
    ContentHash, Message, Prompt, Role, SampleRequest, Sampling, ScoreMode, ScoreRequest, Seed,
};
use evalwright_store::{sample_key, score_key};
use proptest::prelude::*;
use serde_json::Value;

/// A request of a case file in our terms. What the file leaves out is what a kind fills in: temperature 1,
/// all tokens, no stop, seed 0.
fn key_of(line: &Value) -> ContentHash {
    let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str, default: f64| line.get(key).and_then(Value::as_f64).unwrap_or(default);
    let mut model = support::model();
    model.name = text("model").unwrap();
    if let Some(address) = text("base_url") {
        model.engine = format!("server at {address}");
    }
    if let Some(hash) = text("chat_template_sha256") {
        model.chat_template = Some(ContentHash::of(hash.as_bytes()));
    }
    let user = text("prompt").unwrap();
    let prompt = match text("system") {
        None => Prompt::Chat {
            messages: vec![Message {
                role: Role::User,
                content: user,
            }],
            opening: String::new(),
        },
        Some(system) => Prompt::Chat {
            messages: vec![
                Message {
                    role: Role::System,
                    content: system,
                },
                Message {
                    role: Role::User,
                    content: user,
                },
            ],
            opening: String::new(),
        },
    };
    if line.get("logprobs").is_some() {
        let request = ScoreRequest {
            prompt,
            continuations: vec![" Yes".to_owned()],
            mode: ScoreMode::FirstToken,
        };
        return score_key(&model, &request);
    }
    let stop = line
        .get("stop")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let seed = line
        .get("seed")
        .or_else(|| line.get("sample_index"))
        .and_then(Value::as_u64);
    let request = SampleRequest {
        prompt,
        sampling: Sampling {
            temperature: number("temperature", 1.0),
            top_p: number("top_p", 1.0),
            max_tokens: u32::try_from(line["max_tokens"].as_u64().unwrap()).unwrap(),
            stop: stop
                .iter()
                .map(|stop| stop.as_str().unwrap().to_owned())
                .collect(),
        },
        seed: Seed(seed.unwrap_or(0)),
    };
    sample_key(&model, &request)
}

fn distinct_keys(case: &str) -> (usize, u64) {
    let keys: BTreeSet<ContentHash> = support::json_lines(case, "requests.jsonl")
        .iter()
        .map(key_of)
        .collect();
    (
        keys.len(),
        support::expected(case)["distinct_keys"].as_u64().unwrap(),
    )
}

#[test]
fn d03_repeated_samples_have_keys_of_their_own() {
    let (found, expected) = distinct_keys("D03-repeated-samples-share-a-key");
    assert_eq!(found as u64, expected);
}

#[test]
fn d04_every_parameter_is_in_the_key() {
    let (found, expected) = distinct_keys("D04-every-parameter-is-in-the-key");
    assert_eq!(found as u64, expected);
}

#[test]
fn parts_do_not_run_into_each_other_and_kinds_never_meet() {
    let model = support::model();
    let with_stop = |stop: &[&str]| {
        let mut request = support::request(0);
        request.sampling.stop = stop.iter().map(|text| (*text).to_owned()).collect();
        sample_key(&model, &request)
    };
    assert_ne!(with_stop(&["ab", "c"]), with_stop(&["a", "bc"]));
    assert_ne!(with_stop(&[]), with_stop(&[""]));

    let score = |continuations: &[&str], mode| {
        let request = ScoreRequest {
            prompt: Prompt::Text("P".to_owned()),
            continuations: continuations
                .iter()
                .map(|text| (*text).to_owned())
                .collect(),
            mode,
        };
        score_key(&model, &request)
    };
    let keys = [
        score(&[" Yes", " No"], ScoreMode::Whole),
        score(&[" No", " Yes"], ScoreMode::Whole),
        score(&[" Yes No"], ScoreMode::Whole),
        score(&[" Yes", " No"], ScoreMode::FirstToken),
    ];
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
}

#[test]
fn every_part_of_the_model_identity_is_in_the_key() {
    let mut models = vec![support::model(); 6];
    models[1].name.push('x');
    models[2].weights = None;
    models[3].engine.push('x');
    models[4].precision.push('x');
    models[5].chat_template = None;
    let keys: BTreeSet<_> = models
        .iter()
        .map(|model| sample_key(model, &support::request(0)))
        .collect();
    assert_eq!(keys.len(), models.len());
}

prop_compose! {
    fn any_request()(
        text in ".{0,8}", chat in any::<bool>(),
        temperature in prop::sample::select(vec![0.0, 0.7, 0.7000000000000001, 1.0]),
        top_p in prop::sample::select(vec![0.9, 1.0]),
        max_tokens in 1_u32..4, stop in prop::collection::vec("[ab]{0,2}", 0..3), seed in 0_u64..3,
    ) -> SampleRequest {
        let prompt = if chat {
            Prompt::Chat { messages: vec![], opening: text }
        } else {
            Prompt::Text(text)
        };
        SampleRequest { prompt, sampling: Sampling { temperature, top_p, max_tokens, stop }, seed: Seed(seed) }
    }
}

proptest! {
    #[test]
    fn keys_are_equal_exactly_when_requests_are(a in any_request(), b in any_request()) {
        let model = support::model();
        prop_assert_eq!(sample_key(&model, &a) == sample_key(&model, &b), a == b);
        prop_assert_eq!(sample_key(&model, &a), sample_key(&model, &a.clone()));
    }

    #[test]
    fn as_many_seeds_as_keys(seeds in prop::collection::btree_set(any::<u64>(), 0..50)) {
        let model = support::model();
        let keys: BTreeSet<_> =
            seeds.iter().map(|seed| sample_key(&model, &support::request(*seed))).collect();
        prop_assert_eq!(keys.len(), seeds.len());
    }
}
