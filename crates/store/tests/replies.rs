//! What is put is what comes back, the first reply stays, and files of others are left alone
//! (cases D05, D11, D12).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;

use evalwright_core::{
    AnswerScore, ContentHash, Finish, Prompt, ScoreMode, ScoreReply, ScoreRequest, SlotFailure,
    TokenUsage,
};
use evalwright_store::{ReplyStore, StoreError, TextEntry, sample_key, score_key};
use proptest::prelude::*;

fn message(error: &StoreError) -> String {
    error.to_string()
}

fn score_request() -> ScoreRequest {
    ScoreRequest {
        prompt: Prompt::Text("P".to_owned()),
        continuations: vec![" Yes".to_owned()],
        mode: ScoreMode::Whole,
    }
}

fn scores(values: &[f64]) -> ScoreReply {
    ScoreReply {
        scores: values
            .iter()
            .map(|value| AnswerScore::known(*value, 2))
            .collect(),
        usage: TokenUsage::new(u64::MAX, 0),
        notes: Vec::new(),
    }
}

#[test]
fn texts_scores_and_failures_come_back_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/replies.db");
    let model = support::model();
    let request = support::request(1);
    let key = sample_key(&model, &request);
    let failed = support::request(2);
    let failed_key = sample_key(&model, &failed);
    let score = score_key(&model, &score_request());
    let mut cut = support::reply("na\u{ef}ve \0 \u{1b}[2J 😀\r\n\" end");
    cut.finish = Finish::Length;
    let failure = SlotFailure::TooLong {
        needed: 9,
        window: 8,
    };
    {
        let store = ReplyStore::open(&path).unwrap();
        assert_eq!(store.text(key).unwrap(), None);
        store
            .put_text(key, &request, &model, &Ok(cut.clone()))
            .unwrap();
        store
            .put_text(failed_key, &failed, &model, &Err(failure.clone()))
            .unwrap();
        store
            .put_score(
                score,
                &score_request(),
                &model,
                &Ok(scores(&[-0.1, -1e-300])),
            )
            .unwrap();
    }
    let store = ReplyStore::open(&path).unwrap();
    assert_eq!(store.text(key).unwrap(), Some(Ok(cut)));
    assert_eq!(store.text(failed_key).unwrap(), Some(Err(failure)));
    assert_eq!(
        store.score(score).unwrap(),
        Some(Ok(scores(&[-0.1, -1e-300])))
    );
    assert_eq!(store.count().unwrap(), 3);
    let error = store.score(key).unwrap_err();
    assert!(
        message(&error).contains("expected a score, found a sample"),
        "{error}"
    );
}

#[test]
fn any_sql_shell_can_read_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let model = support::model();
    let request = support::request(7);
    let store = ReplyStore::open(&path).unwrap();
    store
        .put_text(
            sample_key(&model, &request),
            &request,
            &model,
            &Ok(support::reply("Hello")),
        )
        .unwrap();
    let shell = rusqlite::Connection::open(&path).unwrap();
    let found: (String, String, String, i64, i64) = shell
        .query_row(
            "SELECT model, text, finish, completion_tokens, json_extract(request, '$.seed') FROM replies",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
        .unwrap();
    assert_eq!(
        found,
        (
            "local/m1".to_owned(),
            "Hello".to_owned(),
            "stop".to_owned(),
            3,
            7
        )
    );
}

/// Plays the records of a journal case: one key per `request_key`.
fn play(case: &str) -> (ReplyStore, Vec<Result<(), StoreError>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let results = support::json_lines(case, "journal.jsonl")
        .iter()
        .filter(|line| line.get("request_key").is_some())
        .map(|line| {
            let key = ContentHash::of(line["request_key"].as_str().unwrap().as_bytes());
            let request = support::request(line["seq"].as_u64().unwrap());
            let reply = support::reply(line["text"].as_str().unwrap());
            store.put_text(key, &request, &support::model(), &Ok(reply))
        })
        .collect();
    (store, results, folder)
}

#[test]
fn d05_an_identical_repeat_counts_once() {
    let case = "D05-same-key-two-answers-in-journal";
    let (store, results, _folder) = play(case);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(
        store.count().unwrap(),
        support::expected(case)["records"].as_u64().unwrap()
    );
}

#[test]
fn d12_a_conflicting_answer_is_an_error_and_the_first_stays() {
    let case = "D12-same-key-conflicting-answers";
    let (store, results, _folder) = play(case);
    let accepted = &support::expected(case)["accept"][1];
    assert_eq!(accepted["outcome"], "error");
    let word = accepted["must_mention"][0].as_str().unwrap();
    assert!(results[..3].iter().all(Result::is_ok));
    let error = results[3].as_ref().unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }));
    assert!(message(error).contains(word), "{error}");
    let key = ContentHash::of(b"6ab9f1eb8f7d3388");
    assert!(message(error).contains(&key.to_string()), "{error}");
    assert_eq!(
        store.text(key).unwrap().unwrap().unwrap().text,
        "1. Statement 1."
    );
    assert_eq!(store.count().unwrap(), 3);
}

#[test]
fn a_failure_and_a_reply_under_one_key_conflict_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let (model, request) = (support::model(), support::request(0));
    let key = sample_key(&model, &request);
    store
        .put_text(key, &request, &model, &Err(SlotFailure::NonFiniteLogits))
        .unwrap();
    store
        .put_text(key, &request, &model, &Err(SlotFailure::NonFiniteLogits))
        .unwrap();
    let second = store.put_text(key, &request, &model, &Ok(support::reply("x")));
    assert!(matches!(second, Err(StoreError::Conflict { .. })));
    assert_eq!(
        store.text(key).unwrap(),
        Some(Err(SlotFailure::NonFiniteLogits))
    );
}

