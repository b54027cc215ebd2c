//! Every built-in kind that maps fields, run with a scripted writer and judge: exact quotas, rows that fit their
//! schema, and the same bytes whatever the order of the replies and the number of stops.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

#[path = "support/made.rs"]
mod made;
#[path = "support/scripted.rs"]
mod scripted;
mod support;

use std::collections::BTreeMap;

use evalwright_core::{Interrupt, Model};
use evalwright_pipeline::{RunPlan, Silent, estimate, run};
use evalwright_recipe::Stage;
use made::{KINDS, judge, kind, made, run_one, run_plan, sample, small, writer};
use support::{After, TempStore, bytes};

#[test]
fn every_preset_of_every_kind_gives_its_rows() {
    for name in KINDS {
        for preset in kind(name, "default").kind.presets {
            made(name, &preset, small(name));
        }
    }
}

#[test]
fn the_order_of_replies_changes_no_byte() {
    for name in KINDS {
        let kind = kind(name, "default");
        let behaviour = sample(&kind, small(name));
        let once = run_one(&kind, &behaviour, &writer(), &judge(), &TempStore::new()).unwrap();
        for (shuffle, threads) in [(7, 1), (99, 4)] {
            let again = run_one(
                &kind,
                &behaviour,
                &writer().delivery(shuffle, threads),
                &judge().delivery(shuffle, threads),
                &TempStore::new(),
            )
            .unwrap();
            assert_eq!(bytes(&once), bytes(&again), "{name}");
        }
    }
}

#[test]
fn a_run_that_is_stopped_goes_on_and_pays_for_nothing_twice() {
    for name in ["constitution", "pronoun", "choice"] {
        let kind = kind(name, "default");
        let behaviour = sample(&kind, small(name));
        let whole = run_one(&kind, &behaviour, &writer(), &judge(), &TempStore::new()).unwrap();
        let store = TempStore::new();
        let mut asked: BTreeMap<String, u32> = BTreeMap::new();
        let mut stops = 0;
        let outcome = loop {
            let writer = writer().after(After::Break(9));
            let judge = judge().after(After::Break(13));
            let outcome = run_one(&kind, &behaviour, &writer, &judge, &store);
            for (request, count) in writer.answered().into_iter().chain(judge.answered()) {
                *asked.entry(request).or_default() += count;
            }
            match outcome {
                Ok(outcome) => break outcome,
                Err(_) => stops += 1,
            }
        };
        assert!(stops > 2, "{name}: {stops}");
        assert_eq!(bytes(&whole), bytes(&outcome), "{name}");
        assert!(
            asked.values().all(|count| *count == 1),
            "{name}: nothing is asked twice"
        );
    }
}

#[test]
fn rows_that_cannot_be_shared_out_are_refused_with_a_number_that_fits() {
    let kind = kind("sycophancy", "default");
    let error = run_one(
        &kind,
        &sample(&kind, 100),
        &writer(),
        &judge(),
        &TempStore::new(),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("lots of 34, so write a multiple such as `rows = 68`"),
        "{error}"
    );
}

#[test]
fn a_limit_takes_whole_lots() {
    let kind = kind("sycophancy", "default");
    let behaviour = sample(&kind, 340);
    let judges: [&dyn Model; 0] = [];
    let writer = writer();
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: Some(50),
    };
    let outcome = run(
        &plan,
        &TempStore::new().store,
        &Interrupt::default(),
        &Silent,
    )
    .unwrap();
    assert_eq!(outcome.records.len(), 34);
    let plan = RunPlan {
        limit: Some(10),
        ..plan
    };
    let error = run(
        &plan,
        &TempStore::new().store,
        &Interrupt::default(),
        &Silent,
    )
    .unwrap_err();
    assert!(error.to_string().contains("ask for at least 34"), "{error}");
}

/// What a run costs can be told beforehand for every preset, and a kind without questions costs nothing.
#[test]
fn every_preset_can_be_estimated() {
    for name in KINDS {
        for preset in kind(name, "default").kind.presets {
            let kind = kind(name, &preset);
            let behaviour = sample(&kind, small(name));
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
            assert_eq!(estimate.rows, u64::from(small(name)), "{name}");
            assert_eq!(
                estimate.sample_calls.worst > 0,
                kind.kind.ask().is_some(),
                "{name}"
            );
            assert_eq!(
                estimate.score_calls.worst > 0,
                kind.kind
                    .stages
                    .iter()
                    .any(|stage| matches!(stage, Stage::Score(_))),
                "{name} {preset}"
            );
            let outcome = run_plan(&plan, &TempStore::new()).unwrap();
            assert!(
                outcome.calls_sent.sample <= estimate.sample_calls.worst,
                "{name}"
            );
            assert!(
                outcome.calls_sent.score <= estimate.score_calls.worst,
                "{name}"
            );
        }
    }
}
