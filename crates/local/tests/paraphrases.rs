//! What a cosine of the encoder's vectors is worth: statements said again without sharing a run of three words, other
//! statements on the same topic, and opposites. All pairs are of our own wording.
//!
//! The figures that this test prints are those that the documents state; it fails when they no longer hold.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be read must fail its test"
)]

mod support;

use std::collections::BTreeSet;

use evalwright_core::{Embedder, Interrupt};
use serde::Deserialize;
use support::encoder::three_workers;

/// The threshold that the documents recommend.
const RECOMMENDED: f64 = 0.75;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// The same with much the same words in another order and form.
    Reworded,
    /// The same said in other words.
    Paraphrase,
    /// The opposite, as a rule in nearly the same words.
    Opposite,
    /// Another statement on the topic.
    SameTopic,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    kind: Kind,
    left: String,
    right: String,
}

fn pairs() -> Vec<Pair> {
    include_str!("fixtures/paraphrases.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All runs of three words, without regard to case and punctuation.
fn runs(text: &str) -> BTreeSet<Vec<String>> {
    let words: Vec<String> = text
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.windows(3).map(<[String]>::to_vec).collect()
}

fn cosines(pairs: &[Pair]) -> Vec<f64> {
    let texts: Vec<String> = pairs
        .iter()
        .flat_map(|pair| [pair.left.clone(), pair.right.clone()])
        .collect();
    let vectors = three_workers()
        .embed(&texts, &Interrupt::default())
        .unwrap();
    vectors
        .chunks_exact(2)
        .map(|pair| {
            let products = pair[0].iter().zip(&pair[1]);
            products.map(|(l, r)| f64::from(*l) * f64::from(*r)).sum()
        })
        .collect()
}

#[test]
fn the_pairs_are_what_they_are_said_to_be() {
    let pairs = pairs();
    let count = |kind| pairs.iter().filter(|pair| pair.kind == kind).count();
    assert!(count(Kind::Reworded) >= 60 && count(Kind::Paraphrase) >= 60);
    assert!(count(Kind::Opposite) + count(Kind::SameTopic) >= 60);
    let mut seen = BTreeSet::new();
    for pair in &pairs {
        assert!(
            seen.insert((&pair.left, &pair.right)),
            "{pair:?} stands twice"
        );
        assert_ne!(pair.left, pair.right);
        if matches!(pair.kind, Kind::Reworded | Kind::Paraphrase) {
            let (left, right) = (runs(&pair.left), runs(&pair.right));
            let shared: Vec<_> = left.intersection(&right).collect();
            assert!(shared.is_empty(), "{pair:?} shares {shared:?}");
        }
    }
}

#[test]
fn precision_and_recall_over_thresholds() {
    let pairs = pairs();
    let cosines = cosines(&pairs);
    let above = |kind: Kind, threshold: f64| {
        let of_kind = pairs
            .iter()
            .zip(&cosines)
            .filter(|(pair, _)| pair.kind == kind);
        let (mut found, mut all) = (0_u32, 0_u32);
        for (_, cosine) in of_kind {
            all += 1;
            found += u32::from(*cosine >= threshold);
        }
        (f64::from(found), f64::from(all))
    };
    eprintln!(
        "threshold  reworded  paraphrases  same topic  opposites  precision within a label  recall"
    );
    for step in 8..20 {
        let threshold = f64::from(step) / 20.0;
        let (reworded, all_reworded) = above(Kind::Reworded, threshold);
        let (paraphrases, all_paraphrases) = above(Kind::Paraphrase, threshold);
        let (topics, all_topics) = above(Kind::SameTopic, threshold);
        let (opposites, all_opposites) = above(Kind::Opposite, threshold);
        // Opposites have different labels, so within one label they are no pair.
        let found = reworded + paraphrases;
        eprintln!(
            "{threshold:9.2}  {reworded:5}/{all_reworded}  {paraphrases:8}/{all_paraphrases}  \
             {topics:7}/{all_topics}  {opposites:6}/{all_opposites}  {:24.3}  {:6.3}",
            found / (found + topics),
            found / (all_reworded + all_paraphrases)
        );
    }
    let (reworded, all_reworded) = above(Kind::Reworded, RECOMMENDED);
    let (topics, _) = above(Kind::SameTopic, RECOMMENDED);
    assert!(topics < 0.5, "other statements count as the same");
    assert!(reworded / all_reworded >= 0.8, "{reworded} are found");
    // What the documents warn of: no threshold tells a sentence from its opposite.
    let (opposites, all_opposites) = above(Kind::Opposite, RECOMMENDED);
    assert!(opposites / all_opposites > 0.8, "{opposites} are alike");
}
