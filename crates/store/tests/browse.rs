//! Listing, showing, exporting, pruning, checking, and saying why a reply was not found.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use evalwright_core::{
    AnswerScore, ContentHash, Finish, Prompt, ScoreMode, ScoreReply, ScoreRequest, SlotFailure,
    TokenUsage,
};
use evalwright_store::{ReplyKind, ReplyStore, Selection, StoreError, sample_key, score_key};
use serde_json::Value;
use tempfile::TempDir;

fn score_request() -> ScoreRequest {
    ScoreRequest {
        prompt: Prompt::Text("P".to_owned()),
        continuations: vec![" Yes".to_owned(), " No".to_owned()],
        mode: ScoreMode::FirstToken,
    }
}

/// A good text, a cut one, a refusal, and scores, by two models.
fn filled() -> (ReplyStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db"))
        .unwrap()
        .with_clock(|| 1_000);
    let model = support::model();
    let mut other = support::model();
    other.name = "openai/gpt-x".to_owned();
    let mut cut = support::reply("2. Cut in the mid");
    cut.finish = Finish::Length;
    let refused = SlotFailure::Refused {
        text: "I cannot help.".to_owned(),
    };
    for (seed, model, reply) in [
        (1, &model, Ok(support::reply("1. First."))),
        (2, &model, Ok(cut)),
        (3, &other, Err(refused)),
    ] {
        let request = support::request(seed);
        store
            .put_text(sample_key(model, &request), &request, model, &reply)
            .unwrap();
    }
    let scores = ScoreReply {
        scores: vec![AnswerScore::known(-0.1, 1), AnswerScore::known(-2.5, 1)],
        usage: TokenUsage::new(9, 2),
        notes: Vec::new(),
    };
    store
        .put_score(
            score_key(&model, &score_request()),
            &score_request(),
            &model,
            &Ok(scores),
        )
        .unwrap();
    (store, folder)
}

fn key(seed: u64) -> ContentHash {
    sample_key(&support::model(), &support::request(seed))
}

#[test]
fn lists_are_newest_first_and_say_what_came() {
    let (store, _folder) = filled();
    let all = store.list(&Selection::default(), 10).unwrap();
    let summaries: Vec<&str> = all.iter().map(|line| line.summary.as_str()).collect();
    assert_eq!(
        summaries,
        [
            "-0.100, -2.500",
            "the model refused: I cannot help.",
            "2. Cut in the mid",
            "1. First."
        ]
    );
    assert_eq!(all[2].finish.as_deref(), Some("length"));
    assert_eq!(all[3].completion_tokens, Some(3));
    assert_eq!(all[1].prompt_tokens, None);
    assert_eq!(store.list(&Selection::default(), 1).unwrap().len(), 1);
    let count = |selection: Selection| store.count_of(&selection).unwrap();
    let everything = Selection::default;
    assert_eq!(count(everything()), 4);
    assert_eq!(
        count(Selection {
            failed: true,
            ..everything()
        }),
        1
    );
    assert_eq!(
        count(Selection {
            cut: true,
            ..everything()
        }),
        1
    );
    assert_eq!(
        count(Selection {
            kind: Some(ReplyKind::Score),
            ..everything()
        }),
        1
    );
    let by_model = |model: &str| Selection {
        model: Some(model.to_owned()),
        ..everything()
    };
    assert_eq!(count(by_model("openai/gpt-x")), 1);
    assert_eq!(count(by_model("openai")), 0);
    assert_eq!(
        count(Selection {
            written_before: Some(1_000),
            ..everything()
        }),
        0
    );
    assert_eq!(
        count(Selection {
            written_before: Some(1_001),
            ..everything()
        }),
        4
    );
    let by_key = Selection {
        key: Some(key(1).short(12).to_uppercase()),
        ..everything()
    };
    assert_eq!(count(by_key), 1);
}

#[test]
fn one_reply_is_shown_whole_by_the_beginning_of_its_key() {
    let (store, _folder) = filled();
    let found = store.find_key(&key(1).short(10)).unwrap();
    assert_eq!(found, key(1));
    store.put_raw(found, b"{\"id\": 1, \xff}").unwrap();
    store.put_raw(found, b"another").unwrap();
    let shown = store.show(found).unwrap();
    assert_eq!(shown.identity, Some(support::model()));
    assert_eq!(shown.request["seed"], 1);
    assert_eq!(shown.reply.unwrap()["text"], "1. First.");
    assert_eq!(shown.raw.as_deref(), Some("{\"id\": 1, \u{fffd}}"));
    assert_eq!(shown.written_at, Some(1_000));
    for (prefix, word) in [("", "several keys"), ("zz", "no reply"), ("%", "no reply")] {
        let error = store.find_key(prefix).unwrap_err().to_string();
        assert!(
            error.contains(word) && error.contains("replies.db"),
            "{error}"
        );
    }
}

