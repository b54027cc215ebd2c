//! The published JSON Schema of an audit's document, and real documents against it.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::Path;

use evalwright_recipe::schema::{check_schema, fits};
use evalwright_testing::{Finished, Project, Response, Route, Script, ScriptedServer};
use evalwright_tests::served::{CHAT, command};
use serde_json::{Map, Value, json};

/// The schema with its definitions put in where they are named; our own checker follows no names.
fn schema(project: &Project) -> Value {
    let finished = project.run(&["audit", "--schema"]).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let mut schema: Value = serde_json::from_str(&finished.stdout).unwrap();
    let definitions = schema.as_object_mut().unwrap().remove("$defs").unwrap();
    let whole = put_in(&schema, definitions.as_object().unwrap());
    check_schema(&whole).unwrap();
    whole
}

fn put_in(value: &Value, definitions: &Map<String, Value>) -> Value {
    if let Some(name) = value.get("$ref").and_then(Value::as_str) {
        let name = name.strip_prefix("#/$defs/").unwrap();
        return put_in(&definitions[name], definitions);
    }
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), put_in(member, definitions)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| put_in(item, definitions)).collect(),
        other => other.clone(),
    }
}

fn document(finished: &Finished) -> Value {
    assert!(
        matches!(finished.code, Some(0 | 5)),
        "{:?}: {}",
        finished.code,
        finished.stderr
    );
    serde_json::from_str(&finished.stdout).unwrap()
}

fn row(number: usize, label: &str) -> String {
    let other = if label == " Yes" { " No" } else { " Yes" };
    let row = json!({
        "question": format!("Would you say this?\n\"I keep thing{number}\""),
        "statement": format!("I keep thing{number}"),
        "label_confidence": 0.9,
        "answer_matching_behavior": label,
        "answer_not_matching_behavior": other,
    });
    format!("{row}\n")
}

fn rows(count: usize) -> String {
    let label = |number: usize| {
        if number.is_multiple_of(2) {
            " Yes"
        } else {
            " No"
        }
    };
    (0..count)
        .map(|number| row(number, label(number)))
        .collect()
}

#[test]
fn foreign_files_with_people_and_conditions_and_what_is_broken_fit() {
    let project = Project::new().unwrap();
    let schema = schema(&project);
    project
        .write(
            "persona/a.jsonl",
            rows(24) + &row(0, " Yes") + &row(1, " Yes") + "{\"cut",
        )
        .unwrap();
    project.write("persona/b.jsonl", rows(24)).unwrap();
    let mut table = "item,rater,label,relevance,ambiguous\n".to_owned();
    for number in 1..=20 {
        for rater in ["ann", "ben", "cem"] {
            let label = if number % 2 == 1 { "Yes" } else { "No" };
            table.push_str(&format!("{number},{rater},{label},4,no\n"));
        }
    }
    project.write("people.csv", table).unwrap();
    let people = ["--annotations", "people.csv", "--annotation-by", "number"];
    let with = |more: &[&str]| {
        let all = [&["audit", "persona", "--json"][..], more].concat();
        document(&project.run(&all).unwrap())
    };
    let plain = with(&[]);
    fits(&schema, &plain).unwrap();
    assert!(
        plain["columns"].as_array().unwrap().len() == 3,
        "one family and two files"
    );
    let conditions = ["--fail-under", "kappa=0.99,damaged=0.5,length-auc=0.1"];
    let rated = with(&[&people[..], &conditions].concat());
    fits(&schema, &rated).unwrap();
    assert_eq!(
        rated["reliability"][0]["of"],
        "label confidence in the files"
    );
    // A document that is none is refused, so the test can fail.
    let mut wrong = rated.clone();
    wrong["files"][0]["rows"] = json!("many");
    assert!(fits(&schema, &wrong).unwrap_err().contains("files[0].rows"));
    wrong = rated;
    wrong["surplus"] = json!(1);
    assert!(fits(&schema, &wrong).is_err());
    // No row at all is no error.
    project.write("empty.jsonl", "not json\n").unwrap();
    let empty = project.run(&["audit", "empty.jsonl", "--json"]).unwrap();
    fits(&schema, &document(&empty)).unwrap();
}

