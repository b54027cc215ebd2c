//! A disk that fills up: one clear error, nothing published, and the same command goes on once there is
//! room. A limit on the size of files stands for the full disk, since any user can set one.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::Path;

use evalwright_testing::{Finished, Project, read_tree};
use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};

/// In blocks of 512 bytes: more than the reply store writes when it has every reply, and less than the
/// report's page.
const LIMIT: &str = r#"trap "" XFSZ; ulimit -f 64; exec "$@""#;

fn project() -> Project {
    let project = Project::new().unwrap();
    for (name, text) in QUICK_KIND {
        project.write(name, text).unwrap();
    }
    project.write("promises.toml", QUICK_BEHAVIOUR).unwrap();
    project
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
    let output = project.shell(LIMIT, &run).unwrap().output().unwrap();
    let finished = Finished::from(output);
    let error: Vec<&str> = finished
        .stderr
        .lines()
        .skip_while(|line| !line.starts_with("error"))
        .collect();
    let error = error.join("\n");
    let temporary = error
        .split('/')
        .find(|part| part.starts_with(".publishing"))
        .unwrap();
    insta::assert_snapshot!(error.replace(temporary, ".publishing"), @"");
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
    let script = LIMIT.replace("64", "24");
    let run = ["run", "promises.toml"];
    let output = project.shell(&script, &run).unwrap().output().unwrap();
    let finished = Finished::from(output);
    let error: Vec<&str> = finished
        .stderr
        .lines()
        .skip_while(|line| !line.starts_with("error"))
        .collect();
    insta::assert_snapshot!(error.join("\n"), @"");
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        versions(&project.path().join("generated/promises")),
        [""; 0]
    );

    let finished = project.run_with_weights(&run).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}
