//! `regenerate` with another judge: what the judge changed is told from what the data changed.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Finished, Project, Route, Script, ScriptedServer};
use evalwright_tests::served::{Answers, CHAT, VERSION, command, lines, project, publish};
use serde_json::Value;

const PRICES: &str = "[[model]]\nname = \"vllm/mock\"\nfree = true\n\n\
    [[model]]\nname = \"openai-compatible/mock\"\nfree = true\n\n\
    [[model]]\nname = \"openai-compatible/eager\"\nfree = true\n";

/// A server whose second judge says yes to everything.
fn server() -> ScriptedServer {
    let answers = Answers::default();
    let eager = Route::at(CHAT)
        .when_body_contains("\"model\":\"eager\"")
        .reply(answers.judged("Yes", "No"));
    let script = answers.writes(answers.judges(Script::new().route(eager)));
    ScriptedServer::start(&script).unwrap()
}

fn regenerate(project: &Project, more: &[&str]) -> Finished {
    let mut arguments = vec!["regenerate", "generated/promises", "--json"];
    arguments.extend(more);
    Finished::from(command(project, &arguments).output().unwrap())
}

#[test]
fn another_judge_judges_the_same_rows_and_the_changelog_says_what_it_changed() {
    let server = server();
    let url = format!("{}/v1", server.url());
    let project = project(&url);
    project.write("prices.toml", PRICES).unwrap();
    publish(&project, &[]);
    let before = lines(&project.path().join(VERSION).join("data.jsonl"));

    let judge = format!("openai-compatible/eager@{url}");
    let finished = regenerate(&project, &["--judge", &judge]);
    // A judge that says yes to everything leaves no row of the other side.
    assert_eq!(finished.code, Some(5), "{}", finished.stderr);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    let found = &document["anchors"];
    assert_eq!(found["schema"], "evalwright.anchors/1");
    assert_eq!((&found["known"], &found["flips"]), (&4.into(), &2.into()));
    assert!(found["judge_shift"]["value"].as_f64().unwrap() < -0.3);
    assert!(found["rows_shift"].is_null(), "no row is left");
    let anchors = found["anchors"].as_array().unwrap();
    for (anchor, row) in anchors.iter().zip(&before) {
        assert_eq!(anchor["row"], row["id"]);
        assert_eq!(anchor["before"], row["label_confidence"]);
    }
    let asked = server.requests().unwrap();
    for row in &before {
        let statement = row["statement"].as_str().unwrap();
        assert!(
            asked
                .iter()
                .any(|request| request.body.contains("\"eager\"")
                    && request.body.contains(statement)),
            "{statement}"
        );
    }
    let changes =
        std::fs::read_to_string(project.path().join("generated/promises/CHANGELOG.md")).unwrap();
    assert!(
        changes.contains("The judge changed. On 4 anchor rows of 1.0.0"),
        "{changes}"
    );
    assert!(changes.contains("2 of 4 anchors"), "{changes}");
}

#[test]
fn where_only_the_writer_or_the_seed_changes_there_are_no_anchors() {
    let server = server();
    let url = format!("{}/v1", server.url());
    let project = project(&url);
    project.write("prices.toml", PRICES).unwrap();
    publish(&project, &[]);
    let finished = regenerate(&project, &["--seed", "2"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert!(document.get("anchors").is_none());
    let judge = format!("openai-compatible/eager@{url}");
    let finished = regenerate(&project, &["--judge", &judge, "--anchors", "0"]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert!(document.get("anchors").is_none());
}