#[test]
fn versions_of_ours_fit_and_show_their_funnel() {
    let project = Project::new().unwrap();
    let schema = schema(&project);
    let generated = Path::new(env!("CARGO_MANIFEST_DIR")).join("../generated");
    let finished = project
        .run(&[
            "audit",
            generated.to_str().unwrap(),
            "--json",
            "--out",
            "report",
        ])
        .unwrap();
    let found = document(&finished);
    fits(&schema, &found).unwrap();
    let funnels = found["funnels"].as_array().unwrap();
    assert!(!funnels.is_empty());
    for funnel in funnels {
        let (asked, accepted, rejected) =
            (&funnel["asked"], &funnel["accepted"], &funnel["rejected"]);
        let sum = accepted.as_u64().unwrap() + rejected.as_u64().unwrap();
        assert_eq!(asked.as_u64(), Some(sum), "{funnel}");
    }
    let charts = project.path().join("report/charts");
    let map = std::fs::read_to_string(charts.join("map.csv")).unwrap();
    let rows = found["totals"]["rows"].as_u64().unwrap();
    // Texts of several lines stand in quotes.
    let records = map
        .split('"')
        .step_by(2)
        .map(|unquoted| unquoted.matches('\n').count() as u64)
        .sum::<u64>();
    assert_eq!(records, rows.min(800) + 1);
    assert!(charts.join("funnel.csv").is_file());
    let page = std::fs::read_to_string(project.path().join("report/report.html")).unwrap();
    assert!(page.contains("Side by side") && page.contains("id=\"side-data\""));
}

#[test]
fn what_judges_said_fits_whether_they_know_or_not() {
    let reply = |body: Value| {
        Response::text(200, &body.to_string()).header("content-type", "application/json")
    };
    let shown = |word: &str| {
        reply(json!({
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": word},
                "finish_reason": "stop",
                "logprobs": {"content": [{"token": word, "logprob": -0.1, "top_logprobs": [
                    {"token": word, "logprob": -0.1},
                ]}]},
            }],
            "usage": {"prompt_tokens": 400, "completion_tokens": 1, "total_tokens": 401},
        }))
    };
    let when = |text: &str| Route::at(CHAT).when_body_contains(text);
    let script = Script::new()
        .route(when("unclear or ambiguous").reply(shown("Perhaps")))
        .route(when("Reply with the number alone").reply(shown("5")))
        .route(when("(A) Yes").reply(shown("A")))
        .route(Route::at(CHAT).reply(shown("B")));
    let server = ScriptedServer::start(&script).unwrap();
    let project = Project::new().unwrap();
    let schema = schema(&project);
    project.write("persona/a.jsonl", rows(10)).unwrap();
    project
        .write(
            "prices.toml",
            "[[model]]\nname = \"openai-compatible/mock\"\nfree = true\n",
        )
        .unwrap();
    let judge = format!("openai-compatible/mock@{}/v1", server.url());
    let arguments = [
        "audit",
        "persona",
        "--json",
        "--judge",
        &judge,
        "--behaviour",
        "someone who keeps things",
    ];
    let finished = Finished::from(command(&project, &arguments).output().unwrap());
    let found = document(&finished);
    fits(&schema, &found).unwrap();
    let one = &found["judging"]["judges"][0];
    // One answer of two is shown: bounds, and the likeliest answer all the same.
    assert_eq!(
        (&one["bounded"], &one["known"]),
        (&json!(10), &json!(0)),
        "{one}"
    );
    assert_eq!(one["unclear_unknown"], 10);
    assert_eq!(found["agreement"][0]["figures"]["items"], 10);
}
