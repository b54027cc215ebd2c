//! `examples/whole-way.sh`: from a behaviour to exports with the real program, another model the second time.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::Path;

use evalwright_testing::{Finished, Project, Route, Script, ScriptedServer};
use evalwright_tests::served::{Answers, CHAT, lines};
use serde_json::Value;

/// What only a request to write for the label `matching` holds.
const WRITING_MATCHING: &str = "that someone who welcomes";

#[test]
fn the_script_goes_the_whole_way() {
    let answers = Answers::default();
    let script = answers
        .judges(Script::new())
        .route(
            Route::at(CHAT)
                .when_body_contains(WRITING_MATCHING)
                .reply(answers.written(" gladly")),
        )
        .route(Route::at(CHAT).reply(answers.written(" seldom")));
    let server = ScriptedServer::start(&script).unwrap();
    let project = Project::new().unwrap();
    let prices = "[[model]]\nname = \"vllm/mock\"\nfree = true\n\n\
                  [[model]]\nname = \"openai-compatible/mock\"\nfree = true\n";
    let prices = project.write("prices.toml", prices).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let url = format!("{}/v1", server.url());
    let output = project
        .shell(
            "EVALWRIGHT=\"$1\" exec sh \"$2\" way",
            &[examples.join("whole-way.sh").to_str().unwrap()],
        )
        .unwrap()
        .env("ROWS", "4")
        .env("EVALWRIGHT_PRICES", prices)
        .env(
            "AGAIN",
            format!("--generator vllm/mock@{url} --judge openai-compatible/mock@{url}"),
        )
        .output()
        .unwrap();
    let finished = Finished::from(output);
    let (said, told) = (&finished.stdout, &finished.stderr);
    assert_eq!(finished.code, Some(0), "{said}\n{told}");

    let way = project.path().join("way");
    let dataset = way.join("generated/welcomes-criticism");
    let version = |number: &str| lines(&dataset.join(number).join("data.jsonl"));
    let second = version("1.1.0");
    assert_eq!(second.len(), 4);
    assert!(
        second.iter().all(|row| {
            let said = row["statement"].as_str().unwrap();
            said.starts_with("I gladly") || said.starts_with("I seldom")
        }),
        "the other model wrote"
    );
    assert_eq!(version("1.2.0").len(), 3);
    // Two versions the first time, three the second, all of them made again from the store.
    assert_eq!(said.matches("byte for byte").count(), 5, "{said}");
    let row = second[0]["id"].as_str().unwrap();
    assert!(said.contains(&format!("{row}: a row")), "{said}");
    assert!(said.contains("DROPPED"), "{said}");
    let changes = std::fs::read_to_string(dataset.join("CHANGELOG.md")).unwrap();
    for part in [
        "an example of a fix",
        "generator.name",
        "## 1.2.0",
        "**dropped**",
    ] {
        assert!(changes.contains(part), "{part}: {changes}");
    }
    let difference: Value =
        serde_json::from_slice(&std::fs::read(way.join("diff/diff.json")).unwrap()).unwrap();
    assert_eq!(difference["counts"]["after"], 4);
    let exports: Vec<_> = std::fs::read_dir(way.join("exports")).unwrap().collect();
    assert_eq!(exports.len(), 10);

    // A folder that is there is not written into.
    let again = project
        .shell(
            "EVALWRIGHT=\"$1\" exec sh \"$2\" way",
            &[examples.join("whole-way.sh").to_str().unwrap()],
        )
        .unwrap()
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(2));
}
