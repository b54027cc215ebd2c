//! One run per dataset, and no lock outlives its process (case D08).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Barrier, Mutex, PoisonError};

use evalwright_dataset::{DatasetError, lock};

const FOLDER: &str = "EVALWRIGHT_TEST_LOCK";

/// Held by each test below. A child that is being started holds a copy of every open file of this process
/// for a moment, also of a lock that another test is about to let go.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Does nothing unless it was started by a test below: then it holds the lock until it is killed.
#[test]
fn child_holds_the_lock() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let _lock = lock(Path::new(&folder)).unwrap();
    println!("\nlocked");
    loop {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}

#[test]
fn d08_another_process_is_named_and_its_death_frees_the_lock() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let word = support::expected("durability", "D08-two-runs-one-output")["must_mention"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_holds_the_lock", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap() == "locked"));
        let error = lock(folder.path()).unwrap_err().to_string();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(error.contains(&word), "{error}");
        assert!(
            error.contains(&format!("process {}", child.id())),
            "{error}"
        );
        drop(lock(folder.path()).unwrap());
    }
}

#[test]
fn of_many_at_once_exactly_one_gets_the_lock() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/likes-risk");
        let start = Barrier::new(4);
        let end = Barrier::new(4);
        let won: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let result = lock(&path);
                        end.wait();
                        match result {
                            Ok(_) => 1,
                            Err(DatasetError::Locked { .. }) => 0,
                            Err(error) => panic!("{error}"),
                        }
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(won, 1);
        drop(lock(&path).unwrap());
    }
}
