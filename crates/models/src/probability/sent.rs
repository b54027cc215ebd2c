//! The log-probability of a text that was sent, from the tokens of a prompt that the server sends back.
//!
//! The tokens that end the sent text must spell the text to be scored exactly. Where a token reaches across its
//! beginning there is no such number, and none is made up.

use evalwright_core::{AnswerScore, SlotFailure};
use serde_json::Value;

use super::{FLOOR, ROUNDING};

/// A token that was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentToken {
    /// The token as the server prints it.
    pub(crate) text: String,
    /// Its log-probability after everything before it; none for the first.
    pub(crate) log_probability: Option<f64>,
    /// Where it begins, in characters, by the server's count.
    pub(crate) offset: Option<u64>,
}

/// Reads the lists that `completions` gives with `echo`. `None` if there are no such lists.
pub(crate) fn from_columns(logprobs: &Value) -> Option<Vec<SentToken>> {
    let column = |name: &str| logprobs.get(name).and_then(Value::as_array);
    let values = column("token_logprobs")?;
    let offsets = column("text_offset");
    let at = |column: &[Value], number: usize| column.get(number).cloned().unwrap_or_default();
    column("tokens")?
        .iter()
        .enumerate()
        .map(|(number, token)| {
            Some(SentToken {
                text: token.as_str()?.to_owned(),
                log_probability: at(values, number).as_f64(),
                offset: offsets.and_then(|offsets| at(offsets, number).as_u64()),
            })
        })
        .collect()
}

