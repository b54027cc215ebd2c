//! Fits the curves, and again without each fold, so that what is said of them is of rows that they have not seen.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Probability, Side};
use evalwright_recipe::calibration_file::{BeforeAfter, MEAN, ReliabilityPoint, Threshold, When};
use evalwright_recipe::{CalibrationFile, Curve as FileCurve};
use evalwright_stats::calibration::{CalibrationQuality, Curve, Method, cross_validated};
use evalwright_stats::folds::stratified_folds;
use evalwright_stats::threshold::{Reach, ThresholdOptions, precision_threshold};
use evalwright_stats::{
    IsotonicCurve, ReliabilityBin, area_under_curve, brier_score, expected_calibration_error,
    reliability,
};

use super::{
    Believed, CALIBRATION_SCHEMA, CalibrateOptions, Calibrated, CalibratedRater, FoundThreshold,
    LabelledCandidate, PUBLISHED, RaterCurve, Reliability, say,
};
use crate::error::ReportError;
use crate::number::rounded;

/// Folds of every cross-validation.
const FOLDS: usize = 5;
/// Draws behind an interval.
const DRAWS: usize = 500;
/// Bins of every reliability diagram.
const BINS: usize = 10;
/// Fewer labels than this on either side leave folds with nearly nothing.
const FEWEST_OF_A_SIDE: usize = 10;
/// Below this many points a rising curve follows single ones.
const FEWEST_FOR_ISOTONIC: usize = 200;
/// The confidence of all intervals.
const CONFIDENCE: f64 = 0.95;
/// Thresholds are written with so many steps between 0 and 1, rounded down: what is at the threshold stays.
const STEPS: f64 = 1e6;

/// Fits a curve for each rater and for each judge's mean to people's labels, and finds minimums.
///
/// # Errors
/// [`ReportError::Calibration`] when there are fewer than ten labels of either side, or no verdict is known.
pub fn calibrate(
    candidates: &[LabelledCandidate],
    raters: &[CalibratedRater],
    options: &CalibrateOptions,
) -> Result<Calibrated, ReportError> {
    let counting: Vec<&str> = raters
        .iter()
        .filter(|rater| rater.counts)
        .map(|rater| rater.rater.as_str())
        .collect();
    let known: Vec<&LabelledCandidate> = candidates
        .iter()
        .filter(|one| counting.iter().any(|rater| one.scores.contains_key(*rater)))
        .collect();
    enough(&known, candidates.len(), raters)?;
    let tried = tried(&known, raters, options)?;
    let methods: BTreeMap<&str, Method> = tried
        .iter()
        .map(|(rater, quality)| (rater.as_str(), preferred(quality, options.method)))
        .collect();
    let folds = folds_of(&known, options)?;
    let all: Vec<usize> = (0..known.len()).collect();
    let fitted = Fitted::new(&known, &all, raters, &methods, options);
    // Each candidate by curves that it had no part in.
    let mut stated: Vec<Option<f64>> = vec![None; known.len()];
    for fold in 0..FOLDS {
        let part = |inside: bool| -> Vec<usize> {
            let rows = folds.iter().enumerate();
            rows.filter(|(_, of)| (**of == fold) == inside)
                .map(|(row, _)| row)
                .collect()
        };
        let rest = Fitted::new(&known, &part(false), raters, &methods, options);
        for row in part(true) {
            stated[row] = rest.matching(known[row], raters);
        }
    }
    let before: Vec<(f64, bool)> = known
        .iter()
        .filter_map(|one| Some((one.confidence?, one.is_right())))
        .collect();
    let after: Vec<(f64, bool)> = known
        .iter()
        .zip(&stated)
        .filter_map(|(one, matching)| Some((one.of_intended((*matching)?), one.is_right())))
        .collect();
    let thresholds: Vec<FoundThreshold> = options
        .precisions
        .iter()
        .map(|wanted| threshold(&after, *wanted, options))
        .collect();
    let mut found = Calibrated {
        schema: CALIBRATION_SCHEMA,
        fitted_on: options.fitted_on.clone(),
        rows: known.len() as u64,
        published: known.iter().filter(|one| one.published).count() as u64,
        right: known.iter().filter(|one| one.is_right()).count() as u64,
        confidence: Reliability {
            before: believed(&before),
            after: believed(&after),
        },
        raters: curves(&known, raters, &tried, &methods, &fitted),
        thresholds,
        warnings: Vec::new(),
        file: None,
    };
    found.warnings = say::warnings(&found, candidates.len(), options);
    found.file = file(&found, raters, &fitted, options);
    Ok(found)
}

