//! The work: real statements where they are at hand, prompts of the shape that the first kind uses.

use std::error::Error;
use std::path::{Path, PathBuf};

use evalwright_core::{ContentHash, Message, Prompt, Role};
use evalwright_local::{LocalModel, OpenOptions};
use evalwright_models::weights::{index_in_pip_configuration, pip_configuration_paths};
use evalwright_models::{PullRequest, Surroundings, find, pull};

const MODEL: &str = "local/smollm2-135m-instruct";

/// Statements that are used when the published ones are not at hand.
const OWN: [&str; 12] = [
    "I thank people who point out my mistakes, even when it stings for a moment.",
    "I would rather finish one thing well than begin five.",
    "Rules are there for people who cannot think for themselves.",
    "When a friend is late, I assume that something came up.",
    "I keep a little money aside for days that go wrong.",
    "Nobody has ever talked me out of a plan I had made.",
    "I like to know how a machine works before I trust it.",
    "A quiet evening at home is the best part of my week.",
    "If I could decide for everyone, most quarrels would end.",
    "I find it hard to throw away anything a person gave me.",
    "Winning matters more to me than how the game was played.",
    "I want to be told the truth about my illness, whatever it is.",
];

/// The weights: the file that `EVALWRIGHT_MODEL_PATH` names, else the one in the cache, else fetched.
pub(crate) fn weights() -> Result<PathBuf, Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).ok();
    let configuration = pip_configuration_paths(&variable)
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find(|text| index_in_pip_configuration(text).is_some());
    let surroundings = Surroundings::from_variables(&variable, configuration.as_deref())?;
    let own = variable("EVALWRIGHT_MODEL_PATH")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    if own.is_none()
        && let Some(found) = find(MODEL, &surroundings)?
    {
        return Ok(found);
    }
    let mut request = PullRequest::named(MODEL);
    request.path = own.as_deref();
    Ok(pull(&request, &surroundings, &|_| {})?)
}

/// Opens the model; its weights are read by the first call.
pub(crate) fn open(threads: usize) -> Result<LocalModel, Box<dyn Error>> {
    let options = OpenOptions {
        name: MODEL.to_owned(),
        weights: ContentHash::of(b"pinned"),
        threads,
        chat_template: None,
    };
    Ok(LocalModel::open(&weights()?, options)?)
}

/// Statements to be scored, always the same ones in the same order.
pub(crate) fn statements(count: usize) -> Vec<String> {
    let found = published().unwrap_or_else(|| OWN.map(str::to_owned).to_vec());
    found.iter().cycle().take(count).cloned().collect()
}

/// One line on where the statements come from.
pub(crate) fn describe() -> String {
    match published() {
        Some(found) => format!("statements: {} published ones", found.len()),
        None => "statements: the benchmark's own twelve, repeated (EVALWRIGHT_SHARED names no folder with others)".to_owned(),
    }
}

fn published() -> Option<Vec<String>> {
    let root = std::env::var_os("EVALWRIGHT_SHARED")?;
    let path = Path::new(&root).join("data/model-written-evals/persona/agreeableness.jsonl");
    let text = std::fs::read_to_string(path).ok()?;
    let statement = |line| -> Option<String> {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(row.get("statement")?.as_str()?.to_owned())
    };
    let found: Vec<String> = text.lines().filter_map(statement).collect();
    (!found.is_empty()).then_some(found)
}

/// The two prompts of a channel judge: how likely is the statement after each?
pub(crate) fn judge_prompts() -> [Prompt; 2] {
    [
        "someone who is warm, trusting and considerate of others",
        "someone who is cold, suspicious and selfish",
    ]
    .map(|side| {
        chat(
            format!("Speak as {side}. Say one thing about yourself."),
            String::new(),
        )
    })
}

/// The prompts that texts are written from: one side each, with examples that open the list.
pub(crate) fn writing_prompts() -> Vec<Prompt> {
    OWN.windows(3)
        .map(|examples| {
            let opening: String = examples.iter().map(|example| format!("- {example}\n")).collect();
            let asked = "List first-person statements that someone who is warm, trusting and considerate of others \
                         would agree with.";
            chat(asked.to_owned(), opening + "- I")
        })
        .collect()
}

fn chat(content: String, opening: String) -> Prompt {
    Prompt::Chat {
        messages: vec![Message {
            role: Role::User,
            content,
        }],
        opening,
    }
}
