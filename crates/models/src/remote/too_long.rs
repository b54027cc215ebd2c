//! Reads from an error that prompt and reply do not fit into the model's window, and by how much.
//!
//! Invariant: numbers are given only where the message shows a need above a window; nothing is guessed.

use super::said::Said;

const CODES: [&str; 3] = [
    "context_length_exceeded",
    "exceed_context_size_error",
    "context_window_exceeded",
];

/// After these stands the window, in messages of OpenAI, vLLM, SGLang, llama.cpp and Anthropic.
const PHRASES: [&str; 8] = [
    "context length",
    "context size",
    "context window",
    "context limit",
    "prompt is too long",
    "max_model_len",
    "maximum length",
    "maximum number of tokens",
];

/// Tokens needed and tokens of the window.
pub(crate) fn tokens(said: &Said) -> Option<(u64, u64)> {
    if let Some((needed, window)) = said.tokens {
        return (needed > window).then_some((needed, window));
    }
    let message = said.message.to_lowercase();
    let phrase_ends = PHRASES
        .iter()
        .filter_map(|phrase| message.find(phrase).map(|at| at + phrase.len()))
        .min();
    if phrase_ends.is_none() && !said.has_code(&CODES) {
        return None;
    }
    let numbers = numbers(&message);
    let (needed, window) = compared(&message, &numbers).or_else(|| {
        let window = numbers
            .iter()
            .find(|number| Some(number.at) >= phrase_ends)?
            .value;
        let needed = numbers.iter().map(|number| number.value).max()?;
        Some((needed, window))
    })?;
    (needed > window).then_some((needed, window))
}

#[derive(Debug, Clone, Copy)]
struct Number {
    value: u64,
    /// Where it begins and ends, in bytes.
    at: usize,
    end: usize,
}

/// `a > b` or `a + b > c`, as Anthropic and vLLM write it.
fn compared(message: &str, numbers: &[Number]) -> Option<(u64, u64)> {
    let sign = message.find('>')?;
    let right = numbers.iter().find(|number| number.at > sign)?;
    let mut before = numbers.iter().rev().filter(|number| number.end <= sign);
    let left = before.next()?;
    let added = before
        .next()
        .filter(|first| message.get(first.end..left.at).map(str::trim) == Some("+"))
        .map_or(0, |first| first.value);
    Some((left.value.saturating_add(added), right.value))
}

/// The whole numbers of a text, thousands separated by commas or not; those inside names (`gpt-4`, `32k`)
/// are left out.
fn numbers(text: &str) -> Vec<Number> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !byte(at).is_ascii_digit() {
            at += 1;
            continue;
        }
        let mut end = at;
        let mut value = Some(0_u64);
        while byte(end).is_ascii_digit() || (byte(end) == b',' && byte(end + 1).is_ascii_digit()) {
            if byte(end) != b',' {
                let digit = u64::from(byte(end) - b'0');
                value = value.and_then(|value| value.checked_mul(10)?.checked_add(digit));
            }
            end += 1;
        }
        let before = at.checked_sub(1).map_or(b' ', byte);
        let in_a_name = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80
        };
        let after = byte(end);
        let ends_a_sentence = after == b'.' && !byte(end + 1).is_ascii_alphanumeric();
        if let Some(value) = value
            && !in_a_name(before)
            && (ends_a_sentence || !in_a_name(after))
        {
            found.push(Number { value, at, end });
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(message: &str, code: &str) -> Option<(u64, u64)> {
        tokens(&Said::in_value(
            &json!({"error": {"message": message, "code": code}}),
        ))
    }

    #[test]
    fn the_forms_of_known_servers_are_read() {
        for (message, expected) in [
            (
                "This model's maximum context length is 4097 tokens. However, your messages resulted in 5,210 \
                 tokens. Please reduce the length of the messages.",
                Some((5210, 4097)),
            ),
            (
                "This model's maximum context length is 2048 tokens. However, you requested 3100 tokens (3000 \
                 in the messages, 100 in the completion).",
                Some((3100, 2048)),
            ),
            (
                "'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your \
                 request has 20 input tokens (5000 > 4096 - 20).",
                Some((5000, 4096)),
            ),
            (
                "prompt is too long: 210000 tokens > 200000 maximum",
                Some((210_000, 200_000)),
            ),
            (
                "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input",
                Some((210_000, 200_000)),
            ),
            (
                "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
                Some((5000, 4096)),
            ),
            ("gpt-4-32k: the context length was exceeded", None),
            ("temperature must be at most 2, not 3", None),
            ("The context length is 4096 tokens; 20 were sent.", None),
        ] {
            assert_eq!(read(message, ""), expected, "{message}");
        }
        assert_eq!(read("7000 is above 4000", "other"), None);
        let llama = json!({"error": {
            "code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 1300, "n_ctx": 512,
            "message": "the request exceeds the available context size, try increasing it",
        }});
        assert_eq!(tokens(&Said::in_value(&llama)), Some((1300, 512)));
    }

    proptest! {
        #[test]
        fn numbers_are_given_only_for_a_need_above_a_window(text in "[ -~é]{0,80}") {
            for message in [text.clone(), format!("context length {text}")] {
                if let Some((needed, window)) = read(&message, "context_length_exceeded") {
                    prop_assert!(needed > window);
                }
            }
        }
    }
}
