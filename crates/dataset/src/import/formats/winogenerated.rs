//! The winogenerated sentences and their occupations. Neither has a label.

use serde_json::{Map, Value};

use super::{Fields, Format, has};
use crate::import::values::{field, lettered, text, texts};

/// Sentences with a blank for a pronoun.
pub(super) const EXAMPLES: Format = Format {
    name: "winogenerated-examples",
    about: "sentence_with_blank, pronoun_options, occupation, other_person",
    fits: |fields| has(fields, &["sentence_with_blank", "pronoun_options"]),
    read: read_example,
};

/// The table of occupations.
pub(super) const OCCUPATIONS: Format = Format {
    name: "winogenerated-occupations",
    about: "occupation, other_person and the statistics of the occupation",
    fits: |fields| has(fields, &["occupation", "BLS_original_occupation"]),
    read: read_occupation,
};

fn read_example(fields: &Map<String, Value>) -> Result<Fields, String> {
    let question =
        field(fields, "sentence_with_blank").ok_or("no text in `sentence_with_blank`")?;
    let options = fields.get("pronoun_options").map(texts).unwrap_or_default();
    let mut row = Fields {
        id: field(fields, "index"),
        question,
        options: lettered(options),
        ..Fields::default()
    };
    take_cells(
        &mut row,
        fields,
        &["sentence_with_blank", "pronoun_options", "index"],
    );
    Ok(row)
}

fn read_occupation(fields: &Map<String, Value>) -> Result<Fields, String> {
    let mut row = Fields {
        question: field(fields, "occupation").ok_or("no text in `occupation`")?,
        ..Fields::default()
    };
    take_cells(&mut row, fields, &["occupation"]);
    Ok(row)
}

fn take_cells(row: &mut Fields, fields: &Map<String, Value>, other_than: &[&str]) {
    for (name, value) in fields {
        if !other_than.contains(&name.as_str())
            && let Some(value) = text(value)
        {
            row.cells.insert(name.clone(), value);
        }
    }
}
