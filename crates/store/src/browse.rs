//! Looking at what is stored: a list, or one reply with everything about it.

use evalwright_core::{ContentHash, ModelIdentity, ScoreReply, SlotFailure};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;

use crate::attempt::{StoredAttempt, attempts};
use crate::error::StoreError;
use crate::selection::{CHOSEN, Selection};
use crate::store::ReplyStore;

/// The longest summary, in characters.
const SUMMARY: usize = 200;

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// `sample` or `score`.
    pub kind: String,
    /// The model's name.
    pub model: String,
    /// `ok` or `failed`.
    pub status: String,
    /// Why a text ended: `stop` or `length`.
    pub finish: Option<String>,
    /// Tokens of the prompt; nothing for failures.
    pub prompt_tokens: Option<u64>,
    /// Tokens written or scored; nothing for failures.
    pub completion_tokens: Option<u64>,
    /// Attempts before it that failed or were sent again.
    pub attempts: u64,
    /// When it was written, in seconds since 1970.
    pub written_at: Option<u64>,
    /// The beginning of the text, the log-probabilities, or what failed.
    pub summary: String,
}

/// One reply with everything about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The key.
    pub key: String,
    /// `sample` or `score`.
    pub kind: String,
    /// The model's name.
    pub model: String,
    /// The model's identity, where it is known: stores of the first version held only its hash.
    pub identity: Option<ModelIdentity>,
    /// `ok` or `failed`; nothing where there are only attempts.
    pub status: Option<String>,
    /// What was asked.
    pub request: Value,
    /// What came back.
    pub reply: Option<Value>,
    /// The server's answer as it came; bytes that are no text are replaced.
    pub raw: Option<String>,
    /// What was tried before.
    pub attempts: Vec<StoredAttempt>,
    /// When it was written, in seconds since 1970.
    pub written_at: Option<u64>,
}

impl ReplyStore {
    /// Replies, the newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self, selection: &Selection, limit: u64) -> Result<Vec<Listed>, StoreError> {
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        let connection = self.lock();
        let mut statement = connection
            .prepare(&format!(
                "SELECT key, kind, model, status, finish, prompt_tokens, completion_tokens, written_at, \
                 (SELECT count(*) FROM attempts WHERE attempts.key = replies.key), text, reply \
                 FROM replies WHERE {CHOSEN} ORDER BY rowid DESC LIMIT {}",
                i64::try_from(limit).unwrap_or(i64::MAX)
            ))
            .map_err(failed)?;
        statement
            .query_map(selection.values(), listed)
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// How many replies a selection has.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count_of(&self, selection: &Selection) -> Result<u64, StoreError> {
        self.lock()
            .query_row(
                &format!("SELECT count(*) FROM replies WHERE {CHOSEN}"),
                selection.values(),
                |row| row.get(0).map(i64::unsigned_abs),
            )
            .map_err(|source| StoreError::from_sqlite(self.path(), source))
    }

    /// The one key that begins with these digits.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKey`] or [`StoreError::AmbiguousKey`].
    pub fn find_key(&self, prefix: &str) -> Result<ContentHash, StoreError> {
        let found: Vec<String> = self
            .lock()
            .prepare(
                "SELECT key FROM replies WHERE key >= ?1 AND key < ?1 || 'g' \
                 UNION SELECT key FROM attempts WHERE key >= ?1 AND key < ?1 || 'g' LIMIT 2",
            )
            .and_then(|mut statement| {
                statement
                    .query_map([prefix.to_lowercase()], |row| row.get(0))?
                    .collect()
            })
            .map_err(|source| StoreError::from_sqlite(self.path(), source))?;
        match found.as_slice() {
            [key] => ContentHash::parse(key),
            [] => None,
            _ => {
                return Err(StoreError::AmbiguousKey {
                    path: self.path().to_path_buf(),
                    prefix: prefix.to_owned(),
                });
            }
        }
        .ok_or_else(|| StoreError::NoSuchKey {
            path: self.path().to_path_buf(),
            prefix: prefix.to_owned(),
        })
    }

    /// Everything about the reply under a key, or about the attempts to get it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKey`] when there is neither, [`StoreError::Damaged`] when what is there is no JSON.
    pub fn show(&self, key: ContentHash) -> Result<Shown, StoreError> {
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        let connection = self.lock();
        let row = shown_row(&connection, key)
            .map_err(failed)?
            .ok_or_else(|| StoreError::NoSuchKey {
                path: self.path().to_path_buf(),
                prefix: key.to_string(),
            })?;
        let damaged = |error: serde_json::Error| StoreError::Damaged {
            path: self.path().to_path_buf(),
            key,
            problem: error.to_string(),
        };
        Ok(Shown {
            key: key.to_string(),
            kind: row.kind,
            model: row.model,
            identity: row
                .identity
                .map(|identity| serde_json::from_str(&identity))
                .transpose()
                .map_err(damaged)?,
            status: row.status,
            request: serde_json::from_str(&row.request).map_err(damaged)?,
            reply: row
                .reply
                .map(|reply| serde_json::from_str(&reply))
                .transpose()
                .map_err(damaged)?,
            raw: row
                .raw
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            attempts: attempts(&connection, key).map_err(failed)?,
            written_at: row.written_at,
        })
    }
}

