//! Bodies that came with status 200 and are no answer.

use std::time::Duration;

use evalwright_core::SlotFailure;
use evalwright_core::show::visible;
use serde_json::Value;

use crate::remote::error_object;
use crate::remote::trouble::Trouble;

/// Characters of a server's text that a message quotes at most.
const QUOTED: usize = 200;

/// Passing trouble with one answer.
pub(super) fn again(detail: String) -> Trouble {
    Trouble::Retry {
        wait: None::<Duration>,
        throttled: false,
        detail,
    }
}

/// The reply has nothing in it. That happens now and then, so it is asked again a few times.
pub(super) fn empty(detail: String) -> Trouble {
    Trouble::FailAfterRetries(SlotFailure::NoVisibleAnswer { detail })
}

/// A body that is no JSON: a page of some proxy, or cut.
pub(super) fn not_json(content_type: Option<&str>, body: &[u8]) -> Trouble {
    let said = content_type.map_or_else(String::new, |kind| format!(" ({})", quoted(kind)));
    if body.iter().all(u8::is_ascii_whitespace) {
        return again(format!("the server answered 200 with an empty body{said}"));
    }
    let start = body.get(..body.len().min(QUOTED * 4)).unwrap_or(body);
    again(format!(
        "the server answered 200 with what is no whole JSON{said}: {}",
        quoted(&String::from_utf8_lossy(start))
    ))
}

/// An answer without the field that holds it: names the fields that came.
pub(super) fn lacks(field: &str, value: &Value) -> Trouble {
    let keys = match value {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().take(20).map(|key| quoted(key)).collect();
            format!("it has {}", keys.join(", "))
        }
        _ => "it is no object".to_owned(),
    };
    empty(format!("the answer has no {field}: {keys}"))
}

/// The error inside a body or a stream with status 200, if there is one.
pub(super) fn error_in(value: &Value) -> Option<Trouble> {
    let named = ["type", "object"]
        .iter()
        .any(|key| value.get(key).and_then(Value::as_str) == Some("error"));
    match value.get("error") {
        Some(Value::Null) | None => named.then(|| error_object(value)),
        Some(Value::Object(map)) if map.is_empty() => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::Bool(false)) => None,
        Some(error) => Some(error_object(error)),
    }
}

/// A server's text for a message: short, on one line, without control characters.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(QUOTED).collect();
    let line = short.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = if text.chars().nth(QUOTED).is_some() {
        "…"
    } else {
        ""
    };
    format!("{}{cut}", visible(&line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalwright_core::StopReason;
    use serde_json::json;

    #[test]
    fn errors_are_found_whatever_their_shape() {
        for error in [
            json!({"error": {"message": "m", "code": 502}}),
            json!({"error": "out of memory"}),
            json!({"type": "error", "error": {"type": "overloaded_error"}}),
            json!({"object": "error", "message": "m", "code": 500}),
        ] {
            assert!(
                matches!(error_in(&error), Some(Trouble::Retry { .. })),
                "{error}"
            );
        }
        assert_eq!(error_in(&json!({"error": null, "choices": []})), None);
        assert_eq!(error_in(&json!([1])), None);
        let quota = json!({"error": {"code": "insufficient_quota"}});
        assert!(matches!(
            error_in(&quota),
            Some(Trouble::Stop {
                reason: StopReason::QuotaExhausted,
                ..
            })
        ));
    }

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}[2J\n\n b"), "a\\u{1b}[2J b");
        assert_eq!(quoted(&"x".repeat(5000)).chars().count(), QUOTED + 1);
    }
}
