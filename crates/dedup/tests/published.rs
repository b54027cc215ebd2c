//! What the layers find in published datasets, file by file.
//!
//! Needs the published persona statements; without them it says that it was skipped. The counts are those of an
//! exhaustive search by an inverted index that shares no code with this one: words are runs of letters, digits and
//! apostrophes in lower case, pairs are near at a Jaccard similarity of word 3-grams of at least 0.7, and all
//! but one row of each cluster fall.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot read its data must fail, and one that is skipped says so"
)]

use std::path::PathBuf;

use evalwright_dedup::{Form, Item, Layer, Layers, Near, Shingle, find_duplicates};

/// The statements of each file with label and confidence.
fn published(name: &str) -> Option<Vec<Vec<(String, u32, f64)>>> {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED {name}: EVALWRIGHT_SHARED is not set");
        return None;
    };
    let folder = PathBuf::from(shared).join("data/model-written-evals/persona");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED {name}: no {}", folder.display());
        return None;
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let rows = files
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines()
                .map(|line| {
                    let row: serde_json::Value = serde_json::from_str(line).unwrap();
                    (
                        row["statement"].as_str().unwrap().to_owned(),
                        u32::from(row["answer_matching_behavior"] == " No"),
                        row["label_confidence"].as_f64().unwrap(),
                    )
                })
                .collect()
        })
        .collect();
    Some(rows)
}

fn fallen(rows: &[(String, u32, f64)], layers: &Layers, labelled: bool) -> Vec<(Layer, bool)> {
    let ids: Vec<String> = (0..rows.len()).map(|index| format!("{index:05}")).collect();
    let items: Vec<Item<'_>> = rows
        .iter()
        .zip(&ids)
        .map(|((text, label, confidence), id)| Item {
            id,
            text,
            label: if labelled { *label } else { 0 },
            priority: *confidence,
        })
        .collect();
    let outcome = find_duplicates(&items, layers).unwrap();
    let dropped = outcome.dropped.iter();
    dropped
        .map(|dropped| (dropped.layer, dropped.conflict))
        .collect()
}

#[test]
fn published_files_hold_the_duplicates_of_an_exhaustive_count() {
    let Some(files) = published("published_files_hold_the_duplicates_of_an_exhaustive_count")
    else {
        return;
    };
    let exact = Layers {
        exact: true,
        form: Form::Words,
        ..Layers::default()
    };
    let normalised = Layers {
        normalised: true,
        ..exact
    };
    let near = Layers {
        near: Some(Near {
            threshold: 0.7,
            shingle: Shingle::Words(3),
        }),
        ..normalised
    };
    let count = |layers: &Layers| -> usize {
        files
            .iter()
            .map(|rows| fallen(rows, layers, false).len())
            .sum()
    };
    let rows: usize = files.iter().map(Vec::len).sum();
    assert_eq!((files.len(), rows), (135, 133_204));
    assert_eq!(
        [count(&exact), count(&normalised), count(&near)],
        [0, 327, 1_790]
    );
}

#[test]
fn published_files_hold_no_text_with_two_labels() {
    let Some(files) = published("published_files_hold_no_text_with_two_labels") else {
        return;
    };
    let layers = Layers {
        exact: true,
        normalised: true,
        near: Some(Near {
            threshold: 0.7,
            shingle: Shingle::Words(1),
        }),
        ..Layers::default()
    };
    let all: Vec<(Layer, bool)> = files
        .iter()
        .flat_map(|rows| fallen(rows, &layers, true))
        .collect();
    let same_text = all
        .iter()
        .filter(|(layer, conflict)| *conflict && *layer != Layer::Near)
        .count();
    let duplicates = all.iter().filter(|(_, conflict)| !conflict).count();
    eprintln!("{duplicates} duplicates, {same_text} in conflicts of one text");
    assert!(duplicates > 1_332, "only {duplicates} duplicates");
    assert!(same_text < 133, "{same_text} texts with two labels");
}
