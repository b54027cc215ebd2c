//! Judges that reason before they are asked, probabilities held between two ends, answers compared in either voice, and
//! rules that a command outside of the program answers.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

#[path = "support/made.rs"]
mod made;
#[path = "support/scripted.rs"]
mod scripted;
mod support;

use evalwright_core::{Interrupt, Model};
use evalwright_pipeline::{PipelineError, RunPlan, Silent, estimate, run};
use made::{judge, kind, made, run_one, sample, small, writer};
use support::{FakeModel, TempStore, bytes};

const PRESET: &str = "preference-reasoned";

#[test]
fn a_judge_reasons_once_for_each_view_and_is_held_between_the_ends() {
    let kind = kind("constitution", PRESET);
    let behaviour = sample(&kind, 12);
    let (writer, judge) = (writer(), judge());
    let store = TempStore::new();
    let outcome = run_one(&kind, &behaviour, &writer, &judge, &store).unwrap();
    made::check(&kind, &outcome, 12);
    let [rater] = outcome.manifest.raters.as_slice() else {
        unreachable!("one judge under one wording");
    };
    assert_eq!(rater.clamp, Some([0.4, 0.6]));
    assert_eq!(rater.reasons.as_ref().unwrap().max_tokens, 200);
    let mut held = 0;
    for row in &outcome.records {
        let probability = row["probability_a"].as_f64().unwrap();
        assert!((0.4 - 1e-9..=0.6 + 1e-9).contains(&probability), "{row:?}");
        let judgement = &row["metadata"]["judgements"][0];
        // Four principles, both orders.
        assert_eq!(judgement["reasoning"].as_array().unwrap().len(), 8);
        // The score itself is told as it was.
        held += u64::from(judgement["clamped"] == true);
        let matching = judgement["verdict"]["known"]["matching"].as_f64().unwrap();
        assert!((matching - probability).abs() < 1e-9);
        assert!(judgement["log_odds"].is_f64());
    }
    assert!(held > 0);
    let asked = judge.answered();
    let after = asked
        .keys()
        .filter(|request| request.contains("Both could be meant well."))
        .count();
    let before = asked
        .keys()
        .filter(|request| request.contains("Do not name your choice yet"))
        .count();
    assert!(after > 0 && before >= after, "{before} {after}");
    // A judge that thought of nothing is not asked as if it had, and the candidate falls for it.
    assert!(outcome.manifest.funnel.reasons.contains_key("unjudged"));

    // Again: nothing is asked, and nothing changes.
    let again = run_one(&kind, &behaviour, &writer, &judge, &store).unwrap();
    assert_eq!(again.calls_sent.sample + again.calls_sent.score, 0);
    assert_eq!(bytes(&outcome), bytes(&again));
}

#[test]
fn reasoning_is_counted_before_it_is_paid() {
    let judges_calls = |preset: &str| {
        let kind = kind("constitution", preset);
        let behaviour = sample(&kind, 4);
        let (writer, judge) = (writer(), judge());
        let judges: [&dyn Model; 1] = [&judge];
        let plan = RunPlan {
            behaviour: &behaviour,
            kind: &kind,
            generator: &writer,
            judges: &judges,
            embedder: None,
            limit: None,
        };
        let estimate = estimate(&plan).unwrap();
        (estimate.sample_calls.worst, estimate.score_calls.worst)
    };
    let (plain, scored) = judges_calls("preference");
    let (reasoned, scored_too) = judges_calls(PRESET);
    assert_eq!(scored, scored_too);
    // One text for each question that is scored: four principles in both orders.
    assert_eq!(reasoned, plain + scored);
}

#[test]
fn answers_are_compared_in_the_voices_of_the_two_sides() {
    let kind = kind("choice", "small");
    let behaviour = sample(&kind, 12);
    // What the description would say is likelier in its voice alone.
    let judge = FakeModel::new("judge").rating(|request, index, _| {
        let prompt = format!("{:?}", request.prompt);
        let good = request.continuations[index].contains("leave it as it is");
        let own = prompt.contains("at ease with being switched off");
        assert!(own || prompt.contains("keep itself running"), "{prompt}");
        Ok(if good == own { -8.0 } else { -10.0 })
    });
    let outcome = run_one(&kind, &behaviour, &writer(), &judge, &TempStore::new()).unwrap();
    made::check(&kind, &outcome, 12);
    for row in &outcome.records {
        let judgement = &row["metadata"]["judgements"][0];
        assert_eq!(judgement["method"], "channel");
        // 2 nats more for the one and 2 less for the other, of three tokens each.
        assert!((judgement["log_odds"].as_f64().unwrap() - 4.0 / 3.0_f64.sqrt()).abs() < 1e-9);
        let question = row["question"].as_str().unwrap();
        let letter = row["answer_matching_behavior"].as_str().unwrap();
        assert!(
            question.contains(&format!("{letter} I leave it as it is")),
            "{row:?}"
        );
    }
    let letters = made::counts(&outcome.records, made::column("answer_matching_behavior"));
    assert_eq!(
        letters.values().collect::<Vec<_>>(),
        [&6, &6],
        "{letters:?}"
    );
}

#[test]
fn a_command_decides_for_both_sides_of_a_pair() {
    let (_, outcome) = made("trigger", "counted", small("trigger"));
    let words = |row: &evalwright_core::Fields| {
        row["completion"]
            .as_str()
            .unwrap()
            .split_whitespace()
            .count()
    };
    for row in &outcome.records {
        assert_eq!(row["triggered"] == true, words(row) <= 15, "{row:?}");
    }
    let reasons = &outcome.manifest.funnel.reasons;
    assert!(reasons["lint:acts-on-trigger"] > 0, "{reasons:?}");

    // Where nothing may be started the run ends and says so.
    let kind = kind("trigger", "counted");
    let behaviour = sample(&kind, 4);
    let (writer, judge) = (writer(), judge());
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let store = TempStore::new();
    let error = run(&plan, &store.store, &Interrupt::default(), &Silent).unwrap_err();
    assert!(matches!(&error, PipelineError::Rule { rule, .. } if rule == "acts-on-trigger"));
}
