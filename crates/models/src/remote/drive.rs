//! Many requests at once: as many under way as connections allow, each answer handed on as it comes.
//!
//! Invariants: no more requests are under way or delivered and not kept yet than there are connections; after a
//! stop or an interrupt nothing new is sent, and what is under way is still delivered.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use evalwright_core::model::Deliver;
use evalwright_core::{Interrupt, ModelError, SlotFailure, StopReason};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::halt::Halt;
use super::model::RemoteModel;

/// So many requests refused one after the other, with no good answer between them, are no accident: the server
/// does not take requests like ours.
const REFUSALS: usize = 20;

/// How often an interrupt is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Connections that a server has closed between two pieces of work are noticed within this time, before one of them
/// is used.
const SETTLE: Duration = Duration::from_millis(1);

/// How one request ended.
pub(super) enum Ended<R> {
    /// With an answer or a failure of its own.
    Answered(Result<R, SlotFailure>),
    /// No request can succeed any more.
    Stopped(StopReason, String),
    /// It was not sent (again), since the work ends.
    Abandoned,
}

impl RemoteModel {
    /// Runs `ask` for every index below `count`, as many at a time as connections allow. Replies that are not kept
    /// yet hold their connections: a crash repeats no more than one request of each. What the server refuses is
    /// delivered with the next good answer: where none comes, the server refuses all, and no request has failed by
    /// itself.
    pub(super) async fn drive<'a, R, F>(
        &'a self,
        count: usize,
        halt: &'a Halt,
        interrupt: &'a Interrupt,
        ask: impl Fn(usize) -> F,
        deliver: Deliver<'a, R>,
    ) -> Result<(), ModelError>
    where
        F: Future<Output = Ended<R>>,
    {
        tokio::time::sleep(SETTLE).await;
        let mut waiting = 0..count;
        let mut under_way = FuturesUnordered::new();
        let mut end: Option<ModelError> = None;
        let mut look = tokio::time::interval(LOOK);
        let mut refused: Vec<(usize, Result<R, SlotFailure>)> = Vec::new();
        let most = self.endpoints.most_connections();
        let unkept = interrupt.unkept();
        loop {
            if interrupt.is_asked() && !halt.is_asked() {
                halt.ask();
            }
            while !halt.is_asked() && under_way.len() + unkept.count() < most {
                let Some(index) = waiting.next() else { break };
                let asked = ask(index);
                under_way.push(async move { (index, asked.await) });
            }
            let more = !waiting.is_empty() && !halt.is_asked();
            if under_way.is_empty() && !more {
                break;
            }
            let room = most.saturating_sub(under_way.len());
            let (index, ended) = tokio::select! {
                // Answers first: while they come, nothing else has to be looked at, and the interrupt is looked at
                // above.
                biased;
                Some(next) = under_way.next() => next,
                () = unkept.fewer_than(room), if more && room > 0 => continue,
                _ = look.tick() => continue,
            };
            match ended {
                Ended::Answered(Err(failure @ SlotFailure::RequestRefused { .. })) => {
                    let count = self.refused.fetch_add(1, Ordering::SeqCst) + 1;
                    if count >= REFUSALS {
                        let cause = format!(
                            "the server refused {count} requests one after the other and answered none between \
                             them; the last one: {failure}"
                        );
                        end.get_or_insert_with(|| self.stopped(StopReason::Unsupported, cause));
                        halt.ask();
                        refused.clear();
                    } else {
                        refused.push((index, Err(failure)));
                    }
                }
                Ended::Answered(reply) => {
                    if reply.is_ok() {
                        self.refused.store(0, Ordering::SeqCst);
                    }
                    let held = reply.is_ok().then(|| refused.drain(..));
                    for (index, reply) in held.into_iter().flatten().chain([(index, reply)]) {
                        handed_on(deliver, index, reply, &mut end, halt);
                    }
                }
                Ended::Stopped(reason, cause) => {
                    end.get_or_insert_with(|| self.stopped(reason, cause));
                    halt.ask();
                }
                Ended::Abandoned => {
                    // Only after a halt; without a reason of its own it was the user's.
                    waiting = count..count;
                    end.get_or_insert(ModelError::Interrupted);
                }
            }
        }
        for (index, reply) in refused {
            handed_on(deliver, index, reply, &mut end, halt);
        }
        if end.is_none() && !waiting.is_empty() {
            end = Some(ModelError::Interrupted);
        }
        end.map_or(Ok(()), Err)
    }
}

/// Delivers a reply. Once the receiver has failed it gets nothing more.
fn handed_on<R>(
    deliver: Deliver<'_, R>,
    index: usize,
    reply: Result<R, SlotFailure>,
    end: &mut Option<ModelError>,
    halt: &Halt,
) {
    if matches!(end, Some(ModelError::Receiver(_))) {
        return;
    }
    if let Err(cause) = deliver(index, reply) {
        *end = Some(ModelError::Receiver(cause));
        halt.ask();
    }
}
