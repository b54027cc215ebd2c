//! Putting replies in and getting them out.
//!
//! A put returns only after its transaction is on the disk. A failure that is not final goes to the attempts,
//! so what is found under a key is always what asking again would bring.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use evalwright_core::{
    ContentHash, Finish, ModelIdentity, SampleRequest, ScoreReply, ScoreRequest, SlotFailure,
    TextReply, TokenUsage,
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::attempt::{self, Attempt};
use crate::error::StoreError;
use crate::schema;
use crate::selection::ReplyKind;

/// One reply on its way into the store.
#[derive(Debug)]
pub struct Entry<'a, Request, Reply> {
    /// The key, from [`crate::sample_key`] or [`crate::score_key`].
    pub key: ContentHash,
    /// What was asked.
    pub request: &'a Request,
    /// Who was asked.
    pub model: &'a ModelIdentity,
    /// What came back.
    pub reply: &'a Result<Reply, SlotFailure>,
}

/// What stands under a key; nothing, when it was never asked for.
pub type Found<Reply> = Option<Result<Reply, SlotFailure>>;

/// A text on its way into the store.
pub type TextEntry<'a> = Entry<'a, SampleRequest, TextReply>;
/// Scores on their way into the store.
pub type ScoreEntry<'a> = Entry<'a, ScoreRequest, ScoreReply>;

/// The store. It may be shared between threads, and several processes may have the same file open.
#[derive(Debug)]
pub struct ReplyStore {
    path: PathBuf,
    clock: Option<fn() -> u64>,
    connection: Mutex<Connection>,
}

/// What the two kinds of requests have in common.
pub(crate) trait Requested: Serialize {
    const KIND: ReplyKind;
}

impl Requested for SampleRequest {
    const KIND: ReplyKind = ReplyKind::Sample;
}

impl Requested for ScoreRequest {
    const KIND: ReplyKind = ReplyKind::Score;
}

/// What the two kinds of replies have in common in the table.
trait Stored: Serialize + DeserializeOwned + PartialEq {
    const KIND: ReplyKind;
    /// Whether it comes back from JSON as it was: JSON has no infinities.
    fn is_storable(&self) -> bool;
    fn text(&self) -> Option<&str>;
    fn finish(&self) -> Option<Finish>;
    fn usage(&self) -> TokenUsage;
}

impl Stored for TextReply {
    const KIND: ReplyKind = ReplyKind::Sample;

    fn is_storable(&self) -> bool {
        // It holds texts and whole numbers.
        true
    }

    fn text(&self) -> Option<&str> {
        Some(&self.text)
    }

    fn finish(&self) -> Option<Finish> {
        Some(self.finish)
    }

    fn usage(&self) -> TokenUsage {
        self.usage
    }
}

impl Stored for ScoreReply {
    const KIND: ReplyKind = ReplyKind::Score;

    fn is_storable(&self) -> bool {
        self.scores
            .iter()
            .all(|score| score.log_probability.is_finite())
    }

    fn text(&self) -> Option<&str> {
        None
    }

    fn finish(&self) -> Option<Finish> {
        None
    }

    fn usage(&self) -> TokenUsage {
        self.usage
    }
}

const INSERT: &str = "INSERT INTO replies \
    (key, kind, model, model_hash, status, finish, text, prompt_tokens, completion_tokens, request, reply, \
    written_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (key) DO NOTHING";
const REMEMBER: &str = "INSERT INTO models (hash, identity) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const SELECT: &str = "SELECT kind, status, reply FROM replies WHERE key = ?1";

