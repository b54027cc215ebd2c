//! The way of every candidate of every built-in kind: each question that was asked is rendered again, and no other.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

#[path = "support/made.rs"]
mod made;
#[path = "support/scripted.rs"]
mod scripted;
mod support;

use std::collections::BTreeSet;

use evalwright_core::{Candidate, Model};
use evalwright_dataset::fix::candidate_of;
use evalwright_pipeline::{RunPlan, TracedRequest, trace};
use evalwright_store::Selection;
use made::{KINDS, judge, kind, run_one, sample, small, writer};
use support::TempStore;

/// Traces everything that a run of a kind made, and gives how many questions were found.
fn traced(name: &str, preset: &str) -> usize {
    let (kind, store) = (kind(name, preset), TempStore::new());
    let behaviour = sample(&kind, small(name));
    let (writer, judge) = (writer(), judge());
    let outcome = run_one(&kind, &behaviour, &writer, &judge, &store).unwrap();
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let rows = outcome
        .records
        .iter()
        .map(|row| (candidate_of(row).unwrap(), None));
    let fallen = outcome
        .rejects
        .iter()
        .map(|reject| (reject.candidate.clone(), Some(reject.stage.as_str())));
    let all: Vec<(Candidate, Option<&str>)> = rows.chain(fallen).collect();
    let mut found = BTreeSet::new();
    for (candidate, fell_in) in &all {
        let way = trace(&plan, candidate, *fell_in, Some(&store.store)).unwrap();
        assert_eq!(way.stopped_at, None, "{name}: {candidate:?}");
        let parsed = way.parsed.unwrap();
        assert_eq!(parsed.id, candidate.id);
        for call in &way.calls {
            assert_ne!(call.is_recorded, Some(false), "{name}: {call:?}");
            let is_there = match call.request {
                TracedRequest::Sample(_) => store.store.text(call.key).unwrap().is_some(),
                TracedRequest::Score(_) => store.store.score(call.key).unwrap().is_some(),
            };
            assert!(is_there, "{name}: not what was asked: {call:?}");
            found.insert(call.key.to_string());
        }
        for judgement in &candidate.judgements {
            assert!(
                way.calls
                    .iter()
                    .any(|call| call.rater.as_ref() == Some(&judgement.rater)),
                "{name}: no question of {}",
                judgement.rater
            );
        }
        // Without the store it is the same as far as it goes.
        let alone = trace(&plan, candidate, *fell_in, None).unwrap();
        assert!(way.calls.starts_with(&alone.calls), "{name}");
        assert!(alone.stopped_at.is_some() || alone.calls.len() == way.calls.len());
    }
    let stored: BTreeSet<String> = store
        .store
        .list(&Selection::default(), u64::MAX)
        .unwrap()
        .into_iter()
        .map(|reply| reply.key)
        .collect();
    assert_eq!(found, stored, "{name}: every stored reply belongs to one");
    found.len()
}

#[test]
fn every_question_of_every_kind_is_found_again() {
    for name in KINDS {
        let count = traced(name, "default");
        assert_eq!(count == 0, name == "decision", "{name}: {count}");
    }
}

#[test]
fn rounds_views_and_pairs_are_found_too() {
    for (name, preset) in [("constitution", "preference"), ("trigger", "judged")] {
        assert!(traced(name, preset) > 0);
    }
}
