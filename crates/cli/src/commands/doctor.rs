//! `evalwright doctor`: asks a model what it can do, and says where that differs from what is assumed.

use std::sync::Mutex;

use clap::Args;
use evalwright_core::model::WholeScores;
use evalwright_core::{
    Interrupt, Message, Model, ModelError, Prompt, ReplyNote, Role, SampleRequest, Sampling,
    ScoreMode, ScoreReply, ScoreRequest, Seed, SlotFailure, StopReason, TextReply, exit_code,
};
use serde::Serialize;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::models::{ModelArguments, Opening};
use crate::output::Printer;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// The model to ask; it gets six short requests
    #[arg(long, value_name = "MODEL", default_value = evalwright_recipe::DEFAULT_MODEL)]
    model: String,
    #[command(flatten)]
    models: ModelArguments,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// One thing that a model may be able to do.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was asked for.
    ability: &'static str,
    /// What a run takes for granted; null where it takes nothing.
    assumed: Option<bool>,
    /// What the model did.
    found: bool,
    /// What it said, or why it could not.
    detail: String,
}

pub(crate) fn run(
    arguments: &DoctorArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let opening = Opening::new(&arguments.models, printer, environment)?;
    let model = opening.open(&arguments.model)?;
    let findings = ask_everything(&*model)?;
    let identity = model.identity();
    if arguments.json {
        printer.json(&serde_json::json!({
            "model": identity,
            "findings": findings,
            "spending": model.spending(),
        }))?;
    } else {
        printer.data(&format!("model   {}", identity.name))?;
        printer.data(&format!("engine  {}", identity.engine))?;
        for finding in &findings {
            let found = if finding.found { "yes" } else { "no" };
            let differs = match finding.assumed {
                Some(assumed) if assumed != finding.found => "  (a run assumes otherwise)",
                _ => "",
            };
            printer.data(&format!(
                "{:44}{found:4}{}{differs}",
                finding.ability, finding.detail
            ))?;
        }
    }
    let works = findings.iter().any(|finding| finding.found);
    Ok(if works {
        exit_code::DONE
    } else {
        exit_code::MODEL
    })
}

fn ask_everything(model: &dyn Model) -> Result<Vec<Finding>, Failure> {
    let abilities = model.abilities();
    let mut findings = Vec::new();
    let mut add = |ability, assumed, answer: Answer| {
        findings.push(Finding {
            ability,
            assumed,
            found: answer.is_ok(),
            detail: answer.unwrap_or_else(|why| why),
        });
    };
    let chat = |opening: &str| Prompt::Chat {
        messages: vec![Message {
            role: Role::User,
            content: "Is water wet? Answer with one word, Yes or No.".to_owned(),
        }],
        opening: opening.to_owned(),
    };
    let plain = || Prompt::Text("Question: Is water wet?\nAnswer:".to_owned());
    let forms = || ["Yes", "No", " Yes", " No"].map(str::to_owned).to_vec();
    let whole = |prompt| score(prompt, vec![" Yes, it is.".to_owned()], ScoreMode::Whole);
    add(
        "writes a reply to a chat",
        Some(true),
        write(model, chat(""))?,
    );
    add(
        "goes on from an opened reply",
        None,
        write(model, chat("The answer is"))?,
    );
    add(
        "writes on after plain text",
        Some(abilities.text_prompts),
        write(model, plain())?,
    );
    add(
        "log-probabilities where an answer begins",
        Some(abilities.first_token),
        rate(model, score(chat(""), forms(), ScoreMode::FirstToken))?,
    );
    add(
        "the same, output limited to the answers",
        Some(abilities.constrained),
        rate(model, score(chat(""), forms(), ScoreMode::Constrained))?,
    );
    add(
        "log-probability of a text after plain text",
        Some(abilities.whole_scores != WholeScores::Never),
        rate(model, whole(plain()))?,
    );
    add(
        "log-probability of a text after a chat",
        Some(abilities.whole_scores == WholeScores::Always),
        rate(model, whole(chat("")))?,
    );
    Ok(findings)
}

