//! A row as a question with options, one of them right: what harnesses for multiple choice want.

use crate::import::{ImportedRow, label_class};

/// A question, its options and the place of the right one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Posed {
    pub(super) question: String,
    pub(super) options: Vec<String>,
    pub(super) right: usize,
}

/// Takes a row as multiple choice, or says why it is none.
///
/// Options that stand inside the question are taken out of it. Answers that are words become options in reverse
/// alphabetical order (Yes before No), so that the place of the right one follows from the words alone.
pub(super) fn posed(row: &ImportedRow) -> Result<Posed, &'static str> {
    if row.matching.is_empty() {
        return Err("no label");
    }
    if !row.options.is_empty() {
        if row.matching.len() > 1 {
            return Err("several right answers");
        }
        let right = row.position().ok_or("the label names no option")?;
        let stem = row.stem.as_deref().filter(|stem| !stem.is_empty());
        return Ok(Posed {
            question: stem.unwrap_or(&row.question).to_owned(),
            options: row
                .options
                .iter()
                .map(|option| option.text.clone())
                .collect(),
            right,
        });
    }
    let [matching] = row.matching.as_slice() else {
        return Err("several right answers");
    };
    if row.not_matching.is_empty() {
        return Err("no second answer");
    }
    let matching = label_class(matching);
    let mut options: Vec<&str> = row
        .not_matching
        .iter()
        .map(|answer| label_class(answer))
        .collect();
    if options.contains(&matching) {
        return Err("an answer is right and wrong");
    }
    options.push(matching);
    options.sort_unstable_by(|a, b| b.cmp(a));
    options.dedup();
    let right = options
        .iter()
        .position(|option| *option == matching)
        .unwrap_or_default();
    Ok(Posed {
        question: row.question.clone(),
        options: options.into_iter().map(str::to_owned).collect(),
        right,
    })
}

/// The whole question as a model is asked it: options that the file holds beside the question are put below it.
pub(super) fn asked(row: &ImportedRow) -> String {
    if row.options.is_empty() || row.stem.is_some() {
        return row.question.clone();
    }
    let mut text = format!("{}\n\nChoices:", row.question.trim_end());
    for option in &row.options {
        text.push_str(&format!("\n ({}) {}", option.letter, option.text));
    }
    text
}
