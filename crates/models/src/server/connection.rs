//! Where a model's requests go and what each of them carries: address, key and headers.
//!
//! A user's own words win over variables, variables over the profile. A key is taken from its own server's variables
//! only, so it is never sent to another.

use super::address::Address;
use super::error::ServerError;
use super::name::ModelName;
use super::profile::{Authorization, Profile, Protocol};
use super::secret::Secret;

/// Looks up a variable. The caller decides where: the environment, a file, a test's list.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Ollama's port where `OLLAMA_HOST` names none.
const OLLAMA_PORT: u16 = 11434;

/// A server as it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// What the server can do.
    pub profile: &'static Profile,
    /// The model's name at the server.
    pub model: String,
    /// The base URL.
    pub base_url: Address,
    /// The key, where there is one.
    pub key: Option<Secret>,
    /// Headers that every request carries beside the key's: name and value.
    pub headers: Vec<(&'static str, String)>,
}

impl Connection {
    /// Finds address, key and headers of a model.
    ///
    /// # Errors
    /// When there is no address, when it is none, or when a key is needed and none is set.
    pub fn open(name: &ModelName, variables: Variables<'_>) -> Result<Self, ServerError> {
        let profile = name.profile();
        let first = |names: &'static [&'static str]| {
            names.iter().find_map(|variable| {
                let value = variables(variable)?;
                (!value.trim().is_empty()).then_some((*variable, value))
            })
        };
        let base_url = match (&name.base_url, first(profile.base_url_variables)) {
            (Some(base_url), _) => base_url.clone(),
            (None, Some((_, value))) => match profile.protocol {
                Protocol::Ollama => Address::parse_host(&value, OLLAMA_PORT)?,
                Protocol::Chat | Protocol::Messages => Address::parse(&value)?,
            },
            (None, None) => {
                let usual = profile.base_url.ok_or_else(|| ServerError::NoAddress {
                    server: name.server.clone(),
                    model: name.model.clone(),
                    variables: owned(profile.base_url_variables),
                })?;
                Address::parse(usual)?
            }
        };
        let key = match first(profile.key_variables) {
            Some((variable, value)) => Some(readable(variable, &value)?),
            None if profile.key_needed => {
                return Err(ServerError::NoKey {
                    server: name.server.clone(),
                    variable: owned(profile.key_variables).join(" or "),
                });
            }
            None => None,
        };
        let mut headers: Vec<(&'static str, String)> = profile
            .headers
            .iter()
            .map(|(header, value)| (*header, (*value).to_owned()))
            .collect();
        for known in profile.header_variables {
            if let Some(value) = variables(known.variable).filter(|value| !value.trim().is_empty())
            {
                headers.push((known.header, value.trim().to_owned()));
            }
        }
        Ok(Self {
            profile,
            model: name.model.clone(),
            base_url,
            key,
            headers,
        })
    }

    /// The header that carries the key: name and value.
    #[must_use]
    pub fn authorization(&self) -> Option<(&'static str, Secret)> {
        let key = self.key.as_ref()?;
        Some(match self.profile.authorization {
            Authorization::Bearer => (
                "authorization",
                Secret::new(format!("Bearer {}", key.expose())),
            ),
            Authorization::Header(name) => (name, key.clone()),
        })
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A key without the line end that copying it may have added.
fn readable(variable: &str, value: &str) -> Result<Secret, ServerError> {
    let key = value.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ServerError::BadKey {
            variable: variable.to_owned(),
        });
    }
    Ok(Secret::new(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str, variables: &[(&str, &str)]) -> Result<Connection, ServerError> {
        let look_up = |wanted: &str| {
            variables
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| (*value).to_owned())
        };
        Connection::open(&ModelName::parse(name).unwrap(), &look_up)
    }

    #[test]
    fn the_name_wins_over_the_variable_and_the_variable_over_the_profile() {
        let key = ("OPENAI_API_KEY", "invented\n");
        let base = ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
        let shown = |name: &str, variables: &[(&str, &str)]| {
            open(name, variables).unwrap().base_url.to_string()
        };
        assert_eq!(shown("openai/m", &[key]), "https://api.openai.com/v1");
        assert_eq!(shown("openai/m", &[key, base]), "http://127.0.0.1:9/v1");
        assert_eq!(
            shown("openai/m@http://a.invalid", &[key, base]),
            "http://a.invalid"
        );
        let host = ("OLLAMA_HOST", "0.0.0.0");
        assert_eq!(shown("ollama/m", &[host]), "http://127.0.0.1:11434");
    }

    #[test]
    fn keys_go_into_the_header_of_their_server_alone() {
        let key = [
            ("OPENAI_API_KEY", "invented"),
            ("ANTHROPIC_API_KEY", "other"),
        ];
        let (name, value) = open("openai/m", &key).unwrap().authorization().unwrap();
        assert_eq!((name, value.expose()), ("authorization", "Bearer invented"));
        let (name, value) = open("anthropic/m", &key).unwrap().authorization().unwrap();
        assert_eq!((name, value.expose()), ("x-api-key", "other"));
        let other = open("openai-compatible/m@http://h.invalid", &key).unwrap();
        assert_eq!(other.key, None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = |name: &str, variables| open(name, variables).unwrap_err().to_string();
        assert_eq!(
            message("openai/m", &[]),
            "openai needs a key: set OPENAI_API_KEY"
        );
        assert!(message("openai/m", &[("OPENAI_API_KEY", " ")]).contains("OPENAI_API_KEY"));
        assert!(message("openai/m", &[("OPENAI_API_KEY", "a b")]).contains("OPENAI_API_KEY"));
        let azure = message("azure/m", &[("AZURE_OPENAI_API_KEY", "invented")]);
        assert!(azure.contains("AZURE_OPENAI_ENDPOINT"), "{azure}");
        assert!(message("openai-compatible/m", &[]).contains("@http://host:port/v1"));
    }

    #[test]
    fn nothing_of_a_key_is_in_the_debug_text() {
        let connection = open("openai/m", &[("OPENAI_API_KEY", "canary")]).unwrap();
        assert!(!format!("{connection:?}").contains("canary"));
    }
}
