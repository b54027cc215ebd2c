//! What can go wrong when a model behind a server is opened. Nothing has been sent then.

use thiserror::Error;

/// Why a model cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// No place to send to.
    #[error("a model needs at least one address")]
    NoConnection,
    /// TLS or the runtime could not be set up.
    #[error("connections cannot be set up: {problem}")]
    Setup {
        /// What happened.
        problem: String,
    },
    /// A value that no header can carry. The value itself is not shown: it may be a key.
    #[error("the value for the header {header} holds characters that no header can carry")]
    Header {
        /// The header.
        header: String,
    },
}
