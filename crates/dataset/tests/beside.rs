//! Files beside versions: whole whatever fails, and a log of marks in which the last one counts.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

mod support;

use std::path::Path;

use evalwright_dataset::{
    DatasetError, STATUS_FILE, Status, StatusChange, StatusLog, lock, write_beside,
    write_beside_with,
};
use support::Faulty;

/// "No space left on device".
const NO_SPACE: i32 = 28;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn any_step_may_fail_and_the_file_is_whole() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path();
    let (old, new) = (b"old words\n", b"new words, and more of them\n");
    let mut step = 1;
    loop {
        std::fs::write(folder.join("a.md"), old).unwrap();
        let layer = Faulty::new(step, true, NO_SPACE);
        let written = write_beside_with(&layer, folder, "a.md", new);
        let found = std::fs::read(folder.join("a.md")).unwrap();
        assert_eq!(names(folder), ["a.md"], "step {step}");
        match written {
            Ok(changed) => {
                assert!(changed && found == new);
                break;
            }
            Err(error) => {
                assert!(error.to_string().contains("a.md"), "{error}");
                let is_last = layer.record().last().unwrap().starts_with("sync_folder");
                assert_eq!(
                    found,
                    if is_last { &new[..] } else { &old[..] },
                    "step {step}"
                );
            }
        }
        step += 1;
    }
    assert_eq!(step, 6, "create, write, sync, rename and the folder's sync");
    // The same bytes are not written again, and what a dead run left behind is no trouble.
    let layer = Faulty::new(1, true, NO_SPACE);
    assert!(!write_beside_with(&layer, folder, "a.md", new).unwrap());
    std::fs::write(folder.join(".a.md.part"), "half").unwrap();
    let held = lock(folder).unwrap();
    assert!(write_beside(&held, folder, "a.md", old).unwrap());
    assert_eq!(names(folder), [".lock", "a.md"]);
}

#[test]
fn the_last_mark_of_a_version_counts_and_all_stay() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path();
    let mut log = StatusLog::read(folder).unwrap();
    assert_eq!(log.status("1.0.0"), Status::Published);
    let held = lock(folder).unwrap();
    for (version, status) in [
        ("1.0.0", Status::Draft),
        ("1.1.0", Status::Dropped),
        ("1.0.0", Status::Published),
    ] {
        let change = StatusChange {
            version: version.to_owned(),
            status,
            reason: "because".to_owned(),
            to: None,
            at_unix_seconds: 0,
        };
        log.add(&held, folder, change).unwrap();
    }
    let read = StatusLog::read(folder).unwrap();
    assert_eq!(read, log);
    assert_eq!(read.changes.len(), 3);
    assert_eq!(read.status("1.0.0"), Status::Published);
    assert_eq!(read.of("1.0.0").unwrap().warning(), None);
    let warning = read.of("1.1.0").unwrap().warning().unwrap();
    assert!(warning.contains("DROPPED on 1970-01-01"), "{warning}");

    std::fs::write(
        folder.join(STATUS_FILE),
        r#"{"schema": "evalwright.status/9"}"#,
    )
    .unwrap();
    let newer = StatusLog::read(folder).unwrap_err();
    assert!(
        matches!(newer, DatasetError::UnknownSchema { .. }),
        "{newer}"
    );
    std::fs::write(folder.join(STATUS_FILE), "[").unwrap();
    let broken = StatusLog::read(folder).unwrap_err();
    assert!(matches!(broken, DatasetError::BadStatus { .. }), "{broken}");
}
