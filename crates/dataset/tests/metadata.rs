//! Card, Croissant file, versions and verification (case X10).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Row, Verdict};
use evalwright_dataset::features::{Feature, ROW_FEATURES};
use evalwright_dataset::{
    CardSummary, DatasetError, Version, card, croissant, next_version, publish, read_manifest,
    verify_files, versions, write_rows,
};
use proptest::prelude::*;
use serde_json::Value;
use support::{files, judgement, manifest, probability, row};

/// Whether a value of a row has the declared type; null has every type.
fn conforms(value: &Value, feature: Feature) -> bool {
    match (value, feature) {
        (Value::Null, _) => true,
        (value, Feature::Text) => value.is_string(),
        (value, Feature::Integer) => value.is_i64(),
        (value, Feature::Float) => value.is_f64(),
        (Value::Array(values), Feature::List(inner)) => {
            values.iter().all(|value| conforms(value, *inner))
        }
        (Value::Object(fields), Feature::Struct(parts)) => fields.iter().all(|(key, value)| {
            parts
                .iter()
                .any(|(name, feature)| name == key && conforms(value, *feature))
        }),
        _ => false,
    }
}

#[test]
fn x10_a_type_is_declared_however_late_its_first_value_comes() {
    let recipe =
        support::json(&support::case("export", "X10-late-first-value").join("recipe.json"));
    let count = u32::try_from(recipe["rows"].as_u64().unwrap()).unwrap();
    let last = u32::try_from(recipe["null_until_row"].as_u64().unwrap()).unwrap();
    let rows: Vec<Row> = (0..count)
        .map(|index| {
            let mut row = row(0);
            let known = index == last;
            row.metadata.judgements = vec![judgement(
                Verdict::Known {
                    matching: probability(0.5),
                },
                known.then_some(0.25),
                known.then_some(0.5),
            )];
            row
        })
        .collect();
    let written = write_rows(&rows).unwrap();
    let values: Vec<Value> = written
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let late = |row: &Value| row["metadata"]["judgements"][0]["covered"].clone();
    assert!(
        values[..last as usize]
            .iter()
            .all(|row| late(row).is_null())
    );
    assert_eq!(late(&values[last as usize]), 0.5);
    assert!(
        values
            .iter()
            .all(|row| conforms(row, Feature::Struct(ROW_FEATURES)))
    );
    let card = card(&manifest("1.0.0"), &rows, &CardSummary::default());
    assert!(
        card.contains("      - name: covered\n        dtype: float64\n"),
        "{card}"
    );
    assert!(
        card.contains("      - name: log_odds\n        dtype: float64\n"),
        "{card}"
    );
    assert!(card.contains("- 10K<n<100K\n"));
}

