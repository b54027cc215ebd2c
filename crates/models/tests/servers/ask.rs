//! How these tests ask: short waits, a server that plays answers, and everything that came of it in one place.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use evalwright_core::call::Sampling;
use evalwright_core::{
    Interrupt, Message, Model, ModelError, Prompt, Role, SampleRequest, ScoreMode, ScoreReply,
    ScoreRequest, Seed, SlotFailure, Spending, StopReason, TextReply,
};
use evalwright_models::money::{Amount, Budget, Limits, Price};
use evalwright_models::remote::{Backoff, Notice, RemoteModel, Settings, TransportLimits};
use evalwright_models::server::{Connection, ModelName};
use evalwright_testing::{Response, Route, Script, ScriptedServer};

/// A key that is only ever sent to these tests' servers.
pub(crate) const KEY: &str = "sk-test-000";

/// The endpoints of all protocols.
const PATHS: [&str; 6] = [
    "/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/v1/completions",
    "/v1/messages",
    "/api/chat",
    "/api/generate",
];

/// A server that gives these answers in order, the last one again and again, at every endpoint.
pub(crate) fn server(responses: &[Response]) -> ScriptedServer {
    let script = PATHS.iter().fold(Script::new(), |script, path| {
        let route = Route::at(path);
        script.route(responses.iter().cloned().fold(route, Route::reply))
    });
    ScriptedServer::start(&script).unwrap()
}

/// A good answer of a server's protocol: the text `fine`, five tokens read and one written.
pub(crate) fn fine(server: &str) -> Response {
    Response::text(200, fine_body(server)).header("content-type", "application/json")
}

/// The body of [`fine`].
pub(crate) fn fine_body(server: &str) -> &'static str {
    match server {
        "anthropic" => {
            r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"fine"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":1}}"#
        }
        "ollama" => {
            r#"{"model":"mock","message":{"role":"assistant","content":"fine"},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":1}"#
        }
        _ => {
            r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#
        }
    }
}

/// Where a model of a kind of server is, with a key for every server.
pub(crate) fn connection(server: &str, url: &str) -> Connection {
    with_key(server, url, KEY)
}

/// The same with another key.
pub(crate) fn with_key(server: &str, url: &str, key: &str) -> Connection {
    let name = ModelName::parse(&format!("{server}/mock@{url}")).unwrap();
    Connection::open(&name, &|variable| {
        variable.ends_with("_API_KEY").then(|| key.to_owned())
    })
    .unwrap()
}

/// An address on which nothing listens.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub(crate) fn conversation(text: &str) -> Prompt {
    Prompt::Chat {
        messages: vec![Message {
            role: Role::User,
            content: text.to_owned(),
        }],
        opening: String::new(),
    }
}

/// So many requests for a text, which differ in their seeds.
pub(crate) fn texts(count: u64) -> Vec<SampleRequest> {
    (0..count)
        .map(|number| SampleRequest {
            prompt: conversation("Write."),
            sampling: Sampling {
                temperature: 0.75,
                top_p: 0.95,
                max_tokens: 40,
                stop: Vec::new(),
            },
            seed: Seed(number).derive("text"),
        })
        .collect()
}

/// What came of a batch.
pub(crate) struct Outcome<R> {
    /// By index; none where nothing was delivered.
    pub(crate) replies: Vec<Option<Result<R, SlotFailure>>>,
    pub(crate) end: Result<(), ModelError>,
    /// What was said: what went wrong and how long it waits.
    pub(crate) notices: Vec<(String, Duration)>,
    pub(crate) spending: Spending,
}

impl<R> Outcome<R> {
    /// The only reply.
    pub(crate) fn only(self) -> Result<R, SlotFailure> {
        self.end.unwrap();
        let [reply] = <[_; 1]>::try_from(self.replies)
            .map_err(|_| "several replies")
            .unwrap();
        reply.unwrap()
    }

    pub(crate) fn delivered(&self) -> usize {
        self.replies.iter().flatten().count()
    }