fn enough(
    known: &[&LabelledCandidate],
    labelled: usize,
    raters: &[CalibratedRater],
) -> Result<(), ReportError> {
    let refuse = |problem: String| Err(ReportError::Calibration(problem));
    if known.is_empty() && labelled > 0 {
        return refuse(format!(
            "none of the {labelled} labelled candidates has a known verdict of a counting rater"
        ));
    }
    let matching = known
        .iter()
        .filter(|one| one.said == Side::Matching)
        .count();
    let sides = [matching, known.len() - matching];
    // The confidence of a published set says how sure it is of its label, not of a side.
    let names = if raters.iter().any(|rater| rater.rater == PUBLISHED) {
        ["right", "wrong"]
    } else {
        ["matching", "not matching"]
    };
    for (count, name) in sides.iter().zip(names) {
        if *count == 0 && !known.is_empty() {
            return refuse(format!(
                "people call none of the {} labelled candidates {name}: with one class alone no curve can be fitted; \
                 label candidates of both, also some that fell (they stand in rejected.jsonl)",
                known.len()
            ));
        }
    }
    if sides.iter().any(|count| *count < FEWEST_OF_A_SIDE) {
        return refuse(format!(
            "too few labels: {} candidates with a known verdict, {} {} and {} {}; at least {FEWEST_OF_A_SIDE} of each are \
             needed, and a hundred or more make figures worth something",
            known.len(),
            sides[0],
            names[0],
            sides[1],
            names[1]
        ));
    }
    Ok(())
}

impl LabelledCandidate {
    fn is_right(&self) -> bool {
        self.said == self.intended
    }

    fn of_intended(&self, matching: f64) -> f64 {
        match self.intended {
            Side::Matching => matching,
            Side::NotMatching => 1.0 - matching,
        }
    }

    fn is_matching(&self) -> bool {
        self.said == Side::Matching
    }
}

/// The curves that were fitted on some rows.
struct Fitted<'a> {
    raters: BTreeMap<&'a str, Curve>,
    /// By judge.
    means: BTreeMap<&'a str, Curve>,
}

impl<'a> Fitted<'a> {
    fn new(
        known: &[&LabelledCandidate],
        rows: &[usize],
        raters: &'a [CalibratedRater],
        methods: &BTreeMap<&str, Method>,
        options: &CalibrateOptions,
    ) -> Self {
        let mut fitted = Self {
            raters: BTreeMap::new(),
            means: BTreeMap::new(),
        };
        let of = |row: &usize| known[*row];
        for rater in raters {
            let points: Vec<(f64, bool)> = rows
                .iter()
                .map(of)
                .filter_map(|one| point(one, &rater.rater))
                .collect();
            let method = methods.get(rater.rater.as_str()).copied();
            if let Some(curve) = method.and_then(|method| rising(method, &points)) {
                fitted.raters.insert(&rater.rater, curve);
            }
        }
        for judge in judges_with_mean(raters) {
            let points: Vec<(f64, bool)> = rows
                .iter()
                .map(of)
                .filter_map(|one| Some((fitted.mean(one, judge, raters)?, one.is_matching())))
                .map(|(mean, matching)| (log_odds(mean), matching))
                .collect();
            // Its points are means of fitted curves, near the diagonal already: two numbers are enough, unless
            // another sort is asked for.
            let method = options.method.unwrap_or(Method::Logistic);
            if let Some(curve) = rising(method, &points) {
                fitted.means.insert(judge, curve);
            }
        }
        fitted
    }

