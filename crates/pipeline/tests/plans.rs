//! What is checked before the first call, what a recipe's hash covers, and what a run would cost.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

mod support;

use evalwright_core::{Model, Side};
use evalwright_pipeline::{Bound, PipelineError, RunPlan, estimate, recipe_hash, stage};
use evalwright_recipe::{LoadedKind, Stage};
use support::{FakeModel, KIND, behaviour, folder, kind, load};

fn with_plan<R>(
    kind: &LoadedKind,
    rows: u32,
    limit: Option<u32>,
    judges: &[&dyn Model],
    then: impl Fn(&RunPlan<'_>) -> R,
) -> R {
    let writer = FakeModel::new("writer");
    let behaviour = behaviour(rows);
    then(&RunPlan {
        behaviour: &behaviour,
        kind,
        generator: &writer,
        judges,
        embedder: None,
        limit,
    })
}

#[test]
fn the_recipe_covers_everything_that_decides_the_rows() {
    let base = folder(KIND);
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let behaviour = behaviour(20);
    let kind = load(&base, "default");
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let hash = |plan: &RunPlan<'_>| recipe_hash(plan).unwrap();
    let expected = hash(&plan);
    assert_eq!(hash(&plan), expected);

    let mut other = behaviour.clone();
    other.description.push_str(" by friends");
    assert_ne!(
        hash(&RunPlan {
            behaviour: &other,
            ..plan
        }),
        expected,
        "description"
    );
    let mut other = behaviour.clone();
    other.examples.matching.reverse();
    assert_ne!(
        hash(&RunPlan {
            behaviour: &other,
            ..plan
        }),
        expected,
        "examples"
    );
    let mut other = behaviour.clone();
    other.seed += 1;
    assert_ne!(
        hash(&RunPlan {
            behaviour: &other,
            ..plan
        }),
        expected,
        "seed"
    );

    assert_ne!(
        hash(&RunPlan {
            limit: Some(10),
            ..plan
        }),
        expected,
        "limit"
    );
    assert_eq!(
        hash(&RunPlan {
            limit: Some(99),
            ..plan
        }),
        expected,
        "a limit that caps nothing"
    );

    let changed_file = |name: &str, from: &str, to: &str| {
        let mut folder = base.clone();
        let text = folder.files.get_mut(name).unwrap();
        assert!(text.contains(from), "{name}");
        *text = text.replace(from, to);
        let kind = load(&folder, "default");
        hash(&RunPlan {
            kind: &kind,
            ..plan
        })
    };
    assert_ne!(
        changed_file("generate.j2", "Speak", "Write"),
        expected,
        "a template"
    );
    assert_ne!(
        changed_file("question.j2", "Would", "Do"),
        expected,
        "the question"
    );
    assert_ne!(
        changed_file("kind.toml", "0.9, top_p", "0.8, top_p"),
        expected,
        "sampling"
    );
    assert_ne!(
        changed_file("kind.toml", "near = 0.7", "near = 0.8"),
        expected,
        "dedup"
    );
    assert_eq!(
        changed_file("README.md", "people", "readers"),
        expected,
        "the README"
    );

    let mut other = FakeModel::new("writer");
    other.identity.precision = "rough".to_owned();
    assert_ne!(
        hash(&RunPlan {
            generator: &other,
            ..plan
        }),
        expected,
        "the generator"
    );
    let second = FakeModel::new("second");
    let two: [&dyn Model; 2] = [&judge, &second];
    assert_ne!(
        hash(&RunPlan {
            judges: &two,
            ..plan
        }),
        expected,
        "the judges"
    );

    // How a model works through its requests is no part of what it is.
    let threads = FakeModel::new("writer").delivery(9, 8);
    assert_eq!(
        hash(&RunPlan {
            generator: &threads,
            ..plan
        }),
        expected,
        "threads"
    );
}

#[test]
fn the_estimate_counts_calls_and_bounds_tokens() {
    let judge = FakeModel::new("judge");
    let got = with_plan(&kind(), 20, None, &[&judge], estimate).unwrap();
    assert_eq!(got.rows, 20);
    assert_eq!(
        got.sample_calls,
        Bound {
            first_wave: 60,
            worst: 800
        }
    );
    // Two raters, two sides each.
    assert_eq!(
        got.score_calls,
        Bound {
            first_wave: 240,
            worst: 3200
        }
    );
    // 60 texts and 240 statements of at most 48 tokens.
    assert_eq!(got.completion_tokens.first_wave, 60 * 48 + 240 * 48);
    // Judges' prompts by word: 8 and 9 for either side.
    let judged = 60 * 2 * (8 + 9);
    assert!(got.prompt_tokens.first_wave > judged);
    // Longest prompts with two examples: below 8 + 2 × 7 + 1 words.
    assert!(got.prompt_tokens.first_wave < judged + 60 * 23, "{got:?}");
    assert!(judge.answered().is_empty());

    let half = with_plan(&kind(), 20, Some(10), &[&judge], estimate).unwrap();
    assert_eq!(
        half.sample_calls,
        Bound {
            first_wave: 30,
            worst: 400
        }
    );
}

#[test]
fn a_run_stays_below_its_estimate() {
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let bound = with_plan(&kind(), 12, None, &[&judge], estimate).unwrap();
    let outcome = support::run_with(
        &kind(),
        &behaviour(12),
        &writer,
        &judge,
        &support::TempStore::new().store,
        &evalwright_pipeline::Silent,
    )
    .unwrap();
    assert!(outcome.calls_sent.sample >= bound.sample_calls.first_wave);
    assert!(outcome.calls_sent.sample <= bound.sample_calls.worst);
    assert!(outcome.calls_sent.score <= bound.score_calls.worst);
}

fn refused(change: impl FnOnce(&mut LoadedKind)) -> String {
    let mut kind = kind();
    change(&mut kind);
    let judge = FakeModel::new("judge");
    with_plan(&kind, 4, None, &[&judge], |plan| {
        estimate(plan).unwrap_err().to_string()
    })
}

/// Kinds that a program made, not a file: the recipe crate has not seen them.
#[test]
fn stages_that_do_not_fit_together_are_refused_before_any_call() {
    let message = refused(|kind| kind.kind.stages.swap(2, 3));
    assert!(
        message.contains("`score` stands after `dedup`"),
        "{message}"
    );
    let message = refused(|kind| {
        kind.kind
            .stages
            .retain(|stage| !matches!(stage, Stage::Score(_)));
    });
    assert!(message.contains("0 `score` stages"), "{message}");
    let message = refused(|kind| {
        let again = kind.kind.stages[3].clone();
        kind.kind.stages.insert(3, again);
    });
    assert!(
        message.contains("2 `dedup` stages; one is the most"),
        "{message}"
    );
    let message = refused(|kind| {
        if let Stage::Ask(ask) = &mut kind.kind.stages[0] {
            ask.parse = "verse".to_owned();
        }
    });
    assert!(message.contains("no parser `verse`"), "{message}");
    let message = refused(|kind| {
        if let Stage::Lint(lint) = &mut kind.kind.stages[1] {
            lint.drop.push("boring".to_owned());
        }
    });
    assert!(message.contains("no lint `boring`"), "{message}");
    let message = refused(|kind| {
        if let Stage::Score(score) = &mut kind.kind.stages[2] {
            for rater in &mut score.raters {
                rater.counts = false;
            }
        }
    });
    assert!(message.contains("no rater"), "{message}");
    let message = refused(|kind| {
        if let Stage::Dedup(dedup) = &mut kind.kind.stages[3] {
            dedup.near = Some(1.5);
        }
    });
    assert!(message.contains("1.5"), "{message}");
}

#[test]
fn judges_must_be_there_once_each() {
    let judge = FakeModel::new("judge");
    let none = with_plan(&kind(), 4, None, &[], |plan| estimate(plan).unwrap_err());
    assert!(matches!(none, PipelineError::NoJudge));
    let twice = with_plan(&kind(), 4, None, &[&judge, &judge], |plan| {
        estimate(plan).unwrap_err()
    });
    assert!(matches!(twice, PipelineError::SameJudge { .. }));
}

#[test]
fn asked_judges_are_not_told_the_intended_label() {
    // Both sides render the same prompt: the statement alone tells them apart.
    let asked = KIND
        .replace("name = \"voice\"\nmethod = \"channel\"\nprompt = \"judge-voice.j2\"",
            "name = \"asked\"\nmethod = \"token\"\nprompt = \"judge-asked.j2\"\nanswers = { matching = [\"Yes\", \" Yes\"], not_matching = [\"No\"] }");
    let kind = load(&folder(&asked), "default");
    let judge = FakeModel::new("judge");
    let outcome = support::run_with(
        &kind,
        &behaviour(6),
        &FakeModel::new("writer"),
        &judge,
        &support::TempStore::new().store,
        &evalwright_pipeline::Silent,
    )
    .unwrap();
    let mut labels = Vec::new();
    for request in judge.answered().keys() {
        let request: evalwright_core::ScoreRequest = serde_json::from_str(request).unwrap();
        if let evalwright_core::Prompt::Chat { messages, .. } = &request.prompt {
            assert!(messages[0].content.starts_with("someone who likes"));
            assert_eq!(request.mode, evalwright_core::ScoreMode::FirstToken);
            assert_eq!(request.continuations, ["Yes", " Yes", "No"]);
        }
    }
    for row in &outcome.rows {
        labels.push(row.metadata.label);
        let token = &row.metadata.judgements[0];
        assert_eq!(token.rater, "judge#asked");
        assert!(token.covered.is_some() && token.log_odds.is_some());
    }
    assert!(labels.contains(&Side::Matching) && labels.contains(&Side::NotMatching));
}

#[test]
fn every_stage_has_a_word_and_a_sentence() {
    for rule in &stage::STAGES {
        assert!(!rule.word.is_empty() && rule.does.len() > 10 && rule.least <= rule.most);
    }
    assert!(stage::STAGES.is_sorted_by_key(|rule| rule.place));
}
