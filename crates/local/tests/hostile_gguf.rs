//! Damaged and hostile files: never a panic, never a long wait, never memory for what is not there.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be written must fail its test"
)]

mod support;

use std::fs::File;
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evalwright_core::{Interrupt, Model};
use evalwright_local::GgufFile;
use support::tiny::{self, Gguf, Value};
use support::{chat, greedy, open, peak_kib, weights, whole};

/// A small generator, so that the number printed by a failure makes the same file again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        // SplitMix64 (Steele et al. 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }
}

/// Numbers that have broken readers: ends of ranges, sizes whose products run over, off-by-ones.
const NASTY: [u64; 12] = [
    0,
    1,
    2,
    7,
    9,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    1 << 61,
    u64::MAX >> 1,
    u64::MAX,
];

/// Changes 1 to 4 places among the first `reach` bytes.
fn mutate(bytes: &mut Vec<u8>, reach: usize, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        let reach = reach.min(bytes.len());
        if reach < 16 {
            return;
        }
        let place = dice.below(reach - 8);
        match dice.below(7) {
            0 => bytes[place] ^= 1 << dice.below(8),
            1 => bytes[place] = dice.roll() as u8,
            2 => {
                let nasty = NASTY[dice.below(NASTY.len())];
                bytes[place..place + 8].copy_from_slice(&nasty.to_le_bytes());
            }
            3 => {
                let nasty = NASTY[dice.below(NASTY.len())] as u32;
                bytes[place..place + 4].copy_from_slice(&nasty.to_le_bytes());
            }
            4 => bytes.truncate(dice.below(bytes.len())),
            5 => {
                let end = (place + 1 + dice.below(32)).min(bytes.len());
                bytes.drain(place..end);
            }
            _ => {
                let end = (place + 1 + dice.below(32)).min(bytes.len());
                let copy = bytes[place..end].to_vec();
                let target = dice.below(bytes.len());
                bytes.splice(target..target, copy);
            }
        }
    }
}

/// A file that is overwritten again and again. Cutting it to nothing first would make some file systems write
/// every version to the disk.
struct Scratch {
    path: PathBuf,
    file: File,
    _folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.gguf");
        Self {
            file: File::create(&path).unwrap(),
            path,
            _folder: folder,
        }
    }

    fn hold(&mut self, bytes: &[u8]) -> &Path {
        self.file.rewind().unwrap();
        self.file.write_all(bytes).unwrap();
        self.file.set_len(bytes.len() as u64).unwrap();
        &self.path
    }
}

/// Runs one damaged file; what goes wrong names the seed that makes it again.
fn survive(seed: u64, what: impl FnOnce()) {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(what));
    assert!(outcome.is_ok(), "file {seed} made the reader panic");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "file {seed} took {:?}",
        start.elapsed()
    );
}

/// A small header with every type of metadata that there is and tensors of several formats.
fn header() -> Vec<u8> {
    let mut file = Gguf::default();
    file.set("general.architecture", Value::Text("llama".to_owned()))
        .set("general.alignment", Value::Count(32))
        .set("a.float", Value::Float(1.5))
        .set("a.truth", Value::Bool(true))
        .set(
            "some.texts",
            Value::Texts(["x", "", "yz"].map(str::to_owned).to_vec()),
        )
        .set("some.integers", Value::Integers(vec![1, -2, 3]));
    file.add("token_embd.weight", &[4, 8], vec![0.5; 32]);
    file.add("blk.0.attn_norm.weight", &[8], vec![1.0; 8]);
    file.add("blk.0.ffn_down.weight", &[2, 4, 8], vec![0.25; 64]);
    file.bytes()
}

#[test]
fn a_hundred_thousand_damaged_headers_are_read_or_refused() {
    let mut scratch = Scratch::new();
    let sound = header();
    GgufFile::open(scratch.hold(&sound)).unwrap();
    let before = peak_kib();
    let (mut refused, mut read) = (0, 0);
    for seed in 0..100_000 {
        let mut bytes = sound.clone();
        mutate(&mut bytes, sound.len(), &mut Dice(seed));
        let path = scratch.hold(&bytes);
        survive(seed, || match GgufFile::open(path) {
            Ok(file) => {
                read += 1;
                for name in [
                    "token_embd.weight",
                    "blk.0.attn_norm.weight",
                    "blk.0.ffn_down.weight",
                ] {
                    if let Ok(info) = file.tensor(name) {
                        assert!(info.start + info.bytes as u64 <= bytes.len() as u64);
                        assert_eq!(file.tensor_bytes(name).unwrap().len(), info.bytes);
                    }
                }
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("damaged.gguf"), "{error}");
            }
        });
    }
    assert!(
        refused > 30_000 && read > 1_000,
        "{refused} refused, {read} read"
    );
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        assert!(
            after - before < 64 * 1024,
            "{} KiB for files of {} bytes",
            after - before,
            sound.len()
        );
    }
}

#[test]
fn three_thousand_damaged_models_are_asked_or_refused() {
    let mut scratch = Scratch::new();
    let sound = tiny::model();
    let reach = sound.header_length();
    let sound = sound.bytes();
    let (mut refused, mut asked) = (0, 0);
    for seed in 0..3_000 {
        let mut bytes = sound.clone();
        mutate(&mut bytes, reach, &mut Dice(seed));
        let path = scratch.hold(&bytes);
        survive(seed, || match ask(path) {
            Ok(()) => asked += 1,
            Err(_) => refused += 1,
        });
    }
    assert!(
        refused > 500 && asked > 100,
        "{refused} refused, {asked} asked"
    );
}

