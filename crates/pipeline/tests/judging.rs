//! How judges that can do different things are asked, and what becomes of votes, bounds and failures.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests, where a panic is a failed test and a skipped one must be seen"
)]

mod support;

use std::path::PathBuf;

use evalwright_core::model::WholeScores;
use evalwright_core::{
    Abilities, AnswerScore, Finish, Interrupt, Method, Model, ModelError, Prompt, RejectReason,
    ReplyNote, SampleRequest, ScoreReply, ScoreRequest, SlotFailure, StopReason, TextReply,
    TokenUsage, UnknownReason, Verdict,
};
use evalwright_pipeline::{
    JudgedText, Outcome, PipelineError, RunPlan, Silent, estimate, judge, recipe_hash,
};
use evalwright_recipe::{LoadedKind, builtin_kinds, load_behaviour};
use serde_json::Value;
use support::{After, FakeModel, KIND, TempStore, behaviour, folder, kind, load, run_with, text};

/// A chat server that shows the likeliest tokens of its answer.
const TOKENS: Abilities = Abilities {
    whole_scores: WholeScores::Never,
    first_token: true,
    constrained: false,
    text_prompts: false,
    opened_replies: true,
};
/// A chat server that shows nothing but text.
const BARE: Abilities = Abilities {
    first_token: false,
    ..TOKENS
};
/// A server that scores plain text only.
const PLAIN: Abilities = Abilities {
    whole_scores: WholeScores::AfterText,
    first_token: true,
    constrained: false,
    text_prompts: true,
    opened_replies: true,
};

const FALLBACK: &str = r#"[[stage.raters]]
name = "asked"
methods = ["token", "votes"]
prompt = "judge-asked.j2"
answers = { matching = ["Yes", " Yes"], not_matching = ["No"] }
votes = { samples = 7, temperature = 1.0, max_tokens = 16 }
fallback = true

"#;

/// The test kind with more raters before its `dedup` stage.
fn with_raters(raters: &str) -> LoadedKind {
    let dedup = "[[stage]]\nuse = \"dedup\"";
    let text = KIND.replace(dedup, &format!("{raters}{dedup}"));
    load(&folder(&text), "default")
}

/// The test kind with one rater alone, asked for `Yes` or `No`.
fn asked_alone(minimum: &str) -> LoadedKind {
    let (head, rest) = KIND.split_once("[[stage.raters]]").unwrap();
    let (_, tail) = rest.split_once("[[stage]]\nuse = \"dedup\"").unwrap();
    let raters = FALLBACK.replace("fallback = true\n", "");
    let text = format!("{head}{raters}[[stage]]\nuse = \"dedup\"{tail}");
    let text = text.replace("minimum = 0.5", &format!("minimum = {minimum}"));
    load(&folder(&text), "default")
}

fn run_kind(kind: &LoadedKind, judge: &FakeModel) -> Result<Outcome, PipelineError> {
    let (writer, store) = (FakeModel::new("writer"), TempStore::new());
    run_with(kind, &behaviour(4), &writer, judge, &store.store, &Silent)
}

fn judged(kind: &LoadedKind, judges: &[&dyn Model], texts: &[&str]) -> Vec<JudgedText> {
    let (writer, behaviour) = (FakeModel::new("writer"), behaviour(4));
    let plan = RunPlan {
        behaviour: &behaviour,
        kind,
        generator: &writer,
        judges,
        embedder: None,
        limit: None,
    };
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let store = TempStore::new();
    judge(&plan, &texts, &store.store, &Interrupt::default(), &Silent).unwrap()
}

fn scores(scores: Vec<AnswerScore>, notes: Vec<ReplyNote>) -> Result<ScoreReply, SlotFailure> {
    Ok(ScoreReply {
        scores,
        usage: TokenUsage::new(9, 1),
        notes,
    })
}

fn at_most(mass: f64) -> AnswerScore {
    AnswerScore {
        at_most: true,
        ..AnswerScore::known(mass.ln(), 1)
    }
}

fn known(mass: f64) -> AnswerScore {
    AnswerScore::known(mass.ln(), 1)
}

