//! The pinned model against an independent float32 computation: token ids, next-token log-probabilities and
//! the log-probability of whole prompts.

#![expect(
    clippy::unwrap_used,
    reason = "a reference that cannot be read must fail its test"
)]

mod support;

use evalwright_core::{Prompt, ScoreMode, ScoreRequest};
use serde::Deserialize;
use support::{chat, one_thread, score, shared, three_threads};

/// How far a log-probability may be from the reference, in nats.
const TOLERANCE: f64 = 0.01;

#[derive(Deserialize)]
struct Reference {
    sha256: String,
    prompts: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    prompt: String,
    token_ids: Vec<u32>,
    next_token_logprob: serde_json::Map<String, serde_json::Value>,
    top10: Vec<(u32, f64)>,
    prompt_logprob_sum: f64,
}

fn reference() -> Option<Reference> {
    let path = shared("data/reference/smollm2-135m-instruct.json")?;
    let reference: Reference = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(!reference.prompts.is_empty());
    Some(reference)
}

/// A prompt of the reference as a request holds it: the turn of a conversation in the model's own format with
/// the beginning of the reply, or plain text.
fn as_prompt(written: &str) -> Prompt {
    let Some((_, rest)) = written.split_once("<|im_start|>user\n") else {
        return Prompt::Text(written.to_owned());
    };
    let (user, opening) = rest
        .split_once("<|im_end|>\n<|im_start|>assistant\n")
        .unwrap();
    assert!(!opening.contains("<|im_"), "one turn only");
    chat(user, opening)
}

#[test]
fn the_reference_is_of_the_pinned_weights() {
    let Some(reference) = reference() else { return };
    let pinned = evalwright_models::weights::model_by_name(support::PINNED).unwrap();
    assert_eq!(reference.sha256, pinned.file.sha256);
}

#[test]
fn token_ids_are_equal() {
    let Some(reference) = reference() else { return };
    let model = one_thread();
    for entry in &reference.prompts {
        assert_eq!(
            model
                .tokenizer()
                .encode_with_controls(&entry.prompt)
                .unwrap(),
            entry.token_ids
        );
        assert_eq!(
            model.prompt_tokens(&as_prompt(&entry.prompt)).unwrap(),
            entry.token_ids,
            "through the chat template"
        );
    }
}

#[test]
fn log_probabilities_are_within_a_hundredth_of_a_nat() {
    let Some(reference) = reference() else { return };
    let model = one_thread();
    let mut worst = 0.0_f64;
    for (number, entry) in reference.prompts.iter().enumerate() {
        let (next, sum) = model.log_probabilities(&entry.token_ids).unwrap();
        for (label, expected) in &entry.next_token_logprob {
            let [token] = model.tokenizer().encode_plain(label).unwrap()[..] else {
                panic!("label {label:?} is not one token");
            };
            let difference = (next[token as usize] - expected.as_f64().unwrap()).abs();
            assert!(
                difference < TOLERANCE,
                "prompt {number}, {label:?}: off by {difference}"
            );
            worst = worst.max(difference);
        }
        for (token, expected) in &entry.top10 {
            let difference = (next[*token as usize] - expected).abs();
            assert!(
                difference < TOLERANCE,
                "prompt {number}, token {token}: off by {difference}"
            );
            worst = worst.max(difference);
        }
        let mut order: Vec<u32> = (0..next.len() as u32).collect();
        order.sort_by(|left, right| next[*right as usize].total_cmp(&next[*left as usize]));
        let expected: Vec<u32> = entry.top10.iter().map(|(token, _)| *token).collect();
        assert_eq!(
            order[..10],
            expected,
            "prompt {number}: the likeliest tokens in order"
        );
        // One tolerance for the whole sum: errors of single tokens cancel far below it.
        let difference = (sum - entry.prompt_logprob_sum).abs();
        assert!(
            difference < TOLERANCE,
            "prompt {number}: the sum is off by {difference}"
        );
        worst = worst.max(difference);
        let mass: f64 = next.iter().map(|value| value.exp()).sum();
        assert!((mass - 1.0).abs() < 1e-5, "probabilities sum to {mass}");
    }
    eprintln!("largest difference from the reference: {worst:.6} nats");
}

#[test]
fn the_batched_path_gives_the_reference_too() {
    let Some(reference) = reference() else { return };
    let requests: Vec<ScoreRequest> = reference
        .prompts
        .iter()
        .map(|entry| ScoreRequest {
            prompt: as_prompt(&entry.prompt),
            continuations: entry.next_token_logprob.keys().cloned().collect(),
            mode: ScoreMode::FirstToken,
        })
        .collect();
    for (entry, reply) in reference
        .prompts
        .iter()
        .zip(score(three_threads(), &requests))
    {
        let reply = reply.unwrap();
        assert_eq!(reply.scores.len(), entry.next_token_logprob.len());
        for (found, (label, expected)) in reply.scores.iter().zip(&entry.next_token_logprob) {
            let difference = (found.log_probability - expected.as_f64().unwrap()).abs();
            assert!(difference < TOLERANCE, "{label:?}: off by {difference}");
        }
    }
}
