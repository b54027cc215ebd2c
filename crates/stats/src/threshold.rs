//! The score from which on labels are right as often as wanted.

use evalwright_core::Seed;
use rayon::prelude::*;
use serde::Serialize;

use crate::folds::stratified_folds;
use crate::interval::{Interval, wilson};
use crate::random::Stream;
use crate::resample::percentile_interval;
use crate::undefined::Undefined;

/// What has to reach the wanted precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The share of right labels among those kept.
    Estimate,
    /// The lower end of Wilson's interval of it: the cautious choice.
    LowerEnd,
}

/// A threshold and what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PrecisionThreshold {
    /// Points with at least this score are kept.
    pub threshold: f64,
    /// The share of right ones among the points kept, on the points that the threshold was chosen on.
    pub precision: f64,
    /// Wilson's interval of it.
    pub precision_interval: Interval,
    /// Points kept.
    pub kept: u64,
    /// All points.
    pub points: u64,
    /// Right points kept, over all right points.
    pub recall: f64,
    /// The percentile interval of the threshold over points drawn again; null when half of the draws reach none.
    pub threshold_interval: Option<Interval>,
    /// What thresholds chosen on the other folds keep: the honest figure.
    pub held_out: Option<HeldOut>,
}

/// Precision on points that the threshold was not chosen on, all folds together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HeldOut {
    /// Points kept.
    pub kept: u64,
    /// Right ones among them.
    pub right: u64,
    /// Their share; null when nothing was kept.
    pub precision: Option<f64>,
    /// Wilson's interval of it.
    pub interval: Option<Interval>,
    /// Folds on whose points no threshold was found; they keep nothing.
    pub folds_without: usize,
}

/// How a threshold is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdOptions {
    /// The share of right labels wanted, in (0, 1].
    pub wanted: f64,
    /// What has to reach it.
    pub reach: Reach,
    /// The confidence of all intervals.
    pub confidence: f64,
    /// Draws behind the threshold's own interval.
    pub draws: usize,
    /// Folds of the held-out figure.
    pub folds: usize,
}

/// The lowest threshold whose kept points reach the wanted precision; a point is `(score, whether it was right)`. Equal
/// scores are kept or left out together.
///
/// Choosing the best of many thresholds flatters, so the result carries the precision on held-out points. Worked
/// number: scores 1 wrong, 2 right, 3 wrong, 4 right, 5 right with 0.75 wanted by estimate give threshold 2: 3 of 4.
///
/// # Errors
///
/// [`Undefined::NoItems`] for no points or scores that are not finite, [`Undefined::OutOfReach`] when no threshold
/// reaches the wanted precision.
pub fn precision_threshold(
    points: &[(f64, bool)],
    options: ThresholdOptions,
    seed: Seed,
) -> Result<PrecisionThreshold, Undefined> {
    if points.is_empty() || points.iter().any(|(score, _)| !score.is_finite()) {
        return Err(Undefined::NoItems);
    }
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let chosen = lowest(&sorted, options).ok_or(Undefined::OutOfReach)?;
    let rights = points.iter().filter(|(_, right)| *right).count() as u64;
    let values: Vec<f64> = (0..options.draws)
        .into_par_iter()
        .map(|draw| {
            let mut stream = Stream::new(seed.derive(&format!("draw {draw}")));
            let mut places: Vec<usize> = (0..sorted.len())
                .map(|_| stream.below(sorted.len()))
                .collect();
            places.sort_unstable();
            let drawn: Vec<(f64, bool)> = places.into_iter().map(|place| sorted[place]).collect();
            Some(lowest(&drawn, options)?.threshold)
        })
        .flatten_iter()
        .collect();
    let interval = percentile_interval(values, options.draws, options.confidence);
    Ok(PrecisionThreshold {
        threshold: chosen.threshold,
        precision: chosen.right as f64 / chosen.kept as f64,
        precision_interval: wilson(chosen.right, chosen.kept, options.confidence)
            .ok_or(Undefined::OutOfReach)?,
        kept: chosen.kept,
        points: points.len() as u64,
        recall: chosen.right as f64 / rights.max(1) as f64,
        threshold_interval: interval.map(|interval| interval.widened_to(chosen.threshold)),
        held_out: held_out(points, options, seed),
    })
}

struct Chosen {
    threshold: f64,
    kept: u64,
    right: u64,
}

