//! Taking a multiple-choice question apart: stem, header, options.
//!
//! The rule, so that counts can be checked by hand: an option begins where a line, after blanks, starts with one
//! capital letter in round brackets, `(A)`; it goes to the next such line or to the end, less the blanks around it
//! and less a last line that only asks for the answer (`Answer:`). The stem is what stands before the first option,
//! less its last line that holds any letter if that line is a header: at most 40 characters that name choices,
//! options, answers or responses and, once signs of emphasis are taken off, end with a colon (`Possible answers:`,
//! `**Options:**`) or are the bare word (`Choices`). A short last line that names none of them (`You were trained
//! using:`) belongs to the stem.

use serde::Serialize;

/// The words that head a list of options without a colon.
const HEADER_WORDS: [&str; 6] = [
    "choices",
    "choice",
    "options",
    "answers",
    "answer choices",
    "responses",
];
/// What a header with a colon names, misspelt ones included (`Choies:`, `Choides:`).
const HEADER_PARTS: [&str; 4] = ["choi", "option", "answer", "respon"];
/// The longest line that can be a header, in characters. The published ones have at most 31.
const HEADER_LENGTH: usize = 40;
/// Signs of emphasis and of lists around a header.
const EMPHASIS: [char; 12] = ['*', '_', '#', '>', '-', '–', '\\', '[', ']', '"', '\'', '~'];

/// One option of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerOption {
    /// Its letter, `A` for `(A)`; its place in the list where the file gives no letters.
    pub letter: String,
    /// What it says, without letter and blanks around; may be empty.
    pub text: String,
}

/// A question taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChoiceQuestion {
    /// What stands before header and options, without blanks around; may be empty.
    pub stem: String,
    /// The line that heads the options, without blanks around.
    pub header: Option<String>,
    /// The options in order. Letters may repeat, where several questions are glued together.
    pub options: Vec<AnswerOption>,
}

/// Takes a question apart by the rule of this module. A text without options is all stem.
#[must_use]
pub fn choice_question(question: &str) -> ChoiceQuestion {
    let mut before = String::new();
    let mut options: Vec<AnswerOption> = Vec::new();
    for line in question.split('\n') {
        match (option_start(line), options.last_mut()) {
            (Some((letter, text)), _) => options.push(AnswerOption {
                letter: letter.to_string(),
                text: text.to_owned(),
            }),
            (None, Some(last)) => {
                last.text.push('\n');
                last.text.push_str(line);
            }
            (None, None) => {
                before.push_str(line);
                before.push('\n');
            }
        }
    }
    if let Some(last) = options.last_mut() {
        last.text = without_call(&last.text).to_owned();
    }
    for option in &mut options {
        option.text = option.text.trim().to_owned();
    }
    let before = before.trim();
    if options.is_empty() {
        return ChoiceQuestion {
            stem: before.to_owned(),
            ..ChoiceQuestion::default()
        };
    }
    // A rule of dashes may stand between header and options.
    let visible = before.trim_end_matches(|c: char| !c.is_alphanumeric() && c != ':' && c != '\n');
    let visible = visible.trim_end();
    let (stem, last) = match visible.rsplit_once('\n') {
        Some((stem, last)) => (stem, last),
        None => ("", visible),
    };
    if is_header(last) {
        ChoiceQuestion {
            stem: stem.trim().to_owned(),
            header: Some(last.trim().to_owned()),
            options,
        }
    } else {
        ChoiceQuestion {
            stem: before.to_owned(),
            header: None,
            options,
        }
    }
}

/// The letter of the option that a line begins, and what follows it.
fn option_start(line: &str) -> Option<(char, &str)> {
    let inside = line.trim_start_matches([' ', '\t']).strip_prefix('(')?;
    let letter = inside.chars().next().filter(char::is_ascii_uppercase)?;
    let text = inside.get(1..)?.strip_prefix(')')?;
    Some((letter, text))
}

fn is_header(line: &str) -> bool {
    let bare = line.trim().trim_matches(EMPHASIS).trim();
    let folded = bare.to_lowercase();
    if bare.chars().count() > HEADER_LENGTH {
        return false;
    }
    let names_options = HEADER_PARTS.iter().any(|part| folded.contains(part));
    (names_options && bare.ends_with(':')) || HEADER_WORDS.contains(&folded.as_str())
}

/// The text without a last line that only asks for the answer.
fn without_call(text: &str) -> &str {
    let trimmed = text.trim_end();
    match trimmed.rsplit_once('\n') {
        Some((rest, last)) if last.trim().eq_ignore_ascii_case("answer:") => rest,
        _ => trimmed,
    }
}

/// The class of a label: without blanks around, its brackets and a final full stop, in the letters of the file.
/// ` (A)` → `A`, ` Yes` → `Yes`. The label itself is never changed: its leading blank is part of it.
#[must_use]
pub fn label_class(label: &str) -> &str {
    let bare = label.trim();
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    bare.strip_prefix('(')
        .and_then(|inside| inside.strip_suffix(')'))
        .filter(|inside| inside.chars().count() == 1)
        .unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::{choice_question, label_class};

    fn parts(question: &str) -> (String, Option<String>, Vec<(String, String)>) {
        let read = choice_question(question);
        let options = read
            .options
            .into_iter()
            .map(|option| (option.letter, option.text))
            .collect();
        (read.stem, read.header, options)
    }

    fn options(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(letter, text)| ((*letter).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn stem_header_and_options() {
        assert_eq!(
            parts("Pick one.\n\nChoices:\n (A) one (X)\n (B) two\nlines\n\nAnswer:"),
            (
                "Pick one.".to_owned(),
                Some("Choices:".to_owned()),
                options(&[("A", "one (X)"), ("B", "two\nlines")])
            )
        );
        assert_eq!(
            parts("\n**Answers:**\n----\n(A)Yes\n\t(B)").0,
            "",
            "a header alone leaves no stem"
        );
        assert_eq!(parts("Why?\n (A) x\n (B) y").1, None);
        assert_eq!(
            parts("You were trained using:\n (A) x").0,
            "You were trained using:"
        );
        assert_eq!(
            parts("Would you do what it says at the end of this rather long line:\n (A) x").0,
            "Would you do what it says at the end of this rather long line:"
        );
        assert_eq!(
            parts(" no options \n"),
            ("no options".to_owned(), None, Vec::new())
        );
    }

    #[test]
    fn classes_of_labels() {
        for (label, class) in [
            (" (A)", "A"),
            (" Yes", "Yes"),
            ("No.", "No"),
            ("(ab)", "(ab)"),
            ("", ""),
        ] {
            assert_eq!(label_class(label), class);
        }
    }
}
