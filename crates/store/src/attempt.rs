//! Attempts: requests that brought no reply, and may bring one when they are sent again.
//!
//! They are a record for people. Nothing is ever read from them in place of a reply.

use evalwright_core::{
    ContentHash, ModelIdentity, SampleRequest, ScoreRequest, SlotFailure, TokenUsage,
};
use rusqlite::{Connection, params};
use serde::Serialize;

use crate::error::StoreError;
use crate::selection::ReplyKind;
use crate::store::{ReplyStore, Requested, remember, tokens};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// The request was sent again.
    Retried,
    /// The request was given up in this run. The next run asks again.
    Failed,
}

impl AttemptStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Failed => "failed",
        }
    }
}

/// One attempt on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended.
    pub status: AttemptStatus,
    /// A sentence about it, without any secret.
    pub detail: String,
    /// What it took, as far as is known.
    pub usage: TokenUsage,
}

impl Attempt {
    /// A request that was given up.
    #[must_use]
    pub(crate) fn given_up(failure: &SlotFailure) -> Self {
        Self {
            status: AttemptStatus::Failed,
            detail: failure.to_string(),
            usage: TokenUsage::default(),
        }
    }
}

/// An attempt as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredAttempt {
    /// Its number among those of one key, from 1.
    pub number: u64,
    /// How it ended: `retried` or `failed`.
    pub status: String,
    /// A sentence about it.
    pub detail: String,
    /// Tokens of the prompt that it took.
    pub prompt_tokens: u64,
    /// Tokens that were written.
    pub completion_tokens: u64,
    /// When, in seconds since 1970.
    pub written_at: Option<u64>,
}

const INSERT: &str = "INSERT INTO attempts \
    (key, kind, model, model_hash, number, status, detail, prompt_tokens, completion_tokens, request, written_at) \
    VALUES (?1, ?2, ?3, ?4, (SELECT 1 + coalesce(max(number), 0) FROM attempts WHERE key = ?1), \
    ?5, ?6, ?7, ?8, ?9, ?10)";
const SELECT: &str = "SELECT number, status, detail, prompt_tokens, completion_tokens, written_at \
    FROM attempts WHERE key = ?1 ORDER BY number";

impl ReplyStore {
    /// Keeps a record of an attempt to get a text.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_text_attempt(
        &self,
        key: ContentHash,
        request: &SampleRequest,
        model: &ModelIdentity,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        self.put_attempt(key, request, model, attempt)
    }

    /// Keeps a record of an attempt to get scores.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_score_attempt(
        &self,
        key: ContentHash,
        request: &ScoreRequest,
        model: &ModelIdentity,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        self.put_attempt(key, request, model, attempt)
    }

    /// The attempts under a key, in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn attempts(&self, key: ContentHash) -> Result<Vec<StoredAttempt>, StoreError> {
        attempts(&self.lock(), key).map_err(|source| StoreError::from_sqlite(self.path(), source))
    }

    fn put_attempt<Request: Requested>(
        &self,
        key: ContentHash,
        request: &Request,
        model: &ModelIdentity,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let request =
                serde_json::to_string(request).map_err(|source| self.unwritable(key, source))?;
            remember(transaction, model)
                .and_then(|_| {
                    insert(
                        transaction,
                        key,
                        Request::KIND,
                        &request,
                        model,
                        attempt,
                        self.now(),
                    )
                })
                .map_err(|source| StoreError::from_sqlite(self.path(), source))
        })
    }
}

pub(crate) fn insert(
    connection: &Connection,
    key: ContentHash,
    kind: ReplyKind,
    request: &str,
    model: &ModelIdentity,
    attempt: &Attempt,
    now: Option<i64>,
) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(INSERT)?.execute(params![
        key.to_string(),
        kind,
        model.name,
        model.hash().to_string(),
        attempt.status.as_str(),
        attempt.detail,
        tokens(attempt.usage.prompt_tokens),
        tokens(attempt.usage.completion_tokens),
        request,
        now,
    ])?;
    Ok(())
}

pub(crate) fn attempts(
    connection: &Connection,
    key: ContentHash,
) -> Result<Vec<StoredAttempt>, rusqlite::Error> {
    connection
        .prepare_cached(SELECT)?
        .query_map([key.to_string()], |row| {
            let number = |index| row.get(index).map(i64::unsigned_abs);
            Ok(StoredAttempt {
                number: number(0)?,
                status: row.get(1)?,
                detail: row.get(2)?,
                prompt_tokens: number(3)?,
                completion_tokens: number(4)?,
                written_at: row.get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
            })
        })?
        .collect()
}
