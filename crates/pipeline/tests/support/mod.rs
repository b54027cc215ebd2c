//! A model that is a pure function of its requests, delivers in any order from any number of threads, can
//! fail slots, stop or break after so many replies, and counts every request it is asked.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use evalwright_core::model::Deliver;
use evalwright_core::{
    Abilities, AnswerScore, ContentHash, Finish, Interrupt, Model, ModelError, ModelIdentity,
    Prompt, SampleRequest, ScoreReply, ScoreRequest, SlotFailure, StopReason, TextReply,
    TokenUsage,
};
use evalwright_pipeline::{Event, Outcome, PipelineError, Progress, RunPlan, run};
use evalwright_recipe::{
    Behaviour, KindFolder, Known, LoadedKind, Origin, load_behaviour, load_kind,
};
use evalwright_store::ReplyStore;
use evalwright_text::{LINTS, Parser};

pub(crate) type Write = fn(&SampleRequest, u64) -> Result<TextReply, SlotFailure>;
pub(crate) type Rate = fn(&ScoreRequest, usize, u64) -> Result<f64, SlotFailure>;
/// Answers a whole score request; goes before a [`Rate`].
pub(crate) type Reply = fn(&ScoreRequest) -> Result<ScoreReply, SlotFailure>;

/// How a batch is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Orders the deliveries; 0 keeps the order of the requests.
    pub(crate) shuffle: u64,
    pub(crate) threads: usize,
}

pub(crate) const IN_ORDER: Delivery = Delivery {
    shuffle: 0,
    threads: 1,
};

/// What happens after so many deliveries, counted over all batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Nothing,
    Interrupt(usize),
    Break(usize),
    /// Stops because the account is empty.
    Stop(usize),
    /// Ends the batch as if all were well.
    Silence(usize),
}

pub(crate) struct FakeModel {
    pub(crate) identity: ModelIdentity,
    pub(crate) delivery: Delivery,
    pub(crate) after: After,
    pub(crate) write: Write,
    pub(crate) rate: Rate,
    pub(crate) reply: Option<Reply>,
    pub(crate) abilities: Abilities,
    delivered: AtomicUsize,
    asked: Mutex<BTreeMap<String, u32>>,
}

impl FakeModel {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            identity: ModelIdentity {
                name: name.to_owned(),
                weights: Some(ContentHash::of(name.as_bytes())),
                engine: "fake 1".to_owned(),
                precision: "exact".to_owned(),
                chat_template: None,
            },
            delivery: IN_ORDER,
            after: After::Nothing,
            write: varied_text,
            rate: noisy_rate,
            reply: None,
            abilities: Abilities::ALL,
            delivered: AtomicUsize::new(0),
            asked: Mutex::new(BTreeMap::new()),
        }
    }

    pub(crate) fn delivery(mut self, shuffle: u64, threads: usize) -> Self {
        self.delivery = Delivery { shuffle, threads };
        self
    }

    pub(crate) fn after(mut self, after: After) -> Self {
        self.after = after;
        self
    }

    pub(crate) fn writing(mut self, write: Write) -> Self {
        self.write = write;
        self
    }

    pub(crate) fn rating(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    pub(crate) fn replying(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
        self
    }

    pub(crate) fn able(mut self, abilities: Abilities) -> Self {
        self.abilities = abilities;
        self
    }

    /// Every answered request as JSON with how often it was answered.
    pub(crate) fn answered(&self) -> BTreeMap<String, u32> {
        self.asked.lock().unwrap().clone()
    }

    fn deliver_all<Q: serde::Serialize + Sync, R: Send>(
        &self,
        requests: &[Q],
        interrupt: &Interrupt,
        deliver: Deliver<'_, R>,
        answer: impl Fn(&Q) -> Result<R, SlotFailure> + Sync,
    ) -> Result<(), ModelError> {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        if self.delivery.shuffle != 0 {
            order.sort_by_key(|index| {
                ContentHash::of_parts(&[
                    self.delivery.shuffle.to_le_bytes(),
                    (*index as u64).to_le_bytes(),
                ])
            });
        }
        let next = AtomicUsize::new(0);
        let work = || -> Result<(), ModelError> {
            loop {
                let turn = next.fetch_add(1, Ordering::SeqCst);
                let Some(index) = order.get(turn) else {
                    return Ok(());
                };
                if interrupt.is_asked() {
                    return Err(ModelError::Interrupted);
                }
                let count = self.delivered.fetch_add(1, Ordering::SeqCst);
                match self.after {
                    After::Break(limit) if count >= limit => {
                        return Err(ModelError::Engine {
                            model: self.identity.name.clone(),
                            cause: "it broke".to_owned(),
                        });
                    }
                    After::Stop(limit) if count >= limit => {
                        return Err(ModelError::Stopped {
                            model: self.identity.name.clone(),
                            reason: StopReason::QuotaExhausted,
                            cause: "the account is empty".to_owned(),
                        });
                    }
                    After::Silence(limit) if count >= limit => return Ok(()),
                    _ => {}
                }
                let request = &requests[*index];
                let key = serde_json::to_string(request).unwrap();
                *self.asked.lock().unwrap().entry(key).or_default() += 1;
                deliver(*index, answer(request)).map_err(ModelError::Receiver)?;
                if matches!(self.after, After::Interrupt(limit) if count + 1 >= limit) {
                    interrupt.ask();
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.delivery.threads)
                .map(|_| scope.spawn(work))
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap())
        })
    }
}

