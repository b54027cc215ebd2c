//! The one table from a server's error to what follows from it.
//!
//! Invariant: what waiting cannot mend is never asked again: quota that is used up is no rate limit,
//! whatever its status. Every sentence that comes of it names the status and repeats the server's words,
//! cleaned.

use std::time::{Duration, SystemTime};

use evalwright_core::{SlotFailure, StopReason};
use reqwest::Url;
use reqwest::header::LOCATION;
use serde_json::Value;

use super::retry_after::{asked_wait, text};
use super::said::{Said, quote};
use super::too_long;
use super::transport::Received;
use super::trouble::Trouble;

/// Codes of accounts that cannot pay for more.
const QUOTA_CODES: [&str; 12] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "insufficient_credits",
    "insufficient_balance",
    "insufficient_funds",
    "credit_balance_too_low",
    "spend_limit_reached",
    "spending_limit_reached",
    "budget_exceeded",
    "payment_required",
];

/// The same in words. They count only where the server names no time to come back: some say "quota" for
/// limits that are filled again within the minute.
const QUOTA_PHRASES: [&str; 9] = [
    "exceeded your current quota",
    "credit balance is too low",
    "insufficient credit",
    "insufficient balance",
    "insufficient funds",
    "spend limit",
    "spending limit",
    "usage limits",
    "out of credits",
];

/// Codes of content filters in front of a model.
const FILTER_CODES: [&str; 6] = [
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "moderation_blocked",
    "moderation_error",
    "data_inspection_failed",
];
const FILTER_PHRASES: [&str; 3] = [
    "requires moderation",
    "was flagged",
    "content management policy",
];

const KEY_CODES: [&str; 4] = [
    "invalid_api_key",
    "authentication_error",
    "unauthenticated",
    "api_key_invalid",
];
const KEY_PHRASES: [&str; 2] = ["api key not valid", "invalid api key"];

/// What servers with TLS say to requests without it.
const PLAIN_PHRASES: [&str; 2] = [
    "plain http request was sent to https port",
    "sent an http request to an https server",
];

const MODEL_CODES: [&str; 4] = [
    "model_not_found",
    "model_not_exist",
    "deploymentnotfound",
    "not_found_error",
];

/// The status that a code or type stands for, where an error comes inside an answer with status 200.
const STATUS_OF_CODE: [(&str, u16); 31] = [
    ("overloaded_error", 529),
    ("overloaded", 529),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("rate_limit", 429),
    ("too_many_requests", 429),
    ("resource_exhausted", 429),
    ("api_error", 500),
    ("server_error", 500),
    ("internal_server_error", 500),
    ("internalservererror", 500),
    ("internal_error", 500),
    ("internal", 500),
    ("timeout_error", 504),
    ("timeout", 504),
    ("deadline_exceeded", 504),
    ("service_unavailable", 503),
    ("unavailable", 503),
    ("server_overloaded", 503),
    ("authentication_error", 401),
    ("invalid_api_key", 401),
    ("unauthenticated", 401),
    ("permission_error", 403),
    ("permission_denied", 403),
    ("not_found_error", 404),
    ("model_not_found", 404),
    ("invalid_request_error", 400),
    ("badrequesterror", 400),
    ("invalid_argument", 400),
    ("context_length_exceeded", 400),
    ("request_too_large", 413),
];

/// What follows from an answer whose status is not one of success.
///
/// `url` is the address that was asked, `now` counts where the server's dates have nothing else to count
/// from, and a wait longer than `longest_wait` stops the run.
#[must_use]
pub(crate) fn classify(
    received: &Received,
    url: &Url,
    now: SystemTime,
    longest_wait: Duration,
) -> Trouble {
    let said = Said::in_body(&received.body);
    if (300..400).contains(&received.status) {
        return redirected(received, url);
    }
    let request_id = received.request_id().or_else(|| said.request_id.clone());
    let error = ServerError {
        status: received.status,
        within: None,
        wait: asked_wait(&received.headers, now),
        request_id,
        said,
    };
    error.trouble(longest_wait)
}

/// What follows from an error that came inside an answer with a status of success: `{"error": …}`, or
/// what stands in it, or an error event of a stream.
#[must_use]
pub(crate) fn error_object(value: &Value) -> Trouble {
    let said = Said::in_value(value);
    let by_code = said.codes.iter().find_map(|code| {
        STATUS_OF_CODE
            .iter()
            .find(|(known, _)| known == code)
            .map(|(_, status)| *status)
    });
    let error = ServerError {
        // An error without a known code has cut an answer short that had begun: it may pass.
        status: said.number.or(by_code).unwrap_or(500),
        within: Some(200),
        wait: None,
        request_id: said.request_id.clone(),
        said,
    };
    error.trouble(Duration::MAX)
}

