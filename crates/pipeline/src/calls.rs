//! Model calls through the store: what is there is never asked again, and nothing is used before it is durable.
//!
//! All misses of a batch go to the model in one call, so that it can work on them together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use evalwright_core::model::Deliver;
use evalwright_core::{
    ContentHash, Interrupt, Model, ModelError, ModelIdentity, SampleRequest, ScoreReply,
    ScoreRequest, SlotFailure, TextReply, TokenUsage,
};
use evalwright_store::{Entry, ReplyStore, StoreError, sample_key, score_key};

use crate::error::PipelineError;
use crate::progress::{CallKind, Event, Progress};

/// Numbers of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Calls that wrote text.
    pub sample: u64,
    /// Calls that scored.
    pub score: u64,
}

impl CallCounts {
    fn of(&mut self, call: CallKind) -> &mut u64 {
        match call {
            CallKind::Sample => &mut self.sample,
            CallKind::Score => &mut self.score,
        }
    }
}

/// One kind of model call.
pub(crate) trait Call: Clone + Sync {
    /// What comes back.
    type Reply: Clone + Send;
    /// Its kind.
    const KIND: CallKind;
    /// So many replies are committed together. A text takes long to write, so each is kept at once; scores
    /// come fast, and one disk flush each would cost more than the few that a crash could take.
    const COMMIT: usize;

