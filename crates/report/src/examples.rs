//! Texts that a reader should see: disputed rows, duplicates, and a few rejects of each reason.

use std::collections::BTreeMap;

use evalwright_core::{Reject, RejectReason, Row, Side, Verdict};
use serde::Serialize;

use crate::scored::label_judgements;

/// Most disputed rows shown.
const MOST_DISPUTES: usize = 20;
/// Examples of each reason shown.
const MOST_EXAMPLES: usize = 3;

/// What one rater says about one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RaterOpinion {
    /// The rater.
    pub rater: String,
    /// P(matching), if it is a single number.
    pub matching: Option<f64>,
    /// Why there is no single number.
    pub unknown: Option<String>,
}

/// A row that the raters see differently, or are unsure of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dispute {
    /// The row.
    pub id: String,
    /// Its statement.
    pub text: String,
    /// The label that it was written for.
    pub label: Side,
    /// P(intended label) over all counting raters.
    pub confidence: f64,
    /// The largest P(matching) of a rater minus the smallest; 0 with fewer than two that know.
    pub spread: f64,
    /// Each rater's view.
    pub raters: Vec<RaterOpinion>,
}

/// A candidate that was dropped for what another one says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duplicate {
    /// The candidate.
    pub candidate: String,
    /// Its text.
    pub text: String,
    /// The label that it was written for.
    pub label: Side,
    /// The candidate that it repeats.
    pub of: String,
    /// The row that the other one became, if it did.
    pub of_row: Option<String>,
    /// The other one's text; null when it is in neither file.
    pub of_text: Option<String>,
    /// `exact`, `normalised` or `near`.
    pub layer: String,
    /// Jaccard similarity.
    pub similarity: f64,
    /// Whether the other one has the other label, so that neither was kept.
    pub conflict: bool,
}

/// One reject among those shown for a reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectExample {
    /// The reason's code.
    pub code: String,
    /// The candidate.
    pub candidate: String,
    /// Its text; for a reply that could not be taken apart, the reply.
    pub text: String,
    /// The label that it was written for.
    pub label: Side,
    /// Why it fell, as a sentence.
    pub detail: String,
}

/// Rows by falling spread between raters, then rising confidence, then identifier.
pub(crate) fn disputes(rows: &[Row]) -> Vec<Dispute> {
    let mut disputes: Vec<Dispute> = rows.iter().map(dispute).collect();
    disputes.sort_by(|a, b| {
        b.spread
            .total_cmp(&a.spread)
            .then(a.confidence.total_cmp(&b.confidence))
            .then(a.id.cmp(&b.id))
    });
    disputes.truncate(MOST_DISPUTES);
    disputes
}

fn dispute(row: &Row) -> Dispute {
    let raters: Vec<RaterOpinion> = label_judgements(&row.metadata.judgements)
        .map(|judgement| RaterOpinion {
            rater: judgement.rater.clone(),
            matching: judgement
                .verdict
                .matching()
                .map(|probability| probability.value()),
            unknown: match &judgement.verdict {
                Verdict::Known { .. } => None,
                Verdict::Bounded { low, high } => Some(format!("between {low} and {high}")),
                Verdict::Unknown { reason } => Some(reason.to_string()),
            },
        })
        .collect();
    let known = || raters.iter().filter_map(|opinion| opinion.matching);
    let lowest = known().fold(f64::INFINITY, f64::min);
    let highest = known().fold(f64::NEG_INFINITY, f64::max);
    Dispute {
        id: row.id.clone(),
        text: row.statement.clone(),
        label: row.metadata.label,
        confidence: row.label_confidence.value(),
        spread: (highest - lowest).max(0.0),
        raters,
    }
}

/// Every duplicate, in the order of the file; conflicts first, since they need a person's eye.
pub(crate) fn duplicates(rows: &[Row], rejects: &[Reject]) -> Vec<Duplicate> {
    let row_of: BTreeMap<&str, &Row> = rows
        .iter()
        .map(|row| (row.metadata.candidate.as_str(), row))
        .collect();
    let reject_of: BTreeMap<&str, &Reject> = rejects
        .iter()
        .map(|reject| (reject.candidate.id.as_str(), reject))
        .collect();
    let mut duplicates: Vec<Duplicate> = rejects
        .iter()
        .filter_map(|reject| {
            let (of, layer, similarity, conflict) = match &reject.reason {
                RejectReason::Duplicate {
                    of,
                    layer,
                    similarity,
                } => (of, layer, similarity, false),
                RejectReason::Conflict {
                    with,
                    layer,
                    similarity,
                } => (with, layer, similarity, true),
                _ => return None,
            };
            let row = row_of.get(of.as_str());
            let other = reject_of.get(of.as_str());
            Some(Duplicate {
                candidate: reject.candidate.id.clone(),
                text: reject.candidate.text.clone(),
                label: reject.candidate.slot.cell.label,
                of: of.clone(),
                of_row: row.map(|row| row.id.clone()),
                of_text: row
                    .map(|row| row.statement.clone())
                    .or_else(|| other.map(|other| other.candidate.text.clone())),
                layer: layer.clone(),
                similarity: *similarity,
                conflict,
            })
        })
        .collect();
    duplicates.sort_by_key(|duplicate| !duplicate.conflict);
    duplicates
}

/// The first few rejects of each reason, reasons in the order of their codes.
pub(crate) fn rejects(rejects: &[Reject]) -> Vec<RejectExample> {
    let mut by_code: BTreeMap<String, Vec<RejectExample>> = BTreeMap::new();
    for reject in rejects {
        let code = reject.reason.code();
        let shown = by_code.entry(code.clone()).or_default();
        if shown.len() < MOST_EXAMPLES {
            shown.push(RejectExample {
                code,
                candidate: reject.candidate.id.clone(),
                text: reject.candidate.text.clone(),
                label: reject.candidate.slot.cell.label,
                detail: reject.reason.to_string(),
            });
        }
    }
    by_code.into_values().flatten().collect()
}
