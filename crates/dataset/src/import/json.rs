//! One JSON object as text, read as tolerantly as it can be without guessing.
//!
//! What is read differently from what stands there is noted. A key that stands twice with different values is
//! refused: which of them was meant is not known, and taking the last would flip a label with no trace.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::rows::has_several_objects;

/// An object, and what was changed to read it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ReadObject {
    /// Its members, in order.
    pub(crate) fields: Map<String, Value>,
    /// Halves of surrogate pairs, each now U+FFFD.
    pub(crate) half_surrogates: u64,
    /// `NaN` and `Infinity`, each now null.
    pub(crate) not_numbers: u64,
    /// Keys that stand again with the same value.
    pub(crate) repeated_keys: u64,
}

/// Reads an object that is all of `text`.
///
/// # Errors
/// One sentence, without the place of the text.
pub(crate) fn object(text: &str) -> Result<ReadObject, String> {
    let first = match parse(text) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let Some(repaired) = repaired(text) else {
        return Err(problem(text, &first));
    };
    let read = parse(&repaired.text).map_err(|error| problem(&repaired.text, &error))?;
    Ok(ReadObject {
        half_surrogates: repaired.half_surrogates,
        not_numbers: repaired.not_numbers,
        ..read
    })
}

fn parse(text: &str) -> Result<ReadObject, serde_json::Error> {
    let repeated = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Noting {
        repeated: &repeated,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    let Value::Object(fields) = value else {
        return Err(serde_json::Error::custom(NOT_AN_OBJECT));
    };
    let repeated = repeated.into_inner();
    if let Some((key, _)) = repeated.iter().find(|(_, is_same)| !is_same) {
        return Err(serde_json::Error::custom(format!(
            "the key {key:?} stands twice with different values"
        )));
    }
    Ok(ReadObject {
        fields,
        repeated_keys: repeated.len() as u64,
        ..ReadObject::default()
    })
}

const NOT_AN_OBJECT: &str = "expected an object";

/// Says what is wrong, in words that name the fault rather than the parser's state.
fn problem(text: &str, error: &serde_json::Error) -> String {
    if text.contains('\0') {
        return "holds zero bytes; the file was cut or damaged on disk".to_owned();
    }
    let message = error.to_string();
    let message = message
        .split(" at line ")
        .next()
        .unwrap_or(&message)
        .to_owned();
    if error.is_data() {
        return match text.trim_start().chars().next() {
            Some('[') if message == NOT_AN_OBJECT => {
                "expected an object, found an array".to_owned()
            }
            _ => message,
        };
    }
    if error.is_eof() {
        return "not one object a line: it ends before the object does".to_owned();
    }
    if has_several_objects(text) {
        return "not one object a line: something follows the object".to_owned();
    }
    format!("{message} at column {}", error.column())
}

/// Builds values and takes down keys that stand twice in one object, and whether with the same value.
#[derive(Clone, Copy)]
struct Noting<'a> {
    repeated: &'a RefCell<Vec<(String, bool)>>,
}

impl<'de> DeserializeSeed<'de> for Noting<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Noting<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if let Some(before) = fields.get(&key) {
                let is_same = *before == value;
                self.repeated.borrow_mut().push((key.clone(), is_same));
            }
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

struct Repaired {
    text: String,
    half_surrogates: u64,
    not_numbers: u64,
}

/// The text with each half of a surrogate pair, written as an escape, made U+FFFD, and each `NaN` and `Infinity`
/// outside of strings made null; none when there is nothing of it.
fn repaired(text: &str) -> Option<Repaired> {
    let mut out = Repaired {
        text: String::with_capacity(text.len()),
        half_surrogates: 0,
        not_numbers: 0,
    };
    let mut rest = text;
    let mut in_string = false;
    while let Some(character) = rest.chars().next() {
        let mut taken = character.len_utf8();
        if in_string && character == '\\' {
            taken = match escape(rest) {
                Escape::Whole(length) => {
                    out.text.push_str(rest.get(..length).unwrap_or(rest));
                    length
                }
                Escape::Half => {
                    out.text.push_str("\\ufffd");
                    out.half_surrogates += 1;
                    6
                }
            };
        } else if !in_string
            && let Some(word) = ["NaN", "Infinity", "-Infinity"]
                .into_iter()
                .find(|word| rest.starts_with(word))
        {
            out.text.push_str("null");
            out.not_numbers += 1;
            taken = word.len();
        } else {
            in_string ^= character == '"';
            out.text.push(character);
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    (out.half_surrogates + out.not_numbers > 0).then_some(out)
}

enum Escape {
    /// So many bytes belong together and are fine, or wrong in a way that the parser tells.
    Whole(usize),
    /// Half of a surrogate pair, six bytes long.
    Half,
}

/// The escape with which the text begins.
fn escape(text: &str) -> Escape {
    match unit(text) {
        Some(0xdc00..=0xdfff) => Escape::Half,
        Some(0xd800..=0xdbff) => match text.get(6..).and_then(unit) {
            Some(0xdc00..=0xdfff) => Escape::Whole(12),
            _ => Escape::Half,
        },
        Some(_) => Escape::Whole(6),
        // The backslash and what it escapes.
        None => Escape::Whole(1 + text.chars().nth(1).map_or(0, char::len_utf8)),
    }
}

/// The number of a `\uXXXX` with which the text begins.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits
        .chars()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::object;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn halves_of_pairs_and_numbers_that_are_none_are_read_and_noted() {
        let read = object(
            r#"{"a": "\ud83c\udf78 \ud83c \udf78 \\ud83c", "b": [NaN, -Infinity], "c": "NaN"}"#,
        )
        .unwrap();
        assert_eq!(
            Value::Object(read.fields),
            json!({ "a": "🍸 \u{fffd} \u{fffd} \\ud83c", "b": [null, null], "c": "NaN" })
        );
        assert_eq!((read.half_surrogates, read.not_numbers), (2, 2));
    }

    #[test]
    fn a_key_that_stands_twice_must_say_the_same() {
        let read = object(r#"{"a": 1, "b": {"c": 2, "c": 2}}"#).unwrap();
        assert_eq!(read.repeated_keys, 1);
        let refused = object(r#"{"label": "Yes", "label": "No"}"#).unwrap_err();
        assert!(refused.contains("\"label\""), "{refused}");
    }

    #[test]
    fn faults_have_names() {
        for (text, part) in [
            ("{\"q\":1}{\"q\":2}", "not one object a line"),
            ("{", "not one object a line"),
            ("[1]", "array"),
            ("3", "expected an object"),
            ("{\"a\": tru}", "column"),
            ("\0\0\0", "zero bytes"),
            ("", "not one object a line"),
        ] {
            let problem = object(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(object(&deep).unwrap_err().contains("recursion"));
    }

    proptest! {
        #[test]
        fn what_serde_reads_is_read_the_same(text in "\\PC*", number in any::<f64>()) {
            let value = json!({ "a": text, "b": [number, { "c": null }] });
            let read = object(&value.to_string()).unwrap();
            prop_assert_eq!(Value::Object(read.fields), value);
        }

        #[test]
        fn nothing_panics(text in "[\\[\\]{}\":,a1\\\\ud8NI-]*") {
            object(&text).ok();
        }
    }
}
