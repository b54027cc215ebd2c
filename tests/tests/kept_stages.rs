//! `regenerate --only-stage` and `--keep-judge`: what is kept is kept, asks nobody, and is refused where it cannot be.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeSet;
use std::path::Path;

use evalwright_testing::{Finished, Project, RecordedRequest, Route, Script, ScriptedServer};
use evalwright_tests::served::{
    Answers, CHAT, VERSION, command, json_file, lines, project, publish,
};
use serde_json::Value;

const PRICES: &str = "[[model]]\nname = \"vllm/mock\"\nfree = true\n\n\
    [[model]]\nname = \"vllm/other\"\nfree = true\n\n\
    [[model]]\nname = \"openai-compatible/mock\"\nfree = true\n\n\
    [[model]]\nname = \"openai-compatible/surer\"\nfree = true\n";

/// A server whose second judge says the same with a little less doubt.
fn server() -> ScriptedServer {
    let answers = Answers::default();
    let surer = |begin: &str, word: &str, other: &str| {
        Route::at(CHAT)
            .when_body_contains("\"model\":\"surer\"")
            .when_body_contains(begin)
            .reply(answers.judged(word, other))
    };
    let script = Script::new()
        .route(surer("I gladly", "Yes", "No"))
        .route(surer("I seldom", "No", "Yes"));
    ScriptedServer::start(&answers.writes(answers.judges(script))).unwrap()
}

fn made(server: &ScriptedServer) -> Project {
    let project = project(&format!("{}/v1", server.url()));
    project.write("prices.toml", PRICES).unwrap();
    publish(&project, &[]);
    project
}

fn regenerate(project: &Project, more: &[&str]) -> Finished {
    let mut arguments = vec!["regenerate", "generated/promises", "--json"];
    arguments.extend(more);
    Finished::from(command(project, &arguments).output().unwrap())
}

/// Every candidate of a version, whatever became of it.
fn candidates(folder: &Path) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = lines(&folder.join("data.jsonl"));
    let fallen = lines(&folder.join("rejected.jsonl"));
    let rows = rows.iter().map(|row| text(&row["metadata"]["candidate"]));
    let fallen = fallen.iter().map(|fell| text(&fell["candidate"]["id"]));
    rows.chain(fallen).collect()
}

fn newest(finished: &Finished) -> String {
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    document["path"].as_str().unwrap().to_owned()
}

fn is_judging(request: &RecordedRequest) -> bool {
    request.body.contains("\"logprobs\":true")
}

#[test]
fn another_judge_alone_judges_the_very_same_candidates_and_nobody_writes() {
    let server = server();
    let project = made(&server);
    let asked = server.requests().unwrap().len();
    let judge = format!("openai-compatible/surer@{}/v1", server.url());
    let finished = regenerate(&project, &["--only-stage", "score", "--judge", &judge]);
    assert!(matches!(finished.code, Some(0 | 5)), "{}", finished.stderr);
    let after = newest(&finished);

    let requests = server.requests().unwrap();
    let new: Vec<_> = requests.iter().skip(asked).collect();
    assert!(!new.is_empty());
    assert!(new.iter().all(|request| is_judging(request)));
    let folder = project.path().join(&after);
    assert_eq!(
        candidates(&project.path().join(VERSION)),
        candidates(&folder)
    );
    let manifest = json_file(&project, &format!("{after}/manifest.json"));
    let held = &manifest["behaviour"]["held"];
    assert_eq!(held["version"], "1.0.0");
    assert_eq!(held["stages"], serde_json::json!(["score"]));
    assert_eq!(manifest["funnel"]["waves"], 1);

    // The same command again finds it there, and the store rebuilds it.
    let again = regenerate(&project, &["--only-stage", "score", "--judge", &judge]);
    assert!(
        again.stderr.contains("already published"),
        "{}",
        again.stderr
    );
    let mut verified = command(
        &project,
        &["verify", &after, "--store", ".evalwright/replies.db"],
    );
    let verified = Finished::from(verified.output().unwrap());
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);

    // What the judge changed is told by `diff` as it was by `regenerate`.
    let shown = Finished::from(
        command(&project, &["diff", VERSION, &after, "--out", "changes"])
            .output()
            .unwrap(),
    );
    assert!(
        shown.stdout.contains("The judge changed. On "),
        "{}",
        shown.stdout
    );
    let document = json_file(&project, "changes/diff.json");
    assert_eq!(document["anchors"]["version"], "1.0.0");
    let page = std::fs::read_to_string(project.path().join("changes/diff.html")).unwrap();
    assert!(page.contains("The judge and the data"));

    // Made again in whole, it is held to nothing.
    let whole = regenerate(&project, &["--seed", "3"]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let manifest = json_file(&project, &format!("{}/manifest.json", newest(&whole)));
    assert!(manifest["behaviour"].get("held").is_none());
}

