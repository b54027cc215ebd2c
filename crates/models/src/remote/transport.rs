//! Sends one request and receives one whole answer, or says why there is none.
//!
//! Invariant: an answer is whole or it is none. Redirects are not followed, nothing is sent twice, a body
//! is cut off at its limit while it comes in, and what is handed on or said holds no key.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use evalwright_core::{SlotFailure, StopReason};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, Url};
use tokio::time::Instant;

use super::redact::Redactor;
use super::said::quote;
use super::trouble::Trouble;
use crate::weights::shown::shown;

/// Bytes of an error's body that are read.
const MOST_OF_AN_ERROR: usize = 64 * 1024;

/// How long a server may take, and how much it may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest silence of a server, before its answer and within it.
    pub idle: Duration,
    /// Longest time for a request and its whole answer. A silence limit alone never ends an answer that
    /// comes byte by byte.
    pub total: Duration,
    /// Bytes of a body at most.
    pub body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            // Servers without streaming are silent while they write the whole reply.
            idle: Duration::from_secs(300),
            total: Duration::from_secs(600),
            body: 32 * 1024 * 1024,
        }
    }
}

/// A whole answer, without the keys that were sent.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
    /// The body's media type in lower case, without parameters; empty where the server names none.
    pub(crate) content_type: String,
}

impl Received {
    /// The id that the server gives the request, for its makers to find it.
    #[must_use]
    pub(crate) fn request_id(&self) -> Option<String> {
        ["request-id", "x-request-id", "apim-request-id", "cf-ray"]
            .iter()
            .find_map(|name| self.headers.get(*name)?.to_str().ok())
            .map(quote)
    }
}

/// How far a request got that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// There was no connection: the server cannot have worked on it.
    Nothing,
    /// It may have reached the server, who may have worked on it and count it.
    Server,
}

/// A request that has no answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unanswered {
    /// What follows.
    pub(crate) trouble: Trouble,
    /// How far it got.
    pub(crate) reached: Reached,
}

/// Sends requests. One for all servers; connections are kept and used again.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    limits: Limits,
}

impl Transport {
    /// Sets up TLS with the system's certificates.
    ///
    /// # Errors
    /// [`Trouble::Stop`] when that fails.
    pub(crate) fn new(limits: &Limits) -> Result<Self, Trouble> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("evalwright/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(limits.connect)
            .tcp_nodelay(true)
            // Servers close idle connections after 60 seconds or more, as a rule; one that is closed
            // while a request is written to it costs a repeated request.
            .pool_idle_timeout(Duration::from_secs(45))
            .pool_max_idle_per_host(usize::MAX)
            .build()
            .map_err(|error| Trouble::Stop {
                reason: StopReason::Unsupported,
                cause: format!("TLS could not be set up: {}", causes(&error)),
            })?;
        Ok(Self {
            http,
            limits: limits.clone(),
        })
    }

    /// Posts a body. Headers that carry a key are marked as sensitive by the caller; `secrets` holds what
    /// must not be seen in anything that comes back.
    ///
    /// # Errors
    /// When there is no whole answer, whatever its status.
    pub(crate) async fn send(
        &self,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
        secrets: &Redactor,
    ) -> Result<Received, Unanswered> {
        let place = Place { url, secrets };
        let mut request = if url.username().is_empty() && url.password().is_none() {
            let mut request = Request::new(Method::POST, url.clone());
            request.headers_mut().clone_from(headers);
            request
        } else {
            // A name and a word in the address become a header, which a key of the caller's takes the place of.
            let builder = self.http.post(url.clone()).headers(headers.clone());
            builder.build().map_err(|error| place.unsent(&error))?
        };
        *request.body_mut() = Some(body.into());
        let patience = Patience::new(&self.limits);
        let sent = patience
            .wait(self.http.execute(request))
            .await
            .map_err(|lost| place.lost(&lost, "the server stayed silent for too long"))?;
        let response = sent.map_err(|error| place.unsent(&error))?;
        self.receive(response, &place, &patience).await
    }

    async fn receive(
        &self,
        mut response: Response,
        place: &Place<'_>,
        patience: &Patience<'_>,
    ) -> Result<Received, Unanswered> {
        let too_large = || Unanswered {
            trouble: Trouble::Fail(SlotFailure::ResponseTooLarge {
                limit: self.limits.body,
            }),
            reached: Reached::Server,
        };
        if response
            .content_length()
            .is_some_and(|length| length > self.limits.body)
        {
            return Err(too_large());
        }
        let mut pieces = Pieces::default();
        loop {
            let read = patience.wait(response.chunk()).await.map_err(|lost| {
                let silence = format!(
                    "the server fell silent after {} bytes of its body",
                    pieces.length()
                );
                place.lost(&lost, &silence)
            })?;
            let piece = match read {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return Err(place.broke_off(pieces.length(), &error)),
            };
            let length = u64::try_from(pieces.length() + piece.len()).unwrap_or(u64::MAX);
            if length > self.limits.body {
                return Err(too_large());
            }
            pieces.add(piece);
        }
        let mut body = pieces.whole();
        let status = response.status();
        if status.is_success() {
            if let Cow::Owned(cleaned) = place.secrets.clean_body(&body) {
                body = cleaned.into();
            }
        } else {
            // An error is for people, so pieces of a key go as well, and no more is kept than people read.
            body.truncate(MOST_OF_AN_ERROR);
            let text = String::from_utf8_lossy(&body);
            body = place.secrets.clean_text(&text).into();
        }
        let mut headers = std::mem::take(response.headers_mut());
        for value in headers.values_mut() {
            if let Cow::Owned(cleaned) = place.secrets.clean_body(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&cleaned)
                    .unwrap_or_else(|_| HeaderValue::from_static("[key]"));
            }
        }
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_ascii_lowercase())
            .unwrap_or_default();
        Ok(Received {
            status: status.as_u16(),
            headers,
            body,
            content_type,
        })
    }
}

