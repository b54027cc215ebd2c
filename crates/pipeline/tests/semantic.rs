//! The semantic layer: what means the same falls within a side, stays across sides, and each text's vector is
//! made once.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use evalwright_core::{
    ContentHash, Embedder, Interrupt, Model, ModelError, ModelIdentity, RejectReason, Side,
    scale_to_unit_length,
};
use evalwright_pipeline::{Outcome, PipelineError, RunPlan, Silent, recipe_hash, run};
use evalwright_recipe::{LoadedKind, Reference};
use evalwright_store::ReplyStore;
use support::{FakeModel, KIND, TempStore, behaviour, bytes, folder, kind, load};

const THRESHOLD: f64 = 0.9;

/// Texts about the same thing point nearly the same way; what they say of it turns them a little.
struct FakeEmbedder {
    identity: ModelIdentity,
    made: Mutex<BTreeMap<String, u32>>,
    /// Vectors left out of each answer.
    missing: usize,
    /// Asks for a stop after so many calls.
    calls_until_stop: AtomicUsize,
}

impl FakeEmbedder {
    fn new() -> Self {
        Self {
            identity: ModelIdentity {
                name: "fake/embedder".to_owned(),
                weights: None,
                engine: "fake 1".to_owned(),
                precision: "exact".to_owned(),
                chat_template: None,
            },
            made: Mutex::default(),
            missing: 0,
            calls_until_stop: AtomicUsize::new(usize::MAX),
        }
    }
}

/// The second and third word from the end of the verb: what a text is about.
fn thing(text: &str) -> String {
    let words: Vec<&str> = text.trim_end_matches('.').split(' ').skip(2).collect();
    words
        .iter()
        .take(1)
        .map(|word| (*word).to_owned())
        .collect()
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; 64];
    let place = ContentHash::of(thing(text).as_bytes()).leading_u64() % 48;
    vector[place as usize] = 1.0;
    let turn = ContentHash::of(text.as_bytes()).leading_u64();
    vector[48 + (turn % 16) as usize] = 0.1;
    assert!(scale_to_unit_length(&mut vector));
    vector
}

impl Embedder for FakeEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn embed(&self, texts: &[String], interrupt: &Interrupt) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut made = self.made.lock().unwrap();
        for text in texts {
            *made.entry(text.clone()).or_default() += 1;
        }
        if self.calls_until_stop.fetch_sub(1, Ordering::SeqCst) == 1 {
            interrupt.ask();
        }
        let kept = texts.len() - self.missing;
        Ok(texts.iter().take(kept).map(|text| vector(text)).collect())
    }
}

fn semantic_kind() -> LoadedKind {
    let text = KIND.replace(
        "shingle = \"word-1\"\n",
        &format!("shingle = \"word-1\"\nsemantic = {THRESHOLD}\n"),
    );
    assert_ne!(text, KIND);
    load(&folder(&text), "default")
}

fn go(
    kind: &LoadedKind,
    embedder: Option<&dyn Embedder>,
    store: &ReplyStore,
) -> Result<Outcome, PipelineError> {
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let behaviour = behaviour(16);
    let plan = RunPlan {
        behaviour: &behaviour,
        kind,
        generator: &writer,
        judges: &judges,
        embedder,
        limit: None,
    };
    run(&plan, store, &Interrupt::default(), &Silent)
}

fn cosine(left: &str, right: &str) -> f64 {
    let (left, right) = (vector(left), vector(right));
    let products = left.iter().zip(&right);
    products.map(|(l, r)| f64::from(*l) * f64::from(*r)).sum()
}

