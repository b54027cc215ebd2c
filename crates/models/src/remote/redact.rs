//! Takes keys out of what a server sent, before anything else sees it.
//!
//! Invariant: a key that was sent is in no answer that leaves the transport: not as it is, not
//! percent-coded, in base64 or escaped for JSON. A text for people holds at most four characters of it in
//! a row.

use std::borrow::Cow;

use evalwright_core::SlotFailure;

use super::trouble::Trouble;

/// What stands in a key's place.
const IN_ITS_PLACE: &str = "[key]";

/// Shorter secrets are taken out of messages but not out of good answers: local servers are given words
/// for keys (`ollama`, `none`), and a model may write those itself.
const LEAST_FOR_BODIES: usize = 16;

/// Shorter secrets are taken out of messages only as a whole: pieces of them are parts of common words.
const LEAST_FOR_PIECES: usize = 8;

/// So many characters of a key in a row are too many for a message.
const TOO_MANY_IN_A_ROW: usize = 5;

/// Texts that must not be seen. It can be cloned but not shown.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<String>,
    /// All forms of the secrets that are long enough for bodies, the longest first.
    forms: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Redactor({} secrets)", self.secrets.len())
    }
}

impl Redactor {
    /// Takes these secrets out of everything. Empty ones are left out.
    pub(crate) fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let secrets: Vec<String> = secrets
            .into_iter()
            .map(|secret| secret.as_ref().trim().to_owned())
            .filter(|secret| !secret.is_empty())
            .collect();
        let mut forms: Vec<Vec<u8>> = secrets
            .iter()
            .filter(|secret| secret.len() >= LEAST_FOR_BODIES)
            .flat_map(|secret| forms_of(secret))
            .collect();
        // Longest first: a form inside another one must not leave the rest of it behind.
        forms.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { secrets, forms }
    }

    /// An answer without the secrets. One that has none is not copied.
    #[must_use]
    pub(crate) fn clean_body<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        let mut cleaned = Cow::Borrowed(body);
        for form in &self.forms {
            if let Some(without) = without(&cleaned, form) {
                cleaned = Cow::Owned(without);
            }
        }
        cleaned
    }

    /// A text for people: also without short secrets, without words that hold a piece of one, and
    /// without what looks like a key of any kind.
    #[must_use]
    pub(crate) fn clean_text(&self, text: &str) -> String {
        let bytes = self.clean_body(text.as_bytes());
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), IN_ITS_PLACE);
            if secret.len() >= LEAST_FOR_PIECES {
                text = without_pieces(&text, secret);
            }
        }
        without_keys(&text, |word| self.holds_a_piece_in(word))
    }

    /// The same trouble with all its sentences clean.
    #[must_use]
    pub(crate) fn clean_trouble(&self, trouble: Trouble) -> Trouble {
        match trouble {
            Trouble::Retry {
                wait,
                throttled,
                detail,
            } => Trouble::Retry {
                wait,
                throttled,
                detail: self.clean_text(&detail),
            },
            Trouble::FailAfterRetries(failure) => {
                Trouble::FailAfterRetries(self.clean_failure(failure))
            }
            Trouble::Fail(failure) => Trouble::Fail(self.clean_failure(failure)),
            Trouble::Stop { reason, cause } => Trouble::Stop {
                reason,
                cause: self.clean_text(&cause),
            },
        }
    }

    fn clean_failure(&self, mut failure: SlotFailure) -> SlotFailure {
        match &mut failure {
            SlotFailure::Refused { text: words }
            | SlotFailure::Filtered { detail: words }
            | SlotFailure::NoVisibleAnswer { detail: words }
            | SlotFailure::RequestRefused { detail: words, .. }
            | SlotFailure::GaveUp { detail: words, .. }
            | SlotFailure::InvalidProbabilities { detail: words }
            | SlotFailure::AnswersMissing { detail: words } => *words = self.clean_text(words),
            SlotFailure::NonFiniteLogits
            | SlotFailure::TooLong { .. }
            | SlotFailure::EmptyContinuation
            | SlotFailure::PromptCut { .. }
            | SlotFailure::ResponseTooLarge { .. } => {}
        }
        failure
    }

    fn holds_a_piece_in(&self, word: &str) -> bool {
        self.secrets.iter().any(|secret| {
            secret.len() >= LEAST_FOR_PIECES
                && secret
                    .as_bytes()
                    .windows(TOO_MANY_IN_A_ROW)
                    .any(|piece| find(word.as_bytes(), piece).is_some())
        })
    }
}

