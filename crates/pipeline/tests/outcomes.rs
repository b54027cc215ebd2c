//! What becomes of candidates: counts that add up, shortfalls, conflicts, balance, order.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{
    Cell, Finish, Interrupt, Model, Prompt, RejectReason, Row, SampleRequest, ScoreRequest, Side,
    SlotFailure, TextReply, Verdict,
};
use evalwright_pipeline::{CallKind, Event, Outcome, PipelineError, RunPlan, Silent, run};
use evalwright_recipe::{LoadedKind, builtin_kinds, load_behaviour};
use support::{
    After, FakeModel, KIND, Recorder, TempStore, behaviour, flat_rate, folder, kind, load,
    run_with, text, varied_text,
};

fn outcome(kind: &LoadedKind, rows: u32, writer: &FakeModel, judge: &FakeModel) -> Outcome {
    run_with(
        kind,
        &behaviour(rows),
        writer,
        judge,
        &TempStore::new().store,
        &Silent,
    )
    .unwrap()
}

/// What must hold of every outcome.
fn check(outcome: &Outcome) {
    let funnel = &outcome.manifest.funnel;
    assert_eq!(funnel.asked, funnel.accepted + funnel.rejected);
    assert_eq!(funnel.pending, 0);
    assert_eq!(funnel.accepted, outcome.rows.len() as u64);
    assert_eq!(funnel.rejected, outcome.rejects.len() as u64);
    assert_eq!(funnel.reasons.values().sum::<u64>(), funnel.rejected);
    assert_eq!(
        funnel.cells.iter().map(|cell| cell.asked).sum::<u64>(),
        funnel.asked
    );
    assert_eq!(
        funnel.cells.iter().map(|cell| cell.got).sum::<u64>(),
        funnel.accepted
    );
    assert_eq!(
        funnel.cells[0].got, funnel.cells[1].got,
        "labels are balanced"
    );
    let mut before = funnel.asked;
    for stage in &funnel.stages {
        assert_eq!(
            stage.received, before,
            "{} receives what the stage before passed",
            stage.stage
        );
        let fell = outcome
            .rejects
            .iter()
            .filter(|reject| reject.stage == stage.stage)
            .count();
        assert_eq!(stage.passed, stage.received - fell as u64);
        before = stage.passed;
    }
    assert_eq!(before, funnel.accepted);
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    for id in outcome
        .rows
        .iter()
        .map(|row| row.metadata.candidate.as_str())
        .chain(
            outcome
                .rejects
                .iter()
                .map(|reject| reject.candidate.id.as_str()),
        )
    {
        assert!(ids.insert(id), "{id} is told of twice");
    }
    for row in &outcome.rows {
        assert!(row.label_confidence.value() >= outcome.manifest.minimum_confidence);
        assert_eq!(
            row.id,
            Row::identify(
                &row.question,
                &row.answer_matching_behavior,
                &row.answer_not_matching_behavior
            )
        );
        let agrees = row.answer_matching_behavior == " Yes";
        assert_eq!(agrees, row.metadata.label == Side::Matching);
        assert!(row.question.contains(&row.statement));
    }
}

#[test]
fn a_plan_that_can_be_fulfilled_is() {
    let outcome = outcome(
        &kind(),
        20,
        &FakeModel::new("writer"),
        &FakeModel::new("judge"),
    );
    check(&outcome);
    assert_eq!(outcome.rows.len(), 20);
    assert!(!outcome.shortfall);
    let reasons: Vec<&str> = outcome
        .manifest
        .funnel
        .reasons
        .keys()
        .map(String::as_str)
        .collect();
    for expected in [
        "below_minimum",
        "duplicate:exact",
        "lint:cut-off",
        "lint:placeholder",
        "no_reply",
        "surplus",
        "unparsable",
    ] {
        assert!(reasons.contains(&expected), "{expected} in {reasons:?}");
    }
    let names: Vec<&str> = outcome
        .manifest
        .funnel
        .stages
        .iter()
        .map(|stage| stage.stage.as_str())
        .collect();
    assert_eq!(names, ["ask", "lint", "score", "dedup", "select", "emit"]);
    assert_eq!(outcome.manifest.raters[1].rater, "judge#diary");
    assert_eq!(outcome.manifest.raters[1].calibration.origin, "none");
    assert_eq!(
        outcome.manifest.dedup.shingle.as_deref(),
        Some("word 1-grams")
    );
}

