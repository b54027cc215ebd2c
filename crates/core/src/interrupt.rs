//! A wish to stop, shared between the one who asks for it and those who heed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Once asked, a model takes on no further request, finishes those under way, and returns.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks everyone who holds a clone to finish what is in flight and stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
