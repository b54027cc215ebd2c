//! `evalwright publish` against a process that plays a hub: what is sent, to whom, and what is not.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evalwright_testing::{
    Finished, Project, RecordedRequest, Response, Route, Script, ScriptedServer,
};
use evalwright_tests::foreign::bring_fair_decisions;
use serde_json::{Value, json};

const DATASET: &str = "generated/fair-decisions";
const TOKEN: &str = "hf_invented_for_this_test";
const COMMIT: &str = "/api/datasets/lab/fair-decisions/commit/main";
const BATCH: &str = "/datasets/lab/fair-decisions.git/info/lfs/objects/batch";

fn decisions() -> Project {
    let project = Project::new().unwrap();
    bring_fair_decisions(&project);
    let made = project.run(&["run", "fair-decisions.toml"]).unwrap();
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    project
}

fn manifest(project: &Project) -> Value {
    let path = project.path().join(DATASET).join("1.0.0/manifest.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn json_reply(value: &Value) -> Response {
    Response::text(200, &value.to_string()).header("content-type", "application/json")
}

/// The name of every file that goes out.
fn names(project: &Project) -> Vec<String> {
    let manifest = manifest(project);
    let mut names: Vec<String> = manifest["files"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    names.push("manifest.json".to_owned());
    names.sort();
    names
}

/// A hub that wants the rows in large file storage.
fn hub(project: &Project, create: Vec<Response>, actions: &Value) -> ScriptedServer {
    let modes: Vec<Value> = names(project)
        .into_iter()
        .chain(["CHANGELOG.md".to_owned()])
        .map(|path| {
            let mode = if path == "data.jsonl" {
                "lfs"
            } else {
                "regular"
            };
            json!({ "path": path, "uploadMode": mode, "shouldIgnore": false })
        })
        .collect();
    let rows = &manifest(project)["files"]["data.jsonl"];
    let mut object = json!({ "oid": rows["sha256"], "size": rows["bytes"] });
    if !actions.is_null() {
        object["actions"] = actions.clone();
    }
    let mut creating = Route::at("/api/repos/create").method("POST");
    for response in create {
        creating = creating.reply(response);
    }
    let empty = || Response::text(200, "");
    let script = Script::new()
        .route(creating)
        .route(
            Route::at("/api/datasets/lab/fair-decisions/preupload/main")
                .reply(json_reply(&json!({ "files": modes }))),
        )
        .route(Route::at(BATCH).reply(json_reply(
            &json!({ "transfer": "basic", "objects": [object] }),
        )))
        .route(Route::at("/store/whole").method("PUT").reply(empty()))
        .route(
            Route::at("/store/1")
                .method("PUT")
                .reply(empty().header("etag", "\"one\"")),
        )
        .route(
            Route::at("/store/2")
                .method("PUT")
                .reply(empty().header("etag", "\"two\"")),
        )
        .route(Route::at("/store/parts").method("POST").reply(empty()))
        .route(Route::at("/store/verify").method("POST").reply(empty()))
        .route(Route::at(COMMIT).reply(json_reply(&json!({
            "success": true,
            "commitOid": "c0ffee",
            "commitUrl": "https://hub.invalid/datasets/lab/fair-decisions/commit/c0ffee",
        }))))
        .route(
            Route::at("/api/datasets/lab/fair-decisions/tag/c0ffee")
                .reply(json_reply(&json!({})))
                .reply(Response::text(
                    409,
                    "{\"error\": \"Tag reference exists already\"}",
                )),
        );
    ScriptedServer::start(&script).unwrap()
}

fn made() -> Response {
    json_reply(&json!({ "url": "https://hub.invalid/datasets/lab/fair-decisions" }))
}

fn publish(project: &Project, url: &str, more: &[&str]) -> Finished {
    let mut arguments = vec![
        "publish",
        DATASET,
        "--to",
        "lab/fair-decisions",
        "--hub",
        url,
    ];
    arguments.extend(more);
    let mut command = project.command(&arguments).unwrap();
    let output = command.env("HF_TOKEN", TOKEN).output().unwrap();
    let finished = Finished::from(output);
    assert!(!finished.stdout.contains(TOKEN) && !finished.stderr.contains(TOKEN));
    finished
}

fn paths(requests: &[RecordedRequest]) -> Vec<String> {
    requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path()))
        .collect()
}

