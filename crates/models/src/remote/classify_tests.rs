//! The table of errors, row by row.

use super::*;
use proptest::prelude::*;
use reqwest::header::HeaderMap;
use serde_json::json;

/// What a row must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Retry,
    Throttled,
    Refused,
    TooLong,
    Filtered,
    Stop(StopReason),
}

fn kind(trouble: &Trouble) -> To {
    match trouble {
        Trouble::Retry {
            throttled: true, ..
        } => To::Throttled,
        Trouble::Retry { .. } => To::Retry,
        Trouble::Fail(SlotFailure::RequestRefused { .. }) => To::Refused,
        Trouble::Fail(SlotFailure::TooLong { .. }) => To::TooLong,
        Trouble::Fail(SlotFailure::Filtered { .. }) => To::Filtered,
        Trouble::Stop { reason, .. } => To::Stop(*reason),
        other => panic!("no row comes to {other:?}"),
    }
}

fn received(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Received {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: reqwest::header::HeaderName = name.parse().unwrap();
        map.append(name, value.parse().unwrap());
    }
    Received {
        status,
        headers: map,
        body: body.to_vec().into(),
        content_type: String::new(),
    }
}

fn judge(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Trouble {
    let url = Url::parse("http://host.invalid/v1/chat/completions").unwrap();
    let longest = Duration::from_secs(120);
    classify(
        &received(status, headers, body),
        &url,
        SystemTime::UNIX_EPOCH,
        longest,
    )
}

const QUOTA: To = To::Stop(StopReason::QuotaExhausted);
const KEY: To = To::Stop(StopReason::KeyRefused);
const UNKNOWN: To = To::Stop(StopReason::NotFound);

#[test]
fn statuses_alone() {
    for body in [
        &b""[..],
        b"error code: 1015",
        b"<html><title>x</title></html>",
        b"{}",
        b"{\"error\":null}",
    ] {
        for status in 100..1000_u16 {
            let expected = match status {
                300..400 => To::Stop(StopReason::Redirected),
                401 | 403 => KEY,
                402 => QUOTA,
                404 | 405 | 410 => UNKNOWN,
                429 | 503 | 529 => To::Throttled,
                408 | 409 | 425 => To::Retry,
                400..500 => To::Refused,
                _ => To::Retry,
            };
            let trouble = judge(status, &[], body);
            assert_eq!(kind(&trouble), expected, "{status} {body:?}");
            if let Trouble::Retry { detail, .. } = trouble {
                assert!(detail.contains(&status.to_string()), "{detail}");
            }
        }
    }
}

/// Status, message, type, code, and what follows.
type Row = (u16, &'static str, &'static str, Value, To);

fn rows() -> Vec<Row> {
    let none = || Value::Null;
    vec![
        // OpenAI
        (
            429,
            "Rate limit reached",
            "requests",
            json!("rate_limit_exceeded"),
            To::Throttled,
        ),
        (
            429,
            "You exceeded your current quota.",
            "insufficient_quota",
            json!("insufficient_quota"),
            QUOTA,
        ),
        (
            429,
            "Billing hard limit has been reached",
            "x",
            json!("billing_hard_limit_reached"),
            QUOTA,
        ),
        (
            403,
            "Your account is not active",
            "billing_not_active",
            none(),
            QUOTA,
        ),
        (
            401,
            "Incorrect API key provided",
            "invalid_request_error",
            json!("invalid_api_key"),
            KEY,
        ),
        (
            404,
            "The model `x` does not exist",
            "invalid_request_error",
            json!("model_not_found"),
            UNKNOWN,
        ),
        (
            400,
            "The model `x` does not exist",
            "invalid_request_error",
            json!("model_not_found"),
            UNKNOWN,
        ),
        (
            400,
            "Unsupported value: 'temperature'",
            "invalid_request_error",
            json!("unsupported_value"),
            To::Refused,
        ),
        (
            400,
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
            "invalid_request_error",
            json!("context_length_exceeded"),
            To::TooLong,
        ),
        (
            400,
            "The context length was exceeded",
            "x",
            json!("context_length_exceeded"),
            To::Refused,
        ),
        (
            500,
            "The server had an error",
            "server_error",
            none(),
            To::Retry,
        ),
        (
            503,
            "The engine is currently overloaded",
            "server_error",
            none(),
            To::Throttled,
        ),
        // Anthropic
        (529, "Overloaded", "overloaded_error", none(), To::Throttled),
        (500, "Internal server error", "api_error", none(), To::Retry),
        (504, "Request timed out", "timeout_error", none(), To::Retry),
        (
            429,
            "This request would exceed your rate limit",
            "rate_limit_error",
            none(),
            To::Throttled,
        ),
        (
            429,
            "You have reached your specified API usage limits.",
            "rate_limit_error",
            none(),
            QUOTA,
        ),
        (
            400,
            "Your credit balance is too low to access the API",
            "invalid_request_error",
            none(),
            QUOTA,
        ),
        (402, "Payment required", "billing_error", none(), QUOTA),
        (
            401,
            "invalid x-api-key",
            "authentication_error",
            none(),
            KEY,
        ),
        (
            403,
            "Your key may not use this",
            "permission_error",
            none(),
            KEY,
        ),
        (404, "model: claude-x", "not_found_error", none(), UNKNOWN),
        (
            413,
            "Request exceeds the maximum size",
            "request_too_large",
            none(),
            To::Refused,
        ),
        (
            400,
            "prompt is too long: 210000 tokens > 200000 maximum",
            "invalid_request_error",
            none(),
            To::TooLong,
        ),
        // Azure
        (
            400,
            "The response was filtered",
            "x",
            json!("content_filter"),
            To::Filtered,
        ),
        (
            404,
            "The API deployment does not exist",
            "",
            json!("DeploymentNotFound"),
            UNKNOWN,
        ),
        (
            429,
            "Requests have exceeded call rate limit of your current tier",
            "",
            json!("429"),
            To::Throttled,
        ),
        // Routers
        (402, "Insufficient credits", "", json!(402), QUOTA),
        (403, "Your input was flagged", "", json!(403), To::Filtered),
        (502, "Upstream provider failed", "", json!(502), To::Retry),
        (
            400,
            "Budget has been exceeded",
            "budget_exceeded",
            json!("400"),
            QUOTA,
        ),
        (
            429,
            "Provider returned error",
            "",
            json!(429),
            To::Throttled,
        ),
        // Google's form
        (
            400,
            "API key not valid. Please pass a valid API key.",
            "INVALID_ARGUMENT",
            json!(400),
            KEY,
        ),
        (
            503,
            "The model is overloaded",
            "UNAVAILABLE",
            json!(503),
            To::Throttled,
        ),
        // vLLM, llama.cpp and others
        (
            400,
            "max_tokens must be at least 1",
            "BadRequestError",
            json!(400),
            To::Refused,
        ),
        (
            404,
            "The model `x` does not exist.",
            "NotFoundError",
            json!(404),
            UNKNOWN,
        ),
        (
            503,
            "Loading model",
            "unavailable_error",
            json!(503),
            To::Throttled,
        ),
        (
            501,
            "This server does not support completions",
            "not_supported_error",
            json!(501),
            To::Retry,
        ),
        (422, "field required", "", none(), To::Refused),
        (409, "Conflict", "", none(), To::Retry),
        (408, "Request timeout", "", none(), To::Retry),
        (425, "Too early", "", none(), To::Retry),
        (418, "I'm a teapot", "", none(), To::Refused),
    ]
}

#[test]
fn every_row_in_every_form_of_a_body() {
    let mut checked = 0;
    for (status, message, type_, code, expected) in rows() {
        let error = json!({"message": message, "type": type_, "code": code});
        for body in [
            json!({ "error": error }),
            json!({ "type": "error", "error": error, "request_id": "req_1" }),
            json!([{ "error": error }]),
            error.clone(),
        ] {
            for headers in [
                &[][..],
                &[("content-type", "text/html"), ("x-request-id", "req_1")],
            ] {
                let trouble = judge(status, headers, body.to_string().as_bytes());
                assert_eq!(kind(&trouble), expected, "{status} {body}: {trouble:?}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 300, "{checked} rows");
}

#[test]
fn errors_inside_a_good_status_are_judged_by_their_code() {
    for (error, expected, must_hold) in [
        (
            json!({"message": "Upstream provider failed", "code": 502}),
            To::Retry,
            "502",
        ),
        (
            json!({"message": "slow down", "code": "429"}),
            To::Throttled,
            "slow down",
        ),
        (
            json!({"type": "overloaded_error", "message": "Overloaded"}),
            To::Throttled,
            "529",
        ),
        (
            json!({"type": "api_error", "message": "broken"}),
            To::Retry,
            "500",
        ),
        (
            json!("an error was encountered while running the model"),
            To::Retry,
            "running the model",
        ),
        (
            json!({"code": "insufficient_quota", "message": "quota"}),
            QUOTA,
            "quota",
        ),
        (
            json!({"code": 402, "message": "Insufficient credits"}),
            QUOTA,
            "Insufficient",
        ),
        (
            json!({"type": "authentication_error", "message": "bad"}),
            KEY,
            "bad",
        ),
        (
            json!({"type": "invalid_request_error", "message": "bad"}),
            To::Refused,
            "bad",
        ),
        (
            json!({"code": "context_length_exceeded", "message": "context length is 8 tokens, not 9"}),
            To::TooLong,
            "",
        ),
        (
            json!({"code": "content_filter", "message": "held back", "type": "invalid_request_error"}),
            To::Filtered,
            "",
        ),
        (json!({"something": "else"}), To::Retry, "else"),
        (json!(null), To::Retry, "500"),
    ] {
        for whole in [error.clone(), json!({ "error": error })] {
            let trouble = error_object(&whole);
            assert_eq!(kind(&trouble), expected, "{whole}: {trouble:?}");
            assert!(
                format!("{trouble:?}").contains(must_hold),
                "{whole}: {trouble:?}"
            );
        }
    }
}

#[test]
fn a_wait_that_the_server_names_is_kept_or_stops_the_run() {
    let slow = br#"{"error": {"message": "You exceeded your current quota, wait", "code": 429}}"#;
    let kept = judge(429, &[("retry-after", "30")], slow);
    let Trouble::Retry { wait, .. } = kept else {
        panic!("{kept:?}");
    };
    assert_eq!(wait, Some(Duration::from_secs(30)));
    let Trouble::Stop { reason, cause } = judge(503, &[("retry-after", "121")], b"") else {
        panic!("a wait above the longest one must stop");
    };
    assert_eq!(reason, StopReason::WaitTooLong);
    assert!(
        cause.contains("121 s") && cause.contains("120 s"),
        "{cause}"
    );
}

#[test]
fn redirects_name_the_place_without_its_secrets() {
    let location = "https://user:sk-test-1@other.invalid:8443/v1?sig=sk-test-2";
    let Trouble::Stop { cause, .. } = judge(302, &[("location", location)], b"") else {
        panic!("a redirect must stop");
    };
    assert!(cause.contains("other.invalid:8443/v1"), "{cause}");
    assert!(!cause.contains("sk-test"), "{cause}");
    let Trouble::Stop { cause, .. } = judge(307, &[("location", "/v2/")], b"") else {
        panic!("a redirect must stop");
    };
    assert!(cause.contains("http://host.invalid/v2/"), "{cause}");
}

proptest! {
    #[test]
    fn any_answer_is_classified(
        status in any::<u16>(), body in any::<Vec<u8>>(), text in any::<String>(),
        header in "[ -~]{0,30}", place in "[ -~]{0,30}"
    ) {
        let headers = [("retry-after", header.as_str()), ("location", place.as_str())];
        let _bytes = judge(status, &headers, &body);
        let _json = judge(status, &headers, json!({"error": {"message": text, "code": status}}).to_string().as_bytes());
        let _within = error_object(&json!({"error": {"message": text, "code": header}}));
    }
}
