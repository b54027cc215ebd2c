//! The elements of one large JSON list, one after the other, each of bounded size.
//!
//! A list of a million rows is never held whole. Only strings, brackets and commas are looked at here; whether an
//! element is JSON is found out by whoever reads it.

use std::io::{self, BufRead};

/// One element of the list, or what is left where the list breaks off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// Its text, cut at the limit.
    pub(crate) bytes: Vec<u8>,
    /// Whether it is longer than the limit.
    pub(crate) is_too_long: bool,
    /// Whether the file ends before the element or the list does.
    pub(crate) is_cut: bool,
}

/// Reads element by element.
pub(crate) struct Elements<'a> {
    reader: &'a mut dyn BufRead,
    limit: usize,
    line: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    After,
}

impl<'a> Elements<'a> {
    /// A list that begins with the first visible byte of `reader`.
    pub(crate) fn new(reader: &'a mut dyn BufRead, limit: usize) -> Self {
        Self {
            reader,
            limit,
            line: 1,
            state: State::Before,
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let Some(byte) = self.reader.fill_buf()?.first().copied() else {
            return Ok(None);
        };
        self.reader.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    /// The next element; none at the end of the list. What stands behind the list is given as one more element,
    /// which is no JSON.
    ///
    /// # Errors
    /// When the file cannot be read or unpacked.
    pub(crate) fn next(&mut self) -> io::Result<Option<Element>> {
        let mut element = Element {
            line: self.line,
            bytes: Vec::new(),
            is_too_long: false,
            is_cut: false,
        };
        let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
        let mut is_begun = false;
        while let Some(byte) = self.byte()? {
            if !is_begun {
                if byte.is_ascii_whitespace() {
                    continue;
                }
                match (self.state, byte) {
                    (State::Before, b'[') => {
                        self.state = State::Inside;
                        continue;
                    }
                    (State::Inside, b',') => continue,
                    (State::Inside, b']') => {
                        self.state = State::After;
                        continue;
                    }
                    _ => {}
                }
                is_begun = true;
                element.line = self.line;
            }
            if self.state == State::Inside
                && depth == 0
                && !in_string
                && matches!(byte, b',' | b']')
            {
                if byte == b']' {
                    self.state = State::After;
                }
                return Ok(Some(element));
            }
            if in_string {
                in_string = is_escaped || byte != b'"';
                is_escaped = !is_escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if element.bytes.len() < self.limit {
                element.bytes.push(byte);
            } else {
                element.is_too_long = true;
            }
        }
        let list_is_open = self.state != State::After;
        self.state = State::After;
        element.is_cut = list_is_open;
        Ok((is_begun || list_is_open).then_some(element))
    }
}

#[cfg(test)]
mod tests {
    use super::Elements;

    fn elements(mut text: &[u8]) -> Vec<(u64, String, bool, bool)> {
        let mut elements = Elements::new(&mut text, 40);
        let mut seen = Vec::new();
        while let Some(element) = elements.next().unwrap() {
            seen.push((
                element.line,
                String::from_utf8(element.bytes).unwrap().trim().to_owned(),
                element.is_too_long,
                element.is_cut,
            ));
        }
        seen
    }

    #[test]
    fn a_list_is_taken_apart() {
        let text = b" [{\"a\": \"x], \\\" y\"},\n\n {\"b\": [1, {\"c\": 2}]} ]\n";
        let row = |line, text: &str| (line, text.to_owned(), false, false);
        assert_eq!(
            elements(text),
            [
                row(1, r#"{"a": "x], \" y"}"#),
                row(3, r#"{"b": [1, {"c": 2}]}"#)
            ]
        );
        assert_eq!(elements(b"[]"), []);
    }

    #[test]
    fn breaks_are_told() {
        assert_eq!(
            elements(b"[{\"a\": 1}, {\"a\":"),
            [
                (1, "{\"a\": 1}".to_owned(), false, false),
                (1, "{\"a\":".to_owned(), false, true)
            ]
        );
        assert_eq!(
            elements(b"[1] and more"),
            [
                (1, "1".to_owned(), false, false),
                (1, "and more".to_owned(), false, false)
            ]
        );
        let long = format!("[\"{}\", 2]", "x".repeat(100));
        assert_eq!(
            elements(long.as_bytes())
                .iter()
                .map(|row| row.2)
                .collect::<Vec<_>>(),
            [true, false]
        );
    }
}
