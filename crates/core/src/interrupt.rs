//! What the receiver of replies signals to the models that make them: to stop, or to wait until what came is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Once asked, a model takes on no further request, finishes those under way, and returns.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Signals>);

#[derive(Debug, Default)]
struct Signals {
    asked: AtomicBool,
    unkept: Unkept,
}

impl Interrupt {
    /// Asks everyone who holds a clone to finish what is in flight and stop.
    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Replies that were delivered and could still be lost.
    #[must_use]
    pub fn unkept(&self) -> &Unkept {
        &self.0.unkept
    }
}

/// Counts replies that were delivered and are not durable yet. A model that is paid for each reply counts them with
/// the requests under way, so that a crash can never lose more than that many of either.
#[derive(Debug, Default)]
pub struct Unkept(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    count: usize,
    waiting: Vec<Waker>,
}

impl Unkept {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more in.
    pub fn add(&self) {
        self.lock().count += 1;
    }

    /// So many are durable now, or given up.
    pub fn remove(&self, count: usize) {
        let mut state = self.lock();
        state.count = state.count.saturating_sub(count);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// Waits until there are fewer than this. With 0 it waits for ever.
    pub async fn fewer_than(&self, limit: usize) {
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if state.count < limit {
                return Poll::Ready(());
            }
            if !state
                .waiting
                .iter()
                .any(|known| known.will_wake(context.waker()))
            {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Wake};

    use super::*;

    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_waits_is_woken_when_there_is_room() {
        let interrupt = Interrupt::default();
        let unkept = interrupt.unkept();
        unkept.add();
        unkept.add();
        let woken = Arc::new(Counted(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut room = pin!(unkept.fewer_than(1));
        for _ in 0..3 {
            assert!(room.as_mut().poll(&mut context).is_pending());
        }
        unkept.remove(1);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1, "woken once");
        assert!(room.as_mut().poll(&mut context).is_pending());
        unkept.remove(5);
        assert!(room.as_mut().poll(&mut context).is_ready());
        assert_eq!(unkept.count(), 0);
    }
}
