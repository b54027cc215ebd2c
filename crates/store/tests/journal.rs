//! What a journal must stand, held against the file that is ours: a write cut in the middle, a run that died
//! before its first reply, a second run that asks nothing (cases D01, D02, D03).

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use evalwright_core::ContentHash;
use evalwright_store::{ReplyStore, sample_key};
use serde_json::Value;

fn key(line: &Value) -> ContentHash {
    ContentHash::of(line["request_key"].as_str().unwrap().as_bytes())
}

fn put(store: &ReplyStore, line: &Value) {
    let request = support::request(line["seq"].as_u64().unwrap());
    let reply = support::reply(line["text"].as_str().unwrap());
    store
        .put_text(key(line), &request, &support::model(), &Ok(reply))
        .unwrap();
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A reply is one transaction at the end of SQLite's own journal. Cut at any byte of the last one, the three
/// before it count, and the fourth is asked for and kept as if nothing had been.
#[test]
fn d01_a_write_that_was_cut_anywhere_costs_that_reply_alone() {
    let case = "D01-torn-last-line";
    let expected = support::expected(case);
    let text = std::fs::read_to_string(support::case(case).join("journal.jsonl")).unwrap();
    let whole: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(whole.len() as u64, expected["records"].as_u64().unwrap());
    let torn = text.lines().last().unwrap();
    let torn = serde_json::json!({
        "seq": expected["resend"][0],
        "request_key": torn.split('"').nth(5).unwrap(),
        "text": "1. Statement 3.",
    });

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let store = ReplyStore::open(&path).unwrap();
    whole.iter().for_each(|line| put(&store, line));
    let length = |path: &Path| std::fs::metadata(path).unwrap().len();
    let before = usize::try_from(length(&beside(&path, "-wal"))).unwrap();
    put(&store, &torn);
    let file = std::fs::read(&path).unwrap();
    let journal = std::fs::read(beside(&path, "-wal")).unwrap();
    assert!(journal.len() > before);

    let cuts = (before..journal.len())
        .step_by(431)
        .chain([journal.len() - 1]);
    for cut in cuts {
        let killed = folder.path().join(format!("killed-{cut}.db"));
        std::fs::write(&killed, &file).unwrap();
        std::fs::write(beside(&killed, "-wal"), &journal[..cut]).unwrap();
        let resumed = ReplyStore::open(&killed).unwrap();
        assert_eq!(resumed.count().unwrap(), 3, "cut at {cut}");
        assert_eq!(resumed.text(key(&torn)).unwrap(), None);
        put(&resumed, &torn);
        drop(resumed);
        let resumed = ReplyStore::open(&killed).unwrap();
        for line in whole.iter().chain([&torn]) {
            let found = resumed.text(key(line)).unwrap().unwrap().unwrap();
            assert_eq!(found.text, line["text"].as_str().unwrap());
        }
        let connection = rusqlite::Connection::open(&killed).unwrap();
        let intact: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(intact, "ok");
    }
}

/// There is one store for all runs, so no run can be taken for the whole truth.
#[test]
fn d02_a_run_that_died_before_its_first_reply_hides_nothing() {
    let case = "D02-newer-attempt-has-only-a-header";
    let expected = support::expected(case);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let mut asked = Vec::new();
    for run in ["run-1/journal.jsonl", "run-2/journal.jsonl"] {
        let store = ReplyStore::open(&path).unwrap();
        for line in support::json_lines(case, run) {
            if line.get("header").is_none() {
                put(&store, &line);
                asked.push(line);
            }
        }
    }
    let store = ReplyStore::open(&path).unwrap();
    let reused = asked
        .iter()
        .filter(|line| store.text(key(line)).unwrap().is_some())
        .count() as u64;
    assert_eq!(reused, expected["reused"].as_u64().unwrap());
    assert_eq!(
        asked.len() as u64 - reused,
        expected["requests_sent_again"].as_u64().unwrap()
    );
}

#[test]
fn d03_a_second_run_finds_each_draw_again() {
    let case = "D03-repeated-samples-share-a-key";
    let expected = support::expected(case);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let requests: Vec<_> = support::json_lines(case, "requests.jsonl")
        .iter()
        .map(|line| support::request(line["sample_index"].as_u64().unwrap()))
        .collect();
    let model = support::model();
    let run = || {
        let store = ReplyStore::open(&path).unwrap();
        let mut sent = 0_u64;
        let texts: Vec<String> = requests
            .iter()
            .map(|request| {
                let key = sample_key(&model, request);
                if let Some(reply) = store.text(key).unwrap() {
                    return reply.unwrap().text;
                }
                sent += 1;
                let reply = support::reply(&format!("draw {}", request.seed.0));
                store
                    .put_text(key, request, &model, &Ok(reply.clone()))
                    .unwrap();
                reply.text
            })
            .collect();
        (sent, texts)
    };
    let (first_sent, first) = run();
    let (second_sent, second) = run();
    assert_eq!(first_sent, expected["distinct_keys"].as_u64().unwrap());
    assert_eq!(
        second_sent,
        expected["second_run_requests_sent"].as_u64().unwrap()
    );
    assert_eq!(
        first == second,
        expected["second_run_texts_equal_first"].as_bool().unwrap()
    );
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), first.len());
}