    fn key(&self, model: &ModelIdentity) -> ContentHash;
    fn stored(
        store: &ReplyStore,
        key: ContentHash,
    ) -> Result<Option<Result<Self::Reply, SlotFailure>>, StoreError>;
    fn put(store: &ReplyStore, entries: &[Entry<'_, Self, Self::Reply>]) -> Result<(), StoreError>;
    fn send(
        model: &dyn Model,
        requests: &[Self],
        interrupt: &Interrupt,
        deliver: Deliver<'_, Self::Reply>,
    ) -> Result<(), ModelError>;
    fn usage(reply: &Self::Reply) -> TokenUsage;
    /// Checks that a reply answers this request; the error is a sentence about a broken model.
    fn check(
        &self,
        reply: Result<Self::Reply, SlotFailure>,
    ) -> Result<Result<Self::Reply, SlotFailure>, String>;
}

impl Call for SampleRequest {
    type Reply = TextReply;
    const KIND: CallKind = CallKind::Sample;
    const COMMIT: usize = 1;

    fn key(&self, model: &ModelIdentity) -> ContentHash {
        sample_key(model, self)
    }

    fn stored(
        store: &ReplyStore,
        key: ContentHash,
    ) -> Result<Option<Result<TextReply, SlotFailure>>, StoreError> {
        store.text(key)
    }

    fn put(store: &ReplyStore, entries: &[Entry<'_, Self, TextReply>]) -> Result<(), StoreError> {
        store.put_text_batch(entries)
    }

    fn send(
        model: &dyn Model,
        requests: &[Self],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        model.sample(requests, interrupt, deliver)
    }

    fn usage(reply: &TextReply) -> TokenUsage {
        reply.usage
    }

    fn check(
        &self,
        reply: Result<TextReply, SlotFailure>,
    ) -> Result<Result<TextReply, SlotFailure>, String> {
        Ok(reply)
    }
}

impl Call for ScoreRequest {
    type Reply = ScoreReply;
    const KIND: CallKind = CallKind::Score;
    const COMMIT: usize = 32;

    fn key(&self, model: &ModelIdentity) -> ContentHash {
        score_key(model, self)
    }

    fn stored(
        store: &ReplyStore,
        key: ContentHash,
    ) -> Result<Option<Result<ScoreReply, SlotFailure>>, StoreError> {
        store.score(key)
    }

    fn put(store: &ReplyStore, entries: &[Entry<'_, Self, ScoreReply>]) -> Result<(), StoreError> {
        store.put_score_batch(entries)
    }

    fn send(
        model: &dyn Model,
        requests: &[Self],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        model.score(requests, interrupt, deliver)
    }

    fn usage(reply: &ScoreReply) -> TokenUsage {
        reply.usage
    }

    fn check(
        &self,
        reply: Result<ScoreReply, SlotFailure>,
    ) -> Result<Result<ScoreReply, SlotFailure>, String> {
        let Ok(scored) = &reply else { return Ok(reply) };
        let (got, expected) = (scored.scores.len(), self.continuations.len());
        if got != expected {
            return Err(format!("it gave {got} scores for {expected} continuations"));
        }
        if scored
            .scores
            .iter()
            .all(|score| score.log_probability.is_finite())
        {
            Ok(reply)
        } else {
            // One candidate's trouble: the store would refuse such numbers and end the run.
            Ok(Err(SlotFailure::NonFiniteLogits))
        }
    }
}

/// A reply and its key in the store.
#[derive(Debug, Clone)]
pub(crate) struct Answer<R> {
    /// The key.
    pub(crate) key: ContentHash,
    /// The reply.
    pub(crate) reply: Result<R, SlotFailure>,
}

/// Asks models, through the store.
pub(crate) struct Caller<'a> {
    store: &'a ReplyStore,
    interrupt: &'a Interrupt,
    progress: &'a dyn Progress,
    seen: BTreeSet<ContentHash>,
    used: CallCounts,
    sent: CallCounts,
    usage: TokenUsage,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(
        store: &'a ReplyStore,
        interrupt: &'a Interrupt,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            store,
            interrupt,
            progress,
            seen: BTreeSet::new(),
            used: CallCounts::default(),
            sent: CallCounts::default(),
            usage: TokenUsage::default(),
        }
    }

    /// Calls whose replies the run uses, wherever they came from; equal requests count once.
    pub(crate) fn used(&self) -> CallCounts {
        self.used
    }

    /// Calls that went to a model in this process.
    pub(crate) fn sent(&self) -> CallCounts {
        self.sent
    }

    /// Tokens of the replies that the run uses; equal requests count once.
    pub(crate) fn usage(&self) -> TokenUsage {
        self.usage
    }

    /// The answers to requests, in their order.
    pub(crate) fn ask<C: Call>(
        &mut self,
        model: &dyn Model,
        requests: &[C],
    ) -> Result<Vec<Answer<C::Reply>>, PipelineError> {
        let identity = model.identity();
        let keys: Vec<ContentHash> = requests
            .iter()
            .map(|request| request.key(identity))
            .collect();
        let mut replies = BTreeMap::new();
        let mut misses: Vec<(ContentHash, C)> = Vec::new();
        let mut looked_up = BTreeSet::new();
        for (key, request) in keys.iter().zip(requests) {
            if !looked_up.insert(*key) {
                continue;
            }
            match C::stored(self.store, *key)? {
                Some(reply) => {
                    let reply = request
                        .check(reply)
                        .map_err(|problem| broken(model, &problem))?;
                    replies.insert(*key, reply);
                }
                None => misses.push((*key, request.clone())),
            }
        }
        self.progress.event(&Event::Batch {
            call: C::KIND,
            model: identity.name.clone(),
            from_store: count(replies.len()),
            to_send: count(misses.len()),
        });
        for reply in replies.values() {
            tell::<C>(self.progress, reply, true);
        }
        self.send(model, misses, &mut replies)?;
        for (key, reply) in &replies {
            if self.seen.insert(*key) {
                *self.used.of(C::KIND) += 1;
                self.usage += usage_of::<C>(reply);
            }
        }
        Ok(keys
            .into_iter()
            .filter_map(|key| {
                replies.get(&key).map(|reply| Answer {
                    key,
                    reply: reply.clone(),
                })
            })
            .collect())
    }

    /// Sends what the store does not hold, and adds the replies once they are durable.
    fn send<C: Call>(
        &mut self,
        model: &dyn Model,
        misses: Vec<(ContentHash, C)>,
        replies: &mut BTreeMap<ContentHash, Result<C::Reply, SlotFailure>>,
    ) -> Result<(), PipelineError> {
        if misses.is_empty() {
            return Ok(());
        }
        if self.interrupt.is_asked() {
            return Err(PipelineError::Interrupted);
        }
        let (keys, requests): (Vec<ContentHash>, Vec<C>) = misses.into_iter().unzip();
        let inbox = Inbox {
            store: self.store,
            model: model.identity(),
            progress: self.progress,
            keys: &keys,
            requests: &requests,
            state: Mutex::new(InboxState::new()),
        };
        let ended = C::send(model, &requests, self.interrupt, &|index, reply| {
            inbox.take(index, reply)
        });
        let (kept, failure) = inbox.close();
        *self.sent.of(C::KIND) += count(kept.len());
        let missing = keys.len() - kept.len();
        replies.extend(kept);
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        ended?;
        if missing > 0 {
            return Err(PipelineError::Unanswered {
                model: model.identity().name.clone(),
                call: C::KIND.as_str(),
                missing: count(missing),
                asked: count(keys.len()),
            });
        }
        Ok(())
    }
}

/// Takes delivered replies in from any thread and commits them in groups.
struct Inbox<'a, C: Call> {
    store: &'a ReplyStore,
    model: &'a ModelIdentity,
    progress: &'a dyn Progress,
    keys: &'a [ContentHash],
    requests: &'a [C],
    state: Mutex<InboxState<C::Reply>>,
}

struct InboxState<R> {
    came: BTreeSet<usize>,
    waiting: Vec<(usize, Result<R, SlotFailure>)>,
    kept: BTreeMap<ContentHash, Result<R, SlotFailure>>,
    failure: Option<StoreError>,
}

impl<R> InboxState<R> {
    fn new() -> Self {
        Self {
            came: BTreeSet::new(),
            waiting: Vec::new(),
            kept: BTreeMap::new(),
            failure: None,
        }
    }
}

impl<C: Call> Inbox<'_, C> {
    fn take(&self, index: usize, reply: Result<C::Reply, SlotFailure>) -> Result<(), String> {
        let request = self
            .requests
            .get(index)
            .ok_or_else(|| format!("there is no request {index} in this batch"))?;
        let reply = request.check(reply)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_some() {
            return Err("the store failed before".to_owned());
        }
        if !state.came.insert(index) {
            return Err(format!("request {index} was answered twice"));
        }
        state.waiting.push((index, reply));
        if state.waiting.len() >= C::COMMIT {
            self.commit(&mut state)
        } else {
            Ok(())
        }
    }

