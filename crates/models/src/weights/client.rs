//! The HTTP client: patience, redirects and retries, in one layer.
//!
//! Invariant: only GET is sent; credentials (which can only stand in an address) never leave the origin
//! they were given for; and every loop here is bounded.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};

use super::attempt::with_causes;
use super::error::WeightsError;
use super::event::PullEvent;
use super::shown::{shown, shown_text};

/// Redirects followed for one request.
const MOST_REDIRECTS: usize = 5;

/// How long to wait and how often to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest silence of a server. There is no limit for a whole body: a slow line is no failure.
    pub idle: Duration,
    /// Requests in a row without real progress, at least 1.
    pub tries: u32,
    /// Wait after the first failure; doubled after each further one.
    pub first_wait: Duration,
    /// Longest wait between two requests. A server that asks for more is given up.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            idle: Duration::from_secs(30),
            tries: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
        }
    }
}

/// Counts failures in a row and waits between them.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    patience: &'a Patience,
    failed: u32,
}

impl Retries<'_> {
    /// Forgets earlier failures, for there was progress since.
    pub(crate) fn note_progress(&mut self) {
        self.failed = 0;
    }

    /// Waits after a failure that may pass.
    ///
    /// # Errors
    /// The failure itself when it will not pass or the server asks for too long a wait, and
    /// [`WeightsError::GaveUp`] when there were enough tries.
    pub(crate) async fn wait_after(
        &mut self,
        failure: WeightsError,
        progress: &dyn Fn(PullEvent),
    ) -> Result<(), WeightsError> {
        if !failure.is_transient() {
            return Err(failure);
        }
        self.failed += 1;
        let doubled = 2_u32.saturating_pow(self.failed - 1);
        let mut wait = self.patience.first_wait.saturating_mul(doubled);
        wait = wait.min(self.patience.longest_wait);
        if let WeightsError::Status {
            retry_after: Some(seconds),
            ..
        } = &failure
        {
            let asked = Duration::from_secs(*seconds);
            if asked > self.patience.longest_wait {
                return Err(failure);
            }
            wait = wait.max(asked);
        }
        if self.failed >= self.patience.tries {
            return Err(WeightsError::GaveUp {
                tries: self.failed,
                source: Box::new(failure),
            });
        }
        progress(PullEvent::Retrying {
            why: with_causes(&failure),
            wait,
        });
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// A page that was read whole.
#[derive(Debug)]
pub(crate) struct Page {
    /// The address after redirects; links are relative to it.
    pub(crate) url: Url,
    /// Whether the server calls it JSON.
    pub(crate) is_json: bool,
    /// The bytes.
    pub(crate) body: Vec<u8>,
}

/// The client. Redirects are followed here rather than by the library, so that the rules above hold.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    patience: Patience,
}

impl Client {
    /// Sets up TLS with the system's certificates.
    ///
    /// # Errors
    /// [`WeightsError::Client`] when that fails.
    pub(crate) fn new(patience: &Patience) -> Result<Self, WeightsError> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("evalwright/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .read_timeout(patience.idle)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(WeightsError::Client)?;
        Ok(Self {
            http,
            patience: patience.clone(),
        })
    }

    /// A fresh count of failures.
    pub(crate) fn retries(&self) -> Retries<'_> {
        Retries {
            patience: &self.patience,
            failed: 0,
        }
    }

    /// Sends one GET and follows redirects. The answer has a status of success.
    ///
    /// # Errors
    /// When there is no connection, no success, or a redirect that breaks the rules.
    pub(crate) async fn get(
        &self,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<(Url, Response), WeightsError> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self
                .http
                .get(url.clone())
                .headers(headers.clone())
                .send()
                .await
                .map_err(|error| connection_error(&url, error))?;
            let status = response.status();
            if status.is_success() {
                return Ok((url, response));
            }
            if !is_redirect(status) {
                return Err(WeightsError::Status {
                    url: shown(&url),
                    status: status.as_u16(),
                    retry_after: seconds_asked(response.headers()),
                });
            }
            url = next_address(&url, response.headers())?;
        }
        Err(WeightsError::Redirect {
            url: shown(&url),
            reason: "there were 5 before it",
        })
    }

    /// Reads a page of at most `limit` bytes, with retries.
    ///
    /// # Errors
    /// As [`Client::get`], and [`WeightsError::PageTooLong`].
    pub(crate) async fn page(
        &self,
        url: &Url,
        accept: &'static str,
        limit: u64,
        progress: &dyn Fn(PullEvent),
    ) -> Result<Page, WeightsError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let mut retries = self.retries();
        loop {
            match self.page_once(url, &headers, limit).await {
                Ok(page) => return Ok(page),
                Err(failure) => retries.wait_after(failure, progress).await?,
            }
        }
    }

    async fn page_once(
        &self,
        url: &Url,
        headers: &HeaderMap,
        limit: u64,
    ) -> Result<Page, WeightsError> {
        let (url, mut response) = self.get(url, headers).await?;
        let is_json = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
        let mut body = Vec::new();
        while let Some(bytes) = response
            .chunk()
            .await
            .map_err(|error| connection_error(&url, error))?
        {
            if (body.len() + bytes.len()) as u64 > limit {
                return Err(WeightsError::PageTooLong {
                    url: shown(&url),
                    limit,
                });
            }
            body.extend_from_slice(&bytes);
        }
        Ok(Page { url, is_json, body })
    }
}

