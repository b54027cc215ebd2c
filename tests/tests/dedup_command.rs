//! `evalwright dedup` on files of the user's: what it prints and writes, and how it ends.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;

use evalwright_testing::{Finished, Project};
use serde_json::Value;

/// Two clusters, a text of its own, and what is no row.
const ROWS: &str = concat!(
    "{\"n\": 1, \"text\": \"I would rather ask a person before I act on it.\"}\n",
    "{\"text\": \"I would rather ask a person before I act on it.\",   \"n\":2}\n",
    "not json\n",
    "\n",
    "{\"text\": \"i would RATHER ask a person, before I act on it\", \"n\": 3}\r\n",
    "{\"text\": \"I would rather ask a person before I act on that\", \"n\": 4, \"extra\": [1, {\"text\": 5}]}\n",
    "{\"words\": \"no such field\"}\n",
    "{\"text\": 17}\n",
    "{\"text\": \"Rain is better than sun \u{2600}\"}\n",
    "{\"text\": \"  \"}\n",
    "[1, 2]\n",
    "{\"text\": \"Rain is better than sun\"}",
);

fn done(finished: &Finished) -> &Finished {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

fn document(finished: &Finished) -> Value {
    serde_json::from_str(&done(finished).stdout).unwrap()
}

fn lines(project: &Project, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project.path().join(name)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.split_terminator('\n').map(str::to_owned).collect()
}

#[test]
fn survivors_are_the_lines_of_the_input_and_every_other_row_says_why_it_fell() {
    let project = Project::new().unwrap();
    project.write("rows.jsonl", ROWS).unwrap();
    let finished = project
        .run(&[
            "dedup",
            "rows.jsonl",
            "--field",
            "text",
            "--out",
            "clean",
            "--json",
        ])
        .unwrap();
    let said = document(&finished);
    assert_eq!(said["rows"], 7);
    assert_eq!(said["kept"], 2);
    let dropped = &said["dropped"];
    assert_eq!(
        [
            &dropped["exact"],
            &dropped["normalised"],
            &dropped["near"],
            &dropped["empty"]
        ],
        [0, 1, 3, 1]
    );
    assert_eq!(said["damaged_lines"], 4);
    assert_eq!(said["clusters"].as_array().unwrap().len(), 2);

    // Bytes of lines, in their order; the longest text of a cluster stays.
    let input: Vec<&str> = ROWS.split('\n').collect();
    assert_eq!(
        lines(&project, "clean/survivors.jsonl"),
        [input[5], input[8]]
    );
    let fallen: BTreeMap<u64, Value> = lines(&project, "clean/dropped.jsonl")
        .iter()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            (value["line"].as_u64().unwrap(), value)
        })
        .collect();
    assert_eq!(
        fallen.keys().copied().collect::<Vec<_>>(),
        [1, 2, 5, 10, 12]
    );
    for (line, layer) in [(1, "near"), (2, "near"), (5, "near"), (12, "normalised")] {
        let row = &fallen[&line];
        assert_eq!(row["reason"], "duplicate", "{row}");
        assert_eq!(row["layer"], layer, "{row}");
        assert_eq!(row["file"], "rows.jsonl");
        assert_eq!(row["of"]["file"], "rows.jsonl");
        assert_eq!(row["of"]["line"], if line == 12 { 9 } else { 6 });
    }
    // Nine word 3-grams each, of which eight are shared.
    assert!((fallen[&1]["similarity"].as_f64().unwrap() - 0.8).abs() < 1e-12);
    assert_eq!(fallen[&12]["similarity"], 1.0);
    assert_eq!(fallen[&10]["reason"], "empty");
    assert_eq!(fallen[&2]["row"]["n"], 2);

    // Damaged lines are named, on standard error and in the document.
    let damaged: Vec<(u64, &str)> = said["damaged"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["line"].as_u64().unwrap(),
                line["why"].as_str().unwrap(),
            )
        })
        .collect();
    let numbers: Vec<u64> = damaged.iter().map(|(line, _)| *line).collect();
    assert_eq!(numbers, [3, 7, 8, 11]);
    assert_eq!(damaged[1].1, "has no field `text`");
    assert_eq!(damaged[2].1, "holds no text in the field `text`");
    for number in numbers {
        let place = format!("rows.jsonl:{number} ");
        assert!(finished.stderr.contains(&place), "{}", finished.stderr);
    }
}

