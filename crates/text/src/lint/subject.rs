//! What a lint looks at: a text, what kind of text it is, and what it may be compared with.

use std::ops::Range;

use evalwright_core::Finish;

use crate::choices::MultipleChoice;
use crate::language::Language;
use crate::words::{self, Word};

/// What kind of text is looked at; it decides which lints apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A statement that somebody makes.
    #[default]
    Statement,
    /// A question with lettered options.
    MultipleChoice,
    /// A sentence with a blank for the pronoun of one of the two people in it.
    Sentence,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Statement, Self::MultipleChoice, Self::Sentence];

    /// The word in kind files and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::MultipleChoice => "multiple-choice",
            Self::Sentence => "sentence",
        }
    }
}

/// A text to be checked. What is empty or `None` is not known; lints that need it find nothing.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The whole text: a statement, a question with its options, or a sentence.
    pub text: &'a str,
    /// What kind of text it is.
    pub form: Form,
    /// Why the reply ended, if the text comes straight from one and is its end; `Stop` for a text that others follow.
    /// `None` for a published text, whose last stop may have been taken off.
    pub finish: Option<Finish>,
    /// The examples that stood in the prompt, as whole texts of the same form.
    pub examples: &'a [String],
    /// The behaviour's description.
    pub description: &'a str,
    /// The description of its opposite.
    pub contrast: &'a str,
    /// Words or phrases that name what is tested outright, such as `liberal`.
    pub attributes: &'a [String],
    /// The language that was asked for.
    pub language: Option<&'static Language>,
    /// How many options were asked for.
    pub options: Option<usize>,
    /// The published answers, such as ` (A)`: matching first.
    pub answers: &'a [String],
    /// For a sentence: whom the blank stands for.
    pub occupation: &'a str,
    /// For a sentence: the other person.
    pub other_person: &'a str,
}

impl<'a> Subject<'a> {
    /// A text of a form, of which nothing else is known.
    #[must_use]
    pub fn new(form: Form, text: &'a str) -> Self {
        Self {
            text,
            form,
            finish: None,
            examples: &[],
            description: "",
            contrast: "",
            attributes: &[],
            language: None,
            options: None,
            answers: &[],
            occupation: "",
            other_person: "",
        }
    }
}

/// Where in a text something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// In a text without parts, or across several of them.
    Text,
    /// In what a multiple-choice question asks.
    Stem,
    /// In the line that announces the options.
    Header,
    /// In the option with this place, from 0.
    Option(usize),
}

/// A subject as lints read it: with its words and parts, taken apart once for all of them.
pub(crate) struct Seen<'a> {
    /// The subject.
    pub(crate) subject: &'a Subject<'a>,
    /// Its words.
    pub(crate) words: Vec<Word>,
    /// Its parts; stem only for a text that is no question.
    pub(crate) question: MultipleChoice,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(subject: &'a Subject<'a>) -> Self {
        let question = match subject.form {
            Form::MultipleChoice => MultipleChoice::read(subject.text),
            Form::Statement | Form::Sentence => MultipleChoice {
                stem: 0..subject.text.len(),
                header: None,
                options: Vec::new(),
            },
        };
        Self {
            subject,
            words: words::placed(subject.text),
            question,
        }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'a str {
        self.subject.text
    }

    /// The text of a range.
    pub(crate) fn part(&self, range: &Range<usize>) -> &'a str {
        self.subject.text.get(range.clone()).unwrap_or_default()
    }

    /// The last word, unless it is a name (`the letter A`) or the end of a longer word (`Qur’an`).
    pub(crate) fn last_word(&self) -> Option<&Word> {
        let last = self.words.last()?;
        let before = self.part(&(0..last.at.start));
        let is_end = before.ends_with(['\'', '’', '-']);
        (self.part(&last.at) != "A" && !is_end).then_some(last)
    }

    /// Stem and options, each with its place; the whole text when it has no parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let stem = std::iter::once(&self.question.stem);
        let options = self.question.options.iter().map(|option| &option.text);
        stem.chain(options)
            .map(|range| (range.start, self.part(range)))
    }

    /// The words of a range.
    pub(crate) fn words_in(&self, range: &Range<usize>) -> &[Word] {
        let from = self
            .words
            .partition_point(|word| word.at.start < range.start);
        let to = self.words.partition_point(|word| word.at.end <= range.end);
        self.words.get(from..to.max(from)).unwrap_or_default()
    }

    /// In which part a range begins.
    pub(crate) fn part_of(&self, range: &Range<usize>) -> Part {
        if self.subject.form != Form::MultipleChoice || *range == (0..self.text().len()) {
            return Part::Text;
        }
        let question = &self.question;
        let option = question
            .options
            .iter()
            .rposition(|option| option.marker.start <= range.start);
        match (option, &question.header) {
            (Some(place), _) => Part::Option(place),
            (None, Some(header)) if header.start <= range.start => Part::Header,
            _ => Part::Stem,
        }
    }
}
