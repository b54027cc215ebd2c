//! The layout of the cache, and the only way to a final file name.
//!
//! Invariant: a file under its final name is complete: it was written under another name in the same
//! folder, synced, renamed, and the folder synced.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::catalogue::PinnedModel;
use super::error::WeightsError;
use super::surroundings::Surroundings;

/// Where the weights of a model are, or are to be put by hand: `models/<name>/<file>` in the cache folder,
/// with `--` for the slash in the name.
#[must_use]
pub fn path_in_cache(model: &PinnedModel, surroundings: &Surroundings) -> PathBuf {
    model_folder(model, surroundings).join(&*model.file.name)
}

/// The folder of one model.
pub(crate) fn model_folder(model: &PinnedModel, surroundings: &Surroundings) -> PathBuf {
    surroundings
        .cache_dir
        .join("models")
        .join(model.name.replace('/', "--"))
}

/// A path with something added to its file name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// An error of the file system.
pub(crate) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> WeightsError {
    move |source| WeightsError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Gives a complete file its final name. The file is synced before and the folder after the renaming.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn put_in_place(temporary: &Path, place: &Path) -> Result<(), WeightsError> {
    File::open(temporary)
        .and_then(|file| file.sync_all())
        .map_err(io_error("sync", temporary))?;
    fs::rename(temporary, place).map_err(io_error("rename a file to", place))?;
    #[cfg(unix)]
    if let Some(folder) = place.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io_error("sync", folder))?;
    }
    Ok(())
}

/// Removes a file; one that is not there is fine.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), WeightsError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(error))
        }
        _ => Ok(()),
    }
}
