//! Texts brought into one form, so that differences of writing alone do not count.
//!
//! Letters of every script, accents, digits and signs inside the text are kept: a normaliser that keeps less
//! makes unlike texts alike. All three functions are idempotent.

use unicode_normalization::UnicodeNormalization;

/// Signs that end a sentence and are taken off the end.
const FINAL_SIGNS: [char; 7] = ['.', '!', '?', '…', '。', '！', '？'];

/// Unicode normal form C: `e` followed by a combining acute becomes `é`.
#[must_use]
pub fn compose(text: &str) -> String {
    text.nfc().collect()
}

/// Composed, case folded, runs of blanks (of any Unicode kind) made one space, blanks at the ends taken off.
///
/// Case is folded through upper case, so `ß` becomes `ss` and both small sigmas are one; the dotless `ı`
/// stays apart from `i`. Accents are kept.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = fold_once(text);
    // Folding can leave a letter apart from its accent, and the composed pair can fold once more. No known
    // letter needs a third round; the bound keeps any text from costing more than a few.
    for _ in 0..FOLD_ROUNDS {
        let again = fold_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

/// More rounds of folding than any letter of Unicode needs.
const FOLD_ROUNDS: usize = 4;

fn fold_once(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for character in word.nfc() {
            push_folded(character, &mut folded);
        }
    }
    compose(&folded)
}

fn push_folded(character: char, folded: &mut String) {
    if character == 'ı' {
        folded.push(character);
        return;
    }
    for upper in character.to_uppercase() {
        folded.extend(upper.to_lowercase());
    }
}

/// [`fold`], and the signs that end the last sentence taken off.
///
/// A text made only of such signs keeps them: `!!!` and `???` differ.
#[must_use]
pub fn normalise(text: &str) -> String {
    let folded = fold(text);
    let trimmed = folded.trim_end_matches(|character: char| {
        character.is_whitespace() || FINAL_SIGNS.contains(&character)
    });
    if trimmed.is_empty() {
        folded
    } else {
        trimmed.to_owned()
    }
}

/// Whether there is nothing to be seen in a text.
pub(crate) fn is_empty(text: &str) -> bool {
    text.chars().all(|character| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writing_is_one_form_and_letters_stay() {
        assert_eq!(normalise("  I  LOVE cafe\u{301}s. "), "i love cafés");
        assert_ne!(normalise("I love cafés"), normalise("I love cafes"));
        assert_eq!(normalise("Straße"), normalise("STRASSE"));
        assert_eq!(normalise("ΟΔΟΣ"), normalise("οδος"));
        assert_eq!(normalise("οδός"), normalise("ΟΔΌΣ"));
        assert_ne!(normalise("kapı"), normalise("kapi"));
        assert_eq!(normalise("Well . . ."), "well");
        assert_eq!(normalise("我喜欢安静。"), "我喜欢安静");
    }

    #[test]
    fn signs_alone_are_kept() {
        assert_eq!(normalise("!!!"), "!!!");
        assert_eq!(normalise(" ... "), "...");
        assert_eq!(normalise("👍🏽"), "👍🏽");
        assert_eq!(normalise(""), "");
    }

    #[test]
    fn empty_means_nothing_to_see() {
        assert!(is_empty(" \u{a0}\u{200b}\u{feff}\n"));
        assert!(!is_empty("."));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once.clone());
            prop_assert!(once.chars().any(|c| !c.is_whitespace()) || text.trim().is_empty());
        }

        #[test]
        fn case_and_blanks_do_not_count(words in proptest::collection::vec("[a-zéüß]{1,6}", 1..8)) {
            let plain = words.join(" ");
            let loud = format!("  {}!", words.join(" \t ").to_uppercase());
            prop_assert_eq!(normalise(&plain), normalise(&loud));
        }
    }
}
