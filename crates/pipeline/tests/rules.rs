//! A kind's own rules: patterns, and processes that whoever runs the pipeline provides.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

mod support;

use std::collections::BTreeSet;

use evalwright_core::{Interrupt, Model, RejectReason};
use evalwright_pipeline::{
    NoProcesses, Outcome, PipelineError, RuleProcesses, RunPlan, Silent, recipe_hash, run,
    run_with_rules,
};
use evalwright_recipe::LoadedKind;
use serde_json::Value;
use support::{FakeModel, KIND, TempStore, behaviour, folder, load};

/// The test kind with rules after its lints.
fn kind_with(rules: &str) -> LoadedKind {
    let lints = "flag = [\"several-sentences\"]\n";
    assert!(KIND.contains(lints));
    let kind = KIND.replacen(lints, &format!("{lints}{rules}"), 1);
    load(&folder(&kind), "default")
}

const COMMAND: &str = r#"
[[stage.rule]]
name = "no-boats"
sentence = "speaks of boats"
action = "drop"
command = ["boats", "--strict"]
seconds = 3
"#;

type Answer<'a> = Box<dyn FnMut(&Value) -> Result<String, String> + 'a>;

/// Processes that are a function of the question, and keep every question.
struct Scripted<'a> {
    answer: Answer<'a>,
    asked: Vec<Value>,
}

impl<'a> Scripted<'a> {
    fn new(answer: impl FnMut(&Value) -> Result<String, String> + 'a) -> Self {
        Self {
            answer: Box::new(answer),
            asked: Vec::new(),
        }
    }
}

impl RuleProcesses for Scripted<'_> {
    fn ask(&mut self, command: &[String], seconds: u32, line: &str) -> Result<String, String> {
        assert_eq!(
            (command, seconds),
            (&["boats".to_owned(), "--strict".to_owned()][..], 3)
        );
        assert!(!line.contains('\n'));
        let question: Value = serde_json::from_str(line).unwrap();
        self.asked.push(question.clone());
        (self.answer)(&question)
    }
}

fn id(question: &Value) -> &str {
    question["id"].as_str().unwrap()
}

/// Finds boats, with a reason.
fn boats(question: &Value) -> Result<String, String> {
    let found = question["text"].as_str().unwrap().contains("boats");
    Ok(format!(
        r#"{{"id":"{}","found":{found},"reason":"boats sink"}}"#,
        id(question)
    ))
}

fn run_kind(
    kind: &LoadedKind,
    processes: &mut dyn RuleProcesses,
    interrupt: &Interrupt,
) -> Result<Outcome, PipelineError> {
    let behaviour = behaviour(40);
    let (generator, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind,
        generator: &generator,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let store = TempStore::new();
    run_with_rules(&plan, &store.store, interrupt, &Silent, processes)
}

#[test]
fn a_pattern_drops_and_another_flags() {
    let kind = kind_with(
        r#"
[[stage.rule]]
name = "no-boats"
sentence = "speaks of boats"
action = "drop"
pattern = '(?i)\bBOATS?\b'

[[stage.rule]]
name = "rainy"
sentence = "speaks of rain"
action = "flag"
pattern = 'rainy \w+'
"#,
    );
    let outcome = run_kind(&kind, &mut NoProcesses, &Interrupt::default()).unwrap();
    let dropped: Vec<_> = outcome
        .rejects
        .iter()
        .filter(|reject| reject.reason.code() == "lint:no-boats")
        .collect();
    assert!(!dropped.is_empty());
    for reject in &dropped {
        assert!(reject.candidate.text.contains("boats"));
        assert_eq!(reject.stage, "lint");
        assert_eq!(reject.reason.to_string(), "it speaks of boats: `boats`");
    }
    let candidates = outcome.rejects.iter().map(|reject| &reject.candidate);
    let flagged = candidates.filter(|candidate| candidate.flags.contains(&"rainy".to_owned()));
    let mut count = 0;
    for candidate in flagged {
        assert!(
            candidate.text.contains("rainy evenings"),
            "{}",
            candidate.text
        );
        count += 1;
    }
    for row in &outcome.rows {
        assert!(!row.statement.contains("boats"));
        let is_rainy = row.statement.contains("rainy evenings");
        assert_eq!(row.metadata.flags.contains(&"rainy".to_owned()), is_rainy);
        count += u32::from(is_rainy);
    }
    assert!(count > 0);
}

#[test]
fn a_process_is_asked_once_about_what_the_lints_left_and_its_reason_is_kept() {
    let mut processes = Scripted::new(boats);
    let outcome = run_kind(&kind_with(COMMAND), &mut processes, &Interrupt::default()).unwrap();
    let asked: BTreeSet<&str> = processes.asked.iter().map(id).collect();
    assert_eq!(asked.len(), processes.asked.len(), "each candidate once");
    let mut dropped = 0;
    for reject in &outcome.rejects {
        let was_asked = asked.contains(reject.candidate.id.as_str());
        match &reject.reason {
            RejectReason::Lint { lint, detail } if lint == "no-boats" => {
                assert_eq!(detail, "boats sink");
                assert!(was_asked);
                dropped += 1;
            }
            RejectReason::Lint { .. }
            | RejectReason::NoReply { .. }
            | RejectReason::Unparsable { .. } => {
                assert!(!was_asked, "a lint had dropped it before");
            }
            _ => assert!(was_asked),
        }
    }
    assert!(dropped > 0);
    let question = processes.asked.first().unwrap();
    let keys: Vec<&String> = question.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "rule", "text", "cell"]);
    assert_eq!(question["rule"], "no-boats");
    assert!(question["cell"].as_str().unwrap().starts_with("label="));
}

