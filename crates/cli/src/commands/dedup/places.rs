//! Where each row stands: its file and line.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};

/// A file with its rows.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Rows of it are only compared with.
    pub(super) is_reference: bool,
    /// Number of its first row.
    pub(super) first: usize,
    /// Lines in all, with the blank and the damaged ones.
    pub(super) lines: u64,
}

/// The files in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) sources: Vec<Source>,
    lines: Vec<u32>,
}

impl Places {
    pub(super) fn begin(&mut self, path: &Path, is_reference: bool) {
        self.sources.push(Source {
            path: path.to_owned(),
            is_reference,
            first: self.lines.len(),
            lines: 0,
        });
    }

    /// Adds a row of the file begun last.
    pub(super) fn push(&mut self, line: u64) -> Result<(), Failure> {
        let line = u32::try_from(line)
            .map_err(|_| Failure::new(Kind::Unexpected, "a file has more than 4294967295 lines"))?;
        self.lines.push(line);
        Ok(())
    }

    pub(super) fn end(&mut self, lines: u64) {
        if let Some(source) = self.sources.last_mut() {
            source.lines = lines;
        }
    }

    /// Rows of the files that are not references.
    pub(super) fn rows(&self) -> usize {
        let first_reference = self.sources.iter().find(|source| source.is_reference);
        first_reference.map_or(self.lines.len(), |source| source.first)
    }

    /// Rows of all files.
    pub(super) fn all(&self) -> usize {
        self.lines.len()
    }

    /// The line of a row, from 1; 0 for a row that does not exist.
    pub(super) fn line(&self, row: usize) -> u32 {
        self.lines.get(row).copied().unwrap_or(0)
    }

    /// The file of a row.
    pub(super) fn path(&self, row: usize) -> &Path {
        let after = self.sources.partition_point(|source| source.first <= row);
        match after.checked_sub(1).and_then(|at| self.sources.get(at)) {
            Some(source) => &source.path,
            None => Path::new(""),
        }
    }

    /// `file:line`.
    pub(super) fn shown(&self, row: usize) -> String {
        format!("{}:{}", self.path(row).display(), self.line(row))
    }
}
