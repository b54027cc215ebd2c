//! What holds for every table of ratings: order and names never matter, values stay in range, intervals hold their
//! estimates, and nothing undefined is written as a number.

#![expect(
    clippy::unwrap_used,
    reason = "a property that cannot be computed must fail its test"
)]

use evalwright_core::Seed;
use evalwright_stats::bootstrap_interval;
use evalwright_stats::chance::{ChanceModel, chance_corrected};
use evalwright_stats::dawid_skene::{DawidSkeneOptions, dawid_skene};
use evalwright_stats::krippendorff::{Level, alpha_interval, krippendorff_alpha};
use evalwright_stats::label_error::{error_rate, suspects};
use evalwright_stats::weights::{AgreementWeights, WeightScheme};
use evalwright_stats::{
    Label, MISSING, Profiles, RatingTable, SummaryOptions, Undefined, summarise_ratings,
};
use proptest::prelude::*;

const LABELS: usize = 3;

type Rows = Vec<Vec<Label>>;

fn rows() -> impl Strategy<Value = Rows> {
    (2_usize..6).prop_flat_map(|raters| {
        let cell = prop_oneof![4 => 0_u16..LABELS as u16, 1 => Just(MISSING)];
        prop::collection::vec(prop::collection::vec(cell, raters), 1..25)
    })
}

fn table(rows: &Rows) -> RatingTable {
    RatingTable::from_rows(rows[0].len(), LABELS, &rows.concat()).unwrap()
}

fn options(level: Level) -> SummaryOptions {
    SummaryOptions {
        level,
        values: Vec::new(),
        draws: 60,
        confidence: 0.9,
        seed: Seed(3),
    }
}

/// Every coefficient of a table: alpha on all levels, and the chance-corrected ones with all weights.
fn figures(table: &RatingTable, symmetric_only: bool) -> Vec<Result<f64, Undefined>> {
    let profiles = Profiles::of(table);
    let mut found = Vec::new();
    for level in [Level::Nominal, Level::Ordinal, Level::Interval] {
        if level == Level::Nominal || !symmetric_only {
            found.push(krippendorff_alpha(&profiles, level, &[]));
        }
    }
    for scheme in [
        WeightScheme::Identity,
        WeightScheme::Linear,
        WeightScheme::Quadratic,
    ] {
        if scheme == WeightScheme::Identity || !symmetric_only {
            let weights = AgreementWeights::by_place(scheme, LABELS).unwrap();
            for model in [
                ChanceModel::Fleiss,
                ChanceModel::Gwet,
                ChanceModel::BrennanPrediger,
            ] {
                found.push(chance_corrected(&profiles, model, &weights));
            }
        }
    }
    found
        .into_iter()
        .map(|coefficient| {
            coefficient
                .value
                .ok_or_else(|| coefficient.undefined.unwrap())
        })
        .collect()
}

