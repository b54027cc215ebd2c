//! Writing files by relative path into a folder that the user named.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};

/// Writes each file below the folder, and the folders that it needs. What was written before a failure stays.
pub(crate) fn write_files(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for (name, bytes) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|cause| Failure::unwritable(parent, &cause))?;
        }
        std::fs::write(&path, bytes).map_err(|cause| Failure::unwritable(&path, &cause))?;
    }
    Ok(())
}

/// Writes a folder whole or not at all: everything is written and synced beside it under another name, which then
/// becomes its name. What stood there before stays until the new one is complete, and comes back if that fails.
///
/// Whoever calls has made sure that what stands there may go.
pub(crate) fn replace_folder(
    folder: &Path,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(), Failure> {
    // A name that is a link stays one: what it leads to is replaced.
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let name = real.file_name().ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("{} is no name of a folder", folder.display()),
        )
    })?;
    let above = match real.parent() {
        Some(above) if !above.as_os_str().is_empty() => above.to_path_buf(),
        _ => PathBuf::from("."),
    };
    std::fs::create_dir_all(&above).map_err(|cause| Failure::unwritable(&above, &cause))?;
    let beside = |word: &str| {
        let mut hidden = OsString::from(format!(".{word}-{}-", std::process::id()));
        hidden.push(name);
        above.join(hidden)
    };
    let (new, old) = (beside("writing"), beside("replaced"));
    write_files(&new, files)
        .and_then(|()| sync(&new, files))
        .and_then(|()| exchange(&new, &real, &old))
        .inspect_err(|_| {
            // The first failure is the one to report.
            std::fs::remove_dir_all(&new).ok();
        })
}

fn sync(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for name in files.keys() {
        let path = folder.join(name);
        std::fs::File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|cause| Failure::unwritable(&path, &cause))?;
    }
    Ok(())
}

/// Gives `new` the name `place`. What has that name gets the name `old` first, and is removed in the end.
fn exchange(new: &Path, place: &Path, old: &Path) -> Result<(), Failure> {
    let is_there = std::fs::symlink_metadata(place).is_ok();
    if is_there {
        std::fs::rename(place, old).map_err(|cause| Failure::unwritable(place, &cause))?;
    }
    if let Err(cause) = std::fs::rename(new, place) {
        if is_there {
            std::fs::rename(old, place).ok();
        }
        return Err(Failure::unwritable(place, &cause));
    }
    if is_there {
        std::fs::remove_dir_all(old).map_err(|cause| Failure::unwritable(old, &cause))?;
    }
    Ok(())
}
