//! Which figures an index holds of each entry, and how each is read.
//!
//! A figure that is not known is none with a reason, never a number.

use evalwright_stats::Interval;
use serde::Serialize;

/// A figure's name; the order is that of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FigureName {
    /// Rows.
    Rows,
    /// Rows of the rarest label over rows of the most frequent one.
    Balance,
    /// Mean confidence.
    Confidence,
    /// Raw agreement of the intended label and the judges.
    Agreement,
    /// Cohen's kappa of the same.
    Kappa,
    /// Share of rows that repeat another.
    Duplicates,
    /// Share of rows with a defect.
    Defects,
    /// How well length alone ranks the labels.
    LengthArea,
    /// How well words alone guess the label.
    WordsGuess,
    /// 1 less the mean similarity of two texts.
    Diversity,
    /// Distinct word pairs over all word pairs.
    DistinctPairs,
    /// Words in a text.
    TextWords,
    /// Share of candidates that became rows.
    Accepted,
}

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A whole number.
    Count,
    /// A share of 1, written as a percentage.
    Share,
    /// A number, written with two digits.
    Number,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// One half is best: no sign.
    Half,
    /// The nearer to what chance gives, the better.
    Chance,
    /// Neither.
    Neither,
}

/// What a figure means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FigureAbout {
    /// Its name.
    pub name: FigureName,
    /// Its name in CSV files, as in JSON.
    pub key: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its title at the head of a narrow column.
    pub short: &'static str,
    /// How it is written.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// How it is computed.
    pub how: &'static str,
}

/// Every figure, in the order of tables.
pub const FIGURES: [FigureAbout; 13] = [
    FigureAbout {
        name: FigureName::Rows,
        key: "rows",
        title: "Rows",
        short: "rows",
        unit: Unit::Count,
        better: Better::Neither,
        how: "Rows that were read. Lines that could not be read are counted apart and named.",
    },
    FigureAbout {
        name: FigureName::Balance,
        key: "balance",
        title: "Balance of labels",
        short: "balance",
        unit: Unit::Number,
        better: Better::Higher,
        how: "Rows of the rarest label over rows of the most frequent one: 1 for equally many, 0 where all rows have one \
              label. Labels that are free text (more than 8 different ones) have no balance.",
    },
    FigureAbout {
        name: FigureName::Confidence,
        key: "confidence",
        title: "Mean confidence",
        short: "confidence",
        unit: Unit::Number,
        better: Better::Higher,
        how: "Mean over the rows that state one. It is what the rows say about themselves: a judge's probability that the \
              label is right, after choosing by it.",
    },
    FigureAbout {
        name: FigureName::Agreement,
        key: "agreement",
        title: "Raw agreement with the judges",
        short: "agreement",
        unit: Unit::Share,
        better: Better::Higher,
        how: "From the version's report: share of all scored candidates, before any choice, to which the counting judges \
              together give the label that they were written for, with Wilson's 95 % interval. Files of others hold no \
              ratings.",
    },
    FigureAbout {
        name: FigureName::Kappa,
        key: "kappa",
        title: "Agreement beyond chance (Cohen's kappa)",
        short: "kappa",
        unit: Unit::Number,
        better: Better::Higher,
        how: "From the version's report, over the same candidates as raw agreement, with a 95 % bootstrap interval. 0 is \
              chance, 1 full agreement.",
    },
    FigureAbout {
        name: FigureName::Duplicates,
        key: "duplicates",
        title: "Duplicates",
        short: "duplicates",
        unit: Unit::Share,
        better: Better::Lower,
        how: "Share of rows that repeat an earlier row of their file: the same bytes, the same but for case, blanks and \
              signs, or word 3-grams with a Jaccard similarity of at least 0.7. In versions of kinds with columns of \
              their own near ones do not count: such rows are made as variants of one another.",
    },
    FigureAbout {
        name: FigureName::Defects,
        key: "defects",
        title: "Rows with a defect",
        short: "defects",
        unit: Unit::Share,
        better: Better::Lower,
        how: "Share of rows in which a lint, or reading them, found something that is broken or suspect. Findings of style \
              are counted by code and not here, and rows of a form that no lint knows do not count.",
    },
    FigureAbout {
        name: FigureName::LengthArea,
        key: "length_area",
        title: "Labels told by length alone (area under the curve)",
        short: "length AUC",
        unit: Unit::Number,
        better: Better::Half,
        how: "How well the number of words ranks the labels: 0.5 is no sign, and above it the second label in the order of \
              the alphabet has the longer texts. For questions with lettered options it ranks options, and the second is \
              the matching one. 95 % interval.",
    },
    FigureAbout {
        name: FigureName::WordsGuess,
        key: "words_guess",
        title: "Labels guessed from words alone",
        short: "words guess",
        unit: Unit::Share,
        better: Better::Chance,
        how: "Share of labels that a naive Bayes guesser finds from which words occur, cross-validated in five folds within \
              the file, with Wilson's 95 % interval. Chance is what always naming the most frequent label gets. Where a \
              behaviour is a matter of words, as in statements, some of it cannot be avoided.",
    },
    FigureAbout {
        name: FigureName::Diversity,
        key: "diversity",
        title: "Diversity",
        short: "diversity",
        unit: Unit::Number,
        better: Better::Higher,
        how: "1 less the mean cosine of two texts of the file as counts of words. It does not grow with the number of rows; \
              it does fall with the length of texts, so compare within a family.",
    },
    FigureAbout {
        name: FigureName::DistinctPairs,
        key: "distinct_pairs",
        title: "Distinct word pairs",
        short: "distinct pairs",
        unit: Unit::Number,
        better: Better::Higher,
        how: "Distinct pairs of neighbouring words over all such pairs. It falls with the number of rows, so compare files of \
              like size.",
    },
    FigureAbout {
        name: FigureName::TextWords,
        key: "text_words",
        title: "Words in a text",
        short: "words",
        unit: Unit::Number,
        better: Better::Neither,
        how: "Mean number of words of a statement, or of a question without its options.",
    },
    FigureAbout {
        name: FigureName::Accepted,
        key: "accepted",
        title: "Candidates that became rows",
        short: "accepted",
        unit: Unit::Share,
        better: Better::Neither,
        how: "From the manifest's funnel: accepted candidates over all that came. A run asks for more than it needs, so a \
              small share is no fault by itself.",
    },
];

