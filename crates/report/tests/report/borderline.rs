//! Case G08: an item at the threshold falls on either side of it with the batch; the report says how many
//! candidates lie that near, on whichever side they fell.

use std::fs;
use std::path::PathBuf;

use evalwright_core::{Probability, RejectReason, Side};
use evalwright_report::build;
use serde_json::Value;

use crate::fixture;

fn read(name: &str) -> Value {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/G08-threshold-and-batch-size");
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn g08_a_row_at_the_threshold_is_counted_and_warned_of() {
    let expected = &read("case.json")["expected"];
    let runs = read("runs.json");
    let threshold = runs["threshold"].as_f64().unwrap();
    let expected_borderline = expected["borderline"].as_array().unwrap().len() as u64;
    // In the second run the item passes; in the first it falls.
    for run in ["batch_8", "batch_1"] {
        let mut rows = Vec::new();
        let mut rejects = Vec::new();
        for (index, (item, sure)) in (0..).zip(runs[run].as_object().unwrap()) {
            let sure = sure.as_f64().unwrap();
            let text = format!("I am item {item}");
            if sure > threshold {
                rows.push(fixture::row(&text, Side::Matching, index, sure));
            } else {
                let reason = RejectReason::BelowMinimum {
                    confidence: Probability::new(sure).unwrap(),
                    minimum: Probability::new(threshold).unwrap(),
                    requirement: None,
                };
                rejects.push(fixture::reject(
                    &text,
                    Side::Matching,
                    index,
                    Some(sure),
                    reason,
                ));
            }
        }
        let mut version = fixture::assemble(rows, rejects);
        version.manifest.minimum_confidence = threshold;
        let report = build(&version.manifest, &version.rows, &version.rejects).unwrap();
        assert_eq!(report.figures.borderline, expected_borderline, "{run}");
        let warned = report
            .warnings
            .iter()
            .any(|warning| warning.code == "borderline");
        assert!(warned, "{run}");
    }
}
