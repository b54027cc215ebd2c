//! A run that is interrupted goes on with the same command, and ends as if nothing had happened.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command};
use std::time::Duration;

use evalwright_store::ReplyStore;
use evalwright_testing::{Project, read_tree};
use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};
use serde_json::Value;

/// One thread, so that not all calls are in flight at once.
const RUN: [&str; 5] = ["run", "promises.toml", "--threads", "1", "--json"];

fn project() -> Project {
    let project = Project::new().unwrap();
    for (name, text) in QUICK_KIND {
        project.write(name, text).unwrap();
    }
    let behaviour = QUICK_BEHAVIOUR.replace("rows = 2", "rows = 6");
    project.write("promises.toml", behaviour).unwrap();
    project
}

fn stored(project: &Project) -> u64 {
    let store = ReplyStore::open(&project.path().join(".evalwright/replies.db")).unwrap();
    store.count().unwrap()
}

/// A run under way. Dropping it ends it.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(project: &Project) -> Self {
        let mut child = project.command_with_weights(&RUN).unwrap().spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads what the run says until a line holds the text.
    fn wait_for(&mut self, text: &str) {
        let mut said = String::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(text) {
                return;
            }
            said.push_str(&line);
            said.push('\n');
        }
        panic!("the run ended and never said {text:?}; it said:\n{said}");
    }

    /// As Ctrl-C does.
    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }

    fn exit_code(mut self) -> Option<i32> {
        for line in self.lines.by_ref() {
            line.unwrap();
        }
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn interrupted_runs_end_with_the_same_bytes_and_repeat_no_call() {
    let whole = project();
    let finished = whole.run_with_weights(&RUN).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    let project = project();
    let mut run = Running::start(&project);
    run.wait_for("writing: ");
    // The line is written at about the time when the listener for signals starts.
    std::thread::sleep(Duration::from_millis(500));
    run.interrupt();
    run.wait_for("stopping");
    assert_eq!(run.exit_code(), Some(130));
    assert!(!project.path().join("generated/promises/1.0.0").exists());
    let first = stored(&project);
    assert!(
        first < stored(&whole),
        "the run was over before it was interrupted"
    );

    // Twice: it does not wait for what is in flight.
    let mut run = Running::start(&project);
    run.wait_for("judging: ");
    std::thread::sleep(Duration::from_millis(500));
    run.interrupt();
    run.wait_for("stopping");
    run.interrupt();
    assert_eq!(run.exit_code(), Some(130));
    assert!(!project.path().join("generated/promises/1.0.0").exists());
    let second = stored(&project);
    assert!(
        first < second && second < stored(&whole),
        "{first} {second}"
    );

    let finished = project.run_with_weights(&RUN).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    let sent = ["sample_calls_sent", "score_calls_sent"]
        .map(|key| document[key].as_u64().unwrap())
        .iter()
        .sum::<u64>();
    assert_eq!(stored(&project), stored(&whole));
    assert_eq!(
        sent,
        stored(&whole) - second,
        "a stored reply was asked for again"
    );

    let [expected, found] = [&whole, &project].map(|project| {
        let mut files = read_tree(&project.path().join("generated/promises/1.0.0")).unwrap();
        files.remove("run.json").unwrap();
        files
    });
    assert!(expected.keys().eq(found.keys()));
    for (name, bytes) in &expected {
        assert!(found.get(name) == Some(bytes), "{name} differs");
    }
}
