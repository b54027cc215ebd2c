//! Model calls through the store: what is there is never asked again, and nothing is used before it is durable.
//!
//! All misses of a batch go to the model in one call, so that it can work on them together.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::thread;

use evalwright_core::model::Deliver;
use evalwright_core::{
    ContentHash, Interrupt, Model, ModelError, SampleRequest, ScoreReply, ScoreRequest,
    SlotFailure, StopReason, TextReply, TokenUsage,
};
use evalwright_store::{Entry, Found, ModelKey, ReplyStore, StoreError};
use rayon::prelude::*;

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

    fn key(&self, model: &ModelKey) -> ContentHash;
    /// What stands under each key.
    fn stored(
        store: &ReplyStore,
        keys: &[ContentHash],
    ) -> Result<Vec<Found<Self::Reply>>, StoreError>;
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

    fn key(&self, model: &ModelKey) -> ContentHash {
        model.sample(self)
    }

    fn stored(
        store: &ReplyStore,
        keys: &[ContentHash],
    ) -> Result<Vec<Found<TextReply>>, StoreError> {
        store.texts(keys)
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

    fn key(&self, model: &ModelKey) -> ContentHash {
        model.score(self)
    }

    fn stored(
        store: &ReplyStore,
        keys: &[ContentHash],
    ) -> Result<Vec<Found<ScoreReply>>, StoreError> {
        store.scores(keys)
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
    seen: HashSet<ContentHash>,
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
            seen: HashSet::new(),
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
        self.ask_by_keys(model, requests, keys(model, requests))
    }

    /// [`Caller::ask`], for requests whose order means nothing to a model. They are sent in the order of their keys: what
    /// comes back together then lies together in the store, and each of its pages is written once in place of once
    /// for nearly every reply.
    pub(crate) fn ask_scattered<C: Call + Send>(
        &mut self,
        model: &dyn Model,
        requests: Vec<C>,
    ) -> Result<Vec<Answer<C::Reply>>, PipelineError> {
        let keys = keys(model, &requests);
        let mut keyed: Vec<(ContentHash, usize, C)> = keys
            .into_iter()
            .zip(requests)
            .enumerate()
            .map(|(place, (key, request))| (key, place, request))
            .collect();
        keyed.par_sort_unstable_by_key(|(key, place, _)| (*key, *place));
        let mut places = Vec::with_capacity(keyed.len());
        let mut sorted = Vec::with_capacity(keyed.len());
        let mut keys = Vec::with_capacity(keyed.len());
        for (key, place, request) in keyed {
            keys.push(key);
            places.push(place);
            sorted.push(request);
        }
        let answers = self.ask_by_keys(model, &sorted, keys)?;
        let mut placed: Vec<_> = places.into_iter().zip(answers).collect();
        placed.sort_unstable_by_key(|(place, _)| *place);
        Ok(placed.into_iter().map(|(_, answer)| answer).collect())
    }

    /// [`Caller::ask`], with the key of each request.
    fn ask_by_keys<C: Call>(
        &mut self,
        model: &dyn Model,
        requests: &[C],
        keys: Vec<ContentHash>,
    ) -> Result<Vec<Answer<C::Reply>>, PipelineError> {
        let mut batch = Batch::new(keys, requests);
        let mut misses = Vec::new();
        let keys: Vec<ContentHash> = batch.distinct.iter().map(|one| one.key).collect();
        let stored = C::stored(self.store, &keys)?;
        for (place, (distinct, stored)) in batch.distinct.iter_mut().zip(stored).enumerate() {
            match stored {
                Some(reply) => {
                    let reply = distinct
                        .request
                        .check(reply)
                        .map_err(|problem| broken(model, &problem))?;
                    distinct.reply = Some(reply);
                }
                None => misses.push(place),
            }
        }
        self.progress.event(&Event::Batch {
            call: C::KIND,
            model: model.identity().name.clone(),
            from_store: count(batch.distinct.len() - misses.len()),
            to_send: count(misses.len()),
        });
        for reply in batch.replies() {
            tell::<C>(self.progress, reply, true);
        }
        self.send(model, requests, &misses, &mut batch)?;
        for distinct in &batch.distinct {
            if let Some(reply) = &distinct.reply
                && self.seen.insert(distinct.key)
            {
                *self.used.of(C::KIND) += 1;
                self.usage += usage_of::<C>(reply);
            }
        }
        Ok(batch.answers())
    }

    /// Asks for one answer that the outcome does not use: it is sent and kept, and counts as sent alone. A model
    /// that gives none however often it is asked is as good as none.
    pub(crate) fn try_out<C: Call>(
        &mut self,
        model: &dyn Model,
        request: &C,
    ) -> Result<(), PipelineError> {
        let (used, usage, seen) = (self.used, self.usage, self.seen.clone());
        let answers = self.ask(model, std::slice::from_ref(request))?;
        (self.used, self.usage, self.seen) = (used, usage, seen);
        for answer in answers {
            if let Err(failure @ SlotFailure::GaveUp { .. }) = answer.reply {
                return Err(PipelineError::Model(ModelError::Stopped {
                    model: model.identity().name.clone(),
                    reason: StopReason::ServerSick,
                    cause: format!("not one answer came: {failure}"),
                }));
            }
        }
        Ok(())
    }

    /// Sends what the store does not hold, and adds the replies once they are durable.
    fn send<C: Call>(
        &mut self,
        model: &dyn Model,
        all: &[C],
        misses: &[usize],
        batch: &mut Batch<'_, C>,
    ) -> Result<(), PipelineError> {
        if misses.is_empty() {
            return Ok(());
        }
        if self.interrupt.is_asked() {
            return Err(PipelineError::Interrupted);
        }
        let missing = || misses.iter().filter_map(|place| batch.distinct.get(*place));
        let keys: Vec<ContentHash> = missing().map(|distinct| distinct.key).collect();
        // As a rule nothing is there yet, and a copy of all prompts would be most of the memory of a large batch.
        let requests: Cow<'_, [C]> = if misses.len() == all.len() {
            Cow::Borrowed(all)
        } else {
            missing()
                .map(|distinct| distinct.request.clone())
                .collect::<Vec<C>>()
                .into()
        };
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
        let mut came = 0;
        for (place, reply) in misses.iter().zip(kept) {
            came += usize::from(reply.is_some());
            if let Some(distinct) = batch.distinct.get_mut(*place) {
                distinct.reply = reply;
            }
        }
        *self.sent.of(C::KIND) += count(came);
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        let (ended, committed) = ended?;
        ended?;
        committed?;
        if came < misses.len() {
            return Err(PipelineError::Unanswered {
                model: model.identity().name.clone(),
                call: C::KIND.as_str(),
                missing: count(misses.len() - came),
                asked: count(misses.len()),
            });
        }
        Ok(())
    }
}

