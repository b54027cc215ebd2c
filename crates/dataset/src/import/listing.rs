//! What stands under a path, part by part: what cannot be looked at is named and hides nothing else.
//!
//! Versions are listed as folders, whole or not, and every other file with rows by itself, in the order of names.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::DatasetError;
use crate::faults::sentence;
use crate::import::card_configs::card_configs;
use crate::import::folder::{DEPTH, Target, file, hub, is_data, says_version};
use crate::import::reader::{Imported, ReadOptions, read_target};
use crate::import::summary::ImportSummary;
use crate::publish::{MANIFEST_FILE, RUN_FILE};
use crate::version::Version;

/// Names by which a folder with a version's number is taken for a version even when its manifest is gone.
const NAMES_OF_VERSIONS: [&str; 4] = [MANIFEST_FILE, RUN_FILE, "data.jsonl", "rejected.jsonl"];

/// Something with rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// A folder that is, or should be, a version of ours.
    Version(PathBuf),
    /// Any other file.
    File(Target),
}

impl Listed {
    /// Its folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Version(path) => path,
            Self::File(target) => &target.path,
        }
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// The folder or file.
    pub path: PathBuf,
    /// Why, in one line.
    pub problem: String,
}

/// What stands under a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// What holds rows, in the order of names.
    pub found: Vec<Listed>,
    /// What could not be looked at, in the same order.
    pub unlisted: Vec<Unlisted>,
}

/// Lists what stands under a path. Hidden folders, links to folders and folders that `is_skipped` names are passed
/// over; nothing found is no error.
#[must_use]
pub fn list(path: &Path, is_skipped: &dyn Fn(&Path) -> bool) -> Listing {
    let mut listing = Listing::default();
    match std::fs::metadata(path) {
        Err(source) => listing.miss(path, &DatasetError::from_read(path, source)),
        Ok(metadata) if metadata.is_dir() => listing.folder(path, 0, is_skipped),
        Ok(_) => listing.found.push(Listed::File(file(path, None, None))),
    }
    listing
}

/// Reads one listed file to its end. What is wrong inside it stands in its summary.
///
/// # Errors
/// When the file cannot be opened.
pub fn read_listed(target: &Target, options: &ReadOptions) -> Result<Imported, DatasetError> {
    let mut rows = Vec::new();
    let summary = read_target(target, options, &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(Imported {
        rows,
        summary: ImportSummary {
            files: vec![summary],
        },
    })
}

impl Listing {
    fn miss(&mut self, path: &Path, error: &DatasetError) {
        self.unlisted.push(Unlisted {
            path: path.to_path_buf(),
            problem: sentence(error),
        });
    }

    fn folder(&mut self, path: &Path, depth: usize, is_skipped: &dyn Fn(&Path) -> bool) {
        if is_skipped(path) {
            return;
        }
        if is_version(path) {
            self.found.push(Listed::Version(path.to_path_buf()));
            return;
        }
        let card = std::fs::read_to_string(path.join("README.md")).unwrap_or_default();
        let configs = card_configs(&card);
        if !configs.is_empty() {
            let mut files = Vec::new();
            match hub(path, &configs, &mut files) {
                Ok(()) => self.found.extend(files.into_iter().map(Listed::File)),
                Err(error) => self.miss(path, &error),
            }
            return;
        }
        let entries = match std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>)
        {
            Ok(entries) => entries,
            Err(source) => return self.miss(path, &DatasetError::from_read(path, source)),
        };
        let mut names: Vec<_> = entries.iter().map(std::fs::DirEntry::file_name).collect();
        names.sort();
        for name in names {
            let below = path.join(&name);
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            // Not followed: a link to a folder could lead around in a circle.
            let is_folder = std::fs::symlink_metadata(&below).is_ok_and(|data| data.is_dir());
            if is_folder {
                if depth < DEPTH {
                    self.folder(&below, depth + 1, is_skipped);
                }
            } else if is_data(&name) && below.is_file() {
                self.found.push(Listed::File(file(&below, None, None)));
            }
        }
    }
}

/// Whether a folder is meant to be a version: its manifest says so, or its name and its files do.
fn is_version(path: &Path) -> bool {
    let manifest = std::fs::read(path.join(MANIFEST_FILE)).unwrap_or_default();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
    if says_version(&manifest) {
        return true;
    }
    let is_numbered = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(Version::parse)
        .is_some();
    let present = NAMES_OF_VERSIONS
        .iter()
        .filter(|name| path.join(name).is_file());
    is_numbered && present.count() >= 3
}