    /// The mean of a judge's counting raters.
    fn mean(
        &self,
        one: &LabelledCandidate,
        judge: &str,
        raters: &[CalibratedRater],
    ) -> Option<f64> {
        average(
            raters
                .iter()
                .filter(|rater| rater.counts && rater.judge == judge)
                .filter_map(|rater| {
                    let score = one.scores.get(&rater.rater)?;
                    let curve = self.raters.get(rater.rater.as_str())?;
                    Some(curve.probability(score.log_odds))
                }),
        )
    }

    /// P(matching) over all judges, as a run settles it.
    fn matching(&self, one: &LabelledCandidate, raters: &[CalibratedRater]) -> Option<f64> {
        let judges: BTreeSet<&str> = raters.iter().map(|rater| rater.judge.as_str()).collect();
        average(judges.into_iter().filter_map(|judge| {
            let mean = self.mean(one, judge, raters)?;
            Some(match self.means.get(judge) {
                Some(curve) => curve.probability(log_odds(mean)),
                None => mean,
            })
        }))
    }
}

/// Judges whose mean is of several raters.
fn judges_with_mean(raters: &[CalibratedRater]) -> Vec<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rater in raters.iter().filter(|rater| rater.counts) {
        *counts.entry(&rater.judge).or_default() += 1;
    }
    let several = counts.into_iter().filter(|(_, count)| *count > 1);
    several.map(|(judge, _)| judge).collect()
}

fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn log_odds(probability: f64) -> f64 {
    Probability::new(probability.clamp(0.0, 1.0)).map_or(0.0, Probability::log_odds)
}

fn point(one: &LabelledCandidate, rater: &str) -> Option<(f64, bool)> {
    Some((one.scores.get(rater)?.log_odds, one.is_matching()))
}

/// The best curve of a sort that does not fall. A rising curve through points is kept from 0 and 1 as far as one more
/// point of either sort would keep it.
fn rising(method: Method, points: &[(f64, bool)]) -> Option<Curve> {
    let margin = 1.0 / (points.len() as f64 + 2.0);
    let curve = Curve::fit(method, points)?;
    match curve {
        Curve::Logistic(logistic) if logistic.slope > 0.0 => Some(curve),
        Curve::Logistic(_) => {
            let right = points.iter().filter(|(_, right)| *right).count();
            let level = (right as f64 + 1.0) * margin;
            IsotonicCurve::through(&[(0.0, level)]).map(Curve::Isotonic)
        }
        Curve::Isotonic(isotonic) => Some(Curve::Isotonic(isotonic.kept_from_ends(margin))),
    }
}

/// Both methods on each rater's points, cross-validated.
fn tried(
    known: &[&LabelledCandidate],
    raters: &[CalibratedRater],
    options: &CalibrateOptions,
) -> Result<Vec<(String, Vec<CalibrationQuality>)>, ReportError> {
    let mut all = Vec::new();
    for rater in raters {
        let points: Vec<(f64, bool)> = known
            .iter()
            .filter_map(|one| point(one, &rater.rater))
            .collect();
        let seed = options.seed.derive(&format!("calibrate {}", rater.rater));
        let quality: Vec<CalibrationQuality> = [Method::Logistic, Method::Isotonic]
            .into_iter()
            .filter_map(|method| cross_validated(&points, method, FOLDS, DRAWS, seed).ok())
            .collect();
        if quality.is_empty() {
            if rater.counts {
                return Err(ReportError::Calibration(format!(
                    "rater {} has a known score for {} labelled candidates, and not {FOLDS} of either side among them: \
                     label more",
                    rater.rater,
                    points.len()
                )));
            }
            continue;
        }
        all.push((rater.rater.clone(), quality));
    }
    Ok(all)
}

/// The method in use: the wanted one, else the one with the lower Brier score, and Platt's with few points.
fn preferred(quality: &[CalibrationQuality], wanted: Option<Method>) -> Method {
    let brier = |method| {
        let mut of = quality.iter().filter(|one| one.method == method);
        of.next().map(|one| (one.brier, one.points))
    };
    match (wanted, brier(Method::Logistic), brier(Method::Isotonic)) {
        (Some(method), _, _) => method,
        (None, Some((logistic, _)), Some((isotonic, points)))
            if isotonic < logistic && points >= FEWEST_FOR_ISOTONIC as u64 =>
        {
            Method::Isotonic
        }
        _ => Method::Logistic,
    }
}

