//! How a run is shown: bars on a terminal, a few quiet lines elsewhere. Where anything costs money, with what is spent
//! and what the batch at hand will have cost if it goes on as so far.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use evalwright_core::Cell;
use evalwright_models::money::Money;
use evalwright_pipeline::{CallKind, Event, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::models::Wallet;
use crate::output::Printer;

/// Replies after which the money on the bar is looked at again.
const LOOK_AT_MONEY: u64 = 16;

/// Shows a run's events.
pub(crate) struct Shown<'a> {
    printer: &'a Printer,
    wanted_per_cell: u64,
    /// Whether both labels are made; else there is one count.
    labelled: bool,
    money: Option<Wallet>,
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    batch_started: Instant,
    /// What was spent before the batch.
    spent_before: Money,
    to_send: u64,
    fresh: u64,
    tokens: u64,
    passed: BTreeMap<Cell, u64>,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(printer: &'a Printer, wanted_per_cell: u64, labelled: bool) -> Self {
        let state = State {
            bar: ProgressBar::hidden(),
            batch_started: Instant::now(),
            spent_before: Money::ZERO,
            to_send: 0,
            fresh: 0,
            tokens: 0,
            passed: Cell::ALL.iter().map(|cell| (*cell, 0)).collect(),
        };
        Self {
            printer,
            wanted_per_cell,
            labelled,
            money: None,
            state: Mutex::new(state),
        }
    }

    /// Says what is spent as well.
    pub(crate) fn with_money(self, money: Option<Wallet>) -> Self {
        Self { money, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, call: CallKind, model: &str, from_store: u64, to_send: u64) {
        let mut state = self.state();
        state.bar.finish_and_clear();
        state.batch_started = Instant::now();
        state.fresh = 0;
        state.tokens = 0;
        state.to_send = to_send;
        state.spent_before = self.money.as_ref().map_or(Money::ZERO, Wallet::spent);
        if to_send == 0 {
            return;
        }
        let doing = match call {
            CallKind::Sample => "writing",
            CallKind::Score => "judging",
        };
        if self.printer.is_watched() {
            let style = ProgressStyle::with_template(
                "  {prefix:8} [{bar:28}] {pos}/{len}  {per_sec:>10}  left {eta:>4}  {msg}",
            );
            state.bar = ProgressBar::with_draw_target(Some(to_send), ProgressDrawTarget::stderr());
            if let Ok(style) = style {
                state.bar.set_style(style.progress_chars("=> "));
            }
            state.bar.set_prefix(doing);
            state.bar.set_message(self.message(&state));
        } else {
            let stored = if from_store > 0 {
                format!(" ({from_store} replies from the store)")
            } else {
                String::new()
            };
            self.printer
                .say(&format!("  {doing}: {to_send} calls to {model}{stored}"));
        }
    }

    /// What stands behind the bar.
    fn message(&self, state: &State) -> String {
        let cells = self.cells(state);
        match self.spent(state) {
            Some(spent) => format!("{cells}; {spent}"),
            None => cells,
        }
    }

    /// What is spent so far, of how much, and what it will be at the end of the batch.
    fn spent(&self, state: &State) -> Option<String> {
        let wallet = self.money.as_ref()?;
        let (spent, currency) = (wallet.spent(), &wallet.currency);
        let mut words = format!("spent {spent} {currency}");
        if let Some(limit) = wallet.limit {
            words.push_str(&format!(" of {limit}"));
        }
        let left = state.to_send.saturating_sub(state.fresh);
        if state.fresh > 0 && left > 0 {
            let each = spent.less(state.spent_before).amount() / state.fresh as f64;
            if let Some(then) = Money::new(each * left as f64) {
                words.push_str(&format!(", about {} after this batch", spent + then));
            }
        }
        Some(words)
    }

    fn cells(&self, state: &State) -> String {
        if !self.labelled {
            let passed: u64 = state.passed.values().sum();
            return format!("good so far: {passed} of {}", self.wanted_per_cell);
        }
        let cells: Vec<String> = state
            .passed
            .iter()
            .map(|(cell, passed)| format!("{} {passed}", cell.label))
            .collect();
        format!(
            "good so far: {} of {} each",
            cells.join(", "),
            self.wanted_per_cell
        )
    }
}

impl Progress for Shown<'_> {
    fn event(&self, event: &Event) {
        match event {
            Event::WaveStarted { wave, slots } => {
                self.printer
                    .say(&format!("wave {wave}: {slots} candidates asked for"));
            }
            Event::Batch {
                call,
                model,
                from_store,
                to_send,
            } => self.begin(*call, model, *from_store, *to_send),
            Event::Reply {
                from_store: false,
                usage,
                ..
            } => {
                let mut state = self.state();
                state.fresh += 1;
                state.tokens += usage.completion_tokens;
                state.bar.inc(1);
                if self.money.is_some() && state.fresh % LOOK_AT_MONEY == 1 {
                    let message = self.message(&state);
                    state.bar.set_message(message);
                }
            }
            Event::FirstKept { call, replies } => {
                self.printer.say(&format!(
                    "  another run kept {replies} other {} replies to the same requests first; they are used",
                    call.as_str()
                ));
            }
            Event::Passed { cell } => {
                *self.state().passed.entry(*cell).or_default() += 1;
            }
            Event::WaveDone {
                wave,
                tally,
                survivors,
            } => {
                let mut state = self.state();
                state.bar.finish_and_clear();
                for (cell, count) in survivors {
                    state.passed.insert(*cell, *count);
                }
                let line = self.cells(&state);
                drop(state);
                self.printer.say(&format!(
                    "wave {wave}: {} asked, {} fallen; {line}",
                    tally.asked, tally.rejected
                ));
            }
            Event::StageDone { .. } => {
                let state = self.state();
                if state.fresh > 0 {
                    let seconds = state.batch_started.elapsed().as_secs_f64().max(1e-3);
                    let rate = state.tokens as f64 / seconds;
                    let spent = self
                        .spent(&state)
                        .map_or_else(String::new, |spent| format!("; {spent}"));
                    let line = format!(
                        "  {} replies, {} tokens, {rate:.0} tokens a second{spent}",
                        state.fresh, state.tokens
                    );
                    state.bar.finish_and_clear();
                    drop(state);
                    self.printer.say(&line);
                    self.state().fresh = 0;
                }
            }
            Event::Finished { .. } => self.state().bar.finish_and_clear(),
            _ => {}
        }
    }
}
