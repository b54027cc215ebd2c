//! Case T03 by itself: its memory is measured, so nothing else may run in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use evalwright_core::Side;
use evalwright_recipe::{Prompts, Values, load_behaviour};

/// Peak resident memory of this process in KiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn t03_endless_work_ends_at_a_limit() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/template/T03-endless-work");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let case: serde_json::Value = serde_json::from_str(&read("case.json")).unwrap();
    let expected = &case["expected"];
    let files = BTreeMap::from([("big.j2".to_owned(), read("templates/big.j2"))]);
    let behaviour = load_behaviour(
        Path::new("b.toml"),
        "kind = \"statement\"\ndescription = \"one\"\ncontrast = \"two\"\n",
    )
    .unwrap();
    let values = Values {
        behaviour: &behaviour,
        label: Side::Matching,
        examples: &[],
        statement: None,
        opened: true,
        item: None,
        reasoning: None,
    };
    let before = peak_memory();
    let began = Instant::now();
    let prompts = Prompts::compile("case", &files).unwrap();
    let error = prompts
        .render_text("big.j2", &values)
        .unwrap_err()
        .to_string();
    assert!(began.elapsed().as_secs_f64() < expected["within_s"].as_f64().unwrap());
    for mention in expected["must_mention"].as_array().unwrap() {
        assert!(error.contains(mention.as_str().unwrap()), "{error}");
    }
    assert!(error.starts_with("case/big.j2:1"), "{error}");
    match (before, peak_memory()) {
        (Some(before), Some(after)) => {
            let most = expected["peak_rss_growth_mib"]["max"].as_u64().unwrap();
            assert!(after - before <= most * 1024, "{before} to {after} KiB");
        }
        _ => eprintln!("SKIPPED: this system does not tell the peak memory of a process"),
    }
}
