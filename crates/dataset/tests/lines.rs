//! JSON Lines: strict, the same columns in every row, errors that name file and line
//! (cases X03, X05, X06, X07, X11 and D10).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;

use evalwright_core::show::visible;
use evalwright_core::{Reject, Row, UnknownReason, Verdict};
use evalwright_dataset::{
    DatasetError, parse_records, read_records, read_rejects, read_rows, write_records,
    write_rejects, write_rows,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{case, expected, judgement, probability, reject, row};

fn read_back(bytes: &[u8]) -> Result<Vec<Row>, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.jsonl");
    std::fs::write(&path, bytes).unwrap();
    read_rows(&path)
}

#[test]
fn x03_escape_sequences_stay_in_files_and_are_harmless_on_a_terminal() {
    let name = "X03-terminal-escapes";
    let records = read_records(&case("export", name).join("records.jsonl")).unwrap();
    let written = write_records(&records).unwrap();
    assert!(!written.contains(&0x1b));
    assert_eq!(parse_records(Path::new("x"), &written).unwrap(), records);
    let shown: String = records
        .iter()
        .map(|record| visible(record["text"].as_str().unwrap()))
        .collect();
    assert!(!shown.contains('\u{1b}'));
    for word in expected("export", name)["visible"].as_array().unwrap() {
        assert!(shown.contains(word.as_str().unwrap()), "{word} in {shown}");
    }
}

#[test]
fn x05_every_row_has_every_column() {
    let name = "X05-stable-columns";
    let records = read_records(&case("export", name).join("records.jsonl")).unwrap();
    let written = write_records(&records).unwrap();
    let wanted = expected("export", name);
    for (record, before) in parse_records(Path::new("x"), &written)
        .unwrap()
        .iter()
        .zip(&records)
    {
        let keys: Vec<Value> = record.keys().map(|key| Value::from(key.as_str())).collect();
        assert_eq!(Value::from(keys), wanted["emitted_keys_each_row"]);
        for (key, value) in record {
            assert_eq!(value, before.get(key).unwrap_or(&wanted["missing_as"]));
        }
    }
}