#[test]
fn the_declared_columns_are_those_of_a_row_whatever_its_verdicts() {
    for index in 0..6 {
        let value = serde_json::to_value(row(index)).unwrap();
        assert!(conforms(&value, Feature::Struct(ROW_FEATURES)), "{value}");
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ROW_FEATURES
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn the_card_says_what_a_reader_needs_and_runs_nothing() {
    let rows: Vec<Row> = (0..4).map(row).collect();
    let summary = CardSummary {
        agreement_lines: vec!["Two raters agree on 80 %\nof the rows.".to_owned()],
        warnings: vec!["One judge only.".to_owned()],
        limits: vec!["English only.".to_owned()],
    };
    let text = card(&manifest("1.2.0"), &rows, &summary);
    let front = text
        .strip_prefix("---\n")
        .unwrap()
        .split("\n---\n")
        .next()
        .unwrap();
    for part in [
        "license: cc-by-4.0\n",
        "language:\n- en\n",
        "- synthetic\n",
        "size_categories:\n- n<1K\n",
        "  - split: validation\n    path: data.jsonl\n",
    ] {
        assert!(front.contains(part), "{part} in {front}");
    }
    for part in [
        "- Two raters agree on 80 % of the rows.\n",
        "- One judge only.\n",
        "- English only.\n",
        "canary 1234",
        "Perez et al. 2022",
        "2 written",
        "local/writer",
        "local/judge#letter",
        "&lt;script&gt;alert(1)&lt;/script&gt; likes \\`risk\\` \\# and \\*headings\\*",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script"));
    assert!(!text.contains("calm"), "model text stands in the card");
    assert_eq!(card(&manifest("1.2.0"), &rows, &summary), text);
    let empty = card(&manifest("1.2.0"), &[], &CardSummary::default());
    assert!(empty.contains("agreement is not known") && !empty.contains("## Warnings"));
    let mut own = manifest("1.0.0");
    own.license = "LicenseRef-\"mine\": x".to_owned();
    let own = card(&own, &rows, &summary);
    assert!(
        own.contains("license: other\nlicense_name: \"LicenseRef-\\\"mine\\\": x\"\n"),
        "{own}"
    );
}

#[test]
fn sizes_fall_into_the_hubs_classes() {
    for (count, class) in [
        (0, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (10_000, "10K<n<100K"),
    ] {
        let rows = vec![row(0); count];
        let text = card(&manifest("1.0.0"), &rows, &CardSummary::default());
        assert!(
            text.contains(&format!("size_categories:\n- {class}\n")),
            "{count}"
        );
    }
}

#[test]
fn croissant_describes_files_by_hash_and_columns_by_type() {
    let files = files();
    let bytes = croissant(&manifest("1.0.0"), &files).unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["conformsTo"], "http://mlcommons.org/croissant/1.1");
    assert_eq!(value["license"], "https://spdx.org/licenses/CC-BY-4.0.html");
    let described = value["distribution"].as_array().unwrap();
    assert_eq!(described.len(), 2);
    assert_eq!(described[0]["@id"], "data.jsonl");
    assert_eq!(
        described[0]["sha256"],
        ContentHash::of(&files.0["data.jsonl"]).to_string()
    );
    let fields = value["recordSet"][0]["field"].as_array().unwrap();
    assert_eq!(fields.len(), 6);
    assert_eq!(fields[2]["name"], "label_confidence");
    assert_eq!(fields[2]["dataType"], "sc:Float");
    assert!(
        fields
            .iter()
            .all(|field| field["source"]["fileObject"]["@id"] == "data.jsonl")
    );
    assert_eq!(croissant(&manifest("1.0.0"), &files).unwrap(), bytes);
}

#[test]
fn the_next_number_says_what_changed() {
    let next = |version: &str, kind, rows| next_version(Some((&manifest(version), kind, rows)));
    assert_eq!(next_version(None), "1.0.0");
    assert_eq!(next("1.2.3", true, true), "2.0.0");
    assert_eq!(next("1.2.3", true, false), "2.0.0");
    assert_eq!(next("1.2.3", false, true), "1.3.0");
    assert_eq!(next("1.9.9", false, true), "1.10.0");
    assert_eq!(next("1.2.3", false, false), "1.2.4");
}

#[test]
fn versions_are_sorted_by_number_and_other_folders_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(versions(&folder.path().join("nothing")).unwrap(), []);
    for version in ["1.10.0", "1.9.0", "1.2.0"] {
        publish(folder.path(), manifest(version), files(), b"{}").unwrap();
    }
    std::fs::create_dir(folder.path().join("old")).unwrap();
    std::fs::create_dir(folder.path().join(".publishing-2.0.0-1")).unwrap();
    std::fs::write(folder.path().join("3.0.0"), "a file").unwrap();
    let numbers: Vec<String> = versions(folder.path())
        .unwrap()
        .into_iter()
        .map(|open| open.manifest.version)
        .collect();
    assert_eq!(numbers, ["1.2.0", "1.9.0", "1.10.0"]);
    std::fs::rename(folder.path().join("1.9.0"), folder.path().join("1.11.0")).unwrap();
    let error = versions(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("1.11.0") && error.contains("states version 1.9.0"),
        "{error}"
    );
}

#[test]
fn a_manifest_of_another_format_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    std::fs::write(
        &path,
        r#"{"schema": "evalwright.manifest/999", "other": 1}"#,
    )
    .unwrap();
    let error = read_manifest(folder.path()).unwrap_err();
    assert!(matches!(error, DatasetError::UnknownSchema { .. }));
    assert!(
        error.to_string().contains("999") && error.to_string().contains("version"),
        "{error}"
    );
    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(
        read_manifest(folder.path()),
        Err(DatasetError::BadManifest { .. })
    ));
}

#[test]
fn every_change_of_a_published_version_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let place = publish(folder.path(), manifest("1.0.0"), files(), b"{}").unwrap();
    let found = read_manifest(&place).unwrap();
    verify_files(&place, &found).unwrap();
    let problem = |manifest| verify_files(&place, manifest).unwrap_err().to_string();

    let data = place.join("data.jsonl");
    let good = std::fs::read(&data).unwrap();
    let mut flipped = good.clone();
    flipped[5] ^= 1;
    std::fs::write(&data, &flipped).unwrap();
    assert!(problem(&found).contains("SHA-256"));
    std::fs::write(&data, &good[1..]).unwrap();
    assert!(problem(&found).contains("bytes"));
    std::fs::remove_file(&data).unwrap();
    assert!(problem(&found).contains("missing"));
    std::fs::write(&data, &good).unwrap();

    let extra = place.join("charts/extra.csv");
    std::fs::write(&extra, "x").unwrap();
    assert!(problem(&found).contains("does not list"));
    std::fs::remove_file(&extra).unwrap();

    let mut fewer = found.clone();
    fewer.content = None;
    assert!(problem(&fewer).contains("content hash"));
    std::fs::write(place.join("run.json"), "other facts").unwrap();
    verify_files(&place, &found).unwrap();
}

#[test]
fn the_content_hash_covers_names_and_contents() {
    let folder = tempfile::tempdir().unwrap();
    let mut hashes = Vec::new();
    for (index, (name, bytes)) in [("a", "1"), ("b", "1"), ("a", "2")].into_iter().enumerate() {
        let files = evalwright_dataset::Files(BTreeMap::from([(name.to_owned(), bytes.into())]));
        let place = publish(folder.path(), manifest(&format!("1.0.{index}")), files, b"").unwrap();
        hashes.push(read_manifest(&place).unwrap().content.unwrap());
    }
    assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2] && hashes[1] != hashes[2]);
}

proptest! {
    #[test]
    fn version_numbers_come_back_and_sort_as_numbers(a in any::<[u64; 3]>(), b in any::<[u64; 3]>()) {
        let version = |[major, minor, patch]: [u64; 3]| Version { major, minor, patch };
        prop_assert_eq!(Version::parse(&version(a).to_string()), Some(version(a)));
        prop_assert_eq!(version(a).cmp(&version(b)), a.cmp(&b));
    }

    #[test]
    fn any_text_is_a_version_in_one_spelling_only(text in "[0-9+.]{0,9}|\\PC{0,6}") {
        if let Some(version) = Version::parse(&text) {
            prop_assert_eq!(version.to_string(), text);
        }
    }
}
