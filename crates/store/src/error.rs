//! What can go wrong with the store, in words that name the file and say what to do.

use std::path::{Path, PathBuf};

use evalwright_core::ContentHash;
use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the store could not be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder of the store could not be made.
    #[error("{}: the folder for the reply store cannot be made", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is no SQLite database.
    #[error(
        "{}: this is not a reply store (not an SQLite database); move it away or name another file",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is another program's database.
    #[error(
        "{}: this SQLite database belongs to another program; name another file for the reply store",
        path.display()
    )]
    AnotherProgram {
        /// The file.
        path: PathBuf,
    },
    /// A newer program wrote the file.
    #[error(
        "{}: this reply store has version {found} and this program reads up to version {known}; \
         use a newer program (nothing was changed)",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version that this program reads.
        known: i64,
    },
    /// The file is damaged.
    #[error(
        "{}: this reply store is damaged; restore it from a copy, or move it away to ask the models again",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// One stored reply cannot be understood.
    #[error("{}: the reply under key {key} cannot be read: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The key.
        key: ContentHash,
        /// What is wrong with it.
        problem: String,
    },
    /// The disk, or the user's share of it, is full.
    #[error(
        "{}: no space left for the reply store; make room and run the same command again, \
         everything stored so far is kept",
        path.display()
    )]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// The file or its folder may not be written.
    #[error(
        "{}: the reply store cannot be written; check the permissions of the file and of its folder",
        path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process kept the file locked for too long.
    #[error(
        "{}: another process kept the reply store locked; end it, or try again when it is done",
        path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// The file could not be opened.
    #[error("{}: the reply store cannot be opened; is it a folder, or its folder closed to you?", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// Another reply is already stored under the key. The first one stays.
    #[error(
        "{}: conflict: key {key} already holds another reply; the first one is kept. \
         Does the model answer the same request in two ways?",
        path.display()
    )]
    Conflict {
        /// The file.
        path: PathBuf,
        /// The key.
        key: ContentHash,
    },
    /// The reply would not be read back as it is.
    #[error(
        "{}: the reply under key {key} cannot be stored: it holds a number that is not finite",
        path.display()
    )]
    NotStorable {
        /// The file.
        path: PathBuf,
        /// The key.
        key: ContentHash,
    },
    /// A request or reply could not be written as JSON.
    #[error("{}: the entry under key {key} cannot be written as JSON", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The key.
        key: ContentHash,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The system refused a write.
    #[error(
        "{}: the system refused a write to the reply store; look at the space left, at quotas and limits on \
         file sizes, and at the disk itself, then run the same command again, everything stored so far is kept",
        path.display()
    )]
    WriteFailed {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// There is no store to look into.
    #[error("{}: there is no reply store here; `--store` names another file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// No reply has such a key.
    #[error("{}: no reply has a key that begins with {prefix:?}", path.display())]
    NoSuchKey {
        /// The file.
        path: PathBuf,
        /// The beginning of the key as it was given.
        prefix: String,
    },
    /// Several replies have such a key.
    #[error("{}: several keys begin with {prefix:?}; give more of the key", path.display())]
    AmbiguousKey {
        /// The file.
        path: PathBuf,
        /// The beginning of the key as it was given.
        prefix: String,
    },
    /// Pruning without a choice would remove everything.
    #[error("nothing says which replies to remove; choose by key, model, kind, failure or age")]
    NothingChosen,
    /// What is exported could not be written.
    #[error("cannot write what is exported")]
    Output(#[source] std::io::Error),
    /// Anything else that SQLite reports.
    #[error("{}: the reply store failed", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Sorts an SQLite failure by what the user can do about it.
    pub(crate) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, source },
            Some(ErrorCode::DiskFull) => Self::NoSpace { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, source }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source }
            }
            Some(ErrorCode::SystemIoFailure) if is_write(&source) => {
                Self::WriteFailed { path, source }
            }
            Some(ErrorCode::CannotOpen) => Self::CannotOpen { path, source },
            _ => Self::Sqlite { path, source },
        }
    }
}

/// Whether a failure of the system came from writing, syncing or growing a file.
fn is_write(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_SHMSIZE
                | ffi::SQLITE_IOERR_SHMMAP
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> StoreError {
        StoreError::from_sqlite(
            Path::new("some/replies.db"),
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None),
        )
    }

    #[test]
    fn each_failure_names_the_file_and_says_what_to_do() {
        for (code, word) in [
            (rusqlite::ffi::SQLITE_FULL, "space"),
            (rusqlite::ffi::SQLITE_READONLY, "permissions"),
            (rusqlite::ffi::SQLITE_READONLY_DIRECTORY, "permissions"),
            (rusqlite::ffi::SQLITE_BUSY, "another process"),
            (rusqlite::ffi::SQLITE_CORRUPT, "damaged"),
            (rusqlite::ffi::SQLITE_NOTADB, "not an SQLite database"),
            (rusqlite::ffi::SQLITE_CANTOPEN, "cannot be opened"),
            (rusqlite::ffi::SQLITE_IOERR, "failed"),
            (rusqlite::ffi::SQLITE_IOERR_WRITE, "space left"),
            (rusqlite::ffi::SQLITE_IOERR_FSYNC, "space left"),
        ] {
            let message = failure(code).to_string();
            assert!(message.contains("some/replies.db"), "{message}");
            assert!(message.contains(word), "{code}: {message}");
        }
    }
}
