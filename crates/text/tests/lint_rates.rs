//! How often each lint speaks on published, human-checked statements: a lint that finds much there is wrong.
//!
//! Needs the published persona statements; without them it says that it was skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use evalwright_core::Finish;
use evalwright_text::lint::check;
use evalwright_text::{Form, LINTS, Subject, language_by_code};

/// Every fifth statement gives the rates to a few hundredths of a per cent, in a fifth of the time.
const STEP: usize = 5;

#[test]
fn lints_seldom_speak_on_published_statements() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!(
            "SKIPPED lints_seldom_speak_on_published_statements: EVALWRIGHT_SHARED is not set"
        );
        return;
    };
    let folder = PathBuf::from(shared).join("data/model-written-evals/persona");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!(
            "SKIPPED lints_seldom_speak_on_published_statements: no {}",
            folder.display()
        );
        return;
    };
    let mut total = 0_u32;
    let mut found: BTreeMap<&str, (u32, Vec<String>)> = BTreeMap::new();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
    {
        let statements: Vec<String> = std::fs::read_to_string(path)
            .unwrap()
            .lines()
            .map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                row["statement"].as_str().unwrap().to_owned()
            })
            .collect();
        // As a run would have it: some examples of the same behaviour, and its name for a description.
        let (examples, others) = statements.split_at(5);
        let name = path
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .replace('-', " ");
        for statement in others.iter().step_by(STEP) {
            total += 1;
            // The published statements lost their final full stop.
            let whole = format!("{statement}.");
            let subject = Subject {
                finish: Some(Finish::Stop),
                examples,
                description: &name,
                language: language_by_code("en"),
                ..Subject::new(Form::Statement, &whole)
            };
            for finding in check(&subject, LINTS) {
                let (count, examples) = found.entry(finding.lint).or_default();
                *count += 1;
                if *count % 17 == 1 && examples.len() < 4 {
                    examples.push(whole.clone());
                }
            }
        }
    }
    assert!(
        total > 100_000 / STEP as u32,
        "only {total} statements in {}",
        folder.display()
    );
    for lint in LINTS {
        let (count, examples) = found.get(lint.code).cloned().unwrap_or_default();
        let rate = 100.0 * f64::from(count) / f64::from(total);
        eprintln!(
            "{:20} {count:6} of {total} = {rate:6.3} %  {examples:?}",
            lint.code
        );
        // Style of the published set, not a defect: short statements, statements about others.
        let limit = match lint.code {
            "too-short" => 5.0,
            "not-first-person" => 35.0,
            _ => 1.0,
        };
        assert!(
            rate < limit,
            "{} speaks on {rate:.2} % of the statements",
            lint.code
        );
    }
}
