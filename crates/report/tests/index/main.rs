//! The index over files that were made to hold one thing each: figures, sets, order, and what is missing.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_dataset::import::{Listed, ReadOptions, list, read_listed};
use evalwright_report::audit::AuditOptions;
use evalwright_report::index::{
    Beside, Entry, EntryKind, FewShotExamples, Figure, FigureName, Index, Placed, Problem, Said,
    SetKind, measure,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const WORDS: [&str; 12] = [
    "river", "candle", "ladder", "market", "violin", "garden", "engine", "winter", "pocket",
    "bridge", "carpet", "mirror",
];

/// Rows whose texts share few words and whose labels alternate.
fn rows(count: usize, longer_yes: bool) -> String {
    (0..count)
        .map(|number| {
            let is_yes = number.is_multiple_of(2);
            let mut statement = format!(
                "I keep {} number {number} near the {}",
                WORDS[number % 12],
                WORDS[(number / 12 + 5) % 12]
            );
            if is_yes && longer_yes {
                statement.push_str(" and I go back there every single day");
            }
            let (label, other) = if is_yes {
                (" Yes", " No")
            } else {
                (" No", " Yes")
            };
            let row = json!({
                "question": format!("Would you say this?\n\"{statement}\""),
                "statement": statement,
                "label_confidence": 0.9,
                "answer_matching_behavior": label,
                "answer_not_matching_behavior": other,
            });
            format!("{row}\n")
        })
        .collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Every file below a folder, measured; what cannot be is a problem.
fn measured(folder: &Path) -> (Vec<Placed>, Vec<Problem>) {
    let (mut placed, mut problems) = (Vec::new(), Vec::new());
    for listed in list(folder, &|_| false).found {
        let Listed::File(target) = &listed else {
            panic!("{listed:?}");
        };
        let place = target.path.strip_prefix(folder).unwrap();
        let place = place.to_string_lossy().into_owned();
        let imported = read_listed(target, &ReadOptions::default()).unwrap();
        let found = measure(
            &place,
            &imported,
            Beside::Nothing,
            &FewShotExamples::default(),
            &AuditOptions::default(),
        );
        match found {
            Ok(entry) => placed.push(Placed {
                entry,
                home: folder.display().to_string(),
            }),
            Err(problem) => problems.push(Problem {
                place,
                line: None,
                problem,
            }),
        }
    }
    (placed, problems)
}

fn site() -> (Vec<Placed>, Vec<Problem>) {
    let folder = tempfile::tempdir().unwrap();
    let one = rows(40, false);
    write(folder.path(), "persona/plain.jsonl", &one);
    write(folder.path(), "persona/twin.jsonl", &one);
    write(folder.path(), "persona/long.jsonl", &rows(60, true));
    let first = one.lines().next().unwrap();
    write(
        folder.path(),
        "persona/repeats.jsonl",
        &format!("{one}{first}\n{first}\n"),
    );
    write(
        folder.path(),
        "lm_generated_evals/plain.jsonl",
        &rows(20, true),
    );
    write(folder.path(), "persona/broken.jsonl", "{\"cut\n");
    measured(folder.path())
}

fn entry<'a>(index: &'a Index, place: &str) -> &'a Entry {
    index
        .entries
        .iter()
        .find(|entry| entry.place == place)
        .unwrap()
}

fn value(entry: &Entry, name: FigureName) -> Option<f64> {
    entry.figures[&name].value
}

fn document(index: &Index) -> Value {
    serde_json::from_slice(&index.json().unwrap()).unwrap()
}

#[test]
fn figures_are_those_of_the_rows_and_what_is_missing_says_why() {
    let (placed, problems) = site();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].place, "persona/broken.jsonl");
    let index = Index::new(placed, problems);
    assert_eq!(index.totals.files, 5);
    assert_eq!(index.totals.rows, 40 + 40 + 60 + 42 + 20);

    let plain = entry(&index, "persona/plain.jsonl");
    assert_eq!(value(plain, FigureName::Rows), Some(40.0));
    assert_eq!(value(plain, FigureName::Balance), Some(1.0));
    assert_eq!(value(plain, FigureName::Duplicates), Some(0.0));
    assert!((value(plain, FigureName::Confidence).unwrap() - 0.9).abs() < 1e-9);
    for name in [
        FigureName::Agreement,
        FigureName::Kappa,
        FigureName::Accepted,
    ] {
        assert_eq!(value(plain, name), None);
        assert!(plain.figures[&name].missing.is_some(), "{name:?}");
    }
    assert!(plain.generator.value.is_none() && plain.generator.missing.is_some());
    assert!(
        plain
            .notes
            .iter()
            .any(|note| note.contains("persona/twin.jsonl"))
    );

    // Every Yes is longer than every No.
    assert_eq!(
        value(entry(&index, "persona/long.jsonl"), FigureName::LengthArea),
        Some(1.0)
    );
    let repeats = entry(&index, "persona/repeats.jsonl");
    assert!((value(repeats, FigureName::Duplicates).unwrap() - 2.0 / 42.0).abs() < 1e-9);
    assert_eq!(
        repeats.figures[&FigureName::Duplicates].of.as_deref(),
        Some("2 of 42 rows")
    );

    // Null stands in the document, not 0.
    let found = document(&index);
    let list = found["entries"].as_array().unwrap();
    let plain = list
        .iter()
        .find(|one| one["place"] == "persona/plain.jsonl")
        .unwrap();
    assert!(plain["figures"]["kappa"]["value"].is_null());
    assert!(plain["composite"]["parts"]["kappa"].is_null());
    assert_eq!(found["schema"], "evalwright.index/1");
}

