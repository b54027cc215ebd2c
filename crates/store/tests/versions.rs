//! A store of the first version opens, loses nothing, and is a store of this version from then on.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;

use evalwright_core::SlotFailure;
use evalwright_store::{ReplyStore, SCHEMA_VERSION, Selection, sample_key};

/// The first version's layout as it was, never to be changed.
const FIRST: &str = "
CREATE TABLE replies (
    key TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sample', 'score')),
    model TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    finish TEXT,
    text TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    request TEXT NOT NULL,
    reply TEXT NOT NULL
) STRICT;
PRAGMA application_id = 1163283543;
PRAGMA user_version = 1;
";

fn first_version(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(FIRST).unwrap();
    let model = support::model();
    for seed in 0..3 {
        let request = support::request(seed);
        connection
            .execute(
                "INSERT INTO replies VALUES (?1, 'sample', ?2, ?3, 'ok', 'stop', 'old', 12, 3, ?4, ?5)",
                [
                    sample_key(&model, &request).to_string(),
                    model.name.clone(),
                    model.hash().to_string(),
                    serde_json::to_string(&request).unwrap(),
                    // As the first version wrote it: without notes.
                    r#"{"text":"old","finish":"stop","usage":{"prompt_tokens":12,"completion_tokens":3}}"#
                        .to_owned(),
                ],
            )
            .unwrap();
    }
}

fn version(path: &Path) -> i64 {
    rusqlite::Connection::open(path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn a_store_of_the_first_version_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    first_version(&path);
    let model = support::model();
    let key = |seed| sample_key(&model, &support::request(seed));
    for _ in 0..2 {
        let store = ReplyStore::open(&path).unwrap();
        for seed in 0..3 {
            assert_eq!(
                store.text(key(seed)).unwrap(),
                Some(Ok(support::reply("old")))
            );
        }
    }
    assert_eq!(version(&path), SCHEMA_VERSION);
    let store = ReplyStore::open(&path).unwrap();
    let checked = store.check().unwrap();
    assert_eq!((checked.replies, checked.without_identity), (3, 3));
    assert!(checked.problems.is_empty(), "{checked:?}");

    // The identity comes with the next reply of the model, for the old ones too.
    let request = support::request(3);
    store
        .put_text(key(3), &request, &model, &Ok(support::reply("new")))
        .unwrap();
    store
        .put_text(
            key(4),
            &support::request(4),
            &model,
            &Err(SlotFailure::GaveUp {
                attempts: 1,
                detail: "d".to_owned(),
            }),
        )
        .unwrap();
    let checked = store.check().unwrap();
    assert_eq!((checked.replies, checked.without_identity), (4, 0));
    assert!(checked.problems.is_empty(), "{checked:?}");
    assert_eq!(store.list(&Selection::default(), 9).unwrap().len(), 4);
}

#[test]
fn many_open_an_old_store_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    first_version(&path);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(ReplyStore::open(&path).unwrap().count().unwrap(), 3));
        }
    });
    assert_eq!(version(&path), SCHEMA_VERSION);
}

#[test]
fn a_writer_of_the_first_version_that_is_still_open_is_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    first_version(&path);
    let old = rusqlite::Connection::open(&path).unwrap();
    let mut insert = old
        .prepare(
            "INSERT INTO replies (key, kind, model, model_hash, status, finish, text, prompt_tokens, \
             completion_tokens, request, reply) \
             VALUES (?1, 'score', 'm', 'h', 'ok', NULL, NULL, 1, 1, '{}', '{}')",
        )
        .unwrap();
    insert.execute(["k1"]).unwrap();
    let store = ReplyStore::open(&path).unwrap();
    insert.execute(["k2"]).unwrap();
    assert_eq!(store.count().unwrap(), 5);
}
