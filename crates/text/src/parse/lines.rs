//! Replies that hold named lines, `Question: …`: the parser `lines`.
//!
//! For writers too small to write JSON. Every name must be there, each with its text on its own line; what begins a
//! second item, and what stands around the lines, is left out.

use evalwright_core::Finish;

use super::fields::{FieldValue, ParsedFields, failure};
use super::{ParseContext, ParseFailure, clean, reply};

/// Signs that may stand around a name: emphasis, list marks, headings.
const AROUND: [char; 6] = ['*', '_', '#', '-', '>', ' '];

/// Reads the first line of each name. A name is compared without regard to case, and `_` in it stands for a blank.
///
/// # Errors
/// `empty_content`, `unclosed_reasoning`, `cut_off` (the token limit cut the last line that is needed), `missing_field`
/// or `empty_text`.
pub fn parse_lines(
    text: &str,
    context: &ParseContext<'_>,
    names: &[String],
) -> Result<ParsedFields, ParseFailure> {
    let answer = reply::whole_answer(text, context)?;
    let (answer, _) = reply::first_turn(&answer);
    let lines: Vec<&str> = answer.lines().collect();
    let mut found: Vec<(usize, &String, &str)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some((name, value)) = named(line, names) else {
            continue;
        };
        if found.iter().any(|(_, other, _)| *other == name) {
            break;
        }
        found.push((number, name, value));
    }
    let mut parsed = ParsedFields::default();
    for name in names {
        let Some((number, _, value)) = found.iter().find(|(_, other, _)| *other == name) else {
            return Err(failure(
                "missing_field",
                format!("no line begins with `{}:`", name.replace('_', " ")),
            ));
        };
        if context.finish == Finish::Length && number + 1 == lines.len() {
            return Err(failure(
                "cut_off",
                format!("the token limit cut the line of `{name}`"),
            ));
        }
        let item = clean::item(value);
        if !clean::has_text(&item.text) {
            return Err(failure("empty_text", format!("`{name}` is empty")));
        }
        for flag in item.flags {
            if !parsed.flags.contains(&flag) {
                parsed.flags.push(flag);
            }
        }
        parsed
            .fields
            .push((name.clone(), FieldValue::Text(item.text)));
    }
    Ok(parsed)
}

/// The name that a line begins with, and what stands after its colon.
fn named<'n, 't>(line: &'t str, names: &'n [String]) -> Option<(&'n String, &'t str)> {
    let (name, value) = line.split_once(':')?;
    let written = name.trim_matches(AROUND).to_lowercase();
    let name = names
        .iter()
        .find(|name| name.replace('_', " ").to_lowercase() == written)?;
    Some((name, value.trim_matches(['*', ' ', '\t'])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, finish: Finish, opening: &str) -> Result<Vec<String>, String> {
        let names = ["question".to_owned(), "wrong_answer".to_owned()];
        let context = ParseContext { finish, opening };
        let parsed = parse_lines(text, &context, &names).map_err(|failure| failure.reason)?;
        Ok(parsed
            .fields
            .into_iter()
            .map(|(_, value)| match value {
                FieldValue::Text(text) => text,
                other => format!("{other:?}"),
            })
            .collect())
    }

    #[test]
    fn lines_are_found_by_name_in_any_order_and_dress() {
        let expected = Ok(vec!["Who swims: a fish?".to_owned(), "A fork".to_owned()]);
        for text in [
            "Question: Who swims: a fish?\nWrong answer: A fork",
            "Sure!\n\n**Question:** Who swims: a fish?\n- Wrong answer: A fork\nI hope this helps.",
            "wrong answer: A fork\nQUESTION: Who swims: a fish?\nQuestion: another\nWrong answer: one",
        ] {
            assert_eq!(read(text, Finish::Stop, ""), expected, "{text}");
        }
        assert_eq!(
            read(
                " Who swims: a fish?\nWrong answer: A fork",
                Finish::Stop,
                "Question:"
            ),
            expected
        );
    }

    #[test]
    fn a_hole_is_no_item() {
        let failed = |text| read(text, Finish::Stop, "").unwrap_err();
        assert_eq!(failed(" \n"), "empty_content");
        assert_eq!(failed("Question: Who?"), "missing_field");
        assert_eq!(
            failed("Question: Who?\nQuestion: What?\nWrong answer: x"),
            "missing_field"
        );
        assert_eq!(failed("Question: \nWrong answer: x"), "empty_text");
        assert_eq!(failed("<think>Question: Who?"), "unclosed_reasoning");
        assert_eq!(
            read("Question: Who?\nWrong answer: A fo", Finish::Length, ""),
            Err("cut_off".to_owned())
        );
        // What was cut is after what is needed.
        let cut_after = read(
            "Question: Who?\nWrong answer: A fork\nI ho",
            Finish::Length,
            "",
        );
        assert_eq!(cut_after.map(|texts| texts.len()), Ok(2));
    }

    proptest! {
        #[test]
        fn any_reply_is_read_whole_or_refused(text in "(?s)(Question:|wrong answer: |.|\n){0,40}") {
            if let Ok(texts) = read(&text, Finish::Stop, "") {
                prop_assert_eq!(texts.len(), 2);
                prop_assert!(texts.iter().all(|text| !text.trim().is_empty()));
            }
        }
    }
}
