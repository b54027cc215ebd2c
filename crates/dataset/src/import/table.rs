//! Comma-separated tables (RFC 4180), also with semicolons or tabs, record by record.
//!
//! A quote that is never closed costs its own line, not the rest of the file: reading goes on with the line after it.
//! An apostrophe that our own tables put before what a spreadsheet would take for a formula is taken off.

use std::collections::VecDeque;
use std::io;

use crate::csv::csv_cell_back;
use crate::import::lines::{Line, Lines};

/// How many lines one record may hold. A quote that nobody closes would otherwise hold the whole file.
const RECORD_LINES: usize = 100_000;

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// Its cells.
    Cells {
        /// The line on which it begins, from 1.
        line: u64,
        /// The cells, unquoted.
        cells: Vec<String>,
    },
    /// What is wrong with it.
    Damaged {
        /// The line on which it begins, from 1.
        line: u64,
        /// In words.
        problem: String,
        /// Whether it is no UTF-8.
        is_not_utf8: bool,
    },
}

/// Reads record by record; empty lines are passed over.
pub(crate) struct Table<'a> {
    lines: Lines<'a>,
    /// Lines read too far.
    again: VecDeque<Line>,
    delimiter: u8,
    limit: usize,
    /// Lines that ended with `\r\n`.
    pub(crate) returns: u64,
}

impl<'a> Table<'a> {
    /// A table whose delimiter is known.
    pub(crate) fn new(lines: Lines<'a>, delimiter: u8, limit: usize) -> Self {
        Self {
            lines,
            again: VecDeque::new(),
            delimiter,
            limit,
            returns: 0,
        }
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Line::default();
        if !self.lines.next_into(&mut line)? {
            return Ok(None);
        }
        self.returns += u64::from(line.has_return);
        Ok(Some(line))
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// When the file cannot be read or unpacked.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        let first = loop {
            match self.line()? {
                None => return Ok(None),
                Some(line) if line.bytes.is_empty() => {}
                Some(line) => break line,
            }
        };
        let start = first.number;
        let damaged = |problem: &str| {
            Some(Record::Damaged {
                line: start,
                problem: problem.to_owned(),
                is_not_utf8: false,
            })
        };
        if first.is_too_long {
            return Ok(damaged("the line is longer than the limit"));
        }
        let mut record = Cells::new(self.delimiter);
        record.feed(&first.bytes);
        let mut size = first.bytes.len();
        let mut has_return = first.has_return;
        let mut more = VecDeque::new();
        while record.is_open() {
            let next = if size > self.limit || more.len() >= RECORD_LINES {
                None
            } else {
                self.line()?
            };
            let Some(next) = next else {
                // What was read in vain comes again, in front of what may be left from an earlier such record.
                more.append(&mut self.again);
                self.again = more;
                return Ok(damaged("a quote that opens here is never closed"));
            };
            size += next.bytes.len() + 1;
            record.feed(if has_return { b"\r\n" } else { b"\n" });
            record.feed(&next.bytes);
            has_return = next.has_return;
            more.push_back(next);
        }
        Ok(Some(match record.finish() {
            Ok(cells) => Record::Cells { line: start, cells },
            Err(column) => Record::Damaged {
                line: start,
                problem: format!("not UTF-8 text in cell {column}; save the file as UTF-8"),
                is_not_utf8: true,
            },
        }))
    }
}

/// The delimiter of a table: whichever of comma, semicolon and tab stands most often in its first line outside of
/// quotes; the comma where none does, or as many.
pub(crate) fn delimiter(start: &[u8]) -> u8 {
    let first = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut counts = [(b',', 0_usize), (b'\t', 0), (b';', 0)];
    let mut in_quotes = false;
    for byte in first {
        in_quotes ^= *byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!in_quotes && byte == delimiter);
        }
    }
    let mut best = (b',', 0);
    for (delimiter, count) in counts {
        if count > best.1 {
            best = (delimiter, count);
        }
    }
    best.0
}

