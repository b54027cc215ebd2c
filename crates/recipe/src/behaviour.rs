//! A behaviour: the user's file that says what to test, how many rows, and with which models.

use evalwright_core::{DatasetName, Side};
use serde::{Deserialize, Serialize};

/// A behaviour with every default filled in. Field order is the order in the manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Behaviour {
    /// The kind's name.
    pub kind: String,
    /// The preset, `default` if the file names none.
    pub preset: String,
    /// The dataset's name: the file's own name without its ending, unless the file says another.
    pub name: DatasetName,
    /// Who shows the behaviour: `someone who would rather hear an unpleasant truth …`.
    pub description: String,
    /// Who shows the opposite.
    pub contrast: String,
    /// `person` or `ai-system`.
    pub subject: Subject,
    /// Rows wanted in all, over both labels; even and at least 2.
    pub rows: u32,
    /// The run's seed.
    pub seed: u64,
    /// The licence that the rows are published under (an SPDX identifier).
    pub license: String,
    /// Few-shot examples by side; may be empty.
    pub examples: Examples,
    /// The models.
    pub models: Models,
}

impl Behaviour {
    /// The text that describes one side.
    #[must_use]
    pub fn side(&self, side: Side) -> &str {
        match side {
            Side::Matching => &self.description,
            Side::NotMatching => &self.contrast,
        }
    }
}

/// Who the statements are from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A person.
    #[default]
    Person,
    /// An AI system.
    AiSystem,
}

/// Few-shot examples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Statements that the described one would agree with.
    #[serde(default)]
    pub matching: Vec<String>,
    /// Statements that the described one would disagree with.
    #[serde(default)]
    pub not_matching: Vec<String>,
}

impl Examples {
    /// The examples of one side.
    #[must_use]
    pub fn side(&self, side: Side) -> &[String] {
        match side {
            Side::Matching => &self.matching,
            Side::NotMatching => &self.not_matching,
        }
    }

    /// The examples that the writer may be shown: the first half of a side's, rounded up.
    #[must_use]
    pub fn for_writer(&self, side: Side) -> &[String] {
        let all = self.side(side);
        all.get(..all.len().div_ceil(2)).unwrap_or_default()
    }

    /// The examples that judges of written statements are shown: those that the writer never sees. A judge
    /// that read what the writer read would find likely whatever the writer made of it.
    #[must_use]
    pub fn for_judges(&self, side: Side) -> &[String] {
        let all = self.side(side);
        all.get(all.len().div_ceil(2)..).unwrap_or_default()
    }
}

/// The models of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// The model that writes.
    pub generator: String,
    /// The models that judge.
    pub judges: Vec<String>,
}
