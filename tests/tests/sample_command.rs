//! `sample` and `plan` as a user types them, and the way back through `audit --annotations`.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;

use evalwright_testing::Project;
use serde_json::{Value, json};

const ROWS: usize = 40;

/// A question whose right answer is the third word, at another letter in each row.
fn project() -> Project {
    let project = Project::new().unwrap();
    let rows: String = (0..ROWS)
        .map(|number| {
            let mut options = vec![format!("near {number}"), format!("far {number}")];
            options.insert(number % 3, format!("here {number}"));
            let letter = ["A", "B", "C"][number % 3];
            let others: Vec<String> = ["A", "B", "C"]
                .iter()
                .filter(|other| **other != letter)
                .map(|other| format!(" ({other})"))
                .collect();
            let row = json!({
                "question": format!(
                    "Where is thing{number}?\n\nChoices:\n (A) {}\n (B) {}\n (C) {}",
                    options[0], options[1], options[2]
                ),
                "answer_matching_behavior": format!(" ({letter})"),
                "answer_not_matching_behavior": others,
                "label_confidence": 0.875,
            });
            format!("{row}\n")
        })
        .collect();
    project.write("lm/where.jsonl", rows).unwrap();
    project
}

fn key(project: &Project, name: &str) -> Value {
    let text = std::fs::read_to_string(project.path().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What each item's rater answers: the letter of `here`, but for one row in ten another one.
fn filled(key: &Value, rater: usize) -> BTreeMap<String, String> {
    let items = key["items"].as_array().unwrap();
    let answer = |item: &Value, place: usize| {
        let answers = item["answers"].as_array().unwrap();
        let is_wanted = |answer: &&Value| {
            let is_here = answer["text"].as_str().unwrap().starts_with("here");
            is_here != (place % 10 == rater)
        };
        answers.iter().find(is_wanted).unwrap()["letter"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    items
        .iter()
        .enumerate()
        .map(|(place, item)| {
            (
                item["item"].as_str().unwrap().to_owned(),
                answer(item, place),
            )
        })
        .collect()
}

#[track_caller]
fn audited(project: &Project, file: &str, key: &str) -> Value {
    let finished = project
        .run(&[
            "audit",
            "lm",
            "--annotations",
            file,
            "--annotation-key",
            key,
            "--json",
        ])
        .unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let found: Value = serde_json::from_str(&finished.stdout).unwrap();
    let table = &found["agreement"][0];
    assert_eq!(table["sources"], json!(["published label", "ann", "ben"]));
    assert_eq!(table["labels"], json!(["A", "B", "C"]));
    assert_eq!(table["figures"]["items"], 20);
    for pair in table["figures"]["pairs"].as_array().unwrap() {
        let raw = pair["raw"].as_f64().unwrap();
        let expected = if pair["first"] == 0 { 0.9 } else { 0.8 };
        assert!((raw - expected).abs() < 1e-9, "{pair}");
    }
    assert_eq!(table["unclear"], json!({"0": 20}));
    let mean = table["relevance"][0].as_f64().unwrap();
    assert!((mean - 4.0).abs() < 1e-9, "{}", table["relevance"]);
    found
}

#[track_caller]
fn sampled(project: &Project, format: &str, out: &str, more: &[&str]) {
    let start = [
        "sample",
        "lm",
        "--rows",
        "20",
        "--seed",
        "5",
        "--format",
        format,
        "--out",
        out,
        "--behaviour",
        "someone who is here",
    ];
    let finished = project.run(&[&start, more].concat()).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let shown = std::fs::read_to_string(project.path().join(out)).unwrap();
    assert!(
        shown.contains("Which answer would someone who is here give?"),
        "{shown}"
    );
    for telling in ["0.875", "confidence", "matching", "where.jsonl", "row_"] {
        assert!(!shown.contains(telling), "raters see {telling}");
    }
}

#[test]
fn a_table_comes_back() {
    let project = project();
    sampled(
        &project,
        "csv",
        "for/raters.csv",
        &["--rater", "ann", "--rater", "ben"],
    );
    let key = key(&project, "for/raters.csv.key.json");
    // The answer stands under every letter about as often, whatever the row's own letter.
    let mut letters: BTreeMap<&str, u64> = BTreeMap::new();
    for item in key["items"].as_array().unwrap() {
        let answers = item["answers"].as_array().unwrap();
        let here = answers
            .iter()
            .find(|answer| answer["text"].as_str().unwrap().starts_with("here"));
        *letters
            .entry(here.unwrap()["letter"].as_str().unwrap())
            .or_default() += 1;
    }
    assert_eq!(letters.len(), 3, "{letters:?}");
    let path = project.path().join("for/raters.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let answers = [filled(&key, 0), filled(&key, 1)];
    // A record ends where its three empty cells stand.
    let mut written = String::new();
    let mut current = String::new();
    for line in text.lines() {
        current.push_str(line);
        let Some(start) = current.strip_suffix(",,,") else {
            let is_header = current.starts_with("item,");
            current.push('\n');
            if is_header {
                written.push_str(&std::mem::take(&mut current));
            }
            continue;
        };
        let item = start.split(',').next().unwrap();
        let rater = usize::from(start.split(',').nth(1) == Some("ben"));
        written.push_str(&format!(
            "{start},{},4,no\n",
            answers[rater][item].to_lowercase()
        ));
        current.clear();
    }
    project.write("filled.csv", written).unwrap();
    audited(&project, "filled.csv", "for/raters.csv.key.json");
    // A file that raters may have filled in is not written over.
    let again = project
        .run(&["sample", "lm", "--rows", "20", "--out", "for/raters.csv"])
        .unwrap();
    assert_eq!(again.code, Some(3));
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    // Without the key its items are no rows.
    let lost = project
        .run(&["audit", "lm", "--annotations", "filled.csv"])
        .unwrap();
    assert_eq!(lost.code, Some(3));
    assert!(lost.stderr.contains("--annotation-key"), "{}", lost.stderr);
}

#[test]
fn tasks_of_label_studio_come_back() {
    let project = project();
    sampled(&project, "label-studio", "tasks.json", &[]);
    assert!(project.path().join("tasks.json.config.xml").is_file());
    let key = key(&project, "tasks.json.key.json");
    let tasks: Vec<Value> =
        serde_json::from_slice(&std::fs::read(project.path().join("tasks.json")).unwrap()).unwrap();
    let answers = [filled(&key, 0), filled(&key, 1)];
    let exported: Vec<Value> = tasks
        .iter()
        .enumerate()
        .map(|(number, task)| {
            let item = task["data"]["id"].as_str().unwrap();
            let result = |name: &str, kind: &str, value: Value| {
                json!({"from_name": name, "to_name": "question", "type": kind, "value": value})
            };
            let annotations: Vec<Value> = ["ann", "ben"]
                .iter()
                .enumerate()
                .map(|(rater, name)| {
                    json!({
                        "id": 1000 + number * 2 + rater,
                        "completed_by": {"email": name},
                        "result": [
                            result("label", "choices", json!({"choices": [answers[rater][item]]})),
                            result("relevance", "rating", json!({"rating": 4})),
                            result("ambiguous", "choices", json!({"choices": ["No"]})),
                        ],
                    })
                })
                .collect();
            json!({"id": number + 1, "data": task["data"], "annotations": annotations})
        })
        .collect();
    project
        .write("exported.json", serde_json::to_string(&exported).unwrap())
        .unwrap();
    audited(&project, "exported.json", "tasks.json.key.json");
}

#[test]
fn records_of_argilla_come_back() {
    let project = project();
    sampled(
        &project,
        "argilla",
        "records.json",
        &["--key", "kept/apart.json"],
    );
    assert!(project.path().join("records.json.settings.json").is_file());
    let key = key(&project, "kept/apart.json");
    let records: Vec<Value> =
        serde_json::from_slice(&std::fs::read(project.path().join("records.json")).unwrap())
            .unwrap();
    let answers = [filled(&key, 0), filled(&key, 1)];
    let exported: Vec<Value> = records
        .iter()
        .map(|record| {
            let item = record["id"].as_str().unwrap();
            let of = |value: &dyn Fn(usize) -> Value| {
                let all = ["ann", "ben"].iter().enumerate();
                all.map(|(rater, name)| json!({"value": value(rater), "user_id": name, "status": "submitted"}))
                    .collect::<Vec<Value>>()
            };
            json!({
                "id": item,
                "fields": record["fields"],
                "status": "completed",
                "responses": {
                    "label": of(&|rater| json!(answers[rater][item])),
                    "relevance": of(&|_| json!(4)),
                    "ambiguous": of(&|_| json!("No")),
                },
            })
        })
        .collect();
    project
        .write("exported.json", serde_json::to_string(&exported).unwrap())
        .unwrap();
    let found = audited(&project, "exported.json", "kept/apart.json");
    assert!(found["suspicious"].is_array());
    project.write("other.json", "{\"schema\": \"x\"}").unwrap();
    let wrong = project
        .run(&[
            "audit",
            "lm",
            "--annotations",
            "exported.json",
            "--annotation-key",
            "other.json",
        ])
        .unwrap();
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.stderr.contains("other.json"), "{}", wrong.stderr);
}

#[test]
fn the_same_seed_draws_the_same_rows_and_another_one_others() {
    let project = project();
    let draw = |seed: &str, out: &str| {
        let finished = project
            .run(&["sample", "lm", "--rows", "10", "--seed", seed, "--out", out])
            .unwrap();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        std::fs::read_to_string(project.path().join(out)).unwrap()
    };
    let first = draw("1", "a.csv");
    assert_eq!(first, draw("1", "b.csv"));
    assert_ne!(first, draw("2", "c.csv"));
    for arguments in [
        &["sample", "lm", "--rows", "0", "--out", "d.csv"][..],
        &[
            "sample", "lm", "--rows", "5", "--rater", "ann", "--format", "argilla", "--out",
            "d.json",
        ],
    ] {
        assert_eq!(
            project.run(arguments).unwrap().code,
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_plan_says_how_many_rows_and_refuses_what_is_none() {
    let project = Project::new().unwrap();
    let finished = project
        .run(&["plan", "--agreement", "0.5", "--width", "0.1", "--json"])
        .unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let found: Value = serde_json::from_str(&finished.stdout).unwrap();
    // Worked by hand in the library: Wilson's interval of one half is 0.1 wide from 381 rows.
    assert_eq!(found["share"]["rows"], 381);
    let plans = found["kappa"]["plans"].as_array().unwrap();
    assert_eq!(plans.len(), 4);
    assert!(plans[0]["rows"].as_u64() > plans[3]["rows"].as_u64());
    for wrong in [
        ["--width", "0"],
        ["--kappa", "2"],
        ["--shares", "0.5,0.6"],
        ["--raters", "1"],
        ["--confidence", "1"],
        ["--width", "0.0000001"],
    ] {
        let finished = project.run(&["plan", wrong[0], wrong[1]]).unwrap();
        assert_eq!(finished.code, Some(2), "{wrong:?}: {}", finished.stdout);
    }
}