impl ReplyStore {
    /// Opens the store, and makes the file and its folder if they are not there yet.
    ///
    /// # Errors
    /// When the file cannot be opened or written, is not a reply store, is damaged, or was written by a
    /// newer program (then it is left as it is).
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        Ok(Self {
            path: path.to_path_buf(),
            clock: None,
            connection: Mutex::new(schema::connect(path)?),
        })
    }

    /// Opens a store that must be there already.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not; otherwise as [`ReplyStore::open`].
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        if path.exists() {
            Self::open(path)
        } else {
            Err(StoreError::Missing {
                path: path.to_path_buf(),
            })
        }
    }

    /// Writes down when each reply comes, by a clock that gives seconds since 1970. Nothing but pruning by age
    /// looks at it.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> u64) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The text under a key; `None` when it was never asked for. A stored failure is a reply like any
    /// other: it is given back as the failure that it is.
    ///
    /// # Errors
    /// When the file cannot be read, or what is under the key is not a text reply.
    pub fn text(&self, key: ContentHash) -> Result<Found<TextReply>, StoreError> {
        self.get(key)
    }

    /// The scores under a key; otherwise as [`ReplyStore::text`].
    ///
    /// # Errors
    /// As [`ReplyStore::text`].
    pub fn score(&self, key: ContentHash) -> Result<Found<ScoreReply>, StoreError> {
        self.get(key)
    }

    /// Stores one text. The same reply again is fine. A failure that is not final is kept as an attempt.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another reply is under the key, [`StoreError::NotStorable`] when it
    /// holds a number that is not finite, and whatever the disk has to say.
    pub fn put_text(
        &self,
        key: ContentHash,
        request: &SampleRequest,
        model: &ModelIdentity,
        reply: &Result<TextReply, SlotFailure>,
    ) -> Result<(), StoreError> {
        self.put(&[Entry {
            key,
            request,
            model,
            reply,
        }])
    }

    /// Stores the scores of one request; otherwise as [`ReplyStore::put_text`].
    ///
    /// # Errors
    /// As [`ReplyStore::put_text`].
    pub fn put_score(
        &self,
        key: ContentHash,
        request: &ScoreRequest,
        model: &ModelIdentity,
        reply: &Result<ScoreReply, SlotFailure>,
    ) -> Result<(), StoreError> {
        self.put(&[Entry {
            key,
            request,
            model,
            reply,
        }])
    }

    /// Stores many texts in one transaction, which is many times faster than one by one.
    ///
    /// # Errors
    /// As [`ReplyStore::put_text`]. An entry that conflicts or cannot be stored does not keep the others
    /// out: they are stored, and then the first such entry is reported.
    pub fn put_text_batch(&self, entries: &[TextEntry<'_>]) -> Result<(), StoreError> {
        self.put(entries)
    }

    /// Stores many scores in one transaction.
    ///
    /// # Errors
    /// As [`ReplyStore::put_text_batch`].
    pub fn put_score_batch(&self, entries: &[ScoreEntry<'_>]) -> Result<(), StoreError> {
        self.put(entries)
    }

    /// Keeps the server's answer beside the reply that was read from it, unless there is one already. The
    /// caller has taken every secret out of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_raw(&self, key: ContentHash, body: &[u8]) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction
                .prepare_cached("UPDATE replies SET raw = ?2 WHERE key = ?1 AND raw IS NULL")
                .and_then(|mut statement| statement.execute(params![key.to_string(), body]))
                .map_err(|source| StoreError::from_sqlite(&self.path, source))
                .map(|_| ())
        })
    }

    /// How many replies are stored, final failures included and attempts not.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self) -> Result<u64, StoreError> {
        let count: i64 = self
            .lock()
            .query_row("SELECT count(*) FROM replies", [], |row| row.get(0))
            .map_err(|source| StoreError::from_sqlite(&self.path, source))?;
        Ok(count.unsigned_abs())
    }

    /// A thread that panicked while it held the lock has had its transaction rolled back, so the
    /// connection is still good.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn now(&self) -> Option<i64> {
        self.clock.map(|clock| tokens(clock()))
    }

    pub(crate) fn unwritable(&self, key: ContentHash, source: serde_json::Error) -> StoreError {
        StoreError::Json {
            path: self.path.clone(),
            key,
            source,
        }
    }

    /// Does all of it in one transaction, or nothing.
    pub(crate) fn write<T>(
        &self,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let failed = |source| StoreError::from_sqlite(&self.path, source);
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let done = act(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    /// The texts under many keys, in their order: the locks of the file are taken once.
    ///
    /// # Errors
    /// As [`ReplyStore::text`].
    pub fn texts(&self, keys: &[ContentHash]) -> Result<Vec<Found<TextReply>>, StoreError> {
        self.get_all(keys)
    }

    /// The scores under many keys, in their order.
    ///
    /// # Errors
    /// As [`ReplyStore::score`].
    pub fn scores(&self, keys: &[ContentHash]) -> Result<Vec<Found<ScoreReply>>, StoreError> {
        self.get_all(keys)
    }

    fn get_all<Reply: Stored>(
        &self,
        keys: &[ContentHash],
    ) -> Result<Vec<Found<Reply>>, StoreError> {
        let failed = |source| StoreError::from_sqlite(&self.path, source);
        let mut connection = self.lock();
        let reading = connection.transaction().map_err(failed)?;
        let found = keys
            .iter()
            .map(|key| find(&reading, &self.path, *key))
            .collect::<Result<Vec<_>, _>>()?;
        reading.finish().map_err(failed)?;
        Ok(found)
    }

    fn get<Reply: Stored>(&self, key: ContentHash) -> Result<Found<Reply>, StoreError> {
        find(&self.lock(), &self.path, key)
    }

    fn put<Request: Serialize, Reply: Stored>(
        &self,
        entries: &[Entry<'_, Request, Reply>],
    ) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let refused = self.write(|transaction| {
            let mut refused = None;
            let mut known: Option<(&ModelIdentity, String)> = None;
            for entry in entries {
                // A batch is from one model as a rule; its hash is computed once.
                let model_hash = match &known {
                    Some((model, hash)) if *model == entry.model => hash,
                    _ => {
                        let hash = remember(transaction, entry.model)
                            .map_err(|source| StoreError::from_sqlite(&self.path, source))?;
                        &known.insert((entry.model, hash)).1
                    }
                };
                match self.insert(transaction, entry, model_hash) {
                    Ok(()) => {}
                    Err(
                        error @ (StoreError::Conflict { .. }
                        | StoreError::NotStorable { .. }
                        | StoreError::Damaged { .. }
                        | StoreError::Json { .. }),
                    ) => {
                        refused.get_or_insert(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(refused)
        })?;
        refused.map_or(Ok(()), Err)
    }

    fn insert<Request: Serialize, Reply: Stored>(
        &self,
        transaction: &Transaction<'_>,
        entry: &Entry<'_, Request, Reply>,
        model_hash: &str,
    ) -> Result<(), StoreError> {
        let Entry {
            key,
            request,
            model,
            reply,
        } = entry;
        let key = *key;
        let failed = |source| StoreError::from_sqlite(&self.path, source);
        let unwritable = |source| self.unwritable(key, source);
        let request = written(request).map_err(unwritable)?;
        let (status, json) = match reply {
            Ok(reply) => ("ok", written(reply).map_err(unwritable)?),
            Err(failure) if !failure.is_final() => {
                let attempt = Attempt::given_up(failure);
                return attempt::insert(
                    transaction,
                    key,
                    Reply::KIND,
                    &request,
                    model,
                    &attempt,
                    self.now(),
                )
                .map_err(failed);
            }
            Err(failure) => (
                "failed",
                serde_json::to_string(failure).map_err(unwritable)?,
            ),
        };
        let good = reply.as_ref().ok();
        if good.is_some_and(|good| !good.is_storable()) {
            return Err(StoreError::NotStorable {
                path: self.path.clone(),
                key,
            });
        }
        let inserted = transaction
            .prepare_cached(INSERT)
            .map_err(failed)?
            .execute(params![
                key.to_string(),
                Reply::KIND,
                model.name,
                model_hash,
                status,
                good.and_then(Stored::finish).map(|finish| match finish {
                    Finish::Stop => "stop",
                    Finish::Length => "length",
                }),
                good.and_then(Stored::text),
                good.map(|reply| tokens(reply.usage().prompt_tokens)),
                good.map(|reply| tokens(reply.usage().completion_tokens)),
                request,
                json,
                self.now(),
            ])
            .map_err(failed)?;
        if inserted == 0 && find::<Reply>(transaction, &self.path, key)?.as_ref() != Some(*reply) {
            return Err(StoreError::Conflict {
                path: self.path.clone(),
                key,
            });
        }
        Ok(())
    }
}

/// Bytes that most requests and replies fit into: a text that grows is copied again and again.
const ROOM: usize = 2_048;

fn written(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::with_capacity(ROOM);
    serde_json::to_writer(&mut bytes, value)?;
    // The writer gives UTF-8 alone; were it not so, the text would be refused as one that cannot be written.
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// Keeps a model's identity, so that a hash can be told apart from another one in words; gives the hash.
pub(crate) fn remember(
    connection: &Connection,
    model: &ModelIdentity,
) -> Result<String, rusqlite::Error> {
    let hash = model.hash().to_string();
    let identity = serde_json::to_string(model)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection
        .prepare_cached(REMEMBER)?
        .execute(params![hash, identity])?;
    Ok(hash)
}

/// A count as SQLite holds it.
pub(crate) fn tokens(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Makes the folder and those above it that are missing. SQLite syncs the file's own name; the names of
/// new folders are for us to sync, or a power cut could take the store with them.
fn create_folder(folder: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Folder {
        path: folder.to_path_buf(),
        source,
    };
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|above| !above.as_os_str().is_empty() && !above.exists())
        .collect();
    std::fs::create_dir_all(folder).map_err(failed)?;
    #[cfg(unix)]
    for new in missing.iter().rev() {
        let above = match new.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        std::fs::File::open(above)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
    }
    Ok(())
}

fn find<Reply: Stored>(
    connection: &Connection,
    path: &Path,
    key: ContentHash,
) -> Result<Found<Reply>, StoreError> {
    let failed = |source| StoreError::from_sqlite(path, source);
    let damaged = |problem: String| StoreError::Damaged {
        path: path.to_path_buf(),
        key,
        problem,
    };
    let found: Option<(String, String, String)> = connection
        .prepare_cached(SELECT)
        .map_err(failed)?
        .query_row([key.to_string()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .map_err(failed)?;
    let Some((kind, status, reply)) = found else {
        return Ok(None);
    };
    if kind != Reply::KIND.as_str() {
        return Err(damaged(format!(
            "expected a {}, found a {kind}",
            Reply::KIND
        )));
    }
    let unreadable = |error: serde_json::Error| damaged(error.to_string());
    match status.as_str() {
        "ok" => Ok(Some(Ok(serde_json::from_str(&reply).map_err(unreadable)?))),
        "failed" => Ok(Some(Err(serde_json::from_str(&reply).map_err(unreadable)?))),
        other => Err(damaged(format!("unknown status {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalwright_core::{Prompt, Sampling, Seed};

    fn request(seed: u64) -> SampleRequest {
        SampleRequest {
            prompt: Prompt::Text("P".to_owned()),
            sampling: Sampling {
                temperature: 1.0,
                top_p: 1.0,
                max_tokens: 8,
                stop: vec![],
            },
            seed: Seed(seed),
        }
    }

    /// SQLite's own limit on pages gives the very error that a full disk gives.
    #[test]
    fn a_full_disk_is_said_to_be_full_and_what_was_stored_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
        let model = ModelIdentity {
            name: "m".to_owned(),
            weights: None,
            engine: "e".to_owned(),
            precision: "p".to_owned(),
            chat_template: None,
        };
        let reply = Ok(TextReply {
            text: "x".repeat(3_000),
            finish: Finish::Stop,
            usage: TokenUsage::default(),
            notes: Vec::new(),
        });
        let put = |seed| {
            let request = request(seed);
            store.put_text(
                crate::sample_key(&model, &request),
                &request,
                &model,
                &reply,
            )
        };
        let limit = |pages: i64| {
            store
                .lock()
                .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))
                .unwrap();
        };
        limit(64);
        let stored = (0..1_000).take_while(|seed| put(*seed).is_ok()).count() as u64;
        assert!((1..1_000).contains(&stored));
        let error = put(stored).unwrap_err();
        assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
        assert!(error.to_string().contains("no space left"));
        assert_eq!(store.count().unwrap(), stored);
        limit(1_000_000);
        put(stored).unwrap();
        assert_eq!(store.count().unwrap(), stored + 1);
    }
}
