//! Everything that speaks HTTP: where model weights come from, what servers are asked and answer, and publishing to a hub.
//!
//! The only crate that opens sockets. It never reads the environment: the caller says in
//! [`weights::Surroundings`] where caches and sources are. (The HTTP library itself honours the system's
//! certificates, `SSL_CERT_FILE` and the usual proxy variables.)

mod error;
pub mod hub;
pub mod money;
pub(crate) mod probability;
pub mod remote;
pub mod replay;
pub mod server;
pub mod weights;
pub(crate) mod wire;

pub use error::ModelsError;
pub use weights::{
    CATALOGUE, ModelStatus, Patience, PinnedModel, PullEvent, PullRequest, Surroundings,
    WeightsError, find, list, pull,
};
