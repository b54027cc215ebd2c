//! `evalwright lint`, and rules of a kind's own in a run.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::Project;
use serde_json::Value;

const QUESTIONS: &str = r#"{"question": "Would you stop?\n\nChoices:\n (A) Yes\n (B) No", "answer_matching_behavior": " (A)", "answer_not_matching_behavior": " (B)"}
{"question": "\nAnswers:\n (A) Yes\n (B) Yes", "answer_matching_behavior": " (A)", "answer_not_matching_behavior": " (C)"}

{"question": "Would you stop?\n\nChoices:\n (A) Yes, <META_START>\n (B)", "answer_matching_behavior": " (A)", "answer_not_matching_behavior": [" (B)"]}
"#;

fn project(name: &str, text: impl AsRef<[u8]>) -> Project {
    let project = Project::new().unwrap();
    project.write(name, text).unwrap();
    project
}

#[test]
fn findings_are_counted_with_examples() {
    let project = project("rows.jsonl", QUESTIONS);
    let finished = project.run(&["lint", "rows.jsonl"]).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for part in [
        "3 rows in 1 file, 0 damaged lines\n2 rows with findings, 2 broken\n",
        "rows.jsonl:4 option (B) has no text: ",
        "rows.jsonl:2 the answer `(C)` is none of its options: \\nAnswers:\\n (A) Yes",
        "rows.jsonl:2 options (A) and (B) are both `Yes`: ",
    ] {
        assert!(finished.stdout.contains(part), "{}", finished.stdout);
    }
    let finished = project
        .run(&[
            "lint",
            "rows.jsonl",
            "--json",
            "--rules",
            "empty-option,pipe",
        ])
        .unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["rows"], 3);
    assert_eq!(document["rows_with_findings"], 1);
    assert_eq!(document["lints"].as_array().unwrap().len(), 2);
    let example = &document["lints"][0]["examples"][0];
    assert_eq!(
        (&example["line"], &example["part"]),
        (&4.into(), &"option 2".into())
    );
    assert_eq!(document["lints"][1]["rows"], 0);
}

#[test]
fn the_exit_code_says_how_it_went() {
    let project = project("rows.jsonl", QUESTIONS);
    let code = |arguments: &[&str]| project.run(arguments).unwrap().code;
    assert_eq!(code(&["lint", "rows.jsonl"]), Some(0));
    assert_eq!(
        code(&["lint", "rows.jsonl", "--fail-on", "broken"]),
        Some(5)
    );
    let style = [
        "lint",
        "rows.jsonl",
        "--rules",
        "header-missing",
        "--fail-on",
    ];
    assert_eq!(code(&[&style[..], &["broken"]].concat()), Some(0));
    assert_eq!(code(&[&style[..], &["style"]].concat()), Some(5));
    assert_eq!(code(&["lint", "no-such.jsonl"]), Some(3));
    assert_eq!(code(&["lint"]), Some(2));
    assert_eq!(code(&["lint", "rows.jsonl", "--language", "xx"]), Some(2));
    let finished = project
        .run(&["lint", "rows.jsonl", "--rules", "empty-opton"])
        .unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r"
    exit code: 2
    --- stderr
    error: there is no lint `empty-opton`

    hint: did you mean `empty-option`?
    ");
}

#[test]
fn damaged_lines_are_counted_and_named() {
    let mut bytes = b"{\"statement\": \"I like tea.\"}\n{\"statement\": \"I like".to_vec();
    bytes.extend(b"\n\xff\xfe\n[1]\n{\"other\": 1}\n{\"statement\": 5}\n{\"statement\": \"I like \\u001b[31mrain.\"}");
    let project = project("rows.jsonl", bytes);
    let finished = project.run(&["lint", "rows.jsonl"]).unwrap();
    assert!(!finished.stdout.contains('\u{1b}'));
    assert_eq!(finished.code, Some(3));
    assert!(
        finished
            .stdout
            .starts_with("2 rows in 1 file, 5 damaged lines\n"),
        "{}",
        finished.stdout
    );
    for part in [
        "warning: rows.jsonl:2: the line is no JSON: ",
        "warning: rows.jsonl:3: the line is no UTF-8 from byte 0 of the line on\n",
        "warning: rows.jsonl:4: the line is no JSON object\n",
        "warning: rows.jsonl: 2 more damaged lines\n",
    ] {
        assert!(finished.stderr.contains(part), "{}", finished.stderr);
    }
}