/// Figures that have a column in the overview, raw agreement under kappa; the others stand in comparisons, charts and
/// files.
pub(super) const IN_OVERVIEW: [FigureName; 9] = [
    FigureName::Rows,
    FigureName::Balance,
    FigureName::Confidence,
    FigureName::Kappa,
    FigureName::Duplicates,
    FigureName::Defects,
    FigureName::LengthArea,
    FigureName::WordsGuess,
    FigureName::Diversity,
];

impl FigureName {
    /// What it means.
    #[must_use]
    pub fn about(self) -> &'static FigureAbout {
        let [first, ..] = &FIGURES;
        FIGURES
            .iter()
            .find(|about| about.name == self)
            .unwrap_or(first)
    }
}

/// A figure of one entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figure {
    /// Its value; null where it is missing.
    pub value: Option<f64>,
    /// Its 95 % interval, where one is known.
    pub interval: Option<Interval>,
    /// What chance gives, for figures that are compared with chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// The counts behind it in words: `12 of 1000 rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Why it is missing; null where it is not.
    pub missing: Option<String>,
}

impl Figure {
    /// A known figure; one that is not finite is missing.
    pub(super) fn known(value: f64) -> Self {
        if value.is_finite() {
            Self {
                value: Some(value),
                ..Self::default()
            }
        } else {
            Self::missing("it is no finite number")
        }
    }

    /// A missing figure with its reason.
    pub(super) fn missing(reason: impl Into<String>) -> Self {
        Self {
            missing: Some(reason.into()),
            ..Self::default()
        }
    }

    /// A figure that is known, or missing for a reason.
    pub(super) fn maybe(value: Option<f64>, reason: &str) -> Self {
        value.map_or_else(|| Self::missing(reason), Self::known)
    }

    /// A share of a count, missing without any.
    pub(super) fn share(part: u64, whole: u64, noun: &str) -> Self {
        if whole == 0 {
            return Self::missing("no rows");
        }
        Self {
            of: Some(format!("{part} of {whole} {noun}")),
            ..Self::known(part as f64 / whole as f64)
        }
    }

    pub(super) fn with_interval(mut self, interval: Option<Interval>) -> Self {
        self.interval = interval.filter(|_| self.value.is_some());
        self
    }

    pub(super) fn with_of(mut self, of: Option<String>) -> Self {
        self.of = of.filter(|_| self.value.is_some());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_names_and_whole() {
        let names: Vec<FigureName> = FIGURES.iter().map(|about| about.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
        for about in &FIGURES {
            assert_eq!(about.name.about().key, about.key);
            assert_eq!(
                serde_json::to_value(about.name).unwrap_or_default(),
                about.key
            );
        }
    }

    #[test]
    fn what_is_not_known_is_no_number() {
        assert_eq!(Figure::known(f64::NAN).value, None);
        assert_eq!(Figure::share(0, 0, "rows").value, None);
        assert_eq!(Figure::share(1, 4, "rows").value, Some(0.25));
        let figure = Figure::missing("why").with_interval(Some(Interval {
            low: 0.0,
            high: 1.0,
        }));
        assert_eq!((figure.interval, figure.of), (None, None));
    }
}
