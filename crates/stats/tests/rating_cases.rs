//! The named cases of `tests/cases` about tables of ratings by any number of raters.

#![expect(
    clippy::unwrap_used,
    reason = "a case that cannot be read must fail its test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use evalwright_core::Seed;
use evalwright_stats::beta::clopper_pearson;
use evalwright_stats::chance::{
    ChanceModel, chance_corrected, chance_corrected_interval, observed_agreement,
};
use evalwright_stats::confusion::{label_scores, macro_mean};
use evalwright_stats::dawid_skene::{DawidSkeneOptions, dawid_skene};
use evalwright_stats::krippendorff::{Level, alpha_interval, krippendorff_alpha};
use evalwright_stats::majority::{Vote, majority, majority_summary};
use evalwright_stats::pair::PairTable;
use evalwright_stats::weights::{AgreementWeights, WeightScheme};
use evalwright_stats::{
    Coefficient, Label, Profiles, RatingTable, SummaryOptions, Undefined, summarise_ratings,
};
use serde_json::Value;

struct Case {
    expected: Value,
    labels: Vec<String>,
    items: Vec<String>,
    table: RatingTable,
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name)
}

fn read(name: &str) -> (Value, Vec<String>) {
    let text = fs::read_to_string(folder(name).join("case.json")).unwrap();
    let case: Value = serde_json::from_str(&text).unwrap();
    let labels = case["given"]["labels"].as_array().unwrap();
    let labels = labels
        .iter()
        .map(|label| label.as_str().unwrap().to_owned())
        .collect();
    (case["expected"].clone(), labels)
}

impl Case {
    fn new(name: &str) -> Self {
        let (expected, labels) = read(name);
        let text = fs::read_to_string(folder(name).join("ann.csv")).unwrap();
        let lines: Vec<Vec<&str>> = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect())
            .collect();
        let distinct = |field: usize| -> Vec<String> {
            let names: BTreeSet<&str> = lines.iter().map(|line| line[field]).collect();
            names.into_iter().map(str::to_owned).collect()
        };
        let (items, raters) = (distinct(0), distinct(1));
        let place = |names: &[String], name: &str| names.iter().position(|n| n == name).unwrap();
        let ratings = lines.iter().map(|line| {
            (
                place(&items, line[0]),
                place(&raters, line[1]),
                place(&labels, line[2]) as Label,
            )
        });
        let table =
            RatingTable::from_ratings(items.len(), raters.len(), labels.len(), ratings).unwrap();
        Self {
            expected,
            labels,
            items,
            table,
        }
    }

    fn profiles(&self) -> Profiles {
        Profiles::of(&self.table)
    }

    fn chance(&self, model: ChanceModel, scheme: WeightScheme) -> Coefficient {
        let weights = AgreementWeights::by_place(scheme, self.labels.len()).unwrap();
        chance_corrected(&self.profiles(), model, &weights)
    }

    /// Labels as the numbers that they spell, or 1, 2, 3, ….
    fn alpha(&self, level: Level) -> Coefficient {
        let spelt = |(place, label): (usize, &String)| label.parse().unwrap_or(place as f64 + 1.0);
        let values: Vec<f64> = self.labels.iter().enumerate().map(spelt).collect();
        krippendorff_alpha(&self.profiles(), level, &values)
    }
}

#[track_caller]
fn near(got: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (got - expected).abs() <= tolerance,
        "got {got}, expected {expected}"
    );
}

/// Value, standard error, Student interval, observed and expected agreement, all that the case gives.
#[track_caller]
fn matches(got: &Coefficient, items: u64, expected: &Value) {
    near(got.value.unwrap(), &expected["value"], 1e-6);
    near(got.standard_error.unwrap(), &expected["se"], 1e-6);
    near(got.observed.unwrap(), &expected["pa"], 1e-6);
    near(got.chance.unwrap(), &expected["pe"], 1e-6);
    let interval = got.student_interval(items, 0.95).unwrap();
    near(interval.low, &expected["ci95"][0], 1e-6);
    near(interval.high, &expected["ci95"][1], 1e-6);
}

