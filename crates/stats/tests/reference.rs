//! Comparison with independent packages: `reference.json` holds what they make of seeded random tables, written by
//! `tests/python/reference_statistics.py`. `EVALWRIGHT_STATISTICS_REFERENCE` may name another file of that script, with
//! many more tables.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be read must fail its test"
)]

use std::path::PathBuf;
use std::sync::LazyLock;

use evalwright_core::Seed;
use evalwright_stats::beta::{clopper_pearson, student_quantile};
use evalwright_stats::calibration::brier_score;
use evalwright_stats::chance::{ChanceModel, chance_corrected};
use evalwright_stats::dawid_skene::{DawidSkeneOptions, dawid_skene};
use evalwright_stats::diversity::{
    Vectors, distinct_ngrams, ngram_vectors, principal_map, vendi_of_ngrams, vendi_of_vectors,
};
use evalwright_stats::giveaway::telling_words;
use evalwright_stats::krippendorff::{Level, krippendorff_alpha};
use evalwright_stats::label_error::confident_learning;
use evalwright_stats::pair::PairTable;
use evalwright_stats::weights::{AgreementWeights, WeightScheme};
use evalwright_stats::{
    Coefficient, Label, MISSING, Profiles, RatingTable, area_under_curve, fit_isotonic,
    fit_logistic, wilson,
};
use serde_json::Value;

static REFERENCE: LazyLock<Value> = LazyLock::new(|| {
    let committed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference.json");
    let path = std::env::var_os("EVALWRIGHT_STATISTICS_REFERENCE");
    let path = path.map_or(committed, PathBuf::from);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|value| value.as_f64().unwrap()).collect()
}

fn list(name: &str) -> &'static [Value] {
    let list = REFERENCE[name].as_array().unwrap();
    assert!(!list.is_empty());
    list
}

#[track_caller]
fn near(got: f64, expected: f64, tolerance: f64, about: &dyn std::fmt::Debug) {
    let scale = expected.abs().max(1.0);
    assert!(
        (got - expected).abs() <= tolerance * scale,
        "got {got}, expected {expected} for {about:?}"
    );
}

/// Null here exactly where the package has no number, with a reason; equal to 1e-9 elsewhere.
#[track_caller]
fn same(name: &str, got: &Coefficient, expected: &Value, case: &Value) {
    assert_eq!(got.value.is_none(), got.undefined.is_some());
    let value = expected.as_f64().or_else(|| expected["value"].as_f64());
    assert_eq!(
        got.value.is_some(),
        value.is_some(),
        "{name}: {got:?}, expected {value:?} for {case}"
    );
    if let (Some(got), Some(expected)) = (got.value, value) {
        near(got, expected, 1e-9, &(name, &case["rows"]));
    }
    if let (Some(got), Some(expected)) = (got.standard_error, expected["error"].as_f64()) {
        // Variances, because the root turns a package's rounding of 1e-16 into 1e-8 where the variance is 0.
        let about = (name, "variance", &case["rows"]);
        near(got * got, expected * expected, 1e-12, &about);
    }
}

