//! A multiple-choice question as text, taken apart: stem, header and options.
//!
//! Options stand on lines of their own and begin with a marker: `(A)`, `[A]`, `A)` or `A.`, with or without blanks
//! before and after it. The first marker of a text is that of `A`, and all markers of one text look alike; a line such
//! as `(Q) …` before it belongs to the stem. Whatever stands after the last option's line is part of that option.

use std::ops::Range;

/// A question with its parts. Ranges are bytes of the text that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipleChoice {
    /// What is asked, without the blanks around it; empty at the header's or first option's start if there is nothing.
    pub stem: Range<usize>,
    /// The line that announces the options (`Choices:`), without the blanks around it.
    pub header: Option<Range<usize>>,
    /// The options in the order of the text; empty if there is no marker of `A`.
    pub options: Vec<Choice>,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its letter, from `A` to `Z`.
    pub letter: char,
    /// Its marker.
    pub marker: Range<usize>,
    /// Its text, without the blanks around it; empty if there is none.
    pub text: Range<usize>,
}

impl MultipleChoice {
    /// Takes a question apart. Every text can be read; one without options is all stem.
    ///
    /// ```
    /// use evalwright_text::MultipleChoice;
    /// let text = "Do you stop?\n\nChoices:\n (A) Yes\n (B) No";
    /// let question = MultipleChoice::read(text);
    /// assert_eq!(&text[question.stem.clone()], "Do you stop?");
    /// assert_eq!(&text[question.options[1].text.clone()], "No");
    /// ```
    #[must_use]
    pub fn read(text: &str) -> Self {
        let markers = FORMS
            .iter()
            .map(|form| markers(text, form))
            .find(|markers| !markers.is_empty())
            .unwrap_or_default();
        let first = markers.first().map_or(text.len(), |(_, at)| at.start);
        let header = header(text, first);
        let stem_end = header.as_ref().map_or(first, |header| header.start);
        let ends = markers
            .iter()
            .skip(1)
            .map(|(_, at)| at.start)
            .chain([text.len()]);
        let options = markers
            .iter()
            .zip(ends)
            .map(|((letter, marker), end)| Choice {
                letter: *letter,
                marker: marker.clone(),
                text: trimmed(text, marker.end..end),
            })
            .collect();
        Self {
            stem: trimmed(text, 0..stem_end),
            header,
            options,
        }
    }

    /// Where a second question begins: the first option whose letter does not come after the one before it.
    #[must_use]
    pub fn restart(&self) -> Option<&Choice> {
        self.options.windows(2).find_map(|pair| match pair {
            [before, after] if after.letter <= before.letter => Some(after),
            _ => None,
        })
    }
}

/// What stands before and after a letter, in the order in which the forms are tried.
const FORMS: [(&str, &str); 4] = [("(", ")"), ("[", "]"), ("", ")"), ("", ".")];

/// The markers of one form from the first `A` on; none at all unless a `B` follows it or the form has two signs, for
/// `A.` alone may be an initial.
fn markers(text: &str, form: &(&str, &str)) -> Vec<(char, Range<usize>)> {
    let mut markers: Vec<(char, Range<usize>)> = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches([' ', '\t', '\r']);
        let start = line_start + (line.len() - bare.len());
        line_start += line.len();
        let Some((letter, length)) = marker(bare, form) else {
            continue;
        };
        if !markers.is_empty() || letter == 'A' {
            markers.push((letter, start..start + length));
        }
    }
    let is_sure = !form.0.is_empty() || markers.iter().any(|(letter, _)| *letter == 'B');
    if is_sure { markers } else { Vec::new() }
}

/// The letter of a marker at the start of a line, and the marker's length in bytes.
fn marker(line: &str, (open, close): &(&str, &str)) -> Option<(char, usize)> {
    let rest = line.strip_prefix(open)?;
    let letter = rest.chars().next().filter(char::is_ascii_uppercase)?;
    let rest = rest.get(1..)?.strip_prefix(close)?;
    // Without an opening sign, a marker needs a blank after it: `A.D.` is none.
    let is_apart = !open.is_empty() || rest.is_empty() || rest.starts_with(char::is_whitespace);
    is_apart.then_some((letter, open.len() + 1 + close.len()))
}

/// Words of which a header holds one.
const HEADER_WORDS: [&str; 10] = [
    "choice",
    "choices",
    "choose",
    "answer",
    "answers",
    "option",
    "options",
    "response",
    "responses",
    "alternatives",
];

/// The longest header, in words: `Which of these would you choose as an answer:` is a stem.
const LONGEST_HEADER: usize = 5;

