//! Files beside the versions of a dataset: its status and its changelog.
//!
//! Versions never change, so what is learned about them later stands beside them. Such a file is replaced whole or not
//! at all, and only by who holds the dataset's lock.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::DatasetError;
use crate::layer::{Disk, FileLayer};
use crate::lock::DatasetLock;

/// Replaces a file in a dataset's folder; gives whether its bytes changed. The lock is that of the dataset.
///
/// # Errors
/// When the file system fails; then the file is as it was, or, where only the last sync failed, whole as it should be.
pub fn write_beside(
    _lock: &DatasetLock,
    dataset_folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<bool, DatasetError> {
    write_beside_with(&Disk, dataset_folder, name, bytes)
}

/// [`write_beside`] on a given file layer.
///
/// # Errors
/// As [`write_beside`].
pub fn write_beside_with(
    layer: &dyn FileLayer,
    dataset_folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<bool, DatasetError> {
    let place = dataset_folder.join(name);
    match std::fs::read(&place) {
        Ok(found) if found == bytes => return Ok(false),
        Ok(_) => {}
        Err(source) if source.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(DatasetError::from_read(&place, source)),
    }
    // Under the lock nobody else writes it, so what is there under this name is left over from a run that died.
    let unfinished = dataset_folder.join(format!(".{name}.part"));
    match std::fs::remove_file(&unfinished) {
        Ok(()) => {}
        Err(source) if source.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(DatasetError::from_write(&unfinished, source)),
    }
    let written = layer
        .create_file(&unfinished)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync()
        })
        .and_then(|()| layer.rename(&unfinished, &place))
        .and_then(|()| layer.sync_folder(dataset_folder));
    written.map_err(|source| {
        // The first failure is the one to report.
        std::fs::remove_file(&unfinished).ok();
        DatasetError::from_write(&place, source)
    })?;
    Ok(true)
}
