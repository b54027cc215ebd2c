//! Cells and slots: what is planned before anything is asked.

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

/// The name of one planned model call; its seed follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotName {
    /// The stage's name, unique within a kind.
    pub stage: String,
    /// The cell that the slot serves.
    pub cell: Cell,
    /// Counts from 0 within (stage, cell).
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
        write!(formatter, "{}/{}/{:06}", self.stage, self.cell, self.index)
    }
}
