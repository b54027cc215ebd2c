//! The report in a few lines for a terminal. The page and `report.json` have the rest.

use evalwright_core::show::visible;

use crate::agreement::{Agreement, Population, TOGETHER};
use crate::diversity::Diversity;
use crate::giveaways::GiveAways;
use crate::number::{counted, share, share_interval, two_digit_interval, two_digits};
use crate::report::Report;
use crate::words::label;

/// Most lines in all.
const MOST_LINES: usize = 26;
/// Most reasons, raters and warnings shown, so that all three find room.
const MOST_REASONS: usize = 4;
const MOST_RATERS: usize = 6;
const MOST_WARNINGS: usize = 6;

pub(crate) fn summary(report: &Report) -> String {
    let mut lines = head(report);
    lines.extend(agreement(report));
    lines.extend(warnings(report));
    lines.truncate(MOST_LINES);
    let mut text = String::new();
    for line in lines {
        // A newline inside a value must not make a line of its own.
        text.push_str(&visible(&line).replace(['\n', '\t'], " "));
        text.push('\n');
    }
    text
}

fn head(report: &Report) -> Vec<String> {
    let figures = &report.figures;
    let parts: Vec<String> = figures
        .balance
        .iter()
        .map(|cell| format!("{} of {} {}", cell.got, cell.wanted, label(cell.label)))
        .collect();
    let mut lines = vec![
        format!(
            "{} {}: {} ({})",
            report.dataset,
            report.version,
            counted(figures.rows, "row", "rows"),
            parts.join(", ")
        ),
        format!(
            "  from {}",
            counted(figures.asked, "candidate", "candidates")
        ),
    ];
    for reason in figures.reasons.iter().take(MOST_REASONS) {
        lines.push(format!(
            "  {:>6} fell  {}: {}",
            reason.count, reason.code, reason.words
        ));
    }
    let rest: u64 = figures
        .reasons
        .iter()
        .skip(MOST_REASONS)
        .map(|reason| reason.count)
        .sum();
    if rest > 0 {
        lines.push(format!("  {rest:>6} fell  for other reasons"));
    }
    lines
}

fn agreement(report: &Report) -> Vec<String> {
    let all: Vec<&Agreement> = report
        .figures
        .agreement
        .iter()
        .filter(|one| one.population == Population::AllScored)
        .collect();
    let mut lines =
        vec!["agreement with the intended label, over all scored candidates".to_owned()];
    for one in all.iter().take(MOST_RATERS) {
        let name = if one.second == TOGETHER {
            "together"
        } else {
            report.figures.short_name(&one.second)
        };
        lines.push(format!(
            "  {name:<20} {:>7} ({})  kappa {} ({})  n = {}",
            share(one.raw),
            share_interval(one.raw_interval),
            two_digits(one.kappa),
            two_digit_interval(one.kappa_interval),
            one.n
        ));
    }
    if all.len() > MOST_RATERS {
        lines.push(format!(
            "  and {} in report.html",
            counted(
                (all.len() - MOST_RATERS) as u64,
                "more rater",
                "more raters"
            )
        ));
    }
    lines.push(format!(
        "length alone: area under the curve {} (0.50 is no sign)",
        two_digits(report.figures.length.area_under_curve)
    ));
    lines.extend(report.figures.giveaways.as_ref().map(GiveAways::line));
    lines.extend(report.figures.diversity.as_ref().map(Diversity::line));
    lines
}

fn warnings(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report
        .warnings
        .iter()
        .take(MOST_WARNINGS)
        .map(|warning| format!("warning: {}", warning.text))
        .collect();
    let more = report.warnings.len().saturating_sub(MOST_WARNINGS);
    if more > 0 {
        lines.push(format!(
            "and {} in report.html",
            counted(more as u64, "more warning", "more warnings")
        ));
    }
    lines
}
