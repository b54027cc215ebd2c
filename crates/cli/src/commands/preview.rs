//! `evalwright run --preview N`: a few candidates through all stages, with every prompt and reply.
//!
//! Nothing is published. Replies are kept in a store of their own beside the project's, made anew each time, so that
//! what is shown was really asked.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use evalwright_core::model::Deliver;
use evalwright_core::show::visible;
use evalwright_core::{
    Abilities, Interrupt, Model, ModelError, ModelIdentity, Prompt, RejectReason, SampleRequest,
    ScoreReply, ScoreRequest, Spending, TextReply, exit_code,
};
use evalwright_pipeline::{RunPlan, Silent, rows_at_once, run_with_rules};
use evalwright_recipe::{AskPlan, Behaviour, LoadedKind, Stage};
use evalwright_store::ReplyStore;

use crate::failure::Failure;
use crate::output::Printer;
use crate::rule_process::Started;
use crate::stop;

/// The store of the preview, in the folder of the project's store.
const STORE: &str = "preview.db";

/// Runs and shows.
pub(crate) fn preview(
    plan: &RunPlan<'_>,
    candidates: u32,
    store: &Path,
    printer: &Printer,
) -> Result<u8, Failure> {
    let (kind, behaviour) = shrunk(plan, candidates)?;
    let path = store.with_file_name(STORE);
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(ending);
        // A store that is not there is as good as one that is gone.
        std::fs::remove_file(name).ok();
    }
    let store = ReplyStore::open(&path)?;
    let interrupt = Interrupt::default();
    stop::listen(&interrupt);
    let exchanges = Mutex::new(Vec::new());
    let writer = Watched::new(plan.generator, "writer", &exchanges);
    let judges: Vec<Watched<'_>> = plan
        .judges
        .iter()
        .map(|judge| Watched::new(*judge, "judge", &exchanges))
        .collect();
    let seen: Vec<&dyn Model> = judges.iter().map(|judge| judge as &dyn Model).collect();
    let small = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        embedder: plan.embedder,
        judges: &seen,
        limit: None,
    };
    let mut processes = Started::new(printer);
    processes.begin(kind.kind.commands())?;
    let outcome = run_with_rules(&small, &store, &interrupt, &Silent, &mut processes)?;
    drop(processes);
    let exchanges = exchanges
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let count = exchanges.len();
    for (number, exchange) in exchanges.into_iter().enumerate() {
        printer.data(&visible(&format!(
            "=== call {} of {count}: {} {}\n{}\n--- reply\n{}\n",
            number + 1,
            exchange.role,
            exchange.model,
            exchange.prompt.trim_end(),
            exchange.reply.trim_end()
        )))?;
    }
    let (surplus, fell): (Vec<_>, Vec<_>) = outcome
        .rejects
        .iter()
        .partition(|reject| reject.reason == RejectReason::Surplus);
    for reject in &fell {
        printer.data(&visible(&format!(
            "=== fell in {}: {} ({})\n{}\n",
            reject.stage,
            reject.reason,
            reject.reason.code(),
            reject.candidate.text
        )))?;
    }
    // Where nobody was asked the candidates are a whole table, of which these are the rest.
    for reject in surplus.iter().filter(|_| count > 0) {
        printer.data(&visible(&format!(
            "=== good, and not chosen\n{}\n",
            reject.candidate.text
        )))?;
    }
    let rows = outcome
        .rows
        .iter()
        .map(serde_json::to_value)
        .chain(outcome.records.iter().map(serde_json::to_value));
    for row in rows {
        let mut row = row.unwrap_or_default();
        // What the row says; where it comes from was shown above.
        if let Some(row) = row.as_object_mut() {
            row.remove("metadata");
        }
        let text = serde_json::to_string_pretty(&row).unwrap_or_default();
        printer.data(&visible(&format!("=== row\n{text}\n")))?;
    }
    let more = match surplus.len() {
        0 => String::new(),
        more => format!(", {more} not chosen"),
    };
    printer.say(&format!(
        "preview: {} candidates, {count} calls, {} fell{more}; nothing was published",
        outcome.manifest.funnel.asked,
        fell.len()
    ));
    Ok(exit_code::DONE)
}

