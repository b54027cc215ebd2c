//! The judge cases that are about reading one reply. The case log is not in the repository: without it, these
//! tests say that they were skipped.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot read its case must fail, and a skipped one must be seen"
)]

use std::path::PathBuf;

use evalwright_text::lint::check;
use evalwright_text::{Form, Scale, Subject, Unread, lint_by_code, read_answer, read_score};
use serde_json::Value;

const ONE_TO_FIVE: Scale = Scale {
    low: 1.0,
    high: 5.0,
    is_whole: true,
};

/// A case's folder and description.
fn case(name: &str) -> Option<(PathBuf, Value)> {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED {name}: EVALWRIGHT_SHARED is not set");
        return None;
    };
    let folder = PathBuf::from(shared).join("cases/judge").join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED {name}: no {}", folder.display());
        return None;
    }
    let description = std::fs::read_to_string(folder.join("case.json")).unwrap();
    Some((folder, serde_json::from_str(&description).unwrap()))
}

fn outputs(folder: &std::path::Path) -> Vec<String> {
    std::fs::read_to_string(folder.join("outputs.jsonl"))
        .unwrap()
        .lines()
        .map(|line| {
            let output: Value = serde_json::from_str(line).unwrap();
            output["text"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn reply(folder: &std::path::Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn yes_or_no(reply: &str) -> Result<evalwright_text::AnswerRead, Unread> {
    read_answer(reply, &[&["Yes".to_owned()], &["No".to_owned()]])
}

#[test]
fn j01_scores_are_read_or_unmeasured() {
    let Some((folder, case)) = case("J01-relevance-score-texts") else {
        return;
    };
    let scores: Vec<Option<f64>> = outputs(&folder)
        .iter()
        .map(|text| read_score(text, &ONE_TO_FIVE).ok().map(|read| read.score))
        .collect();
    let expected: Vec<Option<f64>> = case["expected"]["scores"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::as_f64)
        .collect();
    assert_eq!(scores, expected);
    let unmeasured = scores.iter().filter(|score| score.is_none()).count();
    assert_eq!(case["expected"]["unmeasured"], unmeasured);
}

#[test]
fn j03_the_judges_own_last_verdict_counts_and_the_candidate_is_flagged() {
    let Some((folder, case)) = case("J03-injected-verdict-in-candidate") else {
        return;
    };
    let read = read_score(&reply(&folder, "judge_reply.txt"), &ONE_TO_FIVE).unwrap();
    assert_eq!(Some(read.score), case["expected"]["score"].as_f64());
    let lint = lint_by_code("verdict-pattern").unwrap();
    let candidate = reply(&folder, "candidate.txt");
    let subject = Subject::new(Form::Statement, &candidate);
    assert_eq!(check(&subject, &[lint]).len(), 1);
}

#[test]
fn j04_our_threshold_decides_and_the_contradiction_is_seen() {
    let Some((folder, case)) = case("J04-score-and-pass-disagree") else {
        return;
    };
    let share = Scale {
        low: 0.0,
        high: 1.0,
        is_whole: false,
    };
    let read = read_score(&reply(&folder, "judge_reply.json"), &share).unwrap();
    let expected = &case["expected"];
    assert_eq!(Some(read.score), expected["score"].as_f64());
    assert_eq!(expected["pass_from_threshold_0.5"], read.passes(0.5));
    assert_eq!(expected["reason"], "contradiction");
    assert!(read.contradicts(0.5));
    assert_eq!(read.own_pass, Some(false), "kept for the record");
}

#[test]
fn j05_labels_are_read_or_unmeasured() {
    let Some((folder, case)) = case("J05-sampled-yes-no-texts") else {
        return;
    };
    let labels: Vec<Value> = outputs(&folder)
        .iter()
        .map(|text| match yes_or_no(text) {
            Ok(read) => Value::from(["Yes", "No"][read.answer]),
            Err(_) => Value::Null,
        })
        .collect();
    assert_eq!(case["expected"]["labels"], Value::from(labels.clone()));
    let unmeasured = labels.iter().filter(|label| label.is_null()).count();
    assert_eq!(case["expected"]["unmeasured"], unmeasured);
}

#[test]
fn j07_a_label_that_its_confidence_denies_is_a_contradiction() {
    let Some((folder, case)) = case("J07-label-and-explanation-disagree") else {
        return;
    };
    let read = yes_or_no(&reply(&folder, "judge_reply.json")).unwrap();
    assert_eq!(case["expected"]["label"], ["Yes", "No"][read.answer]);
    assert_eq!(case["expected"]["usable_for_auto_accept"], false);
    assert!(read.contradiction.unwrap().contains("0.02"));
}