/// What it said, or why it could not.
type Answer = Result<String, String>;

fn score(prompt: Prompt, continuations: Vec<String>, mode: ScoreMode) -> ScoreRequest {
    ScoreRequest {
        prompt,
        continuations,
        mode,
    }
}

fn write(model: &dyn Model, prompt: Prompt) -> Result<Answer, Failure> {
    let is_chat = matches!(prompt, Prompt::Chat { .. });
    let request = SampleRequest {
        prompt,
        sampling: Sampling {
            temperature: 0.0,
            top_p: 1.0,
            max_tokens: 16,
            stop: Vec::new(),
        },
        seed: Seed(1),
    };
    let reply: Mutex<Option<Result<TextReply, SlotFailure>>> = Mutex::new(None);
    let ended = model.sample(&[request], &Interrupt::default(), &|_, came| {
        keep(&reply, came)
    });
    settle(is_chat, ended, reply, |reply| {
        let notes = notes(&reply.notes);
        format!("{:?}{notes}", reply.text.trim())
    })
}

fn rate(model: &dyn Model, request: ScoreRequest) -> Result<Answer, Failure> {
    let is_chat = matches!(request.prompt, Prompt::Chat { .. });
    let forms = request.continuations.clone();
    let reply: Mutex<Option<Result<ScoreReply, SlotFailure>>> = Mutex::new(None);
    let ended = model.score(&[request], &Interrupt::default(), &|_, came| {
        keep(&reply, came)
    });
    settle(is_chat, ended, reply, |reply| {
        let scores: Vec<String> = forms
            .iter()
            .zip(&reply.scores)
            .map(|(form, score)| {
                let at_most = if score.at_most { "at most " } else { "" };
                format!("{form:?} {at_most}{:.3}", score.log_probability)
            })
            .collect();
        format!("{}{}", scores.join(", "), notes(&reply.notes))
    })
}

fn keep<R>(place: &Mutex<Option<R>>, came: R) -> Result<(), String> {
    match place.lock() {
        Ok(mut place) => {
            *place = Some(came);
            Ok(())
        }
        Err(_) => Err("the reply before it was lost".to_owned()),
    }
}

/// A model that cannot do one thing may do the next; a key that is refused ends everything, and so does a model that is
/// not known to the server's chats. Further endpoints many servers do not have.
fn settle<R>(
    is_chat: bool,
    ended: Result<(), ModelError>,
    reply: Mutex<Option<Result<R, SlotFailure>>>,
    show: impl Fn(&R) -> String,
) -> Result<Answer, Failure> {
    match ended {
        Err(ModelError::Stopped {
            reason: StopReason::NoLogProbabilities | StopReason::Unsupported,
            cause,
            ..
        }) => return Ok(Err(cause)),
        Err(ModelError::Stopped {
            reason: StopReason::NotFound,
            cause,
            ..
        }) if !is_chat => return Ok(Err(cause)),
        ended => ended?,
    }
    Ok(match reply.into_inner() {
        Ok(Some(Ok(reply))) => Ok(show(&reply)),
        Ok(Some(Err(failure))) => Err(failure.to_string()),
        _ => Err("no reply came".to_owned()),
    })
}

fn notes(notes: &[ReplyNote]) -> String {
    let words: Vec<&str> = notes
        .iter()
        .map(|note| match note {
            ReplyNote::UsageEstimated => "the server does not count tokens",
            ReplyNote::ContextFull { .. } => "its context was full",
            ReplyNote::FloorValue => "a floor value stands for no value",
            ReplyNote::PostSampling => "probabilities after sampling: they carry no confidence",
            ReplyNote::FormNotShown => "not all forms are among the tokens shown",
            ReplyNote::ValueMissing => "a value is missing",
            ReplyNote::Repaired => "the body had to be repaired",
        })
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join("; "))
    }
}
