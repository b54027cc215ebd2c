//! Batched sampling and scoring: many requests, a few threads, each prompt's beginning computed once.
//!
//! One worker per thread, each with its own requests in flight; workers share the weights and the computed
//! beginnings and never wait for each other inside a pass. A prompt's keys live as long as a request needs
//! them, so memory follows the requests in flight and not the number of prompts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};

use evalwright_core::{
    AnswerScore, Finish, Interrupt, SampleRequest, ScoreMode, ScoreReply, ScoreRequest,
    SlotFailure, TextReply, TokenUsage,
};

use crate::error::LocalError;
use crate::forward::{Keep, Network, Piece};
use crate::logits::{NonFiniteLogits, log_sum_exp};
use crate::sampler::Sampler;
use crate::segment::{Chain, Segment};
use crate::tokenizer::Tokenizer;
use crate::workers::{Stopped, lock, work};

/// Texts that one worker writes at a time. More rows make the products faster up to about here.
pub(crate) const TEXTS_IN_FLIGHT: usize = 64;
/// Tokens that one worker scores in one pass.
pub(crate) const TOKENS_A_PASS: usize = 256;
/// A shared beginning shorter than this is not worth a segment of its own.
const SHORTEST_SHARED: usize = 8;

/// What every worker sees.
pub(crate) struct Engine {
    pub(crate) network: Arc<Network>,
    pub(crate) tokenizer: Arc<Tokenizer>,
}

/// A request whose prompt has been cut into tokens.
struct Job<'a, R> {
    /// Place in the caller's list.
    index: usize,
    request: &'a R,
    /// Place in the list of distinct prompts.
    prompt: usize,
}

/// Receives replies; an error ends the work.
pub(crate) type Receive<'a, R> =
    &'a (dyn Fn(usize, Result<R, SlotFailure>) -> Result<(), String> + Sync);

/// A distinct prompt's tokens and, while some request needs it, its computed state.
struct PromptEntry {
    tokens: Vec<u32>,
    state: Mutex<Weak<PromptState>>,
}

/// A prompt that went through the model.
struct PromptState {
    chain: Chain,
    tokens: usize,
    /// Logits of the token after the prompt.
    next: Vec<f32>,
}

/// All distinct prompts of one call and the beginning that they share.
struct Prompts {
    entries: Vec<PromptEntry>,
    shared: Chain,
}

impl Engine {
    /// Writes texts. `prompts` are token ids by request.
    pub(crate) fn sample(
        &self,
        requests: &[SampleRequest],
        prompts: Vec<Vec<u32>>,
        threads: usize,
        interrupt: &Interrupt,
        receive: Receive<'_, TextReply>,
    ) -> Result<(), Stopped> {
        let mut queue = VecDeque::new();
        let refuse = |index: usize, tokens: usize| {
            self.too_long(tokens as u64 + u64::from(requests[index].sampling.max_tokens))
        };
        let prompts = self.plan(requests, prompts, &mut queue, refuse, receive)?;
        let queue = Mutex::new(queue);
        work(threads, || self.write(&queue, &prompts, interrupt, receive))?;
        finished(&queue)
    }

    /// Scores continuations. `prompts` are token ids by request.
    pub(crate) fn score(
        &self,
        requests: &[ScoreRequest],
        prompts: Vec<Vec<u32>>,
        threads: usize,
        interrupt: &Interrupt,
        receive: Receive<'_, ScoreReply>,
    ) -> Result<(), Stopped> {
        let mut continuations = Vec::new();
        for request in requests {
            let ids: Result<Vec<_>, _> = request
                .continuations
                .iter()
                .map(|text| self.tokenizer.encode_plain(text))
                .collect();
            continuations.push(ids?);
        }
        let mut queue = VecDeque::new();
        // Refused before anything is computed: a prompt that fills the window takes long to read.
        let refuse = |index: usize, tokens: usize| {
            let answers: &[Vec<u32>] = &continuations[index];
            if answers.is_empty() || answers.iter().any(Vec::is_empty) {
                return Some(SlotFailure::EmptyContinuation);
            }
            let longest = answers.iter().map(Vec::len).max().unwrap_or(0);
            self.too_long((tokens + longest) as u64)
        };
        let prompts = self.plan(requests, prompts, &mut queue, refuse, receive)?;
        let queue = Mutex::new(queue);
        work(threads, || {
            self.rate(&queue, &prompts, &continuations, interrupt, receive)
        })?;
        finished(&queue)
    }

    /// The failure of a request that needs so many tokens, if they are too many.
    fn too_long(&self, needed: u64) -> Option<SlotFailure> {
        let window = self.network.shape().window as u64;
        (needed > window).then_some(SlotFailure::TooLong { needed, window })
    }

