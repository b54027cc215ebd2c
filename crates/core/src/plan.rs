//! Cells and slots: what is planned before anything is asked.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::answer::Side;
use crate::seed::Seed;

/// One combination of what a dataset holds balanced. Today: the side the item is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// The side of the behaviour.
    pub label: Side,
}

impl Cell {
    /// All cells in planning order.
    pub const ALL: [Self; 2] = [
        Self {
            label: Side::Matching,
        },
        Self {
            label: Side::NotMatching,
        },
    ];
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "label={}", self.label)
    }
}

/// The part of a cell beside its label: `occupation` and `nurse`, `letter` and `A`. Empty for kinds that hold the
/// label alone balanced. Keys stand in alphabetical order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Group(pub BTreeMap<String, String>);

impl Group {
    /// Whether the label alone is held balanced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Group {
    /// `letter=A,topic=travel`; nothing for an empty one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}

/// The name of one planned model call; its seed follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotName {
    /// The stage's name, unique within a kind.
    pub stage: String,
    /// The cell that the slot serves.
    pub cell: Cell,
    /// The rest of the cell, where the kind balances more than the label. Kinds without a label plan everything
    /// on the matching side.
    #[serde(default, skip_serializing_if = "Group::is_empty")]
    pub group: Group,
    /// Counts from 0 within (stage, cell, group).
    pub index: u32,
}

impl SlotName {
    /// The slot's own seed: a function of the run's seed and this name alone.
    #[must_use]
    pub fn seed(&self, run: Seed) -> Seed {
        run.derive(&format!("slot {self}"))
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.stage, self.cell)?;
        if !self.group.is_empty() {
            write!(formatter, ",{}", self.group)?;
        }
        write!(formatter, "/{:06}", self.index)
    }
}
