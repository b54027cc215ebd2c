//! Which tokens count as which answer.
//!
//! A stated policy, not a guess: a token counts if it is an answer's exact text, so a kind lists every spelling that it
//! takes for an answer. Answers in brackets, like `(A)`, are several tokens in most models; for them the letter decides.

/// Marks that stand for a blank in the token tables of SentencePiece and of byte-level models.
const BLANK_MARKS: [char; 2] = ['\u{2581}', '\u{120}'];

/// Characters that may stand around an answer without being part of it.
const WRAPPING: [char; 10] = ['(', ')', '[', ']', '{', '}', '"', '\'', '*', '`'];

/// Whether a token is this answer, of which the text before it is written already.
pub(crate) fn is_answer(token: &str, answer: &str, before: &str) -> bool {
    if unblank(token).is_empty() {
        return false;
    }
    if token == rest_of(answer, before) || token == answer {
        return true;
    }
    is_wrapped(answer) && !core(token).is_empty() && core(token) == core(answer)
}

/// Whether the answer cannot begin yet: the token is blank, or it and what stands before it are how all answers begin, or
/// only opening brackets of one.
pub(crate) fn is_before_the_answer(token: &str, before: &str, answers: &[String]) -> bool {
    let written = format!("{before}{token}");
    let written = unblank(&written);
    if written.is_empty() {
        return true;
    }
    let begins = |answer: &String| {
        let answer = unblank(answer);
        answer.len() > written.len() && answer.starts_with(written)
    };
    let brackets = core(written).is_empty();
    (brackets && answers.iter().any(begins)) || (!answers.is_empty() && answers.iter().all(begins))
}

/// What is left of an answer after what is written already; all of it, if that is no beginning of it.
pub(super) fn rest_of<'a>(answer: &'a str, before: &str) -> &'a str {
    let before = unblank(before);
    if before.is_empty() {
        return answer;
    }
    unblank(answer).strip_prefix(before).unwrap_or(answer)
}

/// Whether something stands around the answer.
fn is_wrapped(answer: &str) -> bool {
    let inside = core(answer);
    !inside.is_empty() && inside != unblank(answer).trim_end()
}

fn core(text: &str) -> &str {
    text.trim_matches(|letter: char| is_blank(letter) || WRAPPING.contains(&letter))
}

fn unblank(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || BLANK_MARKS.contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_exact_text() {
        assert!(is_answer(" Yes", " Yes", ""));
        for token in ["Yes", " yes", "Yesterday", "", " "] {
            assert!(!is_answer(token, " Yes", ""), "{token}");
        }
        assert!(!is_answer(" ", " ", ""));
    }

    #[test]
    fn the_letter_decides_between_answers_in_brackets() {
        for token in ["(A", "A", "A)", " (A)"] {
            assert!(is_answer(token, " (A)", ""), "{token}");
        }
        assert!(is_answer("B", " (B)", " ("));
        assert!(!is_answer("a", " (A)", " ("));
        assert!(!is_answer("(", "(A)", ""));
        assert!(!is_answer("A cat", "(A)", ""));
    }

    #[test]
    fn a_common_beginning_is_before_the_answer() {
        let brackets = [" (A)".to_owned(), " (B)".to_owned()];
        assert!(is_before_the_answer(" (", "", &brackets));
        assert!(is_before_the_answer("\n\n", "", &brackets));
        assert!(!is_before_the_answer("B", " (", &brackets));
        assert!(!is_before_the_answer("(A", "", &brackets));
        let words = ["Answer 1".to_owned(), "Answer 12".to_owned()];
        assert!(is_before_the_answer("Answer", "", &words));
        assert!(!is_before_the_answer(" 1", "Answer", &words));
        assert!(is_answer(" 1", "Answer 1", "Answer"));
        let mixed = ["(A)".to_owned(), "A".to_owned()];
        assert!(is_before_the_answer("(", "", &mixed));
        assert!(!is_before_the_answer("Sure", "", &words));
    }
}
