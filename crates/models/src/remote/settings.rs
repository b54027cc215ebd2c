//! What the user decides about servers: patience, connections, money.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::backoff::Backoff;
use super::transport::Limits;
use crate::money::{Budget, Price};

/// How a server is asked.
#[derive(Clone)]
pub struct Settings {
    /// How long an answer may take and how large it may be.
    pub limits: Limits,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// The longest wait that a server may ask for; a longer one ends the run.
    pub longest_wait: Duration,
    /// Attempts for one request, the first included. At least 1.
    pub attempts: u32,
    /// Attempts for answers that are odd but whole, such as an empty one.
    pub odd_attempts: u32,
    /// Connections at the beginning.
    pub first_connections: usize,
    /// Connections at most.
    pub most_connections: usize,
    /// Limits on money and tokens, shared by all models of a run.
    pub budget: Budget,
    /// What the model costs.
    pub price: Price,
    /// The time of day; counts where a server's dates have nothing else to count from.
    pub clock: fn() -> SystemTime,
    /// Is told what goes wrong and is asked again.
    pub talk: Arc<dyn Fn(&Notice) + Send + Sync>,
}

/// Something to tell the user while a server is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A request is asked again.
    Again {
        /// The model's name.
        model: String,
        /// What went wrong. No secret.
        detail: String,
        /// How long it waits.
        wait: Duration,
    },
}
