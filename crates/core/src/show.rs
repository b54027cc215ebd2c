//! Model text made fit to be seen on a terminal.
//!
//! Model text can hold escape sequences that clear the screen, hide a link or turn the reading direction.
//! Nothing is removed in files; on a terminal every such character is shown by its number.

/// The text with control characters (but newline and tab), and characters that change direction or have
/// no width, written as `\u{..}`. Every other character is kept.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character is a control (but newline and tab), a bidirectional control or has no width.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::visible;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_shown_by_number() {
        assert_eq!(
            visible("a\u{1b}[2Jb\u{202e}c\n\td"),
            "a\\u{1b}[2Jb\\u{202e}c\n\td"
        );
    }

    proptest! {
        #[test]
        fn no_control_byte_is_left(text in any::<String>()) {
            prop_assert!(visible(&text).chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
        }
    }
}
