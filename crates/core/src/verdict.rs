//! Verdicts: a probability, bounds, or *unknown* with a reason. Never an invented number.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hash::ContentHash;

/// A number in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

/// A number that is no probability.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} is not a probability: expected a number from 0 to 1")]
pub struct ProbabilityError(pub f64);

impl Probability {
    /// Never.
    pub const ZERO: Self = Self(0.0);

    /// Checks the range.
    ///
    /// # Errors
    /// When the value is not a number or lies outside [0, 1].
    pub fn new(value: f64) -> Result<Self, ProbabilityError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(ProbabilityError(value))
        }
    }

    /// The logistic function of log-odds in nats; `None` when the log-odds are not a number.
    #[must_use]
    pub fn from_log_odds(log_odds: f64) -> Option<Self> {
        if log_odds.is_nan() {
            return None;
        }
        // The branch keeps the exponential from overflowing.
        let value = if log_odds >= 0.0 {
            1.0 / (1.0 + (-log_odds).exp())
        } else {
            let odds = log_odds.exp();
            odds / (1.0 + odds)
        };
        Some(Self(value))
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// The inverse of [`Probability::from_log_odds`], in nats. Within 1e-12 of 0 and 1 it stays at that
    /// distance's log-odds (about 27.6), so the result is always finite.
    #[must_use]
    pub fn log_odds(self) -> f64 {
        let inside = self.0.clamp(1e-12, 1.0 - 1e-12);
        (inside / (1.0 - inside)).ln()
    }

    /// The probability of the opposite.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(1.0 - self.0)
    }
}

impl TryFrom<f64> for Probability {
    type Error = ProbabilityError;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> Self {
        probability.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3}", self.0)
    }
}

/// How a score was read from the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// How much likelier the text is under the description than under its contrast
    /// (noisy-channel scoring, Min et al. 2022), calibrated.
    Channel,
    /// Log-probability of each whole answer, renormalised over the answers.
    Sequence,
    /// Mass of the answers' token forms at the answer position, renormalised.
    Token,
    /// The same, with an output that is limited to the answers.
    Constrained,
    /// Several sampled answers, counted.
    Votes,
}

impl Method {
    /// The word in kind files and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Sequence => "sequence",
            Self::Token => "token",
            Self::Constrained => "constrained",
            Self::Votes => "votes",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a verdict is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code", content = "detail")]
pub enum UnknownReason {
    /// The model gave logits that are not finite.
    NonFiniteLogits,
    /// Prompt and text do not fit into the model's window.
    TooLong,
    /// The text to score was empty.
    EmptyText,
    /// The answers together hold less of the probability mass than the kind demands.
    TooLittleMassCovered,
    /// The judge was not asked (the candidate fell before, or the run was cut short).
    NotAsked,
    /// No form of any answer stands where the answer begins.
    AnswersMissing,
    /// The judge's numbers are no probabilities.
    InvalidProbabilities,
    /// The judge refused, or its server held the answer back.
    Refused,
    /// The judge gave no answer; the text says why.
    NoReply {
        /// What happened.
        detail: String,
    },
    /// Every vote was unreadable.
    Unreadable,
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AnswersMissing => "no form of any answer stands where the answer begins",
            Self::InvalidProbabilities => "the judge's numbers are no probabilities",
            Self::Refused => "the judge refused to answer",
            Self::NoReply { detail } => detail,
            Self::Unreadable => "no vote could be read",
            Self::NonFiniteLogits => "the model gave logits that are not finite",
            Self::TooLong => "prompt and text do not fit into the model's window",
            Self::EmptyText => "the text to score was empty",
            Self::TooLittleMassCovered => "the answers hold too little of the probability mass",
            Self::NotAsked => "the judge was not asked",
        })
    }
}

/// What a judge says about one candidate: the probability that it matches the behaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Known.
    Known {
        /// P(the item matches the behaviour).
        matching: Probability,
    },
    /// Known only to lie between two ends.
    Bounded {
        /// The lowest possible P(matching).
        low: Probability,
        /// The highest possible P(matching).
        high: Probability,
    },
    /// Not known.
    Unknown {
        /// Why.
        reason: UnknownReason,
    },
}

impl Verdict {
    /// P(matching), if it is known.
    #[must_use]
    pub fn matching(&self) -> Option<Probability> {
        match self {
            Self::Known { matching } => Some(*matching),
            Self::Bounded { .. } | Self::Unknown { .. } => None,
        }
    }
}

/// Counted votes of one rater on one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Votes {
    /// Votes for *matching*.
    pub matching: u32,
    /// Votes against.
    pub not_matching: u32,
    /// Replies in which no vote could be read. They count for neither side.
    pub unreadable: u32,
    /// Lower end of the 95 % Wilson interval of the share of *matching*.
    pub low: Probability,
    /// Its upper end.
    pub high: Probability,
}

/// One rater's verdict on one candidate. A rater is a model under one wording of the judge prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The rater: model name and wording, `local/smollm2-135m-instruct#channel-letter`.
    pub rater: String,
    /// What was judged: `label`.
    pub requirement: String,
    /// How the score was read.
    pub method: Method,
    /// The score before calibration, in nats, positive for *matching*; null when unknown or only bounded.
    /// Channel scores are per root of the text's length in tokens.
    pub log_odds: Option<f64>,
    /// Probability mass that the answers cover, where the method has such a thing.
    pub covered: Option<Probability>,
    /// The votes, where the method counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<Votes>,
    /// Keys of the stored replies in which the judge reasoned before it was asked, in the order of the questions; none
    /// where it is asked at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasoning: Vec<ContentHash>,
    /// Whether the verdict differs from what the score says because the rater's probability is held between two ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clamped: bool,
    /// The verdict.
    pub verdict: Verdict,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_checked_and_log_odds_never_overflow() {
        assert!(Probability::new(1.2).is_err());
        assert!(Probability::new(f64::NAN).is_err());
        assert!((Probability::from_log_odds(0.0).unwrap().value() - 0.5).abs() < 1e-15);
        assert!(Probability::from_log_odds(1e9).unwrap().value() <= 1.0);
        assert!(Probability::from_log_odds(-1e9).unwrap().value() >= 0.0);
        assert_eq!(Probability::from_log_odds(f64::NAN), None);
        assert!(serde_json::from_str::<Probability>("1.5").is_err());
    }
}
