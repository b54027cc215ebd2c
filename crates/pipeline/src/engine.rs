//! The engine: waves until every cell has its pool, then one look at all candidates together.
//!
//! The next wave is a function of the candidates so far in slot order, never of the order in which replies
//! came. A run keeps no state of its own on disk: started again, it walks the same way through the store.

use std::collections::BTreeMap;

use evalwright_core::{Cell, ContentHash, Interrupt, Probability, Reject, RejectReason, Row};
use evalwright_dataset::Manifest;
use evalwright_store::ReplyStore;

use crate::calls::{CallCounts, Caller, count};
use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger, State};
use crate::plan::{Checked, RunPlan};
use crate::progress::{Event, Progress};
use crate::recipe_hash::recipe_hash;
use crate::record::manifest;
use crate::stage::Filter;
use crate::stage::dedup::Found;
use crate::stage::emit::emit;
use crate::stage::score::{Asking, NoteCounts, ScoreContext};
use crate::stage::select::{Choice, Rule, select};
use crate::wave::CellProgress;

/// What a run gives.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The rows in the order of publication.
    pub rows: Vec<Row>,
    /// Every candidate that fell, in slot order.
    pub rejects: Vec<Reject>,
    /// The manifest; version, parent, files and content hash are filled in at publication.
    pub manifest: Manifest,
    /// Calls that went to a model now, not answered from the store. The only part that two runs of the same
    /// recipe may differ in.
    pub calls_sent: CallCounts,
    /// Whether there are fewer rows than wanted; the manifest's funnel says for which label.
    pub shortfall: bool,
}

/// Makes the rows of a plan.
///
/// # Errors
/// [`PipelineError::Interrupted`] when a stop was asked for before the last call; every reply that came is
/// kept, and the same call goes on from there. Any other error says what is wrong with plan, models or store.
pub fn run(
    plan: &RunPlan<'_>,
    store: &ReplyStore,
    interrupt: &Interrupt,
    progress: &dyn Progress,
) -> Result<Outcome, PipelineError> {
    let mut engine = Engine::new(plan, store, interrupt, progress)?;
    while engine.wave()? {}
    engine.finish()
}

struct Engine<'a> {
    checked: Checked<'a>,
    recipe: ContentHash,
    minimum: Probability,
    caller: Caller<'a>,
    notes: NoteCounts,
    progress: &'a dyn Progress,
    ledger: Ledger,
    cells: BTreeMap<Cell, CellProgress>,
    waves: u32,
    found: Found,
}

impl<'a> Engine<'a> {
    fn new(
        plan: &RunPlan<'a>,
        store: &'a ReplyStore,
        interrupt: &'a Interrupt,
        progress: &'a dyn Progress,
    ) -> Result<Self, PipelineError> {
        let checked = Checked::new(plan)?;
        let kind = &plan.kind.kind;
        let minimum = Probability::new(checked.stages.select.options.minimum).map_err(|error| {
            PipelineError::Stages {
                kind: kind.name.clone(),
                preset: kind.preset.clone(),
                problem: format!("`minimum` of stage `select`: {error}"),
            }
        })?;
        Ok(Self {
            recipe: recipe_hash(plan)?,
            minimum,
            checked,
            caller: Caller::new(store, interrupt, progress),
            notes: NoteCounts::default(),
            progress,
            ledger: Ledger::default(),
            cells: Cell::ALL
                .iter()
                .map(|cell| (*cell, CellProgress::default()))
                .collect(),
            waves: 0,
            found: Found::default(),
        })
    }

    /// Runs the next wave; `false` when none is needed or allowed.
    fn wave(&mut self) -> Result<bool, PipelineError> {
        let sizes: Vec<(Cell, u32, u32)> = self
            .cells
            .iter()
            .map(|(cell, progress)| (*cell, progress.asked, self.checked.quota.next(*progress)))
            .collect();
        let slots = self.checked.slots(&sizes);
        if slots.is_empty() {
            return Ok(false);
        }
        self.waves += 1;
        self.progress.event(&Event::WaveStarted {
            wave: self.waves,
            slots: count(slots.len()),
        });

        let run = self.checked.run;
        let ask = &self.checked.stages.ask;
        let requests = slots
            .iter()
            .map(|slot| ask.options.request(&run, slot))
            .collect::<Result<Vec<_>, _>>()?;
        let answers = self.caller.ask(run.generator, &requests)?;
        let mut entries = Vec::new();
        let writer = &run.generator.identity().name;
        for ((slot, request), answer) in slots.iter().zip(&requests).zip(answers) {
            if let Ok(reply) = &answer.reply {
                self.notes.add(writer, &reply.notes);
            }
            entries.extend(ask.options.candidates(
                &ask.name,
                slot,
                request,
                answer.key,
                &answer.reply,
            ));
        }
        let received = entries.len();
        let first = self.ledger.add(entries, self.progress);
        self.stage_done(&ask.name, received, self.ledger.pending_from(first).len());

        self.filter(first)?;
        for entry in self
            .ledger
            .entries()
            .iter()
            .skip(first)
            .filter(|entry| entry.is_pending())
        {
            self.progress.event(&Event::Passed { cell: entry.cell() });
        }

        self.found = match &self.checked.stages.dedup {
            Some(dedup) => dedup.options.find(&self.ledger)?,
            None => Found {
                kept: self.ledger.pending_from(0),
                fallen: Vec::new(),
            },
        };
        for (cell, _, size) in sizes {
            let survivors = self.survivors(cell);
            let progress = self.cells.entry(cell).or_default();
            progress.asked = progress.asked.saturating_add(size);
            progress.survivors = u32::try_from(survivors).unwrap_or(u32::MAX);
        }
        self.progress.event(&Event::WaveDone {
            wave: self.waves,
            tally: self.ledger.tally(),
            survivors: Cell::ALL
                .iter()
                .map(|cell| (*cell, self.survivors(*cell)))
                .collect(),
        });
        Ok(true)
    }

