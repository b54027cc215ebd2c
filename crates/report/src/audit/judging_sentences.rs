//! What judges' figures say, in sentences.

use super::{Audit, JudgeFigures};
use crate::number::{share, share_interval, two_digit_interval, two_digits};

/// Adds the sentences.
pub(super) fn add(audit: &Audit, lines: &mut Vec<String>) {
    for judge in audit.judging.iter().flat_map(|judging| &judging.judges) {
        about(judge, lines);
    }
    for one in &audit.reliability {
        lines.push(format!(
            "{}: P(published label) against what most people say, {} rows: expected calibration error {} ({}), Brier \
             score {} ({}).",
            one.of,
            one.rows,
            two_digits(one.error),
            two_digit_interval(one.error_interval),
            two_digits(one.brier),
            two_digit_interval(one.brier_interval)
        ));
    }
}

fn about(judge: &JudgeFigures, lines: &mut Vec<String>) {
    let name = &judge.judge;
    if let Some(writer) = &judge.family_of_writer {
        lines.push(format!(
            "{name} judges rows that {writer} wrote, and by their names the two are of one family: such a judge tends to \
             prefer its own words, so let another one judge as well."
        ));
    }
    match (&judge.label_errors, &judge.label_errors_undefined) {
        (Some(rate), _) => lines.push(format!(
            "By the probabilities of {name} alone about {} of {} labels are wrong (95 % interval {}), as far as it can be \
             believed.",
            share(Some(rate.rate)),
            rate.items,
            share_interval(rate.interval)
        )),
        (None, Some(reason)) => lines.push(format!(
            "How many labels are wrong by {name} alone cannot be estimated: {reason}."
        )),
        (None, None) => {}
    }
    let unknown: u64 = judge.unknown.values().sum();
    if unknown + judge.bounded > 0 {
        let reasons: Vec<String> = judge
            .unknown
            .iter()
            .map(|(reason, count)| format!("{count}: {reason}"))
            .collect();
        let reasons = if reasons.is_empty() {
            String::new()
        } else {
            format!(" ({})", reasons.join("; "))
        };
        lines.push(format!(
            "{name}: {} rows known, {} only bounded, {unknown} unknown{reasons}.",
            judge.known, judge.bounded
        ));
    }
    let mut said = Vec::new();
    if let Some(relevance) = &judge.relevance {
        said.push(format!(
            "mean relevance {} of 5 ({})",
            two_digits(relevance.mean),
            two_digit_interval(relevance.interval)
        ));
    }
    if let Some(unclear) = &judge.unclear {
        said.push(format!(
            "{} of rows unclear ({})",
            share(unclear.share),
            share_interval(unclear.interval)
        ));
    }
    if let Some(steady) = &judge.steady {
        said.push(format!(
            "the same answer in both orders for {} ({})",
            share(steady.share),
            share_interval(steady.interval)
        ));
    }
    if !said.is_empty() {
        lines.push(format!("{name}: {}.", said.join(", ")));
    }
}
