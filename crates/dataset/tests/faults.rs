//! Whatever is changed in a published version is found, and named by file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::{Path, PathBuf};

use evalwright_core::Seed;
use evalwright_dataset::{Parent, find_faults, publish, read_manifest};
use support::{files, manifest};

struct Dataset {
    _folder: tempfile::TempDir,
    first: PathBuf,
    second: PathBuf,
}

/// Two versions; the second one names the first as its parent.
fn dataset() -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("likes-risk");
    let first = publish(&dataset, manifest("1.0.0"), files(), b"{}\n").unwrap();
    let mut next = manifest("1.1.0");
    next.parent = Some(Parent {
        version: "1.0.0".to_owned(),
        content: read_manifest(&first).unwrap().content.unwrap(),
    });
    let second = publish(&dataset, next, files(), b"{}\n").unwrap();
    Dataset {
        _folder: folder,
        first,
        second,
    }
}

/// The files at fault, each once.
fn at_fault(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = find_faults(folder)
        .unwrap()
        .faults
        .into_iter()
        .map(|fault| fault.file)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_version_as_published_has_no_fault_and_nothing_unchecked() {
    let dataset = dataset();
    for folder in [&dataset.first, &dataset.second] {
        let found = find_faults(folder).unwrap();
        assert_eq!(found.faults, []);
        assert_eq!(found.unchecked, Vec::<String>::new());
        assert_eq!((found.files, found.rows, found.rejects), (4, 4, 1));
    }
}

#[test]
fn each_of_200_single_byte_changes_is_found_in_its_file() {
    let dataset = dataset();
    let names = [
        "data.jsonl",
        "rejected.jsonl",
        "charts/a.csv",
        "README.md",
        "manifest.json",
    ];
    let seed = Seed(2026);
    for change in 0..200_u64 {
        let draw = |what: &str| seed.derive(&format!("{what} {change}")).0;
        let name = names[usize::try_from(change).unwrap() % names.len()];
        let path = dataset.second.join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        let place = usize::try_from(draw("place") % bytes.len() as u64).unwrap();
        let mask = u8::try_from(draw("bits") % 255).unwrap() + 1;
        bytes[place] ^= mask;
        std::fs::write(&path, &bytes).unwrap();
        let found = at_fault(&dataset.second);
        // A manifest with a broken hash in it puts other files at fault, too.
        assert!(
            found
                .iter()
                .any(|file| file == name || name == "manifest.json"),
            "change {change}: byte {place} of {name} with {mask:#x}: {found:?}"
        );
        std::fs::write(&path, whole).unwrap();
    }
    assert_eq!(at_fault(&dataset.second), Vec::<String>::new());
}

#[test]
fn swapped_missing_added_and_shortened_files_are_named() {
    let dataset = dataset();
    let at = |name: &str| dataset.second.join(name);
    let (card, chart) = (
        std::fs::read(at("README.md")).unwrap(),
        std::fs::read(at("charts/a.csv")).unwrap(),
    );
    std::fs::write(at("README.md"), &chart).unwrap();
    std::fs::write(at("charts/a.csv"), &card).unwrap();
    assert_eq!(at_fault(&dataset.second), ["README.md", "charts/a.csv"]);
    std::fs::write(at("README.md"), card).unwrap();
    std::fs::remove_file(at("charts/a.csv")).unwrap();
    std::fs::write(at("notes.txt"), b"mine").unwrap();
    assert_eq!(at_fault(&dataset.second), ["charts/a.csv", "notes.txt"]);
    std::fs::write(at("charts/a.csv"), chart).unwrap();
    std::fs::remove_file(at("notes.txt")).unwrap();

    let rows = std::fs::read_to_string(at("data.jsonl")).unwrap();
    let fewer: String = rows.split_inclusive('\n').skip(1).collect();
    std::fs::write(at("data.jsonl"), fewer).unwrap();
    let problems: Vec<String> = find_faults(&dataset.second)
        .unwrap()
        .faults
        .into_iter()
        .map(|fault| fault.problem)
        .collect();
    assert!(
        problems.iter().any(|problem| problem.contains("3 rows")),
        "{problems:?}"
    );
}

#[test]
fn a_changed_parent_is_the_childs_fault_too() {
    let dataset = dataset();
    let path = dataset.first.join("data.jsonl");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, whole.to_ascii_uppercase()).unwrap();
    let found = find_faults(&dataset.second).unwrap();
    assert_eq!(found.faults.len(), 1, "{:?}", found.faults);
    assert!(found.faults[0].problem.contains("parent 1.0.0"));
    std::fs::write(&path, whole).unwrap();

    std::fs::rename(&dataset.first, dataset.first.with_file_name("elsewhere")).unwrap();
    let found = find_faults(&dataset.second).unwrap();
    assert_eq!(found.faults, []);
    assert_eq!(found.unchecked.len(), 1);
}

#[test]
fn a_version_under_another_number_and_a_folder_without_manifest_are_faults() {
    let dataset = dataset();
    let moved = dataset.first.with_file_name("3.0.0");
    std::fs::rename(&dataset.first, &moved).unwrap();
    let found = find_faults(&moved).unwrap();
    assert!(
        found.faults[0].problem.contains("3.0.0"),
        "{:?}",
        found.faults
    );
    std::fs::remove_file(moved.join("manifest.json")).unwrap();
    assert_eq!(at_fault(&moved), ["manifest.json"]);
    assert!(find_faults(&moved.join("nowhere")).is_err());
}
