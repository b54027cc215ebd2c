//! The cases under `tests/cases/dedup`: each reads its items and what must come out from the case's files.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its case must fail"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use evalwright_dedup::{
    Form, Item, Layer, Layers, Near, Outcome, Shingle, compose, find_duplicates, fold, jaccard,
    normalise,
};
use serde_json::Value;

struct Case {
    expected: Value,
    rows: Vec<Value>,
    folder: PathBuf,
}

impl Case {
    fn load(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases/dedup")
            .join(name);
        let case: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("case.json")).unwrap())
                .unwrap();
        let rows = std::fs::read_to_string(folder.join("items.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        Self {
            expected: case["expected"].clone(),
            rows,
            folder,
        }
    }

    fn texts(&self) -> Vec<&str> {
        self.rows
            .iter()
            .map(|row| row.as_str().or_else(|| row["text"].as_str()).unwrap())
            .collect()
    }

    fn find(&self, layers: Layers) -> Outcome {
        let ids: Vec<String> = (0..self.rows.len())
            .map(|index| format!("{index:03}"))
            .collect();
        let items: Vec<Item<'_>> = self
            .texts()
            .into_iter()
            .zip(&self.rows)
            .zip(&ids)
            .map(|((text, row), id)| Item {
                id,
                text,
                label: u32::from(row["label"] == "No"),
                priority: row["p"].as_f64().unwrap_or(0.0),
            })
            .collect();
        find_duplicates(&items, &layers).unwrap()
    }
}

const EXACT: Layers = Layers {
    exact: true,
    normalised: false,
    near: None,
    form: Form::Sentence,
};

fn all(threshold: f64, shingle: Shingle) -> Layers {
    Layers {
        exact: true,
        normalised: true,
        near: Some(Near { threshold, shingle }),
        form: Form::Sentence,
    }
}

/// The clusters of an outcome without conflicts, each with its survivor.
fn clusters(outcome: &Outcome) -> BTreeSet<BTreeSet<usize>> {
    outcome
        .kept
        .iter()
        .map(|&kept| {
            let dropped = outcome.dropped.iter().filter(|dropped| dropped.of == kept);
            dropped.map(|dropped| dropped.index).chain([kept]).collect()
        })
        .collect()
}

fn check_similarities(case: &Case, numbers: &Value, shingle: Shingle, tolerance: f64) {
    let texts = case.texts();
    for (pair, wanted) in numbers.as_object().unwrap() {
        let (left, right) = pair.split_once('-').unwrap();
        let (left, right): (usize, usize) = (left.parse().unwrap(), right.parse().unwrap());
        let found = jaccard(texts[left], texts[right], shingle);
        assert!(
            (found - wanted.as_f64().unwrap()).abs() <= tolerance,
            "{pair} {shingle}: {found}"
        );
    }
}