#[test]
fn every_figure_of_every_plain_case() {
    for name in [
        "S02-prevalence-paradox",
        "S03-four-raters-three-labels",
        "S05-unequal-numbers-of-ratings",
        "S06-alpha-zero-with-one-disagreement",
        "S08-relevance-scale-levels",
        "S16-perfect-two-categories",
        "S17-chance-level-raters",
    ] {
        let case = Case::new(name);
        let (expected, profiles) = (&case.expected, case.profiles());
        let items = profiles.items();
        if let Some(count) = expected["n_items"].as_u64() {
            assert_eq!(case.table.items() as u64, count);
            assert_eq!(Some(case.table.ratings()), expected["n_ratings"].as_u64());
        }
        let observed = observed_agreement(&profiles).unwrap();
        near(observed, &expected["observed_agreement"], 1e-6);
        let nominal = case.alpha(Level::Nominal).value.unwrap();
        near(nominal, &expected["krippendorff_alpha_nominal"], 1e-6);
        let identity = WeightScheme::Identity;
        if !name.starts_with("S06") {
            let ac1 = case.chance(ChanceModel::Gwet, identity);
            matches(&ac1, items, &expected["gwet_ac1"]);
        }
        if expected.get("brennan_prediger").is_some() {
            let found = case.chance(ChanceModel::BrennanPrediger, identity);
            matches(&found, items, &expected["brennan_prediger"]);
        }
        if let Some(fleiss) = expected.get("fleiss_kappa") {
            let found = case.chance(ChanceModel::Fleiss, identity);
            near(found.value.unwrap(), &fleiss["irrCAC"], 1e-6);
        }
    }
}

#[test]
fn s01_and_s07_have_reasons_and_no_numbers() {
    let one_label = Case::new("S01-cohen-one-category");
    assert!(one_label.expected["krippendorff_alpha_nominal"]["value"].is_null());
    let alpha = one_label.alpha(Level::Nominal);
    assert_eq!(alpha.undefined, Some(Undefined::NoVariation));
    let fleiss = one_label.chance(ChanceModel::Fleiss, WeightScheme::Identity);
    assert_eq!(
        (fleiss.value, fleiss.undefined),
        (None, Some(Undefined::NoVariation))
    );
    for model in [ChanceModel::Gwet, ChanceModel::BrennanPrediger] {
        let found = one_label.chance(model, WeightScheme::Identity);
        assert_eq!(found.value, Some(1.0));
    }
    let one_rater = Case::new("S07-single-rater");
    let summary = summarise_ratings(&one_rater.table, &options());
    assert!(summary.pairs.is_empty() && summary.observed.is_none());
    for measure in &summary.measures {
        let reason = measure.coefficient.undefined.unwrap();
        assert!(measure.coefficient.value.is_none() && measure.interval.is_none());
        assert!(reason.sentence().contains("two ratings"), "{reason:?}");
    }
    let written = serde_json::to_string(&summary).unwrap();
    assert!(!written.contains("NaN") && !written.contains("inf"));
}

fn options() -> SummaryOptions {
    SummaryOptions {
        level: Level::Nominal,
        values: Vec::new(),
        draws: 300,
        confidence: 0.95,
        seed: Seed(1),
    }
}

