//! Why a model's name does not lead to a server.

use thiserror::Error;

/// What is wrong with a model's name, address or key. Each message says what to do.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerError {
    /// The name has no server in front.
    #[error(
        "{name:?} does not say which server has the model: write `<server>/<model>`, with one of the servers {servers}"
    )]
    NoServer {
        /// The name as written.
        name: String,
        /// The servers there are.
        servers: String,
    },
    /// The name has no model behind the server.
    #[error("{name:?} does not say which model: write `{server}/<model>`")]
    NoModel {
        /// The name as written.
        name: String,
        /// Its server.
        server: String,
    },
    /// The server is not one of ours.
    #[error(
        "there is no server named {server:?}; known are {servers}. For any other one that speaks OpenAI's protocol \
         write `openai-compatible/<model>@<base URL>`"
    )]
    UnknownServer {
        /// The server as written.
        server: String,
        /// The servers there are.
        servers: String,
    },
    /// The server has no usual address, and none was given.
    #[error(
        "{server} needs an address: write `{server}/{model}@http://host:port/v1`{by_variable}",
        by_variable = also(.variables, "put it into")
    )]
    NoAddress {
        /// The server.
        server: String,
        /// The model.
        model: String,
        /// Variables that may hold the address.
        variables: Vec<String>,
    },
    /// An address that is none. Its text is not shown whole, since it can hold a key.
    #[error("the address {shown} cannot be used: {reason}; write one like http://host:8000/v1")]
    Address {
        /// The address without what can be secret.
        shown: String,
        /// What is wrong.
        reason: String,
    },
    /// The server wants a key and none is set.
    #[error("{server} needs a key: set {variable}")]
    NoKey {
        /// The server.
        server: String,
        /// The variable that holds it.
        variable: String,
    },
    /// A key that cannot be sent in a header.
    #[error(
        "the value of {variable} cannot be a key: it is empty, or holds blanks inside or characters that no header can carry"
    )]
    BadKey {
        /// The variable.
        variable: String,
    },
}

fn also(variables: &[String], verb: &str) -> String {
    if variables.is_empty() {
        String::new()
    } else {
        format!(", or {verb} {}", variables.join(" or "))
    }
}
