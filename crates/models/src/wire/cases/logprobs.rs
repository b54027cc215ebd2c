//! The cases under `cases/logprobs`: from a server's bytes to P(label) with its ends.

use evalwright_core::{Prompt, ReplyNote, SlotFailure, StopReason};
use serde_json::Value;

use super::{Asked, Case, Got, SMALL, Trouble, case, conversation, mentions, profile, read, score};
use crate::probability::read::{Scores, answers};
use crate::probability::shares::{Shares, shares};
use crate::probability::table::Table;
use crate::wire;

const YES_AND_NO: &[(&str, &[&str])] = &[("Yes", &["Yes", " Yes"]), ("No", &["No", " No"])];

/// The shape of a case's reply, by the endpoint that gives it.
#[derive(Clone, Copy)]
enum Shape {
    Chat,
    Text,
    Ollama,
}

impl Shape {
    fn server(self) -> &'static str {
        match self {
            Self::Chat | Self::Text => "vllm",
            Self::Ollama => "ollama",
        }
    }

    fn prompt(self) -> Prompt {
        match self {
            Self::Text => Prompt::Text("Q? A:".to_owned()),
            Self::Chat | Self::Ollama => conversation(),
        }
    }

    fn table(self, body: &[u8]) -> Table {
        let answer = match self {
            Self::Chat => wire::chat::read(None, body),
            Self::Text => wire::completions::read(None, body),
            Self::Ollama => wire::ollama::read(None, body),
        };
        answer.unwrap().table.unwrap()
    }
}

/// The scores of all forms of labels, by one policy.
fn scores(
    case: &Case,
    shape: Shape,
    labels: &[(&str, &[&str])],
) -> Result<(Scores, Shares), SlotFailure> {
    let continuations: Vec<String> = labels
        .iter()
        .flat_map(|(_, forms)| forms.iter().map(|&form| form.to_owned()))
        .collect();
    let scores = answers(&shape.table(&case.file("response.json")), &continuations)?;
    let mut next = 0;
    let places: Vec<Vec<usize>> = labels
        .iter()
        .map(|(_, forms)| {
            let start = next;
            next += forms.len();
            (start..next).collect()
        })
        .collect();
    let places: Vec<&[usize]> = places.iter().map(|places| &places[..]).collect();
    let shares = shares(&scores.scores, &places).unwrap();
    Ok((scores, shares))
}

fn near(found: f64, wanted: &Value) {
    let wanted = wanted.as_f64().unwrap();
    assert!((found - wanted).abs() <= 1e-9, "{found} is not {wanted}");
}

/// Compares P of each label, the mass covered and the position.
fn same(expected: &Value, labels: &[(&str, &[&str])], scores: &Scores, shares: &Shares) {
    for ((label, _), (low, high)) in labels.iter().zip(&shares.ends) {
        near(*low, &expected["p"][label]);
        near(*high, &expected["p"][label]);
    }
    if let Some(covered) = expected.get("covered") {
        near(shares.covered, covered);
    }
    if let Some(position) = expected["position"].as_u64() {
        assert_eq!(scores.position as u64, position);
    }
}

fn holds(id: &str, shape: Shape, labels: &[(&str, &[&str])], expected: fn(&Value) -> &Value) {
    let Some(case) = case("logprobs", id) else {
        return;
    };
    let (scores, shares) = scores(&case, shape, labels).unwrap();
    same(expected(case.expected()), labels, &scores, &shares);
}

/// The whole way: a request, the bytes, scores or trouble.
fn reply(case: &Case, shape: Shape, forms: &[&str]) -> Result<Got, Trouble> {
    let request = score(shape.prompt(), forms);
    let asked = Asked::FirstToken(&request);
    let body = case.file("response.json");
    read(profile(shape.server()), "mock", asked, SMALL, None, &body)
}

#[test]
fn l01_surface_forms_case_and_space() {
    let Some(case) = case("logprobs", "L01") else {
        return;
    };
    let expected = &case.expected()["by_policy"];
    for (labels, name) in [(YES_AND_NO, "listed_forms"), (EVERY_SPELLING, "folded")] {
        let (scores, shares) = scores(&case, Shape::Chat, labels).unwrap();
        same(&expected[name], labels, &scores, &shares);
    }
}