/// Case D10: what is no number is a reason instead, and no line holds a bare NaN.
#[test]
fn d10_exports_are_strict_json_lines_in_the_order_of_their_keys() {
    let (store, folder) = filled();
    let request = support::request(9);
    store
        .put_text(
            key(9),
            &request,
            &support::model(),
            &Err(SlotFailure::NonFiniteLogits),
        )
        .unwrap();
    let mut bytes = Vec::new();
    assert_eq!(store.export(&Selection::default(), &mut bytes).unwrap(), 5);
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.ends_with('\n') && !text.contains("NaN") && !text.contains("Infinity"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let keys: Vec<&str> = lines
        .iter()
        .map(|line| line["key"].as_str().unwrap())
        .collect();
    assert!(keys.is_sorted());
    let names = |line: &Value| {
        line.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert!(lines.iter().all(|line| names(line) == names(&lines[0])));
    let failed = lines
        .iter()
        .find(|line| line["key"] == key(9).to_string())
        .unwrap();
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["reply"], "non_finite_logits");

    // The same replies in another order, in another file, are the same bytes.
    let other = ReplyStore::open(&folder.path().join("other.db")).unwrap();
    for line in lines.iter().rev() {
        let reply = &line["reply"];
        let model: evalwright_core::ModelIdentity =
            serde_json::from_value(line["identity"].clone()).unwrap();
        let key = ContentHash::parse(line["key"].as_str().unwrap()).unwrap();
        if line["kind"] == "score" {
            let reply = serde_json::from_value(reply.clone()).unwrap();
            other
                .put_score(key, &score_request(), &model, &Ok(reply))
                .unwrap();
            continue;
        }
        let request = serde_json::from_value(line["request"].clone()).unwrap();
        let reply = if line["status"] == "ok" {
            Ok(serde_json::from_value(reply.clone()).unwrap())
        } else {
            Err(serde_json::from_value(reply.clone()).unwrap())
        };
        other.put_text(key, &request, &model, &reply).unwrap();
    }
    let mut again = Vec::new();
    other.export(&Selection::default(), &mut again).unwrap();
    assert_eq!(again, bytes);
}

struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_export_that_cannot_be_written_is_an_error() {
    let (store, _folder) = filled();
    let error = store.export(&Selection::default(), &mut Full).unwrap_err();
    assert!(matches!(error, StoreError::Output(_)), "{error}");
}

#[test]
fn pruning_takes_what_is_chosen_and_never_everything_by_default() {
    let (store, _folder) = filled();
    let everything = Selection::default;
    assert!(matches!(
        store.prune(&everything()),
        Err(StoreError::NothingChosen)
    ));
    assert!(matches!(
        store.would_prune(&everything()),
        Err(StoreError::NothingChosen)
    ));
    assert_eq!(store.count().unwrap(), 4);
    let no_digits = Selection {
        key: Some(String::new()),
        ..everything()
    };
    assert!(matches!(
        store.prune(&no_digits),
        Err(StoreError::NothingChosen)
    ));
    let failed = Selection {
        failed: true,
        ..everything()
    };
    assert_eq!(store.would_prune(&failed).unwrap().replies, 1);
    assert_eq!(store.count().unwrap(), 4);
    assert_eq!(store.prune(&failed).unwrap().replies, 1);
    let one = Selection {
        key: Some(key(1).to_string()),
        ..everything()
    };
    assert_eq!(store.prune(&one).unwrap().replies, 1);
    assert_eq!(store.text(key(1)).unwrap(), None);
    assert_eq!(store.count().unwrap(), 2);
    // What was pruned is asked again, and may come back otherwise.
    store
        .put_text(
            key(1),
            &support::request(1),
            &support::model(),
            &Ok(support::reply("new")),
        )
        .unwrap();
    let old = Selection {
        written_before: Some(2_000),
        ..everything()
    };
    assert_eq!(store.prune(&old).unwrap().replies, 3);
    assert_eq!(store.prune(&old).unwrap().replies, 0);
}

#[test]
fn pruning_gives_the_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let store = ReplyStore::open(&path).unwrap();
    let reply = Ok(support::reply(&"x".repeat(100_000)));
    for seed in 0..20 {
        let request = support::request(seed);
        store
            .put_text(key(seed), &request, &support::model(), &reply)
            .unwrap();
    }
    let model = Selection {
        model: Some("local/m1".to_owned()),
        ..Selection::default()
    };
    assert_eq!(store.prune(&model).unwrap().replies, 20);
    drop(store);
    assert!(std::fs::metadata(&path).unwrap().len() < 200_000);
}

