//! The end of the work, told to every request that waits for its turn.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::poll;
use tokio::sync::Notify;

/// Tells every request under way that nothing more is sent.
#[derive(Default)]
pub(super) struct Halt {
    asked: AtomicBool,
    notify: Notify,
}

impl Halt {
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// `None` when the work ends before the future does.
    pub(super) async fn unless<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        // Made before the look, so that an end in between is not missed.
        let halted = self.notify.notified();
        if self.is_asked() {
            return None;
        }
        let mut future = pin!(future);
        // As a rule there is nothing to wait for, and then nobody has to be told of an end.
        if let Poll::Ready(result) = poll!(future.as_mut()) {
            return Some(result);
        }
        tokio::select! {
            // The end comes first: a place that became free at the same moment is not taken.
            biased;
            () = halted => None,
            result = future => Some(result),
        }
    }
}
