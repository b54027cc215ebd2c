//! Candidates and how they fall.
//!
//! A candidate is never lost: it ends as a row, as a [`Reject`] with a stage and a reason, or is pending.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::ContentHash;
use crate::item::{Fields, Step};
use crate::plan::SlotName;
use crate::verdict::{Judgement, Probability};

/// One item parsed from a reply, with its whole history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// `cand_` and 16 hexadecimal digits of the hash over (slot, position in the reply, text).
    pub id: String,
    /// The slot whose reply it came from.
    pub slot: SlotName,
    /// Its position in the reply, from 0.
    pub position: u32,
    /// The text.
    pub text: String,
    /// Key of the reply in the store; where no model was asked, the hash of the item itself.
    pub reply: ContentHash,
    /// Its named parts; none for a statement.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// What later stages added, in order; none for a statement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Step>,
    /// Codes of lints that only flag.
    pub flags: Vec<String>,
    /// All raters' verdicts so far.
    pub judgements: Vec<Judgement>,
    /// P(the intended side), averaged over raters as the kind says; where only bounds are known, their low end.
    /// Null when no rater knows, or the bounds decide nothing.
    pub confidence: Option<Probability>,
}

impl Candidate {
    /// The identifier that follows from where a text came from and what it says.
    #[must_use]
    pub fn identify(slot: &SlotName, position: u32, text: &str) -> String {
        let hash =
            ContentHash::of_parts(&[slot.to_string(), position.to_string(), text.to_owned()]);
        format!("cand_{}", hash.short(16))
    }
}

/// Why a candidate fell. `code` in files is the snake_case name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum RejectReason {
    /// The model could not answer this slot.
    NoReply {
        /// What happened.
        detail: String,
    },
    /// The reply could not be taken apart; the raw text is kept.
    Unparsable {
        /// The parser's reason code.
        detail: String,
    },
    /// A lint dropped it.
    Lint {
        /// The lint's stable code.
        lint: String,
        /// A sentence about this text.
        detail: String,
    },
    /// P(intended side), or the probability of another requirement, is below the kind's minimum.
    BelowMinimum {
        /// The probability.
        confidence: Probability,
        /// The minimum.
        minimum: Probability,
        /// The requirement; absent for the label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requirement: Option<String>,
    },
    /// No rater could tell.
    Unjudged {
        /// Why.
        detail: String,
    },
    /// It repeats another candidate.
    Duplicate {
        /// The candidate that was kept.
        of: String,
        /// `exact`, `normalised` or `near`.
        layer: String,
        /// Jaccard similarity (1 for exact and normalised).
        similarity: f64,
    },
    /// The same text stands on both sides of the behaviour: a label conflict, settled for neither.
    Conflict {
        /// The candidate on the other side.
        with: String,
        /// `exact`, `normalised` or `near`.
        layer: String,
        /// Jaccard similarity (1 for exact and normalised).
        similarity: f64,
    },
    /// Good, but its cell already has its rows.
    Surplus,
    /// It was a row, and a person took it out.
    Fixed {
        /// Why, in that person's words.
        detail: String,
    },
}

impl RejectReason {
    /// The stable code, as in `rejected.jsonl`; lints carry their own code after a colon.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::NoReply { .. } => "no_reply".to_owned(),
            Self::Unparsable { .. } => "unparsable".to_owned(),
            Self::Lint { lint, .. } => format!("lint:{lint}"),
            Self::BelowMinimum {
                requirement: None, ..
            } => "below_minimum".to_owned(),
            Self::BelowMinimum {
                requirement: Some(requirement),
                ..
            } => format!("below_minimum:{requirement}"),
            Self::Unjudged { .. } => "unjudged".to_owned(),
            Self::Duplicate { layer, .. } => format!("duplicate:{layer}"),
            Self::Conflict { layer, .. } => format!("conflict:{layer}"),
            Self::Surplus => "surplus".to_owned(),
            Self::Fixed { .. } => "fixed".to_owned(),
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReply { detail } => write!(formatter, "the model gave no reply: {detail}"),
            Self::Unparsable { detail } => {
                write!(formatter, "the reply could not be parsed: {detail}")
            }
            Self::Lint { detail, .. } => formatter.write_str(detail),
            Self::BelowMinimum {
                confidence,
                minimum,
                requirement,
            } => {
                match requirement {
                    None => formatter.write_str("label confidence")?,
                    Some(requirement) => write!(formatter, "the probability of `{requirement}`,")?,
                }
                write!(formatter, " {confidence} is below the minimum {minimum}")
            }
            Self::Unjudged { detail } => write!(formatter, "no rater could judge it: {detail}"),
            Self::Duplicate {
                of,
                layer,
                similarity,
            } => {
                write!(
                    formatter,
                    "{layer} duplicate of {of} (similarity {similarity:.3})"
                )
            }
            Self::Conflict {
                with,
                layer,
                similarity,
            } => {
                write!(
                    formatter,
                    "{layer} duplicate of {with} with the other label (similarity {similarity:.3})"
                )
            }
            Self::Surplus => formatter.write_str("good, but its cell already has its rows"),
            Self::Fixed { detail } => write!(formatter, "taken out by hand: {detail}"),
        }
    }
}

/// A line of `rejected.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reject {
    /// The candidate.
    pub candidate: Candidate,
    /// The stage where it fell.
    pub stage: String,
    /// Why.
    pub reason: RejectReason,
}
