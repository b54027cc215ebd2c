//! What a server says in an error: message, codes, and a piece of the body where it is not JSON.
//!
//! Invariant: everything in a [`Said`] may be shown: one line, short, no control characters, nothing that
//! looks like a key.

use evalwright_core::show::is_hidden;
use serde_json::Value;

use super::redact::without_key_shapes;

/// Characters of a server's message that are repeated.
const MOST_CHARACTERS: usize = 240;

/// Characters that are looked at for it; the rest of a page of megabytes would say no more.
const MOST_LOOKED_AT: usize = 16 * 1024;

/// A server's error, read as far as it can be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its words, in one line.
    pub(crate) message: String,
    /// Its codes and types in lower case, the finest first.
    pub(crate) codes: Vec<String>,
    /// A number that it gives as a code: an HTTP status, as a rule.
    pub(crate) number: Option<u16>,
    /// The id of the request, where the body has it.
    pub(crate) request_id: Option<String>,
    /// Tokens of the prompt and of the window, where they are fields of their own (llama.cpp).
    pub(crate) tokens: Option<(u64, u64)>,
}

impl Said {
    /// Reads a body: an error object, or a piece of whatever else it is.
    pub(crate) fn in_body(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::in_value(&value),
            Err(_) => Self {
                message: quote(&String::from_utf8_lossy(body)),
                ..Self::default()
            },
        }
    }

    /// Reads `{"error": …}`, what stands in it, or one of the other forms in use.
    pub(crate) fn in_value(value: &Value) -> Self {
        // Some servers put the error into a list of one.
        let value = match value.as_array().map(Vec::as_slice) {
            Some([only]) => only,
            _ => value,
        };
        let error = match value.get("error") {
            Some(error) if !error.is_null() => error,
            _ => value,
        };
        let words = |field: &Value| match field {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let message = ["message", "error", "detail", "msg", "error_description"]
            .iter()
            .find_map(|field| words(error.get(field)?))
            .or_else(|| words(error))
            .unwrap_or_default();
        let inner = error
            .get("innererror")
            .or_else(|| error.get("inner_error"))
            .and_then(|inner| inner.get("code"));
        let codes = [
            inner,
            error.get("code"),
            error.get("type"),
            error.get("status"),
        ];
        let field = |name: &str| error.get(name).and_then(Value::as_u64);
        Self {
            message: quote(&message),
            codes: codes
                .iter()
                .filter_map(|code| code.and_then(Value::as_str))
                .filter(|code| code.parse::<u16>().is_err())
                .map(|code| quote(code).to_lowercase())
                .collect(),
            number: codes.iter().flatten().find_map(|code| status_number(code)),
            request_id: value.get("request_id").and_then(Value::as_str).map(quote),
            tokens: field("n_prompt_tokens").zip(field("n_ctx")),
        }
    }

    /// Whether one of the codes is in a list.
    pub(crate) fn has_code(&self, list: &[&str]) -> bool {
        self.codes.iter().any(|code| list.contains(&code.as_str()))
    }

    /// Whether the message holds one of these phrases; they are written in lower case.
    pub(crate) fn has_phrase(&self, list: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        list.iter().any(|phrase| message.contains(phrase))
    }
}

fn status_number(code: &Value) -> Option<u16> {
    let number = match code {
        Value::String(text) => text.parse().ok()?,
        other => u16::try_from(other.as_u64()?).ok()?,
    };
    (100..=599).contains(&number).then_some(number)
}

/// A text in one line of at most 240 characters: tags of a page taken off, characters that are not seen
/// dropped, blanks drawn together, keys taken out.
pub(crate) fn quote(text: &str) -> String {
    let text = text
        .char_indices()
        .nth(MOST_LOOKED_AT)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text);
    let plain = if looks_like_a_page(text) {
        without_tags(text)
    } else {
        text.to_owned()
    };
    let seen: String = plain
        .chars()
        .map(|character| {
            if character.is_whitespace() {
                ' '
            } else {
                character
            }
        })
        .filter(|character| !is_hidden(*character))
        .collect();
    let line = without_key_shapes(&seen)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let mut short: String = line.chars().take(MOST_CHARACTERS).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// Whether a text is HTML, as proxies and login pages send it.
fn looks_like_a_page(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(200).collect();
    let start = start.to_lowercase();
    start.starts_with('<') && (start.contains("<html") || start.contains("<!doctype"))
}

fn without_tags(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in page.chars() {
        match character {
            '<' => {
                inside = true;
                text.push(' ');
            }
            '>' => inside = false,
            _ if !inside => text.push(character),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_forms_in_use_are_read() {
        for (body, message, codes, number) in [
            (
                json!({"error": {"message": "no", "type": "t_e", "code": "c_e"}}),
                "no",
                vec!["c_e", "t_e"],
                None,
            ),
            (
                json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
                "Overloaded",
                vec!["overloaded_error"],
                None,
            ),
            (
                json!({"error": "model is gone"}),
                "model is gone",
                vec![],
                None,
            ),
            (
                json!({"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}),
                "too long",
                vec!["badrequesterror"],
                Some(400),
            ),
            (json!({"detail": "Not Found"}), "Not Found", vec![], None),
            (
                json!([{"error": {"code": 503, "message": "high load", "status": "UNAVAILABLE"}}]),
                "high load",
                vec!["unavailable"],
                Some(503),
            ),
            (
                json!({"error": {"code": "502", "message": "up"}}),
                "up",
                vec![],
                Some(502),
            ),
            (json!({"error": null, "message": "m"}), "m", vec![], None),
            (json!("plain"), "plain", vec![], None),
            (json!(null), "", vec![], None),
        ] {
            let said = Said::in_value(&body);
            assert_eq!(said.message, message, "{body}");
            assert_eq!(said.codes, codes, "{body}");
            assert_eq!(said.number, number, "{body}");
        }
    }

    #[test]
    fn quotes_are_one_short_line_without_tags_controls_and_keys() {
        let page =
            "<!DOCTYPE html><html><head><title>Sign in</title></head><body>\n<p>to go on</p>";
        assert_eq!(quote(page), "Sign in to go on");
        assert_eq!(
            quote("a\u{1b}[2J\r\n\tb\u{202e} sk-test-000 c"),
            "a[2J b [key] c"
        );
        assert_eq!(quote(&"ä".repeat(300)).chars().count(), 241);
        assert_eq!(
            quote(&format!("so{}", " ä".repeat(1 << 20)))
                .chars()
                .count(),
            241
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_one_short_line(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            for said in [Said::in_body(&bytes), Said::in_body(text.as_bytes())] {
                prop_assert!(said.message.chars().count() <= 241);
                prop_assert!(!said.message.chars().any(|c| c.is_control() || is_hidden(c)));
            }
        }
    }
}
