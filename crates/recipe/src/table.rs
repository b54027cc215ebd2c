//! Side tables: occupations with statistics, survey questions, gold examples, principles.
//!
//! A table is JSON Lines (one object a line) or CSV (a header, then rows of texts). It is read whole and checked
//! before any model is asked; every row has the same columns.

use evalwright_core::Fields;
use serde_json::Value;

use crate::error::{RecipeError, Source};

/// Most rows of a table.
const MOST_ROWS: usize = 200_000;

/// Reads a table. `file` names it in messages; its ending says the format: `.jsonl` or `.csv`.
///
/// # Errors
/// At the line that is no object, lacks a column, has another one, or holds an open quote; when there is no row.
pub fn read_table(file: &str, text: &str) -> Result<Vec<Fields>, RecipeError> {
    let source = Source { file, text };
    let rows = if file.ends_with(".csv") {
        csv(source)?
    } else if file.ends_with(".jsonl") {
        json_lines(source)?
    } else {
        return Err(source.fault_of_file("a table must end in `.jsonl` or `.csv`"));
    };
    match rows.first() {
        None => return Err(source.fault_of_file("the table has no rows")),
        Some(first) => {
            for (number, row) in rows.iter().enumerate() {
                check_columns(first, row)
                    .map_err(|problem| source.fault_on_line(line_of(file, number), problem))?;
            }
        }
    }
    if rows.len() > MOST_ROWS {
        return Err(source.fault_of_file(format!("the table has more than {MOST_ROWS} rows")));
    }
    Ok(rows)
}

/// The line of a row; a CSV has its header above.
fn line_of(file: &str, row: usize) -> usize {
    row + if file.ends_with(".csv") { 2 } else { 1 }
}

/// Whether a row has the columns of the first one; the error is a sentence.
pub(crate) fn check_columns(first: &Fields, row: &Fields) -> Result<(), String> {
    if let Some(missing) = first.keys().find(|key| !row.contains_key(*key)) {
        return Err(format!(
            "the row lacks the column `{missing}` that the first row has"
        ));
    }
    match row.keys().find(|key| !first.contains_key(*key)) {
        Some(more) => Err(format!(
            "the row has a column `{more}` that the first row lacks"
        )),
        None => Ok(()),
    }
}

fn json_lines(source: Source<'_>) -> Result<Vec<Fields>, RecipeError> {
    let mut rows = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(row)) => rows.push(row),
            Ok(_) => return Err(source.fault_on_line(index + 1, "the line is no object")),
            Err(error) => {
                let text = error.to_string();
                let cause = text.split(" at line ").next().unwrap_or(&text).to_owned();
                return Err(source.fault_on_line(index + 1, format!("not valid JSON: {cause}")));
            }
        }
    }
    Ok(rows)
}

/// CSV as RFC 4180 has it: commas, double quotes around what holds either or a line end, two quotes for one.
fn csv(source: Source<'_>) -> Result<Vec<Fields>, RecipeError> {
    let mut records: Vec<(usize, Vec<String>)> = Vec::new();
    let mut record: Vec<String> = Vec::new();
    let (mut cell, mut quoted, mut was_quoted) = (String::new(), false, false);
    let (mut line, mut first_line) = (1, 1);
    let mut characters = source.text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            '\n' if !quoted => {
                line += 1;
                record.push(std::mem::take(&mut cell));
                was_quoted = false;
                if record != [String::new()] {
                    records.push((first_line, std::mem::take(&mut record)));
                }
                record.clear();
                first_line = line;
            }
            ',' if !quoted => {
                record.push(std::mem::take(&mut cell));
                was_quoted = false;
            }
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            other => {
                if other == '\n' {
                    line += 1;
                }
                cell.push(other);
            }
        }
    }
    if quoted {
        return Err(source.fault_on_line(first_line, "a quote opens here and never closes"));
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        records.push((first_line, record));
    }
    let mut records = records.into_iter();
    let Some((_, header)) = records.next() else {
        return Ok(Vec::new());
    };
    records
        .map(|(line, record)| {
            if record.len() == header.len() {
                Ok(header
                    .iter()
                    .cloned()
                    .zip(record.into_iter().map(Value::from))
                    .collect())
            } else {
                Err(source.fault_on_line(
                    line,
                    format!(
                        "the row has {} values and the header {} names",
                        record.len(),
                        header.len()
                    ),
                ))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_keeps_commas_quotes_and_line_ends_in_quotes() {
        let rows = read_table("t.csv", "name,says\r\na,\"x, \"\"y\"\"\nz\"\r\nb,\n").unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0]["says"], "x, \"y\"\nz");
        assert_eq!(rows[1]["says"], "");
    }

    #[test]
    fn faults_name_their_line() {
        for (file, text, expected) in [
            ("t.csv", "a,b\n1\n", "t.csv:2: the row has 1 values"),
            ("t.csv", "a\n\"x\n", "t.csv:2: a quote opens here"),
            (
                "t.jsonl",
                "{\"a\": 1}\n{\"b\": 1}\n",
                "t.jsonl:2: the row lacks",
            ),
            (
                "t.jsonl",
                "{\"a\": 1}\n[]\n",
                "t.jsonl:2: the line is no object",
            ),
            ("t.jsonl", "{\"a\": \n", "t.jsonl:1: not valid JSON"),
            ("t.jsonl", "", "t.jsonl: the table has no rows"),
            ("t.txt", "a", "t.txt: a table must end"),
        ] {
            let error = read_table(file, text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
