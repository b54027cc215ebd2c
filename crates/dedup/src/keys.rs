//! The band keys of a search: one list for each band with one key for each row, in memory or in files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::DedupError;
use crate::texts::{read_at, scratch_file};

/// Keys that are read from a file at a time.
const CHUNK: usize = 1 << 16;

#[derive(Debug)]
enum Place {
    Memory(Vec<u32>),
    Writing(BufWriter<File>),
    Reading(File),
}

/// The keys of all bands.
#[derive(Debug)]
pub(crate) struct Keys {
    bands: Vec<Place>,
    rows: usize,
}

impl Keys {
    pub(crate) fn new(bands: usize) -> Self {
        Self {
            bands: (0..bands).map(|_| Place::Memory(Vec::new())).collect(),
            rows: 0,
        }
    }

    /// Adds rows; `keys` holds for each row one key a band, row by row.
    pub(crate) fn push(&mut self, keys: &[u32]) -> Result<(), DedupError> {
        let width = self.bands.len().max(1);
        self.rows += keys.len() / width;
        for (band, place) in self.bands.iter_mut().enumerate() {
            let own = keys.iter().skip(band).step_by(width);
            match place {
                Place::Memory(list) => list.extend(own),
                Place::Writing(file) => {
                    for key in own {
                        file.write_all(&key.to_le_bytes())
                            .map_err(DedupError::scratch)?;
                    }
                }
                Place::Reading(_) => {
                    return Err(DedupError::scratch(std::io::Error::other(
                        "a row was added after the search began",
                    )));
                }
            }
        }
        Ok(())
    }

    /// Moves what is in memory into files of the folder, where later keys go too.
    pub(crate) fn spill(&mut self, folder: &Path) -> Result<(), DedupError> {
        for (band, place) in self.bands.iter_mut().enumerate() {
            if let Place::Memory(list) = place {
                let file = scratch_file(&folder.join(format!("band-{band}")))?;
                let mut writer = BufWriter::with_capacity(1 << 16, file);
                for key in list {
                    writer
                        .write_all(&key.to_le_bytes())
                        .map_err(DedupError::scratch)?;
                }
                *place = Place::Writing(writer);
            }
        }
        Ok(())
    }

    /// Makes the keys readable; nothing can be added afterwards.
    pub(crate) fn seal(&mut self) -> Result<(), DedupError> {
        for place in &mut self.bands {
            if let Place::Writing(_) = place {
                let writing = std::mem::replace(place, Place::Memory(Vec::new()));
                if let Place::Writing(writer) = writing {
                    let file = writer
                        .into_inner()
                        .map_err(|error| DedupError::scratch(error.into_error()))?;
                    *place = Place::Reading(file);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Puts in the records (key · 2³² + row) of a band whose key lies in one of `parts` equal ranges of keys and whose row is
    /// wanted, rows ascending.
    pub(crate) fn records(
        &self,
        band: usize,
        (part, parts): (usize, usize),
        wanted: &[bool],
        records: &mut Vec<u64>,
    ) -> Result<(), DedupError> {
        records.reserve(self.rows / parts.max(1));
        let mut take = |row: usize, key: u32| {
            let own = (u64::from(key) * parts as u64) >> 32;
            if own == part as u64 && wanted.get(row) == Some(&true) {
                records.push(u64::from(key) << 32 | row as u64);
            }
        };
        match self.bands.get(band) {
            Some(Place::Memory(list)) => {
                for (row, &key) in list.iter().enumerate() {
                    take(row, key);
                }
            }
            Some(Place::Reading(file)) => {
                let mut bytes = vec![0; 4 * CHUNK];
                for start in (0..self.rows).step_by(CHUNK) {
                    let count = CHUNK.min(self.rows - start);
                    let bytes = bytes.get_mut(..4 * count).unwrap_or_default();
                    read_at(file, bytes, 4 * start as u64).map_err(DedupError::scratch)?;
                    let (chunks, _) = bytes.as_chunks::<4>();
                    for (row, chunk) in (start..).zip(chunks) {
                        take(row, u32::from_le_bytes(*chunk));
                    }
                }
            }
            Some(Place::Writing(_)) | None => {}
        }
        Ok(())
    }
}
