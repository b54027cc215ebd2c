//! What passes is kept as an attempt, and never in place of a reply.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use evalwright_core::{SlotFailure, TokenUsage};
use evalwright_store::{
    Attempt, AttemptStatus, ReplyStore, Selection, StoreError, TextEntry, sample_key,
};

fn gave_up(attempts: u32) -> SlotFailure {
    SlotFailure::GaveUp {
        attempts,
        detail: "503 Service Unavailable".to_owned(),
    }
}

#[test]
fn a_passing_failure_is_no_reply_and_blocks_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let (model, request) = (support::model(), support::request(1));
    let key = sample_key(&model, &request);
    let put = |reply| store.put_text(key, &request, &model, &reply);
    put(Err(gave_up(5))).unwrap();
    put(Err(SlotFailure::ResponseTooLarge { limit: 9 })).unwrap();
    assert_eq!(store.text(key).unwrap(), None);
    assert_eq!(store.count().unwrap(), 0);
    let attempts = store.attempts(key).unwrap();
    let seen: Vec<(u64, &str)> = attempts
        .iter()
        .map(|attempt| (attempt.number, attempt.status.as_str()))
        .collect();
    assert_eq!(seen, [(1, "failed"), (2, "failed")]);
    assert!(attempts[0].detail.contains("503"), "{attempts:?}");

    put(Ok(support::reply("good"))).unwrap();
    assert_eq!(store.text(key).unwrap(), Some(Ok(support::reply("good"))));
    // And nothing that passes later takes it away.
    put(Err(gave_up(2))).unwrap();
    assert_eq!(store.text(key).unwrap(), Some(Ok(support::reply("good"))));
    assert_eq!(store.attempts(key).unwrap().len(), 3);
}

#[test]
fn final_failures_are_replies_and_passing_ones_in_a_batch_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let model = support::model();
    let requests: Vec<_> = (0..3).map(support::request).collect();
    let refused = SlotFailure::Refused {
        text: "No.".to_owned(),
    };
    let replies = [
        Ok(support::reply("text")),
        Err(gave_up(3)),
        Err(refused.clone()),
    ];
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
    store.put_text_batch(&entries).unwrap();
    assert_eq!(store.count().unwrap(), 2);
    assert_eq!(store.text(entries[1].key).unwrap(), None);
    assert_eq!(store.text(entries[2].key).unwrap(), Some(Err(refused)));
}

#[test]
fn attempts_that_were_sent_again_are_kept_with_what_they_took() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db"))
        .unwrap()
        .with_clock(|| 1_800_000_000);
    let (model, request) = (support::model(), support::request(1));
    let key = sample_key(&model, &request);
    let attempt = Attempt {
        status: AttemptStatus::Retried,
        detail: "the answer was cut after 12 bytes".to_owned(),
        usage: TokenUsage::new(40, 7),
    };
    store
        .put_text_attempt(key, &request, &model, &attempt)
        .unwrap();
    let shown = store.show(key).unwrap();
    assert_eq!((shown.status, shown.reply), (None, None));
    let [kept] = shown.attempts.as_slice() else {
        panic!("{:?}", shown.attempts);
    };
    assert_eq!(
        (kept.prompt_tokens, kept.completion_tokens, kept.written_at),
        (40, 7, Some(1_800_000_000))
    );
    assert_eq!(kept.status, "retried");
    // The very request was tried before: nothing differs.
    let miss = store.why_text_missed(&model, &request).unwrap().unwrap();
    assert!(miss.differences.is_empty());
}

#[test]
fn attempts_are_pruned_with_failures_and_stay_with_cut_texts() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let (model, request) = (support::model(), support::request(1));
    let key = sample_key(&model, &request);
    store
        .put_text(key, &request, &model, &Err(gave_up(1)))
        .unwrap();
    let cut = Selection {
        cut: true,
        ..Selection::default()
    };
    assert_eq!(store.prune(&cut).unwrap().attempts, 0);
    let failed = Selection {
        failed: true,
        ..Selection::default()
    };
    assert_eq!(store.prune(&failed).unwrap().attempts, 1);
    assert!(matches!(store.show(key), Err(StoreError::NoSuchKey { .. })));
}