    /// Finds distinct prompts, computes what all of them share, and queues the requests prompt by prompt.
    fn plan<'a, R, Reply>(
        &self,
        requests: &'a [R],
        prompts: Vec<Vec<u32>>,
        queue: &mut VecDeque<Job<'a, R>>,
        refuse: impl Fn(usize, usize) -> Option<SlotFailure>,
        receive: Receive<'_, Reply>,
    ) -> Result<Prompts, Stopped> {
        let mut by_tokens: BTreeMap<Vec<u32>, Vec<usize>> = BTreeMap::new();
        for (index, tokens) in prompts.into_iter().enumerate() {
            // After every prompt at least one token is looked at.
            let failure =
                refuse(index, tokens.len()).or_else(|| self.too_long(tokens.len() as u64 + 1));
            match failure {
                Some(failure) => receive(index, Err(failure)).map_err(Stopped::Receiver)?,
                None => by_tokens.entry(tokens).or_default().push(index),
            }
        }
        let shared = self.shared_beginning(&by_tokens)?;
        let mut entries = Vec::new();
        let mut jobs = Vec::new();
        for (prompt, (tokens, indexes)) in by_tokens.into_iter().enumerate() {
            entries.push(PromptEntry {
                tokens,
                state: Mutex::new(Weak::new()),
            });
            jobs.extend(indexes.into_iter().map(|index| Job {
                index,
                request: &requests[index],
                prompt,
            }));
        }
        queue.extend(jobs);
        Ok(Prompts { entries, shared })
    }

    /// The tokens with which all prompts begin, computed. The last token of a prompt is never shared: its
    /// result is needed by name.
    fn shared_beginning(
        &self,
        prompts: &BTreeMap<Vec<u32>, Vec<usize>>,
    ) -> Result<Chain, LocalError> {
        let (Some((first, _)), Some((last, _))) =
            (prompts.first_key_value(), prompts.last_key_value())
        else {
            return Ok(Chain::default());
        };
        // In sorted order, what the first and the last share is shared by all.
        let common = first
            .iter()
            .zip(last)
            .take_while(|(left, right)| left == right)
            .count();
        let shortest = prompts.keys().map(Vec::len).min().unwrap_or(0);
        let common = common.min(shortest.saturating_sub(1));
        if prompts.len() < 2 || common < SHORTEST_SHARED {
            return Ok(Chain::default());
        }
        let (segment, _) = self.read(&first[..common], &Chain::default())?;
        Ok(Chain::default().with(Arc::new(segment)))
    }

    /// Sends tokens through the model after a chain; returns their segment and the last hidden state.
    fn read(&self, tokens: &[u32], before: &Chain) -> Result<(Segment, Vec<f32>), LocalError> {
        let mut segment = Segment::new(self.network.shape().layers);
        let mut hidden = Vec::new();
        for part in tokens.chunks(TOKENS_A_PASS) {
            let piece = Piece {
                tokens: part,
                before,
                own: &mut segment,
                keep: Keep::Last,
            };
            hidden = self.network.run(&mut [piece])?;
        }
        Ok((segment, hidden))
    }

    /// See [`crate::LocalModel::log_probabilities`].
    pub(crate) fn log_probabilities(&self, tokens: &[u32]) -> Result<(Vec<f64>, f64), LocalError> {
        let mut segment = Segment::new(self.network.shape().layers);
        let chain = Chain::default();
        let piece = Piece {
            tokens,
            before: &chain,
            own: &mut segment,
            keep: Keep::All,
        };
        let hidden = self.network.run(&mut [piece])?;
        let mut sum = 0.0;
        let mut next = Vec::new();
        self.network.logits(&hidden, |row, logits| {
            let total =
                log_sum_exp(logits).map_err(|error| LocalError::Engine(error.to_string()))?;
            match tokens.get(row + 1) {
                Some(token) => {
                    sum += log_of(logits, Ok(total), *token)
                        .map_err(|error| LocalError::Engine(error.to_string()))?;
                }
                None => {
                    next = logits
                        .iter()
                        .map(|logit| f64::from(*logit) - total)
                        .collect()
                }
            }
            Ok(())
        })?;
        Ok((next, sum))
    }

    /// The state of a prompt: the one that another request still holds, or a new one.
    fn prompt_state(
        &self,
        prompts: &Prompts,
        index: usize,
    ) -> Result<Arc<PromptState>, LocalError> {
        let entry = &prompts.entries[index];
        let mut slot = lock(&entry.state);
        if let Some(state) = slot.upgrade() {
            return Ok(state);
        }
        let (segment, hidden) =
            self.read(&entry.tokens[prompts.shared.tokens()..], &prompts.shared)?;
        let mut next = Vec::new();
        self.network.logits(&hidden, |_, logits| {
            next = logits.to_vec();
            Ok(())
        })?;
        let state = Arc::new(PromptState {
            chain: prompts.shared.with(Arc::new(segment)),
            tokens: entry.tokens.len(),
            next,
        });
        *slot = Arc::downgrade(&state);
        Ok(state)
    }

    /// A worker that writes texts until the queue is empty.
    fn write(
        &self,
        queue: &Mutex<VecDeque<Job<'_, SampleRequest>>>,
        prompts: &Prompts,
        interrupt: &Interrupt,
        receive: Receive<'_, TextReply>,
    ) -> Result<(), Stopped> {
        let mut texts: Vec<Text<'_>> = Vec::new();
        loop {
            while texts.len() < TEXTS_IN_FLIGHT && !interrupt.is_asked() {
                let Some(job) = lock(queue).pop_front() else {
                    break;
                };
                let state = self.prompt_state(prompts, job.prompt)?;
                let mut text = Text::begin(&job, state, self.network.shape().layers);
                let logits = Arc::clone(&text.prompt);
                text.take(&self.tokenizer, &logits.next);
                texts.push(text);
            }
            let mut index = 0;
            while index < texts.len() {
                if texts[index].is_done() {
                    let text = texts.swap_remove(index);
                    receive(text.index, text.reply()).map_err(Stopped::Receiver)?;
                } else {
                    index += 1;
                }
            }
            if texts.is_empty() {
                if interrupt.is_asked() || lock(queue).is_empty() {
                    return Ok(());
                }
                continue;
            }
            let mut pieces: Vec<Piece<'_>> = texts
                .iter_mut()
                .map(|text| Piece {
                    tokens: text.tokens.last().map_or(&[], std::slice::from_ref),
                    before: &text.prompt.chain,
                    own: &mut text.own,
                    keep: Keep::Last,
                })
                .collect();
            let hidden = self.network.run(&mut pieces)?;
            drop(pieces);
            self.network.logits(&hidden, |row, logits| {
                texts[row].take(&self.tokenizer, logits);
                Ok(())
            })?;
        }
    }

    /// A worker that scores until the queue is empty.
    fn rate(
        &self,
        queue: &Mutex<VecDeque<Job<'_, ScoreRequest>>>,
        prompts: &Prompts,
        continuations: &[Vec<Vec<u32>>],
        interrupt: &Interrupt,
        receive: Receive<'_, ScoreReply>,
    ) -> Result<(), Stopped> {
        loop {
            if interrupt.is_asked() {
                return Ok(());
            }
            // A pass takes requests of one prompt, so that a worker seldom computes what another one holds.
            let mut jobs: Vec<Job<'_, ScoreRequest>> = Vec::new();
            {
                let mut queue = lock(queue);
                let mut tokens = 0;
                while tokens < TOKENS_A_PASS
                    && queue.front().is_some_and(|next| {
                        jobs.last().is_none_or(|last| last.prompt == next.prompt)
                    })
                {
                    let Some(job) = queue.pop_front() else { break };
                    tokens += continuations[job.index].iter().map(Vec::len).sum::<usize>();
                    jobs.push(job);
                }
            }
            let Some(first) = jobs.first() else {
                return Ok(());
            };
            let state = self.prompt_state(prompts, first.prompt)?;
            for (job, reply) in jobs
                .iter()
                .zip(self.rate_pass(&jobs, continuations, &state)?)
            {
                receive(job.index, reply).map_err(Stopped::Receiver)?;
            }
        }
    }

    fn rate_pass(
        &self,
        jobs: &[Job<'_, ScoreRequest>],
        continuations: &[Vec<Vec<u32>>],
        state: &PromptState,
    ) -> Result<Vec<Result<ScoreReply, SlotFailure>>, LocalError> {
        let mut replies: Vec<Result<ScoreReply, SlotFailure>> = Vec::new();
        // (job, continuation) of every continuation with more than one token that has to be read.
        let mut reads: Vec<(usize, usize, &[u32])> = Vec::new();
        for (place, job) in jobs.iter().enumerate() {
            let answers = &continuations[job.index];
            let mut scores = Vec::new();
            let mut scored = 0;
            let first = log_sum_exp(&state.next);
            for (number, answer) in answers.iter().enumerate() {
                let log_probability = log_of(&state.next, first, answer[0]);
                scored += answer.len() as u64;
                scores.push(log_probability.map(|log_probability| {
                    AnswerScore::known(
                        log_probability,
                        u32::try_from(answer.len()).unwrap_or(u32::MAX),
                    )
                }));
                if job.request.mode == ScoreMode::Whole && answer.len() > 1 {
                    reads.push((place, number, answer));
                }
            }
            let scores: Result<Vec<_>, _> = scores.into_iter().collect();
            replies.push(
                scores
                    .map_err(|NonFiniteLogits| SlotFailure::NonFiniteLogits)
                    .map(|scores| ScoreReply {
                        scores,
                        usage: TokenUsage::new(state.tokens as u64, scored),
                        notes: Vec::new(),
                    }),
            );
        }
        let mut own: Vec<Segment> = reads
            .iter()
            .map(|_| Segment::new(self.network.shape().layers))
            .collect();
        let mut pieces: Vec<Piece<'_>> = reads
            .iter()
            .zip(&mut own)
            .map(|((_, _, answer), own)| Piece {
                tokens: &answer[..answer.len() - 1],
                before: &state.chain,
                own,
                keep: Keep::All,
            })
            .collect();
        if pieces.is_empty() {
            return Ok(replies);
        }
        let hidden = self.network.run(&mut pieces)?;
        let targets: Vec<(usize, usize, u32)> = reads
            .iter()
            .flat_map(|(place, number, answer)| {
                answer[1..]
                    .iter()
                    .map(move |token| (*place, *number, *token))
            })
            .collect();
        self.network.logits(&hidden, |row, logits| {
            let (place, number, token) = targets[row];
            let added = log_of(logits, log_sum_exp(logits), token);
            let failed = match (&mut replies[place], added) {
                (Ok(reply), Ok(added)) => {
                    reply.scores[number].log_probability += added;
                    false
                }
                (Ok(_), Err(NonFiniteLogits)) => true,
                (Err(_), _) => false,
            };
            if failed {
                replies[place] = Err(SlotFailure::NonFiniteLogits);
            }
            Ok(())
        })?;
        Ok(replies)
    }
}