struct ShownRow {
    kind: String,
    model: String,
    identity: Option<String>,
    status: Option<String>,
    request: String,
    reply: Option<String>,
    raw: Option<Vec<u8>>,
    written_at: Option<u64>,
}

/// The reply, else the last attempt.
fn shown_row(connection: &Connection, key: ContentHash) -> rusqlite::Result<Option<ShownRow>> {
    let read = |row: &Row<'_>| {
        Ok(ShownRow {
            kind: row.get(0)?,
            model: row.get(1)?,
            identity: row.get(2)?,
            status: row.get(3)?,
            request: row.get(4)?,
            reply: row.get(5)?,
            raw: row.get(6)?,
            written_at: row.get::<_, Option<i64>>(7)?.map(i64::unsigned_abs),
        })
    };
    let reply = connection
        .query_row(
            "SELECT kind, model, identity, status, request, reply, raw, written_at \
             FROM replies LEFT JOIN models ON hash = model_hash WHERE key = ?1",
            [key.to_string()],
            read,
        )
        .optional()?;
    if reply.is_some() {
        return Ok(reply);
    }
    connection
        .query_row(
            "SELECT kind, model, identity, NULL, request, NULL, NULL, written_at \
             FROM attempts LEFT JOIN models ON hash = model_hash WHERE key = ?1 ORDER BY number DESC LIMIT 1",
            [key.to_string()],
            read,
        )
        .optional()
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let count = |index| {
        row.get::<_, Option<i64>>(index)
            .map(|count| count.map(i64::unsigned_abs))
    };
    let text: Option<String> = row.get(9)?;
    let reply: String = row.get(10)?;
    Ok(Listed {
        key: row.get(0)?,
        kind: row.get(1)?,
        model: row.get(2)?,
        status: row.get(3)?,
        finish: row.get(4)?,
        prompt_tokens: count(5)?,
        completion_tokens: count(6)?,
        written_at: count(7)?,
        attempts: count(8)?.unwrap_or(0),
        summary: summary(text, &reply),
    })
}

fn summary(text: Option<String>, reply: &str) -> String {
    let whole = text.unwrap_or_else(|| {
        if let Ok(failure) = serde_json::from_str::<SlotFailure>(reply) {
            return failure.to_string();
        }
        match serde_json::from_str::<ScoreReply>(reply) {
            Ok(scored) => {
                let scores: Vec<String> = scored
                    .scores
                    .iter()
                    .map(|score| format!("{:.3}", score.log_probability))
                    .collect();
                scores.join(", ")
            }
            Err(_) => reply.to_owned(),
        }
    });
    whole.chars().take(SUMMARY).collect()
}
