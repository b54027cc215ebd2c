//! One way of finding near duplicates in one JSONL file, so that its processor time and peak memory are its own.
//!
//!     near MODE FILE [--threshold 0.7] [--limit ROWS] [--threads N] [--pairs OUT.tsv]
//!
//! `ours` is the library's list of all near pairs, `clusters` what the command does, `truth` the exact list by a
//! join that shares nothing with the library, `gaoya` the crate of that name, `read` reads only. A text's set holds the
//! character 4-grams of the text in lower case with blanks made one space. One JSON line goes to standard output.

mod truth;

use std::error::Error;
use std::io::{BufRead, BufReader, BufWriter, Write};

use evalwright_dedup::{Form, Layers, Near, Row, Search, Shingle, near_pairs};
use gaoya::minhash::{MinHashIndex, MinHasher, MinHasher32};

#[derive(serde::Deserialize)]
struct Line {
    text: String,
}

struct Arguments {
    mode: String,
    file: String,
    threshold: f64,
    limit: usize,
    pairs: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let texts = read(&arguments.file, arguments.limit)?;
    let near = Near {
        threshold: arguments.threshold,
        shingle: Shingle::Characters(4),
    };
    let rows = texts.len();
    let (mut pairs, mut fallen): (Vec<(u32, u32)>, Option<usize>) = (Vec::new(), None);
    match arguments.mode.as_str() {
        "read" => {}
        "ours" => {
            let forms: Vec<String> = texts.iter().map(|text| Form::Folded.of(text)).collect();
            drop(texts);
            let found = near_pairs(&forms, near)?;
            pairs = found.iter().map(|pair| (pair.left, pair.right)).collect();
        }
        "clusters" => {
            let mut search = Search::new(Layers {
                exact: true,
                normalised: true,
                near: Some(near),
                form: Form::Folded,
            })?;
            let all: Vec<Row<'_>> = texts.iter().map(|text| Row::new(text)).collect();
            search.push(&all)?;
            fallen = Some(search.finish()?.dropped.len());
        }
        "truth" => pairs = truth::pairs(&texts, arguments.threshold),
        "gaoya" => pairs = gaoya_pairs(&texts, arguments.threshold),
        other => return Err(format!("mode {other} is unknown").into()),
    }
    if let Some(path) = &arguments.pairs {
        let mut out = BufWriter::new(std::fs::File::create(path)?);
        for (left, right) in &pairs {
            writeln!(out, "{left}\t{right}")?;
        }
        out.flush()?;
    }
    println!(
        "{}",
        serde_json::json!({"mode": arguments.mode, "rows": rows, "pairs": pairs.len(), "fallen": fallen})
    );
    Ok(())
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let mut arguments = Arguments {
        mode: given.next().ok_or("name a mode")?,
        file: given.next().ok_or("name a file")?,
        threshold: 0.7,
        limit: usize::MAX,
        pairs: None,
    };
    while let Some(option) = given.next() {
        let value = given.next().ok_or("an option has no value")?;
        match option.as_str() {
            "--threshold" => arguments.threshold = value.parse()?,
            "--limit" => arguments.limit = value.parse()?,
            "--pairs" => arguments.pairs = Some(value),
            "--threads" => rayon::ThreadPoolBuilder::new()
                .num_threads(value.parse()?)
                .build_global()?,
            other => return Err(format!("option {other} is unknown").into()),
        }
    }
    Ok(arguments)
}

fn read(file: &str, limit: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let reader = BufReader::new(std::fs::File::open(file)?);
    let mut texts = Vec::new();
    for line in reader.lines().take(limit) {
        texts.push(serde_json::from_str::<Line>(&line?)?.text);
    }
    Ok(texts)
}

/// 25 bands of 5, as the peers are run; its candidates are taken as they come.
fn gaoya_pairs(texts: &[String], threshold: f64) -> Vec<(u32, u32)> {
    let hasher = MinHasher32::new(125);
    let mut index = MinHashIndex::new(25, 5, threshold);
    let mut pairs = Vec::new();
    for (row, text) in (0_u32..).zip(texts) {
        let signature = hasher.create_signature(truth::grams(text).into_iter());
        pairs.extend(index.query(&signature).into_iter().map(|other| (*other, row)));
        index.insert(row, signature);
    }
    pairs
}
