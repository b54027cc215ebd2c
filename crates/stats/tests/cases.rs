//! The named cases of `tests/cases`: tables of ratings and the values that reference packages give for them.

#![expect(
    clippy::unwrap_used,
    reason = "a case that cannot be read must fail its test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use evalwright_core::Seed;
use evalwright_stats::{agreement_share, bootstrap_interval, cohen_kappa, gwet_ac1, wilson};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name)
}

fn case(name: &str) -> Value {
    let text = fs::read_to_string(folder(name).join("case.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn declared(case: &Value) -> Vec<String> {
    let labels = case["given"]["labels"].as_array().unwrap();
    labels
        .iter()
        .map(|label| label.as_str().unwrap().to_owned())
        .collect()
}

/// The items that both raters labelled, in the order of their names.
fn pairs(name: &str, labels: &[String], first: &str, second: &str) -> Vec<(u32, u32)> {
    let text = fs::read_to_string(folder(name).join("ann.csv")).unwrap();
    let mut items: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let label = labels.iter().position(|label| label == fields[2]).unwrap();
        items
            .entry(fields[0])
            .or_default()
            .insert(fields[1], u32::try_from(label).unwrap());
    }
    items
        .values()
        .filter_map(|item| Some((*item.get(first)?, *item.get(second)?)))
        .collect()
}

/// `pairs.csv`: an item, a human's label and a filter's.
fn table_pairs(name: &str, labels: &[String]) -> Vec<(u32, u32)> {
    let text = fs::read_to_string(folder(name).join("pairs.csv")).unwrap();
    let place = |field: &str| {
        u32::try_from(labels.iter().position(|label| label == field).unwrap()).unwrap()
    };
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (place(fields[1]), place(fields[2]))
        })
        .collect()
}

fn near(got: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (got - expected).abs() <= tolerance,
        "got {got}, expected {expected}"
    );
}

#[test]
fn s01_one_category_is_undefined_with_a_reason_beside_raw_agreement_and_ac1() {
    let case = case("S01-cohen-one-category");
    let labels = declared(&case);
    let pairs = pairs("S01-cohen-one-category", &labels, "r1", "r2");
    let kappa = cohen_kappa(&pairs, 2).unwrap();
    assert!(case["expected"]["cohen_kappa"]["value"].is_null());
    assert_eq!(kappa.kappa, None);
    assert!(
        kappa.undefined.clone().unwrap().contains("0/0"),
        "{kappa:?}"
    );
    near(kappa.raw, &case["expected"]["observed_agreement"], 1e-6);
    near(
        gwet_ac1(&pairs, 2).unwrap(),
        &case["expected"]["gwet_ac1_with_2_declared_categories"],
        1e-6,
    );
    // Written as null, never as NaN.
    let written = serde_json::to_value(&kappa).unwrap();
    assert!(written["kappa"].is_null());
}

#[test]
fn s02_prevalence_paradox() {
    let case = case("S02-prevalence-paradox");
    let labels = declared(&case);
    let pairs = pairs("S02-prevalence-paradox", &labels, "r1", "r2");
    let expected = &case["expected"];
    let kappa = cohen_kappa(&pairs, 2).unwrap();
    near(
        kappa.kappa.unwrap(),
        &expected["cohen_kappa"]["value"],
        1e-6,
    );
    near(kappa.raw, &expected["observed_agreement"], 1e-6);
    near(
        gwet_ac1(&pairs, 2).unwrap(),
        &expected["gwet_ac1"]["value"],
        1e-6,
    );
    assert_eq!(Some(kappa.n), expected["n_items"].as_u64());
    // The skew that the case asks to be flagged: 92 both Yes, 0 both No.
    assert!((kappa.prevalence_index.unwrap() - 0.92).abs() < 1e-12);
    assert!(kappa.bias_index.unwrap().abs() < 1e-12);
}

#[test]
fn s09_items_that_one_rater_left_out_are_not_pairs() {
    let case = case("S09-cohen-with-missing");
    let labels = declared(&case);
    let pairs = pairs("S09-cohen-with-missing", &labels, "r1", "r2");
    let kappa = cohen_kappa(&pairs, 2).unwrap();
    assert_eq!(Some(kappa.n), case["expected"]["n_pairs"].as_u64());
    near(
        kappa.kappa.unwrap(),
        &case["expected"]["cohen_kappa"]["value"],
        1e-6,
    );
}

