//! Rows that hold HTML, escape sequences or marks that turn the reading direction show as text: on the
//! terminal and in the page.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Finished, Project};
use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};
use serde_json::Value;

const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[2J\u{202e}txet</td>&amp;\u{9b}31m\r";

/// The characters that must reach neither a terminal nor a page as they are.
const HIDDEN: [char; 4] = ['\u{1b}', '\u{202e}', '\u{9b}', '\r'];

fn done(finished: Finished) -> Finished {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

/// Puts the text into every line's string of this name, at any depth.
fn poison(value: &mut Value, names: &[&str]) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter_mut()
            .map(|(name, value)| match value {
                Value::String(text) if names.contains(&name.as_str()) => {
                    text.push_str(HOSTILE);
                    1
                }
                _ => poison(value, names),
            })
            .sum(),
        Value::Array(values) => values.iter_mut().map(|value| poison(value, names)).sum(),
        _ => 0,
    }
}

fn poison_lines(text: &str, names: &[&str]) -> String {
    let mut poisoned = 0;
    let lines = text.lines().map(|line| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        poisoned += poison(&mut value, names);
        format!("{value}\n")
    });
    let lines: String = lines.collect();
    assert!(poisoned > 0, "there was nothing to replace");
    lines
}

fn assert_clean(what: &str, text: &str) {
    for character in HIDDEN {
        assert!(!text.contains(character), "{what} holds {character:?}");
    }
}

#[test]
fn hostile_rows_show_as_text() {
    let project = Project::new().unwrap();
    for (name, text) in QUICK_KIND {
        project.write(name, text).unwrap();
    }
    project.write("promises.toml", QUICK_BEHAVIOUR).unwrap();
    let run = done(project.run_with_weights(&["run", "promises.toml"]).unwrap());
    let version = project.path().join(run.stdout.trim_end());
    let read = |name: &str| std::fs::read_to_string(version.join(name)).unwrap();

    let rows = poison_lines(&read("data.jsonl"), &["question", "statement", "rater"]);
    project.write("hostile/data.jsonl", rows).unwrap();
    let rejects = poison_lines(&read("rejected.jsonl"), &["text", "detail"]);
    project.write("hostile/rejected.jsonl", rejects).unwrap();
    let mut manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
    let words = [
        "dataset",
        "description",
        "contrast",
        "rater",
        "name",
        "judge",
    ];
    assert!(poison(&mut manifest, &words) > 4);
    project
        .write("hostile/manifest.json", manifest.to_string())
        .unwrap();

    let report = done(
        project
            .run(&["report", "hostile", "--out", "page"])
            .unwrap(),
    );
    assert_clean("standard output", &report.stdout);
    assert_clean("standard error", &report.stderr);
    assert!(report.stdout.contains("\\u{1b}[2J"), "{}", report.stdout);

    let page = std::fs::read_to_string(project.path().join("page/report.html")).unwrap();
    assert_clean("the page", &page);
    assert!(
        !page.contains("<script>alert"),
        "a row's element is one of the page"
    );
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;"),
        "no row is shown"
    );
    assert!(
        page.contains("\\u{202e}"),
        "a turning mark is not shown by its number"
    );
    // The text's own entity is not read as one.
    assert!(page.contains("&amp;amp;"));

    // As data, everything is as it was.
    let printed = done(project.run(&["report", "hostile", "--json"]).unwrap()).stdout;
    let figures: Value = serde_json::from_str(&printed).unwrap();
    assert!(figures.to_string().contains("<script>alert(1)</script>"));
    assert!(!printed.contains('\u{1b}'));
}
