//! The few things that publishing asks of the file system, behind a trait so that each can be made to
//! fail in a test.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::error::DatasetError;

/// A file being written.
pub trait LayerFile {
    /// Writes all bytes.
    ///
    /// # Errors
    /// What the file system says.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once the file's content is on the disk. Asked of the file that was written to, because a
    /// write that failed late is reported there and nowhere else.
    ///
    /// # Errors
    /// What the file system says.
    fn sync(&mut self) -> io::Result<()>;
}

/// What publishing asks of the file system.
pub trait FileLayer {
    /// Makes a folder and those above it that are missing.
    ///
    /// # Errors
    /// What the file system says.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file that is not there yet.
    ///
    /// # Errors
    /// What the file system says; also when the file is there.
    fn create_file(&self, path: &Path) -> io::Result<Box<dyn LayerFile>>;

    /// Returns once the names in a folder are on the disk.
    ///
    /// # Errors
    /// What the file system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Gives a folder another name.
    ///
    /// # Errors
    /// What the file system says; also when something else has that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a folder with everything in it.
    ///
    /// # Errors
    /// What the file system says.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// Makes a folder and those above it that are missing, and syncs the names of the new ones.
///
/// # Errors
/// What the file system says; the folder is named.
pub(crate) fn create_folder_durably(
    layer: &dyn FileLayer,
    path: &Path,
) -> Result<(), DatasetError> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    layer
        .create_folder(path)
        .map_err(|source| DatasetError::from_write(path, source))?;
    for folder in missing.iter().rev() {
        let above = match folder.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        layer
            .sync_folder(above)
            .map_err(|source| DatasetError::from_write(folder, source))?;
    }
    Ok(())
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl LayerFile for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl FileLayer for Disk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn LayerFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Box::new(file))
    }

    #[cfg(unix)]
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Other systems don't open folders as files; there the names go out with the file system's journal.
    #[cfg(not(unix))]
    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }
}
