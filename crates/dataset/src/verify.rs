//! Checks that a published version still is what its manifest says.

use std::collections::BTreeSet;
use std::path::Path;

use evalwright_core::ContentHash;

use crate::error::DatasetError;
use crate::manifest::Manifest;
use crate::publish::{MANIFEST_FILE, RUN_FILE, content_hash};

/// Compares every file of a version with the manifest: none missing, none changed, none added.
///
/// # Errors
/// [`DatasetError::Changed`] names the first file, by name, that differs; [`DatasetError::Read`] one that
/// cannot be read.
pub fn verify_files(folder: &Path, manifest: &Manifest) -> Result<(), DatasetError> {
    let changed = |path: &Path, problem: String| DatasetError::Changed {
        path: path.to_path_buf(),
        problem,
    };
    let mut present = BTreeSet::new();
    list_files(folder, "", &mut present)?;
    for (name, record) in &manifest.files {
        let path = folder.join(name);
        if !present.remove(name) {
            return Err(changed(&path, "the file is missing".to_owned()));
        }
        let bytes =
            std::fs::read(&path).map_err(|source| DatasetError::from_read(&path, source))?;
        let length = bytes.len() as u64;
        if length != record.bytes {
            return Err(changed(
                &path,
                format!(
                    "it has {length} bytes and the manifest says {}",
                    record.bytes
                ),
            ));
        }
        if ContentHash::of(&bytes) != record.sha256 {
            return Err(changed(
                &path,
                "its SHA-256 is not the one in the manifest".to_owned(),
            ));
        }
    }
    present.remove(MANIFEST_FILE);
    present.remove(RUN_FILE);
    if let Some(name) = present.first() {
        return Err(changed(
            &folder.join(name),
            "the manifest does not list this file".to_owned(),
        ));
    }
    let content = content_hash(&manifest.files);
    if manifest.content != Some(content) {
        return Err(changed(
            &folder.join(MANIFEST_FILE),
            format!("its content hash is not that of its files, {content}"),
        ));
    }
    Ok(())
}

/// All files below a folder as relative paths with `/`.
pub(crate) fn list_files(
    folder: &Path,
    prefix: &str,
    found: &mut BTreeSet<String>,
) -> Result<(), DatasetError> {
    let unreadable = |source| DatasetError::from_read(folder, source);
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(unreadable)?.is_dir() {
            list_files(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name);
        }
    }
    Ok(())
}