#[test]
fn one_behaviour_from_two_families_is_a_set_with_a_chart() {
    let (placed, problems) = site();
    let index = Index::new(placed, problems);
    let sets: Vec<_> = index
        .sets
        .iter()
        .filter(|set| set.kind == SetKind::Sources)
        .collect();
    assert_eq!(sets.len(), 1);
    assert_eq!(sets[0].name, "plain");
    assert_eq!(sets[0].called, ["advanced-ai-risk/lm", "persona"]);
    let site = index.site().unwrap();
    let csv = String::from_utf8(site["charts/sources-length-area.csv"].clone()).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
}

#[test]
fn every_chart_has_its_file_and_the_page_asks_nothing_of_a_network() {
    let (placed, problems) = site();
    let index = Index::new(placed, problems);
    let site = index.site().unwrap();
    let listed: Vec<&String> = site.keys().collect();
    assert_eq!(index.files.iter().collect::<Vec<_>>(), listed);
    let page = String::from_utf8(site["index.html"].clone()).unwrap();
    let page = page.replace("&#x2f;", "/");
    let charts = site.keys().filter(|name| name.starts_with("charts/"));
    let mut count = 0;
    for chart in charts {
        assert!(page.contains(&format!("href=\"{chart}\"")), "{chart}");
        count += 1;
    }
    assert_eq!(page.matches("<figure>").count(), count);
    assert_eq!(page.matches("<details class=\"how\">").count(), count);
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    assert!(!page.contains("unsafe-inline") && !page.contains("style=\""));
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http://") && !outside.contains("https://"));
    assert!(!page.contains("NaN") && !page.contains("Infinity"));
    // A row of the table for each entry, and none for what was not read.
    assert_eq!(page.matches("<tr id=\"e-").count(), index.entries.len());
    assert!(page.contains("persona/broken.jsonl"));
}

#[test]
fn hostile_names_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    let name = "</script><script>alert(1)</script>\u{202e}&=1.jsonl";
    // A slash ends a name, so the folder is part of the text.
    write(folder.path(), name, &rows(10, false));
    let (placed, problems) = measured(folder.path());
    let site = Index::new(placed, problems).site().unwrap();
    let page = String::from_utf8(site["index.html"].clone()).unwrap();
    assert_eq!(
        page.matches("<script").count(),
        2,
        "the data and the script"
    );
    assert!(!page.contains('\u{202e}') && !page.contains("alert(1)</script>"));
}

#[test]
fn nothing_at_all_is_no_error() {
    let index = Index::new(Vec::new(), Vec::new());
    let site = index.site().unwrap();
    assert!(site.contains_key("index.html"));
    assert!(index.summary_text().contains("0 rows"));
}

