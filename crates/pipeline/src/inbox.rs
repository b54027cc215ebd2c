//! Takes delivered replies in from any thread and commits them together.
//!
//! One thread commits whatever waits while the next replies come in, so a flush to the disk serves as many
//! replies as arrived during the one before. A reply is kept, told of and used only after its commit; until then
//! it counts as unkept, which holds back a model that is paid for each. What may go better next time
//! ([`SlotFailure::is_final`]) is used in this run; the store keeps it as an attempt, not as a reply. Where another
//! run has kept another reply to the same request first, that one is used: what is published never depends on who
//! came last.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evalwright_core::{ContentHash, Interrupt, ModelIdentity, SlotFailure};
use evalwright_store::{Entry, ReplyStore, StoreError};

use crate::calls::{Call, tell};
use crate::progress::{Event, Progress};

/// What a request brought.
type Reply<C> = Result<<C as Call>::Reply, SlotFailure>;
/// For each request the reply that may be used.
type Kept<C> = Vec<Option<Reply<C>>>;

/// The replies of one batch on their way into the store.
pub(crate) struct Inbox<'a, C: Call> {
    store: &'a ReplyStore,
    model: &'a ModelIdentity,
    interrupt: &'a Interrupt,
    progress: &'a dyn Progress,
    keys: &'a [ContentHash],
    requests: &'a [C],
    state: Mutex<State<C>>,
    changed: Condvar,
}

/// How long the committer waits for more replies while many come: a flush to the disk costs about as much for one as for
/// a hundred. Next to a call of a model it is nothing.
const PATIENCE: Duration = Duration::from_millis(2);

/// So many replies are worth a flush of their own; a whole batch of them holds few connections.
const ENOUGH: usize = 64;

/// Fewer than this between two commits are few: nothing is gained by waiting for more.
const FEW: usize = 4;

struct State<C: Call> {
    came: Vec<bool>,
    waiting: Vec<(usize, Reply<C>)>,
    /// The committer is to be woken when so many wait.
    wanted: usize,
    kept: Kept<C>,
    /// Replies that came and are not committed.
    unkept: usize,
    failure: Option<StoreError>,
    is_closed: bool,
    is_over: bool,
}

/// Closes an inbox when it goes, also when a model panics: the committer would wait for ever.
pub(crate) struct Closing<'i, 'a, C: Call>(&'i Inbox<'a, C>);

impl<C: Call> Drop for Closing<'_, '_, C> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

/// The committer at work. When it goes, also by a panic, nobody may wait for it any more.
struct Committing<'i, 'a, C: Call>(&'i Inbox<'a, C>);

impl<C: Call> Drop for Committing<'_, '_, C> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_over = true;
        self.0.interrupt.unkept().remove(state.unkept);
        state.unkept = 0;
    }
}

impl<'a, C: Call> Inbox<'a, C> {
    pub(crate) fn new(
        store: &'a ReplyStore,
        model: &'a ModelIdentity,
        interrupt: &'a Interrupt,
        progress: &'a dyn Progress,
        keys: &'a [ContentHash],
        requests: &'a [C],
    ) -> Self {
        Self {
            store,
            model,
            interrupt,
            progress,
            keys,
            requests,
            state: Mutex::new(State {
                came: vec![false; requests.len()],
                waiting: Vec::new(),
                wanted: 1,
                kept: requests.iter().map(|_| None).collect(),
                unkept: 0,
                failure: None,
                is_closed: false,
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The end of deliveries: [`Inbox::commit_all`] returns once the guard is gone and nothing waits.
    pub(crate) fn closing(&self) -> Closing<'_, 'a, C> {
        Closing(self)
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a reply in; it waits for the committer. The error is a sentence, and ends the batch.
    pub(crate) fn take(&self, index: usize, reply: Reply<C>) -> Result<(), String> {
        let request = self
            .requests
            .get(index)
            .ok_or_else(|| format!("there is no request {index} in this batch"))?;
        let reply = request.check(reply)?;
        let mut state = self.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.to_string());
        }
        if state.is_over {
            return Err("replies cannot be kept any more".to_owned());
        }
        match state.came.get_mut(index) {
            Some(came @ false) => *came = true,
            _ => return Err(format!("request {index} was answered twice")),
        }
        state.waiting.push((index, reply));
        state.unkept += 1;
        self.interrupt.unkept().add();
        // The committer is not woken for each of many: that would cost as much as the commit.
        let enough = state.waiting.len() >= state.wanted;
        drop(state);
        if enough {
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Commits whatever waits, again and again, until deliveries have ended or the store fails.
    pub(crate) fn commit_all(&self) {
        let _committing = Committing(self);
        let mut last = 0;
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && !state.is_closed {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if last >= FEW {
                state.wanted = (2 * last).min(ENOUGH);
                (state, _) = self
                    .changed
                    .wait_timeout_while(state, PATIENCE, |state| {
                        state.waiting.len() < state.wanted && !state.is_closed
                    })
                    .unwrap_or_else(PoisonError::into_inner);
                state.wanted = 1;
            }
            let waiting = std::mem::take(&mut state.waiting);
            last = waiting.len();
            drop(state);
            if waiting.is_empty() {
                return;
            }
            let waiting = match self.commit_or_give_way(waiting) {
                Ok(waiting) => waiting,
                Err(failure) => {
                    self.lock().failure = Some(failure);
                    return;
                }
            };
            self.lock().unkept -= waiting.len();
            self.interrupt.unkept().remove(waiting.len());
            for (_, reply) in &waiting {
                tell::<C>(self.progress, reply, false);
            }
            let mut state = self.lock();
            for (index, reply) in waiting {
                if let Some(place) = state.kept.get_mut(index) {
                    *place = Some(reply);
                }
            }
        }
    }

    /// Commits; gives the replies as they are in the store.
    fn commit_or_give_way(
        &self,
        mut waiting: Vec<(usize, Reply<C>)>,
    ) -> Result<Vec<(usize, Reply<C>)>, StoreError> {
        let Err(failure) = self.commit(&waiting) else {
            return Ok(waiting);
        };
        if !matches!(failure, StoreError::Conflict { .. }) {
            return Err(failure);
        }
        let mut replies = 0;
        for (index, reply) in &mut waiting {
            let Some(key) = self.keys.get(*index) else {
                continue;
            };
            if let Some(Some(first)) = C::stored(self.store, &[*key])?.pop()
                && first != *reply
            {
                *reply = first;
                replies += 1;
            }
        }
        // Those that did not conflict were stored with the first attempt; this finds whatever else is wrong.
        self.commit(&waiting)?;
        self.progress.event(&Event::FirstKept {
            call: C::KIND,
            replies,
        });
        Ok(waiting)
    }

    fn commit(&self, waiting: &[(usize, Reply<C>)]) -> Result<(), StoreError> {
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
        C::put(self.store, &entries)
    }

    /// Everything that may be used, and why the store failed if it did.
    pub(crate) fn into_kept(self) -> (Kept<C>, Option<StoreError>) {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (state.kept, state.failure)
    }
}