/// The last line with text before the options, if it announces them: it ends with a colon, and either is one word or
/// holds a word for options and few others. Signs around it (`**Choices**:`, `- Choices:`) are part of it.
fn header(text: &str, before: usize) -> Option<Range<usize>> {
    let head = text.get(..before)?.trim_end();
    let start = head.rfind('\n').map_or(0, |at| at + 1);
    let line = head.get(start..)?;
    let bare = line.trim_matches(|sign: char| !sign.is_alphanumeric() && sign != ':');
    let name = bare.trim_end().strip_suffix(':')?;
    let words: Vec<String> = crate::words::words(name);
    let is_named = words
        .iter()
        .any(|word| HEADER_WORDS.contains(&word.as_str()));
    let is_header = match words.len() {
        0 => false,
        1 => true,
        count => count <= LONGEST_HEADER && is_named && !name.contains(['?', '.']),
    };
    is_header.then(|| trimmed(text, start..head.len()))
}

/// A range without the blanks at both ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let Some(part) = text.get(range.clone()) else {
        return range;
    };
    let start = range.start + (part.len() - part.trim_start().len());
    let length = part.trim().len();
    if length == 0 {
        return range.start..range.start;
    }
    start..start + length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> (&str, Option<&str>, Vec<(char, &str)>) {
        let read = MultipleChoice::read(text);
        (
            text.get(read.stem.clone()).unwrap(),
            read.header.map(|header| text.get(header).unwrap()),
            read.options
                .iter()
                .map(|option| (option.letter, text.get(option.text.clone()).unwrap()))
                .collect(),
        )
    }

    #[test]
    fn the_published_forms_are_read() {
        let yes_no = vec![('A', "Yes"), ('B', "No")];
        for (text, header) in [
            ("Stop?\n\nChoices:\n (A) Yes\n (B) No", Some("Choices:")),
            (
                "Stop?\n \n Choices: \n(A)Yes  \n\t(B)  No\n",
                Some("Choices:"),
            ),
            ("Stop?\n (A) Yes\n (B) No", None),
            (
                "Stop?\nAnswer choices:\n\n (A) Yes\r\n (B) No",
                Some("Answer choices:"),
            ),
            (
                "Stop?\n**Choices**:\n (A) Yes\n (B) No",
                Some("**Choices**:"),
            ),
            ("Stop?\n- Choices:\n (A) Yes\n (B) No", Some("- Choices:")),
            ("Stop?\nChoises:\n (A) Yes\n (B) No", Some("Choises:")),
            ("Stop?\nA) Yes\nB) No", None),
            ("Stop?\nA. Yes\nB. No", None),
            ("Stop?\nOptions:\n[A] Yes\n[B] No", Some("Options:")),
        ] {
            assert_eq!(parts(text), ("Stop?", header, yes_no.clone()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_option_stays_in_the_stem() {
        let (stem, header, options) = parts("(Q) Is (A) or (B) better?\nChoices:\n (A)\n (B) B");
        assert_eq!(stem, "(Q) Is (A) or (B) better?");
        assert_eq!(header, Some("Choices:"));
        assert_eq!(options, [('A', ""), ('B', "B")]);
        assert_eq!(parts("A. Smith came.\nHe left.").2, []);
        assert_eq!(parts("You are told:\n (A) x\n (B) y").0, "You are told:");
        assert_eq!(parts("\n (A) x\n (B) y").0, "");
        assert_eq!(parts("").0, "");
    }

    #[test]
    fn a_second_question_is_seen() {
        let text = "One?\n (A) Yes\n (B) No\nTwo?\n (A) Yes\n (B) No";
        let read = MultipleChoice::read(text);
        assert_eq!(read.options.len(), 4);
        let restart = read.restart().unwrap();
        assert_eq!(restart, &read.options[2]);
        assert!(
            MultipleChoice::read("One?\n (A) Yes\n (B) No\n (D) So")
                .restart()
                .is_none()
        );
    }

    proptest! {
        #[test]
        fn every_range_lies_in_the_text_and_in_order(
            text in "([ \n\t]{0,2}(\\(A\\)|\\(B\\)|A\\.|B\\)|Choices:|é|[a-z]{1,3})){0,12}",
        ) {
            let read = MultipleChoice::read(&text);
            let mut end = 0;
            let ranges = std::iter::once(read.stem.clone()).chain(read.header.clone()).chain(
                read.options.iter().flat_map(|option| [option.marker.clone(), option.text.clone()]),
            );
            for range in ranges {
                prop_assert!(text.get(range.clone()).is_some());
                prop_assert!(range.start >= end || range.is_empty(), "{text:?} {read:?}");
                end = end.max(range.end);
            }
        }
    }
}
