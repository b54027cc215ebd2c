//! The cases under `cases/logprobs`: a server's bytes, the scores that are delivered, P(label) and its ends.

use evalwright_core::{
    AnswerScore, Prompt, ReplyNote, ScoreMode, ScoreReply, SlotFailure, StopReason,
};
use evalwright_testing::{Response, Route, Script, ScriptedServer};
use serde_json::Value;

use crate::ask::{Asking, Outcome, connection, conversation, score, server};
use crate::case::{Case, mentions};

type Labels<'a> = &'a [(&'a str, &'a [&'a str])];

const YES_AND_NO: Labels<'_> = &[("Yes", &["Yes", " Yes"]), ("No", &["No", " No"])];

/// A kind that takes every spelling for the answer lists them.
const EVERY_SPELLING: Labels<'_> = &[
    ("Yes", &["Yes", " Yes", "YES", " yes", "yes"]),
    ("No", &["No", " No", "NO", " no", "no"]),
];

fn chat() -> (&'static str, Prompt) {
    ("vllm", conversation("Yes or no?"))
}

fn plain() -> (&'static str, Prompt) {
    ("vllm", Prompt::Text("Q? A:".to_owned()))
}

fn ollama() -> (&'static str, Prompt) {
    ("ollama", conversation("Yes or no?"))
}

/// Asks a server that gives the case's reply for the forms of all labels.
fn ask(
    case: &Case,
    (kind, prompt): (&str, Prompt),
    labels: Labels<'_>,
    count: usize,
) -> (Outcome<ScoreReply>, ScriptedServer) {
    let response = Response::file(case.path("response.json"));
    let server = server(&[response.header("content-type", "application/json")]);
    let forms: Vec<&str> = labels
        .iter()
        .flat_map(|(_, forms)| forms.iter().copied())
        .collect();
    let request = score(prompt, &forms, ScoreMode::FirstToken);
    let outcome = Asking::new().scores(&[connection(kind, &server.url())], &vec![request; count]);
    (outcome, server)
}

/// The case's scores from one request, and what is noted about them.
fn scores(case: &Case, to: (&str, Prompt), labels: Labels<'_>) -> ScoreReply {
    let (outcome, server) = ask(case, to, labels, 1);
    assert_eq!(server.requests().unwrap().len(), 1);
    outcome.only().unwrap()
}

/// Why the case has no scores.
fn failure(case: &Case, labels: Labels<'_>) -> SlotFailure {
    let (outcome, server) = ask(case, chat(), labels, 1);
    // Nothing that is asked again would come out otherwise.
    assert_eq!(server.requests().unwrap().len(), 1);
    outcome.only().unwrap_err()
}

/// The known mass of each label, and the most that a label without any can have.
fn masses(scores: &[AnswerScore], labels: Labels<'_>) -> Vec<(f64, f64)> {
    let mut scores = scores.iter();
    labels
        .iter()
        .map(|(_, forms)| {
            let own: Vec<_> = scores.by_ref().take(forms.len()).collect();
            let known = own.iter().filter(|score| !score.at_most);
            let known: f64 = known.map(|score| score.log_probability.exp()).sum();
            let most = own
                .iter()
                .map(|score| score.log_probability.exp())
                .fold(0.0, f64::max);
            (known, most)
        })
        .collect()
}

fn near(found: f64, wanted: &Value) {
    let wanted = wanted.as_f64().unwrap();
    assert!((found - wanted).abs() <= 1e-9, "{found} is not {wanted}");
}

/// P of each label and the mass covered are the case's.
fn same(expected: &Value, reply: &ScoreReply, labels: Labels<'_>) {
    let masses = masses(&reply.scores, labels);
    let covered: f64 = masses.iter().map(|(known, _)| known).sum();
    for ((label, _), (known, _)) in labels.iter().zip(&masses) {
        near(known / covered, &expected["p"][label]);
    }
    if let Some(wanted) = expected.get("covered") {
        near(covered, wanted);
    }
}

fn holds(id: &str, to: (&str, Prompt), labels: Labels<'_>) -> Option<ScoreReply> {
    let case = Case::find("logprobs", id)?;
    let reply = scores(&case, to, labels);
    let expected = case.expected();
    let wanted = expected.get("accept").map_or(expected, |accept| &accept[0]);
    same(wanted, &reply, labels);
    Some(reply)
}

#[test]
fn l01_surface_forms_case_and_space() {
    let Some(case) = Case::find("logprobs", "L01") else {
        return;
    };
    let policies = &case.expected()["by_policy"];
    for (labels, policy) in [(YES_AND_NO, "listed_forms"), (EVERY_SPELLING, "folded")] {
        same(&policies[policy], &scores(&case, chat(), labels), labels);
    }
}

#[test]
fn l02_chat_logprobs_null() {
    let Some(case) = Case::find("logprobs", "L02") else {
        return;
    };
    let (outcome, server) = ask(&case, chat(), YES_AND_NO, 20);
    let (reason, words) = outcome.stopped();
    assert_eq!(reason, StopReason::NoLogProbabilities);
    mentions(&case.expected()["must_mention"], &words);
    // At the first such reply, before the rest is spent.
    assert_eq!(server.requests().unwrap().len(), 1);
    assert_eq!(outcome.delivered(), 0);
}

#[test]
fn l03_duplicate_keys_in_top_logprobs() {
    holds("L03", plain(), YES_AND_NO);
}

/// Both ends of P(Yes), and the note about what is missing.
fn bounded(id: &str, labels: Labels<'_>, note: &ReplyNote) {
    let Some(case) = Case::find("logprobs", id) else {
        return;
    };
    let reply = scores(&case, chat(), labels);
    let masses = masses(&reply.scores, labels);
    let ((yes, _), (no, most_no)) = (masses[0], masses[1]);
    assert!(no <= 0.0, "no form of it was shown");
    let low = yes / (yes + most_no);
    near(low, &case.expected()["p_yes_min"]);
    near(1.0, &case.expected()["p_yes_max"]);
    assert!(reply.notes.contains(note), "{:?}", reply.notes);
    for (minimum, key) in [
        (0.5, "decision_at_0.5"),
        (0.9, "decision_at_0.9"),
        (0.97, "decision_at_0.97"),
    ] {
        if let Some(decision) = case.expected()[key].as_str() {
            assert_eq!(decision == "Yes", low >= minimum);
        }
    }
}

#[test]
fn l04_null_logprob_entry() {
    bounded("L04", EVERY_SPELLING, &ReplyNote::ValueMissing);
}

#[test]
fn l05_label_not_among_top_k() {
    bounded("L05", YES_AND_NO, &ReplyNote::FormNotShown);
}

#[test]
fn l06_leading_newline_token() {
    holds("L06", chat(), YES_AND_NO);
}

#[test]
fn l07_paren_then_letter() {
    holds("L07", chat(), &[("A", &[" (A)"]), ("B", &[" (B)"])]);
}

#[test]
fn l08_byte_tokens_in_top() {
    holds("L08", chat(), YES_AND_NO);
}

#[test]
fn l09_old_llama_cpp_probs_table() {
    if let Some(reply) = holds("L09", plain(), YES_AND_NO) {
        assert!(reply.notes.contains(&ReplyNote::PostSampling));
    }
}

#[test]
fn l10_ollama_native_root_level() {
    holds("L10", ollama(), YES_AND_NO);
}

#[test]
fn l11_echo_prompt_first_token_null() {
    let Some(case) = Case::find("logprobs", "L11") else {
        return;
    };
    let prompt = case.description["given"]["prompt"].as_str().unwrap();
    let route = |words: &str, file: &str| {
        Route::at("/v1/completions")
            .when_body_contains(words)
            .reply(Response::file(case.path(file)))
    };
    let script = Script::new()
        .route(route("A: Yes", "yes.json"))
        .route(route("A: No", "no.json"));
    let server = ScriptedServer::start(&script).unwrap();
    let request = score(
        Prompt::Text(prompt.to_owned()),
        &[" Yes", " No"],
        ScoreMode::Whole,
    );
    let place = connection("vllm", &server.url());
    let reply = Asking::new().scores(&[place], &[request]).only().unwrap();
    let expected = case.expected();
    for (score, label) in reply.scores.iter().zip([" Yes", " No"]) {
        near(score.log_probability, &expected["logp"][label]);
    }
    same(expected, &reply, &[(" Yes", &[" Yes"]), (" No", &[" No"])]);
    assert_eq!(server.requests().unwrap().len(), 2, "one for each text");
}

#[test]
fn l12_logprob_positive_or_sum_above_one() {
    if let Some(case) = Case::find("logprobs", "L12") {
        let failure = failure(&case, YES_AND_NO);
        assert!(matches!(failure, SlotFailure::InvalidProbabilities { .. }));
        mentions(&case.expected()["must_mention"], &failure.to_string());
    }
}

#[test]
fn l13_sentinel_minus_9999() {
    if let Some(reply) = holds("L13", chat(), YES_AND_NO) {
        assert!(reply.notes.contains(&ReplyNote::FloorValue));
        assert!(
            reply
                .scores
                .iter()
                .all(|score| !score.log_probability.is_nan())
        );
    }
}

#[test]
fn l14_merged_paren_letter_three_options() {
    holds(
        "L14",
        chat(),
        &[("A", &["(A)"]), ("B", &["(B)"]), ("C", &["(C)"])],
    );
}

#[test]
fn l15_cut_character_as_answer() {
    if let Some(case) = Case::find("logprobs", "L15") {
        let failure = failure(&case, &[("是", &["是"]), ("否", &["否"])]);
        assert!(matches!(failure, SlotFailure::AnswersMissing { .. }));
        assert!(failure.to_string().contains("several tokens"), "{failure}");
    }
}
