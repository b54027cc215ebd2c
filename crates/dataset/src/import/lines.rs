//! Lines of a stream, each of bounded size: a longer one is passed over, not held.

use std::io::{self, BufRead};

/// The longest line, or value of a list, that is read unless the caller says otherwise: 16 MiB. The longest row of
/// the published sets has 8 KiB.
pub const LINE_LIMIT: usize = 16 << 20;

/// One line without its end.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: u64,
    /// The bytes, cut at the limit.
    pub(crate) bytes: Vec<u8>,
    /// Whether the line is longer than the limit.
    pub(crate) is_too_long: bool,
    /// Whether it ends with `\r\n`.
    pub(crate) has_return: bool,
    /// Whether it ends at all, rather than with the file.
    pub(crate) is_ended: bool,
}

/// Reads line by line.
pub(crate) struct Lines<'a> {
    reader: &'a mut dyn BufRead,
    limit: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(reader: &'a mut dyn BufRead, limit: usize) -> Self {
        Self {
            reader,
            limit,
            number: 0,
        }
    }

    /// Puts the next line into `line`, whose memory is used again; false at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read or unpacked.
    pub(crate) fn next_into(&mut self, line: &mut Line) -> io::Result<bool> {
        line.bytes.clear();
        line.is_too_long = false;
        line.has_return = false;
        line.is_ended = false;
        let mut is_any = false;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            is_any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let content = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            let room = self.limit.saturating_sub(line.bytes.len());
            line.is_too_long |= content.len() > room;
            line.bytes
                .extend_from_slice(content.get(..room).unwrap_or(content));
            let used = content.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                line.is_ended = true;
                break;
            }
        }
        if !is_any {
            return Ok(false);
        }
        if line.is_ended && !line.is_too_long && line.bytes.last() == Some(&b'\r') {
            line.bytes.pop();
            line.has_return = true;
        }
        self.number += 1;
        line.number = self.number;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines};

    #[test]
    fn lines_are_bounded_and_numbered() {
        let mut text: &[u8] = b"one\r\n\ntoo long for it\nlast";
        let mut lines = Lines::new(&mut text, 8);
        let mut line = Line::default();
        let mut seen = Vec::new();
        while lines.next_into(&mut line).unwrap() {
            seen.push((
                line.number,
                String::from_utf8(line.bytes.clone()).unwrap(),
                line.is_too_long,
                line.has_return,
                line.is_ended,
            ));
        }
        let row = |number, text: &str, long, returned, ended| {
            (number, text.to_owned(), long, returned, ended)
        };
        assert_eq!(
            seen,
            [
                row(1, "one", false, true, true),
                row(2, "", false, false, true),
                row(3, "too long", true, false, true),
                row(4, "last", false, false, false),
            ]
        );
    }
}
