//! Which words are one label, and which are none.

use crate::import::label_class;

/// Words that tools write for nothing. None of them is a label unless it is declared; none is silently nothing.
const NO_LABELS: [&str; 9] = [
    "nan",
    "n/a",
    "na",
    "null",
    "none",
    "-",
    "?",
    "undefined",
    "nil",
];

/// The labels of an annotation file.
#[derive(Debug)]
pub(super) struct Labels {
    known: Vec<String>,
    is_closed: bool,
}

/// What a cell holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Missing,
    /// A label, in its one spelling.
    Label(String),
    /// A word that is none.
    Unknown,
}

impl Labels {
    /// With declared labels no other is one; without, any word is, but those that mean nothing.
    pub(super) fn new(declared: &[String]) -> Self {
        Self {
            known: declared.to_vec(),
            is_closed: !declared.is_empty(),
        }
    }

    /// Reads a cell. Blanks around, brackets around one letter, and upper or lower case make no difference.
    pub(super) fn read(&mut self, cell: &str) -> Found {
        let class = label_class(cell);
        if class.is_empty() {
            return Found::Missing;
        }
        let folded = class.to_lowercase();
        let is_known = |known: &&String| label_class(known).to_lowercase() == folded;
        if let Some(known) = self.known.iter().find(is_known) {
            return Found::Label(known.clone());
        }
        if self.is_closed || NO_LABELS.contains(&folded.as_str()) {
            return Found::Unknown;
        }
        self.known.push(class.to_owned());
        Found::Label(class.to_owned())
    }
}

/// A doubt as raters write it: yes, true, 1, x; no, false, 0.
pub(super) fn truth(word: &str) -> Option<bool> {
    match word.trim().to_lowercase().as_str() {
        "yes" | "true" | "1" | "x" | "y" | "ambiguous" | "unclear" | "1.0" => Some(true),
        "no" | "false" | "0" | "n" | "clear" | "0.0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Labels, truth};

    #[test]
    fn one_spelling_each() {
        let mut open = Labels::new(&[]);
        assert_eq!(open.read(" (a) "), Found::Label("a".to_owned()));
        assert_eq!(open.read("A"), Found::Label("a".to_owned()));
        assert_eq!(open.read("NaN"), Found::Unknown);
        assert_eq!(open.read("  "), Found::Missing);
        let mut closed = Labels::new(&["Yes".to_owned(), "n/a".to_owned()]);
        assert_eq!(closed.read("YES "), Found::Label("Yes".to_owned()));
        assert_eq!(closed.read("N/A"), Found::Label("n/a".to_owned()));
        assert_eq!(closed.read("No"), Found::Unknown);
        assert_eq!(
            (truth("Yes"), truth("0"), truth("perhaps")),
            (Some(true), Some(false), None)
        );
    }
}
