//! JSON as servers really write it: strict where that works, and repaired where a row would be lost for nothing.
//!
//! Repaired are half surrogates and bytes that are no UTF-8 (both become U+FFFD), control characters inside strings, and
//! the bare words that Python writes for numbers that are none (they become null). Nesting is limited to 128.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A value, and whether it had to be repaired.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) repaired: bool,
}

/// Reads one value.
pub(super) fn one<T: DeserializeOwned>(bytes: &[u8]) -> Result<Read<T>, serde_json::Error> {
    let bytes = without_mark(bytes);
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(Read {
            value,
            repaired: false,
        }),
        Err(error) => match repaired(bytes) {
            Some(text) => Ok(Read {
                value: serde_json::from_str(&text)?,
                repaired: true,
            }),
            None => Err(error),
        },
    }
}

/// Reads values that stand one behind the other.
pub(super) fn several(bytes: &[u8]) -> Result<Read<Vec<Value>>, serde_json::Error> {
    let bytes = without_mark(bytes);
    let all = |bytes: &[u8]| {
        serde_json::Deserializer::from_slice(bytes)
            .into_iter()
            .collect::<Result<Vec<Value>, _>>()
    };
    match all(bytes) {
        Ok(value) => Ok(Read {
            value,
            repaired: false,
        }),
        Err(error) => match repaired(bytes) {
            Some(text) => Ok(Read {
                value: all(text.as_bytes())?,
                repaired: true,
            }),
            None => Err(error),
        },
    }
}

/// Without a byte order mark.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The text with repairs; `None` if it needs none that we know.
fn repaired(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut changed = matches!(text, std::borrow::Cow::Owned(_));
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    let mut in_string = false;
    while let Some(next) = rest.chars().next() {
        let (taken, written) = if in_string {
            inside(rest, next)
        } else {
            outside(rest, next)
        };
        let (taken, after) = rest.split_at_checked(taken)?;
        changed |= taken != written;
        out.push_str(&written);
        rest = after;
        if next == '"' {
            in_string = !in_string;
        }
    }
    changed.then_some(out)
}

/// How many bytes are taken inside a string, and what is written for them.
fn inside(rest: &str, next: char) -> (usize, String) {
    match next {
        '\\' => escape(rest),
        '\0'..='\u{1f}' => (1, format!("\\u{:04x}", u32::from(next))),
        _ => (next.len_utf8(), next.to_string()),
    }
}

/// The same for an escape: half a surrogate pair becomes the replacement character.
fn escape(rest: &str) -> (usize, String) {
    let keep = |length: usize| {
        let text = rest.get(..length).unwrap_or(rest);
        (text.len(), text.to_owned())
    };
    match code_unit(rest) {
        Some(0xd800..=0xdbff) => match rest.get(6..).and_then(code_unit) {
            Some(0xdc00..=0xdfff) => keep(12),
            _ => (6, "\\ufffd".to_owned()),
        },
        Some(0xdc00..=0xdfff) => (6, "\\ufffd".to_owned()),
        Some(_) => keep(6),
        None => {
            let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
            keep(1 + escaped)
        }
    }
}

/// The number of an escape `\uXXXX` at the beginning.
fn code_unit(rest: &str) -> Option<u16> {
    let digits = rest.strip_prefix("\\u")?.get(..4)?;
    digits
        .bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u16::from_str_radix(digits, 16).ok())
        .flatten()
}

/// The same outside of strings.
fn outside(rest: &str, next: char) -> (usize, String) {
    for word in ["NaN", "Infinity", "-Infinity"] {
        if rest.starts_with(word) {
            return (word.len(), "null".to_owned());
        }
    }
    (next.len_utf8(), next.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn value(bytes: &[u8]) -> (Value, bool) {
        let read = one::<Value>(bytes).unwrap();
        (read.value, read.repaired)
    }

    #[test]
    fn half_a_surrogate_costs_one_character() {
        let (read, repaired) = value(br#"{"a":"x\ud83dy","b":"\ud83e\udd80","c":"\udc00\\u"}"#);
        assert_eq!(
            read,
            json!({"a": "x\u{fffd}y", "b": "\u{1f980}", "c": "\u{fffd}\\u"})
        );
        assert!(repaired);
    }

    #[test]
    fn bytes_that_are_no_characters_cost_themselves() {
        assert_eq!(value(b"\"a\xffb\""), (json!("a\u{fffd}b"), true));
        assert_eq!(value(b"\"a\nb\""), (json!("a\nb"), true));
    }

    #[test]
    fn words_for_no_number_are_null_outside_of_strings_alone() {
        let (read, _) = value(br#"{"a":[-Infinity,NaN,Infinity],"b":"NaN \"Infinity"}"#);
        assert_eq!(
            read,
            json!({"a": [null, null, null], "b": "NaN \"Infinity"})
        );
    }

    #[test]
    fn good_json_is_left_alone_and_bad_json_is_an_error() {
        assert_eq!(value(b"\xef\xbb\xbf{\"a\":1}"), (json!({"a": 1}), false));
        for bad in [&b"{"[..], b"", b"{\"a\":1}}", b"\"\\"] {
            assert!(one::<Value>(bad).is_err());
        }
        let deep = "[".repeat(100_000);
        assert!(one::<Value>(deep.as_bytes()).is_err());
        let closed = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert!(one::<Value>(closed.as_bytes()).is_err());
    }

    #[test]
    fn values_may_stand_one_behind_the_other() {
        assert_eq!(several(br#"{"a":1}{"b":2} 3"#).unwrap().value.len(), 3);
        assert!(several(br#"{"a":1}{"b""#).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _read = one::<Value>(&bytes);
            let mut string = vec![b'"'];
            string.extend(bytes.iter().filter(|byte| !matches!(byte, b'"' | b'\\')));
            string.push(b'"');
            prop_assert!(one::<Value>(&string).is_ok());
        }

        #[test]
        fn repairs_change_no_good_json(text in any::<String>()) {
            let written = json!({ "a": text }).to_string();
            prop_assert_eq!(repaired(written.as_bytes()), None);
        }
    }
}