fn alike(a: &[Result<f64, Undefined>], b: &[Result<f64, Undefined>]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|pair| match pair {
            (Ok(a), Ok(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        })
}

proptest! {
    #[test]
    fn order_of_items_raters_and_labels_never_matters(rows in rows(), turn in 1_usize..5, step in 1_u16..3) {
        let before = table(&rows);
        let mut shuffled = rows.clone();
        shuffled.reverse();
        let by = turn % rows.len();
        shuffled.rotate_left(by);
        let other_items = table(&shuffled);
        let summary = |table: &RatingTable| serde_json::to_string(&summarise_ratings(table, &options(Level::Ordinal))).unwrap();
        prop_assert_eq!(summary(&before), summary(&other_items));
        let turned: Rows = rows.iter().map(|row| {
            let mut row = row.clone();
            let by = turn % row.len();
            row.rotate_left(by);
            row
        }).collect();
        prop_assert!(alike(&figures(&before, false), &figures(&table(&turned), false)));
        // Renaming labels turns their order, so only coefficients that ignore the order stay.
        let renamed: Rows = rows.iter().map(|row| row.iter().map(|label| {
            if *label == MISSING { MISSING } else { (label + step) % LABELS as u16 }
        }).collect()).collect();
        prop_assert!(alike(&figures(&before, true), &figures(&table(&renamed), true)));
    }

    #[test]
    fn values_are_finite_and_at_most_one_and_intervals_hold_them(rows in rows()) {
        let table = table(&rows);
        for level in [Level::Nominal, Level::Interval] {
            let summary = summarise_ratings(&table, &options(level));
            for measure in &summary.measures {
                let coefficient = &measure.coefficient;
                prop_assert_eq!(coefficient.value.is_none(), coefficient.undefined.is_some());
                let Some(value) = coefficient.value else { continue };
                prop_assert!(value.is_finite() && value <= 1.0 + 1e-12, "{:?}", measure);
                if let Some(interval) = measure.interval {
                    prop_assert!(interval.holds(value), "{:?}", measure);
                }
            }
            for pair in &summary.pairs {
                if let (Some(value), Some(interval)) = (pair.agreement.cohen.value, pair.agreement.cohen_interval) {
                    prop_assert!(interval.holds(value));
                }
                prop_assert!(pair.agreement.raw_interval.unwrap().holds(pair.agreement.raw.unwrap()));
            }
            if let (Some(value), Some(interval)) = (summary.observed, summary.observed_interval) {
                prop_assert!(interval.low <= value + 1e-12 && value <= interval.high + 1e-12);
            }
            let written = serde_json::to_string(&summary).unwrap();
            prop_assert!(!written.contains("NaN") && !written.contains("inf"));
        }
    }

    #[test]
    fn full_agreement_is_one_for_every_measure(labels in prop::collection::vec(0_u16..LABELS as u16, 2..20), raters in 2_usize..5) {
        let rows: Rows = labels.iter().map(|label| vec![*label; raters]).collect();
        let varied = labels.iter().any(|label| *label != labels[0]);
        for figure in figures(&table(&rows), false) {
            match figure {
                Ok(value) => prop_assert!((value - 1.0).abs() < 1e-9),
                Err(reason) => prop_assert!(!varied && reason == Undefined::NoVariation),
            }
        }
    }

    #[test]
    fn posteriors_are_shares_and_ignore_the_order_of_items(rows in rows()) {
        let before = table(&rows);
        let options = DawidSkeneOptions { rounds: 30, tolerance: 1e-9 };
        let Ok(model) = dawid_skene(&before, before.weights(), options) else {
            prop_assert_eq!(before.ratings(), 0);
            return Ok(());
        };
        let mut reversed = rows.clone();
        reversed.reverse();
        let after = table(&reversed);
        let again = dawid_skene(&after, after.weights(), options).unwrap();
        for item in 0..rows.len() {
            let posterior = model.posterior(before.pattern_of(item).unwrap()).unwrap();
            prop_assert!((posterior.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(posterior.iter().all(|share| (0.0..=1.0).contains(share)));
            let other = again.posterior(after.pattern_of(rows.len() - 1 - item).unwrap());
            prop_assert_eq!(Some(posterior), other);
        }
        prop_assert!(model.log_likelihood.is_finite() && model.log_likelihood <= 1e-9);
        for share in model.informativeness.iter().flatten() {
            prop_assert!((0.0..=1.0).contains(share));
        }
    }
}

/// Ratings of a simple world: `labels` equally frequent labels, rater `r` right with probability `right[r]`.
fn world(items: usize, right: &[f64], seed: u64) -> (RatingTable, Vec<Label>) {
    // A plain generator, independent of the crate's own.
    let mut state = seed;
    let mut unit = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut cells = Vec::new();
    let mut truth = Vec::new();
    for _ in 0..items {
        let label = Label::from(unit() < 0.5);
        truth.push(label);
        cells.extend(
            right
                .iter()
                .map(|right| if unit() < *right { label } else { 1 - label }),
        );
    }
    (
        RatingTable::from_rows(right.len(), 2, &cells).unwrap(),
        truth,
    )
}

#[test]
fn the_fast_interval_agrees_with_drawing_items_one_by_one() {
    let (table, _) = world(400, &[0.9, 0.8, 0.85], 5);
    let profiles = Profiles::of(&table);
    let fast = alpha_interval(&profiles, Level::Nominal, &[], 4000, 0.95, Seed(1)).unwrap();
    let slow = bootstrap_interval(400, 4000, 0.95, Seed(2), |items| {
        let cells: Vec<Label> = items
            .iter()
            .flat_map(|item| table.row(*item).unwrap().iter().copied())
            .collect();
        let drawn = RatingTable::from_rows(3, 2, &cells).ok()?;
        krippendorff_alpha(&Profiles::of(&drawn), Level::Nominal, &[]).value
    })
    .unwrap();
    assert!((fast.low - slow.low).abs() < 0.012, "{fast:?} {slow:?}");
    assert!((fast.high - slow.high).abs() < 0.012, "{fast:?} {slow:?}");
}

#[test]
fn the_estimated_error_rate_finds_the_true_one_and_ranks_wrong_rows_first() {
    let (table, truth) = world(3000, &[0.9, 0.85, 0.8, 0.9], 11);
    let options = DawidSkeneOptions {
        rounds: 200,
        tolerance: 1e-9,
    };
    let (rate, model) = error_rate(&table, 0, options, 40, 0.95, Seed(1)).unwrap();
    let wrong = |item: usize| table.row(item).unwrap()[0] != truth[item];
    let true_rate = (0..3000).filter(|item| wrong(*item)).count() as f64 / 3000.0;
    assert!((rate.rate - true_rate).abs() < 0.02, "{rate:?} {true_rate}");
    assert!(rate.interval.unwrap().holds(rate.rate) && rate.items == 3000);
    let found = suspects(&table, 0, &model, 100);
    assert_eq!(found.len(), 100);
    assert!(found.windows(2).all(|pair| pair[0].wrong >= pair[1].wrong));
    let right = found.iter().filter(|suspect| wrong(suspect.item)).count();
    assert!(right >= 90, "{right}");
    assert!(found[0].disagreeing > found[0].agreeing);
    let (two, _) = world(50, &[0.9, 0.9], 1);
    let refused = error_rate(&two, 0, options, 10, 0.95, Seed(1)).unwrap_err();
    assert_eq!(refused, Undefined::TooFewRaters);
}
