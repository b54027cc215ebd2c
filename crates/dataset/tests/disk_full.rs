//! A real write that fails for want of space (case D07).
//!
//! Alone in its process: a lock that another test has just let go would live on in a child being started.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Command;

use evalwright_dataset::{Files, publish, read_manifest, verify_files};
use support::{files, manifest};

fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

const FOLDER: &str = "EVALWRIGHT_TEST_FOLDER";

fn large() -> Files {
    let mut files = files();
    files
        .0
        .insert("large.jsonl".to_owned(), vec![b'\n'; 1 << 20]);
    files
}

/// Does nothing unless [`d07_disk_full`] started it under a limit on the size of files.
#[test]
fn child_publishes_under_a_limit() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let error = publish(Path::new(&folder), manifest("1.1.0"), large(), b"{}").unwrap_err();
    println!("\nmessage: {error}");
}

#[test]
fn d07_disk_full() {
    let case = "D07-disk-full";
    assert!(
        support::json(&support::case("durability", case).join("recipe.json"))["setup"]
            .as_str()
            .unwrap()
            .contains("256 KiB")
    );
    let folder = tempfile::tempdir().unwrap();
    let old = publish(folder.path(), manifest("1.0.0"), files(), b"{}").unwrap();
    // `ulimit -f` counts in blocks of 512 or 1,024 bytes: a limit of 128 or 256 KiB. The trap makes the
    // write fail as it does on a full disk, where the signal would end the process.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child_publishes_under_a_limit", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let message = text
        .lines()
        .find(|line| line.starts_with("message: "))
        .unwrap();
    for word in support::expected("durability", case)["must_mention"]
        .as_array()
        .unwrap()
    {
        assert!(message.contains(word.as_str().unwrap()), "{message}");
    }
    assert!(message.contains("large.jsonl"), "{message}");
    verify_files(&old, &read_manifest(&old).unwrap()).unwrap();
    assert_eq!(entries(folder.path()), ["1.0.0"]);
    publish(folder.path(), manifest("1.1.0"), large(), b"{}").unwrap();
}