/// Reads `prompt_logprobs`: for each token nothing, or a map from token numbers to the token and its value. One entry a
/// map was asked for. `None` if it is no such list.
pub(crate) fn from_maps(list: &Value) -> Option<Vec<SentToken>> {
    let entries = list.as_array()?;
    let mut tokens = Vec::with_capacity(entries.len());
    for entry in entries {
        let known = entry.as_object().and_then(|map| map.values().next());
        tokens.push(SentToken {
            text: known
                .and_then(|known| known.get("decoded_token"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            log_probability: known
                .and_then(|known| known.get("logprob"))
                .and_then(Value::as_f64),
            offset: None,
        });
    }
    Some(tokens)
}

/// The score of the text that ends the sent tokens. `prompt` is the plain text before it, where that is known, and
/// `count` how many tokens were sent by the server's own account; the rest were written after them.
///
/// # Errors
/// [`SlotFailure::EmptyContinuation`] for an empty text, [`SlotFailure::AnswersMissing`] when no run of tokens is the
/// text, [`SlotFailure::InvalidProbabilities`] when one of them has no usable value.
pub(crate) fn score(
    tokens: &[SentToken],
    prompt: Option<&str>,
    text: &str,
    count: Option<u64>,
) -> Result<AnswerScore, SlotFailure> {
    if text.is_empty() {
        return Err(SlotFailure::EmptyContinuation);
    }
    let end = end(tokens, prompt, text, count);
    let sent = tokens.get(..end).unwrap_or(tokens);
    let start = start_by_spelling(sent, text)
        .or_else(|| start_by_offset(sent, prompt?))
        .ok_or_else(|| SlotFailure::AnswersMissing {
            detail: "no run of the server's tokens is the text to be scored: one reaches across its beginning"
                .to_owned(),
        })?;
    let scored = sent.get(start..).unwrap_or_default();
    let mut sum = 0.0;
    for token in scored {
        let value = token.log_probability.filter(|value| *value <= ROUNDING);
        let Some(value) = value else {
            return Err(SlotFailure::InvalidProbabilities {
                detail: format!(
                    "the value of token {:?} is {}",
                    token.text,
                    token
                        .log_probability
                        .map_or_else(|| "missing".to_owned(), |value| format!("{value}, above 0"))
                ),
            });
        };
        sum += value.min(0.0);
    }
    Ok(AnswerScore::known(
        sum.max(FLOOR),
        u32::try_from(scored.len()).unwrap_or(u32::MAX),
    ))
}

/// How many of the tokens were sent. Servers must write at least one more, which may be listed behind them.
fn end(tokens: &[SentToken], prompt: Option<&str>, text: &str, count: Option<u64>) -> usize {
    let all = tokens.len();
    let Some(without_last) = all.checked_sub(1) else {
        return 0;
    };
    let counted = count.and_then(|count| usize::try_from(count).ok());
    match (counted, prompt) {
        (Some(counted), _) if counted == without_last || counted == all => counted,
        (_, Some(prompt)) => {
            let sent = characters(prompt) + characters(text) + start_mark(tokens, prompt);
            let last = tokens.last().and_then(|token| token.offset);
            if last.is_some_and(|last| last >= sent) {
                without_last
            } else {
                all
            }
        }
        _ => all,
    }
}

/// Where the run begins that spells the text, counted from the end.
fn start_by_spelling(sent: &[SentToken], text: &str) -> Option<usize> {
    let mut left = text;
    for (number, token) in sent.iter().enumerate().rev() {
        left = left.strip_suffix(&*token.text)?;
        if left.is_empty() {
            return Some(number);
        }
    }
    None
}

/// Where the run begins by the server's count of characters: for texts with characters that are several tokens, which
/// are printed as none.
fn start_by_offset(sent: &[SentToken], prompt: &str) -> Option<usize> {
    let start = characters(prompt) + start_mark(sent, prompt);
    let number = sent.iter().position(|token| token.offset == Some(start))?;
    sent.get(number..)?
        .iter()
        .any(|token| token.text.contains(char::REPLACEMENT_CHARACTER))
        .then_some(number)
}

/// Characters of a mark for the beginning of the text that the server lists in front of it.
fn start_mark(tokens: &[SentToken], prompt: &str) -> u64 {
    tokens
        .first()
        .filter(|token| !prompt.starts_with(&*token.text))
        .filter(|token| !token.text.contains(char::REPLACEMENT_CHARACTER))
        .map_or(0, |token| characters(&token.text))
}

fn characters(text: &str) -> u64 {
    text.chars().count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tokens(texts: &[&str]) -> Vec<SentToken> {
        let mut offset = 0;
        texts
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let token = SentToken {
                    text: (*text).to_owned(),
                    log_probability: (number > 0).then_some(-0.5),
                    offset: Some(offset),
                };
                offset += characters(text);
                token
            })
            .collect()
    }

    #[test]
    fn what_the_server_wrote_itself_does_not_count() {
        for count in [Some(4), None] {
            let sent = tokens(&["<s>", "Q", " Ye", "s", " Yes"]);
            let score = score(&sent, Some("Q"), " Yes", count).unwrap();
            assert_eq!(score, AnswerScore::known(-1.0, 2));
        }
    }

    #[test]
    fn a_token_across_the_beginning_is_a_failure() {
        let sent = tokens(&["Q", ": Y", "es"]);
        let failure = score(&sent, Some("Q: "), "Yes", None).unwrap_err();
        assert!(matches!(failure, SlotFailure::AnswersMissing { .. }));
        assert_eq!(
            score(&sent, Some("Q: "), "", None),
            Err(SlotFailure::EmptyContinuation)
        );
        assert!(score(&[], Some("Q"), "Yes", None).is_err());
    }

    #[test]
    fn a_character_of_several_tokens_is_found_by_the_offset() {
        let mut sent = tokens(&["Q", "\u{fffd}", "\u{fffd}"]);
        assert!(score(&sent, Some("Q"), "\u{1f980}", None).is_ok());
        sent[1].offset = Some(7);
        assert!(score(&sent, Some("Q"), "\u{1f980}", None).is_err());
    }

    #[test]
    fn values_that_are_none_are_a_failure() {
        let mut sent = tokens(&["Q", " Yes"]);
        sent[1].log_probability = Some(0.7);
        let failure = score(&sent, Some("Q"), " Yes", None).unwrap_err();
        assert!(matches!(failure, SlotFailure::InvalidProbabilities { .. }));
        sent[1].log_probability = None;
        assert!(score(&sent, Some("Q"), " Yes", None).is_err());
    }

    #[test]
    fn maps_of_sent_tokens_are_read_from_the_end() {
        let list = json!([
            null,
            {"5": {"logprob": -2.0, "rank": 3, "decoded_token": "I"}},
            {"7": {"logprob": -0.25, "rank": 1, "decoded_token": " like"}},
        ]);
        let sent = from_maps(&list).unwrap();
        assert_eq!(
            score(&sent, None, " like", Some(3)),
            Ok(AnswerScore::known(-0.25, 1))
        );
    }
}