#[test]
fn s04_ratings_and_counts_give_the_same() {
    let case = Case::new("S04-fleiss-table-or-ratings");
    let fleiss = case.chance(ChanceModel::Fleiss, WeightScheme::Identity);
    near(fleiss.value.unwrap(), &case.expected["fleiss_kappa"], 1e-6);
    let alpha = case.alpha(Level::Nominal).value.unwrap();
    near(alpha, &case.expected["krippendorff_alpha_nominal"], 1e-6);
    let text = fs::read_to_string(folder("S04-fleiss-table-or-ratings").join("counts.csv"));
    let counts: Vec<u32> = text
        .unwrap()
        .lines()
        .skip(1)
        .flat_map(|line| {
            let counts = line.split(',').skip(1);
            counts
                .map(|count| count.parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect();
    assert_eq!(Profiles::from_counts(3, &counts).unwrap(), case.profiles());
    assert!(Profiles::from_counts(3, &counts[..5]).is_err());
}

#[test]
fn s05_counts_the_items_that_alpha_uses() {
    let case = Case::new("S05-unequal-numbers-of-ratings");
    let alpha = case.alpha(Level::Nominal);
    assert_eq!(
        Some(alpha.items),
        case.expected["n_items_used_by_alpha"].as_u64()
    );
}

#[test]
fn s06_and_s08_levels_of_measurement() {
    for name in [
        "S06-alpha-zero-with-one-disagreement",
        "S08-relevance-scale-levels",
    ] {
        let case = Case::new(name);
        for (key, level) in [
            ("krippendorff_alpha_ordinal", Level::Ordinal),
            ("krippendorff_alpha_interval", Level::Interval),
            ("krippendorff_alpha_ratio", Level::Ratio),
        ] {
            if let Some(expected) = case.expected.get(key) {
                near(case.alpha(level).value.unwrap(), expected, 1e-6);
            }
        }
        for (key, scheme) in [
            ("gwet_ac2_linear", WeightScheme::Linear),
            ("gwet_ac2_quadratic", WeightScheme::Quadratic),
            ("gwet_ac2_ordinal", WeightScheme::Ordinal),
        ] {
            if let Some(expected) = case.expected.get(key) {
                let found = case.chance(ChanceModel::Gwet, scheme);
                matches(&found, case.profiles().items(), expected);
            }
        }
    }
}

#[test]
fn s06_gives_ac1_over_the_two_labels_seen() {
    // Five labels are declared, and our figure is over those; the case's own was computed over the two that occur.
    let case = Case::new("S06-alpha-zero-with-one-disagreement");
    let counts: Vec<u32> = case
        .profiles()
        .iter()
        .flat_map(|(counts, weight)| [counts[1], counts[3]].repeat(weight as usize))
        .collect();
    let seen = Profiles::from_counts(2, &counts).unwrap();
    let found = chance_corrected(&seen, ChanceModel::Gwet, &AgreementWeights::identity(2));
    matches(&found, 6, &case.expected["gwet_ac1"]);
    let declared = case.chance(ChanceModel::Gwet, WeightScheme::Identity);
    assert!(declared.value > found.value);
}

#[test]
fn s10_the_declared_order_of_labels_rules() {
    let case = Case::new("S10-weighted-kappa-numeric-order");
    let pair = PairTable::of(&case.table, 0, 1);
    for (key, scheme) in [
        ("cohen_kappa_unweighted", WeightScheme::Identity),
        ("cohen_kappa_linear", WeightScheme::Linear),
        ("cohen_kappa_quadratic", WeightScheme::Quadratic),
    ] {
        let weights = AgreementWeights::by_place(scheme, case.labels.len()).unwrap();
        let kappa = pair.cohen(&weights);
        near(kappa.value.unwrap(), &case.expected[key]["value"], 1e-6);
        if let Some(error) = case.expected[key].get("se") {
            near(kappa.standard_error.unwrap(), error, 1e-6);
        }
    }
}

#[test]
fn cohens_standard_errors() {
    for name in [
        "S02-prevalence-paradox",
        "S09-cohen-with-missing",
        "S17-chance-level-raters",
    ] {
        let case = Case::new(name);
        let identity = AgreementWeights::identity(case.labels.len());
        let kappa = PairTable::of(&case.table, 0, 1).cohen(&identity);
        near(
            kappa.value.unwrap(),
            &case.expected["cohen_kappa"]["value"],
            1e-6,
        );
        let error = &case.expected["cohen_kappa"]["se"];
        near(kappa.standard_error.unwrap(), error, 1e-6);
    }
}

#[test]
fn s11_the_model_sees_through_raters_who_always_say_yes() {
    let case = Case::new("S11-dawid-skene-two-always-yes");
    let expected = &case.expected;
    let model = dawid_skene(
        &case.table,
        case.table.weights(),
        DawidSkeneOptions::default(),
    )
    .unwrap();
    assert!(model.has_settled);
    let text = fs::read_to_string(folder("S11-dawid-skene-two-always-yes").join("truth.csv"));
    let text = text.unwrap();
    let truth: Vec<&str> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap())
        .collect();
    let mut majority_right = 0;
    for (item, name) in case.items.iter().enumerate() {
        let pattern = case.table.pattern_of(item).unwrap();
        let posterior = model.posterior(pattern).unwrap();
        near(posterior[0], &expected["posterior_yes"][name], 1e-6);
        let (label, _) = model.likeliest(pattern).unwrap();
        let label = &case.labels[usize::from(label)];
        assert_eq!(expected["dawid_skene_labels"][name], *label);
        assert_eq!(label, truth[item]);
        let vote = majority(case.table.row(item).unwrap());
        majority_right += u32::from(
            matches!(vote, Vote::Label(label) if case.labels[usize::from(label)] == truth[item]),
        );
    }
    let share = f64::from(majority_right) / case.items.len() as f64;
    near(share, &expected["accuracy"]["majority"], 1e-6);
    // r4 and r5.
    assert_eq!(model.uninformative_raters(), [3, 4]);
}

#[test]
fn s12_a_tie_is_a_result_of_its_own() {
    let case = Case::new("S12-majority-ties");
    for (item, name) in case.items.iter().enumerate() {
        let mut row = case.table.row(item).unwrap().to_vec();
        for _ in 0..4 {
            let vote = match majority(&row) {
                Vote::Label(label) => case.labels[usize::from(label)].clone(),
                Vote::Tie => "tie".to_owned(),
                Vote::Unrated => "unrated".to_owned(),
            };
            assert_eq!(case.expected["majority"][name], vote);
            row.rotate_left(1);
        }
    }
    let summary = majority_summary(&case.profiles(), 0.95);
    assert_eq!(Some(summary.ties), case.expected["ties"].as_u64());
    let alpha = case.alpha(Level::Nominal).value.unwrap();
    near(alpha, &case.expected["krippendorff_alpha_nominal"], 1e-6);
}

#[test]
fn s13_coefficients_depend_on_the_labels_offered() {
    let case = Case::new("S13-label-never-used");
    let items = case.profiles().items();
    for (key, model) in [
        ("gwet_ac1", ChanceModel::Gwet),
        ("brennan_prediger", ChanceModel::BrennanPrediger),
    ] {
        let found = case.chance(model, WeightScheme::Identity);
        matches(&found, items, &case.expected["declared_3"][key]);
        let counts: Vec<u32> = case
            .profiles()
            .iter()
            .flat_map(|(counts, weight)| counts[..2].repeat(weight as usize))
            .collect();
        let seen = Profiles::from_counts(2, &counts).unwrap();
        let found = chance_corrected(&seen, model, &AgreementWeights::identity(2));
        matches(&found, items, &case.expected["only_seen_2"][key]);
    }
    let alpha = case.alpha(Level::Nominal).value.unwrap();
    near(
        alpha,
        &case.expected["unchanged"]["krippendorff_alpha_nominal"],
        1e-6,
    );
}

#[test]
fn s14_clopper_and_pearson() {
    let text = fs::read_to_string(folder("S14-intervals-at-the-edge").join("case.json")).unwrap();
    let case: Value = serde_json::from_str(&text).unwrap();
    let expected = case["expected"]["clopper_pearson95"].as_object().unwrap();
    assert_eq!(expected.len(), 5);
    for (counts, ends) in expected {
        let (successes, trials) = counts.split_once('/').unwrap();
        let (successes, trials) = (successes.parse().unwrap(), trials.parse().unwrap());
        let interval = clopper_pearson(successes, trials, 0.95).unwrap();
        near(interval.low, &ends[0], 1e-9);
        near(interval.high, &ends[1], 1e-9);
    }
}

#[test]
fn s15_and_s18_rates_of_no_cases_are_null() {
    for name in [
        "S15-confusion-with-absent-label",
        "S18-confusion-no-positive-at-all",
    ] {
        let (expected, labels) = read(name);
        let text = fs::read_to_string(folder(name).join("pairs.csv")).unwrap();
        let place = |field: &str| labels.iter().position(|l| l == field).unwrap() as Label;
        let pairs = text.lines().skip(1).map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (place(fields[1]), place(fields[2]))
        });
        let table = PairTable::of_pairs(labels.len(), pairs);
        let rows = serde_json::to_value(table.rows()).unwrap();
        assert_eq!(rows, expected["confusion_rows_human_cols_filter"]);
        let scores = label_scores(&table, 0.95);
        for (label, scores) in labels.iter().zip(&scores) {
            let expected = &expected["per_label"][label];
            assert_eq!(Some(scores.support), expected["support"].as_u64());
            for (key, got) in [
                ("precision", scores.precision),
                ("recall", scores.recall),
                ("f1", scores.f1),
            ] {
                match got {
                    Some(got) => near(got, &expected[key], 1e-6),
                    None => assert!(expected[key].is_null(), "{label} {key}"),
                }
            }
        }
        let mean = macro_mean(&scores);
        assert_eq!(mean.labels, 2);
        if let Some(kappa) = expected.get("cohen_kappa") {
            let found = table.cohen(&AgreementWeights::identity(labels.len()));
            near(found.value.unwrap(), &kappa["value"], 1e-6);
            near(found.standard_error.unwrap(), &kappa["se"], 1e-6);
        }
    }
}

