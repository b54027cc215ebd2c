//! A version is whole or not there, whatever step fails (case X04; a disk that is really full has
//! a file of its own).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::DatasetName;
use evalwright_dataset::{
    DatasetError, Files, lock, publish, publish_with, read_manifest, read_rejects, read_rows,
    verify_files, versions,
};
use support::{Faulty, files, manifest};

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_published_version_reads_back_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("generated/likes-risk");
    let _lock = lock(&dataset).unwrap();
    let place = publish(&dataset, manifest("1.0.0"), files(), b"{}\n").unwrap();
    assert_eq!(place, dataset.join("1.0.0"));
    let found = read_manifest(&place).unwrap();
    verify_files(&place, &found).unwrap();
    assert_eq!(found.files.len(), 4);
    assert_eq!(
        read_rows(&place.join("data.jsonl")).unwrap(),
        (0..4).map(support::row).collect::<Vec<_>>()
    );
    assert_eq!(
        read_rejects(&place.join("rejected.jsonl")).unwrap(),
        [support::reject(0.9)]
    );
    assert_eq!(entries(&dataset), [".lock", "1.0.0"]);
    assert!(
        std::fs::read(place.join("manifest.json"))
            .unwrap()
            .ends_with(b"}\n")
    );
}

#[test]
fn the_same_input_gives_the_same_bytes_and_run_facts_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let one = publish(&folder.path().join("a"), manifest("1.0.0"), files(), b"1").unwrap();
    let two = publish(&folder.path().join("b"), manifest("1.0.0"), files(), b"2").unwrap();
    let bytes = |place: &Path| std::fs::read(place.join("manifest.json")).unwrap();
    assert_eq!(bytes(&one), bytes(&two));
}

#[test]
fn a_published_version_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let place = publish(folder.path(), manifest("1.0.0"), files(), b"1").unwrap();
    let error = publish(folder.path(), manifest("1.0.0"), Files::default(), b"2").unwrap_err();
    assert!(
        matches!(error, DatasetError::VersionExists { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("1.0.0"));
    verify_files(&place, &read_manifest(&place).unwrap()).unwrap();
    assert_eq!(entries(folder.path()), ["1.0.0"]);
}

const NO_SPACE: i32 = 28;
const BROKEN: i32 = 5;
const READ_ONLY: i32 = 30;

/// Makes each step fail in turn until one is beyond the last.
fn sweep(error_number: i32, for_good: bool, word: &str) {
    let mut step = 1;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let dataset = folder.path().join("likes-risk");
        drop(lock(&dataset).unwrap());
        let old = publish(&dataset, manifest("1.0.0"), files(), b"old").unwrap();
        let layer = Faulty::new(step, for_good, error_number);
        let result = publish_with(&layer, &dataset, manifest("1.1.0"), files(), b"new");
        let old_manifest = read_manifest(&old).unwrap();
        verify_files(&old, &old_manifest).unwrap();
        let Err(error) = result else {
            assert!(step > 10, "only {step} steps");
            assert_eq!(layer.record().len(), step - 1);
            break;
        };
        let message = error.to_string();
        assert!(message.contains(word), "step {step}: {message}");
        assert!(
            message.contains(&dataset.display().to_string()),
            "step {step}: {message}"
        );
        let new = dataset.join("1.1.0");
        let name_given = layer
            .record()
            .iter()
            .any(|done| done == "sync_folder likes-risk");
        if for_good && name_given {
            // The last sync failed and so did taking the name back: what stands there must be whole.
            verify_files(&new, &read_manifest(&new).unwrap()).unwrap();
        } else {
            assert!(!new.exists(), "step {step}");
            // What a dead disk left behind goes with the next lock, and the same command then works.
            drop(lock(&dataset).unwrap());
            assert_eq!(entries(&dataset), [".lock", "1.0.0"], "step {step}");
            publish(&dataset, manifest("1.1.0"), files(), b"new").unwrap();
        }
        let found: Vec<_> = versions(&dataset)
            .unwrap()
            .into_iter()
            .map(|open| open.manifest.version)
            .collect();
        assert_eq!(found, ["1.0.0", "1.1.0"]);
        step += 1;
    }
}

