//! One puller per model at a time, across processes.
//!
//! The lock is the system's own on an open file, so it is freed when its holder dies in whatever way. The
//! lock file stays: removing it would let two processes hold locks on two files of one name.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use super::error::WeightsError;
use super::event::PullEvent;
use super::folder::io_error;

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct ModelLock {
    _file: File,
}

/// Makes the folder and waits until this process alone holds its lock.
///
/// # Errors
/// When the folder cannot be made or the file system has no locks.
pub(crate) fn lock(folder: &Path, progress: &dyn Fn(PullEvent)) -> Result<ModelLock, WeightsError> {
    fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
    let path = folder.join(".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io_error("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(PullEvent::WaitingForOther);
            file.lock().map_err(io_error("lock", &path))?;
        }
        Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
    }
    Ok(ModelLock { _file: file })
}
