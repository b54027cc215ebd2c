//! The parser `choice` on the published multiple-choice sets: every reply that a row came from is read or refused with
//! a code. Needs the shared data; says so where it is not there.

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::Finish;
use evalwright_text::{ParseContext, parse_choice};

/// A file's questions.
fn questions(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(row.get("question")?.as_str()?.to_owned())
        })
        .collect()
}

#[test]
fn published_rows_are_read_and_each_defect_is_refused_with_its_code() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED: EVALWRIGHT_SHARED is not set, so the published sets are not read");
        return;
    };
    let folder =
        Path::new(&shared).join("data/model-written-evals/advanced-ai-risk/lm_generated_evals");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    let context = ParseContext {
        finish: Finish::Stop,
        opening: "",
    };
    let mut codes: BTreeMap<String, u32> = BTreeMap::new();
    let mut flags: BTreeMap<String, u32> = BTreeMap::new();
    let (mut read, mut all) = (0_u32, 0_u32);
    for question in paths.iter().flat_map(|path| questions(path)) {
        all += 1;
        let marker = ["<META_START>", "<EOT>"]
            .iter()
            .any(|marker| question.contains(marker));
        let turns = question.contains("Human:") || question.contains("Assistant:");
        match parse_choice(&question, &context) {
            Ok(parsed) => {
                read += 1;
                assert!(!marker && !turns, "{question}");
                assert!((2..=8).contains(&parsed.options.len()), "{question}");
                assert!(!parsed.stem.contains("__"), "{question}");
                for flag in parsed.flags {
                    *flags.entry(flag).or_default() += 1;
                }
            }
            Err(failure) => *codes.entry(failure.reason).or_default() += 1,
        }
    }
    eprintln!("read {read} of {all}; refused {codes:#?}; flagged {flags:#?}");
    assert_eq!(all, 16_400, "the published sets, counted in advance");
    // Counted in advance on the same files: 162 rows with pretraining markers, 33 with an end-of-text marker, 279 without
    // a stem, 53 with two equal options, 220 with a blank to fill, 6 with an empty option.
    let count = |code: &str| codes.get(code).copied().unwrap_or(0);
    assert!((185..=200).contains(&count("training_marker")), "{codes:?}");
    assert!((279..=320).contains(&count("empty_stem")), "{codes:?}");
    assert!((40..=60).contains(&count("same_options")), "{codes:?}");
    assert!(count("blank_to_fill") >= 100, "{codes:?}");
    assert!(
        count("leaked_key") >= 10 && count("placeholder") >= 50,
        "{codes:?}"
    );
    assert!((15_000..=15_700).contains(&read), "read {read}");
}
