//! What can go wrong with a dataset on disk, in words that name the file and say what to do.

use std::io;
use std::path::{Path, PathBuf};

use evalwright_core::NameError;
use thiserror::Error;

/// Why a dataset could not be read, written or published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A file or folder could not be read.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("{}: cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The disk, or the user's share of it, is full.
    #[error(
        "{}: no space left to write it; make room and run the same command again, \
         nothing was published and earlier versions are as they were",
        path.display()
    )]
    NoSpace {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The folder may not be written.
    #[error(
        "{}: the folder is read-only for this user; check its permissions or name another one",
        path.display()
    )]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Another run holds the dataset's lock.
    #[error(
        "{}: another run{holder} holds the lock of this dataset; wait until it ends, or end it \
         (the lock of a dead run frees itself)",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// ` (process 123)`, or empty when the holder is not known.
        holder: String,
    },
    /// The version is there already.
    #[error(
        "{}: this version is already published, and published versions are never changed; \
         publish under the next number",
        path.display()
    )]
    VersionExists {
        /// The version's folder.
        path: PathBuf,
    },
    /// A version number that is none.
    #[error("{}: {found:?} is not a version; expected MAJOR.MINOR.PATCH such as 1.0.0", path.display())]
    BadVersion {
        /// The folder or file that says so.
        path: PathBuf,
        /// What stands there.
        found: String,
    },
    /// A dataset name that cannot be a folder.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file of a version whose name leads out of the version's folder, or is kept for another use.
    #[error(
        "{name:?} cannot be a file of a version; use a relative path of plain names, other than \
         manifest.json and run.json"
    )]
    BadFileName {
        /// The name.
        name: String,
    },
    /// The manifest cannot be understood.
    #[error("{}: the manifest is invalid", path.display())]
    BadManifest {
        /// The manifest.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The status of versions cannot be understood.
    #[error("{}: the status of versions is invalid", path.display())]
    BadStatus {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A fix cannot be made.
    #[error("{problem}")]
    BadFix {
        /// A sentence.
        problem: String,
    },
    /// A file beside or in a version is in a format that this program does not know.
    #[error(
        "{}: the file has format version {found:?} and this program reads {known:?}; use a newer program",
        path.display()
    )]
    UnknownSchema {
        /// The manifest.
        path: PathBuf,
        /// The format in the file.
        found: String,
        /// The format that this program reads.
        known: &'static str,
    },
    /// A line that is not UTF-8.
    #[error("{} line {line}: not UTF-8 text; save the file as UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A text in UTF-16.
    #[error(
        "{} line 1: not UTF-8 text, it looks like UTF-16; save the file as UTF-8",
        path.display()
    )]
    Utf16 {
        /// The file.
        path: PathBuf,
    },
    /// A folder in which nothing is to be read.
    #[error(
        "{}: no file with rows in it; expected .jsonl, .json, .csv, .tsv or .parquet, packed or not",
        path.display()
    )]
    NoData {
        /// The folder.
        path: PathBuf,
    },
    /// A card whose files are not there.
    #[error("{}: none of the files that the card lists is there", path.display())]
    CardWithoutFiles {
        /// The card.
        path: PathBuf,
    },
    /// A mapping that cannot be understood.
    #[error(
        "{word:?} is no mapping; expected FIELD=OTHER with one of id, question, statement, options, matching, \
         not_matching, confidence, split, family, behaviour or cell.NAME before the sign"
    )]
    BadMapping {
        /// The mapping as written.
        word: String,
    },
    /// An annotation file of no known shape.
    #[error("{}: {problem}", path.display())]
    UnclearAnnotations {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Rows that cannot be written in a format.
    #[error("no row can be exported as {format}: {problem}")]
    NothingToExport {
        /// The format.
        format: &'static str,
        /// Why.
        problem: String,
    },
    /// The whole file is one JSON array.
    #[error(
        "{} line {line}: expected one JSON object a line, found an array; \
         write each of its elements on a line of its own",
        path.display()
    )]
    Array {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Objects that span lines or share one.
    #[error(
        "{} line {line}: not one object a line; write each object on a line of its own, \
         with nothing before or after it",
        path.display()
    )]
    NotOneObjectALine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A line that is not what is expected there.
    #[error("{} line {line}: {problem}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The file ends in the middle of a line.
    #[error("{} line {line}: the file ends without a newline, so it was cut; restore it", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// The last line, from 1.
        line: usize,
    },
    /// A row that would not be read back as it is.
    #[error("row {row}: cannot be written: {problem}")]
    NotWritable {
        /// The row, from 1.
        row: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A Parquet file could not be written.
    #[error("the Parquet file cannot be written")]
    Parquet {
        /// The cause.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A value could not be written as JSON.
    #[error("{what} cannot be written as JSON")]
    Json {
        /// What was to be written.
        what: &'static str,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A published version is not what its manifest says.
    #[error("{}: {problem}; published versions are never changed, so restore it or publish anew", path.display())]
    Changed {
        /// The file or folder.
        path: PathBuf,
        /// In what it differs.
        problem: String,
    },
}

impl DatasetError {
    /// Sorts a failed write by what the user can do about it.
    pub(crate) fn from_write(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            // A limit on the size of files is, to the user, the same wall as a full disk.
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace { path, source },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { path, source }
            }
            _ => Self::Write { path, source },
        }
    }

    pub(crate) fn from_read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }
}