#[test]
fn a_version_that_was_made_with_a_limit_is_made_again_with_it() {
    let server = server();
    let project = project(&format!("{}/v1", server.url()));
    project.write("prices.toml", PRICES).unwrap();
    publish(&project, &["--limit", "2"]);
    let asked = server.requests().unwrap().len();
    let finished = regenerate(&project, &["--only-stage", "select"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(server.requests().unwrap().len(), asked);
    let after = newest(&finished);
    let rows = |folder: &str| lines(&project.path().join(folder).join("data.jsonl"));
    assert_eq!(rows(VERSION).len(), 2);
    assert_eq!(rows(&after), rows(VERSION));
}

#[test]
fn what_a_kept_stage_would_have_to_ask_is_refused_before_anybody_is_asked() {
    let server = server();
    let project = made(&server);
    let asked = server.requests().unwrap().len();
    let url = format!("{}/v1", server.url());
    let (writer, judge) = (
        format!("vllm/other@{url}"),
        format!("openai-compatible/surer@{url}"),
    );
    for (more, code, said) in [
        (
            vec!["--only-stage", "scores"],
            2,
            "has no stage `scores`; its stages are ask, lint, score, dedup, select, emit",
        ),
        (
            vec!["--only-stage", "select", "--judge", &judge],
            2,
            "--judge changes stage `score`, and --only-stage leaves that as it was",
        ),
        (
            vec!["--only-stage", "score", "--generator", &writer],
            2,
            "--generator changes stage `ask`",
        ),
        (
            vec!["--only-stage", "score", "--seed", "5"],
            2,
            "--seed changes stage `ask`",
        ),
        (
            vec!["--only-stage", "select", "--store", "another.db"],
            4,
            "the store lacks",
        ),
        (
            // New texts want new judgements.
            vec!["--only-stage", "ask", "--generator", &writer],
            4,
            "not named by --only-stage",
        ),
    ] {
        let finished = regenerate(&project, &more);
        let told = finished.stderr.replace("\n\nhint: ", "; ");
        assert!(told.contains(said), "{more:?}: {told}");
        assert_eq!(finished.code, Some(code), "{more:?}: {}", finished.stderr);
    }
    let requests = server.requests().unwrap();
    assert!(
        requests
            .iter()
            .skip(asked)
            .all(|request| request.body.contains("\"model\":\"other\"")),
        "only the last one asks, and the writer alone"
    );
    assert!(!project.path().join("generated/promises/1.1.0").exists());
}

#[test]
fn a_judge_that_is_to_stay_must_be_the_same_in_all() {
    let server = server();
    let project = made(&server);
    let url = format!("{}/v1", server.url());
    let writer = format!("vllm/other@{url}");
    let asked = server.requests().unwrap().len();
    let finished = regenerate(&project, &["--keep-judge", "--preset", "all-judges"]);
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    assert!(
        finished
            .stderr
            .contains("rows would be judged otherwise than those of 1.0.0: "),
        "{}",
        finished.stderr
    );
    let judge = format!("openai-compatible/surer@{url}");
    let finished = regenerate(&project, &["--keep-judge", "--judge", &judge]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert_eq!(server.requests().unwrap().len(), asked);

    let finished = regenerate(&project, &["--keep-judge", "--generator", &writer]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let manifest = json_file(&project, &format!("{}/manifest.json", newest(&finished)));
    let before = json_file(&project, &format!("{VERSION}/manifest.json"));
    assert_eq!(manifest["judges"], before["judges"]);
    assert_ne!(manifest["generator"], before["generator"]);
}