fn folds_of(
    known: &[&LabelledCandidate],
    options: &CalibrateOptions,
) -> Result<Vec<usize>, ReportError> {
    let classes: Vec<usize> = known
        .iter()
        .map(|one| usize::from(one.is_matching()))
        .collect();
    stratified_folds(&classes, FOLDS, options.seed.derive("calibrate"))
        .map_err(|reason| ReportError::Calibration(reason.sentence().to_owned()))
}

fn threshold(points: &[(f64, bool)], wanted: f64, options: &CalibrateOptions) -> FoundThreshold {
    let how = ThresholdOptions {
        wanted,
        reach: if options.cautious {
            Reach::LowerEnd
        } else {
            Reach::Estimate
        },
        confidence: CONFIDENCE,
        draws: DRAWS,
        folds: FOLDS,
    };
    match precision_threshold(points, how, options.seed.derive("threshold")) {
        Ok(found) => FoundThreshold {
            wanted,
            found: Some(found),
            undefined: None,
        },
        Err(reason) => FoundThreshold {
            wanted,
            found: None,
            undefined: Some(reason.sentence().to_owned()),
        },
    }
}

fn believed(points: &[(f64, bool)]) -> Believed {
    let side = |wanted: bool| -> Vec<f64> {
        let of = points.iter().filter(|(_, right)| *right == wanted);
        of.map(|(probability, _)| *probability).collect()
    };
    Believed {
        count: points.len() as u64,
        error: expected_calibration_error(points, BINS),
        brier: brier_score(points),
        area: area_under_curve(&side(true), &side(false)),
        bins: reliability(points, BINS),
    }
}

fn curves(
    known: &[&LabelledCandidate],
    raters: &[CalibratedRater],
    tried: &[(String, Vec<CalibrationQuality>)],
    methods: &BTreeMap<&str, Method>,
    fitted: &Fitted<'_>,
) -> Vec<RaterCurve> {
    let mut found = Vec::new();
    for rater in raters {
        let (Some(curve), Some(method)) = (
            fitted.raters.get(rater.rater.as_str()),
            methods.get(rater.rater.as_str()),
        ) else {
            continue;
        };
        let before: Vec<(f64, bool)> = known
            .iter()
            .filter_map(|one| {
                let score = one.scores.get(&rater.rater)?;
                Some((score.probability, one.is_matching()))
            })
            .collect();
        found.push(RaterCurve {
            rater: rater.rater.clone(),
            counts: rater.counts,
            count: before.len() as u64,
            error_before: expected_calibration_error(&before, BINS),
            brier_before: brier_score(&before),
            method: *method,
            curve: curve.clone(),
            tried: tried
                .iter()
                .find(|(name, _)| *name == rater.rater)
                .map(|(_, quality)| quality.clone())
                .unwrap_or_default(),
        });
    }
    for (judge, curve) in &fitted.means {
        found.push(RaterCurve {
            rater: format!("{judge}#{MEAN}"),
            counts: true,
            count: known.len() as u64,
            error_before: None,
            brier_before: None,
            method: match curve {
                Curve::Logistic(_) => Method::Logistic,
                Curve::Isotonic(_) => Method::Isotonic,
            },
            curve: curve.clone(),
            tried: Vec::new(),
        });
    }
    found
}

