//! The two sides of a behaviour: an item either matches it or does not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which side of the behaviour an item was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The item shows the behaviour.
    Matching,
    /// The item shows its contrast.
    NotMatching,
}

impl Side {
    /// Both sides, in the order in which they are planned and printed.
    pub const ALL: [Self; 2] = [Self::Matching, Self::NotMatching];

    /// `matching` or `not_matching`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matching => "matching",
            Self::NotMatching => "not_matching",
        }
    }

    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Matching => Self::NotMatching,
            Self::NotMatching => Self::Matching,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
