//! A behaviour: the user's file that says what to test, how many rows, and with which models.

use std::collections::BTreeMap;

use evalwright_core::{Cell, ContentHash, DatasetName, Fields, Group, Side};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::against::Against;
use crate::calibration_file::CalibrationFile;

/// A behaviour with every default filled in. Field order is the order in the manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Behaviour {
    /// The kind's name.
    pub kind: String,
    /// The preset, `default` if the file names none.
    pub preset: String,
    /// The dataset's name: the file's own name without its ending, unless the file says another.
    pub name: DatasetName,
    /// Who shows the behaviour; empty for kinds without one: `someone who would rather hear an unpleasant truth …`.
    pub description: String,
    /// Who shows the opposite; empty for kinds without one.
    pub contrast: String,
    /// `person` or `ai-system`.
    pub subject: Subject,
    /// What the kind's own settings say, by name, with the kind's defaults filled in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Tables that the behaviour brings, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, UserTable>,
    /// Rows wanted in all; at least 2, and even where both labels are balanced.
    pub rows: u32,
    /// The run's seed.
    pub seed: u64,
    /// The licence that the rows are published under (an SPDX identifier).
    pub license: String,
    /// Few-shot examples by side; may be empty.
    pub examples: Examples,
    /// The models.
    pub models: Models,
    /// Texts that no row may repeat, beside those of this run.
    #[serde(skip_serializing_if = "Against::is_empty")]
    pub against: Against,
    /// The judges' curves, fitted on people's labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationChoice>,
    /// The slots of a version that is made again in part. No behaviour file says so, but a manifest does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldSlots>,
}

/// The slots that an earlier version asked for: all of them go out at once, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSlots {
    /// The version.
    pub version: String,
    /// The stages that may ask models; all others live on stored replies.
    pub stages: Vec<String>,
    /// By cell.
    pub cells: Vec<HeldCell>,
}

/// The slots of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCell {
    /// The cell.
    pub cell: Cell,
    /// The rest of it, where the kind balances more than the label.
    #[serde(default, skip_serializing_if = "Group::is_empty")]
    pub group: Group,
    /// How many slots it has, numbered from 0.
    pub slots: u32,
}

impl HeldSlots {
    /// The slots of a cell; none for one that the version did not have.
    #[must_use]
    pub fn of(&self, cell: Cell, group: &Group) -> u32 {
        self.cells
            .iter()
            .find(|held| held.cell == cell && held.group == *group)
            .map_or(0, |held| held.slots)
    }
}

/// `calibration` of a behaviour file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationChoice {
    /// The file as the behaviour names it, relative to the behaviour.
    pub file: String,
    /// The share of right labels wanted, where the behaviour names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// The hash of what the file says; filled in by [`Behaviour::calibrate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<ContentHash>,
    /// The minimum that its threshold gives, likewise; a manifest holds it by another name.
    #[serde(skip)]
    pub minimum: Option<f64>,
    /// What the file says, likewise. A manifest holds it in a place of its own.
    #[serde(skip)]
    pub content: Option<CalibrationFile>,
}

impl Behaviour {
    /// Takes over what the calibration file says that the behaviour names.
    ///
    /// # Errors
    /// A sentence, when the file has no threshold for the behaviour's precision.
    pub fn calibrate(&mut self, content: CalibrationFile) -> Result<(), String> {
        let Some(choice) = &mut self.calibration else {
            return Ok(());
        };
        choice.minimum = content
            .threshold(choice.precision)?
            .map(|threshold| threshold.minimum);
        choice.sha256 = Some(content.hash().map_err(|error| error.to_string())?);
        choice.content = Some(content);
        Ok(())
    }

    /// The curves that its calibration file holds, once it is read.
    #[must_use]
    pub fn fitted(&self) -> Option<&CalibrationFile> {
        self.calibration.as_ref()?.content.as_ref()
    }

    /// A behaviour of which nothing is known but what it is and what its opposite is, for rows that come from elsewhere.
    #[must_use]
    pub fn described(description: &str, contrast: &str) -> Self {
        Self {
            kind: "statement".to_owned(),
            preset: "default".to_owned(),
            name: DatasetName::default(),
            description: description.to_owned(),
            contrast: contrast.to_owned(),
            subject: Subject::Person,
            settings: BTreeMap::new(),
            tables: BTreeMap::new(),
            rows: 2,
            seed: 1,
            license: String::new(),
            examples: Examples::default(),
            models: Models {
                generator: String::new(),
                judges: Vec::new(),
            },
            calibration: None,
            against: Against::default(),
            held: None,
        }
    }

    /// The text that describes one side.
    #[must_use]
    pub fn side(&self, side: Side) -> &str {
        match side {
            Side::Matching => &self.description,
            Side::NotMatching => &self.contrast,
        }
    }
}

/// A table that a behaviour brings.
#[derive(Debug, Clone, PartialEq)]
pub struct UserTable {
    /// The file as the behaviour names it, relative to the behaviour; `None` for rows that stand in the behaviour.
    pub file: Option<String>,
    /// The rows, all with the same columns; empty until the file is read.
    pub rows: Vec<Fields>,
}

/// Rows that stand in the behaviour are written as they are; of a file, its name, number of rows and a hash.
impl Serialize for UserTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(file) = &self.file else {
            return self.rows.serialize(serializer);
        };
        let hash = ContentHash::of_json(&self.rows).map_err(serde::ser::Error::custom)?;
        let mut record = serializer.serialize_struct("UserTable", 3)?;
        record.serialize_field("file", file)?;
        record.serialize_field("rows", &self.rows.len())?;
        record.serialize_field("sha256", &hash)?;
        record.end()
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