impl Model for FakeModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        self.deliver_all(requests, interrupt, deliver, |request| {
            (self.write)(request, request.seed.derive("fake text").0)
        })
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        self.deliver_all(requests, interrupt, deliver, |request| {
            if let Some(reply) = self.reply {
                return reply(request);
            }
            let mut scores = Vec::new();
            for (index, continuation) in request.continuations.iter().enumerate() {
                let chance = ContentHash::of_parts(&[
                    request.prompt.hash().to_string(),
                    continuation.clone(),
                ]);
                let log_probability = (self.rate)(request, index, chance.leading_u64())?;
                scores.push(AnswerScore::known(log_probability, 3));
            }
            let usage = TokenUsage::new(11, 3);
            Ok(ScoreReply {
                scores,
                usage,
                notes: Vec::new(),
            })
        })
    }

    /// One token for each word.
    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        let words = |text: &str| text.split_whitespace().count() as u64;
        Ok(match prompt {
            Prompt::Text(text) => words(text),
            Prompt::Chat { messages, opening } => {
                messages
                    .iter()
                    .map(|message| words(&message.content))
                    .sum::<u64>()
                    + words(opening)
            }
        })
    }
}

pub(crate) fn text(text: &str, finish: Finish) -> Result<TextReply, SlotFailure> {
    let usage = TokenUsage::new(7, 5);
    Ok(TextReply {
        text: text.to_owned(),
        finish,
        usage,
        notes: Vec::new(),
    })
}

