//! CSV that is safe in spreadsheets and can be turned back (case X01).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use evalwright_dataset::{csv, csv_cell_back, read_records};
use proptest::prelude::*;

/// A plain RFC 4180 reader.
fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') if characters.peek() == Some(&'\n') => {
                characters.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, other) => cell.push(other),
        }
    }
    assert!(
        !quoted && row.is_empty() && cell.is_empty(),
        "the table is cut"
    );
    rows
}

fn table(header: &[&str], rows: &[Vec<String>]) -> Vec<Vec<String>> {
    parse(&String::from_utf8(csv(header, rows)).unwrap())
}

#[test]
fn x01_no_cell_starts_a_formula_and_every_text_comes_back() {
    let name = "X01-csv-formula";
    let path = support::case("export", name).join("records.jsonl");
    let wanted = support::expected("export", name);
    let records = read_records(&path).unwrap();
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            ["id", "text", "score"]
                .iter()
                .map(|key| match record.get(*key) {
                    None => String::new(),
                    Some(serde_json::Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                })
                .collect()
        })
        .collect();
    let written = table(&["id", "text", "score"], &rows);
    let ids = |key: &str| -> Vec<String> {
        wanted[key]
            .as_array()
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    for (row, source) in written.iter().skip(1).zip(&rows) {
        let is_changed = row != source;
        assert_eq!(is_changed, ids("neutralised").contains(&row[0]), "{row:?}");
        assert_eq!(!is_changed, ids("unchanged").contains(&row[0]), "{row:?}");
        assert!(!row[1].starts_with(['=', '+', '-', '@', '\t']), "{row:?}");
        let back: Vec<&str> = row.iter().map(|cell| csv_cell_back(cell)).collect();
        assert_eq!(&back, source);
    }
    assert_eq!(written.len(), rows.len() + 1);
}

#[test]
fn hidden_and_full_width_starts_are_found_and_numbers_are_not() {
    let cells = |texts: &[&str]| -> Vec<String> {
        let rows: Vec<Vec<String>> = texts.iter().map(|text| vec![(*text).to_owned()]).collect();
        table(&["cell"], &rows)
            .into_iter()
            .skip(1)
            .map(|mut row| row.remove(0))
            .collect()
    };
    let dangerous = [
        "=1",
        "  =1",
        "\u{200b}=1",
        "\u{feff}+1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\r=1",
        "\nx",
        "+1",
        "-x",
        "-",
        "--1",
        "-1+1",
        "'=1",
        "''@x",
        " \u{a0}=1",
    ];
    for (cell, text) in cells(&dangerous).iter().zip(dangerous) {
        assert_eq!(*cell, format!("'{text}"));
    }
    let harmless = [
        "-0.25", "-3", "1e-5", "-1E+3", "0", "a=1", "'tis", "", "it's", "12 - 3",
    ];
    assert_eq!(cells(&harmless), harmless);
}

#[test]
fn lines_end_as_the_standard_says_and_short_rows_are_filled() {
    let rows = [
        vec!["a,b".to_owned(), "say \"x\"".to_owned()],
        vec!["1".to_owned()],
        vec![],
    ];
    assert_eq!(
        String::from_utf8(csv(&["x", "y"], &rows)).unwrap(),
        "x,y\r\n\"a,b\",\"say \"\"x\"\"\"\r\n1,\r\n,\r\n"
    );
    assert_eq!(csv(&["x"], &[vec![String::new()]]), b"x\r\n\"\"\r\n");
}

proptest! {
    #[test]
    fn any_table_comes_back(
        rows in prop::collection::vec(prop::collection::vec("['=@+\t -]{0,3}\\PC{0,6}|[,\"\r\n]{0,3}", 2), 0..6)
    ) {
        let written = table(&["a", "b"], &rows);
        let back: Vec<Vec<String>> = written
            .iter()
            .skip(1)
            .map(|row| row.iter().map(|cell| csv_cell_back(cell).to_owned()).collect())
            .collect();
        prop_assert_eq!(back, rows);
    }
}
