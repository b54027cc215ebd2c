//! The same replies give the same bytes, whatever the order, the threads and the interruptions.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use evalwright_core::model::Deliver;
use evalwright_core::{
    Finish, Interrupt, Model, ModelError, ModelIdentity, Prompt, SampleRequest, ScoreReply,
    ScoreRequest, TextReply,
};
use evalwright_pipeline::{CallCounts, Event, PipelineError, Progress, RunPlan, Silent, run};
use evalwright_store::{ReplyStore, sample_key};
use support::{After, FakeModel, TempStore, behaviour, bytes, kind, run_with};

fn fresh(delivery: (u64, usize), rows: u32) -> (String, CallCounts) {
    let temporary = TempStore::new();
    let outcome = run_with(
        &kind(),
        &behaviour(rows),
        &FakeModel::new("writer").delivery(delivery.0, delivery.1),
        &FakeModel::new("judge").delivery(delivery.0, delivery.1),
        &temporary.store,
        &Silent,
    )
    .unwrap();
    assert_eq!(
        outcome.rows.len(),
        usize::try_from(rows).unwrap(),
        "the plan can be fulfilled"
    );
    assert!(
        outcome.manifest.funnel.waves > 1,
        "waves depend on the replies before them"
    );
    (bytes(&outcome), outcome.calls_sent)
}

#[test]
fn delivery_order_and_threads_change_nothing() {
    let expected = fresh((0, 1), 16);
    for delivery in [(1, 1), (2, 1), (0, 4), (3, 4), (4, 7)] {
        assert_eq!(fresh(delivery, 16), expected, "{delivery:?}");
    }
}

fn merge(total: &mut BTreeMap<String, u32>, model: &FakeModel) {
    for (request, times) in model.answered() {
        *total.entry(request).or_default() += times;
    }
}

#[test]
fn a_run_interrupted_after_any_reply_goes_on_without_asking_twice() {
    let (expected, calls) = fresh((0, 1), 4);
    // Every place where the writer can be stopped, and every place where the judge can be.
    let mut stops: Vec<(After, After)> = Vec::new();
    stops.extend((1..=calls.sample).map(|n| (After::Interrupt(n as usize), After::Nothing)));
    stops.extend((1..=calls.score).map(|n| (After::Nothing, After::Interrupt(n as usize))));
    stops.push((After::Interrupt(2), After::Interrupt(3)));
    let (kind, behaviour) = (kind(), behaviour(4));
    for (number, (stop_writer, stop_judge)) in stops.into_iter().enumerate() {
        let temporary = TempStore::new();
        let mut answered = BTreeMap::new();
        let delivery = (number as u64, 1 + number % 3);
        let mut stopped = 0;
        let mut limits = vec![(After::Nothing, After::Nothing), (stop_writer, stop_judge)];
        let outcome = loop {
            let (writer, judge) = limits.pop().unwrap_or((After::Nothing, After::Nothing));
            let writer = FakeModel::new("writer")
                .delivery(delivery.0, delivery.1)
                .after(writer);
            let judge = FakeModel::new("judge")
                .delivery(delivery.0, delivery.1)
                .after(judge);
            let judges: [&dyn Model; 1] = [&judge];
            let plan = RunPlan {
                behaviour: &behaviour,
                kind: &kind,
                generator: &writer,
                judges: &judges,
                embedder: None,
                limit: None,
            };
            let result = run(&plan, &temporary.store, &Interrupt::default(), &Silent);
            merge(&mut answered, &writer);
            merge(&mut answered, &judge);
            match result {
                Ok(outcome) => break outcome,
                Err(PipelineError::Interrupted) => stopped += 1,
                Err(other) => panic!("{other}"),
            }
            assert!(stopped < 3, "a run without a stop ends");
        };
        assert_eq!(bytes(&outcome), expected, "{stop_writer:?} {stop_judge:?}");
        assert!(
            answered.values().all(|times| *times == 1),
            "no request is answered twice"
        );
        assert_eq!(answered.len() as u64, calls.sample + calls.score);
    }
}

#[test]
fn what_came_before_a_model_broke_is_kept() {
    let temporary = TempStore::new();
    let (kind, behaviour) = (kind(), behaviour(8));
    let writer = FakeModel::new("writer").after(After::Break(5));
    let judge = FakeModel::new("judge");
    let error = run_with(
        &kind,
        &behaviour,
        &writer,
        &judge,
        &temporary.store,
        &Silent,
    )
    .unwrap_err();
    assert!(matches!(error, PipelineError::Model(_)), "{error}");
    assert_eq!(temporary.store.count().unwrap(), 5);

    // Replies are committed together as they come; what waits when the model breaks is kept as well.
    let judge = FakeModel::new("judge").after(After::Break(3));
    let writer = FakeModel::new("writer");
    run_with(
        &kind,
        &behaviour,
        &writer,
        &judge,
        &temporary.store,
        &Silent,
    )
    .unwrap_err();
    let texts = writer.answered().len() as u64 + 5;
    assert_eq!(temporary.store.count().unwrap(), texts + 3);
}

