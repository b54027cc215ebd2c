//! `manifest.json`: what a version is made of, and from what it was made.
//!
//! No clock, no thread count and no cost stands here: those are in `run.json`. The manifest of a version
//! is a function of the recipe and the replies alone.

use std::collections::BTreeMap;

use evalwright_core::{
    Cell, ContentHash, Group, Method, ModelIdentity, Sampling, Seed, TokenUsage,
};
use serde::{Deserialize, Serialize};

use crate::error::DatasetError;
use crate::selection::SelectionRecord;

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
    /// What was mended by hand since the run that the recipe stands for, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<FixRecord>,
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
    /// The curves fitted on people's labels that the behaviour names, and the minimum that comes with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationUse>,
    /// How duplicates were found.
    pub dedup: DedupRecord,
    /// How rows were chosen: `spread`, `clusters` or `top`.
    pub take: String,
    /// Order of the rows: `shuffled` or `confidence`.
    pub order: String,
    /// What the choice of the rows left of the give-aways, and what it cost; versions of old lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionRecord>,
    /// How many candidates came, stayed and fell.
    pub funnel: Funnel,
    /// Tokens of all replies that this version uses.
    pub usage: TokenUsage,
    /// How many of the generator's replies carry each note, by the note's code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, u64>,
    /// The columns of a row before `id` and `metadata`, where the kind maps them itself; empty for statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnRecord>,
    /// Parts of a cell that were dealt out, each with how many values there were to deal. A row's own stand in its
    /// `metadata.cell`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dealt: BTreeMap<String, u64>,
    /// SHA-256 over the sorted `(file, SHA-256)` pairs of `files`.
    pub content: Option<ContentHash>,
    /// Every file of the version but this one and `run.json`.
    pub files: BTreeMap<String, FileRecord>,
    /// SHA-256 over this file's own bytes without the seal, so that a changed manifest shows. Versions published
    /// before there were seals have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<ContentHash>,
}

impl Manifest {
    /// Whether the rows have columns of their kind's own instead of those of statements.
    #[must_use]
    pub fn maps_fields(&self) -> bool {
        !self.columns.is_empty()
    }

    /// The file as it is on disk: indented, with a final newline.
    ///
    /// # Errors
    /// Never for values that JSON can hold.
    pub fn bytes(&self) -> Result<Vec<u8>, DatasetError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|source| DatasetError::Json {
            what: "the manifest",
            source,
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The seal that belongs to everything else in the manifest.
    ///
    /// # Errors
    /// As [`Manifest::bytes`].
    pub fn sealed_by(&self) -> Result<ContentHash, DatasetError> {
        let mut open = self.clone();
        open.seal = None;
        Ok(ContentHash::of(&open.bytes()?))
    }
}

/// A column of the rows of a kind that maps them itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRecord {
    /// Its name.
    pub name: String,
    /// Its JSON type as the kind's schema says: `string`, `number`, `integer`, `boolean` or `array` (of texts).
    #[serde(rename = "type")]
    pub json_type: String,
}

/// Rows that were taken out or mended by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixRecord {
    /// The version that this made.
    pub version: String,
    /// Why, in the words of who did it.
    pub reason: String,
    /// Rows of the version before that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// Rows that say something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<MendedRow>,
    /// SHA-256 of the rows as they were edited by hand; nothing where rows were only taken out, which can be done again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<ContentHash>,
}

/// A row under its two identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MendedRow {
    /// In the version before.
    pub before: String,
    /// In this one.
    pub after: String,
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
    /// What it judges: `label`, or another requirement of the kind.
    #[serde(default = "label", skip_serializing_if = "is_label")]
    pub requirement: String,
    /// How its score is read.
    pub method: Method,
    /// How many votes are counted for each candidate, where the method counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// How the judge's reasoning is drawn, where it reasons before it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Sampling>,
    /// The ends between which its probability is held, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamp: Option<[f64; 2]>,
    /// Whether it counts in `label_confidence`.
    pub counts: bool,
    /// The logistic curve that turned its log-odds into a probability.
    pub calibration: CalibrationRecord,
    /// How many of its replies carry each note, by the note's code; replies without notes are not counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, u64>,
    /// How much it mattered where the matching answer stood, where answers are shown in both orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<PositionRecord>,
}

/// The effect of an answer's position on a rater that was shown the answers in both orders.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PositionRecord {
    /// Candidates (and drawn rows) that were shown in both orders and whose probability is known in both.
    pub pairs: u64,
    /// In how many of them the likelier answer was the same in both orders.
    pub same_answer: u64,
    /// Mean P(matching answer) where it stands earlier, less where it stands later; 0 without any effect. Before
    /// calibration; the mean over both orders is what counts.
    pub shift: f64,
}

/// What raters judge in a kind with one requirement.
fn label() -> String {
    "label".to_owned()
}

fn is_label(requirement: &str) -> bool {
    requirement == "label"
}

/// The calibration file that a behaviour names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationUse {
    /// The file as the behaviour names it.
    pub file: String,
    /// The hash of what it says.
    pub sha256: ContentHash,
    /// The share of right labels that the minimum is for, where a threshold is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// The minimum that its threshold gives in place of the kind's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// What the file says, whole.
    pub content: serde_json::Value,
}

/// A calibration: a rising curve through `knots` where there are any, else
/// P = 1 / (1 + exp(−(slope · log-odds + intercept))).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRecord {
    /// Multiplies the log-odds.
    pub slope: f64,
    /// Added to the product.
    pub intercept: f64,
    /// Log-odds and probabilities of a rising curve, both rising; straight between them and level outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub knots: Vec<(f64, f64)>,
    /// `fitted` on this model, `borrowed` from another one, or `none` (slope 1, intercept 0).
    pub origin: String,
}

/// How texts that mean the same were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SemanticRecord {
    /// Cosine of two vectors from which two texts of one label are duplicates.
    pub threshold: f64,
    /// What made the vectors.
    pub embedder: ModelIdentity,
    /// Pairs of texts with different labels that are as similar as that. Both stayed.
    pub alike_across_labels: u64,
}

/// How duplicates were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DedupRecord {
    /// Layers in order: `exact`, `normalised`, `near`, `semantic`.
    pub layers: Vec<String>,
    /// The shingle of the near layer: `word 1-grams`, `character 4-grams`.
    pub shingle: Option<String>,
    /// Jaccard similarity from which two texts are near duplicates.
    pub near: Option<f64>,
    /// The semantic layer, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<SemanticRecord>,
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
    /// The rest of the cell, where the kind balances more than the label.
    #[serde(default, skip_serializing_if = "Group::is_empty")]
    pub group: Group,
    /// Rows wanted.
    pub wanted: u64,
    /// Rows published.
    pub got: u64,
    /// Candidates asked for.
    pub asked: u64,
}
