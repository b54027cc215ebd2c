//! How much of a bare HTTP loop's speed is left when every reply is judged, counted and durable?
//!
//! Judges statements with a model behind a server (a process of its own on loopback, `server.rs`): through all of
//! ours, from the rater's prompt to the reply store; through our model alone, which keeps nothing; and as a bare
//! loop of `reqwest` on one thread or two. Each part runs in a process of its own, so that its processor time and
//! its peak memory are its own, and the parts take turns. With `EVALWRIGHT_PYTHON` naming an interpreter that has
//! `openai` and `aiohttp`, `peer.py` runs beside them.
//!
//!     cargo run --release --manifest-path benchmarks/servers/Cargo.toml

mod bare;
mod ours;
mod server;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set in a child: what it is to do.
const PART: &str = "EVALWRIGHT_THROUGHPUT_PART";
const URL: &str = "EVALWRIGHT_THROUGHPUT_URL";
const COUNT: &str = "EVALWRIGHT_THROUGHPUT_COUNT";
const FOLDER: &str = "EVALWRIGHT_THROUGHPUT_FOLDER";
pub(crate) const CONNECTIONS: usize = 256;

const SERVER: &str = "server";
const BARE: &str = "bare, one thread";
const BARE_ON_TWO: &str = "bare, two threads";
const OURS: &str = "ours, durable";
const OURS_ALONE: &str = "our model alone";
const PEER: &str = "openai, aiohttp";
const PARTS: [&str; 5] = [BARE, BARE_ON_TWO, OURS, OURS_ALONE, PEER];

/// It takes some tens of times longer, so it does fewer.
const PEER_SHARE: usize = 10;

/// Latency in milliseconds, requests, and how often all parts take their turn.
const ROUNDS: [(u64, usize, usize); 3] = [(0, 20_000, 5), (500, 20_480, 1), (0, 100_000, 3)];

struct Measured {
    requests_a_second: f64,
    /// Processor time of the client for each request.
    microseconds: f64,
    /// The same of the server.
    server_microseconds: f64,
    peak_mebibytes: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(part) = std::env::var(PART) {
        return run_part(&part);
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>8}{:>10}  {:<18}{:>12}{:>9}{:>15}{:>12}{:>10}",
        "latency", "requests", "", "requests/s", "of bare", "us processor", "of server", "peak MiB"
    )?;
    for (latency, count, turns) in ROUNDS {
        let mut all: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
        for _ in 0..turns {
            for part in PARTS {
                if let Some(measured) = measure(part, latency, count)? {
                    all.entry(part).or_default().push(measured);
                }
            }
        }
        let bare: Vec<f64> = all
            .get(BARE)
            .into_iter()
            .flatten()
            .map(|measured| measured.requests_a_second)
            .collect();
        for part in PARTS {
            let Some(turns) = all.get(part) else { continue };
            let of = |figure: fn(&Measured) -> f64| middle(turns.iter().map(figure));
            // Each turn is held against the bare loop of the same turn.
            let of_bare = turns
                .iter()
                .zip(&bare)
                .map(|(measured, bare)| measured.requests_a_second / bare);
            let rate = of(|measured| measured.requests_a_second);
            write!(
                out,
                "{latency:>5} ms{count:>10}  {part:<18}{rate:>12.0}{:>9.2}{:>15.1}{:>12.1}{:>10.0}",
                middle(of_bare),
                of(|measured| measured.microseconds),
                of(|measured| measured.server_microseconds),
                of(|measured| measured.peak_mebibytes),
            )?;
            if latency > 0 {
                let ideal = CONNECTIONS as f64 * 1000.0 / latency as f64;
                write!(out, "  {:.3} of the ideal", rate / ideal)?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

fn run_part(part: &str) -> Result<(), Box<dyn Error>> {
    let count = std::env::var(COUNT)?.parse()?;
    if part == SERVER {
        return server::answer_all(Duration::from_millis(count as u64));
    }
    let url = std::env::var(URL)?;
    let started = Instant::now();
    match part {
        OURS => ours::judge_all(&url, count, Path::new(&std::env::var(FOLDER)?))?,
        OURS_ALONE => ours::ask(&url, count)?,
        BARE => bare::ask(&url, count, 1)?,
        BARE_ON_TWO => bare::ask(&url, count, 2)?,
        other => return Err(format!("there is no part {other}").into()),
    }
    writeln!(
        std::io::stdout(),
        "{} {} {}",
        started.elapsed().as_secs_f64(),
        processor_seconds("self")?,
        peak_mebibytes()?
    )?;
    Ok(())
}

/// The figures of one part with a server of its own; nothing for a peer that is not there.
fn measure(part: &str, latency: u64, count: usize) -> Result<Option<Measured>, Box<dyn Error>> {
    let mut child = if part == PEER {
        let Some(python) = std::env::var_os("EVALWRIGHT_PYTHON") else {
            return Ok(None);
        };
        let mut child = Command::new(python);
        child.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peer.py"));
        child
    } else {
        Command::new(std::env::current_exe()?)
    };
    let count = if part == PEER { count / PEER_SHARE } else { count };
    let server = Served::start(latency)?;
    // Made and removed here: taking the folder away is no part of the work.
    let folder = tempfile::tempdir()?;
    let ended = child
        .env(FOLDER, folder.path())
        .env(PART, part)
        .env(URL, &server.url)
        .env(COUNT, count.to_string())
        .output()?;
    if !ended.status.success() {
        return Err(format!("{part}: {}", String::from_utf8_lossy(&ended.stderr)).into());
    }
    let text = String::from_utf8(ended.stdout)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [seconds, processor, peak] = numbers[..] else {
        return Err(format!("three numbers were expected: {text}").into());
    };
    let count = count as f64;
    Ok(Some(Measured {
        requests_a_second: count / seconds,
        microseconds: processor / count * 1e6,
        server_microseconds: processor_seconds(&server.process.id().to_string())? / count * 1e6,
        peak_mebibytes: peak,
    }))
}

/// The server in its process; it ends with this value.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(latency: u64) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(PART, SERVER)
            .env(COUNT, latency.to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut port)?;
        }
        Ok(Self {
            url: format!("http://127.0.0.1:{}", port.trim()),
            process,
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended by itself cannot be ended again.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The middle one; the lower of two.
fn middle(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let place = numbers.len().saturating_sub(1) / 2;
    numbers.get(place).copied().unwrap_or(f64::NAN)
}

/// Processor time of a process, all threads.
fn processor_seconds(process: &str) -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
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
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no peak memory")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