#[test]
fn x06_the_space_before_a_label_stays() {
    let name = "X06-leading-space-labels";
    let path = case("export", name).join("data.jsonl");
    let records = read_records(&path).unwrap();
    let wanted = expected("export", name);
    let labels: Vec<&Value> = records
        .iter()
        .map(|record| &record["answer_matching_behavior"])
        .collect();
    assert_eq!(
        labels,
        wanted["labels"]
            .as_array()
            .unwrap()
            .iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(wanted["re_export_bytes_equal"], true);
    assert_eq!(
        write_records(&records).unwrap(),
        std::fs::read(&path).unwrap()
    );
}

#[test]
fn x07_an_array_is_named_as_what_it_is() {
    let name = "X07-json-array-in-jsonl-file";
    let error = read_records(&case("export", name).join("data.jsonl")).unwrap_err();
    let accepted = &expected("export", name)["accept"][1];
    for word in accepted["must_mention"].as_array().unwrap() {
        assert!(
            error.to_string().contains(word.as_str().unwrap()),
            "{error}"
        );
    }
}

#[test]
fn x11_objects_that_share_or_span_lines() {
    let name = "X11-concatenated-and-pretty-json";
    let wanted = expected("export", name);
    let error = read_records(&case("export", name).join("data.jsonl"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(wanted["must_mention"][0].as_str().unwrap()),
        "{error}"
    );
    assert!(error.contains(wanted["hint"].as_str().unwrap()), "{error}");
    let pretty = parse_records(Path::new("p.jsonl"), b"{\"q\": 1}\n{\n \"q\": 3\n}\n").unwrap_err();
    assert!(
        matches!(pretty, DatasetError::NotOneObjectALine { line: 2, .. }),
        "{pretty}"
    );
}

#[test]
fn d10_what_is_no_number_is_null() {
    let name = "D10-nan-in-emitted-jsonl";
    let input = support::json(&case("durability", name).join("record.json"));
    let wanted = expected("durability", name);
    let number = |key: &str| match input[key].as_str().unwrap() {
        "NaN (float)" => f64::NAN,
        "Infinity (float)" => f64::INFINITY,
        other => panic!("{other}"),
    };
    let mut hurt = row(2);
    hurt.metadata.judgements = vec![judgement(
        Verdict::Unknown {
            reason: UnknownReason::NonFiniteLogits,
        },
        Some(number("score")),
        None,
    )];
    let mut other = row(3);
    other.metadata.judgements = vec![judgement(
        Verdict::Known {
            matching: probability(1.0),
        },
        Some(number("mean")),
        None,
    )];
    let written = String::from_utf8(write_rows(&[hurt, other]).unwrap()).unwrap();
    assert!(
        !written.contains("NaN") && !written.to_lowercase().contains("inf"),
        "{written}"
    );
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let judged = |line: &Value| line["metadata"]["judgements"][0].clone();
    assert_eq!(judged(&lines[0])["log_odds"], wanted["emitted"]["score"]);
    assert_eq!(judged(&lines[1])["log_odds"], wanted["emitted"]["mean"]);
    assert_eq!(
        judged(&lines[0])["verdict"]["unknown"]["reason"]["code"],
        "non_finite_logits"
    );
    // Where a number is needed, null would make the file unreadable.
    let error = write_rejects(&[reject(0.5), reject(f64::NAN)])
        .unwrap_err()
        .to_string();
    assert!(error.contains("row 2"), "{error}");
}

#[test]
fn rows_and_rejects_come_back_to_the_bit() {
    let rows: Vec<Row> = (0..50).map(row).collect();
    let written = write_rows(&rows).unwrap();
    assert!(written.ends_with(b"}\n"));
    assert!(!written.contains(&b'\r'));
    assert_eq!(read_back(&written).unwrap(), rows);
    let keys = |line: &[u8]| -> Vec<String> {
        let value: Value = serde_json::from_slice(line).unwrap();
        let metadata = value["metadata"].as_object().unwrap();
        value
            .as_object()
            .unwrap()
            .keys()
            .chain(metadata.keys())
            .cloned()
            .collect()
    };
    let mut lines = written.split_inclusive(|byte| *byte == b'\n').map(keys);
    let first = lines.next().unwrap();
    assert_eq!(
        first[..5],
        [
            "question",
            "statement",
            "label_confidence",
            "answer_matching_behavior",
            "answer_not_matching_behavior"
        ]
    );
    assert!(lines.all(|line| line == first));
    assert_eq!(write_rows(&[]).unwrap(), b"");
    assert_eq!(read_back(b"").unwrap(), []);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejected.jsonl");
    let rejects: Vec<Reject> = vec![reject(1.0 / 3.0), reject(0.1 + 0.2)];
    std::fs::write(&path, write_rejects(&rejects).unwrap()).unwrap();
    assert_eq!(read_rejects(&path).unwrap(), rejects);
}

#[test]
fn errors_name_file_and_line() {
    let good = String::from_utf8(write_rows(&[row(0)]).unwrap()).unwrap();
    for (second, word) in [
        ("\n", "empty"),
        ("{\"question\": \"q\"}\n", "missing field"),
        ("{\"question\": }\n", "column 14"),
        ("{\"question\": NaN}\n", "column 14"),
        ("null\n", "not one object a line"),
        ("[]\n", "array"),
        ("\u{feff}{}\n", "byte order mark"),
        ("{}", "without a newline"),
        (&good.replace("1.0", "1.5"), "not a probability"),
    ] {
        let error = read_back(format!("{good}{second}").as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains("data.jsonl line 2"), "{error}");
        assert!(error.contains(word), "{second:?}: {error}");
        assert!(!error.contains(" at line "), "{error}");
    }
    let mut bytes = good.clone().into_bytes();
    bytes.extend(b"{\"question\": \"\xff\"}\n");
    assert!(matches!(
        read_back(&bytes),
        Err(DatasetError::NotUtf8 { line: 2, .. })
    ));
    let missing = read_rows(Path::new("nowhere/data.jsonl"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("nowhere/data.jsonl"), "{missing}");
}

#[test]
fn files_of_others_may_lack_the_last_newline() {
    let records = parse_records(Path::new("x"), b"{\"a\":1}\r\n{\"a\":2}").unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1]["a"], json!(2));
}

/// Cut at every byte: the whole rows before the cut, or an error that names the line.
#[test]
fn a_file_cut_anywhere_is_never_misread() {
    let rows: Vec<Row> = (0..3).map(row).collect();
    let bytes = write_rows(&rows).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.jsonl");
    for length in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let ends = bytes[..length]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let is_between_lines = length == 0 || bytes[length - 1] == b'\n';
        match read_rows(&path) {
            Ok(read) => {
                assert!(is_between_lines);
                assert_eq!(read, rows[..ends]);
            }
            Err(DatasetError::Cut { line, .. }) => {
                assert!(!is_between_lines);
                assert_eq!(line, ends + 1);
            }
            Err(error) => panic!("{error}"),
        }
        let foreign = parse_records(&path, &bytes[..length]);
        assert!(foreign.is_err() || foreign.unwrap().len() <= 3);
    }
}

proptest! {
    #[test]
    fn any_bytes_give_records_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_records(Path::new("x"), &bytes).ok();
    }

    #[test]
    fn any_texts_come_back_as_they_are(
        texts in prop::collection::vec(prop::collection::btree_map("[a-d]", any::<String>(), 0..4), 0..5)
    ) {
        let records: Vec<_> = texts
            .iter()
            .map(|fields| fields.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str()))).collect())
            .collect::<Vec<serde_json::Map<String, Value>>>();
        let written = write_records(&records).unwrap();
        prop_assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), records.len());
        let back = parse_records(Path::new("x"), &written).unwrap();
        prop_assert_eq!(back.len(), records.len());
        for (back, record) in back.iter().zip(&records) {
            for (key, value) in back {
                prop_assert_eq!(value, record.get(key).unwrap_or(&Value::Null));
            }
        }
        prop_assert_eq!(write_records(&back).unwrap(), written);
    }
}
