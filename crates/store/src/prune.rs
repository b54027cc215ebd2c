//! Pruning: the one way out of the store.
//!
//! A caller says what is to go; there is no default, and choosing everything is an error.

use serde::Serialize;

use crate::embedding::CHOSEN_EMBEDDINGS;
use crate::error::StoreError;
use crate::selection::{CHOSEN, CHOSEN_ATTEMPTS, Selection};
use crate::store::ReplyStore;

/// What was removed, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Replies.
    pub replies: u64,
    /// Records of attempts.
    pub attempts: u64,
    /// Vectors of texts.
    pub embeddings: u64,
}

impl ReplyStore {
    /// How much [`ReplyStore::prune`] would remove.
    ///
    /// # Errors
    /// As [`ReplyStore::prune`].
    pub fn would_prune(&self, selection: &Selection) -> Result<Pruned, StoreError> {
        if selection.is_everything() {
            return Err(StoreError::NothingChosen);
        }
        let count = |table: &str, condition: &str| {
            self.lock()
                .query_row(
                    &format!("SELECT count(*) FROM {table} WHERE {condition}"),
                    selection.values(),
                    |row| row.get(0).map(i64::unsigned_abs),
                )
                .map_err(|source| StoreError::from_sqlite(self.path(), source))
        };
        Ok(Pruned {
            replies: count("replies", CHOSEN)?,
            attempts: count("attempts", CHOSEN_ATTEMPTS)?,
            embeddings: self.count_embeddings(selection)?,
        })
    }

    /// Removes replies, records of attempts and vectors for good, all that are meant or none. The models will be asked
    /// for them again. Attempts are failures, so they go with `failed` and stay with `cut`.
    ///
    /// # Errors
    /// [`StoreError::NothingChosen`] for a selection that means everything, and whatever the file has to say.
    pub fn prune(&self, selection: &Selection) -> Result<Pruned, StoreError> {
        if selection.is_everything() {
            return Err(StoreError::NothingChosen);
        }
        let pruned = self.write(|transaction| {
            let delete = |table: &str, condition: &str| {
                transaction
                    .execute(
                        &format!("DELETE FROM {table} WHERE {condition}"),
                        selection.values(),
                    )
                    .map(|rows| u64::try_from(rows).unwrap_or(u64::MAX))
                    .map_err(|source| StoreError::from_sqlite(self.path(), source))
            };
            Ok(Pruned {
                replies: delete("replies", CHOSEN)?,
                attempts: delete("attempts", CHOSEN_ATTEMPTS)?,
                embeddings: delete("embeddings", CHOSEN_EMBEDDINGS)?,
            })
        })?;
        // Shrinking the file is a courtesy: where another process reads it, or the disk is too full for a
        // copy, its pages wait for the next replies instead.
        if pruned.replies + pruned.attempts + pruned.embeddings > 0 {
            self.lock().execute_batch("VACUUM").ok();
        }
        Ok(pruned)
    }
}
