//! The engine: waves until every cell has its pool, then one look at all candidates together.
//!
//! The next wave is a function of the candidates so far in slot order, never of the order in which replies
//! came. A run keeps no state of its own on disk: started again, it walks the same way through the store.

use std::collections::BTreeMap;

use evalwright_core::{
    Cell, ContentHash, Fields, Interrupt, Probability, Reject, RejectReason, Row, SlotName,
    field_text,
};
use evalwright_dataset::{Manifest, SemanticRecord};
use evalwright_store::ReplyStore;

use crate::calls::{CallCounts, Caller, count};
use crate::choose::choose;
use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger, State};
use crate::panel::LABEL;
use crate::plan::{Checked, RunPlan};
use crate::progress::{Event, Progress};
use crate::recipe_hash::recipe_hash;
use crate::record::manifest;
use crate::stage::ask::Begun;
use crate::stage::dedup::Found;
use crate::stage::emit::emit;
use crate::stage::lint::LintContext;
use crate::stage::outside::{NoProcesses, Outside, RuleProcesses};
use crate::stage::score::{Asking, NoteCounts, ScoreContext};
use crate::stage::{Emission, Filter, check, emit_item, follow};
use crate::trial::try_models;
use crate::vectors::TextVectors;
use crate::wave::CellProgress;

/// What a run gives.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The rows in the order of publication; empty for a kind that maps fields.
    pub rows: Vec<Row>,
    /// The rows of a kind that maps fields, in the order of publication: its columns, then `id` and `metadata`.
    pub records: Vec<Fields>,
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
    run_with_rules(plan, store, interrupt, progress, &mut NoProcesses)
}

/// [`run`], with processes for those of the kind's rules that are asked outside of this program.
///
/// # Errors
/// As [`run`]; [`PipelineError::Rule`] when a process does not answer as it must.
pub fn run_with_rules(
    plan: &RunPlan<'_>,
    store: &ReplyStore,
    interrupt: &Interrupt,
    progress: &dyn Progress,
    processes: &mut dyn RuleProcesses,
) -> Result<Outcome, PipelineError> {
    let mut engine = Engine::new(plan, store, interrupt, progress, processes)?;
    while engine.wave()? {}
    engine.finish()
}

struct Engine<'a> {
    checked: Checked<'a>,
    recipe: ContentHash,
    /// By requirement.
    minimums: BTreeMap<String, Probability>,
    caller: Caller<'a>,
    vectors: Option<TextVectors<'a>>,
    notes: NoteCounts,
    progress: &'a dyn Progress,
    interrupt: &'a Interrupt,
    processes: &'a mut dyn RuleProcesses,
    ledger: Ledger,
    /// In the order of the plan's cells.
    cells: Vec<CellProgress>,
    waves: u32,
    found: Found,
}

impl<'a> Engine<'a> {
    fn new(
        plan: &RunPlan<'a>,
        store: &'a ReplyStore,
        interrupt: &'a Interrupt,
        progress: &'a dyn Progress,
        processes: &'a mut dyn RuleProcesses,
    ) -> Result<Self, PipelineError> {
        let checked = Checked::new(plan)?;
        let cells = vec![CellProgress::default(); checked.items.cells.len()];
        let kind = &plan.kind.kind;
        let options = checked.stages.select.options;
        let minimums = options
            .minimums
            .iter()
            .map(|(requirement, minimum)| (requirement.as_str(), *minimum))
            .chain([(LABEL, checked.minimum_confidence())])
            .map(|(requirement, minimum)| {
                let minimum = Probability::new(minimum).map_err(|error| PipelineError::Stages {
                    kind: kind.name.clone(),
                    preset: kind.preset.clone(),
                    problem: format!("`minimum` of stage `select`: {error}"),
                })?;
                Ok((requirement.to_owned(), minimum))
            })
            .collect::<Result<_, PipelineError>>()?;
        Ok(Self {
            recipe: recipe_hash(plan)?,
            minimums,
            vectors: checked
                .embedder()
                .map(|embedder| TextVectors::new(embedder, store, interrupt)),
            checked,
            caller: Caller::new(store, interrupt, progress),
            notes: NoteCounts::default(),
            progress,
            interrupt,
            processes,
            ledger: Ledger::default(),
            cells,
            waves: 0,
            found: Found::default(),
        })
    }