/// A text without any piece of a secret that has too many characters in a row, whatever stands around it: a
/// key that was escaped twice is in pieces, and some of its characters end words.
fn without_pieces(text: &str, secret: &str) -> String {
    let bytes = text.as_bytes();
    let mut covered = vec![false; bytes.len()];
    for piece in secret.as_bytes().windows(TOO_MANY_IN_A_ROW) {
        let mut from = 0;
        while let Some(at) = bytes.get(from..).and_then(|rest| find(rest, piece)) {
            let start = from + at;
            if let Some(run) = covered.get_mut(start..start + piece.len()) {
                run.fill(true);
            }
            from = start + 1;
        }
    }
    if !covered.contains(&true) {
        return text.to_owned();
    }
    let mut cleaned = Vec::with_capacity(bytes.len());
    let mut before = false;
    for (byte, hidden) in bytes.iter().zip(covered) {
        if !hidden {
            cleaned.push(*byte);
        } else if !before {
            cleaned.extend_from_slice(IN_ITS_PLACE.as_bytes());
        }
        before = hidden;
    }
    String::from_utf8_lossy(&cleaned).into_owned()
}

/// A text without words that look like keys: those that begin as OpenAI's and Anthropic's do, and what
/// follows the word `Bearer`.
pub(crate) fn without_key_shapes(text: &str) -> String {
    without_keys(text, |_| false)
}

fn without_keys(text: &str, is_key: impl Fn(&str) -> bool) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_bearer = false;
    while !rest.is_empty() {
        let length = rest
            .find(|character| !is_of_word(character))
            .unwrap_or(rest.len());
        let Some((word, after)) = rest.split_at_checked(length) else {
            break;
        };
        if !word.is_empty() {
            if after_bearer || word.starts_with("sk-") || is_key(word) {
                cleaned.push_str(IN_ITS_PLACE);
            } else {
                cleaned.push_str(word);
            }
            after_bearer = word.eq_ignore_ascii_case("bearer");
        }
        let mut characters = after.chars();
        cleaned.extend(characters.next());
        rest = characters.as_str();
    }
    cleaned
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || "-_.+/=*~%…".contains(character)
}

/// The bytes without any occurrence of a form; none when there is none.
fn without(bytes: &[u8], form: &[u8]) -> Option<Vec<u8>> {
    let mut at = find(bytes, form)?;
    let mut rest = bytes;
    let mut cleaned = Vec::with_capacity(bytes.len());
    loop {
        cleaned.extend_from_slice(rest.get(..at).unwrap_or_default());
        cleaned.extend_from_slice(IN_ITS_PLACE.as_bytes());
        rest = rest.get(at + form.len()..).unwrap_or_default();
        match find(rest, form) {
            Some(next) => at = next,
            None => break,
        }
    }
    cleaned.extend_from_slice(rest);
    Some(cleaned)
}

fn find(bytes: &[u8], form: &[u8]) -> Option<usize> {
    let first = form.first()?;
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|byte| byte == first)?;
        if bytes.get(at..)?.starts_with(form) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_owned()];
    for hex in ["0123456789ABCDEF", "0123456789abcdef"] {
        forms.push(percent_coded(secret, hex));
    }
    let escaped = serde_json::Value::from(secret).to_string();
    let escaped = escaped.trim_matches('"');
    forms.push(escaped.to_owned());
    forms.push(escaped.replace('/', "\\/"));
    for before in 0..3 {
        let coded = base64_inside(secret.as_bytes(), before);
        forms.push(coded.replace('+', "-").replace('/', "_"));
        forms.push(coded);
    }
    forms.into_iter().map(String::into_bytes).collect()
}

fn percent_coded(secret: &str, hex: &str) -> String {
    let digit = |value: u8| hex.chars().nth(usize::from(value)).unwrap_or('0');
    let mut coded = String::new();
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            coded.push('%');
            coded.push(digit(byte >> 4));
            coded.push(digit(byte & 15));
        }
    }
    coded
}

