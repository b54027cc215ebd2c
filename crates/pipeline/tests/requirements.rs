//! Several requirements: each is judged by its own raters, what is unknown or too low falls where it is judged,
//! and the rest is ranked by all of them together.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

mod support;

use evalwright_core::{
    Judgement, RejectReason, ScoreMode, ScoreRequest, Side, SlotFailure, Verdict,
};
use evalwright_pipeline::{Outcome, Silent};
use evalwright_recipe::LoadedKind;
use support::{FakeModel, KIND, TempStore, behaviour, folder, load, run_with};

const RELEVANT: &str = "[[stage]]
use = \"score\"
requirement = \"relevant\"

[[stage.raters]]
name = \"topic\"
method = \"token\"
prompt = \"judge-asked.j2\"
answers = { matching = [\"Yes\"], not_matching = [\"No\"] }

[[stage]]
use = \"dedup\"";

fn kind(minimum: &str, combine: &str) -> LoadedKind {
    let text = KIND
        .replace("[[stage]]\nuse = \"dedup\"", RELEVANT)
        .replace("minimum = 0.5", &format!("minimum = {minimum}\n{combine}"))
        .replace("take = \"spread\"", "take = \"top\"");
    load(&folder(&text), "default")
}

/// P(relevant) follows from the prompt, so from the statement, whatever the label; one in nine is unknown.
fn rate(request: &ScoreRequest, index: usize, chance: u64) -> Result<f64, SlotFailure> {
    if request.mode != ScoreMode::FirstToken {
        return Ok(-20.0 + ((chance % 2001) as f64 / 1000.0 - 1.0));
    }
    let lot = request.prompt.hash().leading_u64();
    if lot.is_multiple_of(9) {
        return Err(SlotFailure::NonFiniteLogits);
    }
    let relevant = (lot % 97 + 1) as f64 / 99.0;
    Ok(if index == 0 { relevant } else { 1.0 - relevant }.ln())
}

fn outcome(minimum: &str, combine: &str) -> Outcome {
    run_with(
        &kind(minimum, combine),
        &behaviour(16),
        &FakeModel::new("writer"),
        &FakeModel::new("judge").rating(rate),
        &TempStore::new().store,
        &Silent,
    )
    .unwrap()
}

fn relevant(judgements: &[Judgement]) -> Option<f64> {
    let own = judgements
        .iter()
        .find(|judgement| judgement.requirement == "relevant")?;
    match own.verdict {
        Verdict::Known { matching } => Some(matching.value()),
        _ => None,
    }
}

#[test]
fn what_is_unknown_or_too_low_falls_by_its_own_requirement() {
    let outcome = outcome("{ label = 0.5, relevant = 0.3 }", "");
    assert_eq!(outcome.rows.len(), 16);
    let names: Vec<&str> = outcome
        .manifest
        .funnel
        .stages
        .iter()
        .map(|stage| stage.stage.as_str())
        .collect();
    assert_eq!(
        names,
        ["ask", "lint", "score", "score-2", "dedup", "select", "emit"]
    );
    let raters: Vec<(&str, &str)> = outcome
        .manifest
        .raters
        .iter()
        .map(|rater| (rater.rater.as_str(), rater.requirement.as_str()))
        .collect();
    assert_eq!(
        raters,
        [
            ("judge#voice", "label"),
            ("judge#diary", "label"),
            ("judge#topic", "relevant")
        ]
    );
    for row in &outcome.rows {
        assert_eq!(row.metadata.judgements.len(), 3);
        assert!(relevant(&row.metadata.judgements).unwrap() >= 0.3);
    }
    let (mut low, mut unknown) = (0, 0);
    for reject in outcome.rejects.iter().filter(|one| one.stage == "score-2") {
        // The label was known and good enough; what is wrong here does not change it.
        assert!(reject.candidate.confidence.unwrap().value() >= 0.5);
        match &reject.reason {
            RejectReason::BelowMinimum {
                confidence,
                minimum,
                requirement,
            } => {
                low += 1;
                assert_eq!(requirement.as_deref(), Some("relevant"));
                assert!((minimum.value() - 0.3).abs() < 1e-12);
                let own = relevant(&reject.candidate.judgements).unwrap();
                assert!((confidence.value() - own).abs() < 1e-12 && own < 0.3);
            }
            RejectReason::Unjudged { .. } => {
                unknown += 1;
                assert_eq!(relevant(&reject.candidate.judgements), None);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(low > 3 && unknown > 0, "{low} {unknown}");
    assert_eq!(
        outcome.manifest.funnel.reasons["below_minimum:relevant"],
        low
    );
    let first = outcome
        .rejects
        .iter()
        .find(|one| one.stage == "score")
        .unwrap();
    assert_eq!(
        first.candidate.judgements.len(),
        2,
        "what fell is not judged further"
    );
}

#[test]
fn rows_are_the_best_by_the_kinds_rule() {
    type Rule = fn(f64, f64) -> f64;
    let rules: [(&str, Rule); 4] = [
        ("", |label, other| (label + other) / 2.0),
        ("minimum", f64::min),
        ("product", |label, other| label * other),
        ("geometric-mean", |label, other| (label * other).sqrt()),
    ];
    for (word, rule) in rules {
        let combine = if word.is_empty() {
            String::new()
        } else {
            format!("combine = \"{word}\"\n")
        };
        let outcome = outcome("0.5", &combine);
        let score = |confidence: f64, judgements: &[Judgement]| {
            rule(confidence, relevant(judgements).unwrap())
        };
        let mut compared = 0;
        for side in Side::ALL {
            let worst = outcome
                .rows
                .iter()
                .filter(|row| row.metadata.label == side)
                .map(|row| score(row.label_confidence.value(), &row.metadata.judgements))
                .fold(1.0, f64::min);
            for reject in outcome.rejects.iter().filter(|reject| {
                reject.reason == RejectReason::Surplus && reject.candidate.slot.cell.label == side
            }) {
                let candidate = &reject.candidate;
                let own = score(candidate.confidence.unwrap().value(), &candidate.judgements);
                assert!(own <= worst + 1e-12, "{word}: {own} above {worst}");
                compared += 1;
            }
        }
        assert!(compared > 3, "{word}: {compared}");
        let told = outcome.manifest.selection.unwrap().combine;
        assert_eq!(
            told.as_deref(),
            Some(if word.is_empty() { "mean" } else { word })
        );
    }
}
