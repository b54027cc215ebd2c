//! `import` and `export`: sets of others become versions, and versions go to other tools.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Finished, Project, read_tree};
use serde_json::Value;

const ROWS: &str = r#"{"question": "Say it?\n\"I like caf\u00e9s\"", "statement": "I like caf\u00e9s", "label_confidence": 0.75, "answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}
{"question": "Say it?\n\"I do not\"", "statement": "I do not", "label_confidence": 0.5, "answer_matching_behavior": " No", "answer_not_matching_behavior": " Yes"}
"#;

const FORMATS: [&str; 10] = [
    "model-written-evals",
    "inspect",
    "lm-evaluation-harness",
    "openai-evals",
    "promptfoo",
    "pairs",
    "chat",
    "parquet",
    "hub",
    "croissant",
];

fn done(finished: Finished) -> Finished {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

fn document(finished: Finished) -> Value {
    serde_json::from_str(&done(finished).stdout).unwrap()
}

fn imported() -> Project {
    let project = Project::new().unwrap();
    project.write("published/cafes.jsonl", ROWS).unwrap();
    let document = document(
        project
            .run(&[
                "import",
                "published",
                "--name",
                "likes-cafes",
                "--licence",
                "CC-BY-4.0",
                "--json",
            ])
            .unwrap(),
    );
    assert_eq!(
        (&document["rows"], &document["damaged"]),
        (&Value::from(2), &Value::from(0))
    );
    assert_eq!(document["version"], "generated/likes-cafes/1.0.0");
    project
}

#[test]
fn an_imported_version_is_exported_to_every_format() {
    let project = imported();
    for format in FORMATS {
        let out = format!("out/{format}");
        let document = document(
            project
                .run(&[
                    "export",
                    "generated/likes-cafes/1.0.0",
                    "--format",
                    format,
                    "--out",
                    &out,
                    "--json",
                ])
                .unwrap(),
        );
        assert_eq!(document["rows"], 2, "{format}");
        let tree = read_tree(&project.path().join(&out)).unwrap();
        assert_eq!(
            tree.len(),
            document["files"].as_array().unwrap().len(),
            "{format}"
        );
    }
    let bytes = std::fs::read(
        project
            .path()
            .join("out/model-written-evals/likes-cafes.jsonl"),
    )
    .unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), ROWS);
    // Nothing is left of folders that were being written.
    let names: Vec<String> = std::fs::read_dir(project.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), FORMATS.len(), "{names:?}");
}

#[test]
fn the_help_names_every_format() {
    let project = Project::new().unwrap();
    let help = done(project.run(&["export", "--help"]).unwrap()).stdout;
    for format in FORMATS {
        assert!(help.contains(format), "{format}");
    }
}

#[test]
fn the_default_folder_says_what_is_in_it() {
    let project = imported();
    let finished = done(
        project
            .run(&["export", "generated/likes-cafes/1.0.0", "--format", "chat"])
            .unwrap(),
    );
    assert_eq!(finished.stdout, "likes-cafes-1.0.0-chat\n");
    assert!(
        project
            .path()
            .join("likes-cafes-1.0.0-chat/messages.jsonl")
            .is_file()
    );
    let again = project
        .run(&["export", "generated/likes-cafes/1.0.0", "--format", "chat"])
        .unwrap();
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("is there already"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_version_that_was_changed_is_not_exported() {
    let project = imported();
    let path = project
        .path()
        .join("generated/likes-cafes/1.0.0/data.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("Yes", "yes", 1)).unwrap();
    let refused = project
        .run(&["export", "generated/likes-cafes/1.0.0", "--format", "pairs"])
        .unwrap();
    assert_eq!(refused.code, Some(3));
    assert!(refused.stderr.contains("SHA-256"), "{}", refused.stderr);
    assert!(!project.path().join("likes-cafes-1.0.0-pairs").exists());
}

#[test]
fn nothing_is_written_into_a_version() {
    let project = imported();
    let inside = "generated/likes-cafes/1.0.0/out";
    let refused = project
        .run(&[
            "export",
            "generated/likes-cafes/1.0.0",
            "--format",
            "pairs",
            "--out",
            inside,
        ])
        .unwrap();
    assert_eq!(refused.code, Some(2));
    assert!(!project.path().join(inside).exists());
}

#[test]
fn damaged_rows_are_named_and_not_passed_over_in_silence() {
    let project = Project::new().unwrap();
    project
        .write("rows.jsonl", format!("{ROWS}{{\"question\": \"cut\n"))
        .unwrap();
    let arguments = ["import", "rows.jsonl", "--name", "cut", "--licence", "MIT"];
    let refused = project.run(&arguments).unwrap();
    assert_eq!(refused.code, Some(3));
    assert!(
        refused
            .stderr
            .contains("rows.jsonl:3: not one object a line"),
        "{}",
        refused.stderr
    );
    assert!(!project.path().join("generated").exists());
    let mut allowed = arguments.to_vec();
    allowed.push("--allow-damaged");
    done(project.run(&allowed).unwrap());
    let damaged =
        std::fs::read_to_string(project.path().join("generated/cut/1.0.0/damaged.jsonl")).unwrap();
    let damage: Value = serde_json::from_str(&damaged).unwrap();
    assert_eq!(
        (&damage["file"], &damage["line"]),
        (&Value::from("rows.jsonl"), &Value::from(3))
    );
    // A first version is made once.
    let again = project.run(&allowed).unwrap();
    assert_eq!(again.code, Some(3), "{}", again.stderr);
    assert!(
        again.stderr.contains("already published"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_licence_and_a_name_that_is_a_folder_are_needed() {
    let project = Project::new().unwrap();
    project.write("rows.jsonl", ROWS).unwrap();
    for (arguments, part) in [
        (vec!["import", "rows.jsonl", "--name", "x"], "--licence"),
        (
            vec!["import", "rows.jsonl", "--name", "../x", "--licence", "MIT"],
            "dataset name",
        ),
        (
            vec!["import", "rows.jsonl", "--name", "x", "--licence", " "],
            "is empty",
        ),
        (
            vec![
                "import",
                "rows.jsonl",
                "--name",
                "x",
                "--licence",
                "MIT",
                "--map",
                "x",
            ],
            "is no mapping",
        ),
    ] {
        let refused = project.run(&arguments).unwrap();
        assert!(
            matches!(refused.code, Some(2 | 3)),
            "{arguments:?}: {}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains(part),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
    assert!(!project.path().join("generated").exists());
}