fn file(
    found: &Calibrated,
    raters: &[CalibratedRater],
    fitted: &Fitted<'_>,
    options: &CalibrateOptions,
) -> Option<CalibrationFile> {
    if raters.iter().any(|rater| rater.judge.is_empty()) {
        return None;
    }
    let error_of = |rater: &str| {
        let one = found.raters.iter().find(|one| one.rater == rater)?;
        let of = one.tried.iter().find(|tried| tried.method == one.method)?;
        Some(of.error)
    };
    let (before, after) = (&found.confidence.before, &found.confidence.after);
    let mut curves: Vec<FileCurve> = raters
        .iter()
        .filter_map(|rater| {
            let curve = fitted.raters.get(rater.rater.as_str())?;
            let error = error_of(&rater.rater)?;
            Some(written(
                curve,
                rater,
                &rater.wording,
                rater.method,
                error,
                options,
            ))
        })
        .collect();
    for (judge, curve) in &fitted.means {
        let rater = raters.iter().find(|rater| rater.judge == *judge)?;
        curves.push(written(curve, rater, MEAN, None, after.error?, options));
    }
    curves.sort_by(|a, b| (&a.model, &a.rater).cmp(&(&b.model, &b.rater)));
    let bins = |when, bins: &[ReliabilityBin]| -> Vec<ReliabilityPoint> {
        bins.iter()
            .map(|bin| ReliabilityPoint {
                when,
                low: rounded(bin.low),
                high: rounded(bin.high),
                count: bin.count,
                stated: rounded(bin.mean_probability),
                right: rounded(bin.share_right),
                right_low: rounded(bin.interval.low),
                right_high: rounded(bin.interval.high),
            })
            .collect()
    };
    let mut reliability = bins(When::Before, &before.bins);
    reliability.extend(bins(When::After, &after.bins));
    Some(CalibrationFile {
        fitted_on: options.fitted_on.clone(),
        rows: found.rows,
        expected_calibration_error: BeforeAfter {
            before: rounded(before.error?),
            after: rounded(after.error?),
        },
        brier: BeforeAfter {
            before: rounded(before.brier?),
            after: rounded(after.brier?),
        },
        curves,
        thresholds: found.thresholds.iter().filter_map(as_written).collect(),
        reliability,
    })
}

fn as_written(one: &FoundThreshold) -> Option<Threshold> {
    let found = one.found.as_ref()?;
    let held_out = found.held_out.as_ref();
    let held_out_ends = held_out.and_then(|held_out| held_out.interval);
    Some(Threshold {
        precision: one.wanted,
        minimum: (found.threshold * STEPS).floor() / STEPS,
        minimum_low: found.threshold_interval.map(|ends| rounded(ends.low)),
        minimum_high: found.threshold_interval.map(|ends| rounded(ends.high)),
        held_out: held_out
            .and_then(|held_out| held_out.precision)
            .map(rounded),
        held_out_low: held_out_ends.map(|ends| rounded(ends.low)),
        held_out_high: held_out_ends.map(|ends| rounded(ends.high)),
        kept: rounded(found.kept as f64 / found.points.max(1) as f64),
        recall: rounded(found.recall),
    })
}

fn written(
    curve: &Curve,
    rater: &CalibratedRater,
    name: &str,
    method: Option<evalwright_core::Method>,
    error: f64,
    options: &CalibrateOptions,
) -> FileCurve {
    let (slope, intercept, knots) = match curve {
        Curve::Logistic(curve) => (curve.slope, curve.intercept, Vec::new()),
        Curve::Isotonic(curve) => (1.0, 0.0, distinct(curve)),
    };
    FileCurve {
        model: rater.judge.clone(),
        weights: rater.weights,
        rater: name.to_owned(),
        method,
        // A slope of nearly nothing must not be rounded to nothing.
        slope: rounded(slope).max(1.0 / STEPS),
        intercept: rounded(intercept),
        scores: knots.iter().map(|knot| knot.0).collect(),
        probabilities: knots.iter().map(|knot| knot.1).collect(),
        fitted_on: options.fitted_on.clone(),
        expected_calibration_error: rounded(error),
    }
}

/// The knots as they are written; of those that rounding makes one score, the last.
fn distinct(curve: &IsotonicCurve) -> Vec<(f64, f64)> {
    let mut knots: Vec<(f64, f64)> = Vec::new();
    for (score, probability) in curve.knots() {
        let knot = (rounded(score), rounded(probability));
        match knots.last_mut() {
            Some(last) if last.0 >= knot.0 => *last = knot,
            _ => knots.push(knot),
        }
    }
    knots
}