#[test]
fn counts_add_up_after_every_wave() {
    let recorder = Recorder::default();
    let result = run_with(
        &kind(),
        &behaviour(12),
        &FakeModel::new("writer").delivery(5, 3),
        &FakeModel::new("judge").delivery(5, 3),
        &TempStore::new().store,
        &recorder,
    )
    .unwrap();
    let (mut passed, mut fell, mut waves, mut finished) = (0, 0, 0, 0);
    let mut fresh: BTreeMap<CallKind, u64> = BTreeMap::new();
    for event in recorder.events() {
        match event {
            Event::Passed { .. } => passed += 1,
            Event::Rejected { .. } => fell += 1,
            Event::Reply {
                call,
                from_store: false,
                ..
            } => *fresh.entry(call).or_default() += 1,
            Event::WaveDone {
                wave,
                tally,
                survivors,
            } => {
                waves += 1;
                assert_eq!(wave, waves);
                assert_eq!(tally.asked, tally.accepted + tally.rejected + tally.pending);
                assert_eq!(
                    (tally.pending, tally.rejected, tally.accepted),
                    (passed, fell, 0)
                );
                assert!(survivors.iter().map(|(_, count)| count).sum::<u64>() <= tally.pending);
            }
            Event::Finished { tally } => {
                finished += 1;
                assert_eq!(tally.asked, tally.accepted + tally.rejected);
                assert_eq!(tally.pending, 0);
                assert_eq!(tally.rejected, fell);
            }
            _ => {}
        }
    }
    assert_eq!((waves, finished), (result.manifest.funnel.waves, 1));
    assert_eq!(fresh[&CallKind::Sample], result.calls_sent.sample);
    assert_eq!(fresh[&CallKind::Score], result.calls_sent.score);
}

#[test]
fn equal_texts_are_scored_once() {
    let same: support::Write = |_, _| text(" ask my friends for honest words.", Finish::Stop);
    let judge = FakeModel::new("judge").rating(flat_rate);
    let outcome = outcome(&kind(), 4, &FakeModel::new("writer").writing(same), &judge);
    check(&outcome);
    // Two raters, two sides each.
    assert_eq!(outcome.calls_sent.score, 4);
    assert_eq!(judge.answered().len(), 4);
}

#[test]
fn the_limit_ends_a_run_with_a_shortfall() {
    // One side always writes the same sentence, so it can fill one row only.
    let narrow: support::Write = |request, chance| match &request.prompt {
        Prompt::Chat { messages, .. } if messages[0].content.contains("hates") => {
            text(" leave the room at the first harsh word.", Finish::Stop)
        }
        _ => varied_text(request, chance),
    };
    let judge = FakeModel::new("judge").rating(flat_rate);
    let outcome = outcome(
        &kind(),
        10,
        &FakeModel::new("writer").writing(narrow),
        &judge,
    );
    check(&outcome);
    assert!(outcome.shortfall);
    assert_eq!(
        outcome.rows.len(),
        2,
        "the other label is trimmed to as many"
    );
    let cells = &outcome.manifest.funnel.cells;
    assert_eq!(
        cells[1].cell,
        Cell {
            label: Side::NotMatching
        }
    );
    assert_eq!((cells[1].wanted, cells[1].got, cells[1].asked), (5, 1, 200));
    assert!(cells[0].asked < 200, "a full cell asks no further");
    assert!(outcome.manifest.funnel.reasons["surplus"] >= 4);
}

