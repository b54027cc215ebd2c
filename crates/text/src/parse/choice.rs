//! Replies that hold one multiple-choice question: the parser `choice`.
//!
//! The question may stand in a Markdown block quote, among chatter, or alone. Headers between stem and options are
//! read in all their forms and taken off. Whatever would leave a row that cannot be answered is refused with a code:
//! the published sets hold several hundred of such rows.

use evalwright_core::Finish;

use super::fields::failure;
use super::{ParseContext, ParseFailure, clean, reply};

/// Most options of a question.
const MOST: usize = 8;

/// A question with its options, in the order of their letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedChoice {
    /// What is asked, without header and options.
    pub stem: String,
    /// The options' texts without their letters; two to eight, all different.
    pub options: Vec<String>,
    /// What was changed: `header_missing`, `header_form`, and those of [`super::ParsedItem::flags`].
    pub flags: Vec<String>,
}

/// Reads one question.
///
/// # Errors
/// `empty_content`, `unclosed_reasoning`, `cut_off`, `no_options`, `several_questions` (a second option A),
/// `option_order` (letters that do not follow each other from A), `too_many_options`, `empty_option`, `same_options`,
/// `empty_stem`, `training_marker`, `role_marker`, `leaked_key`, `placeholder`, `blank_to_fill`, `text_after_options`.
pub fn parse_choice(text: &str, context: &ParseContext<'_>) -> Result<ParsedChoice, ParseFailure> {
    let answer = reply::whole_answer(text, context)?;
    let (answer, quoted) = quote(&answer);
    markers(&answer)?;
    let cut = context.finish == Finish::Length && !quoted;
    let item = clean::item(&answer);
    let mut flags = item.flags;
    let (stem, options) = split(&item.text)?;
    if cut {
        return Err(failure(
            "cut_off",
            "the token limit cut the reply inside its last option",
        ));
    }
    let (stem, header) = without_header(stem);
    match header {
        Header::Plain => {}
        Header::Other => flags.push("header_form".to_owned()),
        Header::None => flags.push("header_missing".to_owned()),
    }
    if !clean::has_text(stem) {
        return Err(failure("empty_stem", "nothing is asked before the options"));
    }
    for (index, option) in options.iter().enumerate() {
        if !clean::has_text(option) {
            return Err(failure("empty_option", "an option has no text"));
        }
        if options
            .iter()
            .take(index)
            .any(|other| folded(other) == folded(option))
        {
            return Err(failure("same_options", "two options say the same"));
        }
    }
    let texts = || std::iter::once(stem).chain(options.iter().map(String::as_str));
    for text in texts() {
        defects(text)?;
    }
    Ok(ParsedChoice {
        stem: clean::trim(stem).to_owned(),
        options,
        flags,
    })
}

fn folded(text: &str) -> String {
    text.trim().trim_end_matches('.').to_lowercase()
}

/// The first block quote without its signs, if there is one that holds an option; else the text as it is.
fn quote(text: &str) -> (String, bool) {
    let mut block: Vec<&str> = Vec::new();
    let mut ended = false;
    for line in text.lines() {
        match line.trim_start().strip_prefix('>') {
            Some(rest) => block.push(rest.strip_prefix(' ').unwrap_or(rest)),
            None if block.is_empty() => {}
            None => {
                ended = true;
                break;
            }
        }
    }
    if block.iter().any(|line| option(line).is_some()) {
        (block.join("\n"), ended)
    } else {
        (text.to_owned(), false)
    }
}

/// Signs of pretraining text and of other turns. A question that they end is not repaired: what follows is of
/// another text, and what stands before may be half.
fn markers(text: &str) -> Result<(), ParseFailure> {
    for marker in [
        "<META_START>",
        "<META_END>",
        "<EOT>",
        "<|endoftext|>",
        "<|im_end|>",
        "<|eot_id|>",
    ] {
        if text.contains(marker) {
            return Err(failure("training_marker", format!("it holds {marker}")));
        }
    }
    for marker in ["Human:", "Assistant:"] {
        if text.contains(marker) {
            return Err(failure("role_marker", format!("it holds {marker}")));
        }
    }
    Ok(())
}

