//! Opening a file of others: what it is packed in, and what its text is written in.
//!
//! Both are told by the first bytes, never by the name, since names lie. What is unpacked is read as a stream, so
//! a small packed file that holds a very large text takes no memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use serde::Serialize;

use crate::error::DatasetError;
use crate::import::zstd::ZstdFrames;

/// How much is read at once.
const BUFFER: usize = 1 << 16;

/// What a file is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Nothing.
    None,
    /// gzip, of any number of members.
    Gzip,
    /// Zstandard, of any number of frames.
    Zstd,
}

/// An open file, unpacked, its byte order mark taken off.
pub(crate) struct Source {
    /// The text.
    pub(crate) reader: Box<dyn BufRead>,
    /// What it was packed in.
    pub(crate) compression: Compression,
    /// Whether a byte order mark stood in front.
    pub(crate) had_mark: bool,
}

/// Opens a text file.
///
/// # Errors
/// When it cannot be read or unpacked, or is UTF-16 text.
pub(crate) fn open(path: &Path) -> Result<Source, DatasetError> {
    let unreadable = |source| DatasetError::from_read(path, source);
    let file = File::open(path).map_err(unreadable)?;
    let mut packed = BufReader::with_capacity(BUFFER, file);
    let start = packed.fill_buf().map_err(unreadable)?;
    let (mut reader, compression): (Box<dyn BufRead>, Compression) =
        if start.starts_with(&[0x1f, 0x8b]) {
            let unpacked = BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed));
            (Box::new(unpacked), Compression::Gzip)
        } else if ZstdFrames::<File>::starts(start) {
            let unpacked = BufReader::with_capacity(BUFFER, ZstdFrames::new(packed));
            (Box::new(unpacked), Compression::Zstd)
        } else {
            (Box::new(packed), Compression::None)
        };
    let mark = take_mark(&mut *reader).map_err(unreadable)?;
    if mark == Mark::Utf16 {
        return Err(DatasetError::Utf16 {
            path: path.to_path_buf(),
        });
    }
    Ok(Source {
        reader,
        compression,
        had_mark: mark == Mark::Utf8,
    })
}

/// The first bytes of the unpacked text, at most as many as are read at once.
pub(crate) fn peek(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let unreadable = |source| DatasetError::from_read(path, source);
    let mut source = open(path)?;
    let mut start = Vec::new();
    (&mut source.reader)
        .take(BUFFER as u64)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    Ok(start)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Utf8,
    Utf16,
}

/// Takes a UTF-8 byte order mark off, and knows UTF-16 by its own mark or by a zero byte beside ASCII.
fn take_mark(reader: &mut dyn BufRead) -> io::Result<Mark> {
    let start = reader.fill_buf()?;
    if start.starts_with(&[0xef, 0xbb, 0xbf]) {
        reader.consume(3);
        return Ok(Mark::Utf8);
    }
    let is_utf16 = match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, 0, second, 0, ..] => *first != 0 && *second != 0,
        [0, first, 0, second, ..] => *first != 0 && *second != 0,
        _ => false,
    };
    Ok(if is_utf16 { Mark::Utf16 } else { Mark::None })
}