/// Says yes to statements of more than 40 bytes, and nothing clear in one of eight votes.
fn vote(request: &SampleRequest, chance: u64) -> Result<TextReply, SlotFailure> {
    let Prompt::Chat { messages, .. } = &request.prompt else {
        panic!("a chat")
    };
    let is_long = messages[0].content.len() > "someone who likes to be corrected: ".len() + 40;
    text(
        match (chance % 8, is_long) {
            (0, _) => "It depends.",
            (1, true) | (2.., false) => "No, not them.",
            _ => "**Yes**",
        },
        Finish::Stop,
    )
}

fn raters(outcome: &Outcome) -> Vec<(&str, Method)> {
    let raters = outcome.manifest.raters.iter();
    raters
        .map(|rater| (rater.wording.as_str(), rater.method))
        .collect()
}

#[test]
fn a_fallback_rater_is_asked_only_where_no_other_counts() {
    let kind = with_raters(FALLBACK);
    let full = run_kind(&kind, &FakeModel::new("judge")).unwrap();
    assert_eq!(
        raters(&full),
        [("voice", Method::Channel), ("diary", Method::Channel)]
    );
    // What scores plain text only can be one of the two, and needs no fallback.
    let plain = run_kind(&kind, &FakeModel::new("judge").able(PLAIN)).unwrap();
    assert_eq!(raters(&plain), [("diary", Method::Channel)]);
    let tokens = run_kind(&kind, &FakeModel::new("judge").able(TOKENS)).unwrap();
    assert_eq!(raters(&tokens), [("asked", Method::Token)]);
    let limited = Abilities {
        constrained: true,
        ..TOKENS
    };
    let first = with_raters(&FALLBACK.replace("[\"token\"", "[\"constrained\", \"token\""));
    let limited = run_kind(&first, &FakeModel::new("judge").able(limited)).unwrap();
    assert_eq!(raters(&limited), [("asked", Method::Constrained)]);
    let without = run_kind(&first, &FakeModel::new("judge").able(TOKENS)).unwrap();
    assert_eq!(raters(&without), [("asked", Method::Token)]);
    let judge = FakeModel::new("judge").able(BARE).writing(vote);
    let votes = run_kind(&kind, &judge).unwrap();
    assert_eq!(raters(&votes), [("asked", Method::Votes)]);
    assert_eq!(votes.manifest.raters[0].samples, Some(7));
    assert_eq!(votes.manifest.raters[0].calibration.origin, "none");
    assert_ne!(
        tokens.manifest.recipe, votes.manifest.recipe,
        "the method is part of the recipe"
    );
}

#[test]
fn a_judge_that_can_be_no_counting_rater_is_refused_before_any_call() {
    let judge = FakeModel::new("judge").able(BARE);
    let error = run_kind(&kind(), &judge).unwrap_err();
    assert!(matches!(error, PipelineError::NoMethod { .. }));
    let message = error.to_string();
    assert!(
        message.contains("judge judge can do none") && message.contains("(channel)"),
        "{message}"
    );
    assert!(judge.answered().is_empty());
}

#[test]
fn the_statement_kind_can_be_judged_by_any_chat_server_under_every_preset() {
    let statement = builtin_kinds()
        .into_iter()
        .find(|kind| kind.name == "statement")
        .unwrap();
    for preset in ["default", "published", "all-judges"] {
        let loaded = load(&statement, preset);
        let text = support::behaviour_text(4).replace(
            "\"fable\"",
            &format!("\"statement\"\npreset = \"{preset}\""),
        );
        let behaviour = load_behaviour(std::path::Path::new("corrections.toml"), &text).unwrap();
        let writer = FakeModel::new("writer");
        for (abilities, method) in [(TOKENS, Method::Token), (BARE, Method::Votes)] {
            let judge = FakeModel::new("judge").able(abilities);
            let judges: [&dyn Model; 1] = [&judge];
            let plan = RunPlan {
                behaviour: &behaviour,
                kind: &loaded,
                generator: &writer,
                judges: &judges,
                embedder: None,
                limit: None,
            };
            recipe_hash(&plan).unwrap();
            let store = TempStore::new();
            let texts = ["I thank my critics.".to_owned()];
            let answers: support::Write = |_, _| self::text("Yes", Finish::Stop);
            let judge = FakeModel::new("judge").able(abilities).writing(answers);
            let judges: [&dyn Model; 1] = [&judge];
            let plan = RunPlan {
                judges: &judges,
                ..plan
            };
            let judged = evalwright_pipeline::judge(
                &plan,
                &texts,
                &store.store,
                &Interrupt::default(),
                &Silent,
            )
            .unwrap();
            let counting = judged[0]
                .judgements
                .iter()
                .find(|judgement| judgement.method == method && judgement.log_odds.is_some());
            assert!(counting.is_some(), "{preset} {method}: {judged:?}");
            assert!(judged[0].verdict.is_some());
        }
    }
}

