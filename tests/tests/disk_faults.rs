//! A disk whose calls fail one after the other, by a file layer in front of the C library: the run says so and names
//! the file, nothing that was kept is lost, and the same command ends with the bytes of a run that met no fault.
//!
//! The short form tries a dozen places of each call. The long one, `EVALWRIGHT_FAULTS=all`, tries every one with every
//! error. It needs a C compiler (`cc`), as the build itself does.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use evalwright_store::ReplyStore;
use evalwright_testing::{Finished, Project, ScriptedServer};
use evalwright_tests::served::{
    Answers, STORE, VERSION, assert_same, command, project, publish, published, run,
};

const LAYER: &str = include_str!("../native/failing_disk.c");
/// The calls that can fail, and how often each is tried in the short form.
const CALLS: [&str; 4] = ["open", "write", "sync", "rename"];
const SHORT_PLACES: usize = 12;
/// ENOSPC, EIO, EDQUOT, EROFS on Linux.
const ERRORS: [(i32, &str); 4] = [(28, "ENOSPC"), (5, "EIO"), (122, "EDQUOT"), (30, "EROFS")];

/// The layer, built; nothing where there is no compiler.
fn layer(folder: &Path) -> Option<PathBuf> {
    let source = folder.join("failing_disk.c");
    let library = folder.join("failing_disk.so");
    std::fs::write(&source, LAYER).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    match built {
        Ok(status) => {
            assert!(status.success(), "the layer does not compile");
            Some(library)
        }
        Err(error) => {
            eprintln!("SKIPPED: no C compiler, so no disk was made to fail ({error})");
            None
        }
    }
}

/// One fault.
#[derive(Debug, Clone, Copy)]
struct Fault {
    call: &'static str,
    at: usize,
    error: (i32, &'static str),
    for_good: bool,
}

struct Disk {
    layer: PathBuf,
    server: ScriptedServer,
    expected: BTreeMap<String, Vec<u8>>,
    calls: u64,
}

impl Disk {
    fn project(&self) -> Project {
        project(&format!("{}/v1", self.server.url()))
    }

    /// Runs into a fault; nothing when the run has fewer calls than that.
    fn fail(&self, project: &Project, fault: Fault) -> Option<Finished> {
        let mark = project.path().parent().unwrap().join("failed");
        let mut command = command(project, &["run", "promises.toml"]);
        command
            .env("LD_PRELOAD", &self.layer)
            .env("FAULT_UNDER", project.path())
            .env("FAULT_CALL", fault.call)
            .env("FAULT_AT", fault.at.to_string())
            .env("FAULT_ERROR", fault.error.0.to_string())
            .env("FAULT_MARK", &mark);
        if fault.for_good {
            command.env("FAULT_FOR_GOOD", "1");
        }
        let finished = Finished::from(command.output().unwrap());
        mark.exists().then_some(finished)
    }

    /// Whether the place was reached; checks everything if it was.
    fn try_one(&self, fault: Fault) -> bool {
        let project = self.project();
        let Some(finished) = self.fail(&project, fault) else {
            return false;
        };
        let story = format!("{fault:?}: {}", finished.stderr);
        if finished.code == Some(0) {
            // Only what comes after everything is kept and published may fail unheard: the store's journal is folded
            // into its table when it closes, and is read as well where it was not.
            assert_same(&self.expected, &published(&project));
            let store = ReplyStore::open(&project.path().join(STORE)).unwrap();
            assert!(store.check().unwrap().problems.is_empty(), "{story}");
            assert_eq!(store.count().unwrap(), self.calls, "{story}");
            return true;
        }
        assert!(finished.code.is_some(), "it crashed: {story}");
        let message: Vec<&str> = finished
            .stderr
            .lines()
            .skip_while(|line| !line.starts_with("error"))
            .collect();
        let message = message.join("\n");
        assert!(
            ["replies.db", "generated", ".evalwright"]
                .iter()
                .any(|name| message.contains(name)),
            "it names no file: {story}"
        );
        let store = project.path().join(STORE);
        let kept = if store.exists() {
            let store = ReplyStore::open(&store).unwrap();
            assert!(store.check().unwrap().problems.is_empty(), "{story}");
            store.count().unwrap()
        } else {
            0
        };
        let was_published = project.path().join(VERSION).exists();
        let before = self.server.requests().unwrap().len();
        publish(&project, &[]);
        assert_same(&self.expected, &published(&project));
        let sent = self.server.requests().unwrap().len() - before;
        // What was acknowledged is not asked for again; a version that is there whole needs no replies.
        let needed = if was_published { 0 } else { self.calls - kept };
        assert_eq!(sent as u64, needed, "{story}");
        true
    }
}

/// Promise R-03.
#[test]
fn r03_every_call_to_the_disk_can_fail() {
    let folder = Project::new().unwrap();
    let Some(layer) = layer(folder.path()) else {
        return;
    };
    let server = ScriptedServer::start(&Answers::default().script()).unwrap();
    let mut disk = Disk {
        layer,
        server,
        expected: BTreeMap::new(),
        calls: 0,
    };
    let whole = disk.project();
    publish(&whole, &[]);
    disk.expected = published(&whole);
    disk.calls = disk.server.requests().unwrap().len() as u64;

    let is_long = std::env::var("EVALWRIGHT_FAULTS").is_ok_and(|value| value == "all");
    let mut tried = 0;
    for call in CALLS {
        let mut at = 1;
        let mut places = 0;
        loop {
            let errors = if is_long { ERRORS.len() } else { 1 };
            let mut was_reached = false;
            for number in 0..errors {
                let fault = Fault {
                    call,
                    at,
                    error: ERRORS[(places + number) % ERRORS.len()],
                    for_good: places % 2 == 1,
                };
                was_reached = disk.try_one(fault);
                tried += usize::from(was_reached);
            }
            if !was_reached {
                break;
            }
            places += 1;
            // The first places are the ones where files are made; later ones repeat.
            at += if is_long { 1 } else { 1 + places / 4 * places };
            if !is_long && places == SHORT_PLACES {
                break;
            }
        }
        assert!(places > 0, "no call to {call} was seen");
    }
    // The server and this program are not behind the layer.
    assert_eq!(run(&whole, &[]).code, Some(0));
    println!("{tried} faults");
}
