//! Texts that no row may repeat: files and earlier versions that a behaviour names, and its own examples.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

mod support;

use std::collections::BTreeSet;

use evalwright_core::RejectReason;
use evalwright_pipeline::{Outcome, Silent};
use evalwright_recipe::{Behaviour, LoadedKind, Reference, Stage};
use support::{FakeModel, TempStore, behaviour, kind, run_with};

fn outcome(kind: &LoadedKind, behaviour: &Behaviour) -> Outcome {
    run_with(
        kind,
        behaviour,
        &FakeModel::new("writer"),
        &FakeModel::new("judge"),
        &TempStore::new().store,
        &Silent,
    )
    .unwrap()
}

/// The places of references that candidates fell for, with the layer.
fn repeated(outcome: &Outcome) -> BTreeSet<(String, String)> {
    outcome
        .rejects
        .iter()
        .filter_map(|reject| match &reject.reason {
            RejectReason::Duplicate { of, layer, .. } if of.contains(':') => {
                assert_eq!(reject.stage, "dedup");
                Some((of.clone(), layer.clone()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn no_row_repeats_a_text_that_the_behaviour_names() {
    let (kind, plain) = (kind(), behaviour(20));
    let first = outcome(&kind, &plain);
    assert!(
        repeated(&first)
            .iter()
            .all(|(of, _)| !of.starts_with("old"))
    );
    let known: Vec<String> = first
        .rows
        .iter()
        .take(4)
        .map(|row| row.statement.clone())
        .collect();
    assert_eq!(known.len(), 4);

    let mut careful = plain.clone();
    careful.against.files = vec!["old.jsonl".to_owned()];
    careful.against.texts = known
        .iter()
        .enumerate()
        .map(|(at, text)| Reference {
            place: format!("old.jsonl:{}", at + 1),
            text: if at == 3 {
                text.to_uppercase()
            } else {
                text.clone()
            },
        })
        .collect();
    let second = outcome(&kind, &careful);
    let statements: BTreeSet<&str> = second
        .rows
        .iter()
        .map(|row| row.statement.as_str())
        .collect();
    assert!(known.iter().all(|text| !statements.contains(text.as_str())));
    let found = repeated(&second);
    for (place, layer) in [("old.jsonl:1", "exact"), ("old.jsonl:4", "normalised")] {
        assert!(
            found.contains(&(place.to_owned(), layer.to_owned())),
            "{found:?}"
        );
    }
    let funnel = &second.manifest.funnel;
    assert_eq!(funnel.asked, funnel.accepted + funnel.rejected);
}

#[test]
fn examples_are_references_where_the_stage_says_so() {
    let (mut kind, plain) = (kind(), behaviour(20));
    let first = outcome(&kind, &plain);
    let mut copied = plain.clone();
    // The writer now repeats what the behaviour gives as an example that the writer is never shown.
    let last = copied.examples.matching.last_mut().unwrap();
    first.rows[0].statement.clone_into(last);
    for stage in &mut kind.kind.stages {
        if let Stage::Dedup(dedup) = stage {
            dedup.examples = true;
        }
    }
    let second = outcome(&kind, &copied);
    let text = &first.rows[0].statement;
    assert!(second.rows.iter().all(|row| row.statement != *text));
    let place = format!("examples.matching:{}", copied.examples.matching.len());
    assert!(
        repeated(&second).contains(&(place, "exact".to_owned())),
        "{:?}",
        repeated(&second)
    );
}
