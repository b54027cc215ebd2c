//! Version numbers and the versions of a dataset on disk.
//!
//! MAJOR: the kind, and so the meaning of a row, changed. MINOR: the rows changed. PATCH: only what is
//! said about them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::DatasetError;
use crate::manifest::{MANIFEST_SCHEMA, Manifest};

/// `MAJOR.MINOR.PATCH`; ordered by number, not by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// Counts changes of what a row means.
    pub major: u64,
    /// Counts changes of the rows.
    pub minor: u64,
    /// Counts changes of the metadata.
    pub patch: u64,
}

impl Version {
    /// The number of a first version.
    pub const FIRST: Self = Self {
        major: 1,
        minor: 0,
        patch: 0,
    };

    /// Reads three decimal numbers without signs or leading zeros.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let number: u64 = part.parse().ok()?;
            // Only one spelling, so that two folders cannot hold one version.
            (number.to_string() == part).then_some(number)
        });
        let (major, minor, patch) = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(Self {
            major,
            minor,
            patch,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The number after `previous`, given as (its manifest, whether the kind changed, whether the rows
/// changed). Without one, or when its number cannot be read: 1.0.0.
#[must_use]
pub fn next_version(previous: Option<(&Manifest, bool, bool)>) -> String {
    let next = previous.and_then(|(manifest, kind_changed, rows_changed)| {
        let Version {
            major,
            minor,
            patch,
        } = Version::parse(&manifest.version)?;
        Some(if kind_changed {
            Version {
                major: major.saturating_add(1),
                minor: 0,
                patch: 0,
            }
        } else if rows_changed {
            Version {
                major,
                minor: minor.saturating_add(1),
                patch: 0,
            }
        } else {
            Version {
                major,
                minor,
                patch: patch.saturating_add(1),
            }
        })
    });
    next.unwrap_or(Version::FIRST).to_string()
}

/// A published version.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenVersion {
    /// Its folder.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

/// All published versions of a dataset, oldest number first; none when the folder is not there.
/// Anything in the folder that is not named like a version is passed over.
///
/// # Errors
/// When the folder or a manifest cannot be read, or a manifest states another version than its folder.
pub fn versions(dataset_folder: &Path) -> Result<Vec<OpenVersion>, DatasetError> {
    let unreadable = |source| DatasetError::from_read(dataset_folder, source);
    let entries = match std::fs::read_dir(dataset_folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let number = entry.file_name().to_str().and_then(Version::parse);
        let Some(number) = number.filter(|_| entry.path().is_dir()) else {
            continue;
        };
        found.push((number, entry.path()));
    }
    found.sort();
    found
        .into_iter()
        .map(|(number, folder)| {
            let manifest = read_manifest(&folder)?;
            if manifest.version == number.to_string() {
                Ok(OpenVersion { folder, manifest })
            } else {
                Err(DatasetError::Changed {
                    problem: format!("its manifest states version {}", manifest.version),
                    path: folder,
                })
            }
        })
        .collect()
}

/// Reads `manifest.json` in a version's folder.
///
/// # Errors
/// When it cannot be read, is in a format that this program does not know, or is invalid.
pub fn read_manifest(folder: &Path) -> Result<Manifest, DatasetError> {
    let path = folder.join("manifest.json");
    let bytes = std::fs::read(&path).map_err(|source| DatasetError::from_read(&path, source))?;
    let invalid = |source| DatasetError::BadManifest {
        path: path.clone(),
        source,
    };
    // The format first: a newer manifest would otherwise be called invalid for a field it has.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(invalid)?;
    if let Some(found) = value.get("schema").and_then(serde_json::Value::as_str)
        && found != MANIFEST_SCHEMA
    {
        return Err(DatasetError::UnknownSchema {
            found: found.to_owned(),
            known: MANIFEST_SCHEMA,
            path,
        });
    }
    let manifest: Manifest = serde_json::from_value(value).map_err(invalid)?;
    if Version::parse(&manifest.version).is_none() {
        return Err(DatasetError::BadVersion {
            path,
            found: manifest.version,
        });
    }
    Ok(manifest)
}