/// Reads an address that a person or a page gave.
///
/// # Errors
/// [`WeightsError::Address`] when it is none or not one of HTTP.
pub(crate) fn read_address(text: &str) -> Result<Url, WeightsError> {
    let refuse = |reason: String| WeightsError::Address {
        address: shown_text(text),
        reason,
    };
    let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("only http and https are spoken".to_owned()));
    }
    Ok(url)
}

/// Takes the credentials of one address over to another of the same origin that has none of its own. An
/// address of another origin keeps nothing, not even its own.
pub(crate) fn with_credentials_of(known: &Url, mut next: Url) -> Url {
    let same = known.origin() == next.origin();
    if same && (!next.username().is_empty() || next.password().is_some()) {
        return next;
    }
    let (user, password) = if same {
        (known.username(), known.password())
    } else {
        ("", None)
    };
    // Both fail only for addresses without a host, and those are not of HTTP.
    next.set_username(user).ok();
    next.set_password(password).ok();
    next
}

/// A failure of the HTTP library, without the address it puts into its texts.
pub(crate) fn connection_error(url: &Url, error: reqwest::Error) -> WeightsError {
    let problem = if error.is_timeout() && !error.is_connect() {
        "the server stayed silent for too long"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the body broke off"
    } else {
        "the request failed"
    };
    WeightsError::Connection {
        url: shown(url),
        problem,
        source: error.without_url(),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn next_address(url: &Url, headers: &HeaderMap) -> Result<Url, WeightsError> {
    let refuse = |reason| WeightsError::Redirect {
        url: shown(url),
        reason,
    };
    let next = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| url.join(value).ok())
        .ok_or_else(|| refuse("it names no address"))?;
    match (url.scheme(), next.scheme()) {
        ("https", "http") => Err(refuse("it leaves https for http")),
        (_, "http" | "https") => Ok(with_credentials_of(url, next)),
        _ => Err(refuse("only http and https are spoken")),
    }
}

/// `Retry-After` in seconds. The form with a date is left out: this crate has no clock, and the wait that
/// doubles is used instead.
fn seconds_asked(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, to: &str) -> Result<String, WeightsError> {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(to).unwrap());
        next_address(&Url::parse(from).unwrap(), &headers).map(String::from)
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        let from = "https://u:p@a.invalid/x/y";
        assert_eq!(redirect(from, "../z").unwrap(), "https://u:p@a.invalid/z");
        assert_eq!(
            redirect(from, "https://a.invalid/z").unwrap(),
            "https://u:p@a.invalid/z"
        );
        assert_eq!(
            redirect(from, "https://a.invalid:444/z").unwrap(),
            "https://a.invalid:444/z"
        );
        assert_eq!(
            redirect(from, "https://v:q@b.invalid/").unwrap(),
            "https://b.invalid/"
        );
    }

    #[test]
    fn redirects_do_not_leave_encryption_or_http() {
        for (from, to) in [
            ("https://a.invalid/", "http://a.invalid/"),
            ("http://a.invalid/", "file:///etc/hostname"),
        ] {
            assert!(matches!(
                redirect(from, to),
                Err(WeightsError::Redirect { .. })
            ));
        }
        assert!(redirect("http://a.invalid/", "https://a.invalid/").is_ok());
        assert!(
            next_address(&Url::parse("http://a.invalid/").unwrap(), &HeaderMap::new()).is_err()
        );
    }

    #[test]
    fn addresses_are_of_http() {
        assert!(read_address("http://a.invalid/simple").is_ok());
        let error = read_address("ftp://u:secret@a.invalid/").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(read_address("not an address").is_err());
    }
}