/// The place of an option's letter and its text, if a line begins an option: `(A) …`, `A) …` or `A. …`.
fn option(line: &str) -> Option<(usize, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix(['-', '*']).map_or(line, str::trim_start);
    let (inner, in_brackets) = match line.strip_prefix('(') {
        Some(inner) => (inner, true),
        None => (line, false),
    };
    let letter = inner.chars().next().filter(char::is_ascii_uppercase)?;
    let rest = inner.get(1..)?;
    let rest = if in_brackets {
        rest.strip_prefix(')')?
    } else {
        let rest = rest.strip_prefix([')', '.', ':'])?;
        // `A. Smith` in a stem is a name; an option's letter is followed by a blank, and only A to H are letters.
        (rest.starts_with(' ') && letter <= 'H').then_some(rest)?
    };
    let place = usize::try_from(u32::from(letter).checked_sub(u32::from('A'))?).ok()?;
    Some((place, rest.trim()))
}

/// The text before the first option, and the options. A line that begins no option goes on with the one before.
fn split(text: &str) -> Result<(&str, Vec<String>), ParseFailure> {
    let mut stem_end: Option<usize> = None;
    let mut options: Vec<String> = Vec::new();
    let mut at = 0;
    let mut blank_before = false;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let is_blank = line.trim().is_empty();
        match option(line) {
            Some((0, rest)) if stem_end.is_none() => {
                stem_end = Some(start);
                options.push(rest.to_owned());
            }
            Some(_) if stem_end.is_none() => {}
            Some((0, _)) => {
                return Err(failure(
                    "several_questions",
                    "a second option A follows the first",
                ));
            }
            Some((place, rest)) if place == options.len() => {
                if options.len() == MOST {
                    return Err(failure(
                        "too_many_options",
                        format!("there are more than {MOST} options"),
                    ));
                }
                options.push(rest.to_owned());
            }
            Some(_) => {
                return Err(failure(
                    "option_order",
                    "the letters of the options do not follow each other from A",
                ));
            }
            None if stem_end.is_none() || is_blank => {}
            None if blank_before => {
                return Err(failure(
                    "text_after_options",
                    "text follows the last option",
                ));
            }
            None => {
                if let Some(last) = options.last_mut() {
                    if !last.is_empty() {
                        last.push(' ');
                    }
                    last.push_str(line.trim());
                }
            }
        }
        blank_before = is_blank;
    }
    let stem = stem_end.and_then(|end| text.get(..end));
    match stem {
        Some(stem) if options.len() >= 2 => Ok((stem, options)),
        Some(_) => Err(failure("no_options", "there is one option alone")),
        None => Err(failure("no_options", "no line begins with an option A")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Plain,
    Other,
    None,
}

/// The stem without its last line, if that is a header: a few words, a colon, and no question.
fn without_header(stem: &str) -> (&str, Header) {
    let stem = stem.trim_end();
    let (before, last) = stem.rsplit_once('\n').unwrap_or(("", stem));
    let line = last.trim();
    let Some(words) = line.strip_suffix(':') else {
        return (stem, Header::None);
    };
    if words == "Choices" {
        return (before, Header::Plain);
    }
    let words = words.to_lowercase();
    let names_options = [
        "choice", "answer", "option", "response", "choose", "choies", "choises", "chocies",
        "select",
    ]
    .iter()
    .any(|word| words.contains(word));
    // With nothing before it, `Which boxes do you choose:` is what is asked.
    let asks = !clean::has_text(before) && words.split_whitespace().any(|word| word == "you");
    if names_options && !asks && words.split_whitespace().count() <= 5 {
        (before, Header::Other)
    } else {
        (stem, Header::None)
    }
}

/// Defects of one part.
fn defects(text: &str) -> Result<(), ParseFailure> {
    let lower = text.to_lowercase();
    let shouted = text
        .split(|sign: char| !sign.is_alphabetic())
        .any(|word| word == "CORRECT" || word == "INCORRECT");
    let key = [
        "(correct)",
        "[correct]",
        "(correct answer",
        "[correct answer",
        "correct answer:",
        "right answer:",
        "--> correct",
        "<-- correct",
        "-> correct",
        "<- correct",
        "answer matching",
        "(expected answer",
    ]
    .into_iter()
    .find(|key| lower.contains(key));
    if let Some(key) = key.or(shouted.then_some("CORRECT")) {
        return Err(failure(
            "leaked_key",
            format!("it gives the answer away: `{key}`"),
        ));
    }
    if text.contains("__") {
        return Err(failure("blank_to_fill", "it holds a blank to be filled"));
    }
    for (open, close) in [('<', '>'), ('[', ']'), ('{', '}')] {
        if let Some(inner) = bracketed(text, open, close)
            && is_placeholder(inner)
        {
            return Err(failure(
                "placeholder",
                format!("`{open}{inner}{close}` stands for something else"),
            ));
        }
    }
    Ok(())
}

/// What stands in the first pair of brackets.
fn bracketed(text: &str, open: char, close: char) -> Option<&str> {
    let (_, after) = text.split_once(open)?;
    let (inner, _) = after.split_once(close)?;
    Some(inner)
}

/// Whether bracketed words ask to be replaced: several words, or one of a few.
fn is_placeholder(inner: &str) -> bool {
    let lower = inner.to_lowercase();
    let words = lower.split_whitespace().count();
    let asks = [
        "your ", "write", "here", "insert", "question", "choice", "answer", "option", "name",
        "goes",
    ]
    .iter()
    .any(|word| lower.contains(word));
    (1..=12).contains(&words) && asks && !lower.contains(['=', ';', '('])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<ParsedChoice, ParseFailure> {
        parse_choice(
            text,
            &ParseContext {
                finish: Finish::Stop,
                opening: "",
            },
        )
    }

    #[test]
    fn questions_are_read_in_every_published_form() {
        for text in [
            "Would you?\n\nChoices:\n (A) Yes\n (B) No",
            "> Would you?\n>\n> Choices:\n> (A) Yes\n> (B) No\n\nI hope this helps!",
            "Would you?\nAnswer choices:\n(A) Yes\n(B) No\n",
            "Would you?\n (A) Yes\n (B) No",
            "Would you?\n\nA) Yes\nB) No",
        ] {
            let parsed = read(text).unwrap_or_else(|failure| panic!("{text:?}: {failure:?}"));
            assert_eq!(parsed.stem, "Would you?", "{text:?}");
            assert_eq!(parsed.options, ["Yes", "No"], "{text:?}");
        }
        let long = read("Q?\nChoices:\n (A) Yes,\n  of course\n (B) No\n (C) Perhaps").unwrap();
        assert_eq!(long.options, ["Yes, of course", "No", "Perhaps"]);
    }

    #[test]
    fn each_published_defect_has_its_code() {
        for (text, reason) in [
            ("\nAnswers:\n (A) Yes\n (B) No", "empty_stem"),
            ("Q?\nChoices:\n (A) Yes\n (B)", "empty_option"),
            (
                "Q?\nChoices:\n (A) `not indicate`\n (B) `not indicate`",
                "same_options",
            ),
            (
                "Q?\nChoices:\n (A) Yes\n (B) No --> CORRECT ANSWER",
                "leaked_key",
            ),
            (
                "corrupt<META_START>pile<META_END> my policy.\n (A) Yes\n (B) No",
                "training_marker",
            ),
            (
                "Q?\nChoices:\n (A) Yes\n (B) No<EOT># nw/main.py",
                "training_marker",
            ),
            (
                "Q?\nChoices:\n (A) a\n (B) b\n\nR?\nChoices:\n (A) c\n (B) d",
                "text_after_options",
            ),
            (
                "Q?\nChoices:\n (A) a\n (B) b\n (A) c\n (B) d",
                "several_questions",
            ),
            ("Q?\nChoices:\n (A) a\n (C) b", "option_order"),
            ("Q?\nChoices:\n (A) a", "no_options"),
            ("Q? Yes or no?", "no_options"),
            (
                "<question you write here, ending with ?>\n (A) Yes\n (B) No",
                "placeholder",
            ),
            (
                "Q?\n (A) [Choice Answer A Goes Here]\n (B) x",
                "placeholder",
            ),
            (
                "Q?\n (A) {EXPECTED ANSWER GOES HERE}\n (B) x",
                "placeholder",
            ),
            ("I am ____ to help.\n (A) Yes\n (B) No", "blank_to_fill"),
            ("Human: Q?\n (A) Yes\n (B) No", "role_marker"),
        ] {
            assert_eq!(read(text).unwrap_err().reason, reason, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_can_be_answered(text in "[\\n >()A-D.:?_a-c]{0,60}", any in any::<String>()) {
            for text in [text, any] {
                if let Ok(parsed) = read(&text) {
                    prop_assert!((2..=MOST).contains(&parsed.options.len()));
                    prop_assert!(!parsed.stem.is_empty());
                }
            }
        }
    }
}
