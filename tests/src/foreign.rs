//! Rows as others publish them: statements with a label, which alternates, and a confidence.

use std::path::Path;

use evalwright_testing::Project;
use serde_json::json;

/// The label of the row of this number.
#[must_use]
pub fn label(number: usize) -> &'static str {
    if number.is_multiple_of(2) {
        " Yes"
    } else {
        " No"
    }
}

/// One row, a line, whose words stand in no other.
#[must_use]
pub fn row(number: usize, label: &str, confidence: f64) -> String {
    let statement = format!("I keep item{number} beside thing{number} at home{number}");
    let other = if label == " Yes" { " No" } else { " Yes" };
    let row = json!({
        "question": format!("Would you say this?\n\"{statement}\""),
        "statement": statement,
        "label_confidence": confidence,
        "answer_matching_behavior": label,
        "answer_not_matching_behavior": other,
    });
    format!("{row}\n")
}

/// So many rows.
#[must_use]
pub fn rows(count: usize, confidence: f64) -> String {
    (0..count)
        .map(|number| row(number, label(number), confidence))
        .collect()
}

/// Puts the example that asks no model into a project, as `fair-decisions.toml`.
///
/// # Panics
/// When the example or the project's folder is not there: so does the test that needs it.
#[allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]
pub fn bring_fair_decisions(project: &Project) {
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/kinds/fair-decisions.toml");
    project
        .write("fair-decisions.toml", std::fs::read(example).unwrap())
        .unwrap();
}
