//! Dataset names: one safe path segment each.
//!
//! Lower-case ASCII letters, digits, `-`, `_` and `.`; so no name leaves its folder, and no two names
//! fall together on a file system that folds case or composes accents.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A dataset's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetName(String);

/// A name that cannot be a folder.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "dataset name {name:?} {problem}; use 1 to 100 lower-case letters, digits, `-`, `_` or `.`, starting with a letter or digit"
)]
pub struct NameError {
    /// The name as written.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Names that one operating system or another keeps for devices.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com1", "lpt1"];

impl DatasetName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, too long, holds any other character, starts with a sign, ends with a dot, or is
    /// reserved by an operating system.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let refuse = |problem: String| NameError {
            name: name.to_owned(),
            problem,
        };
        if name.is_empty() {
            return Err(refuse("is empty".to_owned()));
        }
        if name.len() > 100 {
            return Err(refuse(format!("is {} bytes long", name.len())));
        }
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
            return Err(refuse(format!("holds {bad:?}")));
        }
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(refuse("does not start with a letter or digit".to_owned()));
        }
        if name.ends_with('.') || name.contains("..") {
            return Err(refuse("holds `..` or ends with a dot".to_owned()));
        }
        let stem = name.split('.').next().unwrap_or(name);
        if RESERVED.contains(&stem) {
            return Err(refuse("is reserved by an operating system".to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of what has none: `unnamed`.
impl Default for DatasetName {
    fn default() -> Self {
        Self("unnamed".to_owned())
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for DatasetName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name)
    }
}

impl From<DatasetName> for String {
    fn from(name: DatasetName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::DatasetName;
    use proptest::prelude::*;

    #[test]
    fn plain_names_pass_and_paths_do_not() {
        for good in ["a", "likes-risk", "v1.2_x", "0"] {
            assert!(DatasetName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "a/b", "..", ".", "../x", "a\\b", "A", "é", "con", "nul.txt", "a..b", "x.", "-x",
            "a b", "a\0",
        ] {
            assert!(DatasetName::new(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_name_is_one_path_segment(name in any::<String>()) {
            if let Ok(accepted) = DatasetName::new(&name) {
                let path = std::path::Path::new("out").join(accepted.as_str());
                prop_assert_eq!(path.parent(), Some(std::path::Path::new("out")));
            }
        }
    }
}
