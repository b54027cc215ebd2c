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
    let mut last = ' ';
    let mut characters = 0_u64;
    for character in text.chars() {
        let goes_on = character == last || (character.is_whitespace() && last.is_whitespace());
        characters += u64::from(!goes_on);
        last = character;
    }
    characters / CHARACTERS_PER_TOKEN
}

/// No token of a byte-level tokenizer, or of one that falls back to bytes, stands for less than a byte.
pub(crate) fn at_most(text: &str) -> u64 {
    text.len() as u64
}
