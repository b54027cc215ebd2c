//! The base URL of a server and the URL of each of its endpoints.
//!
//! A pure function of base URL and endpoint: all spellings of one server (`http://h`, `http://h/`, `http://h/v1`,
//! `http://h/v1/`) reach one URL, and a full endpoint URL is taken as it is. What is shown never holds user, password
//! or query, which can be keys.

use std::fmt;

use reqwest::Url;

use super::error::ServerError;

/// Endpoints that a base URL may already end with.
const ENDPOINTS: &[&[&str]] = &[
    &["chat", "completions"],
    &["completions"],
    &["embeddings"],
    &["messages"],
    &["api", "chat"],
    &["api", "generate"],
    &["api", "embed"],
];

/// A server's base URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// What in the address may be secret: user, password and query.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for part in [Some(self.0.username()), self.0.password()] {
            let part = part.unwrap_or_default();
            secrets.extend([part.to_owned(), percent_decoded(part)]);
        }
        secrets.extend(self.0.query_pairs().map(|(_, value)| value.into_owned()));
        secrets
    }

    /// Reads a base URL.
    ///
    /// # Errors
    /// When it is no `http` or `https` URL with a host.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        let refused = |reason: String| ServerError::Address {
            shown: shown_text(text),
            reason,
        };
        let url = Url::parse(text.trim()).map_err(|error| refused(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("it does not begin with http:// or https://".into()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("it names no host".into()));
        }
        Ok(Self(url))
    }

    /// Reads what `OLLAMA_HOST` may hold beside a URL: a host, a port, or both; a server's own 0.0.0.0 is this machine.
    ///
    /// # Errors
    /// When it is no host.
    pub fn parse_host(text: &str, default_port: u16) -> Result<Self, ServerError> {
        let text = text.trim();
        let whole = if text.contains("://") {
            text.to_owned()
        } else if let Some(port) = text.strip_prefix(':') {
            format!("http://127.0.0.1:{port}")
        } else {
            format!("http://{text}")
        };
        let mut address = Self::parse(&whole)?;
        if address.0.host_str() == Some("0.0.0.0") && address.0.set_host(Some("127.0.0.1")).is_err()
        {
            return Err(ServerError::Address {
                shown: shown_text(text),
                reason: "0.0.0.0 is no host to ask".into(),
            });
        }
        let last = text.rsplit(':').next().unwrap_or_default();
        let named_port = text.contains("://") || last.parse::<u16>().is_ok();
        if !named_port && address.0.set_port(Some(default_port)).is_err() {
            return Err(ServerError::Address {
                shown: shown_text(text),
                reason: "it can have no port".into(),
            });
        }
        Ok(address)
    }

    /// The URL of an endpoint such as `chat/completions`. `version` is what stands between a server's root and its
    /// endpoints (`v1`, `openai/v1` or nothing); it is added where the base URL does not end with it.
    #[must_use]
    pub fn endpoint(&self, version: &str, endpoint: &str) -> Url {
        let mut segments = self.segments(version);
        segments.extend(endpoint.split('/'));
        let mut url = self.0.clone();
        url.set_path(&segments.join("/"));
        url.set_fragment(None);
        url
    }

    /// The address that all spellings of one server have in common: with the version that its endpoints stand
    /// below, and without an endpoint.
    #[must_use]
    pub fn with_version(&self, version: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(&self.segments(version).join("/"));
        url.set_fragment(None);
        Self(url)
    }

    /// The parts of the path below which the endpoints stand.
    fn segments<'a>(&'a self, version: &'a str) -> Vec<&'a str> {
        let mut segments: Vec<&str> = self
            .0
            .path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let whole = ENDPOINTS.iter().find(|known| segments.ends_with(known));
        if let Some(known) = whole {
            segments.truncate(segments.len() - known.len());
        } else if version.is_empty() {
            // A server's root that was written with the version of its other protocol.
            if segments.last() == Some(&"v1") {
                segments.pop();
            }
        } else {
            segments.extend(missing_version(&segments, version));
        }
        segments
    }

    /// Whether the server is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path().trim_end_matches('/');
        write!(
            formatter,
            "{}://{}",
            self.0.scheme(),
            self.0.host_str().unwrap_or_default()
        )?;
        if let Some(port) = self.0.port() {
            write!(formatter, ":{port}")?;
        }
        formatter.write_str(path)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Address({self})")
    }
}

/// A part of an address as its user means it. What is no escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let byte = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => bytes.push(byte),
            None => bytes.push(b'%'),
        }
        rest = byte.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What of the version a path still lacks: nothing if its last segment is the version's, else what is left of it after
/// what the path ends with.
fn missing_version<'a>(segments: &[&str], version: &'a str) -> Vec<&'a str> {
    let version: Vec<&str> = version.split('/').collect();
    if segments.last() == version.last() {
        return Vec::new();
    }
    let there = (0..version.len())
        .rev()
        .find(|count| {
            version
                .get(..*count)
                .is_some_and(|start| segments.ends_with(start))
        })
        .unwrap_or(0);
    version.into_iter().skip(there).collect()
}

