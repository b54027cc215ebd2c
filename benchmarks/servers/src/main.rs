//! How much of a bare HTTP loop's speed is left when every reply is judged, counted and durable?
//!
//! Judges statements with a model behind a scripted server (a process of its own on loopback): once through all
//! of ours, from the rater's prompt to the reply store, and once as a bare loop of `reqwest` that posts a
//! request like ours and reads the answer. Each part runs in a process of its own, so that its processor time
//! and its peak memory are its own. With `EVALWRIGHT_PYTHON` naming an interpreter that has `openai` and
//! `aiohttp`, `peer.py` runs as a third.
//!
//!     cargo run --release --manifest-path benchmarks/servers/Cargo.toml

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use evalwright_core::{Interrupt, Model};
use evalwright_models::money::{Amount, Budget, Limits, Price};
use evalwright_models::remote::{Backoff, RemoteModel, Settings, TransportLimits};
use evalwright_models::server::{Connection, ModelName};
use evalwright_pipeline::{RunPlan, Silent, judge};
use evalwright_recipe::{Known, builtin_kinds, find_kind, load_behaviour, load_kind};
use evalwright_store::ReplyStore;
use evalwright_testing::{Script, ScriptedServer};
use evalwright_tests::served::Answers;
use evalwright_text::{LINTS, Parser};

/// Set in a child: what it is to do.
const PART: &str = "EVALWRIGHT_THROUGHPUT_PART";
const URL: &str = "EVALWRIGHT_THROUGHPUT_URL";
const COUNT: &str = "EVALWRIGHT_THROUGHPUT_COUNT";
const FOLDER: &str = "EVALWRIGHT_THROUGHPUT_FOLDER";
const CONNECTIONS: usize = 256;

/// Latency in milliseconds and requests.
const ROUNDS: [(u64, usize); 3] = [(0, 20_000), (500, 20_480), (0, 100_000)];

fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(part) = std::env::var(PART) {
        let url = std::env::var(URL)?;
        let count = std::env::var(COUNT)?.parse()?;
        let started = Instant::now();
        match part.as_str() {
            "ours" => ours(&url, count, Path::new(&std::env::var(FOLDER)?))?,
            _ => bare(&url, count)?,
        }
        let mut out = std::io::stdout().lock();
        return Ok(writeln!(
            out,
            "{} {} {}",
            started.elapsed().as_secs_f64(),
            processor_seconds()?,
            peak_mebibytes()?
        )?);
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>8}{:>10}  {:8}{:>14}{:>10}{:>20}{:>12}",
        "latency", "requests", "", "requests/s", "of bare", "processor us/each", "peak MiB"
    )?;
    let python = std::env::var_os("EVALWRIGHT_PYTHON");
    for (latency, count) in ROUNDS {
        let mut bare_rate = f64::NAN;
        for part in ["bare", "ours", "openai"] {
            let server = ScriptedServer::start(&Answers::after_ms(latency).judges(Script::new()))?;
            // It takes a hundred times longer, so it does fewer.
            let count = if part == "openai" { count / 20 } else { count };
            let mut child = match (part, &python) {
                ("openai", Some(python)) if count <= 1_024 => {
                    let mut child = Command::new(python);
                    child.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peer.py"));
                    child
                }
                ("openai", _) => continue,
                _ => Command::new(std::env::current_exe()?),
            };
            // Made and removed here: taking the folder away is no part of the work.
            let folder = tempfile::tempdir()?;
            let ended = child
                .env(FOLDER, folder.path())
                .env(PART, part)
                .env(URL, server.url())
                .env(COUNT, count.to_string())
                .output()?;
            if !ended.status.success() {
                return Err(String::from_utf8_lossy(&ended.stderr).into());
            }
            let text = String::from_utf8(ended.stdout)?;
            let numbers: Vec<f64> = text
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()?;
            let [seconds, processor, peak] = numbers[..] else {
                return Err(format!("three numbers were expected: {text}").into());
            };
            let rate = count as f64 / seconds;
            if part == "bare" {
                bare_rate = rate;
            }
            let ideal = if latency > 0 {
                let ideal = CONNECTIONS as f64 * 1000.0 / latency as f64;
                format!("  {:.3} of the ideal", rate / ideal)
            } else {
                String::new()
            };
            writeln!(
                out,
                "{latency:>5} ms{count:>10}  {part:8}{rate:>14.0}{:>10.2}{:>20.1}{peak:>12.0}{ideal}",
                rate / bare_rate,
                processor / count as f64 * 1e6,
            )?;
        }
    }
    Ok(())
}

/// Judges statements through the pipeline, with every reply in a store on the disk.
fn ours(url: &str, count: usize, folder: &Path) -> Result<(), Box<dyn Error>> {
    let name = ModelName::parse(&format!("openai-compatible/mock@{url}/v1"))?;
    let settings = Settings {
        limits: TransportLimits::default(),
        backoff: Backoff::default(),
        longest_wait: Duration::from_secs(120),
        attempts: 8,
        odd_attempts: 3,
        first_connections: 32,
        most_connections: CONNECTIONS,
        budget: Budget::new(Limits::default(), Amount::ZERO),
        price: Price::Free,
        clock: SystemTime::now,
        talk: Arc::new(|_| ()),
    };
    let connection = Connection::open(&name, &|_| None)?;
    let model = RemoteModel::open("openai-compatible/mock", vec![connection], settings)?;
    let model: &dyn Model = &model;
    let lints: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let known = Known {
        lints: &lints,
        parsers: Parser::names(),
    };
    let folders = builtin_kinds();
    let kind = load_kind(find_kind(&folders, "statement")?, "default", &known)?;
    let behaviour = load_behaviour(
        Path::new("keeps-promises.toml"),
        evalwright_tests::BEHAVIOUR,
    )?;
    let texts: Vec<String> = (0..count)
        .map(|number| format!("I gladly keep promise number {number}."))
        .collect();
    let store = ReplyStore::open(&folder.join("replies.db"))?;
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: model,
        judges: &[model],
        embedder: None,
        limit: None,
    };
    let judged = judge(&plan, &texts, &store, &Interrupt::default(), &Silent)?;
    let known = judged.iter().filter(|text| text.verdict.is_some()).count();
    if known != count || store.count()? != count as u64 {
        return Err(format!("{known} of {count} are judged, {} stored", store.count()?).into());
    }
    Ok(())
}

/// Posts as many requests of the same size, and looks at nothing but the length of the answer.
fn bare(url: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(CONNECTIONS)
        .build()?;
    let url = format!("{url}/v1/chat/completions");
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, url, next) = (client.clone(), url.clone(), Arc::clone(&next));
            runtime.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok::<(), reqwest::Error>(());
                    }
                    let words = "I gladly keep the promises that I make. ".repeat(18);
                    let body = format!(
                        "{{\"model\":\"mock\",\"messages\":[{{\"role\":\"user\",\"content\":\"{words}{number}\"}}],\"logprobs\":true}}"
                    );
                    let answer = client
                        .post(&url)
                        .header("content-type", "application/json")
                        .body(body)
                        .send()
                        .await?
                        .error_for_status()?;
                    drop(answer.bytes().await?);
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await??;
        }
        Ok(())
    })
}

/// Processor time of this process, all threads.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
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