struct ServerError {
    status: u16,
    /// The status of the answer that it came in, where that is another one.
    within: Option<u16>,
    wait: Option<Duration>,
    request_id: Option<String>,
    said: Said,
}

impl ServerError {
    fn trouble(&self, longest_wait: Duration) -> Trouble {
        let said = &self.said;
        if self.status == 402
            || said.has_code(&QUOTA_CODES)
            || (self.wait.is_none() && said.has_phrase(&QUOTA_PHRASES))
        {
            return self.stop(
                StopReason::QuotaExhausted,
                "the account's quota or credit is used up",
                "waiting does not help: raise it, then go on with the same command",
            );
        }
        if (400..500).contains(&self.status) && self.is_filtered() {
            return Trouble::Fail(SlotFailure::Filtered {
                detail: self.sentence(),
            });
        }
        match self.status {
            401 | 403 => self.key_refused(),
            400 if said.has_code(&KEY_CODES) || said.has_phrase(&KEY_PHRASES) => self.key_refused(),
            404 | 405 | 410 => self.not_found(),
            400 if said.has_code(&MODEL_CODES) => self.not_found(),
            400 if said.has_phrase(&PLAIN_PHRASES) => self.stop(
                StopReason::NotFound,
                "the server is asked without TLS and wants it",
                "write https:// in the base URL",
            ),
            408 | 409 | 425 | 429 | 500..=599 => self.retry(longest_wait),
            400 | 413 | 422 => match too_long::tokens(said) {
                Some((needed, window)) => Trouble::Fail(SlotFailure::TooLong { needed, window }),
                None => self.request_refused(),
            },
            400..=499 => self.request_refused(),
            // A status of success or an unknown one, and yet an error: it may pass.
            _ => self.retry(longest_wait),
        }
    }

    fn is_filtered(&self) -> bool {
        self.said.has_code(&FILTER_CODES) || self.said.has_phrase(&FILTER_PHRASES)
    }

    fn key_refused(&self) -> Trouble {
        self.stop(
            StopReason::KeyRefused,
            "the server refuses the key",
            "check the key and what it may do",
        )
    }

    fn not_found(&self) -> Trouble {
        self.stop(
            StopReason::NotFound,
            "the server does not know the model or the path",
            "check the model's name and the base URL",
        )
    }

    fn request_refused(&self) -> Trouble {
        Trouble::Fail(SlotFailure::RequestRefused {
            status: self.status,
            detail: self.words(),
        })
    }

    fn retry(&self, longest_wait: Duration) -> Trouble {
        match self.wait {
            Some(wait) if wait > longest_wait => self.stop(
                StopReason::WaitTooLong,
                &format!(
                    "the server asks for a wait of {} s (Retry-After or the reset of its limits), and at \
                     most {} s are allowed",
                    wait.as_secs_f64().ceil(),
                    longest_wait.as_secs_f64()
                ),
                "go on after that time with the same command",
            ),
            wait => Trouble::Retry {
                wait,
                throttled: matches!(self.status, 429 | 503 | 529),
                detail: self.sentence(),
            },
        }
    }

    fn stop(&self, reason: StopReason, what: &str, to_do: &str) -> Trouble {
        Trouble::Stop {
            reason,
            cause: format!("{what} ({}); {to_do}", self.sentence()),
        }
    }

    /// Status, codes and message.
    fn sentence(&self) -> String {
        let mut sentence = format!("status {}", self.status);
        if let Some(outer) = self.within {
            sentence.push_str(&format!(" inside an answer with status {outer}"));
        }
        let words = self.words();
        if !words.is_empty() {
            sentence.push_str(": ");
            sentence.push_str(&words);
        }
        sentence
    }

    /// The server's message, then its codes and the request's id in brackets.
    fn words(&self) -> String {
        let mut extra = self.said.codes.clone();
        extra.dedup();
        extra.extend(self.request_id.as_ref().map(|id| format!("request {id}")));
        match (self.said.message.as_str(), extra.is_empty()) {
            (message, true) => message.to_owned(),
            ("", false) => format!("[{}]", extra.join(", ")),
            (message, false) => format!("{message} [{}]", extra.join(", ")),
        }
    }
}

/// A redirect is never followed: it would send the prompt, and with some headers the key, to a host that
/// the user has not named.
fn redirected(received: &Received, url: &Url) -> Trouble {
    let to = text(&received.headers, LOCATION.as_str())
        .and_then(|location| url.join(location).ok())
        .map_or_else(
            || "an address that cannot be read".to_owned(),
            |next| quote(&crate::weights::shown::shown(&next)),
        );
    Trouble::Stop {
        reason: StopReason::Redirected,
        cause: format!(
            "the server answers with a redirect to {to} (status {}), and none is followed, so that no key \
             or prompt goes to another place; if that is the right one, give its base URL",
            received.status
        ),
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
