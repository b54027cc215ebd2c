//! Scored candidates: every candidate that a rater was asked about, row or not.
//!
//! Judgements of requirements other than the label, and raters that were not asked, are no part of it.

use evalwright_core::{Judgement, Reject, Row, Side, UnknownReason, Verdict};

/// The requirement whose judgements say which side a text stands on.
pub(crate) const LABEL: &str = "label";

/// One candidate with what its raters said.
pub(crate) struct Scored<'a> {
    /// The side that it was written for.
    pub(crate) intended: Side,
    /// P(intended side) over all counting raters, if one of them knew.
    pub(crate) confidence: Option<f64>,
    /// Whether it became a row.
    pub(crate) published: bool,
    judgements: &'a [Judgement],
}

/// What one rater says about one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opinion {
    /// The side that the rater finds likelier.
    Label(Side),
    /// The rater was asked and could not tell.
    Unknown,
    /// The rater was not asked.
    NotAsked,
}

impl Scored<'_> {
    /// The opinion of one rater.
    pub(crate) fn opinion(&self, rater: &str) -> Opinion {
        label_judgement(self.judgements, rater).map_or(Opinion::NotAsked, |judgement| {
            opinion_of(&judgement.verdict)
        })
    }

    /// P(matching) as one rater states it, if it is a single number.
    pub(crate) fn matching(&self, rater: &str) -> Option<f64> {
        label_judgement(self.judgements, rater)?
            .verdict
            .matching()
            .map(|probability| probability.value())
    }

    /// Whether one rater gives bounds and no single number.
    pub(crate) fn is_bounded(&self, rater: &str) -> bool {
        label_judgement(self.judgements, rater)
            .is_some_and(|judgement| matches!(judgement.verdict, Verdict::Bounded { .. }))
    }

    /// The opinion of all counting raters together.
    pub(crate) fn together(&self) -> Opinion {
        self.confidence.map_or(Opinion::Unknown, |confidence| {
            Opinion::Label(likelier(self.matching_together(confidence)))
        })
    }

    fn matching_together(&self, confidence: f64) -> f64 {
        match self.intended {
            Side::Matching => confidence,
            Side::NotMatching => 1.0 - confidence,
        }
    }

    /// P(matching) over all counting raters.
    pub(crate) fn matching_of_all(&self) -> Option<f64> {
        self.confidence
            .map(|confidence| self.matching_together(confidence))
    }
}

/// The side that P(matching) speaks for; one half speaks for *matching*.
fn likelier(matching: f64) -> Side {
    if matching >= 0.5 {
        Side::Matching
    } else {
        Side::NotMatching
    }
}

/// Bounds decide when both ends speak for the same side.
fn opinion_of(verdict: &Verdict) -> Opinion {
    match verdict {
        Verdict::Known { matching } => Opinion::Label(likelier(matching.value())),
        Verdict::Bounded { low, high } => {
            let side = likelier(low.value());
            if side == likelier(high.value()) {
                Opinion::Label(side)
            } else {
                Opinion::Unknown
            }
        }
        Verdict::Unknown {
            reason: UnknownReason::NotAsked,
        } => Opinion::NotAsked,
        Verdict::Unknown { .. } => Opinion::Unknown,
    }
}

/// A rater's judgement of the label.
pub(crate) fn label_judgement<'a>(
    judgements: &'a [Judgement],
    rater: &str,
) -> Option<&'a Judgement> {
    judgements
        .iter()
        .find(|judgement| judgement.requirement == LABEL && judgement.rater == rater)
}

/// All label judgements, in the order of the file.
pub(crate) fn label_judgements(judgements: &[Judgement]) -> impl Iterator<Item = &Judgement> {
    judgements
        .iter()
        .filter(|judgement| judgement.requirement == LABEL)
}

/// Every scored candidate: rows in their order, then rejects in theirs.
pub(crate) fn collect<'a>(rows: &'a [Row], rejects: &'a [Reject]) -> Vec<Scored<'a>> {
    let published = rows.iter().map(|row| Scored {
        intended: row.metadata.label,
        confidence: Some(row.label_confidence.value()),
        published: true,
        judgements: &row.metadata.judgements,
    });
    let fallen = rejects.iter().map(|reject| Scored {
        intended: reject.candidate.slot.cell.label,
        confidence: reject
            .candidate
            .confidence
            .map(|confidence| confidence.value()),
        published: false,
        judgements: &reject.candidate.judgements,
    });
    published
        .chain(fallen)
        .filter(|scored| {
            label_judgements(scored.judgements)
                .any(|judgement| opinion_of(&judgement.verdict) != Opinion::NotAsked)
        })
        .collect()
}