#[test]
fn n01_shorter_than_the_shingle() {
    let case = Case::load("N01-shorter-than-the-shingle");
    let shingle = Shingle::Words(5);
    assert_eq!(
        Some(shingle.to_string().as_str()),
        case.expected["shingle"].as_str()
    );
    let outcome = case.find(all(0.5, shingle));
    let texts = case.texts();
    let kept: Vec<&str> = outcome.kept.iter().map(|&index| texts[index]).collect();
    let wanted: Vec<&str> = case.expected["kept"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    assert_eq!(kept, wanted);
    assert_eq!(
        Some(outcome.dropped.len() as u64),
        case.expected["dropped_exact"].as_u64()
    );
    assert_eq!(outcome.dropped[0].layer, Layer::Exact);
    assert_eq!(
        Some(outcome.empty.len() as u64),
        case.expected["empty"].as_u64()
    );
}

fn keeps_all(name: &str) {
    let case = Case::load(name);
    for shingle in [
        Shingle::Words(1),
        Shingle::Words(5),
        Shingle::Characters(1),
        Shingle::Characters(4),
    ] {
        let outcome = case.find(all(0.7, shingle));
        assert_eq!(
            Some(outcome.kept.len() as u64),
            case.expected["kept"].as_u64(),
            "{shingle}"
        );
        assert_eq!(
            Some(outcome.dropped.len() as u64),
            case.expected["dropped"].as_u64()
        );
    }
}

#[test]
fn n02_normaliser_erases_script() {
    keeps_all("N02-normaliser-erases-script");
}

#[test]
fn n03_one_number_differs() {
    let case = Case::load("N03-one-number-differs");
    let tolerance = case.expected["tolerance"].as_f64().unwrap();
    let shingles = [
        ("word1", Shingle::Words(1)),
        ("word2", Shingle::Words(2)),
        ("char5", Shingle::Characters(5)),
    ];
    let mut compared = 0;
    for (pair, numbers) in case.expected["exact_jaccard"].as_object().unwrap() {
        for (name, shingle) in shingles {
            let one = serde_json::json!({ pair.as_str(): numbers[name] });
            check_similarities(&case, &one, shingle, tolerance);
            compared += 1;
        }
    }
    assert_eq!(compared, 30);
    // "clusters {0,1,2} and {3,4}", in the case's words; character 5-grams at 0.5 give the same ones.
    assert_eq!(
        case.expected["dup_at"]["word1>=0.6"],
        "clusters {0,1,2} and {3,4}"
    );
    let wanted = BTreeSet::from([BTreeSet::from([0, 1, 2]), BTreeSet::from([3, 4])]);
    assert_eq!(clusters(&case.find(all(0.6, Shingle::Words(1)))), wanted);
    assert_eq!(
        clusters(&case.find(all(0.5, Shingle::Characters(5)))),
        wanted
    );
    assert_eq!(case.find(all(0.6, Shingle::Words(2))).kept.len(), 5);
}

#[test]
fn n04_case_space_nfc() {
    let case = Case::load("N04-case-space-nfc");
    let distinct = |form: fn(&str) -> String| {
        case.texts()
            .iter()
            .map(|text| form(text))
            .collect::<BTreeSet<_>>()
            .len() as u64
    };
    let wanted = |field: &str| case.expected[field].as_u64().unwrap();
    assert_eq!(
        case.find(EXACT).kept.len() as u64,
        wanted("kept_exact_bytes")
    );
    assert_eq!(distinct(compose), wanted("kept_after_nfc"));
    assert_eq!(distinct(fold), wanted("kept_after_nfc_casefold_space"));
    assert_eq!(distinct(normalise), wanted("kept_also_final_dot"));
    let layers = Layers {
        exact: true,
        normalised: true,
        near: None,
        form: Form::Sentence,
    };
    let outcome = case.find(layers);
    assert_eq!(outcome.kept.len() as u64, wanted("kept_also_final_dot"));
    assert!(
        outcome
            .dropped
            .iter()
            .all(|dropped| dropped.layer == Layer::Normalised)
    );
}

#[test]
fn n05_threshold_one() {
    let case = Case::load("N05-threshold-one");
    let parameters: Value =
        serde_json::from_str(&std::fs::read_to_string(case.folder.join("params.json")).unwrap())
            .unwrap();
    let near = Near {
        threshold: parameters["threshold"].as_f64().unwrap(),
        shingle: Shingle::Words(1),
    };
    let outcome = case.find(Layers {
        exact: false,
        normalised: false,
        near: Some(near),
        form: Form::Sentence,
    });
    assert_eq!(
        Some(outcome.kept.len() as u64),
        case.expected["kept"].as_u64()
    );
    assert_eq!(outcome.dropped[0].layer, Layer::Near);
}

#[test]
fn n06_same_text_other_label() {
    let case = Case::load("N06-same-text-other-label");
    let outcome = case.find(Layers {
        exact: true,
        normalised: true,
        near: None,
        form: Form::Sentence,
    });
    assert!(outcome.kept.is_empty(), "first wins silently");
    assert_eq!(outcome.dropped.len(), 3);
    for dropped in &outcome.dropped {
        assert!(dropped.conflict);
        assert_ne!(
            case.rows[dropped.index]["label"],
            case.rows[dropped.of]["label"]
        );
    }
    // The same bytes are the closest other label there is.
    let conflict = &case.expected["conflicts"][0];
    let (first, second) = (&case.rows[0], &case.rows[outcome.dropped[0].of]);
    assert_eq!(
        [&first["text"], &first["label"], &second["label"]],
        [&conflict[0], &conflict[1], &conflict[2]]
    );
    assert_eq!(
        outcome
            .dropped
            .iter()
            .map(|dropped| dropped.layer)
            .collect::<Vec<_>>(),
        [Layer::Exact, Layer::Exact, Layer::Normalised]
    );
}

#[test]
fn n07_chain_of_near_duplicates() {
    let case = Case::load("N07-chain-of-near-duplicates");
    let tolerance = case.expected["tolerance"].as_f64().unwrap();
    let numbers = &case.expected["exact_jaccard_word1"];
    check_similarities(&case, numbers, Shingle::Words(1), tolerance);
    for (field, linked) in [("linked", true), ("not_linked", false)] {
        for pair in case.expected["at_0.8"][field].as_array().unwrap() {
            let similarity = numbers[pair.as_str().unwrap()].as_f64().unwrap();
            assert_eq!(similarity >= 0.8, linked, "{pair}");
        }
    }
    // Clusters are transitive: one of the chain stays. Without its links nothing falls.
    let outcome = case.find(all(0.8, Shingle::Words(1)));
    assert_eq!(clusters(&outcome), BTreeSet::from([(0..5).collect()]));
    let ends = outcome
        .dropped
        .iter()
        .find(|dropped| dropped.index == 4)
        .unwrap();
    assert!((ends.similarity - numbers["0-4"].as_f64().unwrap()).abs() <= tolerance);
    assert_eq!(case.find(all(0.9, Shingle::Words(1))).kept.len(), 5);
}

#[test]
fn n08_emoji_and_punctuation_only() {
    keeps_all("N08-emoji-and-punctuation-only");
}
