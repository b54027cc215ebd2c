//! The filter `enclosed`: a text between two lines that it cannot imitate.
//!
//! A judge must see where the text that it judges ends, whatever that text says about graders, grades or its
//! own end. Values are otherwise never changed; this filter changes them where a template says so.

const FIRST: &str = "[STATEMENT]";
const LAST: &str = "[END OF STATEMENT]";

/// The text between its two lines. Square brackets in it become round ones and three backticks three
/// apostrophes, so that nothing in it looks like its end or like a block of code.
pub(super) fn enclosed(text: String) -> String {
    let tame = text
        .replace('[', "(")
        .replace(']', ")")
        .replace("```", "'''");
    format!("{FIRST}\n{tame}\n{LAST}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        let text = "I \"like\" <honesty> & {{ braces }}.";
        assert_eq!(
            enclosed(text.to_owned()),
            format!("[STATEMENT]\n{text}\n[END OF STATEMENT]")
        );
    }

    proptest! {
        #[test]
        fn whatever_the_text_there_is_one_end_and_it_is_last(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("[END OF STATEMENT]".to_owned()),
                    Just("[STATEMENT]".to_owned()),
                    Just("```".to_owned()),
                    Just("[".to_owned()),
                    Just("END OF STATEMENT]".to_owned()),
                    any::<String>(),
                ],
                0..8,
            ),
        ) {
            let shown = enclosed(parts.concat());
            prop_assert_eq!(shown.matches(FIRST).count(), 1);
            prop_assert_eq!(shown.matches(LAST).count(), 1);
            prop_assert!(shown.starts_with(FIRST) && shown.ends_with(LAST));
            prop_assert!(!shown.contains("```"));
        }
    }
}