#[test]
fn s16_full_agreement_has_a_degenerate_interval() {
    let case = Case::new("S16-perfect-two-categories");
    let profiles = case.profiles();
    let alpha = alpha_interval(&profiles, Level::Nominal, &[], 1000, 0.95, Seed(1)).unwrap();
    assert_eq!((alpha.low, alpha.high), (1.0, 1.0));
    let identity = AgreementWeights::identity(2);
    for model in [
        ChanceModel::Fleiss,
        ChanceModel::Gwet,
        ChanceModel::BrennanPrediger,
    ] {
        let interval = chance_corrected_interval(&profiles, model, &identity, 500, 0.95, Seed(1));
        let interval = interval.unwrap();
        assert!((interval.low - 1.0).abs() < 1e-12 && (interval.high - 1.0).abs() < 1e-12);
    }
}

#[test]
fn s17_other_orders_and_names_give_the_same_bytes() {
    let case = Case::new("S17-chance-level-raters");
    let rows: Vec<&[Label]> = (0..case.table.items())
        .map(|item| case.table.row(item).unwrap())
        .collect();
    let table = |cells: Vec<Label>| RatingTable::from_rows(2, 2, &cells).unwrap();
    let as_read = table(rows.concat());
    let backwards = table(
        rows.iter()
            .rev()
            .flat_map(|row| row.iter())
            .copied()
            .collect(),
    );
    let written =
        |table: &RatingTable| serde_json::to_string(&summarise_ratings(table, &options())).unwrap();
    assert_eq!(written(&as_read), written(&backwards));
    let renamed = table(rows.concat().iter().map(|label| 1 - label).collect());
    let swapped = table(rows.iter().flat_map(|row| [row[1], row[0]]).collect());
    let identity = AgreementWeights::identity(2);
    let expected = &case.expected["cohen_kappa"]["value"];
    for table in [renamed, swapped] {
        let profiles = Profiles::of(&table);
        let alpha = krippendorff_alpha(&profiles, Level::Nominal, &[]);
        near(
            alpha.value.unwrap(),
            &case.expected["krippendorff_alpha_nominal"],
            1e-6,
        );
        let kappa = PairTable::of(&table, 0, 1).cohen(&identity);
        near(kappa.value.unwrap(), expected, 1e-6);
    }
}
