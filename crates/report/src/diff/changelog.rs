//! A difference as a section of a changelog: Markdown that a person reads on a hub.
//!
//! Texts that models wrote are escaped. The same difference gives the same bytes.

use std::fmt::Write;

use evalwright_dataset::card::{code, escaped};
use serde_json::Value;

use super::{Changed, DiffRow, Difference};

/// Rows that are named of each kind; `evalwright diff` lists all.
const NAMED: usize = 20;
/// Settings that are named.
const NAMED_SETTINGS: usize = 40;
/// Characters of a text, and of a setting's value, that are shown.
const SHOWN: usize = 200;

/// The section's body, without its heading; `notes` are further sentences behind the verdict.
pub(super) fn body(difference: &Difference, notes: &[String]) -> String {
    let mut text = String::new();
    for line in difference.verdict.iter().chain(notes) {
        add(&mut text, format_args!("- {}", escaped(line)));
    }
    let counts = &difference.counts;
    add(&mut text, format_args!("\n| rows | |\n|---|---:|"));
    for (what, count) in [
        ("before", counts.before),
        ("after", counts.after),
        ("unchanged", counts.unchanged),
        ("another confidence", counts.rescored.count),
        ("another label", counts.flipped.count),
        ("reworded", counts.reworded.count),
        ("dropped", counts.dropped.count),
        ("added", counts.added.count),
    ] {
        add(&mut text, format_args!("| {what} | {count} |"));
    }
    if !difference.settings.is_empty() {
        add(&mut text, format_args!("\nSettings that differ:\n"));
        for setting in difference.settings.iter().take(NAMED_SETTINGS) {
            add(
                &mut text,
                format_args!(
                    "- `{}`: `{}` → `{}`",
                    code(&setting.path),
                    value(&setting.before),
                    value(&setting.after)
                ),
            );
        }
        more(&mut text, difference.settings.len(), NAMED_SETTINGS);
    }
    changed(&mut text, "Rows with another label", &difference.flipped);
    changed(&mut text, "Reworded rows", &difference.reworded);
    listed(&mut text, "Dropped rows", &difference.dropped);
    listed(&mut text, "Added rows", &difference.added);
    text
}

fn changed(text: &mut String, title: &str, rows: &[Changed]) {
    if rows.is_empty() {
        return;
    }
    add(text, format_args!("\n{title}:\n"));
    for row in rows.iter().take(NAMED) {
        let (before, after) = (&row.before, &row.after);
        let said = if before.text == after.text {
            shown(&after.text)
        } else {
            format!("{} → {}", shown(&before.text), shown(&after.text))
        };
        add(
            text,
            format_args!(
                "- `{}` → `{}`, `{}` → `{}`: {said}",
                code(&before.id),
                code(&after.id),
                code(before.label.trim()),
                code(after.label.trim())
            ),
        );
    }
    more(text, rows.len(), NAMED);
}

fn listed(text: &mut String, title: &str, rows: &[DiffRow]) {
    if rows.is_empty() {
        return;
    }
    add(text, format_args!("\n{title}:\n"));
    for row in rows.iter().take(NAMED) {
        add(
            text,
            format_args!(
                "- `{}`, `{}`: {}",
                code(&row.id),
                code(row.label.trim()),
                shown(&row.text)
            ),
        );
    }
    more(text, rows.len(), NAMED);
}

fn more(text: &mut String, count: usize, named: usize) {
    if count > named {
        add(
            text,
            format_args!("- and {} more; `evalwright diff` lists all", count - named),
        );
    }
}

fn shown(text: &str) -> String {
    escaped(&cut(text))
}

fn value(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    code(&cut(&text))
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short + "…"
    } else {
        short
    }
}

fn add(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(arguments).ok();
    text.push('\n');
}