    /// Takes the candidates from a position on through the stages that look at one at a time.
    fn filter(&mut self, first: usize) -> Result<(), PipelineError> {
        let run = self.checked.run;
        for filter in &self.checked.stages.filters {
            let positions = self.ledger.pending_from(first);
            let name = match filter {
                Filter::Lint(lint) => {
                    lint.options.apply(
                        &lint.name,
                        run.behaviour,
                        &positions,
                        &mut self.ledger,
                        self.progress,
                    );
                    &lint.name
                }
                Filter::Score(score) => {
                    let context = ScoreContext {
                        run: &run,
                        panels: &self.checked.panels,
                        minimum: self.minimum,
                    };
                    score.options.apply(
                        &score.name,
                        &context,
                        &positions,
                        &mut self.ledger,
                        &mut Asking {
                            caller: &mut self.caller,
                            notes: &mut self.notes,
                        },
                        self.progress,
                    )?;
                    &score.name
                }
            };
            self.stage_done(name, positions.len(), self.ledger.pending_from(first).len());
        }
        Ok(())
    }

    /// Settles every candidate and writes the rows.
    fn finish(mut self) -> Result<Outcome, PipelineError> {
        let received = self.ledger.pending_from(0).len();
        let found = std::mem::take(&mut self.found);
        if let Some(dedup) = &self.checked.stages.dedup {
            for (position, reason) in found.fallen {
                self.ledger
                    .reject(position, &dedup.name, reason, self.progress);
            }
            self.stage_done(&dedup.name, received, found.kept.len());
        }

        let run = self.checked.run;
        let stage = &self.checked.stages.select;
        let good: Vec<(usize, &Entry, Probability)> = found
            .kept
            .iter()
            .filter_map(|position| {
                let entry = self.ledger.entries().get(*position)?;
                Some((*position, entry, entry.candidate.confidence?))
            })
            .collect();
        let choices: Vec<Choice<'_>> = good
            .iter()
            .map(|(_, entry, confidence)| Choice {
                id: &entry.candidate.id,
                cell: entry.cell(),
                confidence: confidence.value(),
            })
            .collect();
        let rule = Rule {
            take: stage.options.take,
            order: stage.options.order,
            wanted: usize::try_from(self.checked.quota.wanted).unwrap_or(usize::MAX),
            seed: run.seed(),
        };
        let mut rows = Vec::new();
        let mut chosen = Vec::new();
        for index in select(&rule, &choices) {
            if let Some((position, entry, confidence)) = good.get(index) {
                let emit_stage = self.checked.stages.emit.options;
                rows.push(emit(emit_stage, &run, &entry.candidate, *confidence)?);
                chosen.push(*position);
            }
        }
        let received = good.len();
        for position in chosen {
            self.ledger.accept(position);
        }
        for position in self.ledger.pending_from(0) {
            self.ledger
                .reject(position, &stage.name, RejectReason::Surplus, self.progress);
        }
        self.stage_done(&stage.name, received, rows.len());
        self.stage_done(&self.checked.stages.emit.name, rows.len(), rows.len());
        self.progress.event(&Event::Finished {
            tally: self.ledger.tally(),
        });

        let manifest = manifest(
            &self.checked,
            self.recipe,
            &self.ledger,
            &self.caller,
            &self.notes,
            self.waves,
        )?;
        let shortfall = manifest
            .funnel
            .cells
            .iter()
            .any(|cell| cell.got < cell.wanted);
        Ok(Outcome {
            rows,
            rejects: self.ledger.rejects(),
            manifest,
            calls_sent: self.caller.sent(),
            shortfall,
        })
    }

    /// Candidates of a cell that would still stand if no further wave came.
    fn survivors(&self, cell: Cell) -> u64 {
        let entries = self.ledger.entries();
        count(
            self.found
                .kept
                .iter()
                .filter_map(|position| entries.get(*position))
                .filter(|entry| entry.cell() == cell && entry.state == State::Pending)
                .count(),
        )
    }

    fn stage_done(&self, stage: &str, received: usize, passed: usize) {
        self.progress.event(&Event::StageDone {
            stage: stage.to_owned(),
            received: count(received),
            passed: count(passed),
        });
    }
}
