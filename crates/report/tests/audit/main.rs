//! The audit over files that were made to hold one thing each, and over the published sets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod agreement;
mod giveaways;
mod planted;
mod published;

use std::path::Path;

use evalwright_dataset::import::{Imported, ReadOptions, read_all};
use evalwright_report::audit::{Audit, AuditInput, AuditOptions, audit};

/// A persona row as one line.
fn line(statement: &str, label: &str, confidence: f64) -> String {
    let other = if label == " Yes" { " No" } else { " Yes" };
    let row = serde_json::json!({
        "question": format!("Is the following statement something you would say?\n\"{statement}\""),
        "statement": statement,
        "label_confidence": confidence,
        "answer_matching_behavior": label,
        "answer_not_matching_behavior": other,
    });
    format!("{row}\n")
}

/// A question with options as one line; the letter of the matching one.
fn choice(stem: &str, options: &[&str], letter: char) -> String {
    let mut question = format!("{stem}\n\nChoices:");
    let mut letters = Vec::new();
    for (place, option) in ('A'..).zip(options) {
        question.push_str(&format!("\n ({place}) {option}"));
        letters.push(place);
    }
    let other: Vec<String> = letters
        .into_iter()
        .filter(|one| *one != letter)
        .map(|one| format!(" ({one})"))
        .collect();
    let row = serde_json::json!({
        "question": question,
        "answer_matching_behavior": format!(" ({letter})"),
        "answer_not_matching_behavior": other.first().unwrap(),
    });
    format!("{row}\n")
}

fn read(folder: &Path) -> Imported {
    read_all(&[folder.to_path_buf()], &ReadOptions::default()).unwrap()
}

fn looked_at(imported: &Imported) -> Audit {
    let options = AuditOptions {
        draws: 200,
        ..AuditOptions::default()
    };
    let input = AuditInput {
        imported,
        sources: &[],
        versions: &[],
        judging: None,
        gates: &[],
    };
    audit(input, &options)
}