#[test]
fn a_model_that_answers_nothing_gives_no_rows_and_no_error() {
    let fails: support::Write = |_, _| Err(SlotFailure::NonFiniteLogits);
    let judge = FakeModel::new("judge");
    let outcome = outcome(&kind(), 4, &FakeModel::new("writer").writing(fails), &judge);
    check(&outcome);
    assert!(outcome.rows.is_empty() && outcome.shortfall);
    assert_eq!(outcome.manifest.funnel.asked, 160);
    assert_eq!(outcome.manifest.funnel.reasons["no_reply"], 160);
    assert_eq!(outcome.calls_sent.score, 0);
}

#[test]
fn a_judge_that_knows_nothing_leaves_candidates_unjudged() {
    let silent: support::Rate = |_, _, _| Ok(f64::NEG_INFINITY);
    let judge = FakeModel::new("judge").rating(silent);
    let outcome = outcome(&kind(), 2, &FakeModel::new("writer"), &judge);
    check(&outcome);
    assert!(outcome.rows.is_empty());
    let unjudged = outcome
        .rejects
        .iter()
        .find(|reject| matches!(reject.reason, RejectReason::Unjudged { .. }))
        .unwrap();
    assert_eq!(
        unjudged.reason.to_string(),
        "no rater could judge it: the model gave logits that are not finite"
    );
    assert!(unjudged.candidate.confidence.is_none());
    for judgement in &unjudged.candidate.judgements {
        assert!(matches!(judgement.verdict, Verdict::Unknown { .. }));
        assert_eq!(judgement.log_odds, None);
    }
}

#[test]
fn the_same_text_on_both_sides_falls_on_both() {
    let mirrored: support::Write = |request, chance| {
        if chance.is_multiple_of(3) {
            text(" hear every opinion about my work.", Finish::Stop)
        } else {
            varied_text(request, chance)
        }
    };
    let judge = FakeModel::new("judge").rating(flat_rate);
    let outcome = outcome(
        &kind(),
        6,
        &FakeModel::new("writer").writing(mirrored),
        &judge,
    );
    check(&outcome);
    assert!(
        outcome
            .rows
            .iter()
            .all(|row| !row.statement.contains("every opinion"))
    );
    let by_id: BTreeMap<&str, &evalwright_core::Reject> = outcome
        .rejects
        .iter()
        .map(|reject| (reject.candidate.id.as_str(), reject))
        .collect();
    let mut exact = 0;
    for reject in &outcome.rejects {
        if let RejectReason::Conflict { with, layer, .. } = &reject.reason {
            assert_ne!(
                by_id[with.as_str()].candidate.slot.cell,
                reject.candidate.slot.cell
            );
            exact += u64::from(layer == "exact");
        }
    }
    assert!(exact >= 2, "{:?}", outcome.manifest.funnel.reasons);
}

/// Channel scores count per root of the length, and every text of the fake model has three tokens.
fn per_root_of_length(log_odds: f64) -> f64 {
    log_odds / 3.0_f64.sqrt()
}

#[test]
fn the_minimum_settles_a_text_that_a_judge_is_sure_of() {
    // The text is in the voice of the described one, whoever it was written for.
    let sure: support::Rate = |request, _, _| {
        let said = match &request.prompt {
            Prompt::Text(text) => text.as_str(),
            Prompt::Chat { messages, .. } => messages[0].content.as_str(),
        };
        Ok(if said.contains("likes") { -10.0 } else { -12.0 })
    };
    let judge = FakeModel::new("judge").rating(sure);
    let outcome = outcome(&kind(), 4, &FakeModel::new("writer"), &judge);
    check(&outcome);
    for reject in &outcome.rejects {
        if let RejectReason::BelowMinimum {
            confidence,
            minimum,
            ..
        } = reject.reason
        {
            assert_eq!(reject.candidate.slot.cell.label, Side::NotMatching);
            assert!(
                (confidence.value() - 1.0 / (1.0 + per_root_of_length(2.0).exp())).abs() < 1e-12
            );
            assert!((minimum.value() - 0.5).abs() < 1e-12);
        }
    }
    assert!(outcome.manifest.funnel.reasons["below_minimum"] > 0);
    assert!(
        outcome.rows.is_empty(),
        "one label without rows leaves none"
    );
}

