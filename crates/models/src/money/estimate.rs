//! How many tokens a text can have, without the tokenizer of the server that will read it.
//!
//! Two numbers for two uses. What is reserved before sending, or charged where a server does not say what it
//! used, must never be too low. What a server's own count is held against, to see that it cut a prompt, must
//! be near the truth.

use evalwright_core::{Prompt, TokenUsage};

/// Tokens that a chat format may add by itself. Most add a few dozen; the longest system text that a
/// published template fills in where the conversation has none is below this.
const TOKENS_OF_A_TEMPLATE: u64 = 512;
/// Tokens around one message: markers, role, line ends.
const TOKENS_AROUND_A_MESSAGE: u64 = 16;
/// The mark that may stand before a text, and the blank that some tokenizers put there.
const TOKENS_BEFORE_A_TEXT: u64 = 2;
/// Characters of usual prose in one token. English has between 4 and 5 with vocabularies of 50,000 to
/// 200,000; most other languages have fewer.
const CHARACTERS_IN_A_TOKEN: u64 = 5;

/// How many tokens a prompt has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptTokens {
    /// Near the truth for prose, rather below it.
    pub likely: u64,
    /// Not below the truth for tokenizers that work on bytes or fall back to them: none of their tokens
    /// stands for less than one byte.
    pub at_most: u64,
}

/// The most tokens that a text by itself can have: one for each byte.
#[must_use]
pub fn text_tokens_at_most(text: &str) -> u64 {
    count(text.len()).saturating_add(TOKENS_BEFORE_A_TEXT)
}

/// The tokens of a prompt, with what a chat format adds.
#[must_use]
pub fn prompt_tokens(prompt: &Prompt) -> PromptTokens {
    match prompt {
        Prompt::Text(text) => PromptTokens {
            likely: likely(text),
            at_most: text_tokens_at_most(text),
        },
        Prompt::Chat { messages, opening } => {
            let texts = || {
                messages
                    .iter()
                    .map(|message| message.content.as_str())
                    .chain([opening.as_str()])
            };
            let around = texts()
                .map(|text| text_tokens_at_most(text).saturating_add(TOKENS_AROUND_A_MESSAGE));
            PromptTokens {
                likely: texts().map(likely).fold(0, u64::saturating_add),
                at_most: around.fold(TOKENS_OF_A_TEMPLATE, u64::saturating_add),
            }
        }
    }
}

/// What is charged for a reply whose server does not say what it used: the most that the prompt can have,
/// and the most that can have been written. `written` is all that came, reasoning included.
#[must_use]
pub fn missing_usage(prompt: PromptTokens, written: &str, max_tokens: u32) -> TokenUsage {
    TokenUsage::new(
        prompt.at_most,
        text_tokens_at_most(written).min(u64::from(max_tokens)),
    )
}

/// Characters that differ from the one before, by the characters of a usual token: long rows of blanks or
/// dashes are few tokens.
fn likely(text: &str) -> u64 {
    let changes = text
        .chars()
        .zip(std::iter::once(None).chain(text.chars().map(Some)))
        .filter(|(character, before)| Some(*character) != *before)
        .count();
    count(changes).div_ceil(CHARACTERS_IN_A_TOKEN)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalwright_core::{Message, Role};
    use proptest::prelude::*;

    fn chat(contents: &[&str], opening: &str) -> Prompt {
        Prompt::Chat {
            messages: contents
                .iter()
                .map(|content| Message {
                    role: Role::User,
                    content: (*content).to_owned(),
                })
                .collect(),
            opening: opening.to_owned(),
        }
    }

    /// The texts and the numbers of their tokens are those of the reference for the model inside.
    #[test]
    fn a_real_tokenizer_lies_between_the_two_numbers() {
        let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
            eprintln!(
                "SKIPPED a_real_tokenizer_lies_between_the_two_numbers: EVALWRIGHT_SHARED is not set"
            );
            return;
        };
        let path = std::path::Path::new(&shared).join("data/reference/smollm2-135m-instruct.json");
        let text = std::fs::read_to_string(path).unwrap();
        let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
        let prompts = reference["prompts"].as_array().unwrap();
        assert!(prompts.len() > 1);
        for prompt in prompts {
            let text = prompt["prompt"].as_str().unwrap().to_owned();
            let tokens = prompt["token_ids"].as_array().unwrap().len() as u64;
            let estimate = prompt_tokens(&Prompt::Text(text.clone()));
            assert!(
                estimate.at_most >= tokens,
                "{estimate:?} for {tokens}: {text}"
            );
            // A prompt counts as cut below 80 % of what is likely.
            assert!(
                tokens * 10 >= estimate.likely * 8,
                "{estimate:?} for {tokens}: {text}"
            );
        }
    }

    #[test]
    fn rows_of_one_character_are_few_tokens_and_scripts_have_more_bytes_than_tokens() {
        assert_eq!(likely(&"-".repeat(1_000)), 1);
        assert_eq!(likely(""), 0);
        let japanese = prompt_tokens(&Prompt::Text("約束を守ることは大切です".to_owned()));
        assert_eq!(japanese.at_most, 36 + 2);
        assert!(japanese.likely <= 12);
    }

    /// Case H07: a budget that counts missing usage as nothing is no budget.
    #[test]
    fn h07_missing_usage_is_charged_upwards() {
        let prompt = prompt_tokens(&chat(&["Write one statement."], "I"));
        let usage = missing_usage(prompt, "1. I like to help.", 64);
        assert!(usage.prompt_tokens >= 20 && usage.completion_tokens == 20);
        assert_eq!(
            missing_usage(prompt, &"x".repeat(500), 64).completion_tokens,
            64
        );
    }

    proptest! {
        #[test]
        fn the_upper_number_is_never_below_one_token_a_byte(
            texts in prop::collection::vec(any::<String>(), 0..5), opening in any::<String>(),
        ) {
            let bytes = texts.iter().map(String::len).sum::<usize>() + opening.len();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let estimate = prompt_tokens(&chat(&texts, &opening));
            prop_assert!(estimate.at_most >= bytes as u64);
            prop_assert!(estimate.likely <= estimate.at_most);
        }
    }
}
