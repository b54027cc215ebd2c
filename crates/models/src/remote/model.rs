//! A model behind a server: many requests at once, each asked until it has an answer that is one.
//!
//! This is the only place where anything is asked again. Invariants: a reply is delivered once; what is not
//! whole, refused or filtered is never delivered as a text; nothing is sent that the budget does not cover;
//! after a stop or an interrupt nothing new is sent, and what is under way is still delivered.

use std::borrow::Cow;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use evalwright_core::model::Deliver;
use evalwright_core::{
    Abilities, Interrupt, Model, ModelError, ModelIdentity, Prompt, ReplyNote, SampleRequest,
    ScoreMode, ScoreReply, ScoreRequest, Seed, SlotFailure, Spending, StopReason, TextReply,
    TokenUsage,
};
use tokio::runtime::Runtime;

use super::classify::classify;
use super::drive::Ended;
use super::endpoint::{Endpoint, Endpoints};
use super::halt::Halt;
use super::redact::Redactor;
use super::settings::{Notice, Settings};
use super::transport::{Reached, Transport};
use super::trouble::Trouble;
use crate::error::ModelsError;
use crate::money::{Amount, MoneyError, Price, prompt_tokens};
use crate::server::{Connection, PROFILES_VERSION};
use crate::wire::{self, Asked, Got, Outgoing};

/// What stands in front of a server says with these that it did not wait for the answer's end.
const OUT_OF_PATIENCE: [u16; 2] = [504, 524];

/// A model behind one or several servers.
pub struct RemoteModel {
    identity: ModelIdentity,
    pub(super) connection: Connection,
    pub(super) endpoints: Endpoints,
    transport: Transport,
    settings: Settings,
    pub(super) runtime: Runtime,
    spending: Mutex<Spending>,
    /// Requests that the server refused since its last good answer.
    pub(super) refused: AtomicUsize,
    /// Takes the keys of all places out of what any of them says.
    redactor: Redactor,
}

/// Reads a body of this content type.
type Reads<'a, T> = &'a dyn Fn(Option<&str>, &[u8]) -> T;

/// Gives what tells a request from others; only one that has failed needs it.
pub(super) type Seeds<'a> = &'a dyn Fn() -> Seed;

/// A request, and how its answer is read.
pub(super) struct Question<'a, T> {
    pub(super) outgoing: &'a Outgoing,
    /// The most that it can take.
    pub(super) worst: TokenUsage,
    pub(super) read: Reads<'a, Result<T, Trouble>>,
    /// What a good answer took, and whether that is our estimate.
    pub(super) usage: fn(&T) -> (TokenUsage, bool),
    /// What an answer says that it took, good or not.
    pub(super) reported: Reads<'a, Option<TokenUsage>>,
}

