//! What a calibration is told as: lines for a terminal, and what to be careful about.

use evalwright_core::show::visible;
use evalwright_stats::Interval;
use evalwright_stats::calibration::Method;

use super::{Believed, CalibrateOptions, Calibrated, FoundThreshold, PUBLISHED};
use crate::number::{share, share_interval, three_digits, two_digits};

/// With fewer labels every figure is rough.
const FEW: u64 = 100;

/// What to be careful about.
pub(super) fn warnings(
    found: &Calibrated,
    labelled: usize,
    options: &CalibrateOptions,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if found.rows < FEW {
        warnings.push(format!(
            "only {} labelled candidates: curves and minimums are rough",
            found.rows
        ));
    }
    let unknown = labelled as u64 - found.rows;
    if unknown > 0 {
        warnings.push(format!(
            "{unknown} labelled candidates have no known verdict and were left out"
        ));
    }
    if found.published == found.rows && found.raters.iter().all(|one| one.rater != PUBLISHED) {
        warnings.push(
            "all labelled candidates are published rows, which these judges chose: label some that fell as well \
             (rejected.jsonl), or the curves say little about them"
                .to_owned(),
        );
    }
    for one in &found.raters {
        if one.counts
            && let evalwright_stats::calibration::Curve::Isotonic(curve) = &one.curve
            && curve.knots().count() == 1
        {
            warnings.push(format!(
                "rater {} does not rank people's labels: its curve is level and it says nothing",
                one.rater
            ));
        }
    }
    let (before, after) = (found.confidence.before.error, found.confidence.after.error);
    if let (Some(before), Some(after)) = (before, after)
        && after > before
    {
        warnings.push(format!(
            "the new curves are no better than the old ones on rows that they have not seen (calibration error {} \
             against {})",
            three_digits(Some(after)),
            three_digits(Some(before))
        ));
    }
    for threshold in &found.thresholds {
        let held_out = threshold.found.as_ref().and_then(|found| found.held_out);
        if let Some(precision) = held_out.and_then(|held_out| held_out.precision)
            && precision < threshold.wanted
            && !options.cautious
        {
            warnings.push(format!(
                "the minimum for {} reaches {} on held-out candidates; `--cautious` asks more of it",
                threshold.wanted,
                share(Some(precision))
            ));
        }
    }
    warnings
}

impl Calibrated {
    /// The calibration in lines for a terminal, without any control character but newlines.
    #[must_use]
    pub fn summary_text(&self) -> String {
        let mut lines = vec![
            format!(
                "{} labelled candidates: people call the label of {} right ({} published rows, {} that fell)",
                self.rows,
                self.right,
                self.published,
                self.rows - self.published
            ),
            String::new(),
            format!(
                "{:36}{:>9}{:>9}{:>9}",
                "label confidence", "error", "Brier", "AUC"
            ),
            figures("as it stood", &self.confidence.before),
            figures("calibrated, held out", &self.confidence.after),
            String::new(),
            "label confidence, calibrated and held out, against the share people call right"
                .to_owned(),
        ];
        for bin in &self.confidence.after.bins {
            lines.push(format!(
                "  {:.1}–{:.1}  n {:>6}  stated {}  right {} ({})",
                bin.low,
                bin.high,
                bin.count,
                share(Some(bin.mean_probability)),
                share(Some(bin.share_right)),
                share_interval(Some(bin.interval))
            ));
        }
        lines.push(String::new());
        lines.push(format!(
            "{:44}{:>10}{:>9}{:>10}{:>10}",
            "rater", "curve", "before", "logistic", "isotonic"
        ));
        for one in &self.raters {
            let error = |method: Method| {
                let mut of = one.tried.iter().filter(|tried| tried.method == method);
                three_digits(of.next().map(|tried| tried.error))
            };
            lines.push(format!(
                "  {:42}{:>10}{:>9}{:>10}{:>10}",
                one.rater,
                match one.method {
                    Method::Logistic => "logistic",
                    Method::Isotonic => "isotonic",
                },
                three_digits(one.error_before),
                error(Method::Logistic),
                error(Method::Isotonic)
            ));
        }
        if !self.thresholds.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.thresholds.iter().map(threshold));
        lines.extend(
            self.warnings
                .iter()
                .map(|warning| format!("warning: {warning}")),
        );
        let shown: Vec<String> = lines.iter().map(|line| visible(line)).collect();
        shown.join("\n") + "\n"
    }
}

fn figures(name: &str, of: &Believed) -> String {
    format!(
        "  {name:34}{:>9}{:>9}{:>9}",
        three_digits(of.error),
        three_digits(of.brier),
        two_digits(of.area)
    )
}

fn threshold(one: &FoundThreshold) -> String {
    let Some(found) = &one.found else {
        return format!(
            "precision {}: {}",
            one.wanted,
            one.undefined.as_deref().unwrap_or("none")
        );
    };
    let held_out = found.held_out.as_ref();
    let ends = |interval: Option<Interval>| {
        interval.map_or_else(
            || "no interval".to_owned(),
            |ends| format!("{:.3} to {:.3}", ends.low, ends.high),
        )
    };
    format!(
        "precision {}: minimum {:.3} ({}) keeps {} of {} and {} of the right ones; held out {} are right ({})",
        one.wanted,
        found.threshold,
        ends(found.threshold_interval),
        found.kept,
        found.points,
        share(Some(found.recall)),
        share(held_out.and_then(|held_out| held_out.precision)),
        share_interval(held_out.and_then(|held_out| held_out.interval))
    )
}
