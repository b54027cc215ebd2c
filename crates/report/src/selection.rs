//! What choosing the rows did to the give-aways, and what it cost, in sentences.

use evalwright_dataset::{ChoiceFigures, ClusterRecord, SelectionRecord};

use crate::chart::{Bar, bars};
use crate::number::{counted, share, two_digits};
use crate::plots::Plot;

/// Clusters drawn; more are in the CSV file.
const MOST_BARS: usize = 24;

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
    if let Some(clusters) = &selection.clusters {
        sentences.push(spread(clusters));
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

fn spread(clusters: &ClusterRecord) -> String {
    let by = match &clusters.embedder {
        Some(embedder) => format!("of meaning (vectors of {})", embedder.name),
        None => "of words".to_owned(),
    };
    format!(
        "Rows were spread over {} {by}: their entropy over the clusters is {} of the most there can be, where that of all \
         good candidates is {}.",
        counted(clusters.clusters.len() as u64, "cluster", "clusters"),
        share(clusters.evenness_of_rows),
        share(clusters.evenness_of_candidates),
    )
}

/// Rows of each cluster, where rows were spread over clusters.
pub(crate) fn clusters(selection: Option<&SelectionRecord>) -> Option<Plot> {
    let found = selection?.clusters.as_ref()?;
    let title = "Rows of each cluster".to_owned();
    let drawn: Vec<Bar> = found
        .clusters
        .iter()
        .take(MOST_BARS)
        .map(|one| Bar {
            label: if one.words.is_empty() {
                "(no word tells it from the others)".to_owned()
            } else {
                one.words.join(", ")
            },
            note: format!(
                "{} + {} of {}",
                one.matching, one.not_matching, one.candidates
            ),
            value: one.matching + one.not_matching,
            behind: Some(one.candidates),
            class: "plain",
        })
        .collect();
    Some(Plot {
        stem: "clusters",
        how: "Good candidates (pale) and rows (dark) of each cluster, the largest first, with the words that tell it from \
              the others (log odds with a Dirichlet prior); the figures are rows labelled matching + not matching of \
              candidates. Clusters are k-means over vectors of sentences or, where the kind says so, of words."
            .to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["cluster", "words", "candidates", "matching", "not_matching"],
        rows: found
            .clusters
            .iter()
            .enumerate()
            .map(|(number, one)| {
                vec![
                    (number + 1).to_string(),
                    one.words.join(" "),
                    one.candidates.to_string(),
                    one.matching.to_string(),
                    one.not_matching.to_string(),
                ]
            })
            .collect(),
    })
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
    use evalwright_dataset::{ClusterCount, PartRecord, SplitRecord};

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
    fn clusters_are_told_with_their_words_and_drawn() {
        let mut selection = SelectionRecord {
            balance: Vec::new(),
            length_ceiling: None,
            given_up: 0,
            combine: None,
            candidates: figures(0.5, 0.5, 0.8),
            unbalanced: None,
            chosen: figures(0.5, 0.5, 0.8),
            clusters: None,
            split: None,
        };
        assert!(clusters(Some(&selection)).is_none());
        selection.clusters = Some(ClusterRecord {
            by: "words".to_owned(),
            embedder: None,
            evenness_of_candidates: Some(0.71),
            evenness_of_rows: Some(0.93),
            clusters: vec![ClusterCount {
                candidates: 40,
                matching: 3,
                not_matching: 2,
                words: vec!["<garden>".to_owned(), "roses".to_owned()],
            }],
        });
        let said = sentences(Some(&selection));
        assert_eq!(said.len(), 1);
        assert!(
            said[0].contains("1 cluster of words") && said[0].contains("93.0 %"),
            "{said:?}"
        );
        let plot = clusters(Some(&selection)).unwrap();
        assert!(plot.svg.contains("&lt;garden&gt;, roses") && plot.svg.contains("3 + 2 of 40"));
        assert_eq!(plot.rows, [["1", "<garden> roses", "40", "3", "2"]]);
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
            clusters: None,
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
