//! Case H23: a body without end is cut while it comes in. Memory is measured in a process of its own.

use std::io::Write;
use std::process::Command;

use evalwright_core::SlotFailure;
use evalwright_testing::{Response, Route, Script, ScriptedServer};

use crate::ask::{Asking, connection, conversation, fine, texts};
use crate::case::Case;

/// Where the child finds the server.
const ADDRESS: &str = "EVALWRIGHT_TEST_ADDRESS";

/// The most memory that this process has had so far, in MiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}

#[test]
fn h23_huge_body_cap() {
    let Some(case) = Case::find("http", "H23") else {
        return;
    };
    let serve = &case.json("recipe.json")["serve"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(serve["body_prefix"].as_str().unwrap().as_bytes())
        .unwrap();
    // A hole in the file: its zeros are as long as the case's letters, and take no room.
    file.set_len(serve["times"].as_u64().unwrap()).unwrap();
    let huge = |announced: bool| {
        let response = Response::file(&path).header("content-type", "application/json");
        if announced {
            response
        } else {
            response.chunked()
        }
    };
    let at = |word: &str, response| {
        Route::at("/v1/chat/completions")
            .when_body_contains(word)
            .reply(response)
    };
    let script = Script::new()
        .route(at("all at once", huge(true)))
        .route(at("in chunks", huge(false)))
        .route(Route::at("/v1/chat/completions").reply(fine("openai")));
    let server = ScriptedServer::start(&script).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "memory::asks_for_huge_bodies",
            "--ignored",
            "--nocapture",
        ])
        .env(ADDRESS, server.url())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let grown: u64 = said
        .lines()
        .find_map(|line| line.split_once("grown by ")?.1.trim().parse().ok())
        .unwrap();
    let most = case.expected()["peak_rss_growth_mib"]["max"]
        .as_u64()
        .unwrap();
    assert!(grown <= most, "{grown} MiB");
    assert!(server.requests().unwrap().len() >= 6);
}

/// The child of the test above.
#[test]
#[ignore = "run by the test above, in a process of its own"]
fn asks_for_huge_bodies() {
    let Ok(url) = std::env::var(ADDRESS) else {
        return;
    };
    let place = connection("openai", &url);
    let asking = Asking::new();
    // What a first request takes is not the body's.
    assert_eq!(
        asking.texts(std::slice::from_ref(&place), &texts(1)).fine(),
        1
    );
    let Some(before) = peak() else {
        println!("grown by 0");
        eprintln!("SKIPPED the measure of memory: this system has no /proc");
        return;
    };
    let mut requests = texts(5);
    requests[1].prompt = conversation("Write in chunks.");
    requests[3].prompt = conversation("Write all at once.");
    let outcome = asking.texts(&[place], &requests);
    outcome.end.as_ref().unwrap();
    assert_eq!(outcome.fine(), 3, "the run goes on");
    for failed in [1, 3] {
        let limit = 32 * 1024 * 1024;
        assert_eq!(
            outcome.replies[failed]
                .as_ref()
                .unwrap()
                .as_ref()
                .unwrap_err(),
            &SlotFailure::ResponseTooLarge { limit }
        );
    }
    println!("\ngrown by {}", peak().unwrap_or_default() - before);
}