/// How long a server is waited for: for each sign of life, and for the whole answer.
struct Patience<'a> {
    limits: &'a Limits,
    since: Instant,
}

/// What was lost.
enum Lost {
    /// The time for the whole answer is over: so long it was.
    All(Duration),
    /// There was no sign of life for so long.
    Silence(Duration),
}

impl<'a> Patience<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            since: Instant::now(),
        }
    }

    /// What the future brings, if it comes in time.
    async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Lost> {
        let (idle, total) = (self.limits.idle, self.limits.total);
        let left = total.saturating_sub(self.since.elapsed());
        tokio::time::timeout(left.min(idle), future)
            .await
            .map_err(|_| {
                if left <= idle {
                    Lost::All(total)
                } else {
                    Lost::Silence(idle)
                }
            })
    }
}

/// A body as it comes in. Most come in one piece, which is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    all: Vec<u8>,
}

impl Pieces {
    fn length(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn add(&mut self, piece: Bytes) {
        if self.length() == 0 {
            self.first = piece;
        } else {
            if self.all.is_empty() {
                self.all.extend_from_slice(&self.first);
            }
            self.all.extend_from_slice(&piece);
        }
    }

    fn whole(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.into()
        }
    }
}

/// Where a request goes, for the words about what went wrong.
struct Place<'a> {
    url: &'a Url,
    secrets: &'a Redactor,
}

impl Place<'_> {
    fn words(&self, what: fmt::Arguments<'_>) -> String {
        quote(
            &self
                .secrets
                .clean_text(&format!("{}: {what}", shown(self.url))),
        )
    }

    fn retry(&self, reached: Reached, what: fmt::Arguments<'_>) -> Unanswered {
        Unanswered {
            trouble: Trouble::Retry {
                wait: None,
                throttled: false,
                detail: self.words(what),
            },
            reached,
        }
    }

    /// The server was waited for in vain.
    fn lost(&self, lost: &Lost, silence: &str) -> Unanswered {
        match lost {
            Lost::All(time) => self.retry(
                Reached::Server,
                format_args!("no whole answer within {} s", time.as_secs_f64()),
            ),
            Lost::Silence(time) => self.retry(
                Reached::Server,
                format_args!("{silence} (nothing came for {} s)", time.as_secs_f64()),
            ),
        }
    }

    /// There was no head of an answer.
    fn unsent(&self, error: &reqwest::Error) -> Unanswered {
        let why = causes(error);
        if error.is_builder() {
            return self.stop(
                StopReason::Unsupported,
                format_args!("the request cannot be written: {why}"),
            );
        }
        if error.is_connect() {
            // The TLS layer reports what it does not accept as data that is wrong; a closed or refused
            // connection has kinds of its own.
            if has_io_error(error, std::io::ErrorKind::InvalidData) {
                return self.stop(
                    StopReason::ServerSick,
                    format_args!(
                        "no secure connection: {why}. Check that the server speaks https and that its \
                         certificate is one the system trusts (SSL_CERT_FILE names others)"
                    ),
                );
            }
            let is_cut = has_io_error(error, std::io::ErrorKind::UnexpectedEof);
            let what = if is_cut && self.url.scheme() == "https" {
                "the server closed the connection before it was secure: it may not speak https"
            } else if error.is_timeout() {
                "no connection in time"
            } else if error.is_dns() {
                "the host's name is not known"
            } else if has_io_error(error, std::io::ErrorKind::ConnectionRefused) {
                "the connection was refused: nothing listens there"
            } else {
                "no connection"
            };
            return self.retry(Reached::Nothing, format_args!("{what} ({why})"));
        }
        let what = if why.starts_with("invalid HTTP") {
            "what came is no HTTP: another service may be there, or one that wants https"
        } else {
            "the connection ended without an answer"
        };
        self.retry(Reached::Server, format_args!("{what} ({why})"))
    }

    /// The body did not come to its end.
    fn broke_off(&self, bytes: usize, error: &reqwest::Error) -> Unanswered {
        self.retry(
            Reached::Server,
            format_args!(
                "the answer broke off (truncated body) after {bytes} bytes of its body ({})",
                causes(error)
            ),
        )
    }

    fn stop(&self, reason: StopReason, what: fmt::Arguments<'_>) -> Unanswered {
        Unanswered {
            trouble: Trouble::Stop {
                reason,
                cause: self.words(what),
            },
            reached: Reached::Nothing,
        }
    }
}

/// The innermost cause: the library's own words name the address, and the layers between say little.
fn causes(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}

fn has_io_error(error: &(dyn Error + 'static), kind: std::io::ErrorKind) -> bool {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<std::io::Error>() {
            if error.kind() == kind {
                return true;
            }
            // One that wraps another leaves it out of its chain of sources.
            if let Some(wrapped) = error.get_ref() {
                return has_io_error(wrapped, kind);
            }
        }
        cause = inner.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_all_of_its_pieces_in_their_order() {
        for pieces in [
            &[][..],
            &["ab"],
            &["", "ab"],
            &["ab", "", "c"],
            &["a", "b", "c"],
        ] {
            let mut body = Pieces::default();
            for piece in pieces {
                body.add(Bytes::from_static(piece.as_bytes()));
            }
            assert_eq!(body.length(), pieces.concat().len());
            assert_eq!(body.whole(), pieces.concat());
        }
    }
}
