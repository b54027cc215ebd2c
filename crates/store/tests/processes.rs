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

use evalwright_store::{ReplyStore, TextEntry, sample_key};

const STORE: &str = "EVALWRIGHT_TEST_STORE";
const FIRST: &str = "EVALWRIGHT_TEST_FIRST";
const COUNT: &str = "EVALWRIGHT_TEST_COUNT";

/// Replies that a child commits together.
const BATCH: &str = "EVALWRIGHT_TEST_BATCH";

fn child(store: &Path, first: u64, count: u64) -> Child {
    start(
        Command::new(std::env::current_exe().unwrap()),
        store,
        first,
        count,
        1,
    )
}

fn start(mut command: Command, store: &Path, first: u64, count: u64, batch: u64) -> Child {
    command
        .args([
            "--exact",
            "child_puts_replies",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(BATCH, batch.to_string())
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
    let seeds: Vec<u64> = (number(FIRST)..number(FIRST) + number(COUNT)).collect();
    for seeds in seeds.chunks(usize::try_from(number(BATCH)).unwrap()) {
        let requests: Vec<_> = seeds.iter().map(|seed| support::request(*seed)).collect();
        let replies: Vec<_> = seeds
            .iter()
            .map(|seed| Ok(support::reply(&format!("text {seed}"))))
            .collect();
        let entries: Vec<TextEntry<'_>> = requests
            .iter()
            .zip(&replies)
            .map(|(request, reply)| TextEntry {
                key: sample_key(&model, request),
                request,
                model: &model,
                reply,
            })
            .collect();
        if let Err(error) = store.put_text_batch(&entries) {
            println!("\nfailed {error}");
            return;
        }
        println!("\nstored {}", seeds.last().unwrap());
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

/// Case D06 for the store: killed at any moment, it holds every batch that was acknowledged, and of the last
/// one all or nothing.
#[test]
fn d06_a_batch_is_there_whole_or_not_at_all_after_a_kill() {
    const TOGETHER: u64 = 16;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let model = support::model();
    for round in 0..12_u64 {
        let first = round * 1_000_000;
        let command = Command::new(std::env::current_exe().unwrap());
        let mut child = start(command, &path, first, 1_000_000, TOGETHER);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut last = None;
        let mut seen = 0;
        while seen < 1 + round % 5 {
            let line = lines.next().unwrap().unwrap();
            if let Some(seed) = line.strip_prefix("stored ") {
                last = Some(seed.parse::<u64>().unwrap());
                seen += 1;
            }
        }
        // Somewhere inside the next batch.
        std::thread::sleep(std::time::Duration::from_micros(round * 370));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = ReplyStore::open(&path).unwrap();
        let is_there = |seed: u64| {
            let key = sample_key(&model, &support::request(seed));
            let found = store.text(key).unwrap();
            assert!(found.is_none() || found == Some(Ok(support::reply(&format!("text {seed}")))));
            found.is_some()
        };
        assert!((first..=last.unwrap()).all(is_there));
        let mut batch = first;
        loop {
            let there = (batch..batch + TOGETHER)
                .filter(|seed| is_there(*seed))
                .count() as u64;
            assert!(there == 0 || there == TOGETHER, "{there} of a batch");
            if there == 0 {
                break;
            }
            batch += TOGETHER;
        }
    }
    let checked = ReplyStore::open(&path).unwrap().check().unwrap();
    assert!(
        checked.replies > 0 && checked.problems.is_empty(),
        "{checked:?}"
    );
}

/// Case D07 for the store: a write that the system refuses is an error that says so, what was acknowledged
/// stays, and with room again the rest follows. The limit is one on file sizes, 256 KiB, as a shell sets it.
#[cfg(unix)]
#[test]
fn d07_a_full_disk_stops_with_words_and_the_store_goes_on_with_more_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    drop(ReplyStore::open(&path).unwrap());
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap());
    let output = start(command, &path, 0, 100_000, 1)
        .wait_with_output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let failure = said
        .lines()
        .find_map(|line| line.strip_prefix("failed "))
        .unwrap_or_else(|| panic!("no failure in {said}"));
    assert!(
        failure.contains("space") && failure.contains("replies.db"),
        "{failure}"
    );
    let stored = said
        .lines()
        .filter_map(|line| line.strip_prefix("stored "))
        .count() as u64;
    assert!(stored > 0);

    let store = ReplyStore::open(&path).unwrap();
    assert_eq!(store.count().unwrap(), stored);
    let output = child(&path, stored, 50).wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(store.count().unwrap(), stored + 50);
    assert!(store.check().unwrap().problems.is_empty());
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