    /// Runs the next wave; `false` when none is needed or allowed.
    fn wave(&mut self) -> Result<bool, PipelineError> {
        let sizes: Vec<(u32, u32)> = self
            .cells
            .iter()
            .zip(&self.checked.quotas)
            .map(|(progress, quota)| (progress.asked, quota.next(*progress)))
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

        let entries = self.begin(&slots)?;
        let received = entries.len();
        let first = self.ledger.add(entries, self.progress);
        let stage = self.checked.first_stage();
        self.stage_done(stage, received, self.ledger.pending_from(first).len());

        self.filter(first)?;
        self.try_rows(first)?;
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
            Some(dedup) => dedup.options.find(
                &self.ledger,
                self.checked.run.behaviour,
                self.vectors.as_mut(),
            )?,
            None => Found {
                kept: self.ledger.pending_from(0),
                ..Found::default()
            },
        };
        let survivors = self.survivors();
        for ((progress, (_, size)), survivors) in self.cells.iter_mut().zip(&sizes).zip(&survivors)
        {
            progress.asked = progress.asked.saturating_add(*size);
            progress.survivors = u32::try_from(*survivors).unwrap_or(u32::MAX);
        }
        self.progress.event(&Event::WaveDone {
            wave: self.waves,
            tally: self.ledger.tally(),
            survivors: by_label(&self.checked, &survivors),
        });
        Ok(true)
    }

    /// The candidates of a wave's slots, some of which have fallen already: asked for, or as they begin.
    fn begin(&mut self, slots: &[SlotName]) -> Result<Vec<Entry>, PipelineError> {
        let run = self.checked.run;
        let text = run.kind.kind.text.as_deref();
        let beginnings: Vec<Fields> = slots
            .iter()
            .map(|slot| self.checked.beginning(slot))
            .collect();
        let begun = |fields| Begun { fields, text };
        let Some(ask) = &self.checked.stages.ask else {
            return slots
                .iter()
                .zip(&beginnings)
                .map(|(slot, fields)| Ok(begun(fields).candidate(slot)?))
                .collect();
        };
        let requests = slots
            .iter()
            .zip(&beginnings)
            .map(|(slot, fields)| ask.options.request(&run, slot, fields))
            .collect::<Result<Vec<_>, _>>()?;
        if self.waves == 1 {
            try_models(&self.checked, &requests, &mut self.caller)?;
        }
        let answers = self.caller.ask(run.generator, &requests)?;
        let mut entries = Vec::new();
        let writer = &run.generator.identity().name;
        for (((slot, fields), request), answer) in
            slots.iter().zip(&beginnings).zip(&requests).zip(answers)
        {
            if let Ok(reply) = &answer.reply {
                self.notes.add(writer, &reply.notes);
            }
            entries.extend(ask.options.candidates(
                &ask.name,
                slot,
                request,
                answer.key,
                &answer.reply,
                &begun(fields),
            ));
        }
        Ok(entries)
    }

    /// Lets fall what could not become rows that fit the kind's schema, so that it is never counted on.
    fn try_rows(&mut self, first: usize) -> Result<(), PipelineError> {
        let Some(emitting) = &self.checked.emitting else {
            return Ok(());
        };
        for position in self.ledger.pending_from(first) {
            let Some(entry) = self.ledger.entries().get(position) else {
                continue;
            };
            if let Err(problem) = emitting.trial(&self.checked.run, &entry.candidate)? {
                let reason = RejectReason::Unparsable {
                    detail: format!("row: {problem}"),
                };
                let stage = &self.checked.stages.emit.name;
                self.ledger.reject(position, stage, reason, self.progress);
            }
        }
        Ok(())
    }

    /// Takes the candidates from a position on through the stages that look at one at a time.
    fn filter(&mut self, first: usize) -> Result<(), PipelineError> {
        let run = self.checked.run;
        for filter in &self.checked.stages.filters {
            let positions = self.ledger.pending_from(first);
            let mut following = follow::Asking {
                caller: &mut self.caller,
                notes: &mut self.notes,
            };
            match filter {
                Filter::Follow(stage) => follow::apply(
                    stage.options,
                    &stage.name,
                    &run,
                    &positions,
                    &mut self.ledger,
                    &mut following,
                    self.progress,
                )?,
                Filter::Repeat(stage) => follow::repeat(
                    stage.options,
                    &stage.name,
                    &run,
                    &positions,
                    &mut self.ledger,
                    &mut following,
                    self.progress,
                )?,
                Filter::Check(check) => check::apply(
                    check.options,
                    &check.name,
                    run.behaviour,
                    &mut Outside {
                        processes: &mut *self.processes,
                        interrupt: self.interrupt,
                    },
                    &positions,
                    &mut self.ledger,
                    self.progress,
                )?,
                Filter::Lint(lint) => {
                    let shown = shown_texts(&run);
                    let mut context = LintContext {
                        behaviour: run.behaviour,
                        shown: &shown,
                        outside: Outside {
                            processes: &mut *self.processes,
                            interrupt: self.interrupt,
                        },
                    };
                    lint.options.apply(
                        &lint.name,
                        &mut context,
                        &positions,
                        &mut self.ledger,
                        self.progress,
                    )?;
                }
                Filter::Score(score) => {
                    let context = ScoreContext {
                        run: &run,
                        panels: &self.checked.panels,
                        minimum: self
                            .minimums
                            .get(&score.options.options().requirement)
                            .copied()
                            .unwrap_or(Probability::ZERO),
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
                }
            }
            self.stage_done(
                filter.name(),
                positions.len(),
                self.ledger.pending_from(first).len(),
            );
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
        let received = self.ledger.pending_from(0).len();
        let (chosen, selection) = choose(
            &self.checked,
            &self.ledger,
            &found.kept,
            self.vectors.as_mut(),
        )?;
        let mut rows = Vec::new();
        let mut items = Vec::new();
        for one in &chosen {
            if let Some(entry) = self.ledger.entries().get(one.position) {
                match self.checked.stages.emit.options {
                    Emission::Statement(options) => {
                        let Some(confidence) = one.confidence else {
                            continue;
                        };
                        let mut row = emit(options, &run, &entry.candidate, confidence)?;
                        row.metadata.split.clone_from(&one.split);
                        rows.push(row);
                    }
                    Emission::Item(_) => items.push(emit_item::Chosen {
                        candidate: &entry.candidate,
                        confidence: one.confidence,
                        requirements: &entry.scores,
                        split: one.split.as_deref(),
                    }),
                }
            }
        }
        let accepted = rows.len() + items.len();
        let records = match &self.checked.emitting {
            Some(emitting) => emitting.rows(&run, items)?,
            None => Vec::new(),
        };
        for one in chosen {
            self.ledger.accept(one.position);
        }
        for position in self.ledger.pending_from(0) {
            self.ledger
                .reject(position, &stage.name, RejectReason::Surplus, self.progress);
        }
        self.stage_done(&stage.name, received, accepted);
        self.stage_done(&self.checked.stages.emit.name, accepted, accepted);
        self.progress.event(&Event::Finished {
            tally: self.ledger.tally(),
        });

        let mut manifest = manifest(
            &self.checked,
            self.recipe,
            &self.ledger,
            &self.caller,
            &self.notes,
            self.waves,
            selection,
        )?;
        manifest.dedup.semantic =
            self.checked
                .semantic()
                .map(|(threshold, embedder)| SemanticRecord {
                    threshold,
                    embedder: embedder.identity().clone(),
                    alike_across_labels: count(found.alike_across),
                });
        let shortfall = manifest
            .funnel
            .cells
            .iter()
            .any(|cell| cell.got < cell.wanted);
        Ok(Outcome {
            rows,
            records,
            rejects: self.ledger.rejects(),
            manifest,
            calls_sent: self.caller.sent(),
            shortfall,
        })
    }

    /// For each cell the candidates that would still stand if no further wave came.
    fn survivors(&self) -> Vec<u64> {
        let entries = self.ledger.entries();
        let mut survivors = vec![0; self.cells.len()];
        for entry in self
            .found
            .kept
            .iter()
            .filter_map(|position| entries.get(*position))
            .filter(|entry| entry.state == State::Pending)
        {
            let cell = self.checked.cell_of(&entry.candidate.slot);
            if let Some(count) = cell.and_then(|cell| survivors.get_mut(cell)) {
                *count += 1;
            }
        }
        survivors
    }

    fn stage_done(&self, stage: &str, received: usize, passed: usize) {
        self.progress.event(&Event::StageDone {
            stage: stage.to_owned(),
            received: count(received),
            passed: count(passed),
        });
    }
}

/// Counts of cells summed up by label.
fn by_label(checked: &Checked<'_>, counts: &[u64]) -> Vec<(Cell, u64)> {
    let mut sums: BTreeMap<Cell, u64> = BTreeMap::new();
    for ((place, _), count) in checked.items.cells.iter().zip(counts) {
        *sums.entry(place.cell).or_default() += count;
    }
    sums.into_iter().collect()
}

/// The texts of the gold examples that the writer is shown, so that copies of them are found.
fn shown_texts(run: &RunPlan<'_>) -> Vec<String> {
    let gold = run.kind.kind.ask().and_then(|ask| ask.gold.as_ref());
    let rows = gold.and_then(|gold| run.kind.table(run.behaviour, &gold.table));
    let text = run.kind.kind.text.as_deref();
    rows.into_iter()
        .flatten()
        .filter_map(|row| field_text(row.get(text?)?))
        .collect()
}