#[test]
fn d11_a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let case = "D11-journal-from-newer-version";
    let version = support::json_lines(case, "journal.jsonl")[0]["header"]["format_version"]
        .as_i64()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    drop(ReplyStore::open(&path).unwrap());
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", version)
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = ReplyStore::open(&path).unwrap_err();
    for word in support::expected(case)["must_mention"].as_array().unwrap() {
        assert!(message(&error).contains(word.as_str().unwrap()), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn files_that_are_no_store_are_named_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, but long enough to hold a header ".repeat(40),
    )
    .unwrap();
    let other = folder.path().join("browser.db");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE bookmarks (id INTEGER)")
        .unwrap();
    for (path, word) in [
        (text.as_path(), "not an SQLite database"),
        (other.as_path(), "another program"),
        (folder.path(), "cannot be opened"),
    ] {
        let before = std::fs::read(path).ok();
        let error = ReplyStore::open(path).unwrap_err();
        assert!(message(&error).contains(word), "{error}");
        assert!(
            message(&error).contains(&path.display().to_string()),
            "{error}"
        );
        assert_eq!(std::fs::read(path).ok(), before);
    }
    let below_a_file = text.join("replies.db");
    assert!(matches!(
        ReplyStore::open(&below_a_file),
        Err(StoreError::Folder { .. })
    ));
}

#[test]
fn a_batch_keeps_its_good_entries_and_reports_the_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let model = support::model();
    let requests: Vec<_> = (0..5).map(support::request).collect();
    let replies: Vec<_> = (0..5)
        .map(|index| Ok(support::reply(&format!("text {index}"))))
        .collect();
    let key = |index: usize| sample_key(&model, &requests[index]);
    store
        .put_text(key(2), &requests[2], &model, &Ok(support::reply("first")))
        .unwrap();
    let entries: Vec<TextEntry<'_>> = (0..5)
        .map(|index| TextEntry {
            key: key(index),
            request: &requests[index],
            model: &model,
            reply: &replies[index],
        })
        .collect();
    let error = store.put_text_batch(&entries).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { key: found, .. } if found == key(2)));
    assert_eq!(store.count().unwrap(), 5);
    assert_eq!(
        store.text(key(2)).unwrap(),
        Some(Ok(support::reply("first")))
    );
    assert_eq!(store.text(key(4)).unwrap(), Some(replies[4].clone()));
    store.put_text_batch(&[]).unwrap();
}

#[test]
fn a_number_that_is_not_finite_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let model = support::model();
    let key = score_key(&model, &score_request());
    for value in [f64::NEG_INFINITY, f64::NAN] {
        let error = store
            .put_score(key, &score_request(), &model, &Ok(scores(&[value])))
            .unwrap_err();
        assert!(matches!(error, StoreError::NotStorable { .. }), "{error}");
    }
    assert_eq!(store.score(key).unwrap(), None);
}

fn filled(path: &Path, count: u64) {
    let store = ReplyStore::open(path).unwrap();
    let model = support::model();
    for seed in 0..count {
        let request = support::request(seed);
        store
            .put_text(
                sample_key(&model, &request),
                &request,
                &model,
                &Ok(support::reply("text")),
            )
            .unwrap();
    }
}

#[test]
fn a_file_cut_anywhere_gives_an_error_or_an_answer_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    filled(&path, 40);
    let whole = std::fs::read(&path).unwrap();
    let keys: Vec<_> = (0..40)
        .map(|seed| sample_key(&support::model(), &support::request(seed)))
        .collect();
    let mut errors = 0;
    for length in (1..whole.len()).step_by(509) {
        let cut = folder.path().join(format!("cut-{length}.db"));
        std::fs::write(&cut, &whole[..length]).unwrap();
        match ReplyStore::open(&cut) {
            Err(error) => {
                errors += 1;
                assert!(message(&error).contains("cut-"), "{error}");
            }
            Ok(store) => {
                for key in &keys {
                    match store.text(*key) {
                        Ok(Some(found)) => assert_eq!(found, Ok(support::reply("text"))),
                        Ok(None) => {}
                        Err(error) => {
                            errors += 1;
                            assert!(message(&error).contains("cut-"), "{error}");
                        }
                    }
                }
            }
        }
    }
    assert!(errors > 0);
}

#[test]
fn a_batch_of_thousands_is_quick() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let model = support::model();
    let requests: Vec<_> = (0..4_000).map(support::request).collect();
    let reply = Ok(support::reply(&"word ".repeat(20)));
    let entries: Vec<TextEntry<'_>> = requests
        .iter()
        .map(|request| TextEntry {
            key: sample_key(&model, request),
            request,
            model: &model,
            reply: &reply,
        })
        .collect();
    let start = std::time::Instant::now();
    for batch in entries.chunks(64) {
        store.put_text_batch(batch).unwrap();
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{:.0} replies a second in batches of 64", 4_000.0 / seconds);
    assert_eq!(store.count().unwrap(), 4_000);
    // One transaction per reply would need 4,000 syncs, one per batch needs 63.
    assert!(seconds < 60.0, "{seconds} s");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn scores_come_back_to_the_bit(values in prop::collection::vec(any::<u64>(), 1..8)) {
        let values: Vec<f64> =
            values.into_iter().map(f64::from_bits).filter(|value| value.is_finite()).collect();
        let folder = tempfile::tempdir().unwrap();
        let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
        let model = support::model();
        let key = score_key(&model, &score_request());
        store.put_score(key, &score_request(), &model, &Ok(scores(&values))).unwrap();
        let back = store.score(key).unwrap().unwrap().unwrap();
        let bits: Vec<u64> = back.scores.iter().map(|score| score.log_probability.to_bits()).collect();
        prop_assert_eq!(bits, values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    }
}
