//! Requests to a hub: one layer of patience, no redirects, and a token that leaves for the hub's own origin alone.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;

use super::error::HubError;
use crate::server::Secret;
use crate::weights::Patience;

/// Most of an answer that is read.
const ANSWER_LIMIT: usize = 4 << 20;
/// Characters of a refusal that are shown.
const DETAIL: usize = 300;
/// Longest silence of a server while a body goes up.
const IDLE: Duration = Duration::from_secs(600);

/// When a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// After any trouble that may pass: sent twice it does what it does once.
    Always,
    /// Only when the server said that it did nothing.
    WhenDeclined,
}

/// The client of one hub.
pub(super) struct Client<'a> {
    http: reqwest::Client,
    base: Url,
    token: &'a Secret,
    bearer: HeaderValue,
    patience: &'a Patience,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        endpoint: &str,
        token: &'a Secret,
        patience: &'a Patience,
    ) -> Result<Self, HubError> {
        let refuse = |problem: &str| HubError::Address {
            problem: problem.to_owned(),
        };
        let base = Url::parse(endpoint).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(refuse("only http and https are spoken"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(refuse("it has a query"));
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| HubError::Token)?;
        bearer.set_sensitive(true);
        let http = reqwest::Client::builder()
            .user_agent(concat!("evalwright/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .read_timeout(IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(HubError::Client)?;
        Ok(Self {
            http,
            base,
            token,
            bearer,
            patience,
        })
    }

    /// Posts to a path of the hub and reads the answer as JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        kind: &'static str,
        body: String,
        repeat: Repeat,
    ) -> Result<T, HubError> {
        // A hub may stand below a path of its host.
        let above = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{above}{path}")).map_err(|error| HubError::Address {
            problem: error.to_string(),
        })?;
        let request = || {
            self.http
                .post(url.clone())
                .header(AUTHORIZATION, self.bearer.clone())
                .header(CONTENT_TYPE, kind)
                .header(
                    ACCEPT,
                    if kind.contains("lfs") {
                        kind
                    } else {
                        "application/json"
                    },
                )
                .body(body.clone())
        };
        let response = self.send(path, repeat, &request).await?;
        self.json(path, response).await
    }

    /// Posts to an address that the hub gave; with the token only where that is the hub itself.
    pub(super) async fn post_to(&self, href: &str, body: String) -> Result<(), HubError> {
        let url = self.address(href)?;
        let request = || {
            let request = self
                .http
                .post(url.clone())
                .header(CONTENT_TYPE, LFS)
                .header(ACCEPT, LFS)
                .body(body.clone());
            if url.origin() == self.base.origin() {
                request.header(AUTHORIZATION, self.bearer.clone())
            } else {
                request
            }
        };
        self.send(&shown(&url), Repeat::Always, &request).await?;
        Ok(())
    }

    /// Puts bytes to an address that the hub gave and signed; gives the answer's headers.
    pub(super) async fn put(
        &self,
        href: &str,
        headers: &HeaderMap,
        bytes: &[u8],
    ) -> Result<HeaderMap, HubError> {
        let url = self.address(href)?;
        let request = || {
            self.http
                .put(url.clone())
                .headers(headers.clone())
                .body(bytes.to_vec())
        };
        let response = self.send(&shown(&url), Repeat::Always, &request).await?;
        Ok(response.headers().clone())
    }

    fn address(&self, href: &str) -> Result<Url, HubError> {
        let refuse = |problem: String| HubError::Answer {
            path: "a file's address".to_owned(),
            problem,
        };
        let url = self
            .base
            .join(href)
            .map_err(|error| refuse(error.to_string()))?;
        match (self.base.scheme(), url.scheme()) {
            ("https", "http") => Err(refuse("it leaves https for http".to_owned())),
            (_, "http" | "https") => Ok(url),
            _ => Err(refuse("only http and https are spoken".to_owned())),
        }
    }

    /// Sends until there is a success, a refusal that lasts, or no more patience.
    async fn send(
        &self,
        path: &str,
        repeat: Repeat,
        request: &dyn Fn() -> RequestBuilder,
    ) -> Result<Response, HubError> {
        let mut wait = self.patience.first_wait;
        let mut tries = 0;
        loop {
            tries += 1;
            let (failure, may_pass) = match request().send().await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let status = response.status().as_u16();
                    let declined = matches!(status, 429 | 503);
                    let may_pass =
                        declined || (repeat == Repeat::Always && matches!(status, 408 | 500..=599));
                    (self.refusal(path, response).await, may_pass)
                }
                Err(error) => {
                    let unsent = error.is_connect();
                    let problem = if unsent {
                        "no connection"
                    } else if error.is_timeout() {
                        "the server stayed silent for too long"
                    } else {
                        "the connection broke off"
                    };
                    let failure = HubError::Connection {
                        path: path.to_owned(),
                        problem,
                        source: error.without_url(),
                    };
                    (failure, unsent || repeat == Repeat::Always)
                }
            };
            if !may_pass || tries >= self.patience.tries {
                return Err(failure);
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(self.patience.longest_wait);
        }
    }

    async fn refusal(&self, path: &str, response: Response) -> HubError {
        let status = response.status().as_u16();
        let text = String::from_utf8_lossy(&body(response).await.unwrap_or_default()).into_owned();
        let said = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|value| Some(value.get("error")?.as_str()?.to_owned()))
            .unwrap_or(text);
        let detail: String = said
            .replace(self.token.expose(), "…")
            .chars()
            .take(DETAIL)
            .collect();
        let path = path.to_owned();
        match status {
            401 | 403 => HubError::Refused {
                path,
                status,
                detail,
            },
            _ => HubError::Status {
                path,
                status,
                detail,
            },
        }
    }

    async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        response: Response,
    ) -> Result<T, HubError> {
        let unusable = |problem: String| HubError::Answer {
            path: path.to_owned(),
            problem,
        };
        let bytes = body(response)
            .await
            .map_err(|error| unusable(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))
    }
}

/// The media type of git's large file storage.
pub(super) const LFS: &str = "application/vnd.git-lfs+json";

/// Headers that the hub wants with a file.
pub(super) fn headers(given: &[(String, String)]) -> Result<HeaderMap, HubError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let pair = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        );
        if let (Ok(name), Ok(value)) = pair {
            headers.insert(name, value);
        } else {
            return Err(HubError::Answer {
                path: "a file's address".to_owned(),
                problem: format!("its header {name:?} cannot be sent"),
            });
        }
    }
    Ok(headers)
}

async fn body(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(some) = response
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)?
    {
        bytes.extend_from_slice(&some);
        if bytes.len() > ANSWER_LIMIT {
            break;
        }
    }
    Ok(bytes)
}

/// An address without its query, which may be a signature.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Fails only for addresses without a host.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.to_string()
}
