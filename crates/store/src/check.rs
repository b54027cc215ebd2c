//! Checking a store: the file by itself, and every reply against its key.

use evalwright_core::{
    ContentHash, ModelIdentity, SampleRequest, ScoreReply, ScoreRequest, SlotFailure, TextReply,
};
use rusqlite::Row;
use serde::Serialize;

use crate::embedding::{embedding_key, numbers};
use crate::error::StoreError;
use crate::key::{sample_key, score_key};
use crate::selection::{ReplyKind, ReplyStatus};
use crate::store::ReplyStore;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Replies that were looked at.
    pub replies: u64,
    /// Of these, replies whose model is known by its hash alone (the first version of the store kept no more),
    /// so that the key could not be computed again.
    pub without_identity: u64,
    /// A sentence for everything that is wrong.
    pub problems: Vec<String>,
}

impl ReplyStore {
    /// Reads everything: the file's own structure, and of each reply and each vector that it can be read and stands
    /// under the key of its model and request or text.
    ///
    /// # Errors
    /// When the file cannot be read to the end.
    pub fn check(&self) -> Result<Checked, StoreError> {
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        let connection = self.lock();
        let mut checked = Checked::default();
        let mut statement = connection
            .prepare("PRAGMA integrity_check")
            .map_err(failed)?;
        let structure: Vec<String> = statement
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(failed)?;
        checked
            .problems
            .extend(structure.into_iter().filter(|line| line != "ok"));
        let mut statement = connection
            .prepare(
                "SELECT key, kind, status, request, reply, model_hash, identity \
                 FROM replies LEFT JOIN models ON hash = model_hash ORDER BY key",
            )
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let reply = StoredReply::read(row).map_err(failed)?;
            checked.replies += 1;
            if reply.identity.is_none() {
                checked.without_identity += 1;
            }
            if let Err(problem) = reply.check() {
                checked
                    .problems
                    .push(format!("the reply under key {}: {problem}", reply.key));
            }
        }
        let mut statement = connection
            .prepare(
                "SELECT key, text, vector, identity \
                 FROM embeddings LEFT JOIN models ON hash = model_hash ORDER BY key",
            )
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let key: String = row.get(0).map_err(failed)?;
            if let Err(problem) = check_embedding(row, &key).map_err(failed)? {
                checked
                    .problems
                    .push(format!("the vector under key {key}: {problem}"));
            }
        }
        Ok(checked)
    }
}

/// What is wrong with a row of `embeddings`.
fn check_embedding(row: &Row<'_>, key: &str) -> rusqlite::Result<Result<(), String>> {
    let (text, vector): (String, Vec<u8>) = (row.get(1)?, row.get(2)?);
    let identity: Option<String> = row.get(3)?;
    if numbers(&vector).is_none() {
        return Ok(Err("it is no vector of finite numbers".to_owned()));
    }
    let Some(identity) = identity else {
        return Ok(Err("its model is not known".to_owned()));
    };
    Ok(parsed::<ModelIdentity>(&identity).and_then(|model| {
        let right = embedding_key(&model, &text).to_string();
        if right == key {
            Ok(())
        } else {
            Err(format!("its model and text have the key {right}"))
        }
    }))
}

struct StoredReply {
    key: String,
    kind: String,
    status: String,
    request: String,
    reply: String,
    model_hash: String,
    identity: Option<String>,
}

impl StoredReply {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            kind: row.get(1)?,
            status: row.get(2)?,
            request: row.get(3)?,
            reply: row.get(4)?,
            model_hash: row.get(5)?,
            identity: row.get(6)?,
        })
    }

    fn check(&self) -> Result<(), String> {
        let kind =
            ReplyKind::parse(&self.kind).ok_or_else(|| format!("unknown kind {:?}", self.kind))?;
        let status = ReplyStatus::parse(&self.status)
            .ok_or_else(|| format!("unknown status {:?}", self.status))?;
        match (status, kind) {
            (ReplyStatus::Failed, _) => readable::<SlotFailure>(&self.reply)?,
            (ReplyStatus::Ok, ReplyKind::Sample) => readable::<TextReply>(&self.reply)?,
            (ReplyStatus::Ok, ReplyKind::Score) => readable::<ScoreReply>(&self.reply)?,
        }
        let Some(identity) = &self.identity else {
            return Ok(());
        };
        let model: ModelIdentity = parsed(identity)?;
        if model.hash().to_string() != self.model_hash {
            return Err("its model is not the one of its hash".to_owned());
        }
        let key: ContentHash = match kind {
            ReplyKind::Sample => sample_key(&model, &parsed::<SampleRequest>(&self.request)?),
            ReplyKind::Score => score_key(&model, &parsed::<ScoreRequest>(&self.request)?),
        };
        if key.to_string() == self.key {
            Ok(())
        } else {
            Err(format!("its model and request have the key {key}"))
        }
    }
}

fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| format!("cannot be read: {error}"))
}

fn readable<T: serde::de::DeserializeOwned>(json: &str) -> Result<(), String> {
    parsed::<T>(json).map(|_| ())
}
