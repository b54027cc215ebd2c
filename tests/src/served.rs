//! A model behind a scripted server, and projects that use it to write and to judge.
//!
//! The server's answers depend on the request alone, so a run is the same however often it is stopped. The writer is
//! asked as vLLM, which continues a reply that is begun; the judge as a server of which nothing is known, so that it
//! is asked for one word.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use evalwright_testing::{Finished, Project, Response, Route, Script, read_tree};
use serde_json::{Value, json};

use crate::BEHAVIOUR;

/// Where chats are answered.
pub const CHAT: &str = "/v1/chat/completions";
/// What only a request to the judge holds.
pub const JUDGING: &str = "\"logprobs\":true";
/// What only a request to write for the label `matching` holds. Its examples name no side.
pub const WRITING_MATCHING: &str = "that someone who keeps";
/// What only a request to judge a statement written for the label `matching` holds.
pub const MATCHING: &str = "I gladly";
/// What only a request to judge a statement written for the other label holds.
pub const NOT_MATCHING: &str = "I seldom";

/// The folder of the version that a first run publishes, below the project.
pub const VERSION: &str = "generated/promises/1.0.0";
/// The reply store, below the project.
pub const STORE: &str = ".evalwright/replies.db";

const PRICES: &str = r#"
[[model]]
name = "vllm/mock"
free = true

[[model]]
name = "openai-compatible/mock"
free = true
"#;

/// How the names of variables end that say where servers are and what opens them.
const SERVER_SUFFIXES: [&str; 5] = ["_API_KEY", "_BASE_URL", "_ENDPOINT", "_ORG_ID", "_HOST"];

const DEEDS: &[&str] = &[
    "visit", "repay", "answer", "help", "drive", "host", "thank", "phone", "meet", "pay",
];
const PEOPLE: &[&str] = &[
    "my oldest neighbour",
    "the local bank clerk",
    "a tired colleague",
    "our village choir",
    "the evening class",
    "some distant cousins",
    "her younger brother",
    "those patient tenants",
    "his former landlord",
    "every new apprentice",
];
const TIMES: &[&str] = &[
    "before breakfast begins",
    "on rainy Sundays",
    "after long shifts",
    "during school holidays",
    "once winter comes",
    "when trains run late",
    "without being reminded",
    "despite heavy traffic",
];
/// Log-probabilities of the other word.
const DOUBTS: &[&str] = &["-2.9", "-3.2", "-3.5", "-3.8", "-4.1", "-4.4", "-4.7"];

/// What a server answers.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Silence before each answer.
    pub delay_ms: u64,
    /// Whether the server counts tokens.
    pub counts_tokens: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            delay_ms: 0,
            counts_tokens: true,
        }
    }
}

impl Answers {
    /// After so long.
    #[must_use]
    pub fn after_ms(delay_ms: u64) -> Self {
        Self {
            delay_ms,
            ..Self::default()
        }
    }

    fn usage(&self) -> Value {
        if self.counts_tokens {
            json!({"prompt_tokens": 150, "completion_tokens": 12, "total_tokens": 162})
        } else {
            Value::Null
        }
    }

    /// A statement of this side, with `begin` before it.
    #[must_use]
    pub fn written(&self, begin: &str) -> Response {
        let body = json!({
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": format!("{begin} {{0}} {{1}} {{2}}.")},
                "finish_reason": "stop",
            }],
            "usage": self.usage(),
        });
        Response::varied(&body.to_string(), &[DEEDS, PEOPLE, TIMES])
            .header("content-type", "application/json")
            .delay_ms(self.delay_ms)
    }

    /// A judgement: this word rather than the other one.
    #[must_use]
    pub fn judged(&self, word: &str, other: &str) -> Response {
        let candidate = |token: &str, value: Value| json!({"token": token, "logprob": value});
        let body = json!({
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": word},
                "finish_reason": "stop",
                "logprobs": {"content": [{
                    "token": word,
                    "logprob": -0.1,
                    "top_logprobs": [
                        candidate(word, json!(-0.1)),
                        candidate(other, json!("{0}")),
                        candidate(&format!(" {word}"), json!(-5.0)),
                    ],
                }]},
            }],
            "usage": self.usage(),
        });
        // A number, not a text.
        let body = body.to_string().replace("\"{0}\"", "{0}");
        Response::varied(&body, &[DOUBTS])
            .header("content-type", "application/json")
            .delay_ms(self.delay_ms)
    }

    /// The routes that judge.
    #[must_use]
    pub fn judges(&self, script: Script) -> Script {
        let when = |text: &str| Route::at(CHAT).when_body_contains(text);
        script
            .route(when(MATCHING).reply(self.judged("Yes", "No")))
            .route(when(NOT_MATCHING).reply(self.judged("No", "Yes")))
            .route(when(JUDGING).reply(self.judged("Yes", "No")))
    }

    /// The routes that write; behind those that judge.
    #[must_use]
    pub fn writes(&self, script: Script) -> Script {
        let matching = Route::at(CHAT).when_body_contains(WRITING_MATCHING);
        script
            .route(matching.reply(self.written(" gladly")))
            .route(Route::at(CHAT).reply(self.written(" seldom")))
    }

    /// All routes.
    #[must_use]
    pub fn script(&self) -> Script {
        self.writes(self.judges(Script::new()))
    }
}

/// The behaviour with the models at this base URL.
#[must_use]
pub fn behaviour(base_url: &str) -> String {
    with_models(
        BEHAVIOUR,
        &format!("vllm/mock@{base_url}"),
        &format!("openai-compatible/mock@{base_url}"),
    )
}

/// A behaviour with these models.
#[must_use]
pub fn with_models(behaviour: &str, generator: &str, judge: &str) -> String {
    let models =
        format!("seed = 1\n\n[models]\ngenerator = \"{generator}\"\njudges = [\"{judge}\"]");
    behaviour.replacen("seed = 1", &models, 1)
}

/// A project whose models are at this base URL and cost nothing.
#[must_use]
pub fn project(base_url: &str) -> Project {
    let project = Project::new().unwrap();
    project.write("promises.toml", behaviour(base_url)).unwrap();
    project.write("prices.toml", PRICES).unwrap();
    project
}

/// The program in a project, without keys and addresses of servers that the user of this machine may have set.
#[must_use]
pub fn command(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments).unwrap();
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if SERVER_SUFFIXES.iter().any(|suffix| shown.ends_with(suffix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs the project's behaviour with these arguments more.
#[must_use]
pub fn run(project: &Project, more: &[&str]) -> Finished {
    let mut arguments = vec!["run", "promises.toml"];
    arguments.extend(more);
    Finished::from(command(project, &arguments).output().unwrap())
}

/// Runs the project's behaviour to its end.
pub fn publish(project: &Project, more: &[&str]) {
    let finished = run(project, more);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// The published files but the one for clock times.
#[must_use]
pub fn published(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let mut files = read_tree(&project.path().join(VERSION)).unwrap();
    assert!(files.remove("run.json").is_some(), "nothing was published");
    files
}

/// Compares what two runs published, and names the file that differs.
pub fn assert_same(expected: &BTreeMap<String, Vec<u8>>, found: &BTreeMap<String, Vec<u8>>) {
    assert!(expected.keys().eq(found.keys()));
    for (name, bytes) in expected {
        assert!(found.get(name) == Some(bytes), "{name} differs");
    }
}

/// A JSON file below the project.
#[must_use]
pub fn json_file(project: &Project, name: &str) -> Value {
    let path: PathBuf = project.path().join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The lines of a JSON Lines file.
#[must_use]
pub fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