fn log_of(
    logits: &[f32],
    total: Result<f64, NonFiniteLogits>,
    token: u32,
) -> Result<f64, NonFiniteLogits> {
    let logit = logits.get(token as usize).ok_or(NonFiniteLogits)?;
    Ok((f64::from(*logit) - total?).min(0.0))
}

/// Work is complete when nothing is left in the queue; only an interrupt leaves something.
fn finished<R>(queue: &Mutex<VecDeque<Job<'_, R>>>) -> Result<(), Stopped> {
    if lock(queue).is_empty() {
        Ok(())
    } else {
        Err(Stopped::Interrupted)
    }
}

/// A text being written.
struct Text<'a> {
    index: usize,
    request: &'a SampleRequest,
    prompt: Arc<PromptState>,
    own: Segment,
    sampler: Sampler,
    tokens: Vec<u32>,
    bytes: Vec<u8>,
    end: Option<Result<Finish, SlotFailure>>,
}

impl<'a> Text<'a> {
    fn begin(job: &Job<'a, SampleRequest>, prompt: Arc<PromptState>, layers: usize) -> Self {
        let end = (job.request.sampling.max_tokens == 0).then_some(Ok(Finish::Length));
        Self {
            index: job.index,
            request: job.request,
            prompt,
            own: Segment::new(layers),
            sampler: Sampler::new(job.request.seed, &job.request.sampling),
            tokens: Vec::new(),
            bytes: Vec::new(),
            end,
        }
    }