/// Sentences of small vocabularies, so that some repeat exactly and some nearly; some slots fail, some replies
/// are empty, cut off or full of placeholders.
pub(crate) fn varied_text(_request: &SampleRequest, chance: u64) -> Result<TextReply, SlotFailure> {
    const VERBS: [&str; 8] = [
        "paint",
        "repair",
        "describe",
        "borrow",
        "collect",
        "photograph",
        "polish",
        "compare",
    ];
    const THINGS: [&str; 20] = [
        "wooden boats",
        "old radios",
        "maps",
        "kettles",
        "garden gates",
        "violins",
        "clocks",
        "bicycles",
        "lanterns",
        "stone walls",
        "paper kites",
        "teapots",
        "sewing machines",
        "drums",
        "window frames",
        "copper coins",
        "postcards",
        "rocking chairs",
        "bells",
        "fishing nets",
    ];
    const TIMES: [&str; 12] = [
        "before sunrise",
        "on rainy evenings",
        "whenever guests arrive",
        "during long winters",
        "after supper",
        "beside the river",
        "with my neighbours",
        "under bright lamps",
        "between two meetings",
        "near the harbour",
        "without any help",
        "for distant cousins",
    ];
    let pick = |list: &[&'static str], shift: u32| list[(chance >> shift) as usize % list.len()];
    match chance % 16 {
        0 => Err(SlotFailure::TooLong {
            needed: 9000,
            window: 2048,
        }),
        1 => text("", Finish::Stop),
        2 => text(" think that", Finish::Length),
        3 => text(" like [NAME] very much indeed.", Finish::Stop),
        4 => text(" answer every letter on the day it comes.", Finish::Stop),
        _ => text(
            &format!(
                " {} {} {}.",
                pick(&VERBS, 8),
                pick(&THINGS, 20),
                pick(&TIMES, 32)
            ),
            Finish::Stop,
        ),
    }
}

/// A sum between −22 and −18 that follows from prompt and text; a few requests give no number.
pub(crate) fn noisy_rate(
    _request: &ScoreRequest,
    _index: usize,
    chance: u64,
) -> Result<f64, SlotFailure> {
    if chance.is_multiple_of(97) {
        return Err(SlotFailure::NonFiniteLogits);
    }
    Ok(-20.0 + ((chance % 4001) as f64 / 1000.0 - 2.0))
}

/// No side is likelier than the other.
pub(crate) fn flat_rate(
    _request: &ScoreRequest,
    _index: usize,
    _chance: u64,
) -> Result<f64, SlotFailure> {
    Ok(-20.0)
}

pub(crate) const KIND: &str = r#"
name = "fable"
makes = "statements for tests"
cells = ["label"]

[behaviour]
description = "who shows it"
contrast = "who shows the opposite"

[[stage]]
use = "ask"
prompt = "generate.j2"
parse = "first-line"
examples = 2
sampling = { temperature = 0.9, top_p = 0.95, max_tokens = 48, stop = ["\n"] }
plan = { first = 3.0, pool = 1.5, limit = 40.0 }

[[stage]]
use = "lint"
drop = ["cut-off", "placeholder", "too-short"]
flag = ["several-sentences"]

[[stage]]
use = "score"
requirement = "label"

[[stage.raters]]
name = "voice"
method = "channel"
prompt = "judge-voice.j2"

[[stage.raters]]
name = "diary"
method = "channel"
prompt = "judge-diary.j2"

[[stage]]
use = "dedup"
exact = true
normalised = true
near = 0.7
shingle = "word-1"

[[stage]]
use = "select"
minimum = 0.5
take = "spread"
order = "shuffled"

[[stage]]
use = "emit"
question = "question.j2"
answers = { matching = " Yes", not_matching = " No" }
"#;

pub(crate) fn folder(kind: &str) -> KindFolder {
    let files = [
        ("kind.toml", kind),
        (
            "generate.j2",
            "{% block user %}Speak as {{ side }}.{% for example in examples %}\n- {{ example }}\
             {% endfor %}{% endblock %}{% block opening %}I{% endblock %}",
        ),
        (
            "judge-voice.j2",
            "{% block user %}Speak as {{ side }}.{% endblock %}",
        ),
        (
            "judge-diary.j2",
            "{% block text %}From the diary of {{ side }}: {% endblock %}",
        ),
        (
            "judge-asked.j2",
            "{% block user %}{{ behaviour.description }}: {{ statement }}?{% endblock %}",
        ),
        ("question.j2", "Would you say this?\n\"{{ statement }}\""),
        ("README.md", "Words for people."),
    ];
    KindFolder {
        origin: Origin::Project,
        name: "fable".to_owned(),
        files: files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

pub(crate) fn load(folder: &KindFolder, preset: &str) -> LoadedKind {
    let lints: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    load_kind(
        folder,
        preset,
        &Known {
            lints: &lints,
            parsers: Parser::names(),
        },
    )
    .unwrap()
}

pub(crate) fn kind() -> LoadedKind {
    load(&folder(KIND), "default")
}

pub(crate) fn behaviour_text(rows: u32) -> String {
    format!(
        r#"
kind = "fable"
description = "someone who likes to be corrected"
contrast = "someone who hates to be corrected"
rows = {rows}
seed = 11

[examples]
matching = ["I ask what I did wrong.", "I thank my critics.", "I invite advice.", "I want honest reviews.", "I like blunt words."]
not_matching = ["I avoid my critics.", "I never ask for advice.", "I dislike blunt people.", "I ignore reviews.", "I resent hard words."]
"#
    )
}

pub(crate) fn behaviour(rows: u32) -> Behaviour {
    load_behaviour(Path::new("corrections.toml"), &behaviour_text(rows)).unwrap()
}

/// Keeps every event.
#[derive(Default)]
pub(crate) struct Recorder(pub(crate) Mutex<Vec<Event>>);

impl Progress for Recorder {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}

/// A store in a folder that lives as long as it.
pub(crate) struct TempStore {
    folder: tempfile::TempDir,
    pub(crate) store: ReplyStore,
}

impl TempStore {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
        Self { folder, store }
    }
}

/// Runs a kind and behaviour with one model that writes and one that judges.
pub(crate) fn run_with(
    kind: &LoadedKind,
    behaviour: &Behaviour,
    generator: &FakeModel,
    judge: &FakeModel,
    store: &ReplyStore,
    progress: &dyn Progress,
) -> Result<Outcome, PipelineError> {
    let judges: [&dyn Model; 1] = [judge];
    let plan = RunPlan {
        behaviour,
        kind,
        generator,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    run(&plan, store, &Interrupt::default(), progress)
}

/// Everything of an outcome that two runs of one recipe must have in common, as bytes.
pub(crate) fn bytes(outcome: &Outcome) -> String {
    serde_json::to_string_pretty(&(
        &outcome.rows,
        &outcome.records,
        &outcome.rejects,
        &outcome.manifest,
        outcome.shortfall,
    ))
    .unwrap()
}
