//! Model calls through the store: what is there is never asked again, and nothing is used before it is durable.
//!
//! All misses of a batch go to the model in one call, so that it can work on them together.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use evalwright_core::model::Deliver;
use evalwright_core::{
    ContentHash, Interrupt, Model, ModelError, ModelIdentity, SampleRequest, ScoreReply,
    ScoreRequest, SlotFailure, TextReply, TokenUsage,
};
use evalwright_store::{Entry, ReplyStore, StoreError, sample_key, score_key};

use crate::error::PipelineError;
use crate::inbox::Inbox;
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
    type Reply: Clone + PartialEq + Send;
    /// Its kind.
    const KIND: CallKind;

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
        let inbox = Inbox::new(
            self.store,
            model.identity(),
            self.interrupt,
            self.progress,
            &keys,
            &requests,
        );
        let ended = thread::scope(|scope| {
            let committer = thread::Builder::new()
                .name("replies".to_owned())
                .spawn_scoped(scope, || inbox.commit_all())
                .map_err(PipelineError::Thread)?;
            let ended = {
                let _closing = inbox.closing();
                C::send(model, &requests, self.interrupt, &|index, reply| {
                    inbox.take(index, reply)
                })
            };
            // A panic while it commits leaves replies behind that were never counted as kept.
            let committed = committer
                .join()
                .map_err(|_| broken(model, "its replies could not be kept"));
            Ok::<_, PipelineError>((ended, committed))
        });
        let (kept, failure) = inbox.into_kept();
        *self.sent.of(C::KIND) += count(kept.len());
        let missing = keys.len() - kept.len();
        replies.extend(kept);
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        let (ended, committed) = ended?;
        ended?;
        committed?;
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

fn usage_of<C: Call>(reply: &Result<C::Reply, SlotFailure>) -> TokenUsage {
    reply
        .as_ref()
        .map_or_else(|_| TokenUsage::default(), C::usage)
}

pub(crate) fn tell<C: Call>(
    progress: &dyn Progress,
    reply: &Result<C::Reply, SlotFailure>,
    from_store: bool,
) {
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