#[test]
fn votes_are_counted_with_their_interval_and_unreadable_ones_count_for_no_side() {
    let kind = with_raters(FALLBACK);
    let run = |delivery: (u64, usize)| {
        let judge = FakeModel::new("judge")
            .able(BARE)
            .writing(vote)
            .delivery(delivery.0, delivery.1);
        let outcome = run_kind(&kind, &judge).unwrap();
        let seeds: std::collections::BTreeSet<String> = judge.answered().keys().cloned().collect();
        (outcome, seeds)
    };
    let (outcome, requests) = run((0, 1));
    assert_eq!(
        support::bytes(&outcome),
        support::bytes(&run((3, 4)).0),
        "the order changes nothing"
    );
    let scored: Vec<_> = outcome
        .rejects
        .iter()
        .map(|reject| &reject.candidate)
        .filter(|candidate| !candidate.judgements.is_empty())
        .collect();
    let distinct: std::collections::BTreeSet<&str> =
        scored.iter().map(|one| one.text.as_str()).collect();
    assert!(
        requests.len() >= 7 * distinct.len(),
        "seven draws for each text"
    );
    let mut unreadable = 0;
    for candidate in scored {
        let judgement = &candidate.judgements[0];
        let votes = judgement.votes.unwrap();
        let (matching, not_matching) = (f64::from(votes.matching), f64::from(votes.not_matching));
        assert_eq!(votes.matching + votes.not_matching + votes.unreadable, 7);
        let share = matching / (matching + not_matching);
        assert!(votes.low.value() <= share && share <= votes.high.value());
        let expected = (matching + 0.5) / (matching + not_matching + 1.0);
        let got = judgement.verdict.matching().unwrap().value();
        assert!((got - expected).abs() < 1e-12);
        unreadable += votes.unreadable;
    }
    assert!(unreadable > 0);
    assert_eq!(outcome.manifest.funnel.score_calls, 0);
}

#[test]
fn votes_that_nobody_can_read_leave_a_candidate_unjudged() {
    let mumbles: support::Write = |_, _| text("I cannot judge this.", Finish::Stop);
    let judge = FakeModel::new("judge").able(BARE).writing(mumbles);
    let outcome = run_kind(&with_raters(FALLBACK), &judge).unwrap();
    assert!(outcome.rows.is_empty());
    let unjudged = outcome
        .rejects
        .iter()
        .find(|reject| matches!(reject.reason, RejectReason::Unjudged { .. }))
        .unwrap();
    let judgement = &unjudged.candidate.judgements[0];
    assert_eq!(
        judgement.verdict,
        Verdict::Unknown {
            reason: UnknownReason::Unreadable
        }
    );
    assert_eq!(judgement.votes.unwrap().unreadable, 7);
    assert!(
        unjudged
            .reason
            .to_string()
            .contains("no vote could be read")
    );
}

#[test]
fn the_estimate_counts_votes_as_calls_that_write() {
    let kind = with_raters(FALLBACK);
    let (writer, behaviour) = (FakeModel::new("writer"), behaviour(20));
    let bound = |abilities| {
        let judge = FakeModel::new("judge").able(abilities);
        let judges: [&dyn Model; 1] = [&judge];
        let plan = RunPlan {
            behaviour: &behaviour,
            kind: &kind,
            generator: &writer,
            judges: &judges,
            embedder: None,
            limit: None,
        };
        estimate(&plan).unwrap()
    };
    let votes = bound(BARE);
    assert_eq!(votes.sample_calls.first_wave, 60 + 7 * 60);
    assert_eq!(votes.score_calls.worst, 0);
    assert_eq!(votes.completion_tokens.first_wave, 60 * 48 + 7 * 60 * 16);
    let tokens = bound(TOKENS);
    assert_eq!(tokens.sample_calls.first_wave, 60);
    assert_eq!(tokens.score_calls.first_wave, 60);
}