fn table(case: &Value) -> RatingTable {
    let labels = case["labels"].as_u64().unwrap() as usize;
    let rows: Vec<&str> = case["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_str().unwrap())
        .collect();
    let cells: Vec<Label> = rows
        .concat()
        .chars()
        .map(|cell| cell.to_digit(10).map_or(MISSING, |label| label as Label))
        .collect();
    RatingTable::from_rows(rows[0].len(), labels, &cells).unwrap()
}

#[test]
fn alpha_on_four_levels() {
    for case in list("tables") {
        let profiles = Profiles::of(&table(case));
        let values: Vec<f64> = (1..=profiles.labels()).map(|value| value as f64).collect();
        for (name, level) in [
            ("nominal", Level::Nominal),
            ("ordinal", Level::Ordinal),
            ("interval", Level::Interval),
            ("ratio", Level::Ratio),
        ] {
            let alpha = krippendorff_alpha(&profiles, level, &values);
            same(name, &alpha, &case["alpha"][name], case);
        }
    }
}

#[test]
fn fleiss_gwet_and_brennan_prediger_with_standard_errors() {
    let mut full = 0;
    for case in list("tables") {
        let profiles = Profiles::of(&table(case));
        let labels = profiles.labels();
        let identity = AgreementWeights::identity(labels);
        for (name, model, scheme) in [
            ("fleiss", ChanceModel::Fleiss, WeightScheme::Identity),
            ("ac1", ChanceModel::Gwet, WeightScheme::Identity),
            ("ac2_linear", ChanceModel::Gwet, WeightScheme::Linear),
            ("ac2_quadratic", ChanceModel::Gwet, WeightScheme::Quadratic),
            ("ac2_ordinal", ChanceModel::Gwet, WeightScheme::Ordinal),
            (
                "brennan_prediger",
                ChanceModel::BrennanPrediger,
                WeightScheme::Identity,
            ),
        ] {
            let weights = AgreementWeights::by_place(scheme, labels).unwrap();
            let got = chance_corrected(&profiles, model, &weights);
            same(name, &got, &case[name], case);
        }
        if !case["fleiss_of_full_table"].is_null() {
            full += 1;
            let got = chance_corrected(&profiles, ChanceModel::Fleiss, &identity);
            same("statsmodels", &got, &case["fleiss_of_full_table"], case);
        }
    }
    assert!(full > 50);
}

#[test]
fn cohen_plain_and_weighted_with_standard_errors() {
    for case in list("tables") {
        let pair = PairTable::of(&table(case), 0, 1);
        assert_eq!(Some(pair.items()), case["pair"]["items"].as_u64());
        for (name, scheme) in [
            ("plain", WeightScheme::Identity),
            ("linear", WeightScheme::Linear),
            ("quadratic", WeightScheme::Quadratic),
        ] {
            let weights = AgreementWeights::by_place(scheme, pair.labels()).unwrap();
            same(name, &pair.cohen(&weights), &case["pair"][name], case);
        }
    }
}

#[test]
fn dawid_skene_posteriors_item_by_item() {
    let rounds = REFERENCE["dawid_skene_rounds"].as_u64().unwrap() as usize;
    let options = DawidSkeneOptions {
        rounds,
        tolerance: -1.0,
    };
    let mut items = 0;
    for case in list("tables")
        .iter()
        .filter(|case| !case["dawid_skene"].is_null())
    {
        let table = table(case);
        let model = dawid_skene(&table, table.weights(), options).unwrap();
        assert_eq!(model.rounds, rounds);
        for (item, expected) in case["dawid_skene"].as_array().unwrap().iter().enumerate() {
            if expected.is_null() {
                continue;
            }
            let posterior = model.posterior(table.pattern_of(item).unwrap()).unwrap();
            for (got, expected) in posterior.iter().zip(numbers(expected)) {
                near(*got, expected, 1e-6, &(item, &case["rows"]));
            }
            items += 1;
        }
    }
    assert!(items > 150, "{items}");
}

#[test]
fn intervals_and_quantiles() {
    for case in list("shares") {
        let (successes, trials) = (&case["successes"], &case["trials"]);
        let (successes, trials) = (successes.as_u64().unwrap(), trials.as_u64().unwrap());
        let confidence = case["confidence"].as_f64().unwrap();
        for (name, interval) in [
            ("wilson", wilson(successes, trials, confidence)),
            (
                "clopper_pearson",
                clopper_pearson(successes, trials, confidence),
            ),
        ] {
            let interval = interval.unwrap();
            let ends = numbers(&case[name]);
            near(interval.low, ends[0], 1e-9, case);
            near(interval.high, ends[1], 1e-9, case);
        }
    }
    for case in list("student_quantiles") {
        let numbers = numbers(case);
        assert_eq!(numbers.len(), 3);
        let got = student_quantile(numbers[0], numbers[1]).unwrap();
        near(got, numbers[2], 1e-9, case);
    }
}

#[test]
fn calibration_curves() {
    for case in list("curves") {
        let points: Vec<(f64, bool)> = case["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| (point[0].as_f64().unwrap(), point[1].as_bool().unwrap()))
            .collect();
        let isotonic = fit_isotonic(&points).unwrap();
        let logistic = fit_logistic(&points).unwrap();
        let expected = numbers(&case["isotonic"])
            .into_iter()
            .zip(numbers(&case["logistic"]));
        for (probe, (rising, curve)) in numbers(&case["probes"]).iter().zip(expected) {
            near(isotonic.probability(*probe), rising, 1e-9, &(probe, case));
            // The package stops its search at a gradient of 1e-5 or so.
            near(logistic.probability(*probe), curve, 1e-4, &(probe, case));
        }
        let stated: Vec<(f64, bool)> = points
            .iter()
            .map(|(score, right)| (isotonic.probability(*score), *right))
            .collect();
        let brier = case["brier_of_isotonic"].as_f64().unwrap();
        near(brier_score(&stated).unwrap(), brier, 1e-9, case);
        let side = |wanted: bool| -> Vec<f64> {
            let points = points.iter().filter(|(_, right)| *right == wanted);
            points.map(|(score, _)| *score).collect()
        };
        let area = area_under_curve(&side(true), &side(false)).unwrap();
        near(area, case["area"].as_f64().unwrap(), 1e-9, case);
    }
}

#[test]
fn telling_words_and_diversity_of_texts() {
    for case in list("texts") {
        let texts: Vec<&str> = case["texts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap())
            .collect();
        let labels: Vec<usize> = numbers(&case["labels"])
            .iter()
            .map(|label| *label as usize)
            .collect();
        let words = telling_words(&texts, &labels, 2, 100).unwrap();
        let expected = case["z_for_label_1"].as_object().unwrap();
        // A word that goes with both labels alike tells nothing and is left out.
        let telling = |z: &&Value| z.as_f64().is_none_or(|z| z.abs() > 1e-12);
        assert_eq!(words.len(), expected.values().filter(telling).count());
        for word in &words {
            let z = expected[&word.word].as_f64().unwrap();
            let z = if word.label == 1 { z } else { -z };
            near(word.z, z, 1e-9, &word.word);
        }
        let distinct = distinct_ngrams(&texts, 2).unwrap();
        near(distinct, case["distinct_2"].as_f64().unwrap(), 1e-12, &2);
        let vectors = ngram_vectors(&texts, 2);
        let similarity = case["self_similarity"].as_f64().unwrap();
        near(vectors.self_similarity().unwrap(), similarity, 1e-9, &2);
        let vendi = vendi_of_ngrams(&vectors, 1000, Seed(1)).unwrap().value;
        near(vendi, case["vendi"].as_f64().unwrap(), 1e-8, &2);
    }
}

#[test]
fn diversity_and_main_directions_of_vectors() {
    for case in list("vectors") {
        let dimensions = case["dimensions"].as_u64().unwrap() as usize;
        let cells: Vec<f32> = numbers(&case["cells"])
            .iter()
            .map(|cell| *cell as f32)
            .collect();
        let vectors = Vectors::new(dimensions, &cells).unwrap();
        let vendi = vendi_of_vectors(&vectors, 1000, Seed(1)).unwrap().value;
        near(vendi, case["vendi"].as_f64().unwrap(), 1e-8, &dimensions);
        let map = principal_map(&vectors, 1000, Seed(1)).unwrap();
        for (got, expected) in map.explained.iter().zip(numbers(&case["explained"])) {
            near(*got, expected, 1e-9, &dimensions);
        }
        for (point, expected) in map.points.iter().zip(case["principal"].as_array().unwrap()) {
            for (got, expected) in point.iter().zip(numbers(expected)) {
                near(got.abs(), expected, 1e-7, &dimensions);
            }
        }
    }
}

#[test]
fn the_joint_of_confident_learning() {
    for case in list("noisy_labels") {
        let labels = case["labels"].as_u64().unwrap() as usize;
        let given: Vec<Label> = numbers(&case["given"])
            .iter()
            .map(|label| *label as Label)
            .collect();
        let probabilities: Vec<f64> = case["probabilities"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(numbers)
            .collect();
        let found = confident_learning(&given, labels, &probabilities, 50, 0.95, Seed(1));
        let found = found.unwrap().unwrap();
        let rows = case["joint"].as_array().unwrap();
        for (got, expected) in found.joint.iter().zip(rows) {
            for (got, expected) in got.iter().zip(numbers(expected)) {
                near(*got, expected, 1e-9, &case["given"]);
            }
        }
        assert!(found.rate.interval.unwrap().holds(found.rate.rate));
    }
}
