//! Answers with letters: which text stands at which letter, and which letter matches.
//!
//! Letters follow the published sets: an answer is ` (A)`, with its leading space.

use evalwright_core::{Fields, Side, field_text};
use serde_json::{Value, json};

use crate::item_stage::{AnswerPlace, OptionsOf};

/// Fewest and most answers.
pub const COUNTS: std::ops::RangeInclusive<usize> = 2..=8;

/// Answers in one order.
#[derive(Debug, Clone, PartialEq)]
pub struct Arranged {
    /// A list of objects with `letter` and `text`.
    pub choices: Value,
    /// The matching answer: ` (B)`.
    pub answer: Value,
    /// The other answers in the order of their letters, always a list: [` (A)`, ` (C)`].
    pub others: Value,
    /// The place of the matching answer, from 0.
    pub place: usize,
}

/// A place's letter: 0 is `A`.
#[must_use]
pub fn letter(place: usize) -> char {
    u8::try_from(place)
        .ok()
        .and_then(|place| b'A'.checked_add(place))
        .map_or('?', char::from)
}

/// The texts of a candidate's answers and the place of the matching one.
///
/// # Errors
/// A sentence when there are fewer than two or more than eight, one is empty or stands twice, or none matches.
pub fn answers(
    fields: &Fields,
    of: &OptionsOf,
    side: Side,
) -> Result<(Vec<String>, usize), String> {
    let list: Vec<&Value> = match of.options.as_slice() {
        [one] => match fields.get(one) {
            Some(Value::Array(list)) => list.iter().collect(),
            _ => return Err(format!("`{one}` is no list")),
        },
        several => several.iter().filter_map(|name| fields.get(name)).collect(),
    };
    let texts: Vec<String> = list.iter().filter_map(|value| field_text(value)).collect();
    if !COUNTS.contains(&list.len()) || texts.len() != list.len() {
        return Err(format!(
            "`{}` must hold two to eight texts",
            of.options.join("`, `")
        ));
    }
    for (index, text) in texts.iter().enumerate() {
        if text.trim().is_empty() {
            return Err("an answer is empty".to_owned());
        }
        if texts
            .iter()
            .take(index)
            .any(|other| other.trim() == text.trim())
        {
            return Err("two answers are the same".to_owned());
        }
    }
    let place = match of.place_of(side) {
        AnswerPlace::Number(place) => Some(*place),
        AnswerPlace::Field(field) => fields
            .get(field)
            .and_then(field_text)
            .and_then(|text| text.trim_end_matches(".0").parse::<usize>().ok()),
    };
    let place = place.filter(|place| *place < texts.len()).ok_or_else(|| {
        "the place of the matching answer must be a number from 0 that has an answer".to_owned()
    })?;
    Ok((texts, place))
}

/// Arranges a candidate's answers. `order` holds for each place the number of the answer that stands there; nothing
/// keeps them as they are.
///
/// # Errors
/// As [`answers`].
pub fn arranged(
    fields: &Fields,
    of: &OptionsOf,
    side: Side,
    order: Option<&[usize]>,
) -> Result<Arranged, String> {
    let (texts, matching) = answers(fields, of, side)?;
    let own: Vec<usize> = (0..texts.len()).collect();
    let order = order.unwrap_or(&own);
    let place = order
        .iter()
        .position(|answer| *answer == matching)
        .ok_or_else(|| "the order leaves the matching answer out".to_owned())?;
    let choices: Vec<Value> = order
        .iter()
        .enumerate()
        .map(|(place, answer)| {
            let text = texts.get(*answer).map_or("", |text| text.trim());
            json!({ "letter": letter(place).to_string(), "text": text })
        })
        .collect();
    let others: Vec<Value> = (0..order.len())
        .filter(|other| *other != place)
        .map(|other| Value::from(shown(other)))
        .collect();
    Ok(Arranged {
        choices: Value::Array(choices),
        answer: Value::from(shown(place)),
        others: Value::Array(others),
        place,
    })
}

/// An answer as published: ` (A)`.
#[must_use]
pub fn shown(place: usize) -> String {
    format!(" ({})", letter(place))
}

/// The order that puts one answer at a place and leaves the others in theirs.
#[must_use]
pub fn order_with(count: usize, answer: usize, place: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).filter(|other| *other != answer).collect();
    order.insert(place.min(order.len()), answer);
    order
}

/// A gold example with `choices` and `answer`: its first option is the matching one and goes to the place. A row
/// without `options` stays as it is.
#[must_use]
pub fn with_choices(row: &Fields, place: Option<usize>) -> Fields {
    let mut row = row.clone();
    let of = OptionsOf {
        options: vec!["options".to_owned()],
        matching: AnswerPlace::Field("matching".to_owned()),
        contrast: None,
    };
    if !row.contains_key("matching") {
        row.insert("matching".to_owned(), Value::from(0));
    }
    if let Ok((texts, matching)) = answers(&row, &of, Side::Matching) {
        let order = order_with(texts.len(), matching, place.unwrap_or(matching));
        if let Ok(arranged) = arranged(&row, &of, Side::Matching, Some(&order)) {
            row.insert("choices".to_owned(), arranged.choices);
            row.insert("answer".to_owned(), arranged.answer);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> (Fields, OptionsOf) {
        let of = OptionsOf {
            options: vec!["options".to_owned()],
            matching: AnswerPlace::Field("matching".to_owned()),
            contrast: None,
        };
        let Value::Object(fields) = json!({ "options": ["one", "two", "three"], "matching": 1 })
        else {
            return (Fields::new(), of);
        };
        (fields, of)
    }

    #[test]
    fn letters_follow_the_order_and_the_match_is_tracked() {
        let (fields, of) = fields();
        let order = order_with(3, 1, 2);
        assert_eq!(order, [0, 2, 1]);
        let arranged = arranged(&fields, &of, Side::Matching, Some(&order)).unwrap();
        assert_eq!(arranged.answer, " (C)");
        assert_eq!(arranged.others, json!([" (A)", " (B)"]));
        assert_eq!(arranged.choices[2], json!({ "letter": "C", "text": "two" }));
    }

    #[test]
    fn answers_that_cannot_be_told_apart_are_refused() {
        let (mut fields, of) = fields();
        for (options, mention) in [
            (json!(["x"]), "two to eight"),
            (json!(["x", " "]), "empty"),
            (json!(["x", "x "]), "the same"),
            (json!("x"), "no list"),
        ] {
            fields.insert("options".to_owned(), options);
            assert!(
                answers(&fields, &of, Side::Matching)
                    .unwrap_err()
                    .contains(mention)
            );
        }
        fields.insert("options".to_owned(), json!(["x", "y"]));
        fields.insert("matching".to_owned(), json!("2"));
        assert!(
            answers(&fields, &of, Side::Matching)
                .unwrap_err()
                .contains("a number from 0")
        );
    }
}
