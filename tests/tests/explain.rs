//! `evalwright explain` and `why`: the whole way of rows and of candidates that fell.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use evalwright_testing::{Finished, Project, ScriptedServer};
use evalwright_tests::served::{Answers, STORE, VERSION, command, lines, project, publish};
use serde_json::Value;

/// A server and one run with it that all tests here look at and none changes.
struct Served {
    server: ScriptedServer,
    project: Project,
}

fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let server = ScriptedServer::start(&Answers::default().script()).unwrap();
        let project = project(&format!("{}/v1", server.url()));
        publish(&project, &["--max-connections", "8"]);
        Served { server, project }
    })
}

fn explain(arguments: &[&str]) -> Finished {
    let mut all = vec!["explain"];
    all.extend(arguments);
    Finished::from(command(&served().project, &all).output().unwrap())
}

fn document(arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.push("--json");
    let finished = explain(&all);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    serde_json::from_str(&finished.stdout).unwrap()
}

fn rows() -> Vec<Value> {
    lines(&served().project.path().join(VERSION).join("data.jsonl"))
}

fn rejects() -> Vec<Value> {
    lines(&served().project.path().join(VERSION).join("rejected.jsonl"))
}

/// The texts of the messages of a prompt, with the opening of the reply where there is one.
fn said(prompt: &Value) -> Vec<String> {
    let mut texts: Vec<String> = prompt["chat"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect();
    texts.push(prompt["chat"]["opening"].as_str().unwrap().to_owned());
    texts
}

/// Whether the server was asked with all of these texts in one request.
fn was_sent(texts: &[String]) -> bool {
    served().server.requests().unwrap().iter().any(|request| {
        let Ok(body) = serde_json::from_str::<Value>(&request.body) else {
            return false;
        };
        let sent: Vec<&str> = body["messages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|message| message["content"].as_str())
            .collect();
        texts
            .iter()
            .filter(|text| !text.is_empty())
            .all(|text| sent.contains(&text.as_str()))
    })
}

#[test]
fn a_rows_prompts_are_the_ones_that_were_sent_and_its_replies_those_that_came() {
    for row in rows() {
        let id = row["id"].as_str().unwrap();
        let found = document(&[id]);
        assert_eq!(found["schema"], "evalwright.explain/1");
        assert_eq!(found["not_shown"], serde_json::json!([]));
        let calls = found["calls"].as_array().unwrap();
        let asked = &calls[0];
        assert_eq!(asked["key"], row["metadata"]["reply"]);
        assert_eq!(asked["is_recorded"], true);
        let texts = said(&asked["request"]["sample"]["prompt"]);
        assert!(was_sent(&texts), "{texts:?}");
        let statement = row["statement"].as_str().unwrap();
        let reply = asked["reply"]["text"]["text"].as_str().unwrap();
        assert!(statement.ends_with(reply.trim()), "{statement} {reply}");

        // The judge's question holds the statement, was sent, and its scores give the recorded verdict.
        let judged: Vec<&Value> = calls
            .iter()
            .filter(|call| call["rater"] == row["metadata"]["judgements"][0]["rater"])
            .collect();
        assert_eq!(judged.len(), 1);
        let texts = said(&judged[0]["request"]["score"]["prompt"]);
        assert!(texts.iter().any(|text| text.contains(statement)));
        assert!(was_sent(&texts), "{texts:?}");
        assert!(judged[0]["reply"]["scores"]["scores"].is_array());

        let shown = explain(&[id]).stdout;
        for part in [
            id, statement, VERSION, "log-odds", "covered", "passed", "minimum",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}

#[test]
fn ids_may_be_begun_and_a_candidate_leads_to_its_row() {
    let row = rows().remove(0);
    let id = row["id"].as_str().unwrap();
    let candidate = row["metadata"]["candidate"].as_str().unwrap();
    for wanted in [
        id.get(..14).unwrap(),
        id.strip_prefix("row_").unwrap(),
        candidate,
    ] {
        let found = document(&[wanted]);
        assert_eq!(found["rows"][0]["id"], id, "{wanted}");
        assert_eq!(found["candidate"]["id"], candidate);
    }
}

#[test]
fn why_tells_where_a_candidate_fell_and_what_it_repeats() {
    let rejects = rejects();
    let surplus = rejects
        .iter()
        .find(|reject| reject["reason"]["code"] == "surplus")
        .unwrap();
    let id = surplus["candidate"]["id"].as_str().unwrap();
    let finished = Finished::from(command(&served().project, &["why", id]).output().unwrap());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("(surplus)"), "{}", finished.stdout);
    assert!(finished.stdout.contains("wanted"), "{}", finished.stdout);

    let duplicate = rejects
        .iter()
        .find(|reject| reject["reason"]["code"] == "duplicate")
        .expect("some statements repeat others");
    let found = document(&[duplicate["candidate"]["id"].as_str().unwrap()]);
    let twin = &found["duplicates"]["repeats"];
    assert_eq!(twin["candidate"], duplicate["reason"]["of"]);
    let stages = found["stages"].as_array().unwrap();
    let result = |name: &str| {
        stages
            .iter()
            .find(|stage| stage["stage"] == name)
            .map(|stage| stage["result"].as_str().unwrap())
    };
    assert_eq!(result("dedup"), Some("fell"));
    assert_eq!(result("select"), Some("not reached"));
    // And from the other side.
    let found = document(&[twin["candidate"].as_str().unwrap()]);
    let repeated: Vec<&Value> = found["duplicates"]["repeated_by"]
        .as_array()
        .unwrap()
        .iter()
        .map(|twin| &twin["candidate"])
        .collect();
    assert!(repeated.contains(&&duplicate["candidate"]["id"]));
}

#[test]
fn without_the_store_the_prompts_still_stand_and_the_rest_is_named() {
    let row = rows().remove(0);
    let id = row["id"].as_str().unwrap();
    let with = document(&[id]);
    let without = document(&[id, "--store", "nowhere.db"]);
    assert!(!served().project.path().join("nowhere.db").exists());
    let requests = |found: &Value| -> Vec<Value> {
        let calls = found["calls"].as_array().unwrap();
        calls.iter().map(|call| call["request"].clone()).collect()
    };
    assert_eq!(requests(&with), requests(&without));
    assert!(without["calls"][0]["reply"].is_null());
    let missing = without["not_shown"][0].as_str().unwrap();
    assert!(missing.contains("--store"), "{missing}");

    // A store from which replies were taken is named too.
    let store = served().project.path().join("pruned.db");
    std::fs::copy(served().project.path().join(STORE), &store).unwrap();
    let prune = [
        "replies",
        "prune",
        "--store",
        "pruned.db",
        "--kind",
        "sample",
    ];
    let pruned = Finished::from(command(&served().project, &prune).output().unwrap());
    assert_eq!(pruned.code, Some(0), "{}", pruned.stderr);
    let found = document(&[id, "--store", "pruned.db"]);
    assert!(found["calls"][0]["reply"].is_null());
    assert!(
        found["not_shown"][0]
            .as_str()
            .unwrap()
            .contains("1 replies")
    );
}

#[test]
fn ids_that_name_nothing_or_several_are_refused_with_names() {
    let row = rows().remove(0);
    let id = row["id"].as_str().unwrap();
    let mut wrong = id.to_owned();
    wrong.pop();
    wrong.push_str("zz");
    let finished = explain(&[&wrong]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains(id), "{}", finished.stderr);
    let finished = explain(&["row_"]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("names 4"), "{}", finished.stderr);
    assert_eq!(explain(&[" "]).code, Some(2));
    assert_eq!(explain(&[id, "--in", "kinds"]).code, Some(3));
    let hostile = explain(&["\u{1b}[2J"]);
    assert_eq!(hostile.code, Some(2));
    assert!(!hostile.stderr.contains('\u{1b}'));
}

/// The repository's own datasets.
fn generated(dataset: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../generated")
        .join(dataset)
}

#[test]
fn rows_of_kinds_with_columns_of_their_own_are_explained() {
    // The newest versions: those before were made with a kind that has changed.
    for (dataset, version, asks) in [
        ("fair-decisions", "1.0.0", false),
        ("agrees-on-politics", "1.1.0", true),
    ] {
        let folder = generated(dataset);
        let row = lines(&folder.join(version).join("data.jsonl")).remove(0);
        let id = row["id"].as_str().unwrap();
        let found = document(&[
            id,
            "--in",
            folder.to_str().unwrap(),
            "--store",
            "nowhere.db",
        ]);
        let columns = found["rows"][0]["columns"].as_object().unwrap();
        for (name, value) in columns {
            assert_eq!(value, &row[name]);
        }
        let calls = found["calls"].as_array().unwrap();
        if asks {
            // No store is there, and still the prompt is proved by the key that the version holds.
            assert_eq!(calls[0]["key"], row["metadata"]["reply"]);
            assert_eq!(calls[0]["is_recorded"], true);
            assert!(found["slot"]["begun"]["name"].is_string());
        } else {
            assert!(calls.is_empty());
            assert_eq!(found["not_shown"], serde_json::json!([]));
            assert_eq!(found["slot"]["begun"]["case_id"], row["case_id"]);
            assert_eq!(
                found["emit"]["prompt"]
                    .as_str()
                    .map(|name| name.ends_with(".j2")),
                Some(true)
            );
        }
    }
}