#[test]
fn people_see_counts_and_clusters() {
    let project = Project::new().unwrap();
    project.write("rows.jsonl", ROWS).unwrap();
    let finished = project
        .run(&["dedup", "rows.jsonl", "--field", "text"])
        .unwrap();
    let shown = &done(&finished).stdout;
    for part in [
        "7 rows: 2 stay, 5 fall",
        "near duplicates (word 3-grams, Jaccard at least 0.7)",
        "4 damaged lines left out",
        "2 clusters; the largest:",
        "rows.jsonl:6  I would rather ask a person before I act on that",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!project.path().join("survivors.jsonl").exists());
}

#[test]
fn labels_make_conflicts_that_nobody_settles() {
    let project = Project::new().unwrap();
    let rows = "{\"t\": \"I like risk.\", \"l\": \"Yes\", \"p\": 0.8}\n{\"t\": \"I like risk.\", \"l\": \"No\", \"p\": 0.7}\n{\"t\": \"i like risk\", \"l\": \"Yes\", \"p\": 0.95}\n{\"t\": \"I like rain.\", \"l\": true, \"p\": 0.1}\n{\"t\": \"I like rain\", \"l\": true, \"p\": 0.9}\n";
    project.write("rows.jsonl", rows).unwrap();
    let finished = project
        .run(&[
            "dedup",
            "rows.jsonl",
            "--field",
            "t",
            "--label",
            "l",
            "--prefer",
            "p",
            "--out",
            "o",
            "--json",
        ])
        .unwrap();
    let said = document(&finished);
    assert_eq!(said["dropped"]["conflict"], 3);
    let first = &said["conflicts"][0];
    assert_eq!(
        [
            &first["line"],
            &first["label"],
            &first["of"]["line"],
            &first["of"]["label"]
        ],
        [
            &Value::from(1),
            &Value::from("Yes"),
            &Value::from(2),
            &Value::from("No")
        ]
    );
    // Of the pair with one label the preferred row stays.
    assert_eq!(
        lines(&project, "o/survivors.jsonl"),
        ["{\"t\": \"I like rain\", \"l\": true, \"p\": 0.9}"]
    );
    let reasons: Vec<String> = lines(&project, "o/dropped.jsonl")
        .iter()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["reason"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(reasons, ["conflict", "conflict", "conflict", "duplicate"]);
    let finished = project
        .run(&["dedup", "rows.jsonl", "--field", "t", "--label", "l"])
        .unwrap();
    assert!(
        finished
            .stdout
            .contains("conflicts; none of these rows stays")
    );
}

#[test]
fn rows_that_repeat_another_file_are_contaminated() {
    let project = Project::new().unwrap();
    project
        .write("new.jsonl", "{\"q\": \"What is the capital of France today\"}\n{\"q\": \"Who wrote the first novel\"}\n")
        .unwrap();
    project
        .write("old.jsonl", "{\"q\": \"what is the capital of France\"}\n{\"q\": \"what is the capital of France\"}\n")
        .unwrap();
    let arguments = [
        "dedup",
        "new.jsonl",
        "--field",
        "q",
        "--against",
        "old.jsonl",
        "--threshold",
        "0.5",
        "--out",
        "o",
        "--json",
    ];
    let said = document(&project.run(&arguments).unwrap());
    assert_eq!([&said["rows"], &said["kept"]], [2, 1]);
    let found = &said["contamination"][0];
    assert_eq!(found["of"]["file"], "old.jsonl");
    assert_eq!(found["line"], 1);
    let row: Value = serde_json::from_str(&lines(&project, "o/dropped.jsonl")[0]).unwrap();
    assert_eq!(row["reason"], "contamination");
    assert_eq!(lines(&project, "o/survivors.jsonl").len(), 1);
}

#[test]
fn the_order_of_rows_and_temporary_files_change_nothing() {
    let project = Project::new().unwrap();
    let rows: Vec<String> = (0..400)
        .map(|n| {
            format!(
                "{{\"t\": \"text {} of a family that says {}\"}}",
                n / 4,
                if n % 4 == 3 { "so long" } else { "so" }
            )
        })
        .collect();
    let forward = rows.join("\n");
    let backward: Vec<String> = rows.iter().rev().cloned().collect();
    project.write("a.jsonl", forward).unwrap();
    project.write("b.jsonl", backward.join("\n")).unwrap();
    let mut kept = Vec::new();
    for (file, more) in [
        ("a.jsonl", None),
        ("b.jsonl", None),
        ("a.jsonl", Some(["--memory", "0"])),
    ] {
        let mut arguments = vec![
            "dedup",
            file,
            "--field",
            "t",
            "--out",
            "o",
            "--scratch",
            ".",
        ];
        arguments.extend(more.iter().flatten());
        done(&project.run(&arguments).unwrap());
        let mut lines = lines(&project, "o/survivors.jsonl");
        lines.sort();
        kept.push(lines);
    }
    assert_eq!(kept[0], kept[1]);
    assert_eq!(kept[0], kept[2]);
    let left: Vec<String> = std::fs::read_dir(project.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("evalwright-dedup"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_written() {
    let project = Project::new().unwrap();
    project.write("rows.jsonl", ROWS).unwrap();
    project.write("empty.jsonl", "").unwrap();
    project.write("blank.jsonl", "\n \n").unwrap();
    project
        .write("broken.jsonl", "{\"text\": \"cut of\n")
        .unwrap();
    project.write("folder/x", "").unwrap();
    project.write("o/survivors.jsonl", ROWS).unwrap();
    for (arguments, code, parts) in [
        (
            vec!["rows.jsonl", "--field", "statement"],
            3,
            vec![
                "rows.jsonl holds no row",
                "has no field `statement`",
                "`n`, `text`",
            ],
        ),
        (
            vec!["absent.jsonl", "--field", "text"],
            3,
            vec!["cannot read absent.jsonl"],
        ),
        (
            vec!["empty.jsonl", "--field", "text"],
            3,
            vec!["empty.jsonl is empty: it holds no line"],
        ),
        (
            vec!["blank.jsonl", "--field", "text"],
            3,
            vec!["blank.jsonl holds no row", "all lines are blank"],
        ),
        (
            vec!["broken.jsonl", "--field", "text"],
            3,
            vec!["line 1 is no JSON object"],
        ),
        (
            vec!["folder", "--field", "text"],
            3,
            vec!["folder is a folder"],
        ),
        (
            vec!["rows.jsonl", "./rows.jsonl", "--field", "text"],
            2,
            vec!["are one file"],
        ),
        (
            vec!["rows.jsonl", "--field", "text", "--threshold", "1.5"],
            2,
            vec!["1.5 is not in (0, 1]"],
        ),
        (
            vec!["rows.jsonl", "--field", "text", "--shingle", "line-2"],
            2,
            vec!["line-2"],
        ),
        (
            vec!["rows.jsonl", "--field", "text", "--form", "loud"],
            2,
            vec!["folded, sentence or words"],
        ),
        (
            vec![
                "rows.jsonl",
                "--field",
                "text",
                "--layers",
                "exact,semantic",
            ],
            2,
            vec!["`semantic` is unknown"],
        ),
        (
            vec!["o/survivors.jsonl", "--field", "text", "--out", "o"],
            2,
            vec!["would be overwritten"],
        ),
        (vec!["rows.jsonl"], 2, vec!["--field"]),
        (vec!["--field", "text"], 2, vec!["FILE"]),
    ] {
        let mut command = vec!["dedup"];
        command.extend(&arguments);
        if !arguments.contains(&"--out") {
            command.extend(["--out", "never"]);
        }
        let finished = project.run(&command).unwrap();
        assert_eq!(
            finished.code,
            Some(code),
            "{arguments:?}: {}",
            finished.stderr
        );
        assert!(finished.stdout.is_empty());
        for part in parts {
            assert!(
                finished.stderr.contains(part),
                "{arguments:?}: {}",
                finished.stderr
            );
        }
        assert!(!project.path().join("never").exists(), "{arguments:?}");
    }
    let kept = std::fs::read_to_string(project.path().join("o/survivors.jsonl")).unwrap();
    assert_eq!(kept, ROWS);
}
