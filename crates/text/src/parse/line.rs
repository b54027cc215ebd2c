//! Replies that are one item.

use evalwright_core::Finish;

use super::{ParseContext, Parsed, clean, marker, reply};

/// The first line with text.
///
/// The opening's last line is read as its start. Where that line leads in with a colon (`A statement: "`), only what
/// follows the colon belongs to the item.
pub(super) fn first_line(text: &str, context: &ParseContext<'_>) -> Parsed {
    let whole = match reply::without_reasoning(text) {
        Ok(answer) => format!("{}{answer}", start_of_item(context.opening)),
        Err(reply::Unclosed(tag)) => return unclosed(tag),
    };
    let (whole, cut_at) = reply::first_turn(&whole);
    let mut lines = whole.lines().filter(|line| clean::has_text(line));
    let Some(first) = lines.next() else {
        return Parsed {
            cut_at,
            ..Parsed::failed(
                "empty_content",
                "the reply holds no text before another turn begins",
            )
        };
    };
    let rest = u32::try_from(lines.count()).unwrap_or(u32::MAX);
    let first = clean::trim(first);
    let body = marker::read(first).map_or(first, |found| found.rest);
    let item = clean::item(clean::unwrap(without_lone_quote(body, context.opening)));
    if item.text.is_empty() {
        return Parsed::failed(
            "empty_content",
            "the first line holds only a marker or quotes",
        );
    }
    let ended = cut_at.is_some() || whole.trim_start().contains('\n');
    Parsed {
        truncated: context.finish == Finish::Length && !ended,
        items: vec![item],
        ignored_lines: rest,
        cut_at,
        ..Parsed::default()
    }
}

/// The whole reply.
pub(super) fn raw(text: &str, context: &ParseContext<'_>) -> Parsed {
    let answer = match reply::without_reasoning(text) {
        Ok(answer) => answer,
        Err(reply::Unclosed(tag)) => return unclosed(tag),
    };
    if !clean::has_text(&answer) {
        return Parsed::failed(
            "empty_content",
            "the reply holds no text after its reasoning",
        );
    }
    let item = clean::item(&format!("{}{answer}", context.opening));
    if item.text.is_empty() {
        return Parsed::failed("empty_content", "the reply holds only control characters");
    }
    Parsed {
        items: vec![item],
        truncated: context.finish == Finish::Length,
        ..Parsed::default()
    }
}

pub(super) fn unclosed(tag: &str) -> Parsed {
    Parsed::failed(
        "unclosed_reasoning",
        format!("the reply opens {tag} and ends before closing it: raise max_tokens"),
    )
}

/// The part of the opening's last line that belongs to the item.
fn start_of_item(opening: &str) -> &str {
    let line = reply::last_line(opening);
    match line.rsplit_once(':') {
        Some((_, after)) if after.chars().all(|c| c.is_whitespace() || is_quote(c)) => after,
        _ => line,
    }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '\'' | '‘' | '’')
}

/// A quote that the prompt opened is no part of the item when a stop string swallowed the closing one; nor is
/// a closing one that answers a quote in the middle of the opening.
fn without_lone_quote<'a>(body: &'a str, opening: &str) -> &'a str {
    if !opening.trim_end().ends_with(is_quote) {
        return body;
    }
    let body = clean::trim(body);
    match body.strip_prefix(is_quote) {
        Some(inner) if !inner.contains(is_closing) => inner,
        _ => body,
    }
}

fn is_closing(character: char) -> bool {
    matches!(character, '"' | '”')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, opening: &str) -> String {
        let context = ParseContext {
            finish: Finish::Stop,
            opening,
        };
        let parsed = first_line(text, &context);
        parsed
            .items
            .first()
            .map(|item| item.text.clone())
            .unwrap_or_default()
    }

    #[test]
    fn marker_quotes_and_the_opening_are_understood() {
        assert_eq!(first("\n  1. \"I rest.\"\nMore", ""), "I rest.");
        assert_eq!(first(" would rest.", "I"), "I would rest.");
        assert_eq!(first(" I rest.", "Statement 4:"), "I rest.");
        assert_eq!(first("I rest.\"\n", "Statement: \""), "I rest.");
        assert_eq!(first("I rest.", "- \""), "I rest.");
        assert_eq!(first("I don't rest.", "\""), "I don't rest.");
        assert_eq!(first("\"Yes\" is my word.", ""), "\"Yes\" is my word.");
    }

    #[test]
    fn a_cut_line_is_kept_and_said() {
        let context = ParseContext {
            finish: Finish::Length,
            opening: "",
        };
        assert!(first_line("I would", &context).truncated);
        assert!(!first_line("I would.\nMore", &context).truncated);
        assert!(!first_line("I would.\nHuman: x", &context).truncated);
        assert!(raw("I would", &context).truncated);
    }

    #[test]
    fn raw_keeps_everything_but_reasoning() {
        let context = ParseContext {
            finish: Finish::Stop,
            opening: "A",
        };
        let parsed = raw("<think>x</think>: b\n\nHuman: c\n", &context);
        assert_eq!(parsed.items[0].text, "A: b\n\nHuman: c");
        let nothing = raw("<think>x</think>\n", &context);
        assert_eq!(
            nothing.failure.map(|failure| failure.reason).as_deref(),
            Some("empty_content")
        );
    }
}