#[test]
fn bounds_decide_only_where_both_ends_do_and_notes_are_counted() {
    // Yes holds 0.7, what was shown leaves 0.1: P(matching) lies between 0.875 and 1.
    let bounded: support::Reply = |request| {
        assert_eq!(request.continuations.len(), 3);
        scores(
            vec![known(0.7), at_most(0.1), at_most(0.1)],
            vec![ReplyNote::FormNotShown],
        )
    };
    let run = |minimum: &str| {
        let judge = FakeModel::new("judge").able(TOKENS).replying(bounded);
        run_kind(&asked_alone(minimum), &judge).unwrap()
    };
    let decided = run("0.8");
    let mut sides = [0, 0];
    for reject in &decided.rejects {
        let matching = reject.candidate.slot.cell.label == evalwright_core::Side::Matching;
        match &reject.reason {
            RejectReason::BelowMinimum { confidence, .. } => {
                assert!(!matching && confidence.value() < 1e-12);
                sides[1] += 1;
            }
            RejectReason::Surplus => {
                assert!(matching);
                let confidence = reject.candidate.confidence.unwrap().value();
                assert!((confidence - 0.875).abs() < 1e-12, "the low end");
                sides[0] += 1;
            }
            _ => {}
        }
    }
    assert!(sides[0] > 0 && sides[1] > 0, "{sides:?}");
    assert_eq!(decided.manifest.raters[0].notes.len(), 1);
    assert!(decided.manifest.raters[0].notes["form_not_shown"] >= 4);
    assert!(decided.manifest.notes.is_empty());

    let open = run("0.9");
    let undecided = open
        .rejects
        .iter()
        .filter(|reject| match &reject.reason {
            RejectReason::Unjudged { detail } => detail.contains("undecided: the label is right"),
            _ => false,
        })
        .collect::<Vec<_>>();
    assert!(!undecided.is_empty());
    for reject in undecided {
        assert_eq!(reject.candidate.confidence, None);
        assert_eq!(
            reject.candidate.slot.cell.label,
            evalwright_core::Side::Matching
        );
    }
}

#[test]
fn passing_failures_are_used_and_never_stored() {
    let passing: support::Write = |_, _| {
        Err(SlotFailure::GaveUp {
            attempts: 5,
            detail: "status 503".to_owned(),
        })
    };
    let (kind, behaviour, store) = (kind(), behaviour(4), TempStore::new());
    let judge = FakeModel::new("judge");
    let down = FakeModel::new("writer").writing(passing);
    let first = run_with(&kind, &behaviour, &down, &judge, &store.store, &Silent).unwrap();
    assert!(first.rows.is_empty() && first.shortfall);
    assert_eq!(first.manifest.funnel.reasons["no_reply"], 160);
    assert_eq!(store.store.count().unwrap(), 0);
    // The next run asks again, and is as if the first had never been.
    let up = FakeModel::new("writer");
    let second = run_with(&kind, &behaviour, &up, &judge, &store.store, &Silent).unwrap();
    let clean = run_with(
        &kind,
        &behaviour,
        &FakeModel::new("writer"),
        &judge,
        &TempStore::new().store,
        &Silent,
    )
    .unwrap();
    assert_eq!(support::bytes(&second), support::bytes(&clean));
}

#[test]
fn a_model_that_stops_ends_the_run_with_its_reason() {
    let store = TempStore::new();
    let (kind, behaviour) = (kind(), behaviour(4));
    let writer = FakeModel::new("writer").after(After::Stop(5));
    let judge = FakeModel::new("judge");
    let error = run_with(&kind, &behaviour, &writer, &judge, &store.store, &Silent).unwrap_err();
    assert!(
        matches!(
            error,
            PipelineError::Model(ModelError::Stopped {
                reason: StopReason::QuotaExhausted,
                ..
            })
        ),
        "{error}"
    );
    assert_eq!(store.store.count().unwrap(), 5, "what came is kept");
}

