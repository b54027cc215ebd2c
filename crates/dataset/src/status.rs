//! What a dataset's versions are worth today: `status.json`, beside the versions.
//!
//! A version is sealed and never changes; that it should no longer be used, or goes by another name, is learned later.
//! The file is a log: every change stays, and the last one of a version counts. A version without any is published.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::beside::write_beside;
use crate::error::DatasetError;
use crate::lock::DatasetLock;

/// The file's name in the dataset's folder.
pub const STATUS_FILE: &str = "status.json";
/// The format of the file.
pub const STATUS_SCHEMA: &str = "evalwright.status/1";
const SECONDS_OF_A_DAY: u64 = 86_400;

/// What a version is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// To be looked at before anybody uses it.
    Draft,
    /// For use.
    Published,
    /// Not to be used any more.
    Dropped,
    /// To be found under another name.
    Renamed,
}

impl Status {
    /// All of them, in the order of help.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Published, Self::Dropped, Self::Renamed];

    /// The word in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Dropped => "dropped",
            Self::Renamed => "renamed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One change of one version's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusChange {
    /// The version's number.
    pub version: String,
    /// What it is from then on.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// Where it is to be found, for a renamed one: a dataset's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// When, in seconds since 1970, UTC.
    pub at_unix_seconds: u64,
}

impl StatusChange {
    /// What a reader of the version should know; nothing for a published one.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let date = utc_date(self.at_unix_seconds);
        let reason = &self.reason;
        match self.status {
            Status::Published => None,
            Status::Draft => Some(format!(
                "version {} is a draft since {date}: {reason}",
                self.version
            )),
            Status::Dropped => Some(format!(
                "version {} was DROPPED on {date} and should not be used: {reason}",
                self.version
            )),
            Status::Renamed => Some(format!(
                "version {} was renamed to {} on {date}: {reason}",
                self.version,
                self.to.as_deref().unwrap_or("another dataset")
            )),
        }
    }
}

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusLog {
    /// [`STATUS_SCHEMA`].
    pub schema: String,
    /// Every change, oldest first.
    pub changes: Vec<StatusChange>,
}

impl StatusLog {
    /// Reads the log of a dataset; an empty one where there is none.
    ///
    /// # Errors
    /// When the file cannot be read, is in a format that this program does not know, or is invalid.
    pub fn read(dataset_folder: &Path) -> Result<Self, DatasetError> {
        let path = dataset_folder.join(STATUS_FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self {
                    schema: STATUS_SCHEMA.to_owned(),
                    changes: Vec::new(),
                });
            }
            Err(source) => return Err(DatasetError::from_read(&path, source)),
        };
        let invalid = |source| DatasetError::BadStatus {
            path: path.clone(),
            source,
        };
        // The format first: a newer file would otherwise be called invalid for a field it has.
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(invalid)?;
        if let Some(found) = value.get("schema").and_then(serde_json::Value::as_str)
            && found != STATUS_SCHEMA
        {
            return Err(DatasetError::UnknownSchema {
                found: found.to_owned(),
                known: STATUS_SCHEMA,
                path,
            });
        }
        serde_json::from_value(value).map_err(invalid)
    }

    /// The log of the dataset that a version's folder stands in.
    ///
    /// # Errors
    /// As [`StatusLog::read`].
    pub fn beside(version_folder: &Path) -> Result<Self, DatasetError> {
        // A relative path of one part has an empty parent.
        let folder = std::fs::canonicalize(version_folder)
            .map_err(|source| DatasetError::from_read(version_folder, source))?;
        match folder.parent() {
            Some(dataset) => Self::read(dataset),
            None => Ok(Self::default()),
        }
    }

    /// The last change of a version; none where it never had one, and so is published.
    #[must_use]
    pub fn of(&self, version: &str) -> Option<&StatusChange> {
        self.changes
            .iter()
            .rev()
            .find(|change| change.version == version)
    }

    /// What a version is.
    #[must_use]
    pub fn status(&self, version: &str) -> Status {
        self.of(version)
            .map_or(Status::Published, |change| change.status)
    }

    /// Adds a change and writes the file.
    ///
    /// # Errors
    /// As [`write_beside`].
    pub fn add(
        &mut self,
        lock: &DatasetLock,
        dataset_folder: &Path,
        change: StatusChange,
    ) -> Result<(), DatasetError> {
        self.changes.push(change);
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|source| DatasetError::Json {
            what: "the status of versions",
            source,
        })?;
        bytes.push(b'\n');
        write_beside(lock, dataset_folder, STATUS_FILE, &bytes)?;
        Ok(())
    }
}

/// The day of a time, as `2026-11-26`, in UTC.
#[must_use]
pub fn utc_date(unix_seconds: u64) -> String {
    // Days since 0000-03-01, in eras of 400 years, so that leap days come last (Howard Hinnant, "chrono-compatible
    // low-level date algorithms").
    let days = unix_seconds / SECONDS_OF_A_DAY + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (date, month) = (
        of_year - (153 * shifted + 2) / 5 + 1,
        if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        },
    );
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_709_164_799, "2024-02-28"),
            (1_709_164_800, "2024-02-29"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(utc_date(seconds), date);
        }
    }
}