#[cfg(unix)]
#[test]
fn any_step_may_fail_once() {
    sweep(NO_SPACE, false, "no space left");
    sweep(BROKEN, false, "cannot be written");
    sweep(READ_ONLY, false, "read-only");
}

#[cfg(unix)]
#[test]
fn any_step_may_fail_for_good() {
    sweep(NO_SPACE, true, "no space left");
    sweep(BROKEN, true, "cannot be written");
}

#[test]
fn everything_is_synced_before_the_name_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("likes-risk");
    let layer = Faulty::new(usize::MAX, false, 0);
    publish_with(&layer, &dataset, manifest("1.0.0"), files(), b"{}").unwrap();
    let record = layer.record();
    let position = |what: &str| {
        record
            .iter()
            .position(|done| done == what)
            .unwrap_or_else(|| panic!("{what} is not in {record:?}"))
    };
    let rename = position("rename 1.0.0");
    for file in [
        "data.jsonl",
        "rejected.jsonl",
        "a.csv",
        "README.md",
        "manifest.json",
        "run.json",
    ] {
        assert!(position(&format!("create {file}")) < position(&format!("write {file}")));
        assert!(position(&format!("write {file}")) < position(&format!("sync {file}")));
        assert!(position(&format!("sync {file}")) < position("sync_folder charts"));
    }
    let temporary = format!("sync_folder .publishing-1.0.0-{}", std::process::id());
    assert!(position("sync_folder charts") < position(&temporary));
    assert!(position(&temporary) < rename);
    assert_eq!(position("sync_folder likes-risk"), rename + 1);
    assert_eq!(record.len(), rename + 2);
}

#[test]
fn what_dead_runs_left_behind_goes_with_the_next_lock() {
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join(".publishing-1.0.0-999999/charts");
    std::fs::create_dir_all(&dead).unwrap();
    std::fs::write(dead.join("half.csv"), "x").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let _lock = lock(folder.path()).unwrap();
    assert_eq!(entries(folder.path()), [".lock", "notes.txt"]);
}

#[test]
fn file_names_cannot_leave_the_version_or_take_reserved_places() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "",
        "../x",
        "/etc/x",
        "a//b",
        "a/../b",
        ".hidden",
        "manifest.json",
        "run.json",
        "a\\b",
        "charts/",
        "a\0b",
        "C:x",
        "nul",
    ] {
        let files = Files(BTreeMap::from([(name.to_owned(), vec![])]));
        let error = publish(folder.path(), manifest("1.0.0"), files, b"").unwrap_err();
        assert!(
            matches!(error, DatasetError::BadFileName { .. }),
            "{name:?}: {error}"
        );
    }
    for version in [
        "", "1", "1.0", "1.0.0.0", "01.0.0", "../1.0.0", "1.0.0-a", "+1.0.0",
    ] {
        let error = publish(folder.path(), manifest(version), files(), b"").unwrap_err();
        assert!(
            matches!(error, DatasetError::BadVersion { .. }),
            "{version:?}: {error}"
        );
    }
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn x04_names_that_are_paths() {
    let name = "X04-names-that-are-paths";
    let longest = usize::try_from(
        support::expected("export", name)["max_segment_bytes"]
            .as_u64()
            .unwrap(),
    )
    .unwrap();
    let names = support::json(&support::case("export", name).join("names.json"));
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    std::fs::create_dir(&output).unwrap();
    let mut accepted = Vec::new();
    for name in names["datasets"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let mut named = manifest("1.0.0");
        named.dataset = name.to_owned();
        match DatasetName::new(name) {
            Ok(safe) => {
                assert!(safe.as_str().len() <= longest);
                publish(&output.join(safe.as_str()), named, files(), b"").unwrap();
                accepted.push(name.to_owned());
            }
            Err(error) => {
                assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
                let error = publish(&output, named, files(), b"").unwrap_err();
                assert!(matches!(error, DatasetError::Name(_)), "{error}");
            }
        }
    }
    accepted.sort();
    assert_eq!(entries(&output), accepted);
    assert_eq!(entries(folder.path()), ["output"]);
    assert_eq!(accepted, ["a_b"]);
}
