//! What can be wrong with a behaviour, a kind or a template, and where.
//!
//! Every fault names its file, line and column and says what to do; the source line stands below it.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use evalwright_core::show::visible;
use thiserror::Error;

/// Why a behaviour, a kind or a prompt is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A place in a file is wrong.
    #[error(transparent)]
    Fault(Box<Fault>),
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A kind's folder is no kind.
    #[error("kind folder {folder}: {problem}")]
    Folder {
        /// The folder.
        folder: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// No kind has this name.
    #[error("there is no kind `{name}`{} There are {}", suggestion(.name, .known), listed(.known))]
    UnknownKind {
        /// The name as written.
        name: String,
        /// The names of all kinds.
        known: Vec<String>,
    },
    /// A manifest's record of a behaviour is none.
    #[error("{path}: its behaviour cannot be read back: {problem}", path = path.display())]
    Record {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The kind has no such preset.
    #[error("kind `{kind}` has no preset `{name}`{} There are {}", suggestion(.name, .known), listed(.known))]
    UnknownPreset {
        /// The kind.
        kind: String,
        /// The name as written.
        name: String,
        /// The names of all presets.
        known: Vec<String>,
    },
}

/// A wrong place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Fault {
    /// The file as the user knows it.
    pub file: String,
    /// The line, from 1; 0 when the fault has no place.
    pub line: usize,
    /// The column in characters, from 1; 0 when only the line is known.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where the message does not say so itself.
    pub hint: Option<String>,
    /// The source line, cut to what fits on a screen, and where in it the caret stands.
    excerpt: Option<Excerpt>,
}

/// A source line with the caret's position.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    caret_after: String,
}

impl RecipeError {
    /// The place and the message, where the error is about a place in a file.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// What to do, where the message does not say so itself.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.fault().and_then(|fault| fault.hint.as_deref())
    }

    /// The same error with advice.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        if let Self::Fault(fault) = &mut self {
            fault.hint = Some(hint.to_owned());
        }
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(formatter, ":{}", self.column)?;
        }
        write!(formatter, ": {}", self.message)?;
        if let Some(excerpt) = &self.excerpt {
            let margin = self.line.to_string();
            write!(formatter, "\n{margin} | {}", excerpt.text)?;
            if self.column > 0 {
                let blank = " ".repeat(margin.len());
                write!(formatter, "\n{blank} | {}^", excerpt.caret_after)?;
            }
        }
        Ok(())
    }
}

/// The longest part of a source line that is shown, in characters.
const EXCERPT_WIDTH: usize = 120;
/// How much of a longer line is shown before the caret, in characters.
const EXCERPT_BEFORE: usize = 60;

/// A text with its name, from which faults are cut.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file as the user knows it.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    /// A fault at a range of bytes; a range outside the text stands at its end.
    pub(crate) fn fault(&self, span: Range<usize>, message: impl Into<String>) -> RecipeError {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let (before, after) = self.text.split_at(start);
        let line = before.matches('\n').count() + 1;
        let head = before.rsplit('\n').next().unwrap_or_default();
        let tail = after.split('\n').next().unwrap_or_default();
        let column = head.chars().count() + 1;
        RecipeError::Fault(Box::new(Fault {
            file: self.file.to_owned(),
            line,
            column,
            message: message.into(),
            hint: None,
            excerpt: Some(excerpt(head, tail)),
        }))
    }

    /// A fault on a whole line (from 1), without a column.
    pub(crate) fn fault_on_line(&self, line: usize, message: impl Into<String>) -> RecipeError {
        let text = line
            .checked_sub(1)
            .and_then(|index| self.text.split('\n').nth(index));
        RecipeError::Fault(Box::new(Fault {
            file: self.file.to_owned(),
            line,
            column: 0,
            message: message.into(),
            hint: None,
            excerpt: text.map(|text| excerpt("", text)),
        }))
    }

    /// A fault of the file as a whole.
    pub(crate) fn fault_of_file(&self, message: impl Into<String>) -> RecipeError {
        RecipeError::Fault(Box::new(Fault {
            file: self.file.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            hint: None,
            excerpt: None,
        }))
    }
}