#[test]
fn a_second_run_asks_nothing_and_gives_the_same_bytes() {
    let temporary = TempStore::new();
    let (kind, behaviour) = (kind(), behaviour(8));
    let first = run_with(
        &kind,
        &behaviour,
        &FakeModel::new("writer"),
        &FakeModel::new("judge"),
        &temporary.store,
        &Silent,
    )
    .unwrap();
    assert!(first.calls_sent.sample > 0 && first.calls_sent.score > 0);
    assert_eq!(first.calls_sent.sample, first.manifest.funnel.sample_calls);
    assert_eq!(first.calls_sent.score, first.manifest.funnel.score_calls);

    // Models of the same name that would answer otherwise: the store is what counts (case G08).
    let writer = FakeModel::new("writer").after(After::Break(0));
    let judge = FakeModel::new("judge")
        .rating(|_, _, _| Ok(-1.0))
        .after(After::Break(0));
    let second = run_with(
        &kind,
        &behaviour,
        &writer,
        &judge,
        &temporary.store,
        &Silent,
    )
    .unwrap();
    assert_eq!(second.calls_sent, CallCounts::default());
    assert_eq!(bytes(&first), bytes(&second));
}

#[test]
fn an_interrupt_before_the_start_sends_nothing() {
    let temporary = TempStore::new();
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let (kind, behaviour) = (kind(), behaviour(4));
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let interrupt = Interrupt::default();
    interrupt.ask();
    let error = run(&plan, &temporary.store, &interrupt, &Silent).unwrap_err();
    assert!(matches!(error, PipelineError::Interrupted));
    assert!(writer.answered().is_empty());
}

/// While this writer works, another process stores another answer to its third request.
struct Overtaken<'a>(FakeModel, &'a ReplyStore);

impl Model for Overtaken<'_> {
    fn identity(&self) -> &ModelIdentity {
        &self.0.identity
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        let request = &requests[2];
        let other = support::text(" was here first.", Finish::Stop);
        let key = sample_key(self.identity(), request);
        self.1
            .put_text(key, request, self.identity(), &other)
            .unwrap();
        self.0.sample(requests, interrupt, deliver)
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        self.0.score(requests, interrupt, deliver)
    }

    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        self.0.count_tokens(prompt)
    }
}

#[test]
fn a_reply_that_another_run_kept_first_is_used() {
    let temporary = TempStore::new();
    let (kind, behaviour) = (kind(), behaviour(4));
    let writer = Overtaken(FakeModel::new("writer"), &temporary.store);
    let judge = FakeModel::new("judge");
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let outcome = run(&plan, &temporary.store, &Interrupt::default(), &Silent).unwrap();
    let judged = judge.answered();
    assert!(
        judged
            .keys()
            .any(|request| request.contains("was here first")),
        "{judged:?}"
    );
    // And by a run that finds everything in the store.
    let again = run(&plan, &temporary.store, &Interrupt::default(), &Silent).unwrap();
    assert_eq!(outcome.rows, again.rows);
    assert_eq!(outcome.manifest, again.manifest);
}

/// Looks into the store whenever it is told of a fresh reply.
struct Watcher<'a> {
    store: &'a ReplyStore,
    told: AtomicU64,
    too_early: AtomicU64,
}

impl Progress for Watcher<'_> {
    fn event(&self, event: &Event) {
        if let Event::Reply {
            from_store: false, ..
        } = event
        {
            let told = self.told.fetch_add(1, Ordering::SeqCst) + 1;
            if self.store.count().unwrap() < told {
                self.too_early.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

#[test]
fn a_reply_is_told_of_only_when_it_is_in_the_store() {
    let temporary = TempStore::new();
    let watcher = Watcher {
        store: &temporary.store,
        told: AtomicU64::new(0),
        too_early: AtomicU64::new(0),
    };
    let outcome = run_with(
        &kind(),
        &behaviour(12),
        &FakeModel::new("writer").delivery(1, 8),
        &FakeModel::new("judge").delivery(2, 8),
        &temporary.store,
        &watcher,
    )
    .unwrap();
    let told = watcher.told.load(Ordering::SeqCst);
    assert_eq!(told, outcome.calls_sent.sample + outcome.calls_sent.score);
    assert_eq!(told, temporary.store.count().unwrap());
    assert_eq!(watcher.too_early.load(Ordering::SeqCst), 0);
}

#[test]
fn a_model_that_panics_leaves_no_one_waiting_and_its_replies_kept() {
    let panics: support::Write = |request, chance| {
        assert!(!chance.is_multiple_of(5), "this model breaks");
        support::varied_text(request, chance)
    };
    let temporary = TempStore::new();
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run_with(
            &kind(),
            &behaviour(40),
            &FakeModel::new("writer").writing(panics),
            &FakeModel::new("judge"),
            &temporary.store,
            &Silent,
        )
    }));
    assert!(ended.is_err(), "a panic is not taken for an answer");
    assert!(temporary.store.count().unwrap() > 0);
}
