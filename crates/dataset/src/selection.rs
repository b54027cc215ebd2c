//! What the manifest tells about the choice of the rows: what it left of the give-aways, and what it cost.

use evalwright_core::ModelIdentity;
use serde::{Deserialize, Serialize};

/// How rows were chosen among the candidates that were good enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectionRecord {
    /// What was made even between the labels: `length`, `wording`; may be empty.
    pub balance: Vec<String>,
    /// Rows were to be given up until the length-only area was at most this far from one half on either side
    /// (0.55: from 0.45 to 0.55).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ceiling: Option<f64>,
    /// Rows given up for it, over all cells.
    #[serde(default)]
    pub given_up: u64,
    /// How the probabilities of several requirements became the score that candidates are ranked by; absent
    /// with one requirement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub combine: Option<String>,
    /// All candidates that were good enough.
    pub candidates: ChoiceFigures,
    /// What would have been chosen with nothing made even; absent if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unbalanced: Option<ChoiceFigures>,
    /// What was chosen.
    pub chosen: ChoiceFigures,
    /// The clusters that the rows were spread over, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<ClusterRecord>,
    /// How the rows were dealt into parts, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitRecord>,
}

/// What can be said about a set of candidates without understanding any.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChoiceFigures {
    /// How many there are.
    pub rows: u64,
    /// Mean P(intended label); null of nothing.
    pub mean_confidence: Option<f64>,
    /// How well the number of words alone tells the labels apart: area under the curve, above 0.5 where matching
    /// texts are longer; null without texts of both labels.
    pub length_area: Option<f64>,
    /// The same for the number of characters.
    pub character_area: Option<f64>,
    /// Share of labels that a guesser finds from the words alone (naive Bayes, five-fold cross-validation, both
    /// labels weighing the same), 0.5 for chance; null with fewer than five texts of a label.
    pub wording_accuracy: Option<f64>,
    /// The same for a guesser that learned from the good candidates that are not in the set: a choice can make
    /// its own words even and leave what words mean elsewhere. Null with fewer than five texts of a label on
    /// either side.
    pub wording_accuracy_outside: Option<f64>,
}

/// Clusters of candidates that the rows were spread over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// What makes two texts alike: `meaning` or `words`.
    pub by: String,
    /// What made the vectors, for clusters of meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedder: Option<ModelIdentity>,
    /// Entropy of the good candidates over the clusters, over the most there can be: 1 where all are equally full; null
    /// for a single cluster.
    pub evenness_of_candidates: Option<f64>,
    /// The same of the rows.
    pub evenness_of_rows: Option<f64>,
    /// The clusters, the largest first.
    pub clusters: Vec<ClusterCount>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCount {
    /// Good candidates in it.
    pub candidates: u64,
    /// Rows for the label *matching*.
    pub matching: u64,
    /// Rows for the label *not matching*.
    pub not_matching: u64,
    /// The words that tell it from the others, the strongest first.
    pub words: Vec<String>,
}

/// Rows dealt into parts so that near-duplicates share one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// The parts; the last, `train`, takes the rest.
    pub parts: Vec<PartRecord>,
    /// Jaccard similarity of word sets from which rows share a part.
    pub near: f64,
    /// Clusters of such rows, those of one row counted.
    pub clusters: u64,
    /// Rows of the largest cluster.
    pub largest_cluster: u64,
    /// Rows that the parts before the last lack of their share, over all cells, because no cluster may be cut.
    pub missing: u64,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Its name.
    pub name: String,
    /// Its share of the rows; absent for the part that takes the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Rows that it has.
    pub rows: u64,
}