#[test]
fn a_check_finds_replies_that_stand_under_a_wrong_key_or_cannot_be_read() {
    let (store, folder) = filled();
    let checked = store.check().unwrap();
    assert_eq!((checked.replies, checked.without_identity), (4, 0));
    assert!(checked.problems.is_empty(), "{checked:?}");
    let connection = rusqlite::Connection::open(folder.path().join("replies.db")).unwrap();
    connection
        .execute("UPDATE replies SET request = replace(request, '\"seed\":1', '\"seed\":8') WHERE text LIKE '1.%'", [])
        .unwrap();
    connection
        .execute("UPDATE replies SET reply = '{}' WHERE kind = 'score'", [])
        .unwrap();
    let problems = store.check().unwrap().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
    let all = problems.join("\n");
    assert!(
        all.contains("have the key") && all.contains("cannot be read"),
        "{all}"
    );
}

#[test]
fn the_nearest_request_and_what_it_has_otherwise_are_named() {
    let (store, _folder) = filled();
    let model = support::model();
    let fields = |miss: Option<evalwright_store::NearMiss>| {
        let miss = miss.unwrap();
        let fields: Vec<String> = miss
            .differences
            .iter()
            .map(|pair| pair.field.clone())
            .collect();
        (miss.key, fields)
    };
    let mut request = support::request(1);
    request.sampling.temperature = 0.7;
    let found = store.why_text_missed(&model, &request).unwrap();
    assert_eq!(
        found.as_ref().unwrap().differences[0].asked.as_deref(),
        Some("0.7")
    );
    assert_eq!(
        found.as_ref().unwrap().differences[0].stored.as_deref(),
        Some("1.0")
    );
    assert_eq!(
        fields(found),
        (key(1).to_string(), vec!["sampling.temperature".to_owned()])
    );

    let mut newer = model.clone();
    newer.engine = "engine 2".to_owned();
    newer.chat_template = None;
    let found = store.why_text_missed(&newer, &support::request(2)).unwrap();
    assert_eq!(
        fields(found),
        (
            key(2).to_string(),
            vec!["model.chat_template".to_owned(), "model.engine".to_owned()]
        )
    );

    let mut scored = score_request();
    scored.continuations.push(" Maybe".to_owned());
    let found = store.why_score_missed(&model, &scored).unwrap();
    assert_eq!(fields(found).1, ["continuations[2]"]);

    // A reply that is stored is compared with those before it.
    store
        .put_text(
            sample_key(&model, &request),
            &request,
            &model,
            &Ok(support::reply("again")),
        )
        .unwrap();
    let found = store.why_key_missed(sample_key(&model, &request)).unwrap();
    assert_eq!(
        fields(found),
        (key(1).to_string(), vec!["sampling.temperature".to_owned()])
    );
    assert_eq!(store.why_key_missed(key(1)).unwrap(), None);
}

#[test]
fn among_prompts_the_one_with_the_most_common_text_is_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let model = support::model();
    let with_text = |text: &str| {
        let mut request = support::request(0);
        request.prompt = Prompt::Text(text.to_owned());
        request
    };
    for text in [
        "Quite another prompt.",
        "Write one statement about trust.",
        "Write.",
    ] {
        let request = with_text(text);
        store
            .put_text(
                sample_key(&model, &request),
                &request,
                &model,
                &Ok(support::reply("r")),
            )
            .unwrap();
    }
    let miss = store
        .why_text_missed(&model, &with_text("Write two statements about trust."))
        .unwrap()
        .unwrap();
    let [difference] = miss.differences.as_slice() else {
        panic!("{miss:?}");
    };
    assert_eq!(difference.field, "prompt.text");
    assert!(
        difference
            .stored
            .as_ref()
            .unwrap()
            .contains("one statement about")
    );
    assert_eq!(
        ReplyStore::open(&folder.path().join("new.db"))
            .unwrap()
            .why_text_missed(&model, &with_text("x"))
            .unwrap(),
        None
    );
}

#[test]
fn looking_into_a_store_that_is_not_there_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let error = ReplyStore::open_existing(&path).unwrap_err();
    assert!(
        error.to_string().contains("there is no reply store here"),
        "{error}"
    );
    assert!(!path.exists());
    drop(ReplyStore::open(&path).unwrap());
    assert!(ReplyStore::open_existing(&path).is_ok());
}
