//! Our side of the benchmark: reads ratings, one byte a cell, item by item, 255 for a missing one, and prints one line of
//! JSON. `run.py` starts it beside the peers and measures whole processes.
//!
//!     evalwright-benchmarks-stats coefficients|interval|dawid-skene FILE RATERS LABELS [DRAWS or ROUNDS] [OUT]
//!
//! Two more parts have no peer here and make their own vectors, as long as sentence embeddings:
//!
//!     evalwright-benchmarks-stats vendi|map ROWS

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use evalwright_core::Seed;
use evalwright_stats::chance::{ChanceModel, chance_corrected};
use evalwright_stats::dawid_skene::{DawidSkeneOptions, dawid_skene};
use evalwright_stats::diversity::{Vectors, neighbour_map, ngram_vectors, vendi_of_ngrams};
use evalwright_stats::krippendorff::{Level, alpha_interval, krippendorff_alpha};
use evalwright_stats::pair::PairTable;
use evalwright_stats::weights::AgreementWeights;
use evalwright_stats::{Label, MISSING, Profiles, RatingTable, RatingTableBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [what, rows] = arguments.as_slice() {
        println!(
            "{{{},\"peak_mib\":{:.1}}}",
            diversity(what, rows.parse()?)?,
            peak_mib()?
        );
        return Ok(());
    }
    let [what, file, raters, labels, rest @ ..] = arguments.as_slice() else {
        return Err("usage: WHAT FILE RATERS LABELS [DRAWS or ROUNDS] [OUT]".into());
    };
    let table = read(file, raters.parse()?, labels.parse()?)?;
    let count: usize = rest.first().map_or(Ok(0), |count| count.parse())?;
    let found = match what.as_str() {
        "coefficients" => coefficients(&table),
        "interval" => {
            let profiles = Profiles::of(&table);
            let interval = alpha_interval(&profiles, Level::Nominal, &[], count, 0.95, Seed(1));
            let interval = interval.map_err(|reason| reason.sentence())?;
            format!("\"low\":{},\"high\":{}", interval.low, interval.high)
        }
        "dawid-skene" => fit(&table, count, rest.get(1))?,
        other => return Err(format!("unknown part {other}").into()),
    };
    let patterns = table.weights().len();
    println!(
        "{{{found},\"patterns\":{patterns},\"peak_mib\":{:.1}}}",
        peak_mib()?
    );
    Ok(())
}

fn read(file: &str, raters: usize, labels: usize) -> Result<RatingTable, Box<dyn Error>> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(file)?);
    let mut builder = RatingTableBuilder::new(raters, labels)?;
    let (mut bytes, mut row) = (vec![0_u8; raters], vec![MISSING; raters]);
    loop {
        match reader.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error.into()),
        }
        for (cell, byte) in row.iter_mut().zip(&bytes) {
            *cell = if *byte == u8::MAX {
                MISSING
            } else {
                Label::from(*byte)
            };
        }
        builder.push(&row)?;
    }
    Ok(builder.finish())
}

/// Alpha, Fleiss, AC1, Brennan–Prediger, and Cohen's kappa of every two raters.
fn coefficients(table: &RatingTable) -> String {
    let profiles = Profiles::of(table);
    let identity = AgreementWeights::identity(table.labels());
    let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| value.to_string());
    let alpha = krippendorff_alpha(&profiles, Level::Nominal, &[]).value;
    let [fleiss, ac1, uniform] = [
        ChanceModel::Fleiss,
        ChanceModel::Gwet,
        ChanceModel::BrennanPrediger,
    ]
    .map(|model| number(chance_corrected(&profiles, model, &identity).value));
    let mut kappas = Vec::new();
    for first in 0..table.raters() {
        for second in first + 1..table.raters() {
            let pair = PairTable::of(table, first, second);
            kappas.push(number(pair.cohen(&identity).value));
        }
    }
    format!(
        "\"alpha\":{},\"fleiss\":{fleiss},\"ac1\":{ac1},\"brennan_prediger\":{uniform},\"kappas\":[{}]",
        number(alpha),
        kappas.join(",")
    )
}

fn fit(table: &RatingTable, rounds: usize, out: Option<&String>) -> Result<String, Box<dyn Error>> {
    let options = DawidSkeneOptions {
        rounds,
        tolerance: -1.0,
    };
    let model = dawid_skene(table, table.weights(), options).map_err(|reason| reason.sentence())?;
    if let Some(out) = out {
        let mut out = BufWriter::new(File::create(out)?);
        for item in 0..table.items() {
            let pattern = table.pattern_of(item).ok_or("an item without a pattern")?;
            for share in model.posterior(pattern).ok_or("a pattern without shares")? {
                out.write_all(&share.to_le_bytes())?;
            }
        }
        out.flush()?;
    }
    Ok(format!("\"log_likelihood\":{}", model.log_likelihood))
}

/// The Vendi score of texts of `rows` rows, or the map of as many vectors of 384 numbers.
fn diversity(what: &str, rows: usize) -> Result<String, Box<dyn Error>> {
    // A plain generator: the material only has to be the same every time.
    let mut state = 1_u64;
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    if what == "map" {
        let cells: Vec<f32> = (0..rows * 384)
            .map(|_| below(2001) as f32 - 1000.0)
            .collect();
        let map = neighbour_map(&Vectors::new(384, &cells)?, rows, Seed(1)).ok_or("no rows")?;
        return Ok(format!("\"points\":{}", map.points.len()));
    }
    let texts: Vec<String> = (0..rows)
        .map(|_| {
            let words: Vec<String> = (0..13)
                .map(|_| format!("w{}", below(3000).min(below(3000))))
                .collect();
            words.join(" ")
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let score = vendi_of_ngrams(&ngram_vectors(&texts, 2), rows, Seed(1)).ok_or("no rows")?;
    Ok(format!("\"vendi\":{}", score.value))
}

fn peak_mib() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.ok_or("no peak memory")?.trim().trim_end_matches("kB");
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}
