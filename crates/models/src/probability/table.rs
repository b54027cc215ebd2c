//! The tokens that a server shows with a reply: at each position the one it wrote, and the candidates beside it.
//!
//! Candidates are kept apart by their bytes where the server gives them: two halves of characters print alike and are
//! two tokens. Nothing is added up or left out here.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::FLOOR;

/// A token at a position, with its log-probability.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// The token as the server prints it.
    pub(crate) text: String,
    /// Its bytes, where the server gives them.
    pub(crate) bytes: Option<Vec<u8>>,
    /// Its log-probability; `None` where the server gives no value.
    pub(crate) log_probability: Option<f64>,
}

impl Candidate {
    /// The token's text, if it is whole characters.
    pub(crate) fn whole_text(&self) -> Option<&str> {
        match &self.bytes {
            // Some servers give the bytes of what they print. For whole characters both are the same.
            Some(bytes) => std::str::from_utf8(bytes).ok(),
            None => (!self.text.contains(char::REPLACEMENT_CHARACTER)).then_some(&*self.text),
        }
    }

    fn is_same_token(&self, other: &Self) -> bool {
        match (&self.bytes, &other.bytes) {
            (Some(mine), Some(others)) => mine == others,
            _ => self.text == other.text,
        }
    }
}

/// One token of the reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Position {
    /// The token that was written.
    pub(crate) written: Candidate,
    /// All tokens that are shown here, the written one among them. No order is supposed.
    pub(crate) candidates: Vec<Candidate>,
}

impl Position {
    /// Joins the written token to the others, if it is not among them already.
    pub(crate) fn new(written: Candidate, mut candidates: Vec<Candidate>) -> Self {
        let shown = candidates
            .iter()
            .any(|candidate| candidate.is_same_token(&written));
        // A written token without a value, as in the oldest table, says nothing.
        if !shown && written.log_probability.is_some() {
            candidates.push(written.clone());
        }
        Self {
            written,
            candidates,
        }
    }
}

/// All that a server shows with one reply.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    /// Token by token.
    pub(crate) positions: Vec<Position>,
    /// The numbers were taken after the sampler.
    pub(crate) post_sampling: bool,
}

/// Reads a list of tokens with `top_logprobs`: `choices[].logprobs.content` of chat replies, the root-level `logprobs`
/// of Ollama, `completion_probabilities` of a llama.cpp server. `None` if it is no such list.
pub(crate) fn from_list(list: &Value) -> Option<Table> {
    let entries = list.as_array()?;
    let mut table = Table::default();
    for entry in entries {
        let probabilities = entry.get("probs").or_else(|| entry.get("top_probs"));
        let top = probabilities.or_else(|| entry.get("top_logprobs"));
        table.post_sampling |= probabilities.is_some();
        let candidates = top
            .and_then(Value::as_array)
            .map(|top| top.iter().filter_map(candidate).collect())
            .unwrap_or_default();
        table
            .positions
            .push(Position::new(candidate(entry)?, candidates));
    }
    Some(table)
}

/// One token under any of the names that servers have for its parts.
fn candidate(entry: &Value) -> Option<Candidate> {
    let text = ["token", "tok_str", "content", "decoded_token"]
        .iter()
        .find_map(|name| entry.get(name)?.as_str())?;
    let bytes = entry
        .get("bytes")
        .and_then(Value::as_array)
        .and_then(|all| {
            all.iter()
                .map(|byte| u8::try_from(byte.as_u64()?).ok())
                .collect::<Option<Vec<u8>>>()
        });
    let log_probability = match entry.get("prob").and_then(Value::as_f64) {
        Some(probability) => Some(logarithm(probability)),
        None => entry.get("logprob").and_then(Value::as_f64),
    };
    Some(Candidate {
        text: text.to_owned(),
        bytes,
        log_probability,
    })
}

/// The logarithm, with the floor for 0.
fn logarithm(probability: f64) -> f64 {
    if probability > 0.0 {
        probability.ln()
    } else {
        FLOOR
    }
}

/// Reads the lists of `completions`: `tokens`, `token_logprobs`, and for each position a map from the printed token to its
/// log-probability, or nothing. `None` if there are no tokens.
pub(crate) fn from_columns(logprobs: &Value, maps: &[Option<Pairs>]) -> Option<Table> {
    let tokens = logprobs.get("tokens")?.as_array()?;
    let values = logprobs.get("token_logprobs").and_then(Value::as_array);
    let mut table = Table::default();
    for (number, token) in tokens.iter().enumerate() {
        let written = Candidate {
            text: token.as_str()?.to_owned(),
            bytes: None,
            log_probability: values
                .and_then(|values| values.get(number))
                .and_then(Value::as_f64),
        };
        let candidates = match maps.get(number) {
            Some(Some(Pairs(pairs))) => pairs
                .iter()
                .map(|(text, log_probability)| Candidate {
                    text: text.clone(),
                    bytes: None,
                    log_probability: *log_probability,
                })
                .collect(),
            _ => Vec::new(),
        };
        table.positions.push(Position::new(written, candidates));
    }
    Some(table)
}

/// A map whose keys may repeat: two tokens can print alike. An ordinary map would keep the last value alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Pairs(pub(crate) Vec<(String, Option<f64>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map from tokens to log-probabilities")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn repeated_keys_are_kept() {
        let pairs: Pairs = serde_json::from_str(r#"{"a":-1.0,"b":null,"a":-2.0}"#).unwrap();
        let found: Vec<_> = pairs
            .0
            .iter()
            .map(|(key, value)| (&**key, *value))
            .collect();
        assert_eq!(found, [("a", Some(-1.0)), ("b", None), ("a", Some(-2.0))]);
    }

    #[test]
    fn the_written_token_is_a_candidate_once() {
        let list = json!([
            {"token": "a", "logprob": -1.0, "top_logprobs": [{"token": "b", "logprob": -0.5}]},
            {"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": [{"token": "a", "logprob": -1.0}]},
            {"token": "a", "logprob": -1.0, "top_logprobs": null},
        ]);
        let table = from_list(&list).unwrap();
        let counts: Vec<usize> = table
            .positions
            .iter()
            .map(|at| at.candidates.len())
            .collect();
        assert_eq!(counts, [2, 1, 1]);
        assert!(!table.post_sampling);
    }

    #[test]
    fn a_newer_table_of_probabilities_is_read_too() {
        let list = json!([{"token": "a", "prob": 0.5, "bytes": [97], "top_probs": [
            {"token": "a", "prob": 0.5, "bytes": [97]}, {"token": "b", "prob": 0.0, "bytes": [98]},
        ]}]);
        let table = from_list(&list).unwrap();
        assert!(table.post_sampling);
        let logs: Vec<_> = table.positions[0]
            .candidates
            .iter()
            .map(|candidate| candidate.log_probability)
            .collect();
        assert_eq!(logs, [Some(0.5_f64.ln()), Some(FLOOR)]);
    }

    #[test]
    fn half_a_character_is_no_text() {
        let token = |text: &str, bytes: Option<Vec<u8>>| Candidate {
            text: text.to_owned(),
            bytes,
            log_probability: None,
        };
        assert_eq!(token("\u{fffd}", Some(vec![230, 152])).whole_text(), None);
        assert_eq!(token("\u{fffd}", None).whole_text(), None);
        assert_eq!(token("a", None).whole_text(), Some("a"));
    }
}