#[test]
fn judges_are_averaged() {
    let constant = |name: &str, rate: support::Rate| FakeModel::new(name).rating(rate);
    let tilted: support::Rate = |request, index, chance| {
        let matching = match &request.prompt {
            Prompt::Text(text) => text.contains("likes"),
            Prompt::Chat { messages, .. } => messages[0].content.contains("likes"),
        };
        Ok(flat_rate(request, index, chance)? + if matching { 1.0 } else { 0.0 })
    };
    let (flat, tilted) = (constant("flat", flat_rate), constant("tilted", tilted));
    let judges: [&dyn Model; 2] = [&flat, &tilted];
    let writer = FakeModel::new("writer");
    let (kind, behaviour) = (
        load(
            &folder(&KIND.replace("minimum = 0.5", "minimum = 0.3")),
            "default",
        ),
        behaviour(4),
    );
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let outcome = run(
        &plan,
        &TempStore::new().store,
        &Interrupt::default(),
        &Silent,
    )
    .unwrap();
    check(&outcome);
    let matching = f64::midpoint(0.5, 1.0 / (1.0 + per_root_of_length(-1.0).exp()));
    for row in &outcome.rows {
        let expected = match row.metadata.label {
            Side::Matching => matching,
            Side::NotMatching => 1.0 - matching,
        };
        assert!((row.label_confidence.value() - expected).abs() < 1e-12);
        let raters: Vec<&str> = row
            .metadata
            .judgements
            .iter()
            .map(|judgement| judgement.rater.as_str())
            .collect();
        assert_eq!(
            raters,
            ["flat#voice", "flat#diary", "tilted#voice", "tilted#diary"]
        );
    }
    assert_eq!(outcome.rows.len(), 4);
}

#[test]
fn a_blank_at_the_end_of_a_judges_prompt_moves_to_the_text() {
    let judge = FakeModel::new("judge");
    outcome(&kind(), 2, &FakeModel::new("writer"), &judge);
    let mut diaries = 0;
    for request in judge.answered().keys() {
        let request: ScoreRequest = serde_json::from_str(request).unwrap();
        if let Prompt::Text(text) = &request.prompt {
            diaries += 1;
            assert!(text.ends_with("corrected:"), "{text:?}");
            assert!(request.continuations[0].starts_with(" I"), "{request:?}");
        } else {
            assert!(request.continuations[0].starts_with('I'));
        }
    }
    assert!(diaries > 0);
}

#[test]
fn examples_in_prompts_are_of_the_slots_own_side() {
    let writer = FakeModel::new("writer");
    outcome(&kind(), 4, &writer, &FakeModel::new("judge"));
    let mut prompts = BTreeSet::new();
    for request in writer.answered().keys() {
        let request: SampleRequest = serde_json::from_str(request).unwrap();
        let Prompt::Chat { messages, opening } = &request.prompt else {
            panic!("a chat")
        };
        assert_eq!(opening, "I");
        let content = &messages[0].content;
        assert_eq!(content.matches("\n- ").count(), 2);
        assert_eq!(
            content.contains("thank") || content.contains("invite"),
            content.contains("likes")
        );
        prompts.insert(content.clone());
    }
    assert!(
        prompts.len() > 4,
        "the examples are drawn anew for each slot"
    );
}

#[test]
fn a_limit_caps_the_rows() {
    let (kind, behaviour) = (kind(), behaviour(20));
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let rows = |limit| {
        let plan = RunPlan {
            behaviour: &behaviour,
            kind: &kind,
            generator: &writer,
            judges: &judges,
            embedder: None,
            limit: Some(limit),
        };
        run(
            &plan,
            &TempStore::new().store,
            &Interrupt::default(),
            &Silent,
        )
        .map(|outcome| (outcome.rows.len(), outcome.shortfall))
    };
    assert_eq!(
        rows(7).unwrap(),
        (6, false),
        "an odd limit counts as the even number below"
    );
    assert_eq!(rows(500).unwrap(), (20, false));
    assert!(matches!(
        rows(1),
        Err(PipelineError::TooFewRows { rows: 1 })
    ));
}

