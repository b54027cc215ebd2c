//! Threads that work side by side and never wait for each other inside a pass.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::LocalError;

/// Why the work ended early.
pub(crate) enum Stopped {
    Interrupted,
    Receiver(String),
    Engine(LocalError),
}

impl From<LocalError> for Stopped {
    fn from(error: LocalError) -> Self {
        Self::Engine(error)
    }
}

/// A lock whose holder panicked still guards a whole value here: every update is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one worker per thread (at least one) and returns the first failure.
pub(crate) fn work(
    threads: usize,
    worker: impl Fn() -> Result<(), Stopped> + Sync,
) -> Result<(), Stopped> {
    let outcome: Mutex<Result<(), Stopped>> = Mutex::new(Ok(()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                // A pool of one keeps every product on this thread: nothing waits at a barrier.
                let result = rayon::ThreadPoolBuilder::new()
                    .num_threads(1)
                    .use_current_thread()
                    .build()
                    .map_err(|cause| Stopped::Engine(LocalError::Engine(cause.to_string())))
                    .and_then(|_pool| worker());
                if let Err(stopped) = result {
                    let mut outcome = lock(&outcome);
                    if outcome.is_ok() {
                        *outcome = Err(stopped);
                    }
                }
            });
        }
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}
