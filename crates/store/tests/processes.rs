//! Several processes and threads on one file, and a process that is killed in the middle.
//!
//! The children are this test binary itself, told by an environment variable what to do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use evalwright_store::{ReplyStore, sample_key};

const STORE: &str = "EVALWRIGHT_TEST_STORE";
const FIRST: &str = "EVALWRIGHT_TEST_FIRST";
const COUNT: &str = "EVALWRIGHT_TEST_COUNT";

fn child(store: &Path, first: u64, count: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child_puts_replies",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(STORE, store)
        .env(FIRST, first.to_string())
        .env(COUNT, count.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Does nothing unless it was started by [`child`].
#[test]
fn child_puts_replies() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let store = ReplyStore::open(Path::new(&path)).unwrap();
    let model = support::model();
    for seed in number(FIRST)..number(FIRST) + number(COUNT) {
        let request = support::request(seed);
        let reply = Ok(support::reply(&format!("text {seed}")));
        store
            .put_text(sample_key(&model, &request), &request, &model, &reply)
            .unwrap();
        println!("\nstored {seed}");
    }
}

#[test]
fn sixteen_processes_share_a_file_that_none_has_made_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/replies.db");
    let children: Vec<Child> = (0..16).map(|index| child(&path, index * 4, 8)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // Neighbours overlap by half: the same reply twice is one reply.
    let store = ReplyStore::open(&path).unwrap();
    assert_eq!(store.count().unwrap(), 15 * 4 + 8);
    drop(store);
    let intact: String = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(intact, "ok");
}

#[test]
fn what_was_stored_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let model = support::model();
    for round in 0..5_u64 {
        let first = round * 1_000_000;
        let mut child = child(&path, first, 1_000_000);
        let mut stored = Vec::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while stored.len() < 20 + usize::try_from(round).unwrap() * 7 {
            let line = lines.next().unwrap().unwrap();
            if let Some(seed) = line.strip_prefix("stored ") {
                stored.push(seed.parse::<u64>().unwrap());
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = ReplyStore::open(&path).unwrap();
        for seed in stored {
            let found = store
                .text(sample_key(&model, &support::request(seed)))
                .unwrap();
            assert_eq!(found, Some(Ok(support::reply(&format!("text {seed}")))));
        }
    }
}

#[test]
fn threads_share_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let model = support::model();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (store, model) = (&store, &model);
            scope.spawn(move || {
                for seed in thread * 10..thread * 10 + 10 {
                    let request = support::request(seed);
                    let key = sample_key(model, &request);
                    store
                        .put_text(key, &request, model, &Ok(support::reply("x")))
                        .unwrap();
                    assert_eq!(store.text(key).unwrap(), Some(Ok(support::reply("x"))));
                }
            });
        }
    });
    assert_eq!(store.count().unwrap(), 40);
}