    fn is_done(&self) -> bool {
        self.end.is_some()
    }

    /// Draws the next token and decides whether the text ends with it.
    fn take(&mut self, tokenizer: &Tokenizer, logits: &[f32]) {
        if self.is_done() {
            return;
        }
        let token = match self.sampler.draw(logits) {
            Ok(token) => token,
            Err(NonFiniteLogits) => {
                self.end = Some(Err(SlotFailure::NonFiniteLogits));
                return;
            }
        };
        self.tokens.push(token);
        if tokenizer.ends_text(token) {
            self.end = Some(Ok(Finish::Stop));
            return;
        }
        self.bytes.extend_from_slice(tokenizer.token_bytes(token));
        let stop = self
            .request
            .sampling
            .stop
            .iter()
            .filter(|stop| !stop.is_empty());
        if let Some(cut) = stop
            .filter_map(|stop| find(&self.bytes, stop.as_bytes()))
            .min()
        {
            self.bytes.truncate(cut);
            self.end = Some(Ok(Finish::Stop));
        } else if self.tokens.len() >= self.request.sampling.max_tokens as usize {
            self.end = Some(Ok(Finish::Length));
        }
    }

    fn reply(self) -> Result<TextReply, SlotFailure> {
        let finish = self.end.unwrap_or(Ok(Finish::Length))?;
        Ok(TextReply {
            // A limit can fall inside a character; the half is shown as U+FFFD.
            text: String::from_utf8_lossy(&self.bytes).into_owned(),
            finish,
            usage: TokenUsage::new(self.prompt.tokens as u64, self.tokens.len() as u64),
            notes: Vec::new(),
        })
    }
}

/// Where `needle` (not empty) first stands in `text`.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window == needle)
}
