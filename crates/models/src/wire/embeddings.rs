//! Embeddings: one vector of numbers a text.

use serde_json::Value;

use super::answer::Reported;
use super::body::Body;
use super::malformed::{again, error_in, lacks, not_json};
use super::{Outgoing, PromptEstimate, chat, estimate, json, unsupported};
use crate::remote::trouble::Trouble;
use crate::server::{Profile, Protocol};

/// The vectors of texts, in their order, and the tokens read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Embedded {
    /// One vector a text, all of one length.
    pub(crate) vectors: Vec<Vec<f32>>,
    /// Tokens read; our upper estimate where the server gives none.
    pub(crate) prompt_tokens: u64,
    /// The tokens are our estimate.
    pub(crate) estimated: bool,
}

/// Writes a request for the vectors of texts.
///
/// # Errors
/// [`Trouble::Stop`] when the server has no embeddings.
pub(crate) fn build(profile: &Profile, model: &str, texts: &[String]) -> Result<Outgoing, Trouble> {
    let endpoint = match profile.protocol {
        Protocol::Chat => "embeddings",
        Protocol::Ollama => "api/embed",
        Protocol::Messages => {
            return Err(unsupported(format!("{} has no embeddings", profile.name)));
        }
    };
    let at_most = texts.iter().map(|text| estimate::at_most(text)).sum();
    Ok(Outgoing {
        endpoint,
        body: Body::default()
            .put("model", model)
            .put("input", texts)
            .into_bytes()
            .into(),
        prompt_estimate: PromptEstimate {
            at_least: 0,
            at_most,
        },
    })
}

/// Reads the body of an answer to a request with `count` texts.
///
/// # Errors
/// When there is not exactly one vector of finite numbers for each text.
pub(crate) fn read(
    profile: &Profile,
    count: usize,
    prompt_estimate: PromptEstimate,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Embedded, Trouble> {
    let value = json::one::<Value>(body)
        .map_err(|_| not_json(content_type, body))?
        .value;
    if let Some(trouble) = error_in(&value) {
        return Err(trouble);
    }
    let (vectors, usage) = match profile.protocol {
        Protocol::Ollama => {
            let prompt = value["prompt_eval_count"].as_u64();
            (
                listed(&value, count)?,
                Reported {
                    prompt,
                    ..Reported::default()
                },
            )
        }
        Protocol::Chat | Protocol::Messages => {
            (numbered(&value, count)?, chat::usage(&value["usage"]))
        }
    };
    let length = vectors.first().map_or(0, Vec::len);
    if length == 0 && count > 0 || vectors.iter().any(|vector| vector.len() != length) {
        return Err(again(
            "the server sent vectors of different lengths, or empty ones".to_owned(),
        ));
    }
    let reported = usage.prompt.filter(|&tokens| tokens > 0);
    Ok(Embedded {
        vectors,
        prompt_tokens: reported.unwrap_or(prompt_estimate.at_most),
        estimated: reported.is_none(),
    })
}

/// `embeddings`: vectors in order.
fn listed(value: &Value, count: usize) -> Result<Vec<Vec<f32>>, Trouble> {
    let list = value["embeddings"]
        .as_array()
        .ok_or_else(|| lacks("embeddings", value))?;
    if list.len() != count {
        return Err(miscounted(list.len(), count));
    }
    list.iter().map(vector).collect()
}

/// `data`: vectors with the number of their text, in any order.
fn numbered(value: &Value, count: usize) -> Result<Vec<Vec<f32>>, Trouble> {
    let list = value["data"]
        .as_array()
        .ok_or_else(|| lacks("data", value))?;
    let mut places: Vec<Option<Vec<f32>>> = vec![None; count];
    for (number, entry) in list.iter().enumerate() {
        let index = entry["index"]
            .as_u64()
            .map_or(Some(number), |index| usize::try_from(index).ok());
        let place = index.and_then(|index| places.get_mut(index));
        match place {
            Some(place @ None) => *place = Some(vector(&entry["embedding"])?),
            _ => return Err(miscounted(list.len(), count)),
        }
    }
    let found = places.iter().flatten().count();
    if found != count {
        return Err(miscounted(found, count));
    }
    Ok(places.into_iter().flatten().collect())
}

fn miscounted(found: usize, wanted: usize) -> Trouble {
    again(format!(
        "the server sent {found} vectors for {wanted} texts, or one twice"
    ))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "vectors are 32-bit numbers that were written as decimals"
)]
fn vector(value: &Value) -> Result<Vec<f32>, Trouble> {
    value
        .as_array()
        .and_then(|numbers| {
            numbers
                .iter()
                .map(|number| Some(number.as_f64()? as f32).filter(|number| number.is_finite()))
                .collect()
        })
        .ok_or_else(|| again("a vector holds what is no number".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::PROFILES;

    const NONE: PromptEstimate = PromptEstimate {
        at_least: 0,
        at_most: 9,
    };

    fn profile(name: &str) -> &'static Profile {
        PROFILES.iter().find(|known| known.name == name).unwrap()
    }

    #[test]
    fn vectors_come_back_in_the_order_of_their_texts() {
        let body = br#"{"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2.5]}],
            "usage":{"prompt_tokens":7}}"#;
        let embedded = read(profile("openai"), 2, NONE, None, body).unwrap();
        assert_eq!(embedded.vectors, [[1.0, 2.5], [3.0, 4.0]]);
        assert_eq!((embedded.prompt_tokens, embedded.estimated), (7, false));
        let native = br#"{"embeddings":[[1],[2]]}"#;
        let embedded = read(profile("ollama"), 2, NONE, None, native).unwrap();
        assert_eq!(embedded.vectors, [[1.0], [2.0]]);
        assert_eq!((embedded.prompt_tokens, embedded.estimated), (9, true));
    }

    #[test]
    fn missing_doubled_and_broken_vectors_are_asked_for_again() {
        for body in [
            &br#"{"data":[{"index":0,"embedding":[1]}]}"#[..],
            br#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
            br#"{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}"#,
            br#"{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":["x"]}]}"#,
            br#"{"data":[{"index":0,"embedding":[1]},{"index":9,"embedding":[1]}]}"#,
        ] {
            let trouble = read(profile("openai"), 2, NONE, None, body).unwrap_err();
            assert!(matches!(trouble, Trouble::Retry { .. }), "{trouble:?}");
        }
    }

    #[test]
    fn requests_hold_the_texts() {
        let texts = ["a".to_owned(), "b".to_owned()];
        let outgoing = build(profile("openai"), "m", &texts).unwrap();
        assert_eq!(&*outgoing.body, br#"{"model":"m","input":["a","b"]}"#);
        assert!(build(profile("anthropic"), "m", &texts).is_err());
    }
}