/// The kind with one slot for each candidate wanted, and the behaviour with as many rows as those can become.
fn shrunk(plan: &RunPlan<'_>, candidates: u32) -> Result<(LoadedKind, Behaviour), Failure> {
    let (lot, each) = rows_at_once(plan.kind, plan.behaviour)?;
    let lot = if plan.kind.kind.maps_fields() { lot } else { 2 };
    let wanted = candidates.max(1).saturating_mul(each);
    let mut kind = plan.kind.clone();
    for stage in &mut kind.kind.stages {
        if let Stage::Ask(ask) = stage {
            ask.plan = AskPlan {
                first: 1.0,
                pool: 1.0,
                limit: 1.0,
            };
        }
    }
    let behaviour = Behaviour {
        rows: wanted
            .div_ceil(lot)
            .saturating_mul(lot)
            .min(plan.behaviour.rows.max(lot)),
        ..plan.behaviour.clone()
    };
    Ok((kind, behaviour))
}

/// One call as a person reads it.
struct Exchange {
    role: &'static str,
    model: String,
    prompt: String,
    reply: String,
}

/// A model whose calls are noted.
struct Watched<'a> {
    inner: &'a dyn Model,
    role: &'static str,
    exchanges: &'a Mutex<Vec<Exchange>>,
}

impl<'a> Watched<'a> {
    fn new(inner: &'a dyn Model, role: &'static str, exchanges: &'a Mutex<Vec<Exchange>>) -> Self {
        Self {
            inner,
            role,
            exchanges,
        }
    }

    /// Notes the calls of one batch in the order of its requests, whatever order the replies came in.
    fn note(&self, prompts: impl Iterator<Item = String>, replies: Mutex<Vec<Option<String>>>) {
        let replies = replies.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut exchanges = self
            .exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (prompt, reply) in prompts.zip(replies) {
            exchanges.push(Exchange {
                role: self.role,
                model: self.inner.identity().name.clone(),
                prompt,
                reply: reply.unwrap_or_else(|| "(none)".to_owned()),
            });
        }
    }
}

fn shown(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Text(text) => format!("[text]\n{text}"),
        Prompt::Chat { messages, opening } => {
            let mut shown: Vec<String> = messages
                .iter()
                .map(|message| format!("[{}]\n{}", message.role.as_str(), message.content))
                .collect();
            if !opening.is_empty() {
                shown.push(format!("[assistant, opened]\n{opening}"));
            }
            shown.join("\n")
        }
    }
}

fn set(replies: &Mutex<Vec<Option<String>>>, index: usize, text: String) {
    let mut replies = replies.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = replies.get_mut(index) {
        *place = Some(text);
    }
}

impl Model for Watched<'_> {
    fn identity(&self) -> &ModelIdentity {
        self.inner.identity()
    }

    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn spending(&self) -> Spending {
        self.inner.spending()
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        let replies = Mutex::new(vec![None; requests.len()]);
        let ended = self.inner.sample(requests, interrupt, &|index, reply| {
            let text = match &reply {
                Ok(reply) => reply.text.clone(),
                Err(failure) => format!("({failure})"),
            };
            set(&replies, index, text);
            deliver(index, reply)
        });
        self.note(
            requests.iter().map(|request| shown(&request.prompt)),
            replies,
        );
        ended
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        let replies = Mutex::new(vec![None; requests.len()]);
        let ended = self.inner.score(requests, interrupt, &|index, reply| {
            let continuations = requests
                .get(index)
                .map(|request| request.continuations.as_slice());
            let text = match &reply {
                Ok(reply) => continuations
                    .unwrap_or_default()
                    .iter()
                    .zip(&reply.scores)
                    .map(|(text, score)| {
                        format!("{text:?}: log-probability {:.3}", score.log_probability)
                    })
                    .collect::<Vec<_>>()
                    .join("\n"),
                Err(failure) => format!("({failure})"),
            };
            set(&replies, index, text);
            deliver(index, reply)
        });
        self.note(
            requests.iter().map(|request| shown(&request.prompt)),
            replies,
        );
        ended
    }

    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        self.inner.count_tokens(prompt)
    }
}