#[test]
fn the_generators_notes_are_counted() {
    let estimated: support::Write = |request, chance| {
        support::varied_text(request, chance).map(|mut reply| {
            reply.notes = vec![ReplyNote::UsageEstimated];
            reply
        })
    };
    let (writer, store) = (
        FakeModel::new("writer").writing(estimated),
        TempStore::new(),
    );
    let judge = FakeModel::new("judge");
    let outcome = run_with(
        &kind(),
        &behaviour(4),
        &writer,
        &judge,
        &store.store,
        &Silent,
    )
    .unwrap();
    let noted = outcome.manifest.notes["usage_estimated"];
    assert!(noted > 0 && noted <= outcome.manifest.funnel.sample_calls);
    assert!(
        outcome
            .manifest
            .raters
            .iter()
            .all(|rater| rater.notes.is_empty())
    );
}

/// A case's description.
fn case(name: &str) -> Option<(PathBuf, Value)> {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED {name}: EVALWRIGHT_SHARED is not set");
        return None;
    };
    let folder = PathBuf::from(shared).join("cases").join(name);
    let Ok(text) = std::fs::read_to_string(folder.join("case.json")) else {
        eprintln!("SKIPPED {name}: no {}", folder.display());
        return None;
    };
    Some((folder, serde_json::from_str(&text).unwrap()))
}

#[test]
fn j02_a_judge_that_does_not_know_is_left_out_and_counted() {
    let Some((folder, case)) = case("judge/J02-unmeasured-is-not-fail") else {
        return;
    };
    let given = std::fs::read_to_string(folder.join("scores.json")).unwrap();
    let given: Vec<Option<f64>> = serde_json::from_str(&given).unwrap();
    assert_eq!(given, [Some(0.9), Some(0.75), None, Some(0.8), Some(0.6)]);
    let replies: [support::Reply; 5] = [
        |_| scores(vec![known(0.45), known(0.45), known(0.1)], Vec::new()),
        |_| scores(vec![known(0.5), known(0.25), known(0.25)], Vec::new()),
        |_| {
            Err(SlotFailure::AnswersMissing {
                detail: "prose".to_owned(),
            })
        },
        |_| scores(vec![known(0.4), known(0.4), known(0.2)], Vec::new()),
        |_| scores(vec![known(0.3), known(0.3), known(0.4)], Vec::new()),
    ];
    let models: Vec<FakeModel> = replies
        .into_iter()
        .zip(["a", "b", "c", "d", "e"])
        .map(|(reply, name)| FakeModel::new(name).replying(reply))
        .collect();
    let judges: Vec<&dyn Model> = models.iter().map(|model| model as &dyn Model).collect();
    let judged = judged(&asked_alone("0.7"), &judges, &["I want honest words."]);
    let expected = &case["expected"];
    let mean = judged[0].verdict.as_ref().unwrap().matching().unwrap();
    assert!((mean.value() - expected["mean"].as_f64().unwrap()).abs() < 1e-12);
    let known: Vec<f64> = judged[0]
        .judgements
        .iter()
        .filter_map(|judgement| Some(judgement.verdict.matching()?.value()))
        .collect();
    assert_eq!(expected["n"], known.len());
    assert_eq!(
        expected["unmeasured"],
        judged[0].judgements.len() - known.len()
    );
    let failed = known.iter().filter(|value| **value < 0.7).count();
    assert_eq!(expected["failed_threshold_0.7"], failed);
}

/// The masses that a chat reply shows at its first position, and what is left over.
fn shown(folder: &std::path::Path) -> (Vec<(String, Option<f64>)>, f64) {
    let body = std::fs::read_to_string(folder.join("response.json")).unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    let first = &body["choices"][0]["logprobs"]["content"][0]["top_logprobs"];
    let shown: Vec<(String, Option<f64>)> = first
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let token = entry["token"].as_str().unwrap().to_owned();
            (token, entry["logprob"].as_f64())
        })
        .collect();
    let mass: f64 = shown.iter().filter_map(|(_, log)| *log).map(f64::exp).sum();
    (shown, 1.0 - mass)
}