#[test]
fn a_question_is_shown_with_its_parts() {
    let kind = kind_with(&format!("form = \"multiple-choice\"\n{COMMAND}"));
    let mut processes = Scripted::new(boats);
    run_kind(&kind, &mut processes, &Interrupt::default()).unwrap();
    let question = processes.asked.first().unwrap();
    assert_eq!(question["stem"], question["text"]);
    assert_eq!(question["options"], Value::Array(Vec::new()));
}

#[test]
fn what_is_no_answer_ends_the_run_and_names_rule_and_candidate() {
    let kind = kind_with(COMMAND);
    type Answer = fn(&Value) -> Result<String, String>;
    let answers: [(&str, Answer); 4] = [
        ("which is no answer", |_| Ok("ready".to_owned())),
        ("found", |question| {
            Ok(format!(r#"{{"id":"{}"}}"#, id(question)))
        }),
        ("it answered for `cand_other`", |_| {
            Ok(r#"{"id":"cand_other","found":false}"#.to_owned())
        }),
        ("`boats --strict` ended", |_| {
            Err("`boats --strict` ended".to_owned())
        }),
    ];
    for (mention, answer) in answers {
        let mut processes = Scripted::new(answer);
        let error = run_kind(&kind, &mut processes, &Interrupt::default()).unwrap_err();
        let message = error.to_string();
        let candidate = id(&processes.asked[0]).to_owned();
        assert!(message.contains(mention), "{message}");
        assert!(
            message.starts_with(&format!("rule `no-boats` on candidate {candidate}: ")),
            "{message}"
        );
        assert_eq!(processes.asked.len(), 1, "nothing is asked after it");
    }
}

#[test]
fn nothing_is_started_where_nobody_provides_it() {
    let kind = kind_with(COMMAND);
    let behaviour = behaviour(8);
    let (generator, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &generator,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let store = TempStore::new();
    let error = run(&plan, &store.store, &Interrupt::default(), &Silent).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("needs a process, and none may be started here"),
        "{error}"
    );
    let judged = judge.answered();
    assert!(judged.is_empty(), "no judge is paid for before the rules");
}

#[test]
fn a_stop_while_a_process_is_asked_is_no_fault_of_the_rule() {
    let interrupt = Interrupt::default();
    let mut processes = Scripted::new(|_: &Value| {
        interrupt.ask();
        Err("it ended".to_owned())
    });
    let ended = run_kind(&kind_with(COMMAND), &mut processes, &interrupt);
    assert!(
        matches!(ended, Err(PipelineError::Interrupted)),
        "{ended:?}"
    );
}

#[test]
fn pattern_and_command_line_are_part_of_the_recipe() {
    let behaviour = behaviour(8);
    let (generator, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let hash = |rules: &str| {
        let kind = kind_with(rules);
        let plan = RunPlan {
            behaviour: &behaviour,
            kind: &kind,
            generator: &generator,
            judges: &judges,
            embedder: None,
            limit: None,
        };
        recipe_hash(&plan).unwrap()
    };
    let hashes: BTreeSet<_> = [
        String::new(),
        COMMAND.to_owned(),
        COMMAND.replace("--strict", "--strict=2"),
        COMMAND.replace("\"drop\"", "\"flag\""),
        COMMAND.replace(
            "command = [\"boats\", \"--strict\"]\nseconds = 3",
            "pattern = 'boat'",
        ),
        COMMAND.replace(
            "command = [\"boats\", \"--strict\"]\nseconds = 3",
            "pattern = 'boats'",
        ),
    ]
    .iter()
    .map(|rules| hash(rules))
    .collect();
    assert_eq!(hashes.len(), 6);
}