    /// Why the model stopped: reason and sentence.
    pub(crate) fn stopped(&self) -> (StopReason, String) {
        match &self.end {
            Err(error @ ModelError::Stopped { reason, .. }) => (*reason, error.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

impl Outcome<TextReply> {
    /// How many good texts came.
    pub(crate) fn fine(&self) -> usize {
        self.replies
            .iter()
            .flatten()
            .filter(|reply| reply.as_ref().is_ok_and(|reply| reply.text == "fine"))
            .count()
    }
}

/// A user of servers.
pub(crate) struct Asking {
    pub(crate) settings: Settings,
    pub(crate) interrupt: Interrupt,
    /// Ask for a stop as soon as something is to be asked again.
    stops_at_notice: bool,
}

impl Asking {
    /// Patient for milliseconds, with one connection.
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings {
                limits: TransportLimits {
                    connect: Duration::from_secs(5),
                    idle: Duration::from_secs(20),
                    total: Duration::from_secs(30),
                    ..TransportLimits::default()
                },
                backoff: Backoff {
                    least: Duration::from_millis(2),
                    first_range: Duration::from_millis(10),
                    longest: Duration::from_millis(20),
                },
                longest_wait: Duration::from_secs(120),
                attempts: 6,
                odd_attempts: 3,
                first_connections: 1,
                most_connections: 1,
                budget: Budget::new(Limits::default(), Amount::ZERO),
                price: Price::Free,
                clock: || SystemTime::UNIX_EPOCH,
                talk: Arc::new(|_| {}),
            },
            interrupt: Interrupt::default(),
            stops_at_notice: false,
        }
    }

    pub(crate) fn connections(mut self, first: usize, most: usize) -> Self {
        self.settings.first_connections = first;
        self.settings.most_connections = most;
        self
    }

    pub(crate) fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts;
        self
    }

    /// The waits that users get; nothing is asked again, the first notice ends the work.
    pub(crate) fn stopping_at_the_first_notice(mut self) -> Self {
        self.settings.backoff = Backoff::default();
        self.stops_at_notice = true;
        self
    }

    pub(crate) fn texts(
        &self,
        places: &[Connection],
        requests: &[SampleRequest],
    ) -> Outcome<TextReply> {
        self.run(places, requests.len(), |model, interrupt, replies| {
            model.sample(requests, interrupt, &|index, reply| {
                replies.lock().unwrap()[index] = Some(reply);
                Ok(())
            })
        })
    }

    pub(crate) fn scores(
        &self,
        places: &[Connection],
        requests: &[ScoreRequest],
    ) -> Outcome<ScoreReply> {
        self.run(places, requests.len(), |model, interrupt, replies| {
            model.score(requests, interrupt, &|index, reply| {
                replies.lock().unwrap()[index] = Some(reply);
                Ok(())
            })
        })
    }

    fn run<R: Send>(
        &self,
        places: &[Connection],
        count: usize,
        ask: impl Fn(
            &RemoteModel,
            &Interrupt,
            &Mutex<Vec<Option<Result<R, SlotFailure>>>>,
        ) -> Result<(), ModelError>,
    ) -> Outcome<R> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut settings = self.settings.clone();
        let (said, interrupt) = (Arc::clone(&heard), self.interrupt.clone());
        let stops = self.stops_at_notice;
        settings.talk = Arc::new(move |Notice::Again { detail, wait, .. }| {
            said.lock().unwrap().push((detail.clone(), *wait));
            if stops {
                interrupt.ask();
            }
        });
        let model = RemoteModel::open("test/mock", places.to_vec(), settings).unwrap();
        let replies = Mutex::new((0..count).map(|_| None).collect());
        let end = ask(&model, &self.interrupt, &replies);
        let notices = heard.lock().unwrap().clone();
        Outcome {
            replies: replies.into_inner().unwrap(),
            end,
            notices,
            spending: model.spending(),
        }
    }
}

/// A request for the log-probabilities of continuations.
pub(crate) fn score(prompt: Prompt, continuations: &[&str], mode: ScoreMode) -> ScoreRequest {
    ScoreRequest {
        prompt,
        continuations: continuations.iter().map(|&text| text.to_owned()).collect(),
        mode,
    }
}
