//! Characters that have no place in an item, and quotes around one.
//!
//! Whatever is taken out leaves a flag, except blanks at the ends, byte-order marks and carriage returns.

use super::ParsedItem;

/// An item of this text: cleaned, trimmed, flagged.
pub(super) fn item(text: &str) -> ParsedItem {
    let mut cleaned = String::with_capacity(text.len());
    let mut flags: Vec<String> = Vec::new();
    let mut flag = |name: &str| {
        if !flags.iter().any(|known| known == name) {
            flags.push(name.to_owned());
        }
    };
    let mut characters = trim(text).chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                // A carriage return before a newline is the other half of a line end.
                if characters.peek() != Some(&'\n') {
                    cleaned.push('\n');
                }
            }
            '\t' => cleaned.push(' '),
            '\n' => cleaned.push('\n'),
            '\u{1b}' => {
                flag("control_characters");
                if characters.next_if_eq(&'[').is_some() {
                    // The parameters of a terminal sequence are no text either; its last byte is a letter.
                    while characters
                        .next_if(|next| matches!(next, '\u{20}'..='\u{3f}'))
                        .is_some()
                    {}
                    characters.next_if(|next| matches!(next, '\u{40}'..='\u{7e}'));
                }
            }
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                flag("bidi_characters");
            }
            // The joiners U+200C and U+200D stay: Persian words and family emoji need them.
            '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {
                flag("zero_width_characters");
            }
            other if other.is_control() => flag("control_characters"),
            other => cleaned.push(other),
        }
    }
    ParsedItem {
        text: trim(&cleaned).to_owned(),
        flags,
        ..ParsedItem::default()
    }
}

/// The text without blanks, byte-order marks and zero-width spaces at its ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace() || matches!(character, '\u{feff}' | '\u{200b}')
    })
}

/// Whether there is anything to be seen.
pub(super) fn has_text(text: &str) -> bool {
    text.chars().any(|character| {
        !character.is_whitespace()
            && !character.is_control()
            && !matches!(
                character,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
            )
    })
}

/// Pairs that wrap a whole item.
const WRAPPERS: [(&str, &str); 8] = [
    ("**", "**"),
    ("\"", "\""),
    ("“", "”"),
    ("‘", "’"),
    ("'", "'"),
    ("«", "»"),
    ("„", "“"),
    ("`", "`"),
];

/// The text without the pairs that wrap all of it. A pair that also closes inside is part of the text:
/// `"Yes" and "no"` keeps its quotes.
pub(super) fn unwrap(text: &str) -> &str {
    let mut inner = trim(text);
    // Each round takes off at least two bytes, so this ends; more than a few pairs are never meant.
    for _ in 0..3 {
        let stripped = WRAPPERS.iter().find_map(|(open, close)| {
            let body = inner.strip_prefix(open)?.strip_suffix(close)?;
            let pure = [open, close]
                .iter()
                .all(|sign| !body.contains(**sign) || apostrophes_only(body, sign));
            pure.then_some(body)
        });
        match stripped {
            Some(body) if has_text(body) => inner = trim(body),
            _ => break,
        }
    }
    inner
}

/// Whether the sign can be an apostrophe and stands between two letters everywhere (`'I don't mind.'`).
fn apostrophes_only(body: &str, sign: &str) -> bool {
    matches!(sign, "'" | "’")
        && body.match_indices(sign).all(|(at, found)| {
            let before = body.get(..at).and_then(|text| text.chars().next_back());
            let after = body
                .get(at + found.len()..)
                .and_then(|text| text.chars().next());
            before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_goes_only_when_it_wraps_the_whole_item() {
        assert_eq!(unwrap("\"I never cheat.\""), "I never cheat.");
        assert_eq!(unwrap("**\"I never cheat.\"**"), "I never cheat.");
        assert_eq!(unwrap("'I don't mind.'"), "I don't mind.");
        assert_eq!(unwrap("‘I don’t mind.’"), "I don’t mind.");
        for kept in [
            "\"Yes\" is my favourite word.",
            "\"Yes\" and \"no\"",
            "'Tis the season",
            "'Tis mine' and 'tis yours'",
            "\"",
            "\"\"",
            "**",
            "I said \"no\"",
        ] {
            assert_eq!(unwrap(kept), kept);
        }
    }

    #[test]
    fn what_goes_leaves_a_flag_and_joiners_stay() {
        let red = item(" I am \u{1b}[31mred\u{1b}[0m.\r\n");
        assert_eq!((red.text.as_str(), red.flags.len()), ("I am red.", 1));
        assert_eq!(
            item("a\u{202e}b\u{200b}c").flags,
            ["bidi_characters", "zero_width_characters"]
        );
        let family = "👩\u{200d}👧 می\u{200c}خواهم";
        assert_eq!(item(family).text, family);
        assert!(item(family).flags.is_empty());
        assert_eq!(item("\u{feff}I\ttype\r\nhere").text, "I type\nhere");
    }
}