/// The key of each request to a model.
fn keys<C: Call>(model: &dyn Model, requests: &[C]) -> Vec<ContentHash> {
    let model = ModelKey::of(model.identity());
    requests
        .par_iter()
        .map(|request| request.key(&model))
        .collect()
}

/// Requests of one call, of which equal ones are one.
struct Batch<'r, C: Call> {
    /// Each request once, in the order of their first appearance.
    distinct: Vec<Distinct<'r, C>>,
    /// For each request its position among those.
    places: Vec<usize>,
}

struct Distinct<'r, C: Call> {
    key: ContentHash,
    request: &'r C,
    reply: Option<Result<C::Reply, SlotFailure>>,
}

impl<'r, C: Call> Batch<'r, C> {
    fn new(keys: Vec<ContentHash>, requests: &'r [C]) -> Self {
        let mut distinct: Vec<Distinct<'r, C>> = Vec::with_capacity(requests.len());
        let mut known: HashMap<ContentHash, usize> = HashMap::with_capacity(requests.len());
        let places = requests
            .iter()
            .zip(keys)
            .map(|(request, key)| {
                *known.entry(key).or_insert_with(|| {
                    distinct.push(Distinct {
                        key,
                        request,
                        reply: None,
                    });
                    distinct.len() - 1
                })
            })
            .collect();
        Self { distinct, places }
    }

    /// The replies that are there.
    fn replies(&self) -> impl Iterator<Item = &Result<C::Reply, SlotFailure>> {
        self.distinct
            .iter()
            .filter_map(|distinct| distinct.reply.as_ref())
    }

    /// The answer to each request, in their order.
    fn answers(mut self) -> Vec<Answer<C::Reply>> {
        let is_single = self.distinct.len() == self.places.len();
        self.places
            .into_iter()
            .filter_map(|place| {
                let distinct = self.distinct.get_mut(place)?;
                let reply = if is_single {
                    distinct.reply.take()
                } else {
                    distinct.reply.clone()
                };
                Some(Answer {
                    key: distinct.key,
                    reply: reply?,
                })
            })
            .collect()
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