/// Opens a file and asks for one text and one score; whatever is wrong must come back as an error.
fn ask(path: &Path) -> Result<(), String> {
    let model = open(path, 1).map_err(|error| error.to_string())?;
    let ignore = Interrupt::default();
    let text = model.sample(&[greedy(chat("the hat", ""), 3)], &ignore, &|_, _| Ok(()));
    text.map_err(|error| error.to_string())?;
    let score = model.score(
        &[whole(chat("the hat", ""), &["yes", "no"])],
        &ignore,
        &|_, reply| {
            if let Ok(reply) = reply {
                assert!(
                    reply
                        .scores
                        .iter()
                        .all(|score| score.log_probability.is_finite()
                            && score.log_probability <= 0.0)
                );
            }
            Ok(())
        },
    );
    score.map_err(|error| error.to_string())
}

/// Values that are each well-formed and together nonsense.
#[test]
fn sizes_that_contradict_each_other_are_errors() {
    let mut scratch = Scratch::new();
    let keys = [
        "llama.embedding_length",
        "llama.attention.head_count",
        "llama.attention.head_count_kv",
        "llama.rope.dimension_count",
        "llama.block_count",
        "llama.feed_forward_length",
        "llama.context_length",
        "tokenizer.ggml.bos_token_id",
        "tokenizer.ggml.eos_token_id",
    ];
    for key in keys {
        for value in [0, 1, 3, 31, 33, 64, 65_536, u32::MAX] {
            let path = scratch.hold(&tiny::model().set(key, Value::Count(value)).bytes());
            survive(value.into(), || drop(ask(path)));
        }
        let path = scratch.hold(&tiny::model().remove(key).bytes());
        survive(0, || drop(ask(path)));
    }
    for (key, value) in [
        ("llama.rope.freq_base", Value::Float(f32::NAN)),
        ("llama.rope.freq_base", Value::Float(-1.0)),
        (
            "llama.attention.layer_norm_rms_epsilon",
            Value::Float(f32::NAN),
        ),
        (
            "tokenizer.ggml.merges",
            Value::Texts(vec!["no such".to_owned()]),
        ),
        ("tokenizer.ggml.merges", Value::Texts(vec![String::new()])),
        (
            "tokenizer.ggml.tokens",
            Value::Texts(vec!["same".to_owned(); tiny::VOCABULARY]),
        ),
        (
            "tokenizer.ggml.token_type",
            Value::Integers(vec![3; tiny::VOCABULARY]),
        ),
        (
            "tokenizer.chat_template",
            Value::Text("{{ 'x' * 99999999999 }}".to_owned()),
        ),
        (
            "tokenizer.chat_template",
            Value::Text("{% for a in range(9999) %}{{ 'x' * 99999 }}{% endfor %}".to_owned()),
        ),
        (
            "tokenizer.chat_template",
            Value::Text("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}".to_owned()),
        ),
    ] {
        let path = scratch.hold(&tiny::model().set(key, value).bytes());
        survive(0, || drop(ask(path)));
    }
}

/// A list of single bytes takes more room in memory than in the file; no file may use that to fill the memory.
#[test]
fn a_file_of_small_values_does_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let count = 32_u64 << 20;
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend([0_u64, 1].map(u64::to_le_bytes).concat());
    bytes.extend(1_u64.to_le_bytes());
    bytes.push(b'a');
    bytes.extend([9_u32, 0].map(u32::to_le_bytes).concat());
    bytes.extend(count.to_le_bytes());
    bytes.resize(bytes.len() + count as usize, 0);
    std::fs::write(&path, &bytes).unwrap();
    drop(bytes);
    let before = peak_kib();
    let error = GgufFile::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("model.gguf") && error.contains("entries"),
        "{error}"
    );
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        assert!(
            after - before < (64 << 10) + (count >> 10),
            "{} KiB",
            after - before
        );
    }
}

#[test]
fn the_pinned_file_cut_anywhere_is_called_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.gguf");
    std::fs::copy(weights(), &path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let whole = file.metadata().unwrap().len();
    // From one byte short down through the tensors, the tensor table, the vocabulary, to nothing at all.
    let mut cuts = vec![whole - 1, whole - 2, whole - 33, whole - 4096];
    cuts.extend((1..=8).rev().map(|part| whole / 9 * part));
    cuts.extend([1_000_000, 100_000, 4097, 64, 20, 9, 3, 0]);
    assert_eq!(cuts.len(), 20);
    assert!(cuts.is_sorted_by(|left, right| left > right));
    for cut in cuts {
        // Cutting an already shorter file needs no new copy.
        file.set_len(cut).unwrap();
        let start = Instant::now();
        let error = open(&path, 1)
            .err()
            .unwrap_or_else(|| panic!("{cut} bytes were accepted"))
            .to_string();
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{cut} bytes: {:?}",
            start.elapsed()
        );
        assert!(
            error.contains("cut.gguf") && error.contains("incomplete"),
            "{cut} bytes: {error}"
        );
    }
}
