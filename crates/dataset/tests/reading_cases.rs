//! The cases of `cases/import` and those of `cases/export` that are about reading.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use evalwright_dataset::DatasetError;
use evalwright_dataset::annotations::{
    AnnotationOptions, Annotations, MatchBy, Shape, match_ratings, read_annotations,
};
use evalwright_dataset::export::Segments;
use evalwright_dataset::import::{Imported, ImportedRow, Note, ReadOptions, label_class, read_all};
use serde_json::{Value, json};
use support::{case, expected};

fn read(area: &str, name: &str, file: &str) -> Imported {
    read_all(&[case(area, name).join(file)], &ReadOptions::default()).unwrap()
}

fn annotations(name: &str, file: &str, options: &AnnotationOptions) -> Annotations {
    read_annotations(&case("import", name).join(file), options).unwrap()
}

fn words(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn i01_a_byte_order_mark_is_no_part_of_a_name() {
    let name = "I01-csv-bom-and-crlf";
    let wanted = expected("import", name);
    let read = annotations(name, "ann.csv", &AnnotationOptions::default());
    assert_eq!(json!(read.report.columns), wanted["columns"]);
    assert_eq!(json!(read.report.rows), wanted["rows"]);
    assert_eq!(read.report.shape, Shape::Long);
    assert_eq!(read.ratings.len(), 2);
}

#[test]
fn i02_labels_are_folded_and_others_named() {
    let name = "I02-blank-and-case-in-labels";
    let wanted = expected("import", name);
    let given = support::json(&case("import", name).join("case.json"))["given"]["labels"].clone();
    let options = AnnotationOptions {
        labels: words(&given),
        ..AnnotationOptions::default()
    };
    let report = annotations(name, "ann.csv", &options).report;
    assert_eq!(json!(report.labels), wanted["labels"]);
    assert_eq!(json!(report.missing), wanted["missing"]);
    let unknown: Vec<Value> = report
        .unknown_labels
        .iter()
        .map(|unknown| json!({ "row": unknown.line, "label": unknown.label }))
        .collect();
    assert_eq!(json!(unknown), wanted["unknown"]);
    assert_eq!(json!(report.raters), wanted["annotators"]);
}

#[test]
fn i03_one_person_is_one_rater() {
    let name = "I03-label-studio-repeats-and-skips";
    let wanted = expected("import", name);
    let read = annotations(name, "export.json", &AnnotationOptions::default());
    assert_eq!(read.report.shape, Shape::LabelStudio);
    assert_eq!(json!(read.report.skipped), wanted["skipped"]);
    assert_eq!(json!(read.report.repeated_tasks), wanted["repeated_task"]);
    let twice: Vec<(&str, &str)> = read
        .report
        .same_rater_twice
        .iter()
        .map(|twice| (twice.item.as_str(), twice.rater.as_str()))
        .collect();
    assert_eq!(twice, [("1", "5")]);
    assert_eq!(
        wanted["same_annotator_twice"],
        json!([{ "item": 1, "annotator": 5 }])
    );
    // The stated rule: the annotation with the largest number counts.
    assert_eq!(read.ratings.len(), 1);
    assert_eq!(read.ratings[0].label.as_deref(), Some("No"));
}

#[test]
fn i04_repeats_orphans_and_ratings_without_a_rater() {
    let name = "I04-same-rater-twice-and-orphans";
    let wanted = expected("import", name);
    let read = annotations(name, "ann.jsonl", &AnnotationOptions::default());
    assert_eq!(json!(read.report.rows), wanted["rows"]);
    assert_eq!(
        json!(read.report.identical_repeats),
        wanted["identical_repeat_ignored"]
    );
    assert_eq!(json!(read.report.without_rater), wanted["no_annotator"]);
    let ids = words(&support::json(
        &case("import", name).join("dataset_ids.json"),
    ));
    let rows: Vec<ImportedRow> = ids.iter().map(|id| row_with_id(id)).collect();
    let matched = match_ratings(&read, &rows, MatchBy::Id);
    assert_eq!(json!(matched.unknown_items), wanted["unknown_item"]);
    assert_eq!(json!(matched.ratings.len()), wanted["ratings_used"]);
    assert_eq!(matched.rows_without_rating, 1);
}

fn row_with_id(id: &str) -> ImportedRow {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(
        &path,
        format!("{{\"id\": \"{id}\", \"question\": \"q\", \"label\": \"Yes\"}}\n"),
    )
    .unwrap();
    let mut read = read_all(&[path], &ReadOptions::default()).unwrap();
    read.rows.remove(0)
}

#[test]
fn i05_gaps_are_no_ratings_and_words_for_nothing_are_named() {
    let name = "I05-wide-format-with-gaps";
    let wanted = expected("import", name);
    let read = annotations(name, "wide.csv", &AnnotationOptions::default());
    assert_eq!(read.report.shape, Shape::Wide);
    assert_eq!(json!(read.report.items), wanted["items"]);
    assert_eq!(json!(read.ratings.len()), wanted["ratings"]);
    assert_eq!(
        json!(read.report.items_with_fewer_than_two),
        wanted["items_with_fewer_than_2"]
    );
    let unknown: Vec<Value> = read
        .report
        .unknown_labels
        .iter()
        .map(|word| json!({ "item": word.item, "annotator": word.rater, "value": word.label }))
        .collect();
    assert_eq!(json!(unknown), wanted["unknown"]);
}

#[test]
fn i06_other_encodings_are_told_with_their_line() {
    let name = "I06-csv-utf16-or-latin1";
    let wanted = expected("import", name);
    for file in ["a.csv", "b.csv"] {
        let path = case("import", name).join(file);
        let error = read_annotations(&path, &AnnotationOptions::default()).unwrap_err();
        for word in words(&wanted["must_mention"]) {
            assert!(error.to_string().contains(&word), "{error}");
        }
        assert_eq!(matches!(error, DatasetError::Utf16 { .. }), file == "a.csv");
        // As rows: no letter is replaced, and the file and line are named.
        let read = read_all(&[path], &ReadOptions::default()).unwrap();
        let told = read.summary.damage_lines().join("\n");
        assert!(told.contains("UTF-8") && told.contains(file), "{told}");
        assert_eq!(told.contains("UTF-16"), file == "a.csv", "{told}");
        assert!(read.rows.is_empty());
    }
}

#[test]
fn x06_labels_keep_their_blank_and_have_classes_without() {
    let name = "X06-leading-space-labels";
    let wanted = expected("export", name);
    let read = read("export", name, "data.jsonl");
    let labels: Vec<&String> = read.rows.iter().map(|row| &row.matching[0]).collect();
    assert_eq!(json!(labels), wanted["labels"]);
    let classes: Vec<&str> = labels.iter().map(|label| label_class(label)).collect();
    assert_eq!(json!(classes), wanted["label_classes"]);
}

#[test]
fn x07_a_list_in_a_jsonl_file_is_its_rows() {
    let name = "X07-json-array-in-jsonl-file";
    let accepted = &expected("export", name)["accept"][0];
    let read = read("export", name, "data.jsonl");
    assert_eq!(json!(read.rows.len()), accepted["rows"]);
    assert_eq!(accepted["warn"], "array_in_jsonl");
    assert!(
        read.summary.files[0]
            .notes
            .contains_key(&Note::ArrayInJsonl)
    );
}

#[test]
fn x08_labels_that_name_no_option_are_found() {
    let name = "X08-options-up-to-h";
    let wanted = expected("export", name);
    let read = read("export", name, "data.jsonl");
    assert_eq!(json!(read.rows.len()), wanted["rows"]);
    let mut invalid = Vec::new();
    let mut positions: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for row in &read.rows {
        for fault in &row.faults {
            invalid.push(
                json!({ "row": row.number, "reason": fault.code(), "label": row.matching[0] }),
            );
        }
        if let Some(place) = row.position() {
            let count = row.options.len().to_string();
            let letters = positions.entry(count).or_default();
            *letters
                .entry(row.options[place].letter.clone())
                .or_default() += 1;
        }
    }
    assert_eq!(json!(invalid), wanted["invalid"]);
    assert_eq!(json!(positions), wanted["position_counts_by_option_count"]);
}

#[test]
fn x09_published_repeats_are_counted() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED x09_published_repeats_are_counted: EVALWRIGHT_SHARED is not set");
        return;
    };
    let check = support::json(&case("export", "X09-real-duplicates-check").join("check.json"));
    for (file, counts) in check["files"].as_object().unwrap() {
        let path = PathBuf::from(&shared)
            .join("data/model-written-evals")
            .join(file);
        let read = read_all(&[path], &ReadOptions::default()).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        let repeats = read
            .rows
            .iter()
            .filter(|row| !seen.insert(&row.question))
            .count();
        assert_eq!(json!(read.rows.len()), counts["rows"], "{file}");
        assert_eq!(
            json!(repeats),
            counts["exact_repeats_of_question"],
            "{file}"
        );
    }
}