    fn commit(&self, state: &mut InboxState<C::Reply>) -> Result<(), String> {
        let waiting = std::mem::take(&mut state.waiting);
        let entries: Vec<Entry<'_, C, C::Reply>> = waiting
            .iter()
            .filter_map(|(index, reply)| {
                let (key, request) = (self.keys.get(*index)?, self.requests.get(*index)?);
                Some(Entry {
                    key: *key,
                    request,
                    model: self.model,
                    reply,
                })
            })
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        if let Err(failure) = C::put(self.store, &entries) {
            let sentence = failure.to_string();
            state.failure = Some(failure);
            return Err(sentence);
        }
        for (index, reply) in waiting {
            tell::<C>(self.progress, &reply, false);
            if let Some(key) = self.keys.get(index) {
                state.kept.insert(*key, reply);
            }
        }
        Ok(())
    }

    /// Commits what still waits, and gives everything that is durable.
    #[expect(
        clippy::type_complexity,
        reason = "two parts of one result, taken apart at once"
    )]
    fn close(
        self,
    ) -> (
        BTreeMap<ContentHash, Result<C::Reply, SlotFailure>>,
        Option<StoreError>,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // After a failure nothing more is put; the failure itself stands in the state.
        if state.failure.is_none() && self.commit(&mut state).is_err() {
            state.kept.clear();
        }
        (std::mem::take(&mut state.kept), state.failure.take())
    }
}

fn usage_of<C: Call>(reply: &Result<C::Reply, SlotFailure>) -> TokenUsage {
    reply
        .as_ref()
        .map_or_else(|_| TokenUsage::default(), C::usage)
}

fn tell<C: Call>(progress: &dyn Progress, reply: &Result<C::Reply, SlotFailure>, from_store: bool) {
    progress.event(&Event::Reply {
        call: C::KIND,
        from_store,
        usage: usage_of::<C>(reply),
    });
}

fn broken(model: &dyn Model, problem: &str) -> PipelineError {
    PipelineError::Model(ModelError::Engine {
        model: model.identity().name.clone(),
        cause: problem.to_owned(),
    })
}

/// A length as a count.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