impl RemoteModel {
    /// Opens a model. `name` is what the user wrote and is what stands in files; `connections` are the
    /// places where the same model is served, at least one, all of one profile. No request is sent.
    ///
    /// # Errors
    /// When TLS or the runtime cannot be set up, there is no connection, or a key cannot be a header.
    pub fn open(
        name: &str,
        connections: Vec<Connection>,
        settings: Settings,
    ) -> Result<Self, ModelsError> {
        let endpoints = connections
            .iter()
            .map(|connection| Endpoint::new(connection, &settings))
            .collect::<Result<Vec<_>, _>>()?;
        let redactor = Redactor::new(connections.iter().flat_map(secrets));
        let connection = connections
            .into_iter()
            .next()
            .ok_or(ModelsError::NoConnection)?;
        let transport = Transport::new(&settings.limits).map_err(|trouble| ModelsError::Setup {
            problem: sentence(&trouble),
        })?;
        // One thread: what goes over to another and back for each request costs more than the request.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ModelsError::Setup {
                problem: error.to_string(),
            })?;
        let identity = ModelIdentity {
            name: name.to_owned(),
            weights: None,
            engine: format!(
                "{} at {}, profiles {PROFILES_VERSION}",
                connection.profile.name,
                connection.base_url.with_version(connection.profile.version)
            ),
            precision: "as served".to_owned(),
            chat_template: None,
        };
        let spending = Spending {
            cost: (settings.price != Price::Free).then_some(0.0),
            ..Spending::default()
        };
        Ok(Self {
            identity,
            connection,
            endpoints: Endpoints::new(endpoints, &settings),
            transport,
            settings,
            runtime,
            spending: Mutex::new(spending),
            refused: AtomicUsize::new(0),
            redactor,
        })
    }

    fn spent(&self) -> MutexGuard<'_, Spending> {
        self.spending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stopped(&self, reason: StopReason, cause: String) -> ModelError {
        ModelError::Stopped {
            model: self.identity.name.clone(),
            reason,
            cause,
        }
    }

    /// Asks for text or scores.
    async fn ask(&self, halt: &Halt, asked: Asked<'_>, seed: Seeds<'_>) -> Ended<Got> {
        let (profile, model) = (self.connection.profile, &self.connection.model);
        let outgoing = match wire::build(profile, model, asked) {
            Ok(outgoing) => outgoing,
            Err(trouble) => return unsendable(trouble),
        };
        let read = |content_type: Option<&str>, body: &[u8]| {
            let estimate = outgoing.prompt_estimate;
            wire::read(profile, model, asked, estimate, content_type, body)
        };
        let reported = |content_type: Option<&str>, body: &[u8]| {
            wire::reported_usage(profile, asked, content_type, body)
        };
        let question = Question {
            outgoing: &outgoing,
            worst: TokenUsage::new(
                outgoing.prompt_estimate.at_most,
                u64::from(asked.max_tokens()),
            ),
            read: &read,
            usage: taken,
            reported: &reported,
        };
        self.insist(halt, &question, seed).await
    }

    /// Asks until there is an answer or a reason to stop asking.
    pub(super) async fn insist<T>(
        &self,
        halt: &Halt,
        question: &Question<'_, T>,
        seed: Seeds<'_>,
    ) -> Ended<T> {
        let mut failed = 0;
        let mut odd = 0;
        loop {
            let trouble = match self.attempt(halt, question, seed, failed > 0).await {
                None => return Ended::Abandoned,
                Some(Ok(got)) => return Ended::Answered(Ok(got)),
                Some(Err(trouble)) => self.redactor.clean_trouble(trouble),
            };
            failed += 1;
            let (wait, detail) = match trouble {
                Trouble::Fail(failure) => return Ended::Answered(Err(failure)),
                Trouble::Stop { reason, cause } => return Ended::Stopped(reason, cause),
                Trouble::FailAfterRetries(failure) => {
                    odd += 1;
                    if odd >= self.settings.odd_attempts || failed >= self.settings.attempts {
                        return Ended::Answered(Err(failure));
                    }
                    (None, failure.to_string())
                }
                Trouble::Retry { detail, .. } if failed >= self.settings.attempts => {
                    return Ended::Answered(Err(SlotFailure::GaveUp {
                        attempts: failed,
                        detail,
                    }));
                }
                Trouble::Retry { wait, detail, .. } => (wait, detail),
            };
            let wait = self.settings.backoff.wait(seed(), failed, wait);
            (self.settings.talk)(&Notice::Again {
                model: self.identity.name.clone(),
                detail,
                wait,
            });
            if halt.unless(tokio::time::sleep(wait)).await.is_none() {
                return Ended::Abandoned;
            }
        }
    }

    /// One attempt; `None` when the work ended before it was sent.
    async fn attempt<T>(
        &self,
        halt: &Halt,
        question: &Question<'_, T>,
        seed: Seeds<'_>,
        again: bool,
    ) -> Option<Result<T, Trouble>> {
        let worst = question.worst;
        // The connection first: nobody may wait for one while money is set aside for it.
        let tokens = question
            .outgoing
            .prompt_estimate
            .at_least
            .saturating_add(worst.completion_tokens);
        let slot = match halt.unless(self.endpoints.slot(tokens)).await? {
            Ok(slot) => slot,
            Err(trouble) => return Some(Err(trouble)),
        };
        let reserved = self.settings.budget.reserve(Amount {
            cost: self
                .settings
                .price
                .worst(worst.prompt_tokens, worst.completion_tokens),
            tokens: worst.prompt_tokens.saturating_add(worst.completion_tokens),
        });
        let mut reservation = match halt.unless(reserved).await? {
            Ok(reservation) => reservation,
            Err(error) => return Some(Err(spent(&error))),
        };
        reservation.mark_sent();
        {
            let mut spending = self.spent();
            spending.requests += 1;
            spending.retries += u64::from(again);
        }
        let endpoint = slot.endpoint();
        let url = endpoint.url(question.outgoing.endpoint);
        let sent = self.transport.send(
            &url,
            endpoint.headers(),
            question.outgoing.body.clone(),
            &self.redactor,
        );
        // Not ended by a halt: what was sent is paid for, so its answer is waited for.
        let received = match sent.await {
            Ok(received) => received,
            Err(unanswered) => {
                let trouble = match unanswered.reached {
                    Reached::Nothing => {
                        reservation.release();
                        endpoint.was_missed();
                        self.never_reached(unanswered.trouble)
                    }
                    Reached::Server => {
                        self.spent().possibly_paid_twice += 1;
                        self.charge(worst, true);
                        drop(reservation);
                        unanswered.trouble
                    }
                };
                slot.failed(seed(), &trouble);
                return Some(Err(trouble));
            }
        };
        endpoint.has_answered();
        let content_type =
            Some(received.content_type.as_str()).filter(|content_type| !content_type.is_empty());
        let now = (self.settings.clock)();
        let is_success = (200..300).contains(&received.status);
        let outcome = if is_success {
            (question.read)(content_type, &received.body)
        } else {
            Err(classify(&received, &url, now, self.settings.longest_wait))
        };
        // What an answer took, good or not; one that does not say is charged at its worst. So is one that
        // something in front of the server stopped waiting for: the server may have written it all the same.
        let is_unseen = OUT_OF_PATIENCE.contains(&received.status);
        let usage = match &outcome {
            Ok(answer) => Some((question.usage)(answer)),
            Err(_) if is_success => Some(
                (question.reported)(content_type, &received.body)
                    .map_or((worst, true), |usage| (usage, false)),
            ),
            Err(_) => is_unseen.then_some((worst, true)),
        };
        if matches!(
            &outcome,
            Err(Trouble::Retry { .. } | Trouble::FailAfterRetries(_))
        ) && usage.is_some()
        {
            self.spent().possibly_paid_twice += 1;
        }
        match usage {
            Some((usage, estimated)) => {
                reservation.settle(Amount {
                    cost: self.settings.price.cost(&usage),
                    tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
                });
                self.charge(usage, estimated);
            }
            None => reservation.release(),
        }
        match &outcome {
            Ok(_) => slot.succeeded(&received.headers, now),
            Err(trouble) => slot.failed(seed(), trouble),
        }
        Some(outcome)
    }

    /// Adds to the books what a request took.
    fn charge(&self, usage: TokenUsage, estimated: bool) {
        let cost = self.settings.price.cost(&usage).amount();
        let mut spending = self.spent();
        spending.estimated_usage += u64::from(estimated);
        if let Some(sum) = &mut spending.cost {
            *sum += cost;
        }
    }

    /// Servers that never answered anything are down, or their addresses are wrong: nothing is gained by
    /// waiting.
    fn never_reached(&self, trouble: Trouble) -> Trouble {
        match trouble {
            Trouble::Retry { detail, .. } if self.endpoints.none_is_there() => Trouble::Stop {
                reason: StopReason::ServerSick,
                cause: format!("{detail}; start the server or check the address"),
            },
            trouble => trouble,
        }
    }

    async fn text(&self, halt: &Halt, request: &SampleRequest) -> Ended<TextReply> {
        let seed = || request.seed;
        match self.ask(halt, Asked::Sample(request), &seed).await {
            Ended::Answered(Ok(Got::Text(mut reply))) => {
                // A key that was escaped in an unusual way shows only now.
                if let Cow::Owned(cleaned) = self.redactor.clean_body(reply.text.as_bytes()) {
                    reply.text = String::from_utf8_lossy(&cleaned).into_owned();
                }
                Ended::Answered(Ok(reply))
            }
            Ended::Answered(Ok(Got::Scores(_))) => wrong_kind(),
            Ended::Answered(Err(failure)) => Ended::Answered(Err(failure)),
            Ended::Stopped(reason, cause) => Ended::Stopped(reason, cause),
            Ended::Abandoned => Ended::Abandoned,
        }
    }

    /// One request for the first token; one for each continuation where whole texts are scored.
    async fn scores(&self, halt: &Halt, request: &ScoreRequest) -> Ended<ScoreReply> {
        let seed = || Seed(request.prompt.hash().leading_u64());
        if request.continuations.iter().any(String::is_empty) || request.continuations.is_empty() {
            return Ended::Answered(Err(SlotFailure::EmptyContinuation));
        }
        let parts: Vec<Asked<'_>> = match request.mode {
            ScoreMode::FirstToken | ScoreMode::Constrained => vec![Asked::FirstToken(request)],
            ScoreMode::Whole => request
                .continuations
                .iter()
                .map(|continuation| Asked::Whole {
                    prompt: &request.prompt,
                    continuation,
                })
                .collect(),
        };
        let mut whole: Option<ScoreReply> = None;
        for asked in parts {
            match self.ask(halt, asked, &seed).await {
                Ended::Answered(Ok(Got::Scores(part))) => match &mut whole {
                    None => whole = Some(part),
                    Some(whole) => {
                        whole.scores.extend(part.scores);
                        whole.usage += part.usage;
                        whole.notes.extend(part.notes);
                        whole.notes.sort();
                        whole.notes.dedup();
                    }
                },
                Ended::Answered(Ok(Got::Text(_))) => return wrong_kind(),
                Ended::Answered(Err(failure)) => return Ended::Answered(Err(failure)),
                Ended::Stopped(reason, cause) => return Ended::Stopped(reason, cause),
                Ended::Abandoned => return Ended::Abandoned,
            }
        }
        whole.map_or(
            Ended::Answered(Err(SlotFailure::EmptyContinuation)),
            |reply| Ended::Answered(Ok(reply)),
        )
    }
}

