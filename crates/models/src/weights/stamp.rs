//! The memory that a file was checked: hashing a hundred megabytes once is enough.
//!
//! Invariant: a stamp is believed only while the file's path, length and time of change are those of the
//! check and the pin is the same. A lost or unreadable stamp only costs another check.

use std::fs::{self, File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalogue::PinnedFile;
use super::error::WeightsError;
use super::event::PullEvent;
use super::folder::{io_error, put_in_place, with_suffix};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    path: PathBuf,
    bytes: u64,
    /// Nanoseconds since 1970, as text: the number is too large for JSON numbers elsewhere.
    changed: String,
    sha256: String,
}

impl Stamp {
    fn of(path: &Path, metadata: &Metadata, sha256: &str) -> Option<Self> {
        let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self {
            path: path.to_owned(),
            bytes: metadata.len(),
            changed: changed.as_nanos().to_string(),
            sha256: sha256.to_owned(),
        })
    }
}

/// What a look at a file without reading it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is none.
    Absent,
    /// The length is wrong; this many bytes.
    WrongLength(u64),
    /// The length is right, the content was not checked or has changed since.
    Unchecked,
    /// Checked, and not changed since.
    Checked,
}

/// Looks at a file without reading it.
///
/// # Errors
/// When the file system refuses for another reason than that there is no file.
pub(crate) fn look(path: &Path, pin: &PinnedFile, stamp: &Path) -> Result<Look, WeightsError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(Look::Absent),
        Err(error) if is_absent(&error) => return Ok(Look::Absent),
        Err(error) => return Err(io_error("look at", path)(error)),
    };
    if metadata.len() != pin.bytes {
        return Ok(Look::WrongLength(metadata.len()));
    }
    let known = fs::read(stamp)
        .ok()
        .and_then(|text| serde_json::from_slice::<Stamp>(&text).ok());
    let checked = known.is_some() && known == Stamp::of(path, &metadata, &pin.sha256);
    Ok(if checked {
        Look::Checked
    } else {
        Look::Unchecked
    })
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// Reads a whole file and compares it with its pin. With a path for a stamp, the check is remembered when
/// that can be written (a cache may be read-only).
///
/// # Errors
/// [`WeightsError::Absent`], [`WeightsError::WrongFile`], or that the file cannot be read.
pub(crate) fn check(
    path: &Path,
    pin: &PinnedFile,
    stamp: Option<&Path>,
    progress: &dyn Fn(PullEvent),
) -> Result<(), WeightsError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Err(WeightsError::Absent),
        Err(error) => return Err(io_error("open", path)(error)),
    };
    let metadata = file.metadata().map_err(io_error("look at", path))?;
    let wrong = |expected, found| WeightsError::WrongFile {
        path: path.to_owned(),
        expected,
        found,
    };
    if metadata.len() != pin.bytes {
        return Err(wrong(bytes(pin.bytes), bytes(metadata.len())));
    }
    progress(PullEvent::Checking {
        path: path.to_owned(),
    });
    let mut hasher = Sha256::new();
    feed(&mut file, &mut hasher).map_err(io_error("read", path))?;
    let found = hex(hasher);
    if found != pin.sha256 {
        return Err(wrong(sha256(&pin.sha256), sha256(&found)));
    }
    if let Some(stamp) = stamp
        && let Some(content) = Stamp::of(path, &metadata, &pin.sha256)
    {
        write_stamp(stamp, &content).ok();
    }
    Ok(())
}

/// Remembers a check that was made while the file was written. When that fails, the next look checks again.
pub(crate) fn remember(path: &Path, pin: &PinnedFile, stamp: &Path) {
    if let Ok(metadata) = fs::metadata(path)
        && let Some(content) = Stamp::of(path, &metadata, &pin.sha256)
    {
        write_stamp(stamp, &content).ok();
    }
}

fn write_stamp(place: &Path, stamp: &Stamp) -> Result<(), WeightsError> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
    }
    // Two processes may stamp at once; each writes its own file and the last name wins.
    let temporary = with_suffix(place, &format!(".{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(stamp)?)
    };
    write().map_err(io_error("write", &temporary))?;
    put_in_place(&temporary, place)
}

/// Puts the rest of a reader into a hash. Returns the bytes read.
pub(crate) fn feed(reader: &mut impl Read, hasher: &mut Sha256) -> std::io::Result<u64> {
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut total = 0_u64;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(buffer.get(..count).unwrap_or_default());
        total += count as u64;
    }
}

/// A finished hash in lower-case hexadecimal.
pub(crate) fn hex(hasher: Sha256) -> String {
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A length in words.
pub(crate) fn bytes(count: u64) -> String {
    format!("{count} bytes")
}

/// A hash in words.
pub(crate) fn sha256(hash: &str) -> String {
    format!("SHA-256 {hash}")
}