#[test]
fn l02_chat_logprobs_null() {
    let Some(case) = case("logprobs", "L02") else {
        return;
    };
    match reply(&case, Shape::Chat, &["Yes", "No"]) {
        Err(Trouble::Stop { reason, cause }) => {
            assert_eq!(reason, StopReason::NoLogProbabilities);
            mentions(&case.expected()["must_mention"], &cause);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn l03_duplicate_keys_in_top_logprobs() {
    holds("L03", Shape::Text, YES_AND_NO, |expected| {
        &expected["accept"][0]
    });
}

/// A kind that takes every spelling for the answer lists them.
const EVERY_SPELLING: &[(&str, &[&str])] = &[
    ("Yes", &["Yes", " Yes", "YES", " yes", "yes"]),
    ("No", &["No", " No", "NO", " no", "no"]),
];

/// Both ends of P(Yes), and the note about what is missing.
fn bounded(id: &str, labels: &[(&str, &[&str])], note: ReplyNote) {
    let Some(case) = case("logprobs", id) else {
        return;
    };
    let (scores, shares) = scores(&case, Shape::Chat, labels).unwrap();
    let (low, high) = shares.ends[0];
    let expected = case.expected();
    near(low, &expected["p_yes_min"]);
    near(high, &expected["p_yes_max"]);
    assert!(scores.notes.contains(&note), "{:?}", scores.notes);
    for (minimum, key) in [
        (0.5, "decision_at_0.5"),
        (0.9, "decision_at_0.9"),
        (0.97, "decision_at_0.97"),
    ] {
        if let Some(decision) = expected[key].as_str() {
            assert_eq!(decision == "Yes", low >= minimum);
        }
    }
}

#[test]
fn l04_null_logprob_entry() {
    bounded("L04", EVERY_SPELLING, ReplyNote::ValueMissing);
}

#[test]
fn l05_label_not_among_top_k() {
    bounded("L05", YES_AND_NO, ReplyNote::FormNotShown);
}

#[test]
fn l06_leading_newline_token() {
    holds("L06", Shape::Chat, YES_AND_NO, |expected| expected);
}

#[test]
fn l07_paren_then_letter() {
    let labels: &[(&str, &[&str])] = &[("A", &[" (A)"]), ("B", &[" (B)"])];
    holds("L07", Shape::Chat, labels, |expected| expected);
}

#[test]
fn l08_byte_tokens_in_top() {
    holds("L08", Shape::Chat, YES_AND_NO, |expected| expected);
    if let Some(case) = case("logprobs", "L08") {
        let table = Shape::Chat.table(&case.file("response.json"));
        let distinct = table.positions[0].candidates.len() as u64;
        assert_eq!(
            Some(distinct),
            case.expected()["distinct_candidates"].as_u64()
        );
    }
}

#[test]
fn l09_old_llama_cpp_probs_table() {
    holds("L09", Shape::Text, YES_AND_NO, |expected| expected);
    if let Some(case) = case("logprobs", "L09") {
        let Ok(Got::Scores(scores)) = reply(&case, Shape::Text, &["Yes", "No"]) else {
            panic!("no scores");
        };
        assert!(scores.notes.contains(&ReplyNote::PostSampling));
    }
}

#[test]
fn l10_ollama_native_root_level() {
    holds("L10", Shape::Ollama, YES_AND_NO, |expected| expected);
}

#[test]
fn l11_echo_prompt_first_token_null() {
    let Some(case) = case("logprobs", "L11") else {
        return;
    };
    let prompt = Prompt::Text(
        case.description["given"]["prompt"]
            .as_str()
            .unwrap()
            .to_owned(),
    );
    let mut found = Vec::new();
    for (continuation, file) in [(" Yes", "yes.json"), (" No", "no.json")] {
        let asked = Asked::Whole {
            prompt: &prompt,
            continuation,
        };
        let body = case.file(file);
        let Ok(Got::Scores(reply)) = read(profile("vllm"), "mock", asked, SMALL, None, &body)
        else {
            panic!("no scores");
        };
        near(
            reply.scores[0].log_probability,
            &case.expected()["logp"][continuation],
        );
        found.extend(reply.scores);
    }
    let shares = shares(&found, &[&[0], &[1]]).unwrap();
    near(shares.ends[0].0, &case.expected()["p"][" Yes"]);
    near(shares.ends[1].1, &case.expected()["p"][" No"]);
}

#[test]
fn l12_logprob_positive_or_sum_above_one() {
    let Some(case) = case("logprobs", "L12") else {
        return;
    };
    match reply(&case, Shape::Chat, &["Yes", "No"]) {
        Err(Trouble::Fail(failure)) => {
            assert_eq!(
                case.expected()["reason"].as_str(),
                Some(super::reason(&failure))
            );
            mentions(&case.expected()["must_mention"], &failure.to_string());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn l13_sentinel_minus_9999() {
    holds("L13", Shape::Chat, YES_AND_NO, |expected| expected);
    if let Some(case) = case("logprobs", "L13") {
        let (scores, _) = scores(&case, Shape::Chat, YES_AND_NO).unwrap();
        assert!(scores.notes.contains(&ReplyNote::FloorValue));
    }
}

#[test]
fn l14_merged_paren_letter_three_options() {
    let labels: &[(&str, &[&str])] = &[("A", &["(A)"]), ("B", &["(B)"]), ("C", &["(C)"])];
    holds("L14", Shape::Chat, labels, |expected| expected);
}

#[test]
fn l15_cut_character_as_answer() {
    let Some(case) = case("logprobs", "L15") else {
        return;
    };
    match reply(&case, Shape::Chat, &["是", "否"]) {
        Err(Trouble::Fail(failure)) => {
            assert_eq!(
                case.expected()["reason"].as_str(),
                Some(super::reason(&failure))
            );
            assert!(failure.to_string().contains("several tokens"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
}
