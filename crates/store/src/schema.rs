//! The file's layout and how a connection is set up.
//!
//! The version is looked at before anything is written: a file that this program does not know is left
//! as it is.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::error::StoreError;

/// The layout that this program writes, kept in SQLite's `user_version`.
pub const SCHEMA_VERSION: i64 = 3;

/// Marks the file as ours in SQLite's `application_id`: the letters `EVLW`.
const APPLICATION: i64 = 0x4556_4c57;

/// How long a statement waits for another process's transaction, and how often a switch of the journal
/// mode is tried again (SQLite does not wait there by itself).
const BUSY_WAIT: Duration = Duration::from_secs(30);
const SWITCH_PAUSE: Duration = Duration::from_millis(10);
const SWITCH_TRIES: u32 = 3_000;

/// Pages (of 4 KiB) that the journal holds before they are written into the table. Keys are hashes, so replies
/// that come together lie on pages far apart, and the same pages come again with the next ones: a longer journal
/// writes each of them once where SQLite's usual 1,000 pages write it several times.
const JOURNAL_PAGES: i64 = 8_000;

/// KiB of pages held in memory (SQLite counts them below 0): the keys of some 100,000 replies.
const CACHE_KIB: i64 = -16_384;

const CREATE: &str = "
CREATE TABLE replies (
    key TEXT PRIMARY KEY NOT NULL,        -- SHA-256 over everything that can change the reply
    kind TEXT NOT NULL CHECK (kind IN ('sample', 'score')),
    model TEXT NOT NULL,                  -- the model's name
    model_hash TEXT NOT NULL,             -- SHA-256 of the model's identity
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    finish TEXT,                          -- 'stop' or 'length'; null for scores and failures
    text TEXT,                            -- what the model wrote; null for scores and failures
    prompt_tokens INTEGER,                -- null for failures
    completion_tokens INTEGER,            -- null for failures
    request TEXT NOT NULL,                -- JSON
    reply TEXT NOT NULL                   -- JSON
) STRICT;
";

/// What version 2 adds. A new file gets both, so the two ways to a table cannot drift apart.
const ADD_VERSION_2: &str = "
ALTER TABLE replies ADD COLUMN raw BLOB;            -- the server's answer as it came, where it was kept
ALTER TABLE replies ADD COLUMN written_at INTEGER;  -- seconds since 1970; null without a clock
CREATE TABLE models (
    hash TEXT PRIMARY KEY NOT NULL,       -- replies.model_hash
    identity TEXT NOT NULL                -- JSON
) STRICT;
CREATE TABLE attempts (                   -- only ever added to, but by pruning
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,                    -- of the reply that did not come
    kind TEXT NOT NULL CHECK (kind IN ('sample', 'score')),
    model TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    number INTEGER NOT NULL,              -- from 1 for each key
    status TEXT NOT NULL CHECK (status IN ('retried', 'failed')),
    detail TEXT NOT NULL,                 -- a sentence
    prompt_tokens INTEGER NOT NULL,       -- what it took, as far as is known
    completion_tokens INTEGER NOT NULL,
    request TEXT NOT NULL,                -- JSON
    written_at INTEGER                    -- seconds since 1970; null without a clock
) STRICT;
CREATE INDEX attempts_by_key ON attempts (key);
";

/// What version 3 adds.
const ADD_VERSION_3: &str = "
CREATE TABLE embeddings (
    key TEXT PRIMARY KEY NOT NULL,        -- SHA-256 over the model's identity and the text
    model TEXT NOT NULL,                  -- the model's name
    model_hash TEXT NOT NULL,             -- SHA-256 of the model's identity
    text TEXT NOT NULL,
    vector BLOB NOT NULL,                 -- 32-bit floats, little-endian
    written_at INTEGER                    -- seconds since 1970; null without a clock
) STRICT;
";

/// Opens or creates the file.
pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let failed = |source| StoreError::from_sqlite(path, source);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY_WAIT).map_err(failed)?;
    // In one transaction: between two reads another process could lay the file out.
    let reading = connection.transaction().map_err(failed)?;
    let found = version(&reading, path)?;
    reading.finish().map_err(failed)?;
    switch_to_wal(&connection).map_err(failed)?;
    // A reply counts as stored only when it would survive a power cut.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(failed)?;
    connection
        .pragma_update(None, "fullfsync", true)
        .map_err(failed)?;
    connection
        .pragma_update(None, "cache_size", CACHE_KIB)
        .map_err(failed)?;
    connection
        .pragma_update_and_check(None, "wal_autocheckpoint", JOURNAL_PAGES, |row| {
            row.get::<_, i64>(0)
        })
        .map_err(failed)?;
    if found != SCHEMA_VERSION {
        lay_out(&mut connection, path)?;
    }
    Ok(connection)
}

fn number(connection: &Connection, pragma: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Refuses a file that is not ours or too new; gives its version, 0 for one that is still to be laid out. To
/// be called inside a transaction.
fn version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let failed = |source| StoreError::from_sqlite(path, source);
    let found = number(connection, "user_version").map_err(failed)?;
    let application = number(connection, "application_id").map_err(failed)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let is_new = found == 0 && application == 0 && tables == 0;
    if is_new {
        return Ok(0);
    }
    if application != APPLICATION || found < 1 {
        return Err(StoreError::AnotherProgram {
            path: path.to_path_buf(),
        });
    }
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer {
            path: path.to_path_buf(),
            found,
            known: SCHEMA_VERSION,
        });
    }
    Ok(found)
}

fn switch_to_wal(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut tries = 0;
    loop {
        let switched = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match switched {
            Ok(_) => return Ok(()),
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && tries < SWITCH_TRIES =>
            {
                tries += 1;
                std::thread::sleep(SWITCH_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Brings the file to this program's version unless another process has just done so. All or nothing: the
/// version changes with the tables.
fn lay_out(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::from_sqlite(path, source);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let found = version(&transaction, path)?;
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    if found == 0 {
        transaction.execute_batch(CREATE).map_err(failed)?;
        transaction
            .pragma_update(None, "application_id", APPLICATION)
            .map_err(failed)?;
    }
    if found < 2 {
        transaction.execute_batch(ADD_VERSION_2).map_err(failed)?;
    }
    transaction.execute_batch(ADD_VERSION_3).map_err(failed)?;
    transaction
        .pragma_update(None, "user_version", SCHEMA_VERSION)
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}
