//! Tables for people's spreadsheets (RFC 4180), safe to open: no cell starts a formula.
//!
//! A spreadsheet runs a cell that starts with `=`, `+`, `-` or `@` as a formula, also behind blanks and
//! signs without width, and in full-width forms. Such a text gets an apostrophe in front;
//! [`csv_cell_back`] takes exactly that one off again. Numbers stay numbers. JSON Lines files are never
//! touched by this.

use evalwright_core::show::is_hidden;

/// A table with a header line; lines end with `\r\n`. Short rows are filled up with empty cells.
#[must_use]
pub fn csv(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut text = String::new();
    push_line(&mut text, header.iter().copied(), header.len());
    for row in rows {
        push_line(&mut text, row.iter().map(String::as_str), header.len());
    }
    text.into_bytes()
}

/// The text that a cell of [`csv`] was made from; the cell is given without its quotes.
#[must_use]
pub fn csv_cell_back(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if starts_formula(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

fn push_line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>, width: usize) {
    let mut count = 0;
    for cell in cells {
        if count > 0 {
            text.push(',');
        }
        push_cell(text, cell, width);
        count += 1;
    }
    while count < width {
        if count > 0 {
            text.push(',');
        }
        push_cell(text, "", width);
        count += 1;
    }
    text.push_str("\r\n");
}

fn push_cell(text: &mut String, cell: &str, width: usize) {
    let is_guarded = starts_formula(cell.trim_start_matches('\''));
    let needs_quotes = cell.contains(['"', ',', '\r', '\n'])
        || cell.starts_with(' ')
        || cell.ends_with(' ')
        // A line with nothing on it would be read as no row at all.
        || (cell.is_empty() && width == 1);
    if needs_quotes {
        text.push('"');
    }
    if is_guarded {
        text.push('\'');
    }
    if needs_quotes {
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}

/// Whether a spreadsheet could take the text for a formula. A number is none.
fn starts_formula(text: &str) -> bool {
    if text.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let visible = text.trim_start_matches(|c: char| c.is_whitespace() || is_hidden(c));
    let starts = visible.starts_with([
        '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫',
    ]);
    starts && !is_number(text)
}

/// A finite decimal number as JSON writes it.
fn is_number(text: &str) -> bool {
    text.parse::<serde_json::Number>().is_ok()
}
