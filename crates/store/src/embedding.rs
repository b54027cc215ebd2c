//! Vectors of texts: a table of their own, because they are many small numbers and no text to look at.
//!
//! Invariant: what is under a key is the first vector that came for it, bit for bit. A second one is not taken, also
//! when it differs: a server need not give the same vector twice.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, ModelIdentity};
use rusqlite::{OptionalExtension, params};

use crate::error::StoreError;
use crate::selection::Selection;
use crate::store::{ReplyStore, remember};

const INSERT: &str = "INSERT INTO embeddings (key, model, model_hash, text, vector, written_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key) DO NOTHING";
const SELECT: &str = "SELECT vector FROM embeddings WHERE key = ?1";

/// The condition on the table `embeddings`, for `Selection::values`: a vector is no reply of a kind, has not
/// failed and was not cut.
pub(crate) const CHOSEN_EMBEDDINGS: &str = "(?1 IS NULL OR (key >= ?1 AND key < ?1 || 'g')) \
    AND ?2 IS NULL AND (?3 IS NULL OR model = ?3) AND NOT ?4 AND NOT ?5 \
    AND (?6 IS NULL OR written_at < ?6)";

/// The key of the vector that a model gives a text.
#[must_use]
pub fn embedding_key(model: &ModelIdentity, text: &str) -> ContentHash {
    ContentHash::of_parts(&["embedding", &model.hash().to_string(), text])
}

impl ReplyStore {
    /// The vectors under keys; a key without one is left out.
    ///
    /// # Errors
    /// When the file cannot be read, or what is under a key is no vector.
    pub fn embeddings(
        &self,
        keys: &[ContentHash],
    ) -> Result<BTreeMap<ContentHash, Vec<f32>>, StoreError> {
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        let connection = self.lock();
        let mut statement = connection.prepare_cached(SELECT).map_err(failed)?;
        let mut found = BTreeMap::new();
        for key in keys {
            let bytes: Option<Vec<u8>> = statement
                .query_row([key.to_string()], |row| row.get(0))
                .optional()
                .map_err(failed)?;
            if let Some(bytes) = bytes {
                let vector = numbers(&bytes).ok_or_else(|| StoreError::Damaged {
                    path: self.path().to_path_buf(),
                    key: *key,
                    problem: "it is no vector of finite numbers".to_owned(),
                })?;
                found.insert(*key, vector);
            }
        }
        Ok(found)
    }

    /// Stores the vectors of a model's texts in one transaction. A text that has one already keeps it.
    ///
    /// # Errors
    /// [`StoreError::NotStorable`] for a vector that is empty or holds a number that is not finite, before
    /// anything is written; and whatever the disk has to say.
    pub fn put_embeddings(
        &self,
        model: &ModelIdentity,
        vectors: &[(&str, Vec<f32>)],
    ) -> Result<(), StoreError> {
        let mut entries = Vec::with_capacity(vectors.len());
        for (text, vector) in vectors {
            let key = embedding_key(model, text);
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            if numbers(&bytes).is_none() {
                return Err(StoreError::NotStorable {
                    path: self.path().to_path_buf(),
                    key,
                });
            }
            entries.push((key, text, bytes));
        }
        if entries.is_empty() {
            return Ok(());
        }
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        self.write(|transaction| {
            let model_hash = remember(transaction, model).map_err(failed)?;
            let mut insert = transaction.prepare_cached(INSERT).map_err(failed)?;
            for (key, text, bytes) in &entries {
                insert
                    .execute(params![
                        key.to_string(),
                        model.name,
                        model_hash,
                        text,
                        bytes,
                        self.now()
                    ])
                    .map_err(failed)?;
            }
            Ok(())
        })
    }

    /// How many vectors are meant.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count_embeddings(&self, selection: &Selection) -> Result<u64, StoreError> {
        self.lock()
            .query_row(
                &format!("SELECT count(*) FROM embeddings WHERE {CHOSEN_EMBEDDINGS}"),
                selection.values(),
                |row| row.get(0).map(i64::unsigned_abs),
            )
            .map_err(|source| StoreError::from_sqlite(self.path(), source))
    }
}

/// The numbers of a stored vector; none when there is none or one of them is not finite.
pub(crate) fn numbers(bytes: &[u8]) -> Option<Vec<f32>> {
    let (parts, rest) = bytes.as_chunks::<4>();
    let vector: Vec<f32> = parts.iter().map(|part| f32::from_le_bytes(*part)).collect();
    let is_vector = rest.is_empty() && !vector.is_empty() && vector.iter().all(|x| x.is_finite());
    is_vector.then_some(vector)
}
