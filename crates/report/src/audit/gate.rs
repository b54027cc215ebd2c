//! Conditions that an audit must meet, for use in scripts: `kappa=0.8,duplicates=0.01`.
//!
//! Agreement must be at least what is asked, shares of bad rows at most. A figure that is undefined meets no condition.

use serde::Serialize;
use thiserror::Error;

use super::Audit;

/// A figure that can be a condition.
#[derive(Debug)]
struct Figure {
    name: &'static str,
    about: &'static str,
    /// Whether the measured figure must be at least the wanted one; otherwise at most.
    at_least: bool,
    measure: fn(&Audit) -> Option<f64>,
}

/// All figures, in the order of help.
static FIGURES: [Figure; 10] = [
    Figure {
        name: "rows",
        about: "rows that were read",
        at_least: true,
        measure: |audit| Some(audit.totals.rows as f64),
    },
    Figure {
        name: "agreement",
        about: "share of agreeing pairs of labels over all sources",
        at_least: true,
        measure: |audit| audit.agreement.first()?.figures.observed,
    },
    Figure {
        name: "kappa",
        about: "the lowest Cohen's kappa of the published label with another source",
        at_least: true,
        measure: |audit| {
            let pairs = &audit.agreement.first()?.figures.pairs;
            let kappas: Option<Vec<f64>> = pairs
                .iter()
                .filter(|pair| pair.first == 0)
                .map(|pair| pair.agreement.cohen.value)
                .collect();
            kappas?.into_iter().reduce(f64::min)
        },
    },
    Figure {
        name: "alpha",
        about: "Krippendorff's alpha over all sources",
        at_least: true,
        measure: |audit| measured(audit, "krippendorff_alpha"),
    },
    Figure {
        name: "ac1",
        about: "Gwet's AC1 over all sources",
        at_least: true,
        measure: |audit| measured(audit, "gwet_ac1"),
    },
    Figure {
        name: "label-errors",
        about: "estimated share of wrong labels; by the judge that finds most where there are fewer than three sources",
        at_least: false,
        measure: |audit| {
            let all = audit.agreement.first()?.label_errors;
            let judges = audit.judging.iter().flat_map(|judging| &judging.judges);
            let worst = judges.filter_map(|judge| Some(judge.label_errors?.rate));
            all.map(|rate| rate.rate).or_else(|| worst.reduce(f64::max))
        },
    },
    Figure {
        name: "duplicates",
        about: "share of rows that repeat an earlier row of their file",
        at_least: false,
        measure: |audit| {
            let all: u64 = audit.files.iter().map(|file| file.duplicates.all()).sum();
            of_rows(audit, all)
        },
    },
    Figure {
        name: "defects",
        about: "share of rows with a defect that breaks them",
        at_least: false,
        measure: |audit| {
            let broken: u64 = audit
                .defects
                .iter()
                .filter(|defect| defect.severity == "broken")
                .map(|defect| defect.rows)
                .sum();
            of_rows(audit, broken)
        },
    },
    Figure {
        name: "damaged",
        about: "share of lines that could not be read",
        at_least: false,
        measure: |audit| {
            let all = audit.totals.rows + audit.totals.damaged;
            (all > 0).then(|| audit.totals.damaged as f64 / all as f64)
        },
    },
    Figure {
        name: "length-auc",
        about: "the largest distance from 0.5 of the area under the curve of a guess by length, over files",
        at_least: false,
        measure: |audit| {
            audit
                .files
                .iter()
                .flat_map(|file| &file.giveaways.guessers)
                .filter(|one| one.guesser == evalwright_stats::giveaway::Guesser::Length)
                .filter_map(|one| Some((one.area? - 0.5).abs()))
                .reduce(f64::max)
        },
    },
];

fn measured(audit: &Audit, name: &str) -> Option<f64> {
    let measures = &audit.agreement.first()?.figures.measures;
    measures
        .iter()
        .find(|one| one.name == name)?
        .coefficient
        .value
}

fn of_rows(audit: &Audit, count: u64) -> Option<f64> {
    (audit.totals.rows > 0).then(|| count as f64 / audit.totals.rows as f64)
}

/// One condition.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    figure: &'static Figure,
    wanted: f64,
}

/// A condition with what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateResult {
    /// The figure's name.
    pub figure: String,
    /// What it is.
    pub about: String,
    /// `at least` or `at most`.
    pub rule: String,
    /// The limit.
    pub wanted: f64,
    /// The figure; null where it is undefined.
    pub measured: Option<f64>,
    /// Whether the condition is met.
    pub met: bool,
}

/// A condition that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GateError {
    /// Not `figure=number`.
    #[error("{text:?} is no condition; write FIGURE=NUMBER such as kappa=0.8")]
    Shape {
        /// What stands there.
        text: String,
    },
    /// No such figure.
    #[error("there is no figure {name:?}; there are {}", names())]
    Unknown {
        /// The name as written.
        name: String,
    },
    /// No number.
    #[error("{text:?} of {name} is no number of 0 or more")]
    Number {
        /// The figure.
        name: String,
        /// What stands there.
        text: String,
    },
}

fn names() -> String {
    FIGURES
        .iter()
        .map(|figure| figure.name)
        .collect::<Vec<_>>()
        .join(", ")
}

impl Gate {
    /// Reads conditions with commas between them.
    ///
    /// # Errors
    /// When one is not `figure=number` with a known figure.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, GateError> {
        text.split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(|one| {
                let (name, number) = one.split_once('=').ok_or_else(|| GateError::Shape {
                    text: one.to_owned(),
                })?;
                let figure = FIGURES
                    .iter()
                    .find(|figure| figure.name == name.trim())
                    .ok_or_else(|| GateError::Unknown {
                        name: name.trim().to_owned(),
                    })?;
                let wanted = number.trim().parse::<f64>().ok();
                let wanted = wanted.filter(|wanted| wanted.is_finite() && *wanted >= 0.0);
                Ok(Self {
                    figure,
                    wanted: wanted.ok_or_else(|| GateError::Number {
                        name: name.trim().to_owned(),
                        text: number.trim().to_owned(),
                    })?,
                })
            })
            .collect()
    }

    /// Each figure's name, rule and meaning, for help.
    #[must_use]
    pub fn help() -> Vec<(&'static str, &'static str, &'static str)> {
        FIGURES
            .iter()
            .map(|figure| {
                let rule = if figure.at_least {
                    "at least"
                } else {
                    "at most"
                };
                (figure.name, rule, figure.about)
            })
            .collect()
    }

    pub(super) fn measure(&self, audit: &Audit) -> GateResult {
        let measured = (self.figure.measure)(audit);
        let met = measured.is_some_and(|measured| {
            if self.figure.at_least {
                measured >= self.wanted
            } else {
                measured <= self.wanted
            }
        });
        GateResult {
            figure: self.figure.name.to_owned(),
            about: self.figure.about.to_owned(),
            rule: if self.figure.at_least {
                "at least"
            } else {
                "at most"
            }
            .to_owned(),
            wanted: self.wanted,
            measured,
            met,
        }
    }
}