/// The cells of a record that may go over several lines.
struct Cells {
    delimiter: u8,
    done: Vec<Vec<u8>>,
    cell: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a cell.
    Start,
    /// Inside a cell without quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// Behind a quote inside quotes, which ends them or is doubled.
    Quote,
}

impl Cells {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            done: Vec::new(),
            cell: Vec::new(),
            state: State::Start,
        }
    }

    fn is_open(&self) -> bool {
        self.state == State::Quoted
    }

    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied() {
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) => {
                    self.cell.push(byte);
                    State::Quoted
                }
                (State::Start, b'"') => State::Quoted,
                (State::Quote, b'"') => {
                    self.cell.push(b'"');
                    State::Quoted
                }
                (_, byte) if byte == self.delimiter => {
                    self.done.push(std::mem::take(&mut self.cell));
                    State::Start
                }
                // A quote inside a cell that doesn't begin with one is a letter like any other.
                (_, _) => {
                    self.cell.push(byte);
                    State::Plain
                }
            };
        }
    }

    /// The cells as text, or the number of the first that is not UTF-8.
    fn finish(mut self) -> Result<Vec<String>, usize> {
        self.done.push(self.cell);
        self.done
            .into_iter()
            .enumerate()
            .map(|(index, cell)| {
                let text = String::from_utf8(cell).map_err(|_| index + 1)?;
                let back = csv_cell_back(&text);
                Ok(if back.len() == text.len() {
                    text
                } else {
                    back.to_owned()
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, Table, delimiter};
    use crate::csv::csv;
    use crate::import::lines::Lines;
    use proptest::prelude::*;

    fn records(text: &[u8]) -> Vec<Record> {
        let mut bytes = text;
        let delimiter = delimiter(text);
        let mut table = Table::new(Lines::new(&mut bytes, 1 << 20), delimiter, 1 << 20);
        let mut seen = Vec::new();
        while let Some(record) = table.next().unwrap() {
            seen.push(record);
        }
        seen
    }

    fn cells(line: u64, cells: &[&str]) -> Record {
        Record::Cells {
            line,
            cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
        }
    }

    #[test]
    fn quotes_lines_and_delimiters() {
        assert_eq!(
            records(b"a;b\r\n\"x;\"\"y\"\"\nz\";5\" pipe\n\n;\"\"\n"),
            [
                cells(1, &["a", "b"]),
                cells(2, &["x;\"y\"\nz", "5\" pipe"]),
                cells(5, &["", ""]),
            ]
        );
        assert_eq!(
            records(b"a\tb\n1\t2"),
            [cells(1, &["a", "b"]), cells(2, &["1", "2"])]
        );
    }

    #[test]
    fn an_open_quote_costs_one_line() {
        let seen = records(b"a,b\n\"1,2\n3,4\n5,6\n");
        assert!(
            matches!(&seen[1], Record::Damaged { line: 2, problem, .. } if problem.contains("never closed"))
        );
        assert_eq!(seen[2..], [cells(3, &["3", "4"]), cells(4, &["5", "6"])]);
    }

    #[test]
    fn what_is_not_utf8_is_named() {
        let seen = records(b"a,b\n1,\xe9\n2,x\n");
        assert!(
            matches!(&seen[1], Record::Damaged { line: 2, is_not_utf8: true, problem } if problem.contains("cell 2"))
        );
        assert_eq!(seen[2], cells(3, &["2", "x"]));
    }

    proptest! {
        #[test]
        fn our_own_tables_come_back(rows in prop::collection::vec(prop::collection::vec("[ -~\n\u{e9}=+@'\"]{0,8}", 3), 0..6)) {
            let text = csv(&["a", "b", "c"], &rows);
            let mut wanted = vec![vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]];
            wanted.extend(rows);
            let seen: Vec<Vec<String>> = records(&text).into_iter().filter_map(|record| match record {
                Record::Cells { cells, .. } => Some(cells),
                Record::Damaged { .. } => None,
            }).collect();
            prop_assert_eq!(seen, wanted);
        }
    }
}