#[test]
fn what_means_the_same_falls_within_a_side_and_stays_across_sides() {
    let embedder = FakeEmbedder::new();
    let outcome = go(&semantic_kind(), Some(&embedder), &TempStore::new().store).unwrap();
    assert_eq!(outcome.rows.len(), 16);
    for (place, row) in outcome.rows.iter().enumerate() {
        for other in &outcome.rows[..place] {
            if row.metadata.label == other.metadata.label {
                assert!(cosine(&row.statement, &other.statement) < THRESHOLD);
            }
        }
    }
    let mut texts: BTreeMap<&str, (&str, Side)> = BTreeMap::new();
    for row in &outcome.rows {
        texts.insert(
            &row.metadata.candidate,
            (&row.statement, row.metadata.label),
        );
    }
    for reject in &outcome.rejects {
        let candidate = &reject.candidate;
        texts.insert(&candidate.id, (&candidate.text, candidate.slot.cell.label));
    }
    let mut semantic = 0;
    for reject in &outcome.rejects {
        if let RejectReason::Duplicate {
            of,
            layer,
            similarity,
        } = &reject.reason
            && layer == "semantic"
        {
            semantic += 1;
            let (text, side) = texts[of.as_str()];
            assert_eq!(side, reject.candidate.slot.cell.label, "never across sides");
            assert!(*similarity >= THRESHOLD);
            assert!((cosine(text, &reject.candidate.text) - similarity).abs() < 1e-6);
        }
    }
    assert!(semantic > 3, "{semantic} fell");
    let record = outcome.manifest.dedup;
    assert_eq!(record.layers, ["exact", "normalised", "near", "semantic"]);
    let found = record.semantic.unwrap();
    assert_eq!(found.embedder, embedder.identity);
    assert!(
        found.alike_across_labels > 0,
        "nothing is settled in silence"
    );
}

#[test]
fn a_vector_is_made_once_and_kept() {
    let temporary = TempStore::new();
    let (kind, embedder) = (semantic_kind(), FakeEmbedder::new());
    let first = go(&kind, Some(&embedder), &temporary.store).unwrap();
    let made = embedder.made.lock().unwrap().clone();
    assert!(
        made.len() > 20 && made.values().all(|times| *times == 1),
        "{made:?}"
    );
    let again = FakeEmbedder::new();
    let second = go(&kind, Some(&again), &temporary.store).unwrap();
    assert!(
        again.made.lock().unwrap().is_empty(),
        "all are in the store"
    );
    assert_eq!(bytes(&first), bytes(&second));
}

#[test]
fn a_stopped_run_goes_on_and_gives_the_same() {
    let kind = semantic_kind();
    let whole = go(&kind, Some(&FakeEmbedder::new()), &TempStore::new().store).unwrap();
    let temporary = TempStore::new();
    let stopping = FakeEmbedder::new();
    stopping.calls_until_stop.store(1, Ordering::SeqCst);
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let behaviour = behaviour(16);
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: Some(&stopping),
        limit: None,
    };
    let stopped = run(&plan, &temporary.store, &Interrupt::default(), &Silent);
    if let Err(error) = &stopped {
        assert!(matches!(error, PipelineError::Interrupted), "{error}");
    }
    let before: BTreeSet<String> = stopping.made.lock().unwrap().keys().cloned().collect();
    let resumed = FakeEmbedder::new();
    let outcome = go(&kind, Some(&resumed), &temporary.store).unwrap();
    assert_eq!(bytes(&outcome), bytes(&whole));
    let after: BTreeSet<String> = resumed.made.lock().unwrap().keys().cloned().collect();
    assert!(
        !before.is_empty() && before.is_disjoint(&after),
        "none is made twice"
    );
}

#[test]
fn a_kind_with_the_layer_needs_an_embedder_and_one_without_takes_no_notice() {
    let error = go(&semantic_kind(), None, &TempStore::new().store).unwrap_err();
    assert!(matches!(error, PipelineError::NoEmbedder), "{error}");
    let embedder = FakeEmbedder::new();
    let with = go(&kind(), Some(&embedder), &TempStore::new().store).unwrap();
    let without = go(&kind(), None, &TempStore::new().store).unwrap();
    assert_eq!(bytes(&with), bytes(&without));
    assert!(embedder.made.lock().unwrap().is_empty());
    assert!(with.manifest.dedup.semantic.is_none());
}

#[test]
fn the_recipe_names_the_embedder_where_it_decides() {
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let behaviour = behaviour(16);
    let hash = |kind: &LoadedKind, embedder: Option<&dyn Embedder>| {
        recipe_hash(&RunPlan {
            behaviour: &behaviour,
            kind,
            generator: &writer,
            judges: &judges,
            embedder,
            limit: None,
        })
        .unwrap()
    };
    let one = FakeEmbedder::new();
    let mut other = FakeEmbedder::new();
    other.identity.engine.push('2');
    let semantic = semantic_kind();
    assert_ne!(hash(&semantic, Some(&one)), hash(&semantic, Some(&other)));
    assert_eq!(hash(&kind(), Some(&one)), hash(&kind(), None));
}