#[test]
fn a_version_goes_out_in_one_commit_byte_for_byte() {
    let project = decisions();
    let whole = json!({
        "upload": { "href": "/store/whole?signature=secret", "header": { "x-part": "a" } },
        "verify": { "href": "/store/verify" },
    });
    let server = hub(&project, vec![made()], &whole);
    let finished = publish(&project, &server.url(), &["--json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["done"]["commit"], "c0ffee");
    assert_eq!(document["done"]["large"], 1);
    assert_eq!(document["done"]["sent"], 1);
    assert_eq!(document["done"]["created"], true);
    assert_eq!(document["done"]["tagged"], true);

    let requests = server.requests().unwrap();
    assert_eq!(
        paths(&requests),
        [
            "POST /api/repos/create",
            "POST /api/datasets/lab/fair-decisions/preupload/main",
            &format!("POST {BATCH}"),
            "PUT /store/whole",
            "POST /store/verify",
            &format!("POST {COMMIT}"),
            "POST /api/datasets/lab/fair-decisions/tag/c0ffee",
        ]
    );
    for request in &requests {
        let token = request.header("authorization");
        if request.method == "PUT" {
            assert_eq!(token, None, "a signed address gets no token");
            assert_eq!(request.header("x-part"), Some("a"));
        } else {
            assert_eq!(
                token,
                Some(&*format!("Bearer {TOKEN}")),
                "{}",
                request.target
            );
        }
    }
    let created: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(
        created,
        json!({ "type": "dataset", "name": "fair-decisions", "organization": "lab", "private": false })
    );
    let folder = project.path().join(DATASET).join("1.0.0");
    let rows = std::fs::read_to_string(folder.join("data.jsonl")).unwrap();
    assert_eq!(requests[3].body, rows);

    let lines: Vec<Value> = requests[5]
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        requests[5].header("content-type"),
        Some("application/x-ndjson")
    );
    assert_eq!(lines[0]["key"], "header");
    assert_eq!(lines[0]["value"]["summary"], "fair-decisions 1.0.0");
    let mut sent = Vec::new();
    for line in &lines[1..] {
        let value = &line["value"];
        let path = value["path"].as_str().unwrap();
        sent.push(path.to_owned());
        if path == "data.jsonl" {
            assert_eq!(line["key"], "lfsFile");
            assert_eq!(
                value["oid"],
                manifest(&project)["files"]["data.jsonl"]["sha256"]
            );
            assert_eq!(value["size"], rows.len());
            continue;
        }
        assert_eq!(
            (&line["key"], &value["encoding"]),
            (&json!("file"), &json!("base64"))
        );
        let bytes = STANDARD.decode(value["content"].as_str().unwrap()).unwrap();
        assert_eq!(bytes, std::fs::read(folder.join(path)).unwrap(), "{path}");
    }
    sent.sort();
    assert_eq!(sent, names(&project), "and run.json is not among them");
}

#[test]
fn large_files_go_in_parts_and_what_is_there_is_not_sent_again() {
    let project = decisions();
    let size = manifest(&project)["files"]["data.jsonl"]["bytes"]
        .as_u64()
        .unwrap();
    let chunk = size.div_ceil(2);
    let parts = json!({ "upload": { "href": "/store/parts", "header": {
        "chunk_size": chunk.to_string(), "00001": "/store/1", "00002": "/store/2",
    } } });
    // A hub under load is asked again; a repository that is there is used.
    let busy = Response::text(503, "busy");
    let there = Response::text(
        409,
        "{\"error\": \"You already created this dataset repo\"}",
    );
    let server = hub(&project, vec![busy, there], &parts);
    let finished = publish(&project, &server.url(), &["--json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["done"]["created"], false);
    let requests = server.requests().unwrap();
    let body = |path: &str| -> &str {
        let found = requests.iter().find(|request| request.path() == path);
        &found.unwrap().body
    };
    let rows =
        std::fs::read_to_string(project.path().join(DATASET).join("1.0.0/data.jsonl")).unwrap();
    assert_eq!(format!("{}{}", body("/store/1"), body("/store/2")), rows);
    let completed: Value = serde_json::from_str(body("/store/parts")).unwrap();
    assert_eq!(
        completed["parts"],
        json!([{ "partNumber": 1, "etag": "\"one\"" }, { "partNumber": 2, "etag": "\"two\"" }])
    );

    let server = hub(&project, vec![made()], &Value::Null);
    let finished = publish(&project, &server.url(), &["--json"]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["done"]["sent"], 0);
    assert!(
        !paths(&server.requests().unwrap())
            .iter()
            .any(|path| path.starts_with("PUT"))
    );
    // A second time the tag is there.
    let again = publish(&project, &server.url(), &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again.stderr.contains("v1.0.0 was there already"),
        "{}",
        again.stderr
    );
    assert!(again.stdout.contains("c0ffee"));
}

#[test]
fn what_is_not_fit_stays_here_and_a_dry_run_sends_nothing() {
    let project = decisions();
    let server = hub(&project, vec![made()], &Value::Null);
    let url = server.url();
    let plan = publish(&project, &url, &["--dry-run"]);
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    assert!(plan.stdout.contains("data.jsonl") && !plan.stdout.contains("run.json"));
    for wrong in ["no-slash", "a/b/c", "../x", "lab/", "lab/a b", "lab/..%2f"] {
        let arguments = ["publish", DATASET, "--to", wrong, "--hub", &url];
        assert_eq!(project.run(&arguments).unwrap().code, Some(2), "{wrong}");
    }
    let without = [
        "publish",
        DATASET,
        "--to",
        "lab/fair-decisions",
        "--hub",
        &url,
    ];
    let without = project.run(&without).unwrap();
    assert_eq!(without.code, Some(2));
    assert!(without.stderr.contains("HF_TOKEN"), "{}", without.stderr);
    let ftp = publish(&project, "ftp://user:hidden@hub.invalid", &[]);
    assert_eq!(ftp.code, Some(4));
    assert!(!ftp.stderr.contains("hidden"), "{}", ftp.stderr);

    let set = ["status", DATASET, "--set", "dropped", "--reason", "a test"];
    assert_eq!(project.run(&set).unwrap().code, Some(0));
    let dropped = publish(&project, &url, &[]);
    assert_eq!(dropped.code, Some(3));
    assert!(dropped.stderr.contains("DROPPED"), "{}", dropped.stderr);
    let set = [
        "status",
        DATASET,
        "--set",
        "published",
        "--reason",
        "a test",
    ];
    assert_eq!(project.run(&set).unwrap().code, Some(0));
    let rows = project.path().join(DATASET).join("1.0.0/data.jsonl");
    let mut bytes = std::fs::read(&rows).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&rows, bytes).unwrap();
    assert_eq!(publish(&project, &url, &[]).code, Some(3));
    assert_eq!(server.requests().unwrap().len(), 0);
}

#[test]
fn a_refused_token_and_a_strange_answer_end_with_4_and_commit_nothing() {
    let project = decisions();
    let refused = Response::text(401, &format!("{{\"error\": \"Invalid token {TOKEN}\"}}"));
    let server = hub(&project, vec![refused], &Value::Null);
    let finished = publish(&project, &server.url(), &[]);
    assert_eq!(finished.code, Some(4));
    assert!(
        finished.stderr.contains("refused the token"),
        "{}",
        finished.stderr
    );
    assert_eq!(
        server.requests().unwrap().len(),
        1,
        "a refusal is not asked again"
    );

    let elsewhere = Response::text(302, "").header("location", "http://127.0.0.1:9/");
    let server = hub(&project, vec![elsewhere], &Value::Null);
    assert_eq!(publish(&project, &server.url(), &[]).code, Some(4));
    assert_eq!(
        server.requests().unwrap().len(),
        1,
        "no redirect is followed"
    );

    let script = Script::new()
        .route(Route::at("/api/repos/create").reply(made()))
        .route(
            Route::at("/api/datasets/lab/fair-decisions/preupload/main")
                .reply(json_reply(&json!({ "files": [] }))),
        );
    let server = ScriptedServer::start(&script).unwrap();
    let finished = publish(&project, &server.url(), &[]);
    assert_eq!(finished.code, Some(4));
    assert!(finished.stderr.contains("how"), "{}", finished.stderr);
    assert_eq!(server.requests().unwrap().len(), 2);
}
