//! Everything that speaks HTTP: where model weights come from.
//!
//! The only crate that opens sockets. It never reads the environment: the caller says in
//! [`weights::Surroundings`] where caches and sources are. (The HTTP library itself honours the system's
//! certificates, `SSL_CERT_FILE` and the usual proxy variables.)

pub mod weights;

pub use weights::{
    CATALOGUE, ModelStatus, Patience, PinnedModel, PullEvent, PullRequest, Surroundings,
    WeightsError, find, list, pull,
};
