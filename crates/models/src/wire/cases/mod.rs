//! The cases under `cases/http` and `cases/logprobs` of the folder that `EVALWRIGHT_SHARED` names, as far as they are about
//! reading. What is sent and what must come out stands in the case's own files.

mod http;
mod logprobs;

use std::path::{Path, PathBuf};

use evalwright_core::call::Sampling;
use evalwright_core::{
    Message, Prompt, Role, SampleRequest, ScoreMode, ScoreRequest, Seed, SlotFailure,
};
use serde_json::Value;

use super::{Asked, Got, PromptEstimate, Trouble, read};
use crate::server::{PROFILES, Profile};

/// One case.
struct Case {
    folder: PathBuf,
    description: Value,
}

/// The case whose folder begins with this id; a loud word and none without the folder of cases.
fn case(area: &str, id: &str) -> Option<Case> {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED case {id}: EVALWRIGHT_SHARED is not set");
        return None;
    };
    let area = Path::new(&shared).join("cases").join(area);
    let folder = std::fs::read_dir(area)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split('-').next() == Some(id)
        })
        .unwrap_or_else(|| panic!("no case {id}"));
    let description = std::fs::read(folder.join("case.json")).unwrap();
    Some(Case {
        folder,
        description: serde_json::from_slice(&description).unwrap(),
    })
}

impl Case {
    fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    fn expected(&self) -> &Value {
        &self.description["expected"]
    }

    /// Content type and body of the raw response.
    fn response(&self) -> (Option<String>, Vec<u8>) {
        let raw = self.file("response.http");
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&raw[..end]).unwrap();
        let kind = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| value.to_owned());
        (kind, raw[end + 4..].to_vec())
    }
}

fn profile(name: &str) -> &'static Profile {
    PROFILES.iter().find(|known| known.name == name).unwrap()
}

fn conversation() -> Prompt {
    Prompt::Chat {
        messages: vec![Message {
            role: Role::User,
            content: "Write.".to_owned(),
        }],
        opening: String::new(),
    }
}

fn sample(max_tokens: u32) -> SampleRequest {
    SampleRequest {
        prompt: conversation(),
        sampling: Sampling {
            temperature: 0.75,
            top_p: 0.95,
            max_tokens,
            stop: Vec::new(),
        },
        seed: Seed(7),
    }
}

fn score(prompt: Prompt, continuations: &[&str]) -> ScoreRequest {
    ScoreRequest {
        prompt,
        continuations: continuations.iter().map(|&text| text.to_owned()).collect(),
        mode: ScoreMode::FirstToken,
    }
}

/// An estimate that raises no doubt about small numbers.
const SMALL: PromptEstimate = PromptEstimate {
    at_least: 1,
    at_most: 21,
};

/// The word that the cases have for a failure.
fn reason(failure: &SlotFailure) -> &'static str {
    match failure {
        SlotFailure::Refused { .. } => "refusal",
        SlotFailure::Filtered { .. } => "content_filter",
        SlotFailure::NoVisibleAnswer { detail } if detail.contains("choices") => "no_choices",
        SlotFailure::NoVisibleAnswer { detail } if detail.contains("content is empty") => {
            "empty_content"
        }
        SlotFailure::NoVisibleAnswer { .. } => "no_visible_answer",
        SlotFailure::PromptCut { .. } => "prompt_truncated",
        SlotFailure::InvalidProbabilities { .. } => "invalid_probabilities",
        SlotFailure::AnswersMissing { .. } => "labels_missing",
        other => panic!("no case has {other}"),
    }
}

/// Whether every word is in the text.
fn mentions(words: &Value, text: &str) {
    for word in words.as_array().into_iter().flatten() {
        assert!(text.contains(word.as_str().unwrap()), "no {word} in {text}");
    }
}
