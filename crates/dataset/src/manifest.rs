//! `manifest.json`: what a version is made of, and from what it was made.
//!
//! No clock, no thread count and no cost stands here: those are in `run.json`. The manifest of a version
//! is a function of the recipe and the replies alone.

use std::collections::BTreeMap;

use evalwright_core::{Cell, ContentHash, Method, ModelIdentity, Sampling, Seed, TokenUsage};
use serde::{Deserialize, Serialize};

/// The format of this file.
pub const MANIFEST_SCHEMA: &str = "evalwright.manifest/1";

/// One published version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// The program and its version.
    pub made_by: String,
    /// The dataset's name.
    pub dataset: String,
    /// `MAJOR.MINOR.PATCH`.
    pub version: String,
    /// The version before, if there is one.
    pub parent: Option<Parent>,
    /// Hash over everything that decides the rows: behaviour, kind files, models, seed, limits.
    pub recipe: ContentHash,
    /// The behaviour as it was read, with every default filled in.
    pub behaviour: serde_json::Value,
    /// The licence of the rows, as an SPDX identifier.
    pub license: String,
    /// A string no other text holds, so that a training corpus can be searched for the dataset.
    pub canary: String,
    /// The kind and its files.
    pub kind: KindRecord,
    /// The run's seed.
    pub seed: Seed,
    /// The model that wrote.
    pub generator: ModelIdentity,
    /// How it drew.
    pub sampling: Sampling,
    /// The models that judged.
    pub judges: Vec<ModelIdentity>,
    /// Each judge under each wording.
    pub raters: Vec<RaterRecord>,
    /// By judge: the curve over the log-odds of its counting raters' mean probability. A judge without one takes
    /// that mean itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mean_calibration: BTreeMap<String, CalibrationRecord>,
    /// How P(label) below which a candidate falls, and what counts as borderline (`threshold ± margin`).
    pub minimum_confidence: f64,
    /// How duplicates were found.
    pub dedup: DedupRecord,
    /// How rows were chosen: `spread` or `top`.
    pub take: String,
    /// Order of the rows: `shuffled` or `confidence`.
    pub order: String,
    /// How many candidates came, stayed and fell.
    pub funnel: Funnel,
    /// Tokens of all replies that this version uses.
    pub usage: TokenUsage,
    /// How many of the generator's replies carry each note, by the note's code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, u64>,
    /// SHA-256 over the sorted `(file, SHA-256)` pairs of `files`.
    pub content: Option<ContentHash>,
    /// Every file of the version but this one and `run.json`.
    pub files: BTreeMap<String, FileRecord>,
}

/// The version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its number.
    pub version: String,
    /// Its content hash.
    pub content: ContentHash,
}

/// A file and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Size.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: ContentHash,
}

/// The kind that made the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindRecord {
    /// Its name.
    pub name: String,
    /// The preset, `default` if none was named.
    pub preset: String,
    /// Where its files came from: `built-in` or `project`.
    pub origin: String,
    /// SHA-256 of each of its files.
    pub files: BTreeMap<String, ContentHash>,
}

/// One rater: a judge under one wording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaterRecord {
    /// `model#wording`.
    pub rater: String,
    /// The judge's model name.
    pub judge: String,
    /// The wording's name in the kind.
    pub wording: String,
    /// How its score is read.
    pub method: Method,
    /// How many votes are counted for each candidate, where the method counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// Whether it counts in `label_confidence`.
    pub counts: bool,
    /// The logistic curve that turned its log-odds into a probability.
    pub calibration: CalibrationRecord,
    /// How many of its replies carry each note, by the note's code; replies without notes are not counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, u64>,
}

/// A logistic calibration: P = 1 / (1 + exp(−(slope · log-odds + intercept))).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRecord {
    /// Multiplies the log-odds.
    pub slope: f64,
    /// Added to the product.
    pub intercept: f64,
    /// `fitted` on this model, `borrowed` from another one, or `none` (slope 1, intercept 0).
    pub origin: String,
}

/// How duplicates were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DedupRecord {
    /// Layers in order: `exact`, `normalised`, `near`.
    pub layers: Vec<String>,
    /// The shingle of the near layer: `word 1-grams`, `character 4-grams`.
    pub shingle: Option<String>,
    /// Jaccard similarity from which two texts are near duplicates.
    pub near: Option<f64>,
}

/// How many candidates came, stayed and fell. `asked = accepted + rejected + pending` always holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Funnel {
    /// Candidates (a slot without any usable reply counts as one).
    pub asked: u64,
    /// Model calls that wrote text.
    pub sample_calls: u64,
    /// Model calls that scored.
    pub score_calls: u64,
    /// Waves.
    pub waves: u32,
    /// Rows.
    pub accepted: u64,
    /// Candidates that fell.
    pub rejected: u64,
    /// Candidates not settled; 0 in a published version.
    pub pending: u64,
    /// What each stage received and let through, in order.
    pub stages: Vec<StageCount>,
    /// Rejects by reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Per cell: wanted, got.
    pub cells: Vec<CellCount>,
}

/// One stage's share of the funnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCount {
    /// The stage.
    pub stage: String,
    /// Candidates that came in.
    pub received: u64,
    /// Candidates that went on.
    pub passed: u64,
}

/// One cell's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellCount {
    /// The cell.
    pub cell: Cell,
    /// Rows wanted.
    pub wanted: u64,
    /// Rows published.
    pub got: u64,
    /// Candidates asked for.
    pub asked: u64,
}
