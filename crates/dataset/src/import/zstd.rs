//! Zstandard streams of any number of frames, in pure Rust.
//!
//! The decoder knows one frame; a file may hold several, and frames to be passed over.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How a frame begins.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// How many bytes are unpacked before they are handed on.
const STEP: usize = 1 << 16;

/// The text of all frames, one after the other.
pub(crate) struct ZstdFrames<R> {
    packed: io::BufReader<R>,
    decoder: FrameDecoder,
    is_inside: bool,
}

impl<R: Read> ZstdFrames<R> {
    /// Whether the bytes begin a frame, or one to be passed over.
    pub(crate) fn starts(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC) || matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
    }

    pub(crate) fn new(packed: io::BufReader<R>) -> Self {
        Self {
            packed,
            decoder: FrameDecoder::new(),
            is_inside: false,
        }
    }

    /// Begins the next frame; false at the end of the file.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.packed.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => {
                    self.is_inside = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut passed = (&mut self.packed).take(u64::from(length));
                    io::copy(&mut passed, &mut io::sink())?;
                }
                Err(error) => return Err(invalid(&error)),
            }
        }
    }

    /// The frame's checksum, where it has one.
    fn check(&self) -> io::Result<()> {
        match (
            self.decoder.get_checksum_from_data(),
            self.decoder.get_calculated_checksum(),
        ) {
            (Some(stated), Some(found)) if stated != found => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of the packed text is wrong",
            )),
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.decoder.can_collect() > 0 || (self.is_inside && self.decoder.is_finished()) {
                let read = self.decoder.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                if self.decoder.is_finished() {
                    self.is_inside = false;
                    self.check()?;
                }
            }
            if self.is_inside {
                self.decoder
                    .decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBytes(STEP))
                    .map_err(|error| invalid(&error))?;
            } else if !self.begin()? {
                return Ok(0);
            }
        }
    }
}

fn invalid(error: &FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
