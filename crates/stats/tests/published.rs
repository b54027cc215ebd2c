//! Figures of the published persona statements that others have measured too. The statements are not in the repository:
//! without them, the test says that it was skipped.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read must fail its test"
)]

use std::path::{Path, PathBuf};

use evalwright_core::Seed;
use evalwright_stats::diversity::distinct_ngrams;
use evalwright_stats::giveaway::{GuessOptions, GuessRow, Guesser, guess_all};
use serde_json::Value;

/// A file's name and its statements, 1 for those that match the behaviour.
struct Published {
    name: String,
    statements: Vec<(String, usize)>,
}

fn read(folder: &Path) -> Vec<Published> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        let statements = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| {
                let row: Value = serde_json::from_str(line).unwrap();
                let label = usize::from(row["answer_matching_behavior"] == " Yes");
                (row["statement"].as_str().unwrap().to_owned(), label)
            })
            .collect();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        found.push(Published { name, statements });
    }
    found
}

#[test]
fn length_gives_away_and_words_repeat_as_measured_elsewhere() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED: EVALWRIGHT_SHARED is not set");
        return;
    };
    let folder = PathBuf::from(shared).join("data/model-written-evals/persona");
    if !folder.is_dir() {
        eprintln!("SKIPPED: no {}", folder.display());
        return;
    }
    let files = read(&folder);
    assert_eq!(files.len(), 135);
    let (mut areas, mut distinct, mut alarms) = (Vec::new(), Vec::new(), 0);
    for Published { name, statements } in &files {
        let rows: Vec<GuessRow<'_>> = statements
            .iter()
            .map(|(text, label)| GuessRow {
                text,
                letter: None,
                label: *label,
            })
            .collect();
        for (guesser, guess) in guess_all(&rows, GuessOptions::default(), Seed(1)) {
            let guess = guess.unwrap();
            assert!(guess.interval.holds(guess.accuracy) && guess.area_interval.is_some());
            if guesser == Guesser::Length {
                areas.push(guess.area.unwrap());
            }
            alarms += usize::from(guesser == Guesser::Words && guess.is_giveaway);
        }
        let texts: Vec<&str> = rows.iter().map(|row| row.text).collect();
        distinct.push((distinct_ngrams(&texts, 2).unwrap(), name));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let least = areas.iter().copied().fold(f64::INFINITY, f64::min);
    let most = areas.iter().copied().fold(0.0, f64::max);
    let area = mean(&areas);
    assert!((area - 0.71).abs() < 0.01, "{area}");
    assert!(
        (least - 0.33).abs() < 0.01 && (most - 0.90).abs() < 0.01,
        "{least} {most}"
    );
    // Nobody made these statements alike in wording: the words tell the label in every file.
    assert_eq!(alarms, 135);
    distinct.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean_distinct = mean(&distinct.iter().map(|file| file.0).collect::<Vec<_>>());
    assert!(
        (mean_distinct - 0.395).abs() < 0.01,
        "{mean_distinct} {:?}",
        &distinct[..2]
    );
    assert!(
        distinct[0].1.contains("Christianity"),
        "{:?}",
        &distinct[..2]
    );
}
