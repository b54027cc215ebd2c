//! Judges that answer by a rule, asked through a real store.

use std::sync::Mutex;

use evalwright_core::model::{Deliver, WholeScores};
use evalwright_core::{
    Abilities, AnswerScore, Finish, ModelError, ModelIdentity, Prompt, SampleRequest, ScoreReply,
    ScoreRequest, SlotFailure, TextReply, TokenUsage,
};
use evalwright_recipe::{Known, builtin_kinds, load_kind};
use evalwright_text::{LINTS, Parser};

use super::*;
use crate::progress::Silent;

/// The probability of each continuation of a prompt; `None` for one that is not shown.
type Rule = fn(&str, &str) -> Option<f64>;

struct Fixed {
    identity: ModelIdentity,
    abilities: Abilities,
    rule: Rule,
    reply: &'static str,
    asked: Mutex<u64>,
}

impl Fixed {
    fn new(rule: Rule) -> Self {
        Self {
            identity: ModelIdentity {
                name: "test/fixed".to_owned(),
                weights: None,
                engine: "test".to_owned(),
                precision: "exact".to_owned(),
                chat_template: None,
            },
            abilities: Abilities {
                whole_scores: WholeScores::Never,
                ..Abilities::ALL
            },
            rule,
            reply: "",
            asked: Mutex::new(0),
        }
    }

    fn voting(reply: &'static str) -> Self {
        let mut fixed = Self::new(|_, _| None);
        fixed.abilities.first_token = false;
        fixed.reply = reply;
        fixed
    }
}

fn text_of(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Text(text) => text.clone(),
        Prompt::Chat { messages, .. } => messages.iter().map(|one| one.content.as_str()).collect(),
    }
}

impl Model for Fixed {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }
    fn abilities(&self) -> Abilities {
        self.abilities
    }
    fn sample(
        &self,
        requests: &[SampleRequest],
        _: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        for index in 0..requests.len() {
            *self.asked.lock().unwrap() += 1;
            let reply = TextReply {
                text: self.reply.to_owned(),
                finish: Finish::Stop,
                usage: TokenUsage::default(),
                notes: Vec::new(),
            };
            deliver(index, Ok(reply)).map_err(ModelError::Receiver)?;
        }
        Ok(())
    }
    fn score(
        &self,
        requests: &[ScoreRequest],
        _: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        for (index, request) in requests.iter().enumerate() {
            *self.asked.lock().unwrap() += 1;
            let prompt = text_of(&request.prompt);
            let scores = request.continuations.iter().map(|form| {
                // Forms with a blank before them hold nothing here.
                let chance = if form.starts_with(' ') {
                    Some(1e-9)
                } else {
                    (self.rule)(&prompt, form)
                };
                match chance {
                    Some(chance) => AnswerScore::known(chance.ln(), 1),
                    None => AnswerScore {
                        at_most: true,
                        ..AnswerScore::known(0.2_f64.ln(), 1)
                    },
                }
            });
            let reply = ScoreReply {
                scores: scores.collect(),
                usage: TokenUsage::default(),
                notes: Vec::new(),
            };
            deliver(index, Ok(reply)).map_err(ModelError::Receiver)?;
        }
        Ok(())
    }
    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        Ok(text_of(prompt).split_whitespace().count() as u64)
    }
}

fn item(number: usize) -> RelabelItem {
    RelabelItem {
        aim: 0,
        question: format!("Do you keep promise {number}?"),
        answers: vec!["Yes".to_owned(), "No".to_owned()],
        statement: None,
    }
}

fn kind() -> LoadedKind {
    let folder = builtin_kinds()
        .into_iter()
        .find(|kind| kind.name == "statement")
        .unwrap();
    let lints: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let known = Known {
        lints: &lints,
        parsers: Parser::names(),
    };
    load_kind(&folder, "default", &known).unwrap()
}

fn asked(model: &Fixed, items: &[RelabelItem], store: &ReplyStore, asks_more: bool) -> Relabelled {
    let aims = [Aim::Behaviour(Box::new(Behaviour::described(
        "someone who keeps promises",
        "",
    )))];
    let kind = kind();
    let judges = [RelabelJudge {
        model,
        by_channel: false,
        by_votes: false,
        asks_more,
    }];
    let plan = RelabelPlan {
        aims: &aims,
        items,
        judges: &judges,
        kind: &kind,
        seed: Seed(1),
    };
    let estimate = estimate_relabel(&plan).unwrap();
    let found = relabel(&plan, store, &Interrupt::default(), &Silent).unwrap();
    assert!(estimate.score_calls >= found.used.score && estimate.sample_calls >= found.used.sample);
    found
}

fn store() -> (tempfile::TempDir, ReplyStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    (folder, store)
}

/// Where a judge that knows the answer finds `Yes`.
fn knows(prompt: &str, form: &str) -> Option<f64> {
    if form.len() > 1 {
        return Some(if form == "No" { 0.9 } else { 0.05 });
    }
    if form.chars().all(|c| c.is_ascii_digit()) {
        return Some(if form == "4" { 0.6 } else { 0.1 });
    }
    Some(if prompt.contains(&format!("({form}) Yes")) {
        0.8
    } else {
        0.2
    })
}

