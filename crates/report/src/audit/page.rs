//! An audit as JSON and as one HTML page.
//!
//! The page holds one script, which sorts and filters the list of rows; the content policy allows that one by its hash
//! and nothing else. Rows reach it as data that is never read as markup.

use std::collections::BTreeMap;

use evalwright_core::show::visible;
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::{Audit, Column, ListedRow, charts};
use crate::error::ReportError;
use crate::number::{share, share_interval, two_digit_interval, two_digits};
use crate::page::{policy_hash, show_hidden, strict_engine, tame};
use crate::report::round_numbers;

const TEMPLATE: &str = include_str!("audit.html.j2");
const SCRIPT: &str = include_str!("audit.js");
const NAME: &str = "audit.html.j2";
/// Families that stand side by side before a reader chooses.
const FAMILIES: usize = 8;
/// How errors name an audit, which has no dataset's name of its own.
const SUBJECT: &str = "the audit";

pub(super) fn json(audit: &Audit) -> Result<Vec<u8>, ReportError> {
    let mut value = value(audit)?;
    round_numbers(&mut value);
    let mut bytes = serde_json::to_vec_pretty(&value).map_err(json_error)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn value(audit: &Audit) -> Result<serde_json::Value, ReportError> {
    serde_json::to_value(audit).map_err(json_error)
}

fn json_error(source: serde_json::Error) -> ReportError {
    ReportError::Json {
        dataset: SUBJECT.to_owned(),
        source,
    }
}

pub(super) fn render(audit: &Audit) -> Result<Vec<u8>, ReportError> {
    let page = |source| ReportError::Page {
        dataset: SUBJECT.to_owned(),
        source,
    };
    let mut figures = value(audit)?;
    round_numbers(&mut figures);
    show_hidden(&mut figures);
    let charts: Vec<Value> = charts::all(audit)
        .into_iter()
        .map(|plot| {
            context! {
                file => plot.file(),
                title => plot.title,
                how => plot.how,
                svg => Value::from_safe_string(plot.svg),
            }
        })
        .collect();
    let mut engine = strict_engine(BTreeMap::new()).map_err(page)?;
    engine.add_template(NAME, TEMPLATE).map_err(page)?;
    let families: Vec<serde_json::Value> = audit
        .columns
        .iter()
        .filter(|column| column.of == "family")
        .take(FAMILIES)
        .map(shown_column)
        .collect();
    let values = context! {
        audit => Value::from(Serde(&figures)),
        charts,
        families => Value::from(Serde(&families)),
        is_side_by_side => audit.columns.len() > 2,
        columns => Value::from_safe_string(column_data(&audit.columns)?),
        rows => Value::from_safe_string(row_data(&audit.rows)?),
        row_count => audit.rows.len(),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        script_hash => policy_hash(SCRIPT),
    };
    engine
        .get_template(NAME)
        .and_then(|template| template.render(values))
        .map(String::into_bytes)
        .map_err(page)
}

/// A column as the page shows it: name, kind, rows, then value and interval of each figure.
fn shown_column(column: &Column) -> serde_json::Value {
    let figures: Vec<serde_json::Value> = column
        .figures
        .iter()
        .map(|figure| {
            let (value, interval) = if figure.is_share {
                (share(figure.value), share_interval(figure.interval))
            } else {
                (
                    two_digits(figure.value),
                    two_digit_interval(figure.interval),
                )
            };
            let interval = if figure.interval.is_some() {
                interval
            } else {
                String::new()
            };
            serde_json::json!([figure.name, value, interval])
        })
        .collect();
    serde_json::json!({
        "name": visible(&column.name),
        "of": column.of,
        "rows": column.rows,
        "figures": figures,
    })
}

/// All columns as JSON inside an element.
fn column_data(columns: &[Column]) -> Result<String, ReportError> {
    let columns: Vec<serde_json::Value> = columns.iter().map(shown_column).collect();
    Ok(tame(&serde_json::to_string(&columns).map_err(json_error)?))
}

/// The rows as JSON inside an element: files and findings once, and no sign in it that could end the element.
fn row_data(rows: &[ListedRow]) -> Result<String, ReportError> {
    let mut findings: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in rows.iter().flat_map(|row| &row.findings) {
        let next = findings.len();
        findings.entry(finding).or_insert(next);
    }
    let mut names: Vec<(&str, usize)> = findings
        .iter()
        .map(|(name, place)| (*name, *place))
        .collect();
    names.sort_by_key(|(_, place)| *place);
    let names: Vec<String> = names.into_iter().map(|(name, _)| visible(name)).collect();
    let list: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            let found: Vec<usize> = row
                .findings
                .iter()
                .filter_map(|name| findings.get(name.as_str()).copied())
                .collect();
            serde_json::json!([
                visible(&row.place),
                visible(&row.text),
                visible(row.label.trim()),
                row.confidence,
                found
            ])
        })
        .collect();
    let text = serde_json::to_string(&serde_json::json!({ "findings": names, "rows": list }))
        .map_err(json_error)?;
    Ok(tame(&text))
}
