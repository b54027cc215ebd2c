//! What choosing the rows did to the give-aways, and what it cost, in sentences.

use evalwright_dataset::{ChoiceFigures, SelectionRecord};

use crate::number::{counted, share, two_digits};

/// What the manifest tells about the choice, a sentence for each thing; none for a version that lacks it.
pub(crate) fn sentences(selection: Option<&SelectionRecord>) -> Vec<String> {
    let Some(selection) = selection else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    if let Some(plain) = &selection.unbalanced {
        sentences.push(balanced(selection, plain));
    }
    if selection.given_up > 0 {
        sentences.push(format!(
            "{} given up so that length alone ranks the labels no better than {}.",
            counted(selection.given_up, "row was", "rows were"),
            two_digits(selection.length_ceiling)
        ));
    }
    if let Some(split) = &selection.split {
        let parts: Vec<String> = split
            .parts
            .iter()
            .map(|part| format!("{} {}", part.rows, part.name))
            .collect();
        let mut sentence = format!(
            "The rows are split into {}; rows that share {} or more of their words stand in one part.",
            parts.join(", "),
            two_digits(Some(split.near))
        );
        if split.missing > 0 {
            sentence.push_str(&format!(
                " So that no such cluster is cut, {} of the parts' shares had to stay in `train`.",
                counted(split.missing, "row", "rows")
            ));
        }
        sentences.push(sentence);
    }
    sentences
}

fn balanced(selection: &SelectionRecord, plain: &ChoiceFigures) -> String {
    let chosen = &selection.chosen;
    let cost = match (plain.mean_confidence, chosen.mean_confidence) {
        (Some(before), Some(after)) if before - after >= 0.0005 => {
            format!("{:.3} of mean confidence", before - after)
        }
        _ => "no mean confidence".to_owned(),
    };
    format!(
        "The rows were chosen to be even in {} between the labels: against a choice that looks at confidence alone, \
         length ranks the labels with an area under the curve of {} instead of {}, and a guesser that sees only which \
         words occur finds {} of labels instead of {} (half would be chance). It cost {cost}.",
        selection.balance.join(" and "),
        two_digits(chosen.length_area),
        two_digits(plain.length_area),
        share(chosen.wording_accuracy),
        share(plain.wording_accuracy),
    )
}

#[cfg(test)]
mod tests {
    use evalwright_dataset::{PartRecord, SplitRecord};

    use super::*;

    fn figures(length: f64, words: f64, confidence: f64) -> ChoiceFigures {
        ChoiceFigures {
            rows: 200,
            mean_confidence: Some(confidence),
            length_area: Some(length),
            character_area: Some(length),
            wording_accuracy: Some(words),
            wording_accuracy_outside: None,
        }
    }

    #[test]
    fn the_sentences_say_what_was_gained_and_lost() {
        assert!(sentences(None).is_empty());
        let mut selection = SelectionRecord {
            balance: vec!["length".to_owned(), "wording".to_owned()],
            length_ceiling: None,
            given_up: 0,
            combine: None,
            candidates: figures(0.72, 0.8, 0.86),
            unbalanced: Some(figures(0.71, 0.78, 0.85)),
            chosen: figures(0.51, 0.64, 0.838),
            split: None,
        };
        assert_eq!(
            sentences(Some(&selection)),
            [
                "The rows were chosen to be even in length and wording between the labels: against a choice that looks \
                 at confidence alone, length ranks the labels with an area under the curve of 0.51 instead of 0.71, \
                 and a guesser that sees only which words occur finds 64.0 % of labels instead of 78.0 % (half would \
                 be chance). It cost 0.012 of mean confidence."
            ]
        );
        selection.unbalanced = None;
        selection.given_up = 12;
        selection.length_ceiling = Some(0.55);
        selection.split = Some(SplitRecord {
            parts: vec![
                PartRecord {
                    name: "test".to_owned(),
                    share: Some(0.2),
                    rows: 38,
                },
                PartRecord {
                    name: "train".to_owned(),
                    share: None,
                    rows: 162,
                },
            ],
            near: 0.6,
            clusters: 190,
            largest_cluster: 4,
            missing: 2,
        });
        assert_eq!(
            sentences(Some(&selection)),
            [
                "12 rows were given up so that length alone ranks the labels no better than 0.55.",
                "The rows are split into 38 test, 162 train; rows that share 0.60 or more of their words stand in one \
                 part. So that no such cluster is cut, 2 rows of the parts' shares had to stay in `train`."
            ]
        );
    }
}
