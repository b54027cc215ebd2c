//! Texts brought into one form, so that differences of writing alone do not count.
//!
//! Letters of every script, accents, digits and signs inside the text are kept: a normaliser that keeps less
//! makes unlike texts alike. Only [`words`] takes signs out, for those who ask for it. All functions are idempotent.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What two texts are brought into before they are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// [`fold`]: case, blanks and the writing of accents do not count.
    Folded,
    /// [`normalise`]: nor do the signs that end the last sentence.
    #[default]
    Sentence,
    /// [`words`]: nor does any sign.
    Words,
}

impl Form {
    /// The text in this form.
    #[must_use]
    pub fn of(self, text: &str) -> String {
        match self {
            Self::Folded => fold(text),
            Self::Sentence => normalise(text),
            Self::Words => words(text),
        }
    }

    /// `folded`, `sentence` or `words`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Sentence => "sentence",
            Self::Words => "words",
        }
    }
}

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
    let mut folded = String::with_capacity(text.len());
    if text.is_ascii() {
        fold_ascii(text, &mut folded);
        return folded;
    }
    fold_once(text, &mut folded);
    // Folding can leave a letter apart from its accent, and the composed pair can fold once more. No known
    // letter needs a third round; the bound keeps any text from costing more than a few.
    for _ in 0..FOLD_ROUNDS {
        if folded.chars().all(is_settled) {
            break;
        }
        let mut again = String::with_capacity(folded.len());
        fold_once(&folded, &mut again);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

/// More rounds of folding than any letter of Unicode needs.
const FOLD_ROUNDS: usize = 4;

/// Characters that folding leaves as they are and that compose with nothing before or after them, so that a text of
/// them alone needs no second round: ASCII but capitals, and the typographic signs.
fn is_settled(character: char) -> bool {
    (character.is_ascii() && !character.is_ascii_uppercase())
        || matches!(character, '\u{2010}'..='\u{2027}')
}

fn fold_ascii(text: &str, folded: &mut String) {
    for byte in text.bytes() {
        // The ASCII characters that Unicode calls blanks.
        if matches!(byte, b' ' | b'\t'..=b'\r') {
            if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else {
            folded.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    if folded.ends_with(' ') {
        folded.pop();
    }
}

fn fold_once(text: &str, folded: &mut String) {
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        if word.is_ascii() {
            folded.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            for character in word.nfc() {
                push_folded(character, folded);
            }
        }
    }
    if is_nfc_quick(folded.chars()) != IsNormalized::Yes {
        *folded = compose(folded);
    }
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

/// [`fold`], and only its words, one space between them: runs of letters, digits and apostrophes (`'`).
///
/// A text without any keeps its signs: `!!!` and `???` differ. But `C++` is `c`, and `3.5` is `3 5`.
#[must_use]
pub fn words(text: &str) -> String {
    let folded = fold(text);
    let mut kept = String::with_capacity(folded.len());
    for word in folded.split(|c: char| !(c.is_alphanumeric() || c == '\'')) {
        if !word.is_empty() {
            if !kept.is_empty() {
                kept.push(' ');
            }
            kept.push_str(word);
        }
    }
    if kept.is_empty() { folded } else { kept }
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
    fn words_are_letters_digits_and_apostrophes() {
        assert_eq!(words("I can't -- really! -- wait."), "i can't really wait");
        assert_eq!(words("don\u{2019}t\u{200b} 3.5%"), "don t 3 5");
        assert_eq!(words("Я люблю дождь."), "я люблю дождь");
        assert_eq!(words("!!!"), "!!!");
        assert_ne!(words("👍"), words("👎"));
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
        fn every_form_is_idempotent_and_ascii_folds_as_the_rest(text in any::<String>(), ascii in "[ -~\\t\n\x0b\r]{0,20}") {
            for form in [Form::Folded, Form::Sentence, Form::Words] {
                let once = form.of(&text);
                prop_assert_eq!(form.of(&once), once.clone(), "{}", form.as_str());
            }
            let mut long_way = String::new();
            fold_once(&ascii, &mut long_way);
            prop_assert_eq!(fold(&ascii), long_way);
        }

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
