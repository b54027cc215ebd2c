//! One run per dataset at a time.
//!
//! The operating system holds the lock and frees it when the process ends, however it ends; the file
//! itself stays and means nothing. The process number in it is for the message only.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::DatasetError;
use crate::layer::{Disk, create_folder_durably};
use crate::publish::TEMPORARY_PREFIX;

/// The lock's file in the dataset's folder.
pub const LOCK_FILE: &str = ".lock";

/// Held as long as the value lives.
#[derive(Debug)]
pub struct DatasetLock {
    _file: File,
}

/// Takes the lock of a dataset, makes its folder if needed, and removes what runs that died while they
/// published have left behind.
///
/// # Errors
/// [`DatasetError::Locked`] at once when another run, or another lock of this one, holds it; otherwise
/// what the file system says.
pub fn lock(dataset_folder: &Path) -> Result<DatasetLock, DatasetError> {
    let path = dataset_folder.join(LOCK_FILE);
    let failed = |source| DatasetError::from_write(&path, source);
    create_folder_durably(&Disk, dataset_folder)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(DatasetError::Locked {
                holder: holder(&mut file),
                path,
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    remove_leftovers(dataset_folder)?;
    Ok(DatasetLock { _file: file })
}

/// The holder's process, if the file tells. Some systems don't let others read a locked file.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(32).read_to_string(&mut text) {
        Ok(_) => text
            .trim()
            .parse::<u32>()
            .map_or_else(|_| String::new(), |process| format!(" (process {process})")),
        Err(_) => String::new(),
    }
}

fn remove_leftovers(dataset_folder: &Path) -> Result<(), DatasetError> {
    let unreadable = |source| DatasetError::from_read(dataset_folder, source);
    for entry in std::fs::read_dir(dataset_folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let is_leftover = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(TEMPORARY_PREFIX));
        if is_leftover {
            let path = entry.path();
            std::fs::remove_dir_all(&path)
                .map_err(|source| DatasetError::from_write(&path, source))?;
        }
    }
    Ok(())
}
