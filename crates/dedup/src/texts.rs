//! The texts of a search: in memory, or in a file of the scratch folder once they take too much of it.
//!
//! Rows are numbered from 0 in the order in which they were put in.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::DedupError;

/// Up to this many bytes a text that is read from a file asks for no memory.
const SMALL: usize = 512;

/// Some texts one after the other, so that many of them ask for memory once.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    text: String,
    ends: Vec<usize>,
}

impl Packed {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| self.text.get(start..end).unwrap_or_default())
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// Where the bytes lie.
#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    Writing(BufWriter<File>),
    Reading(File),
}

/// Texts one after the other.
#[derive(Debug)]
pub(crate) struct Texts {
    place: Place,
    ends: Vec<u64>,
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self {
            place: Place::Memory(Vec::new()),
            ends: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all texts.
    pub(crate) fn bytes(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(crate) fn push(&mut self, text: &str) -> Result<(), DedupError> {
        match &mut self.place {
            Place::Memory(bytes) => bytes.extend_from_slice(text.as_bytes()),
            Place::Writing(file) => file
                .write_all(text.as_bytes())
                .map_err(DedupError::scratch)?,
            Place::Reading(_) => {
                return Err(DedupError::scratch(std::io::Error::other(
                    "a row was added after the search began",
                )));
            }
        }
        self.ends.push(self.bytes() + text.len() as u64);
        Ok(())
    }

    /// Moves what is in memory into a new file, where later texts go too.
    pub(crate) fn spill(&mut self, file: &Path) -> Result<(), DedupError> {
        if let Place::Memory(bytes) = &self.place {
            let mut writer = BufWriter::with_capacity(1 << 20, scratch_file(file)?);
            writer.write_all(bytes).map_err(DedupError::scratch)?;
            self.place = Place::Writing(writer);
        }
        Ok(())
    }

    /// Makes the texts readable; nothing can be added afterwards.
    pub(crate) fn seal(&mut self) -> Result<(), DedupError> {
        let place = std::mem::replace(&mut self.place, Place::Memory(Vec::new()));
        self.place = match place {
            Place::Writing(writer) => Place::Reading(
                writer
                    .into_inner()
                    .map_err(|error| DedupError::scratch(error.into_error()))?,
            ),
            other => other,
        };
        Ok(())
    }

    /// Gives the text of a row to `read`; an empty one for a row that does not exist.
    pub(crate) fn with<T>(&self, row: u32, read: impl FnOnce(&str) -> T) -> Result<T, DedupError> {
        let row = row as usize;
        let start = match row.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(row).copied().unwrap_or(start);
        match &self.place {
            Place::Memory(bytes) => {
                let text = bytes.get(start as usize..end as usize).unwrap_or(&[]);
                Ok(read(as_text(text)))
            }
            Place::Reading(file) => {
                let length = (end - start) as usize;
                let mut small = [0; SMALL];
                let mut large = Vec::new();
                let text = match small.get_mut(..length) {
                    Some(room) => room,
                    None => {
                        large.resize(length, 0);
                        large.as_mut_slice()
                    }
                };
                read_at(file, text, start).map_err(DedupError::scratch)?;
                Ok(read(as_text(text)))
            }
            Place::Writing(_) => Err(DedupError::scratch(std::io::Error::other(
                "a row was read before the search began",
            ))),
        }
    }
}

/// What was put in was text, so it is one again; a scratch file that somebody else wrote to may hold anything.
fn as_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// A new file of the scratch folder that can be read as well. Where a file can be open without a name it has none,
/// so that nothing is left behind when the process is killed.
pub(crate) fn scratch_file(path: &Path) -> Result<File, DedupError> {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(DedupError::scratch)?;
    if cfg!(unix) {
        std::fs::remove_file(path).map_err(DedupError::scratch)?;
    }
    Ok(file)
}

/// Reads without moving the file's own place, so that threads can share it.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, bytes: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

/// Reads at a place of the file.
#[cfg(windows)]
pub(crate) fn read_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> std::io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        let count = file.seek_read(bytes, start)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[count..];
        start += count as u64;
    }
    Ok(())
}
