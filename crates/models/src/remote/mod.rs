//! A model behind a server: how a request is sent, what its answer means, when the next one may go out.
//!
//! Nothing here reads what a model said; that is told from the bytes in [`crate::wire`]. Every wait is decided
//! here, and nowhere else: the HTTP library neither retries nor follows redirects.

mod backoff;
mod classify;
mod drive;
mod embed;
mod endpoint;
mod halt;
mod model;
mod moment;
mod pace;
mod redact;
mod retry_after;
mod said;
mod settings;
mod too_long;
mod transport;
pub(crate) mod trouble;

pub use backoff::Backoff;
pub(crate) use classify::error_object;
pub use model::RemoteModel;
pub use settings::{Notice, Settings};
pub use transport::Limits as TransportLimits;
