//! Reads an export of replies, one JSON object a line, and sorts its replies by model.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use evalwright_core::{
    ContentHash, ModelIdentity, SampleRequest, ScoreReply, ScoreRequest, SlotFailure, TextReply,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Recorded as Reply, ReplayModel};

/// Answers by the hash of their request, each with the number of its line.
pub(super) type Answers<R> = HashMap<ContentHash, (u64, Reply<R>)>;

/// Why a file of replies cannot be played.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It could not be read.
    #[error("{source_name}: cannot be read")]
    Unreadable {
        /// The file.
        source_name: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A line that is no reply.
    #[error("{source_name}, line {line}: {problem}; `evalwright replies export` writes such files")]
    Line {
        /// The file.
        source_name: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing in it.
    #[error("{source_name} holds no replies; `evalwright replies export` writes such files")]
    Empty {
        /// The file.
        source_name: String,
    },
    /// It holds replies of several models, or of others than the one that is asked for.
    #[error("{source_name} holds no replies of {wanted}; write one of {choices}")]
    WhichModel {
        /// The file.
        source_name: String,
        /// What was asked for.
        wanted: String,
        /// How to name the models that it holds.
        choices: String,
    },
}

/// All replies of a file.
#[derive(Debug)]
pub struct Replies {
    source: String,
    models: BTreeMap<ContentHash, Recorded>,
}

/// All replies of one model.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) identity: ModelIdentity,
    pub(super) texts: Answers<TextReply>,
    pub(super) scores: Answers<ScoreReply>,
}

#[derive(Deserialize)]
struct Line {
    kind: String,
    identity: Option<ModelIdentity>,
    status: String,
    request: Value,
    reply: Value,
}

impl Replies {
    /// Reads a file; `source` is how messages and names call it.
    ///
    /// # Errors
    /// [`ReplayError`] when it cannot be read, a line is no reply, two lines answer one request otherwise, or
    /// there is no line.
    pub fn read(source: &str, file: impl BufRead) -> Result<Self, ReplayError> {
        let mut replies = Self {
            source: source.to_owned(),
            models: BTreeMap::new(),
        };
        for (number, line) in (1_u64..).zip(file.lines()) {
            let line = line.map_err(|cause| ReplayError::Unreadable {
                source_name: source.to_owned(),
                source: cause,
            })?;
            if line.trim().is_empty() {
                continue;
            }
            replies
                .add(number, &line)
                .map_err(|problem| ReplayError::Line {
                    source_name: source.to_owned(),
                    line: number,
                    problem,
                })?;
        }
        if replies.models.is_empty() {
            return Err(ReplayError::Empty {
                source_name: source.to_owned(),
            });
        }
        Ok(replies)
    }

    /// The model of this name; without a name the only one there is.
    ///
    /// # Errors
    /// [`ReplayError::WhichModel`] when it is not there, or there are several.
    pub fn model(&self, name: Option<&str>) -> Result<ReplayModel, ReplayError> {
        let mut fitting = self
            .models
            .values()
            .filter(|recorded| name.is_none_or(|name| recorded.identity.name == name));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(ReplayModel::new(self.source.clone(), only.clone())),
            (found, _) => Err(ReplayError::WhichModel {
                source_name: self.source.clone(),
                wanted: match (found, name) {
                    (Some(_), Some(name)) => {
                        format!("one single {name:?} (several were asked under this name)")
                    }
                    (_, Some(name)) => format!("{name:?}"),
                    (_, None) => "one single model".to_owned(),
                },
                choices: self
                    .models
                    .values()
                    .map(|recorded| format!("`replay/{}#{}`", self.source, recorded.identity.name))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    fn add(&mut self, number: u64, line: &str) -> Result<(), String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let identity = line
            .identity
            .ok_or("the reply's model is known by its hash alone, so its identity is missing")?;
        let recorded = self
            .models
            .entry(identity.hash())
            .or_insert_with(|| Recorded {
                identity,
                texts: Answers::new(),
                scores: Answers::new(),
            });
        match line.kind.as_str() {
            "sample" => keep::<SampleRequest, _>(
                &mut recorded.texts,
                number,
                &line.status,
                line.request,
                line.reply,
            ),
            "score" => keep::<ScoreRequest, _>(
                &mut recorded.scores,
                number,
                &line.status,
                line.request,
                line.reply,
            ),
            other => Err(format!("there is no kind of reply named {other:?}")),
        }
    }
}

fn keep<Request: DeserializeOwned + Serialize, R: DeserializeOwned + PartialEq>(
    answers: &mut Answers<R>,
    number: u64,
    status: &str,
    request: Value,
    reply: Value,
) -> Result<(), String> {
    let sentence = |error: serde_json::Error| error.to_string();
    // Read and written again: a field that stands elsewhere in the line is the same request.
    let request: Request = serde_json::from_value(request).map_err(sentence)?;
    let asked = ContentHash::of_json(&request).map_err(sentence)?;
    let reply: Reply<R> = match status {
        "ok" => Ok(serde_json::from_value(reply).map_err(sentence)?),
        "failed" => Err(serde_json::from_value::<SlotFailure>(reply).map_err(sentence)?),
        other => return Err(format!("there is no status named {other:?}")),
    };
    match answers.get(&asked) {
        Some((first, known)) if *known != reply => {
            Err(format!("line {first} answers the same request otherwise"))
        }
        Some(_) => Ok(()),
        None => {
            answers.insert(asked, (number, reply));
            Ok(())
        }
    }
}
