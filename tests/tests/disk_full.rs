//! A disk that fills up: one clear error, nothing published, and the same command goes on once there is
//! room.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::Path;

use evalwright_testing::{Finished, Project, read_tree};
use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};

/// A limit on the size of files, which any user can set, stands for the full disk. In blocks of 512
/// bytes: more than the store writes when it has every reply already, less than the report's page.
const SMALL_FILES: &str = r#"trap "" XFSZ; ulimit -f 64; exec "$@""#;

/// A disk of 64 kB for the reply store, seen by the program alone.
const SMALL_DISK: &str = r#"mkdir -p .evalwright && exec unshare --mount --map-root-user sh -c '
mount -t tmpfs -o size=64k none .evalwright && exec "$@"' sh "$@""#;

fn project() -> Project {
    let project = Project::new().unwrap();
    for (name, text) in QUICK_KIND {
        project.write(name, text).unwrap();
    }
    project.write("promises.toml", QUICK_BEHAVIOUR).unwrap();
    project
}

/// What the program said from its error on.
fn error(finished: &Finished) -> String {
    let lines = finished.stderr.lines();
    let error: Vec<&str> = lines
        .skip_while(|line| !line.starts_with("error"))
        .collect();
    error.join("\n")
}

fn versions(dataset: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dataset).unwrap().map(|entry| {
        let name = entry.unwrap().file_name();
        name.to_string_lossy().into_owned()
    });
    names.filter(|name| name != ".lock").collect()
}

#[test]
fn no_space_for_the_version() {
    let project = project();
    let run = ["run", "promises.toml", "--out", "roomy"];
    let finished = project.run_with_weights(&run).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    let run = ["run", "promises.toml", "--out", "full"];
    let output = project.shell(SMALL_FILES, &run).unwrap().output().unwrap();
    let finished = Finished::from(output);
    let error = error(&finished);
    let temporary = error
        .split('/')
        .find(|part| part.starts_with(".publishing"))
        .unwrap();
    insta::assert_snapshot!(error.replace(temporary, ".publishing"), @r#"
    error: full/promises/.publishing/report.html: no space left to write it; make room and run the same command again, nothing was published and earlier versions are as they were
      because: File too large (os error 27)
    "#);
    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.stdout, "");
    let dataset = project.path().join("full/promises");
    assert_eq!(versions(&dataset), [""; 0]);

    let finished = project.run_with_weights(&run).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let [roomy, full] = ["roomy", "full"].map(|out| {
        let version = project.path().join(out).join("promises/1.0.0");
        let mut files = read_tree(&version).unwrap();
        files.remove("run.json").unwrap();
        files
    });
    assert!(roomy == full);
}

#[test]
fn no_space_for_replies() {
    let project = project();
    let probe = SMALL_DISK.replace("\"$@\"' sh", "true' sh");
    let allowed = project.shell(&probe, &[]).unwrap().status().unwrap();
    if !allowed.success() {
        eprintln!(
            "SKIPPED: this user may not mount a small disk, so no store was run into a full one"
        );
        return;
    }
    let run = ["run", "promises.toml"];
    let output = project.shell(SMALL_DISK, &run).unwrap().output().unwrap();
    let finished = Finished::from(output);
    insta::assert_snapshot!(error(&finished), @r#"
    error: .evalwright/replies.db: no space left for the reply store; make room and run the same command again, everything stored so far is kept
      because: database or disk is full
      because: Error code 13: database or disk is full
    "#);
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        versions(&project.path().join("generated/promises")),
        [""; 0]
    );
}
