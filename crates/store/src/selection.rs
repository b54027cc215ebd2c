//! Which replies are meant: one selection for listing, exporting and pruning.

use std::fmt;

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;
use serde::Serialize;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyKind {
    /// A text.
    Sample,
    /// Log-probabilities.
    Score,
}

impl ReplyKind {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Score => "score",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Sample, Self::Score]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for ReplyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl ToSql for ReplyKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyStatus {
    /// A text or log-probabilities.
    Ok,
    /// A failure that asking again would bring again.
    Failed,
}

impl ReplyStatus {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ok, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl fmt::Display for ReplyStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A choice among the stored replies. What is left out chooses all; what is said must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The beginning of the key, in hexadecimal digits.
    pub key: Option<String>,
    /// What was asked for.
    pub kind: Option<ReplyKind>,
    /// The model's whole name.
    pub model: Option<String>,
    /// Failures alone.
    pub failed: bool,
    /// Texts that the token limit has cut alone.
    pub cut: bool,
    /// Replies written before this moment, in seconds since 1970. One without a time is not meant.
    pub written_before: Option<u64>,
}

/// The condition on the table `replies`, for [`Selection::values`].
pub(crate) const CHOSEN: &str = "(?1 IS NULL OR (key >= ?1 AND key < ?1 || 'g')) \
     AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR model = ?3) \
     AND (NOT ?4 OR status = 'failed') AND (NOT ?5 OR finish = 'length') \
     AND (?6 IS NULL OR written_at < ?6)";

/// The same on the table `attempts`: they have all failed, whatever ?4 says, and no text of theirs was cut.
pub(crate) const CHOSEN_ATTEMPTS: &str = "(?1 IS NULL OR (key >= ?1 AND key < ?1 || 'g')) \
     AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR model = ?3) \
     AND (?4 OR NOT ?4) AND NOT ?5 AND (?6 IS NULL OR written_at < ?6)";

impl Selection {
    /// Whether it chooses all. Every key begins with no digits at all.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let Self {
            key,
            kind,
            model,
            failed,
            cut,
            written_before,
        } = self;
        key.as_ref().is_none_or(String::is_empty)
            && kind.is_none()
            && model.is_none()
            && !failed
            && !cut
            && written_before.is_none()
    }

    /// The values of the numbered places in [`CHOSEN`].
    pub(crate) fn values(&self) -> impl rusqlite::Params {
        let before = self
            .written_before
            .map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        (
            self.key.as_ref().map(|key| key.to_lowercase()),
            self.kind,
            self.model.clone(),
            self.failed,
            self.cut,
            before,
        )
    }
}
