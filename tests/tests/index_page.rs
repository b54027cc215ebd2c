//! The page of `index` in a real browser: no error on its console, and figures that follow what the reader sets.
//!
//! `EVALWRIGHT_CHROMIUM` names a Chromium or Chrome; without it nothing is tested, and that is said.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails as the test does"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use evalwright_testing::Project;
use evalwright_tests::foreign::rows;
use serde_json::Value;

/// A browser, if there is one to be used.
fn browser(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("EVALWRIGHT_CHROMIUM").map(PathBuf::from);
    if path.is_none() {
        eprintln!(
            "SKIPPED {test}: EVALWRIGHT_CHROMIUM is not set, the page is not opened in a browser"
        );
    }
    path
}

/// What the page became, and what its console said.
struct Opened {
    page: String,
    console: Vec<String>,
}

/// Opens a file of the project in a browser that has no network, with an address' last part.
fn open(browser: &Path, project: &Project, file: &str, state: &str) -> Opened {
    let profile = project.path().join("profile");
    let address = format!("file://{}#{state}", project.path().join(file).display());
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(address)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    Opened {
        page: String::from_utf8_lossy(&output.stdout).replace("&#x2f;", "/"),
        console: said
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .map(str::to_owned)
            .collect(),
    }
}

/// A site over our versions and a file of others, and its document.
fn site(project: &Project) -> Value {
    let generated = Path::new(env!("CARGO_MANIFEST_DIR")).join("../generated");
    project
        .write("others/persona/keeps-things.jsonl", rows(30, 0.8))
        .unwrap();
    let generated = generated.display().to_string();
    let arguments = ["index", &generated, "others", "--out", "site", "--json"];
    let finished = project.run(&arguments).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    serde_json::from_str(&finished.stdout).unwrap()
}

fn entry<'a>(document: &'a Value, place: &str) -> &'a Value {
    let entries = document["entries"].as_array().unwrap();
    entries.iter().find(|one| one["place"] == place).unwrap()
}

/// The weighted mean by hand; a weight of 1 for every component but those named, and 0 for confidence.
fn composite(entry: &Value, changed: &[(&str, f64)]) -> String {
    let (mut sum, mut known) = (0.0, 0.0);
    for (name, score) in entry["composite"]["parts"].as_object().unwrap() {
        let usual = if name == "confidence" { 0.0 } else { 1.0 };
        let weight = changed
            .iter()
            .find_map(|(other, weight)| (other == name).then_some(*weight))
            .unwrap_or(usual);
        if let Some(score) = score.as_f64() {
            sum += weight * score;
            known += weight;
        }
    }
    format!("{:.2}", sum / known)
}

/// What a line's last cell says first.
fn shown(opened: &Opened, id: &str) -> String {
    let (_, line) = opened
        .page
        .split_once(&format!("<tr id=\"e-{id}\""))
        .unwrap();
    let (line, _) = line.split_once("</tr>").unwrap();
    let (_, cell) = line.split_once("data-name=\"composite\"").unwrap();
    let (_, text) = cell.split_once('>').unwrap();
    text.split('<').next().unwrap().to_owned()
}

#[test]
fn the_page_runs_without_an_error_and_a_weight_changes_the_composite() {
    let Some(browser) =
        browser("the_page_runs_without_an_error_and_a_weight_changes_the_composite")
    else {
        return;
    };
    let project = Project::new().unwrap();
    let document = site(&project);
    let version = entry(&document, "generated/takes-risks/1.0.0");
    let file = entry(&document, "others/persona/keeps-things.jsonl");
    let id = |entry: &Value| entry["id"].as_str().unwrap().to_owned();

    let usual = open(&browser, &project, "site/index.html", "");
    assert_eq!(usual.console, Vec::<String>::new());
    for one in [version, file] {
        assert_eq!(shown(&usual, &id(one)), composite(one, &[]));
    }
    assert!(usual.page.contains("4 of 4"), "the filter's own words");

    let changed = [("words_guess", 9.0), ("kappa", 0.5)];
    let state = format!(
        "compare={},{}&weights=words_guess:9,kappa:0.5,nonsense:3,balance:-1&sort=-composite",
        id(version),
        id(file)
    );
    let set = open(&browser, &project, "site/index.html", &state);
    assert_eq!(set.console, Vec::<String>::new());
    assert_eq!(shown(&set, &id(version)), composite(version, &changed));
    assert_ne!(composite(version, &changed), composite(version, &[]));
    assert_eq!(shown(&set, &id(file)), composite(file, &changed));
    // The comparison stands, with what is missing marked and not written as a number.
    let (_, comparison) = set.page.split_once("id=\"comparison\"").unwrap();
    let (comparison, _) = comparison.split_once("</table>").unwrap();
    assert!(comparison.contains("2 keeps-things"), "{comparison}");
    assert!(
        comparison.contains("holds no ratings beside its labels"),
        "{comparison}"
    );
    assert!(
        set.page
            .contains("9 × (1 − (words guess − chance) / (1 − chance))")
    );
    assert!(set.page.contains("aria-sort=\"descending\""));

    // The policy holds: a script of other bytes does not run, and the console says so.
    let page = project.path().join("site/index.html");
    let text = std::fs::read_to_string(&page).unwrap();
    let other = text.replacen("\"use strict\";", "\"use strict\" ;", 1);
    assert_ne!(other, text);
    project.write("other/index.html", other).unwrap();
    let refused = open(&browser, &project, "other/index.html", &state);
    assert!(!refused.console.is_empty());
    assert_eq!(shown(&refused, &id(version)), composite(version, &[]));
}
