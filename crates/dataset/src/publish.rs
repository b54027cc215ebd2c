//! Publishing a version: all or nothing.
//!
//! Everything is written and synced in a folder of another name beside the version's place, which then
//! gets the version's name in one step. Whoever publishes should hold the dataset's lock: taking the lock
//! removes such folders of dead runs. Nothing already published is ever touched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use evalwright_core::{ContentHash, DatasetName};

use crate::error::DatasetError;
use crate::layer::{Disk, FileLayer, create_folder_durably};
use crate::manifest::{FileRecord, Manifest};
use crate::version::Version;

/// Starts the name of every folder that is being written.
pub(crate) const TEMPORARY_PREFIX: &str = ".publishing-";

/// The manifest's file name.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The file for clock times and other facts that are no part of the content.
pub const RUN_FILE: &str = "run.json";

/// The files of a version by relative path (`data.jsonl`, `charts/confidence.csv`), without manifest and
/// run facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    /// Size and hash of each file.
    #[must_use]
    pub fn records(&self) -> BTreeMap<String, FileRecord> {
        let record = |bytes: &Vec<u8>| FileRecord {
            bytes: bytes.len() as u64,
            sha256: ContentHash::of(bytes),
        };
        self.0
            .iter()
            .map(|(name, bytes)| (name.clone(), record(bytes)))
            .collect()
    }
}

/// The content hash of a version: SHA-256 over its sorted `(file, SHA-256)` pairs.
#[must_use]
pub fn content_hash(files: &BTreeMap<String, FileRecord>) -> ContentHash {
    let parts: Vec<String> = files
        .iter()
        .flat_map(|(name, record)| [name.clone(), record.sha256.to_string()])
        .collect();
    ContentHash::of_parts(&parts)
}

/// Publishes a version as `<dataset_folder>/<version>` and gives back that folder. Fills in the
/// manifest's `files`, `content` and `seal`; `run_facts` becomes `run.json`.
///
/// # Errors
/// When the version is already there, a name is not usable, or the file system fails; then nothing
/// stands under the version's name that was not there before.
pub fn publish(
    dataset_folder: &Path,
    manifest: Manifest,
    files: Files,
    run_facts: &[u8],
) -> Result<PathBuf, DatasetError> {
    publish_with(&Disk, dataset_folder, manifest, files, run_facts)
}

/// [`publish`] on a given file layer.
///
/// # Errors
/// As [`publish`].
pub fn publish_with(
    layer: &dyn FileLayer,
    dataset_folder: &Path,
    mut manifest: Manifest,
    files: Files,
    run_facts: &[u8],
) -> Result<PathBuf, DatasetError> {
    DatasetName::new(&manifest.dataset)?;
    let version = Version::parse(&manifest.version).ok_or_else(|| DatasetError::BadVersion {
        path: dataset_folder.to_path_buf(),
        found: manifest.version.clone(),
    })?;
    for name in files.0.keys() {
        check_file_name(name)?;
    }
    let place = dataset_folder.join(version.to_string());
    if std::fs::symlink_metadata(&place).is_ok() {
        return Err(DatasetError::VersionExists { path: place });
    }
    manifest.files = files.records();
    manifest.content = Some(content_hash(&manifest.files));
    manifest.seal = Some(manifest.sealed_by()?);
    let manifest = manifest.bytes()?;
    let mut contents: Vec<(&str, &[u8])> = files
        .0
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    contents.push((RUN_FILE, run_facts));
    contents.push((MANIFEST_FILE, &manifest));

    create_folder_durably(layer, dataset_folder)?;
    let temporary = dataset_folder.join(format!(
        "{TEMPORARY_PREFIX}{version}-{}",
        std::process::id()
    ));
    write_folder(layer, &temporary, &contents)
        .and_then(|()| give_name(layer, &temporary, &place, dataset_folder))
        .inspect_err(|_| {
            // The first failure is the one to report; what cannot be removed now goes when the next run
            // takes the lock.
            layer.remove_folder(&temporary).ok();
        })?;
    Ok(place)
}

/// Each part must be a plain name that means the same on every system and is not hidden.
fn check_file_name(name: &str) -> Result<(), DatasetError> {
    let is_plain = |part: &str| DatasetName::new(&part.to_ascii_lowercase()).is_ok();
    if name.split('/').all(is_plain) && name != MANIFEST_FILE && name != RUN_FILE {
        Ok(())
    } else {
        Err(DatasetError::BadFileName {
            name: name.to_owned(),
        })
    }
}

fn write_folder(
    layer: &dyn FileLayer,
    folder: &Path,
    contents: &[(&str, &[u8])],
) -> Result<(), DatasetError> {
    let mut folders = BTreeSet::from([folder.to_path_buf()]);
    for (name, _) in contents {
        let path = folder.join(name);
        folders.extend(
            path.ancestors()
                .skip(1)
                .take_while(|above| above.starts_with(folder))
                .map(Path::to_path_buf),
        );
    }
    for path in &folders {
        layer
            .create_folder(path)
            .map_err(|source| DatasetError::from_write(path, source))?;
    }
    for (name, bytes) in contents {
        let path = folder.join(name);
        layer
            .create_file(&path)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync()
            })
            .map_err(|source| DatasetError::from_write(&path, source))?;
    }
    // Inner folders first: a name is safe only once the folder that it leads to is.
    for path in folders.iter().rev() {
        layer
            .sync_folder(path)
            .map_err(|source| DatasetError::from_write(path, source))?;
    }
    Ok(())
}

fn give_name(
    layer: &dyn FileLayer,
    temporary: &Path,
    place: &Path,
    dataset_folder: &Path,
) -> Result<(), DatasetError> {
    layer
        .rename(temporary, place)
        .map_err(|source| DatasetError::from_write(place, source))?;
    layer.sync_folder(dataset_folder).map_err(|source| {
        // Whether the name would survive a power cut is not known, so the version does not count.
        layer.rename(place, temporary).ok();
        DatasetError::from_write(dataset_folder, source)
    })
}
