//! Our side: everything from the rater's prompt to the reply store, and the model behind a server alone.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use evalwright_core::{
    Interrupt, Message, Model, Prompt, Role, ScoreMode, ScoreReply, ScoreRequest, SlotFailure,
};
use evalwright_models::money::{Amount, Budget, Limits, Price};
use evalwright_models::remote::{Backoff, RemoteModel, Settings, TransportLimits};
use evalwright_models::server::{Connection, ModelName};
use evalwright_pipeline::{RunPlan, Silent, judge};
use evalwright_recipe::{Known, builtin_kinds, find_kind, load_behaviour, load_kind};
use evalwright_store::ReplyStore;
use evalwright_text::{LINTS, Parser};

use crate::CONNECTIONS;
use crate::bare::prompt;

fn open(url: &str) -> Result<RemoteModel, Box<dyn Error>> {
    let name = ModelName::parse(&format!("openai-compatible/mock@{url}/v1"))?;
    let settings = Settings {
        limits: TransportLimits::default(),
        backoff: Backoff::default(),
        longest_wait: Duration::from_secs(120),
        attempts: 8,
        odd_attempts: 3,
        first_connections: 32,
        most_connections: CONNECTIONS,
        budget: Budget::new(Limits::default(), Amount::ZERO),
        price: Price::Free,
        clock: SystemTime::now,
        talk: Arc::new(|_| ()),
    };
    let connection = Connection::open(&name, &|_| None)?;
    Ok(RemoteModel::open(
        "openai-compatible/mock",
        vec![connection],
        settings,
    )?)
}

/// Judges statements through the pipeline, with every reply in a store on the disk.
pub fn judge_all(url: &str, count: usize, folder: &Path) -> Result<(), Box<dyn Error>> {
    let model = open(url)?;
    let model: &dyn Model = &model;
    let lints: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let known = Known {
        lints: &lints,
        parsers: Parser::names(),
    };
    let folders = builtin_kinds();
    let kind = load_kind(find_kind(&folders, "statement")?, "default", &known)?;
    let behaviour = load_behaviour(
        Path::new("keeps-promises.toml"),
        evalwright_tests::BEHAVIOUR,
    )?;
    let texts: Vec<String> = (0..count)
        .map(|number| format!("I gladly keep promise number {number}."))
        .collect();
    let store = ReplyStore::open(&folder.join("replies.db"))?;
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: model,
        judges: &[model],
        embedder: None,
        limit: None,
    };
    let judged = judge(&plan, &texts, &store, &Interrupt::default(), &Silent)?;
    let known = judged.iter().filter(|text| text.verdict.is_some()).count();
    if known != count || store.count()? != count as u64 {
        return Err(format!("{known} of {count} are judged, {} stored", store.count()?).into());
    }
    Ok(())
}

/// Asks for scores and keeps none of them: what a client package does, with our retries, limits, money and checks.
pub fn ask(url: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let model = open(url)?;
    let requests: Vec<ScoreRequest> = (0..count)
        .map(|number| ScoreRequest {
            prompt: Prompt::Chat {
                messages: vec![Message {
                    role: Role::User,
                    content: prompt(number),
                }],
                opening: String::new(),
            },
            continuations: vec!["Yes".to_owned(), "No".to_owned()],
            mode: ScoreMode::FirstToken,
        })
        .collect();
    let good = AtomicUsize::new(0);
    let deliver = |_: usize, reply: Result<ScoreReply, SlotFailure>| {
        good.fetch_add(usize::from(reply.is_ok()), Ordering::Relaxed);
        Ok(())
    };
    model.score(&requests, &Interrupt::default(), &deliver)?;
    let good = good.into_inner();
    if good != count {
        return Err(format!("{good} of {count} have scores").into());
    }
    Ok(())
}