#[test]
fn threads_do_not_matter() {
    let whole = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let (placed, problems) = pool.unwrap().install(site);
        Index::new(placed, problems).site().unwrap()
    };
    assert!(whole(1) == whole(4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_entries_does_not_matter(order in Just((0..5).collect::<Vec<usize>>()).prop_shuffle()) {
        thread_local! {
            static MADE: (Vec<Placed>, Vec<Problem>, BTreeMap<String, Vec<u8>>) = {
                let (placed, problems) = site();
                let files = Index::new(placed.clone(), problems.clone()).site().unwrap();
                (placed, problems, files)
            };
        }
        let is_same = MADE.with(|(placed, problems, files)| {
            let shuffled: Vec<Placed> = order.iter().map(|place| placed[*place].clone()).collect();
            let twice = problems.iter().chain(problems).cloned().collect();
            &Index::new(shuffled, twice).site().unwrap() == files
        });
        prop_assert!(is_same);
    }
}

/// Two versions of one dataset by one model, and a third by another, made of measured files.
fn versions() -> Vec<Placed> {
    let folder = tempfile::tempdir().unwrap();
    for (name, count) in [("a", 20), ("b", 30), ("c", 40)] {
        write(
            folder.path(),
            &format!("{name}.jsonl"),
            &rows(count, count == 40),
        );
    }
    let (mut placed, _) = measured(folder.path());
    let said = |word: &str| Said {
        value: Some(word.to_owned()),
        missing: None,
    };
    for (one, (version, model)) in placed.iter_mut().zip([
        ("1.9.0", "server/small"),
        ("1.10.0", "server/small"),
        ("2.0.0", "server/large"),
    ]) {
        one.entry.kind = EntryKind::Version;
        one.entry.dataset = "keeps-things".to_owned();
        one.entry.behaviour = "keeps-things".to_owned();
        one.entry.group = "statement".to_owned();
        one.entry.version = said(version);
        one.entry.generator = said(model);
    }
    let missing = placed[1]
        .entry
        .figures
        .get_mut(&FigureName::Balance)
        .unwrap();
    *missing = Figure {
        missing: Some("for the test".to_owned()),
        ..Figure::default()
    };
    placed
}

#[test]
fn versions_are_ordered_by_number_and_models_by_their_latest() {
    let mut placed = versions();
    placed.reverse();
    let index = Index::new(placed, Vec::new());
    let order: Vec<(&str, bool)> = index
        .entries
        .iter()
        .map(|entry| (entry.version.value.as_deref().unwrap(), entry.is_latest))
        .collect();
    assert_eq!(
        order,
        [("1.9.0", false), ("1.10.0", false), ("2.0.0", true)]
    );
    let called: Vec<(SetKind, Vec<String>)> = index
        .sets
        .iter()
        .map(|set| (set.kind, set.called.clone()))
        .collect();
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(
        called,
        [
            (SetKind::Versions, words(&["1.9.0", "1.10.0", "2.0.0"])),
            (SetKind::Sources, words(&["server/large", "server/small"])),
        ]
    );
    // Of two versions by one model the later one stands for it.
    assert_eq!(index.sets[1].entries[1], index.entries[1].id);
    assert_eq!(
        index.totals.generators,
        BTreeMap::from([
            ("server/large".to_owned(), 1),
            ("server/small".to_owned(), 2)
        ])
    );
    let last = index.takeaways.last().unwrap();
    assert!(
        last.starts_with("keeps-things 2.0.0 after 1.10.0: "),
        "{last}"
    );
    assert!(last.contains("length AUC"), "{last}");

    let site = index.site().unwrap();
    let csv = String::from_utf8(site["charts/versions-keeps-things.csv"].clone()).unwrap();
    let balance: Vec<&str> = csv
        .lines()
        .filter(|line| line.contains(",balance,"))
        .collect();
    assert!(balance[0].ends_with(",balance,1,,,,"), "{csv}");
    assert!(balance[1].ends_with(",balance,,,,,for the test"), "{csv}");
    // Only one model's latest version stands beside another's, so nothing is compared by model.
    assert!(!site.contains_key("charts/models-balance.csv"));
}

#[test]
fn two_datasets_of_one_name_in_two_folders_stay_apart() {
    let mut placed = versions();
    let mut others = versions();
    for one in &mut others {
        one.home.push_str("-elsewhere");
        one.entry.place = format!("elsewhere/{}", one.entry.place);
        one.entry.id = format!("x{}", one.entry.id);
        one.entry.generator.value = Some("server/third".to_owned());
    }
    placed.extend(others);
    let index = Index::new(placed, Vec::new());
    let versions = index
        .sets
        .iter()
        .filter(|set| set.kind == SetKind::Versions);
    let sizes: Vec<usize> = versions.map(|set| set.entries.len()).collect();
    assert_eq!(sizes, [3, 3]);
    assert_eq!(index.totals.datasets, 2);
    let latest = index.entries.iter().filter(|entry| entry.is_latest).count();
    assert_eq!(latest, 2);
    let site = index.site().unwrap();
    assert!(site.contains_key("charts/versions-keeps-things.csv"));
    assert!(site.contains_key("charts/versions-keeps-things-2.csv"));
    let models = String::from_utf8(site["charts/models-balance.csv"].clone()).unwrap();
    assert_eq!(models.lines().count(), 3, "{models}");
}

#[test]
fn texts_of_no_form_that_the_lints_know_have_no_share_of_defects() {
    let folder = tempfile::tempdir().unwrap();
    let row = |question: &str| format!("{}\n", json!({"question": question, "answer": "Yes"}));
    write(
        folder.path(),
        "cases.jsonl",
        &(row("A person asks. Another person answers. Then it rains.") + &row("Two. Three. Four.")),
    );
    let (placed, problems) = measured(folder.path());
    assert_eq!(problems, Vec::new());
    let figure = &placed[0].entry.figures[&FigureName::Defects];
    assert_eq!(figure.value, None);
    assert!(
        figure
            .missing
            .as_deref()
            .unwrap()
            .contains("no row is a statement")
    );
}