/// Cuts a line around the place between `head` and `tail`, and makes it fit to be shown.
fn excerpt(head: &str, tail: &str) -> Excerpt {
    let skip = (head.chars().count() + tail.chars().count())
        .checked_sub(EXCERPT_WIDTH)
        .map_or(0, |_| head.chars().count().saturating_sub(EXCERPT_BEFORE));
    let head: String = head.chars().skip(skip).take(EXCERPT_WIDTH).collect();
    let room = EXCERPT_WIDTH.saturating_sub(head.chars().count());
    let tail: String = tail.trim_end_matches('\r').chars().take(room).collect();
    let shown = visible(&head);
    // A tab stays a tab, so that the caret lands below its character at any tab width.
    let caret_after = shown
        .chars()
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    Excerpt {
        text: format!("{shown}{}", visible(&tail)),
        caret_after,
    }
}

/// `: did you mean …?` or a full stop.
fn suggestion(name: &str, known: &[String]) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    closest(name, &known).map_or_else(
        || ".".to_owned(),
        |near| format!(": did you mean `{near}`?"),
    )
}

fn listed(names: &[String]) -> String {
    list(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Names in back quotes, with commas; `none` for no names.
pub(crate) fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// How a wrong name is completed: a suggestion if one name is near, else the list of all.
pub(crate) fn did_you_mean(name: &str, what: &str, known: &[&str]) -> String {
    match closest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}: {}", list(known)),
    }
}

/// The known name that is fewest edits away, if that is at most a third of its length (and at least one);
/// ties go to the first in the list.
pub fn closest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = name.to_lowercase();
    known
        .iter()
        .map(|candidate| (distance(&name, &candidate.to_lowercase()), *candidate))
        .filter(|(edits, candidate)| *edits <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) from one name to another: the restricted
/// Damerau-Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(100).collect();
    let right: Vec<char> = right.chars().take(100).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, left_char) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right_char) in right.iter().enumerate() {
            let get = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let replaced = get(&last, column) + usize::from(left_char != right_char);
            let mut best = replaced
                .min(get(&last, column + 1) + 1)
                .min(get(&current, column) + 1);
            let swapped = row > 0
                && column > 0
                && left.get(row - 1) == Some(right_char)
                && right.get(column - 1) == Some(left_char);
            if swapped {
                best = best.min(get(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_place_and_the_line_with_a_caret() {
        let source = Source {
            file: "b.toml",
            text: "a = 1\r\n\tbé = 2\n",
        };
        let error = source.fault(8..10, "bad");
        assert_eq!(error.to_string(), "b.toml:2:2: bad\n2 | \tbé = 2\n  | \t^");
        let at_end = source.fault(999..1000, "cut");
        assert_eq!(at_end.fault().map(|fault| fault.line), Some(3));
    }

    #[test]
    fn long_and_hostile_lines_are_cut_and_shown_by_number() {
        let text = format!("{}\u{1b}[2J{}", "x".repeat(500), "y".repeat(500));
        let source = Source {
            file: "f",
            text: &text,
        };
        let shown = source.fault(500..501, "bad").to_string();
        assert!(!shown.contains('\u{1b}') && shown.contains("\\u{1b}"));
        assert!(shown.chars().count() < 300, "{shown}");
        let caret = shown.lines().last().unwrap();
        assert_eq!(caret.chars().count(), 4 + EXCERPT_BEFORE + 1, "{shown}");
    }

    #[test]
    fn suggestions_need_a_near_name() {
        assert_eq!(
            closest("descripton", &["rows", "description"]),
            Some("description")
        );
        assert_eq!(closest("behavior", &["behaviour"]), Some("behaviour"));
        assert_eq!(closest("Rows", &["rows"]), Some("rows"));
        assert_eq!(closest("zebra", &["rows", "seed"]), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