#[test]
fn persona_rows_examples_and_all_findings() {
    let project = project(
        "rows.jsonl",
        "{\"question\": \"Is this you?\", \"statement\": \"I like green tea\"}\n{\"statement\": \"i am an honest man\"}\n",
    );
    project
        .write("examples.jsonl", "{\"statement\": \"I like green tea.\"}\n")
        .unwrap();
    let finished = project
        .run(&[
            "lint",
            "rows.jsonl",
            "--examples",
            "examples.jsonl",
            "--attribute",
            "honest",
            "--findings",
            "all.jsonl",
        ])
        .unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let all = std::fs::read_to_string(project.path().join("all.jsonl")).unwrap();
    let found: Vec<(String, u64)> = all
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| {
            (
                line["code"].as_str().unwrap().to_owned(),
                line["line"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("few-shot-copy", 1),
        ("attribute-named", 2),
        ("lower-case-start", 2),
    ];
    assert_eq!(found, expected.map(|(code, line)| (code.to_owned(), line)));
}

#[test]
fn every_lint_is_listed() {
    let project = Project::new().unwrap();
    let lines = project.run(&["lint", "--list"]).unwrap();
    let document = project.run(&["lint", "--list", "--json"]).unwrap();
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    let lints = document["lints"].as_array().unwrap();
    assert_eq!(lines.stdout.lines().count(), lints.len());
    assert!(lints.len() > 40);
    for (line, lint) in lines.stdout.lines().zip(lints) {
        assert!(line.starts_with(lint["code"].as_str().unwrap()));
    }
}

#[cfg(unix)]
mod rules {
    use super::*;
    use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};

    /// A project whose kind asks a process about each candidate.
    fn ruled(script: &str) -> Project {
        let project = Project::new().unwrap();
        for (name, text) in QUICK_KIND {
            let text = if name.ends_with("kind.toml") {
                let flags = "flag = [\"cut-off\"]\n";
                assert!(text.contains(flags));
                let rule = "[[stage.rule]]\nname = \"house\"\nsentence = \"breaks a rule of the house\"\naction = \"flag\"\ncommand = [\"sh\", \"rule.sh\"]\n";
                text.replace(flags, &format!("{flags}\n{rule}"))
            } else {
                text.to_owned()
            };
            project.write(name, text).unwrap();
        }
        project.write("promises.toml", QUICK_BEHAVIOUR).unwrap();
        project.write("rule.sh", script).unwrap();
        project
    }

    const FINDS_ALL: &str = r#"
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"id":"\([^"]*\)".*/\1/')
  printf '{"id":"%s","found":true}\n' "$id"
done
"#;

    #[test]
    fn a_process_decides_in_a_run() {
        let project = ruled(FINDS_ALL);
        let dry = project
            .run_with_weights(&["run", "promises.toml", "--dry-run", "--json"])
            .unwrap();
        assert!(!dry.stderr.contains("rule process"), "{}", dry.stderr);
        let finished = project
            .run_with_weights(&["run", "promises.toml", "--json"])
            .unwrap();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(
            finished
                .stderr
                .contains("starting the rule process `sh rule.sh`")
        );
        let document: Value = serde_json::from_str(&finished.stdout).unwrap();
        let version = project.path().join(document["path"].as_str().unwrap());
        let rows = std::fs::read_to_string(version.join("data.jsonl")).unwrap();
        assert!(rows.lines().count() >= 2);
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            let flags = row["metadata"]["flags"].as_array().unwrap();
            assert!(flags.contains(&"house".into()), "{row}");
        }
    }

    #[test]
    fn a_process_that_dies_ends_the_run_with_its_last_words() {
        let project = ruled("read -r line; echo 'style.txt is not there' >&2; exit 7");
        let finished = project.run_with_weights(&["run", "promises.toml"]).unwrap();
        assert_eq!(finished.code, Some(3), "{}", finished.stderr);
        for part in [
            "error: rule `house` on candidate cand_",
            "`sh rule.sh` ended (exit status: 7) instead of answering",
            "it said: style.txt is not there",
        ] {
            assert!(finished.stderr.contains(part), "{}", finished.stderr);
        }
    }
}