#[test]
fn x11_objects_that_share_or_span_lines_are_damage_with_their_line() {
    let name = "X11-concatenated-and-pretty-json";
    let wanted = expected("export", name);
    let read = read("export", name, "data.jsonl");
    assert!(read.rows.is_empty());
    let first = &read.summary.files[0].damage[0];
    assert_eq!(
        wanted["must_mention"],
        json!([format!("line {}", first.line)])
    );
    assert!(
        first.problem.contains(wanted["hint"].as_str().unwrap()),
        "{}",
        first.problem
    );
    assert_eq!(read.summary.damaged(), 4);
}

#[test]
fn x04_names_become_segments_that_are_safe_and_differ() {
    let input = support::json(&case("export", "X04-names-that-are-paths").join("names.json"));
    let mut segments = Segments::default();
    let mut folded = std::collections::BTreeSet::new();
    // The two spellings of one letter, and the second time of the same name.
    let names = words(&input["datasets"]);
    for name in names
        .iter()
        .chain([&"e\u{301}mile".to_owned(), &"a_b".to_owned()])
    {
        let segment = segments.segment(name);
        assert!(
            segment.len() <= 255 && !segment.is_empty(),
            "{name:?}: {segment}"
        );
        assert!(
            segment
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c)),
            "{name:?}: {segment}"
        );
        assert!(
            !segment.starts_with(['.', '-']) && segment != "con",
            "{name:?}: {segment}"
        );
        assert!(
            folded.insert(segment.to_lowercase()),
            "{name:?}: {segment} stands twice"
        );
    }
}