/// The bounds of P(Yes) when a judge gives what a case's reply shows, and the decision at a minimum.
fn decided(folder: &std::path::Path, minimum: &str) -> (f64, f64, &'static str) {
    let (tokens, rest) = shown(folder);
    // Forms are folded: blanks and case do not tell them apart.
    let of = |label: &str| -> f64 {
        let logs = tokens
            .iter()
            .filter(|(token, _)| token.trim().eq_ignore_ascii_case(label));
        logs.filter_map(|(_, log)| *log).map(f64::exp).sum()
    };
    let (yes, no) = (of("yes"), of("no"));
    assert!(
        yes > 0.0 && no <= 0.0,
        "the label `No` has no value in these cases"
    );
    struct Fixed(FakeModel, ScoreReply);
    impl Model for Fixed {
        fn identity(&self) -> &evalwright_core::ModelIdentity {
            &self.0.identity
        }
        fn sample(
            &self,
            _: &[SampleRequest],
            _: &Interrupt,
            _: evalwright_core::model::Deliver<'_, TextReply>,
        ) -> Result<(), ModelError> {
            Ok(())
        }
        fn score(
            &self,
            requests: &[ScoreRequest],
            _: &Interrupt,
            deliver: evalwright_core::model::Deliver<'_, ScoreReply>,
        ) -> Result<(), ModelError> {
            for index in 0..requests.len() {
                deliver(index, Ok(self.1.clone())).map_err(ModelError::Receiver)?;
            }
            Ok(())
        }
        fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
            self.0.count_tokens(prompt)
        }
    }
    let reply = ScoreReply {
        scores: vec![known(yes), at_most(rest), at_most(rest)],
        usage: TokenUsage::default(),
        notes: Vec::new(),
    };
    let kind = asked_alone(minimum);
    let judge = Fixed(FakeModel::new("judge"), reply.clone());
    let judged = judged(&kind, &[&judge], &["I want honest words."]);
    let Some(Verdict::Bounded { low, high }) = &judged[0].verdict else {
        panic!("{judged:?}")
    };
    // The decision of a run, over the texts written for the matching side.
    let (writer, behaviour, store) = (FakeModel::new("writer"), behaviour(4), TempStore::new());
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let outcome =
        evalwright_pipeline::run(&plan, &store.store, &Interrupt::default(), &Silent).unwrap();
    let matching = |reject: &&evalwright_core::Reject| {
        reject.candidate.slot.cell.label == evalwright_core::Side::Matching
            && !reject.candidate.judgements.is_empty()
    };
    let reasons: Vec<&RejectReason> = outcome
        .rejects
        .iter()
        .filter(matching)
        .map(|reject| &reject.reason)
        .collect();
    let is_undecided = reasons.iter().any(
        |reason| matches!(reason, RejectReason::Unjudged { detail } if detail.contains("undecided")),
    );
    let is_yes = reasons
        .iter()
        .any(|reason| matches!(reason, RejectReason::Surplus));
    assert_ne!(is_undecided, is_yes, "{reasons:?}");
    let decision = if is_yes { "Yes" } else { "undecided" };
    (low.value(), high.value(), decision)
}

#[test]
fn l04_l05_bounds_settle_a_label_only_where_both_ends_do() {
    for (name, minima) in [
        ("logprobs/L04-null-logprob-entry", &["0.5"][..]),
        ("logprobs/L05-label-not-among-top-k", &["0.9", "0.97"][..]),
    ] {
        let Some((folder, case)) = case(name) else {
            return;
        };
        let expected = &case["expected"];
        for minimum in minima {
            let (low, high, decision) = decided(&folder, minimum);
            assert!(
                (low - expected["p_yes_min"].as_f64().unwrap()).abs() < 1e-9,
                "{low}"
            );
            assert!(
                (high - expected["p_yes_max"].as_f64().unwrap()).abs() < 1e-9,
                "{high}"
            );
            assert_eq!(
                expected[format!("decision_at_{minimum}")],
                decision,
                "{name}"
            );
        }
    }
}
