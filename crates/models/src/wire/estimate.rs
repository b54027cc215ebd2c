//! How many tokens a text has, by what can be known without its tokenizer: a number that it hardly falls below, and one
//! that it never passes.

use evalwright_core::Prompt;

use super::Asked;

/// Characters of ordinary text that a token stands for at most, on average. English prose has 4 to 5; runs of blanks
/// or of one character have many more, so they count once.
const CHARACTERS_PER_TOKEN: u64 = 5;

/// Tokens that a chat format adds to each message and to the whole at most.
const MARKS: u64 = 16;

/// How many tokens a prompt has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PromptEstimate {
    /// It hardly has fewer: a server that counts far below this has cut the prompt.
    pub(crate) at_least: u64,
    /// It never has more: the number to pay by where the server gives none.
    pub(crate) at_most: u64,
}

/// The estimate for all that is sent with a request.
pub(crate) fn prompt(asked: Asked<'_>) -> PromptEstimate {
    let mut estimate = PromptEstimate {
        at_least: 0,
        at_most: MARKS,
    };
    let mut add = |text: &str| {
        estimate.at_least += at_least(text);
        estimate.at_most += at_most(text) + MARKS;
    };
    match asked.prompt() {
        Prompt::Text(text) => add(text),
        Prompt::Chat { messages, opening } => {
            for message in messages {
                add(&message.content);
            }
            add(opening);
        }
    }
    if let Asked::Whole { continuation, .. } = asked {
        add(continuation);
    }
    estimate
}

fn at_least(text: &str) -> u64 {
    let characters = if text.is_ascii() {
        changes_in_ascii(text.as_bytes())
    } else {
        changes(text)
    };
    characters / CHARACTERS_PER_TOKEN
}

/// Characters that do not go on as the last one: no repeated character, no blank after a blank.
fn changes(text: &str) -> u64 {
    let mut last = ' ';
    let mut characters = 0;
    for character in text.chars() {
        let goes_on = character == last || (character.is_whitespace() && last.is_whitespace());
        characters += u64::from(!goes_on);
        last = character;
    }
    characters
}

/// Bytes that can be counted in one.
const PIECE: usize = 255;

/// The same number, many bytes at a time.
fn changes_in_ascii(text: &[u8]) -> u64 {
    // What counts as blank for a character, below 128.
    let is_blank = |byte: u8| byte == b' ' || byte.wrapping_sub(b'\t') <= b'\r' - b'\t';
    let goes_on = |last: u8, byte: u8| (last == byte) | (is_blank(last) & is_blank(byte));
    let first = text.first().is_some_and(|byte| !goes_on(b' ', *byte));
    let rest = text.get(1..).unwrap_or_default();
    // In pieces whose count fits into a byte: then the compiler takes many bytes at a time.
    let more: u64 = text
        .chunks(PIECE)
        .zip(rest.chunks(PIECE))
        .map(|(text, rest)| {
            let ends = text.iter().zip(rest);
            u64::from(ends.fold(0_u8, |count, (last, byte)| {
                count.wrapping_add(u8::from(!goes_on(*last, *byte)))
            }))
        })
        .sum();
    u64::from(first) + more
}

/// No token of a byte-level tokenizer, or of one that falls back to bytes, stands for less than a byte.
pub(crate) fn at_most(text: &str) -> u64 {
    text.len() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_counted_as_characters_are(text in "[ab \\t-\\r\\x00-\\x7f]{0,600}") {
            prop_assert_eq!(changes_in_ascii(text.as_bytes()), changes(&text));
        }
    }
}