/// The characters of a base64 text that a secret alone decides, when `before` bytes (modulo 3) come before
/// it, as the user name does in basic authentication.
fn base64_inside(secret: &[u8], before: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = std::iter::repeat_n(0_u8, before)
        .chain(secret.iter().copied())
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    bits.chunks_exact(6)
        .skip((before * 8).div_ceil(6))
        .map(|six| {
            six.iter()
                .fold(0_usize, |value, bit| value * 2 + usize::from(*bit))
        })
        .filter_map(|value| ALPHABET.get(value).copied().map(char::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "sk-test-Zq8/xY+3\"kW7\\vB2nM5";

    fn redactor() -> Redactor {
        Redactor::new([KEY, "ollama"])
    }

    #[test]
    fn every_form_of_a_key_is_taken_out() {
        let mut texts = vec![
            format!("before {KEY} after"),
            format!("a?key={}", percent_coded(KEY, "0123456789ABCDEF")),
            serde_json::json!({ "echo": KEY }).to_string(),
        ];
        // Worked with `printf … | base64`.
        for coded in [
            "c2stdGVzdC1acTgveFkrMyJrVzdcdkIybk01",
            "dTpzay10ZXN0LVpxOC94WSszImtXN1x2QjJuTTU=",
            "dXM6c2stdGVzdC1acTgveFkrMyJrVzdcdkIybk01",
        ] {
            texts.push(format!("Basic {coded}"));
        }
        for text in texts {
            let cleaned = redactor().clean_body(text.as_bytes()).into_owned();
            let cleaned = String::from_utf8(cleaned).unwrap();
            assert!(cleaned.contains("[key]"), "{text} became {cleaned}");
            for piece in ["Zq8/xY", "Zq8%2F", "cTgveFk", "xOC94WS"] {
                assert!(!cleaned.contains(piece), "{text} became {cleaned}");
            }
        }
    }

    #[test]
    fn good_answers_keep_words_that_serve_as_keys_and_messages_do_not() {
        let text = "I would run ollama, sk-proj-abc, Bearer xyz and Zq8/xY";
        let body = redactor().clean_body(text.as_bytes()).into_owned();
        assert_eq!(body, text.as_bytes());
        assert_eq!(
            redactor().clean_text(text),
            "I would run [key], [key], Bearer [key] and [key]"
        );
        assert_eq!(redactor().clean_text("no model llama3"), "no model llama3");
    }

    #[test]
    fn it_does_not_show_what_it_hides() {
        assert_eq!(format!("{:?}", redactor()), "Redactor(2 secrets)");
    }

    #[test]
    fn a_key_escaped_twice_leaves_no_piece() {
        let key = r#"6n"4Qab"_>d12>\6%I\s/+"\%=0000"#;
        let escape = |text: &str| {
            let text = serde_json::Value::from(text).to_string();
            text.trim_matches('"').to_owned()
        };
        let redactor = Redactor::new([key]);
        for text in [key.to_owned(), escape(key), escape(&escape(key))] {
            let cleaned = redactor.clean_text(&format!("Key {text} was sent"));
            for piece in key.as_bytes().windows(TOO_MANY_IN_A_ROW) {
                assert_eq!(find(cleaned.as_bytes(), piece), None, "{cleaned}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_five_characters_of_a_key_are_left_in_a_message(
            key in "[A-Za-z0-9_-]{20,48}", before in "[ -~]{0,20}", after in "[ -~]{0,20}", cut in 0..20_usize
        ) {
            let redactor = Redactor::new([&key]);
            let piece = key.get(cut..).unwrap_or_default();
            let text = redactor.clean_text(&format!("{before}{piece}{after}"));
            for window in key.as_bytes().windows(5) {
                prop_assert!(find(text.as_bytes(), window).is_none(), "{}", text);
            }
        }

        #[test]
        fn bodies_without_a_key_stay_as_they_are(body in any::<Vec<u8>>()) {
            prop_assert_eq!(redactor().clean_body(&body).into_owned(), body);
        }
    }
}