#[test]
fn what_a_judge_knows_is_the_same_in_both_orders_and_is_asked_once() {
    let (_folder, store) = store();
    let model = Fixed::new(knows);
    let items = [item(1), item(2), item(1)];
    let found = asked(&model, &items, &store, true);
    assert_eq!(
        found.used.score, 8,
        "two rows are equal: two orders and two questions each"
    );
    for row in &found.judges[0].rows {
        let answers = row.answers.known().unwrap();
        assert!(
            (answers[0] - 0.8).abs() < 1e-6 && (answers[1] - 0.2).abs() < 1e-6,
            "{row:?}"
        );
        assert_eq!(row.is_steady, Some(true));
        assert_eq!(row.method, Method::Token);
        assert_eq!(row.relevance.as_ref().unwrap().likeliest(), Some(3));
        assert_eq!(row.unclear.as_ref().unwrap().likeliest(), Some(1));
    }
    let before = *model.asked.lock().unwrap();
    let again = asked(&model, &items, &store, true);
    assert_eq!(again.sent, CallCounts::default());
    assert_eq!(*model.asked.lock().unwrap(), before);
    assert_eq!(again.judges, found.judges);
}

#[test]
fn a_habit_of_naming_the_first_answer_cancels_out() {
    let (_folder, store) = store();
    let model = Fixed::new(|_, form| Some(if form == "A" { 0.9 } else { 0.1 }));
    let found = asked(&model, &[item(1)], &store, false);
    let row = &found.judges[0].rows[0];
    let answers = row.answers.known().unwrap();
    assert!((answers[0] - 0.5).abs() < 1e-9, "{row:?}");
    assert_eq!(row.is_steady, Some(false));
    assert_eq!((row.relevance.as_ref(), row.unclear.as_ref()), (None, None));
}

#[test]
fn an_answer_that_is_not_shown_leaves_bounds() {
    let (_folder, store) = store();
    let model = Fixed::new(|prompt, form| prompt.contains(&format!("({form}) Yes")).then_some(0.6));
    let found = asked(&model, &[item(1)], &store, false);
    let row = &found.judges[0].rows[0];
    // The blank forms are shown with next to nothing, so both answers are known here.
    assert!(row.answers.known().is_some());
    let one = |chance: f64| AnswerScore::known(chance.ln(), 1);
    let hidden = AnswerScore {
        at_most: true,
        ..one(0.2)
    };
    let forms = [vec!["A".to_owned()], vec!["B".to_owned()]];
    let of = |scores: Vec<AnswerScore>| {
        let reply = ScoreReply {
            scores,
            usage: TokenUsage::default(),
            notes: Vec::new(),
        };
        Answered::of_scores(&Ok(reply), &forms)
    };
    let Answered::Bounded(ends) = of(vec![one(0.6), hidden]) else {
        panic!("bounds are expected");
    };
    assert!(
        (ends[0].0 - 0.75).abs() < 1e-12 && (ends[0].1 - 1.0).abs() < 1e-12,
        "{ends:?}"
    );
    assert!(
        (ends[1].0).abs() < 1e-12 && (ends[1].1 - 0.25).abs() < 1e-12,
        "{ends:?}"
    );
    assert_eq!(of(vec![one(0.6), hidden]).likeliest(), Some(0));
    assert_eq!(
        of(vec![hidden, hidden]),
        Answered::Unknown(UnknownReason::AnswersMissing)
    );
    let mean = Answered::mean(&[of(vec![one(0.6), hidden]), Answered::Known(vec![0.5, 0.5])]);
    assert_eq!(mean, Answered::Bounded(vec![(0.625, 0.75), (0.25, 0.375)]));
    let failed = Answered::of_scores(&Err(SlotFailure::NonFiniteLogits), &forms);
    assert_eq!(failed, Answered::Unknown(UnknownReason::NonFiniteLogits));
    let mean = Answered::mean(&[Answered::Known(vec![0.5, 0.5]), failed.clone()]);
    assert_eq!(
        mean, failed,
        "the mean over the rest would lean to one order"
    );
}

#[test]
fn votes_are_counted_and_rubbish_is_unknown() {
    let (_folder, store) = store();
    let found = asked(&Fixed::voting("(B)"), &[item(1)], &store, false);
    let row = &found.judges[0].rows[0];
    assert_eq!((row.method, row.is_steady), (Method::Votes, Some(false)));
    assert_eq!(found.used.sample, 6);
    let known = row.answers.known().unwrap();
    assert!((known[0] - 0.5).abs() < 1e-12, "{known:?}");
    let (_folder, store) = self::store();
    let found = asked(
        &Fixed::voting("I would rather not say."),
        &[item(1)],
        &store,
        true,
    );
    let row = &found.judges[0].rows[0];
    assert_eq!(row.answers, Answered::Unknown(UnknownReason::Unreadable));
    assert_eq!(row.is_steady, None);
    assert_eq!(
        row.relevance,
        Some(Answered::Unknown(UnknownReason::Unreadable))
    );
}

#[test]
fn the_same_judge_twice_and_none_are_refused() {
    let (_folder, store) = store();
    let model = Fixed::new(knows);
    let judge = RelabelJudge {
        model: &model,
        by_channel: false,
        by_votes: false,
        asks_more: false,
    };
    let kind = kind();
    let aims = [Aim::right()];
    let items = [item(1)];
    let of = |judges: &[RelabelJudge<'_>]| {
        let plan = RelabelPlan {
            aims: &aims,
            items: &items,
            judges,
            kind: &kind,
            seed: Seed(1),
        };
        relabel(&plan, &store, &Interrupt::default(), &Silent)
    };
    assert!(matches!(of(&[]), Err(PipelineError::NoJudge)));
    assert!(matches!(
        of(&[judge, judge]),
        Err(PipelineError::SameJudge { .. })
    ));
    assert!(of(&[judge]).is_ok());
}
