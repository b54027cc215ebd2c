//! `report.html`: the figures in one page.
//!
//! Data reaches the template as plain values: hidden characters are written by their numbers first, and the
//! engine escapes the rest. Only drawings, which escape for themselves, go in as they are.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evalwright_core::ContentHash;
use evalwright_core::show::visible;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use crate::error::ReportError;
use crate::number;
use crate::report::Report;

const TEMPLATE: &str = include_str!("page.html.j2");
/// The style that all pages share.
pub(crate) const STYLE: &str = include_str!("style.css");
/// The name that error messages give to the template.
const NAME: &str = "page.html.j2";

pub(crate) fn render(report: &Report) -> Result<Vec<u8>, ReportError> {
    let mut figures = report.value()?;
    show_hidden(&mut figures);
    let mut rows = serde_json::to_value(&report.page_rows).map_err(|source| ReportError::Json {
        dataset: report.dataset.clone(),
        source,
    })?;
    show_hidden(&mut rows);
    let charts: BTreeMap<&str, Value> = report
        .plots()
        .into_iter()
        .map(|plot| {
            let chart = context! {
                file => plot.file(),
                title => plot.title,
                how => plot.how,
                svg => Value::from_safe_string(plot.svg),
            };
            (plot.stem, chart)
        })
        .collect();
    let names = report.figures.short_names.iter();
    let names = names
        .map(|(name, short)| (visible(name), visible(short)))
        .collect();
    let values = context! {
        report => Value::from(Serde(&figures)),
        rows => Value::from(Serde(&rows)),
        charts,
    };
    fill(names, values)
        .map(String::into_bytes)
        .map_err(|source| ReportError::Page {
            dataset: report.dataset.clone(),
            source,
        })
}

/// `short_names` leads from a rater's name, its hidden characters shown, to what lists call it.
fn fill(short_names: BTreeMap<String, String>, values: Value) -> Result<String, minijinja::Error> {
    let mut engine = strict_engine(short_names)?;
    engine.add_template(NAME, TEMPLATE)?;
    engine.get_template(NAME)?.render(values)
}

/// An engine that escapes everything and knows the figures' filters and the pages' common style.
pub(crate) fn strict_engine(
    short_names: BTreeMap<String, String>,
) -> Result<Environment<'static>, minijinja::Error> {
    let mut engine = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    engine.set_syntax(syntax);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    engine.add_filter("share", |value: Value| number::share(real(&value)));
    engine.add_filter("two", |value: Value| number::two_digits(real(&value)));
    engine.add_filter("three", |value: Value| number::three_digits(real(&value)));
    engine.add_filter("share_interval", |value: Value| {
        number::share_interval(ends(&value))
    });
    engine.add_filter("interval", |value: Value| {
        number::two_digit_interval(ends(&value))
    });
    engine.add_filter("words", |label: String| label.replace('_', " "));
    engine.add_filter("short", move |name: String| {
        short_names.get(&name).cloned().unwrap_or(name)
    });
    engine.add_template("style.css", STYLE)?;
    Ok(engine)
}

fn real(value: &Value) -> Option<f64> {
    f64::try_from(value.clone()).ok()
}

fn ends(value: &Value) -> Option<evalwright_stats::Interval> {
    Some(evalwright_stats::Interval {
        low: real(&value.get_attr("low").ok()?)?,
        high: real(&value.get_attr("high").ok()?)?,
    })
}

/// Writes every hidden character in every text by its number.
pub(crate) fn show_hidden(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = visible(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(show_hidden),
        serde_json::Value::Object(fields) => {
            let shown = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                show_hidden(&mut value);
                (visible(&name), value)
            });
            *fields = shown.collect();
        }
        _ => {}
    }
}

/// The hash of a script or a style as a content policy names it.
pub(crate) fn policy_hash(text: &str) -> String {
    let hexadecimal = ContentHash::of(text.as_bytes()).to_string();
    let bytes: Vec<u8> = hexadecimal
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    format!("sha256-{}", STANDARD.encode(bytes))
}

/// JSON without any sign that could end the element around it.
pub(crate) fn tame(text: &str) -> String {
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
