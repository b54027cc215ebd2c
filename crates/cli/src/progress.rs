//! How a run is shown: bars on a terminal, a few quiet lines elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use evalwright_core::Cell;
use evalwright_pipeline::{CallKind, Event, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Printer;

/// Shows a run's events.
pub(crate) struct Shown<'a> {
    printer: &'a Printer,
    wanted_per_cell: u64,
    /// Whether both labels are made; else there is one count.
    labelled: bool,
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    batch_started: Instant,
    fresh: u64,
    tokens: u64,
    passed: BTreeMap<Cell, u64>,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(printer: &'a Printer, wanted_per_cell: u64, labelled: bool) -> Self {
        let state = State {
            bar: ProgressBar::hidden(),
            batch_started: Instant::now(),
            fresh: 0,
            tokens: 0,
            passed: Cell::ALL.iter().map(|cell| (*cell, 0)).collect(),
        };
        Self {
            printer,
            wanted_per_cell,
            labelled,
            state: Mutex::new(state),
        }
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
            state.bar.set_message(self.cells(&state));
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
                    let line = format!(
                        "  {} replies, {} tokens, {rate:.0} tokens a second",
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