impl Model for RemoteModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        self.connection.profile.abilities(&self.connection.model)
    }

    fn can_write(&self, request: &SampleRequest) -> Result<(), ModelError> {
        let (profile, model) = (self.connection.profile, &self.connection.model);
        match wire::build(profile, model, Asked::Sample(request)) {
            Err(Trouble::Stop { reason, cause }) => Err(self.stopped(reason, cause)),
            // Whatever else is wrong is wrong with this request alone.
            _ => Ok(()),
        }
    }

    fn is_tried_first(&self) -> bool {
        true
    }

    fn spending(&self) -> Spending {
        *self.spent()
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        let halt = Halt::default();
        self.runtime.block_on(self.drive(
            requests.len(),
            &halt,
            interrupt,
            |index| self.text(&halt, &requests[index]),
            deliver,
        ))
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        let halt = Halt::default();
        self.runtime.block_on(self.drive(
            requests.len(),
            &halt,
            interrupt,
            |index| self.scores(&halt, &requests[index]),
            deliver,
        ))
    }

    /// The most that the prompt can have: what `--dry-run` shows is a bound.
    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        Ok(prompt_tokens(prompt).at_most)
    }

    fn likely_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        Ok(prompt_tokens(prompt).likely)
    }
}

/// What a server must not send back into anything that is kept or shown.
fn secrets(connection: &Connection) -> Vec<String> {
    let mut secrets = connection.base_url.secrets();
    secrets.extend(connection.key.iter().map(|key| key.expose().to_owned()));
    secrets
}

