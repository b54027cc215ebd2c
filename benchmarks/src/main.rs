//! The model inside, next to the plain loop that a user of the same library would write.
//!
//! Every part runs in a process of its own, so that its peak memory is its own, and the parts take turns, so
//! that a busy moment of the machine meets both. What is compared is wall time for the same work.

mod material;
mod ours;
mod plain;

use std::error::Error;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// How often each part runs; the middle one counts.
const ROUNDS: usize = 3;
/// Set in a child: the part that it is to run.
const PART: &str = "EVALWRIGHT_BENCHMARK_PART";

/// What one part measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// Statements scored (with two prompts each) or texts written.
    pub(crate) items: usize,
    /// Tokens that came out: scored or written.
    pub(crate) tokens: u64,
    /// Wall time, weights loaded before.
    pub(crate) seconds: f64,
    /// The part of it that went into reading prompts, where it can be told apart.
    pub(crate) prompt_seconds: Option<f64>,
    /// The first log-probabilities (in nats), to see that both parts compute the same.
    pub(crate) check: Vec<f64>,
    /// Peak memory of the process in KiB.
    #[serde(default)]
    pub(crate) peak_kib: Option<u64>,
}

const PARTS: [(&str, fn(usize) -> Result<Measurement, Box<dyn Error>>); 5] = [
    ("our scoring", ours::score),
    ("plain scoring", |_| plain::score()),
    ("our generation", ours::generate),
    ("plain generation", |_| plain::generate(false)),
    ("plain generation, likeliest token", |_| {
        plain::generate(true)
    }),
];

fn main() -> Result<(), Box<dyn Error>> {
    let threads = std::thread::available_parallelism()?.get();
    if let Ok(wanted) = std::env::var(PART) {
        let (_, run) = PARTS
            .iter()
            .find(|(name, _)| *name == wanted)
            .ok_or("no such part")?;
        let mut measured = run(threads)?;
        measured.peak_kib = peak_kib();
        println!("{}", serde_json::to_string(&measured)?);
        return Ok(());
    }
    // Fetches the weights if need be, before anything is timed.
    let weights = material::weights()?;
    let features = if cfg!(target_feature = "avx2") {
        "with"
    } else {
        "without"
    };
    println!(
        "{threads} threads for us, one for the plain loop; built {features} AVX2 as a compile-time feature"
    );
    println!("{}", material::describe());
    let mut runs: Vec<Vec<Measurement>> = vec![Vec::new(); PARTS.len()];
    for round in 1..=ROUNDS {
        for ((name, _), results) in PARTS.iter().zip(&mut runs) {
            let mut child = Command::new(std::env::current_exe()?);
            child.env(PART, name).env("EVALWRIGHT_MODEL_PATH", &weights);
            if name.starts_with("plain") {
                child
                    .env("RAYON_NUM_THREADS", "1")
                    .env("CANDLE_NUM_THREADS", "1");
            }
            let output = child.stderr(std::process::Stdio::inherit()).output()?;
            if !output.status.success() {
                return Err(format!("{name} failed").into());
            }
            let measured: Measurement = serde_json::from_slice(&output.stdout)?;
            println!(
                "round {round}: {name}: {} items, {} tokens in {:.1} s",
                measured.items, measured.tokens, measured.seconds
            );
            results.push(measured);
        }
    }
    let middle = |part: usize| {
        let mut sorted = runs[part].clone();
        sorted.sort_by(|left, right| left.rate().total_cmp(&right.rate()));
        sorted.swap_remove(sorted.len() / 2)
    };
    report(
        &[middle(0), middle(1), middle(2), middle(3), middle(4)],
        threads,
    )
}

fn report(middle: &[Measurement; 5], threads: usize) -> Result<(), Box<dyn Error>> {
    let [
        our_scores,
        plain_scores,
        our_texts,
        plain_texts,
        plain_likeliest,
    ] = middle;
    let furthest = our_scores
        .check
        .iter()
        .zip(&plain_scores.check)
        .map(|(ours, plain)| (ours - plain).abs());
    let furthest = furthest.fold(0.0, f64::max);
    println!("\nscoring: candidates (two prompts each) a second, median of {ROUNDS}");
    println!(
        "  ours   {:8.2}   {:6.0} tokens/s, {:.0} a core",
        our_scores.item_rate(),
        our_scores.rate(),
        our_scores.rate() / threads as f64
    );
    println!(
        "  plain  {:8.2}   {:6.0} tokens/s",
        plain_scores.item_rate(),
        plain_scores.rate()
    );
    println!(
        "  ratio  {:8.1}   (target 5)",
        our_scores.item_rate() / plain_scores.item_rate()
    );
    println!(
        "  the same work: scores differ by at most {furthest:.2} nats a statement (8-bit against 32-bit weights)"
    );
    println!("generation: tokens written a second, prompts included, median of {ROUNDS}");
    println!(
        "  ours   {:8.1}   {:.0} a core",
        our_texts.rate(),
        our_texts.rate() / threads as f64
    );
    println!(
        "  plain  {:8.1}   {:.1} after the prompt is read",
        plain_texts.rate(),
        plain_texts.written_rate()
    );
    println!(
        "  plain, likeliest token  {:8.1}   {:.1} after the prompt is read",
        plain_likeliest.rate(),
        plain_likeliest.written_rate()
    );
    println!(
        "  ratio  {:8.1}   (target 3); {:.1} against its fastest figure, the likeliest token without the prompt's time",
        our_texts.rate() / plain_texts.rate(),
        our_texts.rate() / plain_likeliest.written_rate()
    );
    for (name, measured) in [("scoring", our_scores), ("generation", our_texts)] {
        if let Some(kib) = measured.peak_kib {
            println!(
                "peak memory, our {name}: {:.2} GiB (target 1.2)",
                kib as f64 / (1 << 20) as f64
            );
        }
    }
    Ok(())
}

impl Measurement {
    /// Tokens a second.
    fn rate(&self) -> f64 {
        self.tokens as f64 / self.seconds
    }

    /// Items a second.
    fn item_rate(&self) -> f64 {
        self.items as f64 / self.seconds
    }

    /// Tokens a second without the time for prompts; the first token of each text comes from its prompt.
    fn written_rate(&self) -> f64 {
        let prompts = self.prompt_seconds.unwrap_or(0.0);
        self.tokens.saturating_sub(self.items as u64) as f64 / (self.seconds - prompts)
    }
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