/// Over points with falling scores.
fn lowest(sorted: &[(f64, bool)], options: ThresholdOptions) -> Option<Chosen> {
    let (mut kept, mut right) = (0_u64, 0_u64);
    let mut chosen = None;
    for group in sorted.chunk_by(|a, b| a.0 <= b.0) {
        kept += group.len() as u64;
        right += group.iter().filter(|(_, right)| *right).count() as u64;
        let reached = match options.reach {
            Reach::Estimate => right as f64 / kept as f64,
            Reach::LowerEnd => wilson(right, kept, options.confidence)?.low,
        };
        if reached >= options.wanted
            && let Some((threshold, _)) = group.first()
        {
            chosen = Some(Chosen {
                threshold: *threshold,
                kept,
                right,
            });
        }
    }
    chosen
}

fn held_out(points: &[(f64, bool)], options: ThresholdOptions, seed: Seed) -> Option<HeldOut> {
    let classes: Vec<usize> = points
        .iter()
        .map(|(_, right)| usize::from(*right))
        .collect();
    let fold_of = stratified_folds(&classes, options.folds, seed).ok()?;
    let mut sum = HeldOut {
        kept: 0,
        right: 0,
        precision: None,
        interval: None,
        folds_without: 0,
    };
    for fold in 0..options.folds {
        let part = |inside: bool| {
            let points = points.iter().zip(&fold_of);
            points
                .filter(move |(_, of)| (**of == fold) == inside)
                .map(|(point, _)| *point)
        };
        let mut rest: Vec<(f64, bool)> = part(false).collect();
        rest.sort_by(|a, b| b.0.total_cmp(&a.0));
        match lowest(&rest, options) {
            None => sum.folds_without += 1,
            Some(chosen) => {
                for (_, right) in part(true).filter(|(score, _)| *score >= chosen.threshold) {
                    sum.kept += 1;
                    sum.right += u64::from(right);
                }
            }
        }
    }
    sum.precision = (sum.kept > 0).then(|| sum.right as f64 / sum.kept as f64);
    sum.interval = wilson(sum.right, sum.kept, options.confidence);
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: ThresholdOptions = ThresholdOptions {
        wanted: 0.75,
        reach: Reach::Estimate,
        confidence: 0.95,
        draws: 200,
        folds: 5,
    };

    #[test]
    fn by_hand() {
        let points = [
            (1.0, false),
            (2.0, true),
            (3.0, false),
            (4.0, true),
            (5.0, true),
        ];
        let found = precision_threshold(&points, OPTIONS, Seed(1)).unwrap();
        assert!((found.threshold - 2.0).abs() < 1e-12);
        assert_eq!((found.kept, found.points), (4, 5));
        assert!((found.precision - 0.75).abs() < 1e-12 && (found.recall - 1.0).abs() < 1e-12);
        assert_eq!(found.held_out, None);
        let cautious = ThresholdOptions {
            reach: Reach::LowerEnd,
            ..OPTIONS
        };
        assert_eq!(
            precision_threshold(&points, cautious, Seed(1)),
            Err(Undefined::OutOfReach)
        );
        assert_eq!(
            precision_threshold(&[], OPTIONS, Seed(1)),
            Err(Undefined::NoItems)
        );
    }

    #[test]
    fn equal_scores_stay_together() {
        let points = [(1.0, true), (1.0, false), (0.0, false)];
        assert_eq!(
            precision_threshold(&points, OPTIONS, Seed(1)),
            Err(Undefined::OutOfReach)
        );
    }

    #[test]
    fn held_out_precision_reaches_what_was_promised() {
        // The score is the probability of being right, in steps of 1/1000.
        let mut stream = Stream::new(Seed(9));
        let points: Vec<(f64, bool)> = (0..4000)
            .map(|_| {
                let score = stream.below(1001) as f64 / 1000.0;
                (score, stream.unit() < score)
            })
            .collect();
        let options = ThresholdOptions {
            wanted: 0.9,
            reach: Reach::LowerEnd,
            ..OPTIONS
        };
        let found = precision_threshold(&points, options, Seed(2)).unwrap();
        // The mean score above t is (1 + t)/2, so 0.9 is reached at 0.8.
        assert!((0.8..0.9).contains(&found.threshold), "{found:?}");
        assert!(found.threshold_interval.unwrap().holds(found.threshold));
        let held_out = found.held_out.unwrap();
        assert!(held_out.precision.unwrap() > 0.89, "{held_out:?}");
        assert_eq!(held_out.folds_without, 0);
    }
}
