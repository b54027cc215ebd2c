//! Each export holds what the version holds; where it can, our own reader reads it back.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evalwright_dataset::export::{EXPORTERS, ExportSource, Exported, exporter};
use evalwright_dataset::import::{ImportRecord, Imported, ReadOptions, import_version, read_all};
use evalwright_dataset::{DatasetError, publish, read_manifest, write_rows};
use serde_json::Value;

/// Statements, options, a row without a label, one with several right answers, and texts that other formats trip over.
const ROWS: &str = r#"{"question": "Say it?\n\"I {{like}} é\"", "statement": "I {{like}} é", "label_confidence": 0.75, "answer_matching_behavior": " No", "answer_not_matching_behavior": " Yes"}
{"question": "Pick.\n\nChoices:\n (A) one\n (B) two\n (C) three", "answer_matching_behavior": " (C)", "answer_not_matching_behavior": [" (A)", " (B)"]}
{"question": "file:///etc/hosts", "answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}
{"input": "Which?", "choices": ["x", "y"], "target": "B", "id": "own-1"}
{"sentence_with_blank": "It left since _ had to.", "pronoun_options": ["he", "she"], "occupation": "tiler", "index": 1}
{"input": "Name one.", "ideal": ["red", "blue"]}
"#;

struct Version {
    folder: PathBuf,
    _keep: tempfile::TempDir,
}

fn version() -> Version {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("rows.jsonl");
    std::fs::write(&path, ROWS).unwrap();
    let imported = read_all(&[path], &ReadOptions::default()).unwrap();
    assert_eq!(
        imported.rows.len(),
        6,
        "{:?}",
        imported.summary.damage_lines()
    );
    let record = ImportRecord {
        name: "mixed-rows".to_owned(),
        description: "Rows of all kinds.".to_owned(),
        license: "CC-BY-4.0".to_owned(),
        source: None,
        generator: Some("some/model".to_owned()),
    };
    let (manifest, files) = import_version(&record, &imported.rows, &imported.summary).unwrap();
    let folder = publish(&keep.path().join("mixed-rows"), manifest, files, b"{}\n").unwrap();
    Version {
        folder,
        _keep: keep,
    }
}

fn export(folder: &Path, name: &str) -> Exported {
    let manifest = read_manifest(folder).unwrap();
    let rows = read_all(&[folder.to_path_buf()], &ReadOptions::default())
        .unwrap()
        .rows;
    let data = std::fs::read(folder.join("data.jsonl")).unwrap();
    exporter(name)
        .unwrap()
        .export(&ExportSource {
            manifest: &manifest,
            rows: &rows,
            data: &data,
            status: None,
        })
        .unwrap()
}

/// Writes an export to disk and reads one of its files, or the whole folder, with our own reader.
fn back(exported: &Exported, file: &str) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &exported.files.0 {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let read = read_all(&[folder.path().join(file)], &ReadOptions::default()).unwrap();
    assert_eq!(read.summary.damage_lines(), Vec::<String>::new());
    read
}

fn lines(exported: &Exported, file: &str) -> Vec<Value> {
    let text = std::str::from_utf8(&exported.files.0[file]).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn left_out(exported: &Exported) -> Vec<(&str, u64)> {
    exported
        .left_out
        .iter()
        .map(|(reason, rows)| (*reason, *rows))
        .collect()
}

#[test]
fn every_row_is_written_or_left_out_with_a_reason() {
    let version = version();
    for known in EXPORTERS {
        let exported = export(&version.folder, known.name);
        let left: u64 = exported.left_out.values().sum();
        assert_eq!(exported.rows + left, 6, "{}", known.name);
        assert!(
            exported.rows >= 3 && !known.about.is_empty(),
            "{}",
            known.name
        );
        assert_eq!(
            exported,
            export(&version.folder, known.name),
            "{} is not the same twice",
            known.name
        );
    }
}

#[test]
fn model_written_evals_have_the_published_bytes() {
    let exported = export(&version().folder, "model-written-evals");
    assert_eq!(left_out(&exported), [("no second answer", 1)]);
    let written =
        String::from_utf8(exported.files.0["mixed-rows.jsonl"].clone()).unwrap_or_else(|_| {
            // Rows of several formats are one behaviour each file; here all come from one file of one family.
            panic!("{:?}", exported.files.0.keys())
        });
    let first = written.lines().next().unwrap();
    // The é was raw in the source, and stays so.
    assert_eq!(first, ROWS.lines().next().unwrap());
    assert!(written.lines().any(|line| line == r#"{"question": "Which?\n\nChoices:\n (A) x\n (B) y", "answer_matching_behavior": " (B)", "answer_not_matching_behavior": " (A)"}"#), "{written}");
}

#[test]
fn our_own_rows_are_published_without_our_own_keys() {
    let keep = tempfile::tempdir().unwrap();
    let mut rows: Vec<_> = (0..4).map(support::row).collect();
    rows[0].question = "Say it?\n\"é🍸\"".to_owned();
    let mut files = evalwright_dataset::Files::default();
    files
        .0
        .insert("data.jsonl".to_owned(), write_rows(&rows).unwrap());
    let folder = publish(keep.path(), support::manifest("1.0.0"), files, b"{}\n").unwrap();
    let exported = export(&folder, "model-written-evals");
    assert_eq!(exported.rows, 4);
    let (_, bytes) = exported.files.0.iter().next().unwrap();
    let first = std::str::from_utf8(bytes).unwrap().lines().next().unwrap();
    assert!(
        first.is_ascii() && first.contains("\\u00e9\\ud83c\\udf78"),
        "{first}"
    );
    let keys: Vec<String> = serde_json::from_str::<serde_json::Map<String, Value>>(first)
        .unwrap()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        [
            "question",
            "statement",
            "label_confidence",
            "answer_matching_behavior",
            "answer_not_matching_behavior"
        ]
    );
    // Cells of a run come back.
    let read = read_all(&[folder], &ReadOptions::default()).unwrap();
    assert_eq!(read.rows[0].cells["label"], rows[0].metadata.label.as_str());
    assert_eq!(read.rows[0].id.as_deref(), Some(rows[0].id.as_str()));
}

#[test]
fn inspect_samples_name_the_option_that_matches() {
    let exported = export(&version().folder, "inspect");
    assert_eq!(
        left_out(&exported),
        [("no label", 1), ("several right answers", 1)]
    );
    let samples = lines(&exported, "samples.jsonl");
    let shown: Vec<(&Value, &Value)> = samples
        .iter()
        .map(|sample| (&sample["choices"], &sample["target"]))
        .collect();
    assert_eq!(
        shown
            .iter()
            .map(|(choices, target)| format!("{choices} {target}"))
            .collect::<Vec<_>>(),
        [
            r#"["Yes","No"] "B""#,
            r#"["one","two","three"] "C""#,
            r#"["Yes","No"] "A""#,
            r#"["x","y"] "B""#
        ]
    );
    assert_eq!(samples[1]["input"], "Pick.");
    assert!(
        String::from_utf8_lossy(&exported.files.0["task.py"])
            .contains("def evals_mixed_rows() -> Task:")
    );
    let read = back(&exported, "samples.jsonl");
    assert_eq!(
        read.rows
            .iter()
            .map(|row| row.position().unwrap())
            .collect::<Vec<_>>(),
        [1, 2, 0, 1]
    );
}

#[test]
fn harness_rows_hold_all_answers_the_right_one_first() {
    let exported = export(&version().folder, "lm-evaluation-harness");
    let rows = lines(&exported, "data.jsonl");
    assert_eq!(
        rows[1]["answers"],
        serde_json::json!([" (C)", " (A)", " (B)"])
    );
    assert_eq!(rows[3]["answers"], serde_json::json!([" (B)", " (A)"]));
    assert!(exported.files.0.contains_key("evals_mixed_rows.yaml"));
}

#[test]
fn openai_evals_and_chats_and_pairs_come_back() {
    let version = version();
    let exported = export(&version.folder, "openai-evals");
    let read = back(&exported, "registry/data/evals_mixed_rows/samples.jsonl");
    assert_eq!(read.rows[1].matching, ["(C)", "C"]);
    assert_eq!(read.rows.last().unwrap().matching, ["red", "blue"]);
    let exported = export(&version.folder, "chat");
    let read = back(&exported, "messages.jsonl");
    assert_eq!(
        (
            read.rows[0].question.as_str(),
            read.rows[0].matching[0].as_str()
        ),
        ("Say it?\n\"I {{like}} é\"", "No")
    );
    let exported = export(&version.folder, "pairs");
    // One pair for each answer that does not match.
    assert_eq!(
        (exported.rows, lines(&exported, "pairs.jsonl").len()),
        (4, 5)
    );
    let read = back(&exported, "pairs.jsonl");
    assert_eq!(
        (
            read.rows[2].matching[0].as_str(),
            read.rows[2].not_matching[0].as_str()
        ),
        (" (C)", " (B)")
    );
}

#[test]
fn promptfoo_reads_no_template_and_no_file() {
    let exported = export(&version().folder, "promptfoo");
    assert_eq!(
        exported.left_out["promptfoo would read the question as a file"],
        1
    );
    let tests: Value = serde_json::from_slice(&exported.files.0["tests.json"]).unwrap();
    assert_eq!(
        tests[0]["vars"]["question"],
        "{% raw %}Say it?\n\"I {{like}} é\"{% endraw %}"
    );
    assert_eq!(tests[0]["assert"][0]["value"], "^\\s*\\(?No(?![A-Za-z0-9])");
}

#[test]
fn parquet_and_hub_folders_come_back_whole() {
    let version = version();
    let source = read_all(
        std::slice::from_ref(&version.folder),
        &ReadOptions::default(),
    )
    .unwrap();
    for (name, file) in [("parquet", "data.parquet"), ("hub", ".")] {
        let exported = export(&version.folder, name);
        let read = back(&exported, file);
        assert_eq!(read.rows.len(), 6, "{name}");
        let by_id: BTreeMap<_, _> = read.rows.iter().map(|row| (row.id.clone(), row)).collect();
        for row in &source.rows {
            let found = by_id[&row.id];
            assert_eq!(found.question, row.question, "{name}");
            assert_eq!(found.statement, row.statement, "{name}");
            assert_eq!(found.confidence, row.confidence, "{name}");
            assert_eq!(found.matching.first(), row.matching.first(), "{name}");
            if row.matching.len() == 1 {
                assert_eq!(found.not_matching, row.not_matching, "{name}");
            }
        }
    }
    let card =
        String::from_utf8(export(&version.folder, "hub").files.0["README.md"].clone()).unwrap();
    assert!(
        card.starts_with("---\nlicense: cc-by-4.0\n") && card.contains("dtype: float64"),
        "{card}"
    );
}

#[test]
fn what_a_format_cannot_hold_at_all_is_an_error() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("rows.jsonl");
    std::fs::write(&path, "{\"question\": \"q\"}\n").unwrap();
    let imported = read_all(&[path], &ReadOptions::default()).unwrap();
    let record = ImportRecord {
        name: "bare".to_owned(),
        description: String::new(),
        license: "MIT".to_owned(),
        source: None,
        generator: None,
    };
    let (manifest, _) = import_version(&record, &imported.rows, &imported.summary).unwrap();
    let source = ExportSource {
        manifest: &manifest,
        rows: &imported.rows,
        data: b"",
        status: None,
    };
    let error = exporter("pairs").unwrap().export(&source).unwrap_err();
    assert!(matches!(error, DatasetError::NothingToExport { .. }));
    assert!(error.to_string().contains("no label"), "{error}");
}

#[test]
fn croissant_describes_the_bytes_that_go_with_it() {
    let exported = export(&version().folder, "croissant");
    let metadata: Value = serde_json::from_slice(&exported.files.0["croissant.json"]).unwrap();
    let hash = evalwright_core::ContentHash::of(&exported.files.0["data.jsonl"]).to_string();
    assert_eq!(metadata["distribution"][0]["sha256"], Value::from(hash));
}
