//! What is known before money is spent: faults of templates, what a run costs, and a server that takes no request.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Response, Route, Script, ScriptedServer};
use evalwright_tests::served::{Answers, CHAT, STORE, project, publish, run};
use serde_json::Value;

fn willing() -> ScriptedServer {
    ScriptedServer::start(&Answers::default().script()).unwrap()
}

fn base_url(server: &ScriptedServer) -> String {
    format!("{}/v1", server.url())
}

/// Promise R-31: a variable that is not defined is named with its template and line, and nothing is sent.
#[test]
fn r31_an_undefined_variable_is_found_before_the_first_request() {
    let server = willing();
    let project = project(&base_url(&server));
    let kind = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates/statement");
    for entry in std::fs::read_dir(kind).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        if name == "judge-fallback.j2" {
            text = text.replace("{{ behaviour.contrast }}", "{{ behaviour.contrasts }}");
        }
        project
            .write(&format!("kinds/statement/{name}"), text)
            .unwrap();
    }
    let finished = run(&project, &[]);
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    for words in [
        "judge-fallback.j2:6",
        "behaviour.contrasts",
        "behaviour.contrast`",
    ] {
        assert!(
            finished.stderr.contains(words),
            "{words}: {}",
            finished.stderr
        );
    }
    assert_eq!(server.requests().unwrap().len(), 0);
}

#[test]
fn a_dry_run_shows_what_is_likely_and_what_is_reserved() {
    let server = willing();
    let project = project(&base_url(&server));
    let free = run(&project, &["--dry-run", "--json"]);
    let free: Value = serde_json::from_str(&free.stdout).unwrap();
    assert_eq!(free["currency"], Value::Null);
    assert_eq!(free.get("cost_at_most"), None);

    let prices = r#"
currency = "EUR"

[[model]]
name = "vllm/mock"
free = true

[[model]]
name = "openai-compatible/mock"
input = 10
output = 100
"#;
    project.write("prices.toml", prices).unwrap();
    let finished = run(&project, &["--dry-run", "--json"]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["currency"], "EUR");
    let cost = |name: &str, bound: &str| document[name][bound].as_f64().unwrap();
    let (likely, most) = (
        cost("likely_cost", "first_wave"),
        cost("cost_at_most", "first_wave"),
    );
    assert!(0.0 < likely && likely < most, "{likely} {most}");
    let ratio = cost("cost_at_most", "worst") / most;
    assert!((ratio - 10.0).abs() < 1e-9, "{ratio}");
    // The judge alone costs: less than all tokens at its price, more than what it writes.
    let tokens = |name: &str| document[name]["first_wave"].as_f64().unwrap();
    let all = (tokens("prompt_tokens") * 10.0 + tokens("completion_tokens") * 100.0) / 1e6;
    assert!(most < all, "{most} {all}");

    let finished = run(&project, &["--dry-run"]);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("likely cost (EUR)")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("cost at most (EUR)")),
        "{lines:?}"
    );
    assert_eq!(server.requests().unwrap().len(), 0);
}

#[test]
fn a_server_that_refuses_everything_ends_the_run_soon_and_spoils_nothing() {
    let refusal = Response::text(400, r#"{"error":{"message":"unknown field: seed"}}"#)
        .header("content-type", "application/json");
    let server =
        ScriptedServer::start(&Script::new().route(Route::at(CHAT).reply(refusal))).unwrap();
    let project = project(&base_url(&server));
    let finished = run(&project, &["--max-connections", "4"]);
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    for words in ["refused 20 requests", "status 400", "unknown field: seed"] {
        assert!(
            finished.stderr.contains(words),
            "{words}: {}",
            finished.stderr
        );
    }
    let asked = server.requests().unwrap().len();
    assert!((20..=25).contains(&asked), "{asked}");

    // None of these requests has failed by itself: with a server that takes them the run is whole.
    let kept = evalwright_store::ReplyStore::open(&project.path().join(STORE)).unwrap();
    assert!(
        kept.count().unwrap() <= 1,
        "the one question to the judge at most"
    );
}

#[test]
fn recorded_replies_make_the_same_rows_without_a_server() {
    let server = willing();
    let project = project(&base_url(&server));
    publish(&project, &[]);
    let rows = std::fs::read(project.path().join("generated/promises/1.0.0/data.jsonl")).unwrap();
    let export = ["replies", "export", "--out", "replies.jsonl"];
    let exported = evalwright_tests::served::command(&project, &export)
        .output()
        .unwrap();
    assert!(exported.status.success());
    drop(server);

    let again = evalwright_tests::served::project("http://127.0.0.1:1/v1");
    let replies = std::fs::read(project.path().join("replies.jsonl")).unwrap();
    again.write("replies.jsonl", replies).unwrap();
    again.write("prices.toml", "").unwrap();
    let models = [
        "--generator",
        "replay/replies.jsonl#vllm/mock",
        "--judge",
        "replay/replies.jsonl#openai-compatible/mock",
    ];
    publish(&again, &models);
    let repeated = std::fs::read(again.path().join("generated/promises/1.0.0/data.jsonl")).unwrap();
    assert_eq!(repeated, rows);

    // What was never asked is not made up.
    let other = [&models[..], &["--seed", "2", "--out", "other"]].concat();
    let finished = run(&again, &other);
    assert_eq!(finished.code, Some(4), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("replies.jsonl holds no answer"),
        "{}",
        finished.stderr
    );

    let finished = run(
        &again,
        &["--generator", "replay/replies.jsonl", "--out", "other"],
    );
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("replay/replies.jsonl#vllm/mock"),
        "{}",
        finished.stderr
    );
}
