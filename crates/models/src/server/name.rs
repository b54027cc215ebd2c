//! A model's name as a user writes it: `openai/gpt-x`, `vllm/org/model@http://host:8000/v1`.
//!
//! A model's own name may hold slashes and at-signs; only `@http://` and `@https://` begin an address.

use std::fmt;

use super::address::Address;
use super::error::ServerError;
use super::profile::Profile;
use super::profiles::{PROFILES, profile, server_names};

/// The parts of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// The server's name, one of [`PROFILES`].
    pub server: String,
    /// The model's name at that server.
    pub model: String,
    /// The base URL, where the name holds one.
    pub base_url: Option<Address>,
}

impl ModelName {
    /// Takes a name apart.
    ///
    /// # Errors
    /// When server, model or address are missing or unknown; the message says what to write.
    pub fn parse(name: &str) -> Result<Self, ServerError> {
        let start = ["@http://", "@https://"]
            .iter()
            .filter_map(|mark| name.find(mark))
            .min();
        let (path, base_url) = match start.and_then(|start| name.split_at_checked(start)) {
            Some((path, address)) => (path, address.strip_prefix('@')),
            None => (name, None),
        };
        let Some((server, model)) = path.split_once('/') else {
            // A bare server's name lacks its model, any other word its server.
            return Err(match profile(path) {
                Some(known) => no_model(path, known.name),
                None => ServerError::NoServer {
                    name: path.to_owned(),
                    servers: server_names(),
                },
            });
        };
        let Some(known) = profile(server) else {
            return Err(ServerError::UnknownServer {
                server: server.to_owned(),
                servers: server_names(),
            });
        };
        if model.trim().is_empty() {
            return Err(no_model(path, known.name));
        }
        Ok(Self {
            server: known.name.to_owned(),
            model: model.to_owned(),
            base_url: base_url.map(Address::parse).transpose()?,
        })
    }

    /// What the server can do. The first profile stands in for a server that is none, which `parse` never makes.
    #[must_use]
    pub fn profile(&self) -> &'static Profile {
        profile(&self.server).unwrap_or(&PROFILES[0])
    }
}

fn no_model(name: &str, server: &str) -> ServerError {
    ServerError::NoModel {
        name: name.to_owned(),
        server: server.to_owned(),
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.server, self.model)?;
        match &self.base_url {
            Some(base_url) => write!(formatter, "@{base_url}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_server_a_model_and_perhaps_an_address() {
        let name = ModelName::parse("openai/gpt-x").unwrap();
        assert_eq!((&*name.server, &*name.model), ("openai", "gpt-x"));
        assert_eq!(name.base_url, None);
        let name = ModelName::parse("vllm/org/model@http://host:8000/v1").unwrap();
        assert_eq!((&*name.server, &*name.model), ("vllm", "org/model"));
        assert_eq!(name.to_string(), "vllm/org/model@http://host:8000/v1");
        let name = ModelName::parse("openai-compatible/@cf/model@2@https://h.invalid").unwrap();
        assert_eq!(name.model, "@cf/model@2");
    }

    #[test]
    fn what_is_missing_is_said() {
        let message = |name: &str| ModelName::parse(name).unwrap_err().to_string();
        assert!(message("gpt-x").contains("`<server>/<model>`"));
        assert!(message("openai").contains("`openai/<model>`"));
        assert!(message("openai/").contains("`openai/<model>`"));
        assert!(message("opnai/gpt-x").contains("openai, azure"));
        assert!(message("vllm/m@http://").contains("http://host:8000/v1"));
    }

    #[test]
    fn a_key_in_the_address_is_never_shown() {
        let name = ModelName::parse("vllm/m@http://me:canary@h.invalid/v1?key=canary").unwrap();
        assert!(!format!("{name} {name:?}").contains("canary"));
        let error = ModelName::parse("vllm/m@http://me:canary@h.invalid:port/v1").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