/// As much of a text that is no URL as can be shown: not what stands before an at-sign or after a question mark.
fn shown_text(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let rest = rest.rsplit('@').next().unwrap_or_default();
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let shown = if scheme.is_empty() {
        rest.to_owned()
    } else {
        format!("{scheme}://{rest}")
    };
    format!("{:?}", evalwright_core::show::visible(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chat(base: &str) -> String {
        let address = Address::parse(base).unwrap();
        address.endpoint("v1", "chat/completions").to_string()
    }

    #[test]
    fn secrets_are_known_as_they_are_written_and_as_they_are_meant() {
        let address = Address::parse("http://me:a%2Fb%zz@h.invalid?key=c%2Bd").unwrap();
        let secrets = address.secrets();
        for secret in ["me", "a%2Fb%zz", "a/b%zz", "c+d"] {
            assert!(secrets.iter().any(|known| known == secret), "{secrets:?}");
        }
    }

    #[test]
    fn a_full_endpoint_leads_to_its_neighbours_and_keeps_its_query() {
        let azure = "https://h.invalid/openai/deployments/d/chat/completions?api-version=1";
        assert_eq!(chat(azure), azure);
        let address = Address::parse(azure).unwrap();
        assert_eq!(
            address.endpoint("openai/v1", "embeddings").as_str(),
            "https://h.invalid/openai/deployments/d/embeddings?api-version=1"
        );
    }

    #[test]
    fn each_protocol_has_its_root() {
        let url = |base: &str, version: &str, endpoint: &str| {
            Address::parse(base)
                .unwrap()
                .endpoint(version, endpoint)
                .to_string()
        };
        let messages = "https://h.invalid/v1/messages";
        assert_eq!(url("https://h.invalid", "v1", "messages"), messages);
        assert_eq!(url("https://h.invalid/v1/", "v1", "messages"), messages);
        let azure = "https://h.invalid/openai/v1/chat/completions";
        assert_eq!(
            url("https://h.invalid/", "openai/v1", "chat/completions"),
            azure
        );
        assert_eq!(
            url(
                "https://h.invalid/openai/v1",
                "openai/v1",
                "chat/completions"
            ),
            azure
        );
        assert_eq!(
            url("https://h.invalid/openai/", "openai/v1", "chat/completions"),
            azure
        );
        let native = "http://127.0.0.1:11434/api/chat";
        assert_eq!(url("http://127.0.0.1:11434", "", "api/chat"), native);
        assert_eq!(url("http://127.0.0.1:11434/v1", "", "api/chat"), native);
        assert_eq!(
            url("http://127.0.0.1:11434/api/chat", "", "api/chat"),
            native
        );
    }

    #[test]
    fn all_spellings_of_a_server_have_one_address() {
        let address = |base: &str, version: &str| {
            let address = Address::parse(base).unwrap().with_version(version);
            (
                address.to_string(),
                address.endpoint(version, "chat/completions"),
            )
        };
        for base in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/v1",
            "http://h:1/v1/",
            "http://h:1/v1/chat/completions",
        ] {
            let (shown, url) = address(base, "v1");
            assert_eq!(shown, "http://h:1/v1", "{base}");
            assert_eq!(url.as_str(), "http://h:1/v1/chat/completions");
        }
        for base in ["http://h:1", "http://h:1/v1", "http://h:1/api/chat"] {
            assert_eq!(address(base, "").0, "http://h:1", "{base}");
        }
    }

    #[test]
    fn a_host_is_read_as_its_server_writes_it() {
        let host = |text: &str| Address::parse_host(text, 11434).unwrap().to_string();
        assert_eq!(host("0.0.0.0"), "http://127.0.0.1:11434");
        assert_eq!(host(":8080"), "http://127.0.0.1:8080");
        assert_eq!(host("box:1"), "http://box:1");
        assert_eq!(host("https://box.invalid"), "https://box.invalid");
        assert!(Address::parse_host("a b", 11434).is_err());
    }

    #[test]
    fn loopback_is_known() {
        let loopback = |text: &str| Address::parse(text).unwrap().is_loopback();
        assert!(loopback("http://localhost:1") && loopback("http://[::1]:1"));
        assert!(loopback("http://127.0.0.2") && !loopback("http://10.0.0.1"));
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_an_error_and_shows_no_password(text in any::<String>()) {
            let shown = match Address::parse(&format!("http://u:canary@{text}")) {
                Ok(address) => {
                    let _url = address.endpoint("v1", "chat/completions");
                    address.to_string()
                }
                Err(error) => error.to_string(),
            };
            prop_assert!(!shown.contains("canary"));
        }
    }
}
