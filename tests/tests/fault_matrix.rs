//! Every fourth reply of a server is faulty, each kind of fault in a run of its own: of 24 rows that are wanted, 24 are
//! published, and each of them is right. `tests/python/fault_matrix.py` shows the same faults to other programs.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeSet;

use evalwright_store::{ReplyStore, Selection};
use evalwright_testing::{Project, Response, Route, Script, ScriptedServer};
use evalwright_tests::served::{
    Answers, CHAT, JUDGING, MATCHING, NOT_MATCHING, STORE, VERSION, WRITING_MATCHING, lines,
    project, run, with_models,
};
use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};
use serde::Deserialize;

const ROWS: usize = 24;
/// One reply of so many is faulty.
const EVERY: usize = 4;
/// More replies than a route is asked for.
const REPLIES: usize = 96;

/// A fault, as an answer to a request to write, and to one to judge where that differs.
#[derive(Deserialize)]
struct Fault {
    name: String,
    writing: Response,
    judging: Option<Response>,
}

fn faults() -> Vec<Fault> {
    serde_json::from_str(include_str!("../fixtures/faults.json")).unwrap()
}

/// The fault with its words filled in.
fn filled(fault: &Response, words: &[(&str, &str)]) -> Response {
    let mut text = serde_json::to_string(fault).unwrap();
    for (name, word) in words {
        text = text.replace(name, word);
    }
    serde_json::from_str(&text).unwrap()
}

/// A route that answers well but for every fourth time.
fn route(contains: &str, good: &Response, fault: &Response) -> Route {
    (1..=REPLIES).fold(
        Route::at(CHAT).when_body_contains(contains),
        |route, turn| {
            let is_faulty = turn % EVERY == 0;
            route.reply(if is_faulty { fault } else { good }.clone())
        },
    )
}

fn script(fault: &Fault) -> Script {
    let good = Answers::default();
    let judging = fault.judging.as_ref().unwrap_or(&fault.writing);
    let judge = |contains, word, other| {
        let fault = filled(judging, &[("WORD", word), ("OTHER", other)]);
        route(contains, &good.judged(word, other), &fault)
    };
    let write = |contains, begin: &str| {
        let whole = format!("{begin} begin what others put off");
        let fault = filled(&fault.writing, &[("GOOD", &whole), ("CUT", begin)]);
        route(contains, &good.written(&format!(" {begin}")), &fault)
    };
    Script::new()
        .route(judge(MATCHING, "Yes", "No"))
        .route(judge(NOT_MATCHING, "No", "Yes"))
        .route(
            Route::at(CHAT)
                .when_body_contains(JUDGING)
                .reply(good.judged("Yes", "No")),
        )
        .route(write(WRITING_MATCHING, "gladly"))
        .route(write("\"messages\"", "seldom"))
}

/// A kind that asks for as many statements as there are rows and asks the judge for one word.
fn matrix_project(server: &ScriptedServer) -> Project {
    let base_url = format!("{}/v1", server.url());
    let project = project(&base_url);
    for (name, text) in QUICK_KIND {
        let text = text
            .replace("The voice is {{ side }}.", "Say something that {{ side }} would say.")
            .replace("Speak as {{ side }}.", "Is this {{ side }}? {{ statement }}")
            .replace("{% block opening -%}\nI\n{%- endblock %}", "{% block opening -%}\n- I\n{%- endblock %}")
            .replace(
                "method = \"channel\"",
                "method = \"token\"\nanswers = { matching = [\"Yes\", \" Yes\"], not_matching = [\"No\", \" No\"] }",
            )
            .replace("first = 3.0", "first = 1.0")
            .replace("near = 0.6", "near = 0.95");
        project.write(name, text).unwrap();
    }
    let behaviour = with_models(
        QUICK_BEHAVIOUR,
        &format!("vllm/mock@{base_url}"),
        &format!("openai-compatible/mock@{base_url}"),
    )
    .replace("rows = 2", &format!("rows = {ROWS}"));
    project.write("promises.toml", behaviour).unwrap();
    project
}

/// Whether a text is one that the server wrote whole, perhaps with the mark that stands for half a character.
fn is_right(statement: &str, label: &str) -> bool {
    let begin = if label == "matching" {
        "I gladly "
    } else {
        "I seldom "
    };
    let Some(rest) = statement
        .strip_prefix(begin)
        .and_then(|rest| rest.strip_suffix('.'))
    else {
        return false;
    };
    rest == "begin what others put off \u{fffd}" || rest.split(' ').count() >= 5
}

#[test]
fn one_reply_of_four_is_faulty_and_every_row_is_right() {
    // Most of the time goes into waits that the faults demand.
    std::thread::scope(|scope| {
        let runs: Vec<_> = faults()
            .into_iter()
            .map(|fault| scope.spawn(move || every_row_is_right(&fault)))
            .collect();
        for run in runs {
            println!("{}", run.join().unwrap());
        }
    });
}

/// One run with this fault; gives a line of the table.
fn every_row_is_right(fault: &Fault) -> String {
    let server = ScriptedServer::start(&script(fault)).unwrap();
    let project = matrix_project(&server);
    let started = std::time::Instant::now();
    let finished = run(&project, &[]);
    assert_eq!(
        finished.code,
        Some(0),
        "{}: {}",
        fault.name,
        finished.stderr
    );
    let rows = lines(&project.path().join(VERSION).join("data.jsonl"));
    let right = rows
        .iter()
        .filter(|row| {
            let label = row["metadata"]["label"].as_str().unwrap();
            let is_sure = row["label_confidence"].as_f64().unwrap() > 0.9;
            is_sure && is_right(row["statement"].as_str().unwrap(), label)
        })
        .count();
    let requests = server.requests().unwrap();
    let line = format!(
        "{:16} {right}/{ROWS} right rows, {} requests, {:.1} s",
        fault.name,
        requests.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(
        (rows.len(), right),
        (ROWS, ROWS),
        "{}: {rows:#?}",
        fault.name
    );

    // What is kept as a good reply is one: nothing empty, nothing that was a page.
    let store = ReplyStore::open(&project.path().join(STORE)).unwrap();
    let mut exported = Vec::new();
    store.export(&Selection::default(), &mut exported).unwrap();
    let exported = String::from_utf8(exported).unwrap();
    assert!(!exported.contains("<html"), "{}", fault.name);
    assert!(!exported.contains("\"text\":\"\""), "{}", fault.name);
    // Nobody is asked more often than the faults make needed.
    let bodies: BTreeSet<&str> = requests
        .iter()
        .map(|request| request.body.as_str())
        .collect();
    assert!(requests.len() - bodies.len() <= requests.len() / EVERY + 1);
    line
}
