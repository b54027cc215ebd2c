//! The sentence encoder with its pinned weights.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use evalwright_core::ContentHash;
use evalwright_local::{EncoderOptions, LocalError, SentenceEncoder};

/// The encoder's name.
pub(crate) const ENCODER: &str = "local/all-minilm-l6-v2";

/// The pinned weights: those in the cache, else fetched. The vocabulary lies beside them.
pub(crate) fn weights() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| super::pinned(ENCODER, None))
}

/// Opens files as the encoder's.
pub(crate) fn open(
    weights: &Path,
    vocabulary: &Path,
    threads: usize,
) -> Result<SentenceEncoder, LocalError> {
    let options = EncoderOptions {
        name: "local/under-test".to_owned(),
        weights: ContentHash::of(b"under test"),
        threads,
    };
    SentenceEncoder::open(weights, vocabulary, options)
}

fn pinned(threads: usize) -> SentenceEncoder {
    open(weights(), &weights().with_file_name("vocab.txt"), threads).unwrap()
}

/// The encoder with one worker, opened once for a test binary.
pub(crate) fn one_worker() -> &'static SentenceEncoder {
    static ONE: OnceLock<SentenceEncoder> = OnceLock::new();
    ONE.get_or_init(|| pinned(1))
}

/// The encoder with three workers, opened once for a test binary.
pub(crate) fn three_workers() -> &'static SentenceEncoder {
    static THREE: OnceLock<SentenceEncoder> = OnceLock::new();
    THREE.get_or_init(|| pinned(3))
}