/// What an answer took, and whether that is our estimate.
fn taken(got: &Got) -> (TokenUsage, bool) {
    let (usage, notes) = match got {
        Got::Text(reply) => (reply.usage, &reply.notes),
        Got::Scores(reply) => (reply.usage, &reply.notes),
    };
    (usage, notes.contains(&ReplyNote::UsageEstimated))
}

/// A request that cannot be written.
pub(super) fn unsendable<T>(trouble: Trouble) -> Ended<T> {
    match trouble {
        Trouble::Stop { reason, cause } => Ended::Stopped(reason, cause),
        Trouble::Fail(failure) | Trouble::FailAfterRetries(failure) => {
            Ended::Answered(Err(failure))
        }
        Trouble::Retry { detail, .. } => Ended::Answered(Err(SlotFailure::GaveUp {
            attempts: 0,
            detail,
        })),
    }
}

fn spent(error: &MoneyError) -> Trouble {
    Trouble::Stop {
        reason: StopReason::BudgetSpent,
        cause: error.to_string(),
    }
}

fn sentence(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Retry { detail, .. } => detail.clone(),
        Trouble::Fail(failure) | Trouble::FailAfterRetries(failure) => failure.to_string(),
        Trouble::Stop { cause, .. } => cause.clone(),
    }
}

/// The reader gives a text for a text and scores for scores; this says so if it ever does not.
fn wrong_kind<R>() -> Ended<R> {
    Ended::Stopped(
        StopReason::Unsupported,
        "the answer is of another kind than the question".to_owned(),
    )
}