#[test]
fn s13_ac1_depends_on_the_labels_offered_and_kappa_does_not() {
    let case = case("S13-label-never-used");
    let labels = declared(&case);
    let pairs = pairs("S13-label-never-used", &labels, "r1", "r2");
    let expected = &case["expected"];
    near(
        gwet_ac1(&pairs, 3).unwrap(),
        &expected["declared_3"]["gwet_ac1"]["value"],
        1e-6,
    );
    near(
        gwet_ac1(&pairs, 2).unwrap(),
        &expected["only_seen_2"]["gwet_ac1"]["value"],
        1e-6,
    );
    for labels in [2, 3] {
        let kappa = cohen_kappa(&pairs, labels).unwrap();
        near(
            kappa.kappa.unwrap(),
            &expected["unchanged"]["cohen_kappa"],
            1e-6,
        );
    }
    assert_eq!(cohen_kappa(&pairs, 3).unwrap().prevalence_index, None);
}

#[test]
fn s14_intervals_keep_a_width_at_the_edges() {
    let case = case("S14-intervals-at-the-edge");
    let expected = case["expected"]["wilson95"].as_object().unwrap();
    assert_eq!(expected.len(), 5);
    for (counts, ends) in expected {
        let (successes, trials) = counts.split_once('/').unwrap();
        let interval = wilson(successes.parse().unwrap(), trials.parse().unwrap(), 0.95).unwrap();
        near(interval.low, &ends[0], 1e-9);
        near(interval.high, &ends[1], 1e-9);
    }
}

#[test]
fn s15_and_s18_tables_of_a_human_and_a_filter() {
    for name in [
        "S15-confusion-with-absent-label",
        "S18-confusion-no-positive-at-all",
    ] {
        let case = case(name);
        let labels = declared(&case);
        let pairs = table_pairs(name, &labels);
        near(
            agreement_share(&pairs).unwrap(),
            &case["expected"]["accuracy"],
            1e-6,
        );
        let kappa = cohen_kappa(&pairs, u32::try_from(labels.len()).unwrap()).unwrap();
        if let Some(expected) = case["expected"].get("cohen_kappa") {
            near(kappa.kappa.unwrap(), &expected["value"], 1e-6);
        }
    }
}

#[test]
fn s16_full_agreement_on_two_labels_is_exactly_one() {
    let case = case("S16-perfect-two-categories");
    let labels = declared(&case);
    for (first, second) in [("r1", "r2"), ("r1", "r3"), ("r2", "r3")] {
        let pairs = pairs("S16-perfect-two-categories", &labels, first, second);
        let kappa = cohen_kappa(&pairs, 2).unwrap();
        assert_eq!(kappa.kappa, Some(1.0));
        assert_eq!(Some(kappa.n), case["expected"]["n_items"].as_u64());
        near(
            gwet_ac1(&pairs, 2).unwrap(),
            &case["expected"]["gwet_ac1"]["value"],
            1e-12,
        );
        near(kappa.raw, &case["expected"]["observed_agreement"], 1e-12);
        // Degenerate as [1, 1], never NaN: draws of a single label have no kappa and are left out.
        let interval = bootstrap_interval(pairs.len(), 1000, 0.95, Seed(1), |items| {
            let drawn: Vec<(u32, u32)> = items.iter().map(|item| pairs[*item]).collect();
            cohen_kappa(&drawn, 2)?.kappa
        })
        .unwrap();
        assert_eq!((interval.low, interval.high), (1.0, 1.0));
    }
}

#[test]
fn s17_chance_level_raters_in_any_order_under_any_names() {
    let case = case("S17-chance-level-raters");
    let labels = declared(&case);
    let expected = &case["expected"];
    let forward = pairs("S17-chance-level-raters", &labels, "r1", "r2");
    let mut turned: Vec<String> = labels.clone();
    turned.reverse();
    let renamed = pairs("S17-chance-level-raters", &turned, "r1", "r2");
    let swapped = pairs("S17-chance-level-raters", &labels, "r2", "r1");
    let reversed: Vec<(u32, u32)> = forward.iter().rev().copied().collect();
    for pairs in [forward, renamed, swapped, reversed] {
        let kappa = cohen_kappa(&pairs, 2).unwrap();
        assert_eq!(Some(kappa.n), expected["n_items"].as_u64());
        near(
            kappa.kappa.unwrap(),
            &expected["cohen_kappa"]["value"],
            1e-6,
        );
        near(kappa.raw, &expected["observed_agreement"], 1e-6);
        near(
            gwet_ac1(&pairs, 2).unwrap(),
            &expected["gwet_ac1"]["value"],
            1e-6,
        );
    }
}
