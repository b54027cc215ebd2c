//! Writing files by relative path into a folder that the user named.

use std::collections::BTreeMap;
use std::path::Path;

use crate::failure::Failure;

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
