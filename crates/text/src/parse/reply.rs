//! What is taken off a reply before its items are looked for: reasoning, and turns that the model wrote for others.
//!
//! Line numbers stay right: for every line that goes, an empty one stays.

use std::ops::Range;

use super::fields::failure;
use super::{ParseContext, ParseFailure, clean};

/// Tags around reasoning, as open models write them.
const REASONING: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
];

/// Starts of lines at which another turn begins.
const TURNS: [&str; 9] = [
    "Human:",
    "Assistant:",
    "User:",
    "System:",
    "### Instruction",
    "### Human",
    "### Assistant",
    "### User",
    "### Response",
];

/// Tokens that end a turn wherever they stand.
const TOKENS: [&str; 9] = [
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|start_header_id|>",
    "<end_of_turn>",
    "<start_of_turn>",
    "<EOT>",
];

/// The reply began to reason and never stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unclosed(pub(super) &'static str);

/// The reply without reasoning. A closing tag alone ends reasoning that began in the prompt.
///
/// An opening tag counts only at the start of a line, so that a sentence about tags keeps them.
///
/// # Errors
/// [`Unclosed`] when an opening tag has no closing one.
pub(crate) fn without_reasoning(reply: &str) -> Result<String, Unclosed> {
    REASONING
        .iter()
        .try_fold(reply.to_owned(), |rest, &(open, close)| {
            without_blocks(&rest, open, close)
        })
}

/// Opening and reply in one, without reasoning, for parsers that want all of it or a failure.
///
/// # Errors
/// `empty_content` or `unclosed_reasoning`.
pub(super) fn whole_answer(text: &str, context: &ParseContext<'_>) -> Result<String, ParseFailure> {
    let whole = format!("{}{text}", context.opening);
    if !clean::has_text(&whole) {
        return Err(failure("empty_content", "the reply holds no text"));
    }
    without_reasoning(&whole)
        .map_err(|_| failure("unclosed_reasoning", "the reply ends while it reasons"))
}

/// One pass for one pair of tags; every tag is looked at once, so the work grows linearly with the reply.
fn without_blocks(text: &str, open: &'static str, close: &str) -> Result<String, Unclosed> {
    let mut opens = text.match_indices(open).map(|(at, _)| at).peekable();
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    for (closed, _) in text.match_indices(close) {
        let mut block = None;
        while let Some(opened) = opens.next_if(|&opened| opened < closed) {
            if block.is_none() && opened >= from && is_line_start(text, from, opened) {
                block = Some(opened);
            }
        }
        match block {
            Some(opened) => kept.push(from..opened),
            // Nothing opened it: the prompt did, and all so far was reasoning.
            None => kept.clear(),
        }
        from = closed + close.len();
    }
    if opens.any(|opened| opened >= from && is_line_start(text, from, opened)) {
        return Err(Unclosed(open));
    }
    kept.push(from..text.len());
    let mut answer = String::with_capacity(text.len());
    let mut at = 0;
    for part in kept {
        let gone = text.get(at..part.start).unwrap_or_default();
        answer.push_str(&"\n".repeat(gone.matches('\n').count()));
        answer.push_str(text.get(part.clone()).unwrap_or_default());
        at = part.end;
    }
    Ok(answer)
}

/// Whether only blanks stand between a byte and the start of its line (or `from`, if that comes later).
fn is_line_start(text: &str, from: usize, at: usize) -> bool {
    text.get(from..at).is_some_and(|before| {
        before
            .chars()
            .rev()
            .take_while(|&character| character != '\n')
            .all(|character| character.is_whitespace() || character == '\u{feff}')
    })
}

/// Where the sign first stands at the start of a line, blanks before it allowed.
fn at_line_start(text: &str, sign: &str) -> Option<usize> {
    text.match_indices(sign)
        .map(|(at, _)| at)
        .find(|&at| is_line_start(text, 0, at))
}

/// The reply up to the first turn of someone else, and the marker that begins it.
pub(super) fn first_turn(reply: &str) -> (&str, Option<String>) {
    let by_line = TURNS
        .iter()
        .filter_map(|marker| Some((at_line_start(reply, marker)?, *marker)));
    let by_token = TOKENS
        .iter()
        .filter_map(|token| Some((reply.find(token)?, *token)));
    match by_line.chain(by_token).min() {
        Some((at, marker)) => (reply.get(..at).unwrap_or(reply), Some(marker.to_owned())),
        None => (reply, None),
    }
}

/// The last line of what the prompt wrote of the reply, which the reply goes on with.
pub(super) fn last_line(opening: &str) -> &str {
    opening.rsplit('\n').next().unwrap_or(opening)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_goes_and_lines_keep_their_numbers() {
        assert_eq!(
            without_reasoning("<think>\na\n</think>b\n<think>c</think>d").as_deref(),
            Ok("\n\nb\nd")
        );
        assert_eq!(without_reasoning("draft\n</think>b").as_deref(), Ok("\nb"));
        assert_eq!(
            without_reasoning("x\n <thinking> y"),
            Err(Unclosed("<thinking>"))
        );
        let about = "I never write <think> in a text.";
        assert_eq!(without_reasoning(about).as_deref(), Ok(about));
    }

    #[test]
    fn the_first_turn_of_another_ends_the_reply() {
        assert_eq!(
            first_turn("a\n Human: b"),
            ("a\n ", Some("Human:".to_owned()))
        );
        assert_eq!(
            first_turn("a<|im_end|>\nUser: b"),
            ("a", Some("<|im_end|>".to_owned()))
        );
        assert_eq!(first_turn("The Human: a poem"), ("The Human: a poem", None));
    }
}
