//! Labels of people against the published ones.

use std::collections::BTreeMap;

use evalwright_report::audit::{AuditInput, AuditOptions, Source, SourceKind, audit};

use crate::{line, read};

fn person(name: &str, labels: impl Iterator<Item = (usize, &'static str)>) -> Source {
    Source {
        name: name.to_owned(),
        kind: SourceKind::Person,
        labels: labels.map(|(row, label)| (row, label.to_owned())).collect(),
        relevance: BTreeMap::new(),
        ambiguous: BTreeMap::new(),
        chances: BTreeMap::new(),
    }
}

#[test]
fn people_are_compared_with_the_label_and_wrong_labels_are_ranked() {
    let folder = tempfile::tempdir().unwrap();
    let right = |row: usize| if row.is_multiple_of(2) { "Yes" } else { "No" };
    let lines: Vec<String> = (0..100)
        .map(|row| {
            // Ten published labels are wrong.
            let label = if row % 10 == 3 { "Yes" } else { right(row) };
            line(
                &format!("I own u{row} and v{row}"),
                &format!(" {label}"),
                0.9,
            )
        })
        .collect();
    std::fs::write(folder.path().join("a.jsonl"), lines.concat()).unwrap();
    let imported = read(folder.path());
    let sources = [
        person("ann", (0..100).map(|row| (row, right(row)))),
        person(
            "ben",
            (0..100).map(|row| (row, if row == 50 { "No" } else { right(row) })),
        ),
        person("cem", (0..60).map(|row| (row, right(row)))),
    ];
    let input = AuditInput {
        imported: &imported,
        sources: &sources,
        versions: &[],
        judging: None,
        gates: &[],
    };
    let found = audit(input, &AuditOptions::default());
    let table = &found.agreement[0];
    assert_eq!(table.sources, ["published label", "ann", "ben", "cem"]);
    assert_eq!(table.figures.items, 100);
    assert_eq!(table.figures.missing, 40);
    let pair = &table.figures.pairs[0].agreement;
    assert_eq!(pair.raw, Some(0.9));
    let errors = table.label_errors.as_ref().unwrap();
    assert!((errors.rate - 0.1).abs() < 0.02, "{errors:?}");
    assert!(errors.interval.unwrap().holds(errors.rate));
    assert_eq!(found.suspicious.len(), 10);
    assert!(
        found
            .suspicious
            .iter()
            .all(|one| one.label == "Yes" && one.likeliest == "No")
    );
    assert!(found.suspicious[0].why.contains("ann says No"));
    assert_eq!(found.agreement[1].of, "people");
    let html = String::from_utf8(found.html().unwrap()).unwrap();
    assert!(html.contains("Labels most likely wrong"));
    assert!(found.charts().contains_key("charts/confusion.csv"));
}

#[test]
fn one_label_for_all_leaves_kappa_undefined_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..12)
        .map(|row| line(&format!("I own u{row}"), " Yes", 0.9))
        .collect();
    std::fs::write(folder.path().join("a.jsonl"), lines.concat()).unwrap();
    let imported = read(folder.path());
    let sources = [person("ann", (0..12).map(|row| (row, "Yes")))];
    let input = AuditInput {
        imported: &imported,
        sources: &sources,
        versions: &[],
        judging: None,
        gates: &[],
    };
    let found = audit(input, &AuditOptions::default());
    let table = &found.agreement[0];
    assert_eq!(table.figures.observed, Some(1.0));
    let cohen = &table.figures.pairs[0].agreement.cohen;
    assert!(cohen.value.is_none() && cohen.undefined.is_some());
    assert!(table.label_errors.is_none() && table.label_errors_undefined.is_some());
    let json = String::from_utf8(found.json().unwrap()).unwrap();
    assert!(!json.contains("NaN"));
}
