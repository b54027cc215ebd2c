//! The cases under `tests/cases/gguf`: each reads its input from the case's files and meets what the case
//! expects.

#![expect(
    clippy::unwrap_used,
    reason = "a case that cannot be read must fail its test"
)]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use evalwright_core::{Model, SlotFailure};
use evalwright_local::{ChatTemplate, log_probability, log_sum_exp};
use serde_json::Value as Json;
use support::tiny::{self, Value};
use support::{chat, open, peak_kib};

struct Case {
    folder: PathBuf,
    expected: Json,
}

fn case(name: &str) -> Case {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/gguf")
        .join(name);
    let case: Json =
        serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
    Case {
        folder,
        expected: case["expected"].clone(),
    }
}

impl Case {
    fn input(&self, name: &str) -> Json {
        serde_json::from_slice(&std::fs::read(self.folder.join(name)).unwrap()).unwrap()
    }

    fn assert_mentions(&self, message: &str) {
        for word in self.expected["must_mention"].as_array().unwrap() {
            assert!(
                message.contains(word.as_str().unwrap()),
                "{word} is missing in: {message}"
            );
        }
    }
}

/// Opens the case's `model.gguf` and checks the error, the time and the memory.
fn assert_refused(name: &str) {
    let case = case(name);
    assert_eq!(case.expected["outcome"], "error");
    let before = peak_kib();
    let start = Instant::now();
    let error = open(&case.folder.join("model.gguf"), 1).err().unwrap();
    assert!(start.elapsed() < Duration::from_secs(case.expected["within_s"].as_u64().unwrap()));
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        let limit = case.expected["peak_rss_growth_mib"]["max"]
            .as_u64()
            .unwrap()
            * 1024;
        assert!(after - before <= limit, "{} KiB more", after - before);
    }
    case.assert_mentions(&error.to_string());
}

#[test]
fn g01_a_dimension_of_zero_is_refused() {
    assert_refused("G01-zero-dimension");
}

#[test]
fn g02_an_absurd_tensor_count_is_refused() {
    assert_refused("G02-absurd-tensor-count");
}

#[test]
fn g03_tensor_data_beyond_the_file_is_refused() {
    assert_refused("G03-tensor-data-beyond-file");
}

#[test]
fn g04_a_string_longer_than_the_file_is_refused() {
    assert_refused("G04-string-longer-than-file");
}

#[test]
fn g05_logits_that_are_not_numbers_fail_the_item_by_name() {
    let case = case("G05-nan-logits");
    assert_eq!(case.expected["outcome"], "item_failed");
    let reason = case.expected["reason"].as_str().unwrap();
    let given = case.input("logits.json");
    let logits: Vec<f32> = given["logits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_str().unwrap().parse().unwrap())
        .collect();
    assert!(log_sum_exp(&logits).is_err());
    for token in given["labels"].as_object().unwrap().values() {
        let token = u32::try_from(token.as_u64().unwrap()).unwrap();
        let error = log_probability(&logits, token).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    // The same through a model whose last gain is not a number: no text, no probability, the name.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let mut broken = tiny::model();
    broken.tensor("output_norm.weight")[3] = f32::NAN;
    std::fs::write(&path, broken.bytes()).unwrap();
    let model = open(&path, 1).unwrap();
    let text = support::sample(&model, &[support::greedy(chat("hi", ""), 4)]).remove(0);
    let score = support::score(&model, &[support::whole(chat("hi", ""), &["Yes", "No"])]).remove(0);
    assert_eq!(text.as_ref().unwrap_err(), &SlotFailure::NonFiniteLogits);
    assert_eq!(score.as_ref().unwrap_err(), &SlotFailure::NonFiniteLogits);
    assert_eq!(serde_json::to_value(score.unwrap_err()).unwrap(), reason);
}

#[test]
fn g06_the_begin_token_comes_once() {
    let case = case("G06-bos-twice");
    let given = case.input("given.json");
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    assert_eq!(given["bos_id"], tiny::BEGIN);
    assert_eq!(given["bos_token"], "<s>");
    let expected = usize::try_from(case.expected["leading_bos_ids"].as_u64().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let content = text(&given["messages"][0]["content"]);
    let written = text(&given["chat_template"]);
    // The template may write the token or leave it to the tokenizer; the file may ask for it or not.
    let bare = written.replace("{{ bos_token }}", "");
    let table = [
        (&written, true, expected),
        (&written, false, expected),
        (&bare, true, expected),
        (&bare, false, 0),
    ];
    for (number, (template, adds, leading)) in table.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.gguf"));
        let mut file = tiny::model();
        file.set("tokenizer.chat_template", Value::Text(template.clone()))
            .set("tokenizer.ggml.add_bos_token", Value::Bool(adds));
        std::fs::write(&path, file.bytes()).unwrap();
        let model = open(&path, 1).unwrap();
        let ids = model.prompt_tokens(&chat(&content, "")).unwrap();
        assert_eq!(
            ids.iter().take_while(|id| **id == tiny::BEGIN).count(),
            leading,
            "{template:?}, {adds}: {ids:?}"
        );
        assert_eq!(
            model.count_tokens(&chat(&content, "")).unwrap(),
            ids.len() as u64
        );
        if leading == 1 {
            let bytes: Vec<u8> = ids
                .iter()
                .flat_map(|id| model.tokenizer().token_bytes(*id))
                .copied()
                .collect();
            assert_eq!(
                String::from_utf8(bytes).unwrap(),
                text(&case.expected["rendered_text"])
            );
        }
    }
}

#[test]
fn g07_without_a_chat_template_nothing_is_guessed() {
    let case = case("G07-no-chat-template");
    assert!(case.input("given.json")["tokenizer.chat_template"].is_null());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(
        &path,
        tiny::model().remove("tokenizer.chat_template").bytes(),
    )
    .unwrap();
    let error = open(&path, 1).err().unwrap();
    case.assert_mentions(&error.to_string());
    assert!(error.to_string().contains("model.gguf"));
    // A template that the user gives is used, and the identity tells which.
    let own = "<own>{{ messages[0].content }}";
    let options = evalwright_local::OpenOptions {
        name: "local/own".to_owned(),
        weights: evalwright_core::ContentHash::of(b""),
        threads: 1,
        chat_template: Some(own.to_owned()),
    };
    let model = evalwright_local::LocalModel::open(&path, options).unwrap();
    assert_eq!(
        model.identity().chat_template,
        Some(ChatTemplate::new(own).unwrap().hash())
    );
    let ids = model.prompt_tokens(&chat("hi", "")).unwrap();
    let bytes: Vec<u8> = ids
        .iter()
        .flat_map(|id| model.tokenizer().token_bytes(*id))
        .copied()
        .collect();
    assert_eq!(String::from_utf8(bytes).unwrap(), "<s><own>hi");
}