#[test]
fn the_published_preset_keeps_the_published_order() {
    let statement = builtin_kinds()
        .into_iter()
        .find(|kind| kind.name == "statement")
        .unwrap();
    let kind = load(&statement, "published");
    let text =
        support::behaviour_text(12).replace("\"fable\"", "\"statement\"\npreset = \"published\"");
    let behaviour = load_behaviour(std::path::Path::new("corrections.toml"), &text).unwrap();
    let bullets: support::Write = |request, chance| varied_text(request, chance | 4);
    let outcome = run_with(
        &kind,
        &behaviour,
        &FakeModel::new("writer").writing(bullets),
        &FakeModel::new("judge"),
        &TempStore::new().store,
        &Silent,
    )
    .unwrap();
    check(&outcome);
    assert_eq!(outcome.manifest.funnel.waves, 1);
    assert_eq!(outcome.manifest.funnel.sample_calls, 120);
    assert_eq!(outcome.rows.len(), 12);
    assert_eq!(outcome.manifest.order, "confidence");
    for (place, row) in outcome.rows.iter().enumerate() {
        let expected = if place % 2 == 0 {
            Side::Matching
        } else {
            Side::NotMatching
        };
        assert_eq!(row.metadata.label, expected, "labels alternate");
    }
    for three in outcome.rows.windows(3) {
        assert!(
            three[0].label_confidence >= three[2].label_confidence,
            "confidence falls"
        );
    }
    // The surest were taken: no one that fell as surplus is surer than a row of its label.
    for reject in &outcome.rejects {
        if reject.reason == RejectReason::Surplus {
            let label = reject.candidate.slot.cell.label;
            let least = outcome
                .rows
                .iter()
                .filter(|row| row.metadata.label == label)
                .map(|row| row.label_confidence.value())
                .fold(1.0, f64::min);
            assert!(reject.candidate.confidence.unwrap().value() <= least);
        }
    }
}

fn fails(writer: &FakeModel, judge: &FakeModel) -> String {
    run_with(
        &kind(),
        &behaviour(4),
        writer,
        judge,
        &TempStore::new().store,
        &Silent,
    )
    .unwrap_err()
    .to_string()
}

#[test]
fn a_model_that_ends_early_is_found_out() {
    let message = fails(
        &FakeModel::new("writer").after(After::Silence(3)),
        &FakeModel::new("judge"),
    );
    assert!(
        message.contains("9 of 12 sample requests unanswered"),
        "{message}"
    );
}

/// Answers one request of the first batch twice.
struct Stutter(FakeModel);

impl Model for Stutter {
    fn identity(&self) -> &evalwright_core::ModelIdentity {
        &self.0.identity
    }
    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: evalwright_core::model::Deliver<'_, TextReply>,
    ) -> Result<(), evalwright_core::ModelError> {
        self.0.sample(requests, interrupt, deliver)?;
        let again = text("I am here again.", Finish::Stop);
        deliver(0, again).map_err(evalwright_core::ModelError::Receiver)
    }
    fn score(
        &self,
        _requests: &[ScoreRequest],
        _interrupt: &Interrupt,
        _deliver: evalwright_core::model::Deliver<'_, evalwright_core::ScoreReply>,
    ) -> Result<(), evalwright_core::ModelError> {
        Ok(())
    }
    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, evalwright_core::ModelError> {
        self.0.count_tokens(prompt)
    }
}

#[test]
fn a_model_that_answers_twice_is_found_out() {
    let (writer, judge) = (Stutter(FakeModel::new("writer")), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let (kind, behaviour) = (kind(), behaviour(4));
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let error = run(
        &plan,
        &TempStore::new().store,
        &Interrupt::default(),
        &Silent,
    )
    .unwrap_err();
    assert!(error.to_string().contains("answered twice"), "{error}");
}