#[test]
fn a_broken_embedder_is_found_out() {
    let mut embedder = FakeEmbedder::new();
    embedder.missing = 1;
    let error = go(&semantic_kind(), Some(&embedder), &TempStore::new().store).unwrap_err();
    assert!(error.to_string().contains("vectors for"), "{error}");
}

/// A kind whose rows are spread over clusters of meaning, and that drops nothing for what it means.
fn clustered_kind(clusters: &str) -> LoadedKind {
    let text = KIND.replace(
        "take = \"spread\"\n",
        &format!("take = \"clusters\"\nclusters = {clusters}\n"),
    );
    assert_ne!(text, KIND);
    load(&folder(&text), "default")
}

#[test]
fn rows_are_spread_over_clusters_of_meaning() {
    let embedder = FakeEmbedder::new();
    let temporary = TempStore::new();
    let kind = clustered_kind("4");
    let outcome = go(&kind, Some(&embedder), &temporary.store).unwrap();
    let record = outcome
        .manifest
        .selection
        .clone()
        .unwrap()
        .clusters
        .unwrap();
    assert_eq!(record.by, "meaning");
    assert_eq!(record.embedder.unwrap().name, "fake/embedder");
    assert!(record.clusters.len() > 1 && record.clusters.len() <= 4);
    let rows: u64 = record
        .clusters
        .iter()
        .map(|one| one.matching + one.not_matching)
        .sum();
    assert_eq!(rows, outcome.rows.len() as u64);
    // Clusters take turns, so rows lie more evenly over them than candidates.
    let (rows, candidates) = (record.evenness_of_rows, record.evenness_of_candidates);
    assert!(
        rows.unwrap() >= candidates.unwrap() - 1e-9,
        "{rows:?} {candidates:?}"
    );
    let sizes: Vec<u64> = record.clusters.iter().map(|one| one.candidates).collect();
    assert!(sizes.is_sorted_by(|one, next| one >= next), "{sizes:?}");

    // The same vectors from the store give the same bytes, and nothing is made again.
    let again = go(&kind, Some(&embedder), &temporary.store).unwrap();
    assert_eq!(bytes(&again), bytes(&outcome));
    assert!(
        embedder
            .made
            .lock()
            .unwrap()
            .values()
            .all(|times| *times == 1)
    );
    // Another number of clusters is another recipe.
    let other = go(
        &clustered_kind("\"meaning\""),
        Some(&embedder),
        &temporary.store,
    )
    .unwrap();
    assert_ne!(other.manifest.recipe, outcome.manifest.recipe);
    assert!(matches!(
        go(&kind, None, &temporary.store),
        Err(PipelineError::NoEmbedder)
    ));
    // Clusters of words need no vectors, and are told as well.
    let lexical = go(
        &clustered_kind("{ by = \"words\", count = 3 }"),
        None,
        &temporary.store,
    )
    .unwrap();
    let record = lexical.manifest.selection.unwrap().clusters.unwrap();
    assert_eq!((record.by.as_str(), record.embedder), ("words", None));
    assert!(record.clusters.len() <= 3);
}

#[test]
fn what_says_the_same_as_a_reference_falls() {
    let temporary = TempStore::new();
    let kind = semantic_kind();
    let (writer, judge) = (FakeModel::new("writer"), FakeModel::new("judge"));
    let judges: [&dyn Model; 1] = [&judge];
    let embedder = FakeEmbedder::new();
    let mut behaviour = behaviour(16);
    let first = go(&kind, Some(&embedder), &temporary.store).unwrap();
    // A text that no layer but the semantic one would find: it has one word of a row, the one that it is about.
    let about = thing(&first.rows[0].statement);
    let said = format!("Never mind {about} whatsoever");
    behaviour.against.texts.push(Reference {
        place: "old.jsonl:7".to_owned(),
        text: said,
    });
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: Some(&embedder),
        limit: None,
    };
    let outcome = run(&plan, &temporary.store, &Interrupt::default(), &Silent).unwrap();
    let fell: Vec<&str> = outcome
        .rejects
        .iter()
        .filter(|reject| {
            matches!(&reject.reason, RejectReason::Duplicate { of, layer, .. } if of == "old.jsonl:7" && layer == "semantic")
        })
        .map(|reject| reject.candidate.text.as_str())
        .collect();
    assert!(!fell.is_empty());
    assert!(fell.iter().all(|text| thing(text) == about), "{fell:?}");
    assert!(
        outcome
            .rows
            .iter()
            .all(|row| thing(&row.statement) != about)
    );
}
