//! The sentence encoder against an independent computation in 32-bit floats (`tests/python/sentence_reference.py`),
//! and against itself: a text's vector is the same to the last bit whatever stands beside it.

#![expect(
    clippy::unwrap_used,
    reason = "a reference that cannot be read must fail its test"
)]

mod support;

use evalwright_core::{Embedder, Interrupt, ModelError};
use evalwright_local::{DIMENSIONS, SentenceEncoder};
use proptest::prelude::*;
use serde::Deserialize;
use support::encoder::{ENCODER, one_worker, open, three_workers};

/// How far the cosine of two of our vectors may be from that of the reference's, and how far our vector may be
/// turned from the reference's: 1 less their cosine.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Reference {
    sha256: String,
    texts: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    text: String,
    tokens: Vec<u32>,
    millionths: Vec<i32>,
}

fn reference() -> Reference {
    let reference: Reference =
        serde_json::from_str(include_str!("fixtures/sentences.json")).unwrap();
    assert!(reference.texts.len() >= 20);
    reference
}

fn vectors(encoder: &SentenceEncoder, texts: &[String]) -> Vec<Vec<f32>> {
    encoder.embed(texts, &Interrupt::default()).unwrap()
}

fn bits(vector: &[f32]) -> Vec<u32> {
    vector.iter().map(|number| number.to_bits()).collect()
}

fn cosine(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

#[test]
fn the_reference_is_of_the_pinned_weights() {
    let pinned = evalwright_models::weights::model_by_name(ENCODER).unwrap();
    assert_eq!(reference().sha256, pinned.file.sha256);
}

#[test]
fn token_ids_are_equal() {
    for entry in reference().texts {
        assert_eq!(
            one_worker().tokens(&entry.text).unwrap(),
            entry.tokens,
            "{:?}",
            entry.text
        );
    }
}

#[test]
fn a_control_token_written_out_is_text() {
    let encoder = one_worker();
    let tokens = encoder.tokens("a [SEP] b [CLS][MASK]").unwrap();
    assert_eq!(
        tokens.iter().filter(|id| **id == 102).count(),
        1,
        "{tokens:?}"
    );
    assert_eq!(
        tokens.iter().filter(|id| **id == 101).count(),
        1,
        "{tokens:?}"
    );
    assert!(!tokens.contains(&103), "{tokens:?}");
}

#[test]
fn vectors_and_their_cosines_are_those_of_the_reference() {
    let reference = reference();
    let texts: Vec<String> = reference
        .texts
        .iter()
        .map(|entry| entry.text.clone())
        .collect();
    let ours: Vec<Vec<f64>> = vectors(three_workers(), &texts)
        .into_iter()
        .map(|vector| vector.into_iter().map(f64::from).collect())
        .collect();
    let theirs: Vec<Vec<f64>> = reference
        .texts
        .iter()
        .map(|entry| {
            entry
                .millionths
                .iter()
                .map(|n| f64::from(*n) / 1e6)
                .collect()
        })
        .collect();
    let (mut component, mut turned, mut apart) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (place, (our, their)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(our.len(), DIMENSIONS);
        assert!((cosine(our, our) - 1.0).abs() < 1e-6, "length 1");
        turned = turned.max((1.0 - cosine(our, their) / cosine(their, their).sqrt()).abs());
        for (o, t) in our.iter().zip(their) {
            component = component.max((o - t).abs());
        }
        for other in 0..place {
            let difference = cosine(our, &ours[other]) - cosine(their, &theirs[other]);
            apart = apart.max(difference.abs());
        }
    }
    eprintln!(
        "largest differences from the reference: {component:.1e} in a component, {turned:.1e} in direction (1 - \
         cosine), {apart:.1e} in the cosine of two texts"
    );
    assert!(turned <= TOLERANCE && apart <= TOLERANCE);
    assert!(component < 1e-4);
}

#[test]
fn a_vector_is_the_same_in_any_company_and_with_any_number_of_workers() {
    let reference = reference();
    // Texts of very different lengths, some twice, over several passes.
    let mut texts: Vec<String> = Vec::new();
    for round in 0..4 {
        for entry in &reference.texts {
            texts.push(entry.text.clone());
            texts.push(format!("{} {round}", entry.text));
        }
    }
    let together = vectors(three_workers(), &texts);
    let by_one = vectors(one_worker(), &texts);
    let mut reversed: Vec<String> = texts.clone();
    reversed.reverse();
    let backwards = vectors(three_workers(), &reversed);
    for (place, text) in texts.iter().enumerate() {
        assert_eq!(bits(&together[place]), bits(&by_one[place]), "{text:?}");
        let mirrored = &backwards[texts.len() - 1 - place];
        assert_eq!(bits(&together[place]), bits(mirrored), "{text:?}");
    }
    for (place, text) in texts.iter().enumerate().step_by(11) {
        let alone = vectors(one_worker(), std::slice::from_ref(text));
        assert_eq!(bits(&alone[0]), bits(&together[place]), "{text:?} alone");
    }
}

#[test]
fn no_texts_give_no_vectors_and_a_stop_is_heard() {
    assert!(vectors(one_worker(), &[]).is_empty());
    let interrupt = Interrupt::default();
    interrupt.ask();
    let stopped = one_worker().embed(&["a".to_owned()], &interrupt);
    assert!(matches!(stopped, Err(ModelError::Interrupted)));
}

#[test]
fn files_that_are_not_the_model_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("short.txt"), "[PAD]\n[CLS]\n[SEP]\n[UNK]\n").unwrap();
    let right = support::encoder::weights();
    let words = right.with_file_name("vocab.txt");
    let error = open(right, &path("short.txt"), 1)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("4 different tokens"), "{error}");
    let error = open(right, &path("none.txt"), 1).err().unwrap().to_string();
    assert!(error.contains("cannot read"), "{error}");
    // Without `[SEP]` there is no end.
    let text = std::fs::read_to_string(&words).unwrap();
    std::fs::write(path("words.txt"), text.replacen("[SEP]\n", "[NONE]\n", 1)).unwrap();
    let error = open(right, &path("words.txt"), 1)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("no `[SEP]`"), "{error}");

    let one = ["a".to_owned()];
    let whole = std::fs::read(right).unwrap();
    let mut damaged: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("text", b"no weights".to_vec()),
        ("cut", whole[..whole.len() / 2].to_vec()),
        (
            "long header",
            [u64::MAX.to_le_bytes().to_vec(), whole[8..100].to_vec()].concat(),
        ),
    ];
    // A tensor of the same length under another name.
    let header = String::from_utf8_lossy(&whole[..20_000]).into_owned();
    let at = header.find("encoder.layer.3.output.dense.bias").unwrap();
    let mut renamed = whole.clone();
    renamed[at + 14] = b'9';
    damaged.push(("renamed", renamed));
    for (name, bytes) in damaged {
        std::fs::write(path("weights"), bytes).unwrap();
        let encoder = open(&path("weights"), &words, 1).unwrap();
        let error = encoder.embed(&one, &Interrupt::default()).unwrap_err();
        assert!(
            matches!(error, ModelError::Engine { .. }),
            "{name}: {error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_has_a_vector(text in "\\PC{0,60}|[\\x00-\\x7f]{0,60}|(.|\\n){0,30}") {
        let tokens = one_worker().tokens(&text).unwrap();
        prop_assert!((2..=256).contains(&tokens.len()));
        let found = vectors(one_worker(), &[text]);
        let length: f64 = found[0].iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        prop_assert!((length - 1.0).abs() < 1e-6);
    }
}
