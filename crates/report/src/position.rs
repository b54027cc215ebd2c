//! What is said about raters that lean to a place.

use evalwright_dataset::RaterRecord;

use crate::number::{counted, share};

/// A mean shift of P from which a rater is said to lean.
const LEANS: f64 = 0.1;

/// A sentence for each rater to which it mattered where the matching answer stood.
pub(crate) fn sentences(raters: &[RaterRecord]) -> Vec<String> {
    raters
        .iter()
        .filter_map(|rater| Some((rater, rater.position?)))
        .filter(|(_, position)| position.shift.abs() >= LEANS)
        .map(|(rater, position)| {
            let (more, place) = if position.shift > 0.0 {
                (position.shift, "earlier")
            } else {
                (-position.shift, "later")
            };
            format!(
                "{} gives an answer {more:.2} more probability where it stands {place}, and prefers the same one in both \
                 orders in {} of {}; both orders are averaged.",
                rater.rater,
                share(Some(position.same_answer as f64 / position.pairs as f64)),
                counted(position.pairs, "pair", "pairs"),
            )
        })
        .collect()
}
