//! What can go wrong when files are published to a hub. No message holds the token.

use thiserror::Error;

/// Why files could not be published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HubError {
    /// The hub's address is none. It is not shown: it may hold a key.
    #[error("the hub's address cannot be used: {problem}")]
    Address {
        /// What is wrong.
        problem: String,
    },
    /// The token cannot stand in a header.
    #[error("the token holds characters that no header can carry")]
    Token,
    /// The runtime could not be set up.
    #[error("connections cannot be set up")]
    Runtime(#[source] std::io::Error),
    /// TLS could not be set up.
    #[error("connections cannot be set up")]
    Client(#[source] reqwest::Error),
    /// The hub does not accept the token, or it may not write there.
    #[error("the hub refused the token at {path} (status {status}): {detail}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The status.
        status: u16,
        /// What the hub says.
        detail: String,
    },
    /// The hub declined.
    #[error("the hub answered {path} with status {status}: {detail}")]
    Status {
        /// What was asked for.
        path: String,
        /// The status.
        status: u16,
        /// What the hub says.
        detail: String,
    },
    /// No connection, or it broke off.
    #[error("{path}: {problem}")]
    Connection {
        /// What was asked for.
        path: String,
        /// What happened.
        problem: &'static str,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that cannot be used.
    #[error("the hub's answer to {path} cannot be used: {problem}")]
    Answer {
        /// What was asked for.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}
