//! The way of one candidate: every question that was asked for it, rendered again from the recipe.
//!
//! Nothing is asked and nothing is guessed. A question is a function of the plan and of the candidate as it stood at
//! that stage, so its key says whether it is the one that was asked: the keys of the writer's questions stand in the
//! version, those of the judges' in the store.

use evalwright_core::{
    Candidate, ContentHash, Fields, Judgement, SampleRequest, ScoreRequest, Step,
};
use evalwright_recipe::{DrawnRow, FollowStage};
use evalwright_store::{ModelKey, ReplyStore};
use serde::Serialize;

use crate::error::PipelineError;
use crate::ledger::Entry;
use crate::plan::{Checked, RunPlan};
use crate::stage::Filter;
use crate::stage::ask::Begun;
use crate::stage::follow::{Place, add, question, started};
use crate::stage::score::subject::Subject;
use crate::stage::score::{Asked, Shown, Thoughts, questions, rater_name, reasonings};

/// What a model was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TracedRequest {
    /// For a text.
    Sample(SampleRequest),
    /// For log-probabilities.
    Score(ScoreRequest),
}

/// One question in a candidate's way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TracedCall {
    /// The stage that asked.
    pub stage: String,
    /// The round, from 1, where the stage repeats.
    pub round: Option<u32>,
    /// The rater, where a judge was asked.
    pub rater: Option<String>,
    /// What a judge was asked about.
    pub requirement: Option<String>,
    /// The template that the prompt was rendered from.
    pub template: String,
    /// The model's name.
    pub model: String,
    /// Key of the reply in the store.
    pub key: ContentHash,
    /// Whether the version itself records this key for this question; nothing where it records none, as for judges.
    pub is_recorded: Option<bool>,
    /// What was asked.
    pub request: TracedRequest,
}

/// A candidate's way as far as it can be followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// All questions, in the order in which they were asked.
    pub calls: Vec<TracedCall>,
    /// What the item began as; empty for statements.
    pub begun: Fields,
    /// The candidate as it was parsed, before any later stage: null where the reply would be needed and is not there.
    pub parsed: Option<Candidate>,
    /// The first stage whose questions could not be rendered, because the candidate as it stood there is not known.
    pub stopped_at: Option<String>,
}

/// Follows a candidate of a version that was made by this plan, as far as the stage where it fell. The candidate needs
/// its slot, text, reply and history; its fields may be left out where the store has the reply.
///
/// # Errors
/// When the plan's parts do not fit together, or the store cannot be read.
pub fn trace(
    plan: &RunPlan<'_>,
    candidate: &Candidate,
    fell_in: Option<&str>,
    store: Option<&ReplyStore>,
) -> Result<Trace, PipelineError> {
    let checked = Checked::new(plan)?;
    let writer = ModelKey::of(plan.generator.identity());
    let mut walk = Walk {
        run: plan,
        candidate,
        writer,
        steps: candidate.history.iter(),
        calls: Vec::new(),
        store,
    };
    let begun = checked.beginning(&candidate.slot);
    let parsed = walk.begin(&checked, &begun)?;
    let mut stopped_at = None;
    let mut current = parsed.clone();
    let fell_at_once = fell_in == Some(checked.first_stage());
    for filter in checked.stages.filters.iter().filter(|_| !fell_at_once) {
        let Some(now) = &mut current else {
            stopped_at = Some(filter.name().to_owned());
            break;
        };
        walk.stage(&checked, filter, now)?;
        if fell_in == Some(filter.name()) {
            break;
        }
    }
    Ok(Trace {
        calls: walk.calls,
        begun,
        parsed,
        stopped_at,
    })
}

struct Walk<'a> {
    run: &'a RunPlan<'a>,
    candidate: &'a Candidate,
    writer: ModelKey,
    /// Steps of the candidate's history that no question has been rendered for yet.
    steps: std::slice::Iter<'a, Step>,
    calls: Vec<TracedCall>,
    store: Option<&'a ReplyStore>,
}

impl Walk<'_> {
    /// The candidate as it came into the book.
    fn begin(
        &mut self,
        checked: &Checked<'_>,
        begun: &Fields,
    ) -> Result<Option<Candidate>, PipelineError> {
        let slot = &self.candidate.slot;
        let beginning = Begun {
            fields: begun,
            text: self.run.kind.kind.text.as_deref(),
        };
        let Some(ask) = &checked.stages.ask else {
            let entry = beginning.candidate(slot)?;
            return Ok(self.own(vec![entry]));
        };
        let request = ask.options.request(self.run, slot, begun)?;
        let key = self.writer.sample(&request);
        self.calls.push(TracedCall {
            stage: ask.name.clone(),
            round: None,
            rater: None,
            requirement: None,
            template: ask.options.options().prompt.clone(),
            model: self.run.generator.identity().name.clone(),
            key,
            is_recorded: Some(key == self.candidate.reply),
            request: TracedRequest::Sample(request.clone()),
        });
        if let Some(store) = self.store
            && let Some(reply) = store.text(key)?
        {
            let entries = ask
                .options
                .candidates(&ask.name, slot, &request, key, &reply, &beginning);
            return Ok(self.own(entries));
        }
        // A statement is its text; an item that no later stage added to has the fields that it was parsed with.
        let is_whole = self.candidate.history.is_empty() && !self.candidate.fields.is_empty();
        Ok((!self.run.kind.kind.maps_fields() || is_whole).then(|| self.candidate.clone()))
    }

    fn own(&self, entries: Vec<Entry>) -> Option<Candidate> {
        entries
            .into_iter()
            .map(|entry| entry.candidate)
            .find(|candidate| candidate.id == self.candidate.id)
    }

    /// The questions of one stage; leaves the candidate as that stage did.
    fn stage(
        &mut self,
        checked: &Checked<'_>,
        filter: &Filter<'_>,
        now: &mut Candidate,
    ) -> Result<(), PipelineError> {
        match filter {
            Filter::Check(_) | Filter::Lint(_) => Ok(()),
            Filter::Follow(stage) => {
                let place = Place {
                    stage: &stage.name,
                    round: None,
                    draw: None,
                };
                self.follow(stage.options, 0, place, now).map(|_| ())
            }
            Filter::Repeat(stage) => {
                started(stage.options, now);
                for round in 1..=stage.options.rounds {
                    let draw: Option<&DrawnRow> = stage.options.draw.as_ref();
                    for (number, asked) in stage.options.ask.iter().enumerate() {
                        let place = Place {
                            stage: &stage.name,
                            round: Some(round),
                            draw,
                        };
                        if !self.follow(asked, number, place, now)? {
                            return Ok(());
                        }
                    }
                }
                Ok(())
            }
            Filter::Score(score) => {
                let stage = score.options.options();
                let subject = Subject::of_candidate(now, self.run.kind.kind.maps_fields());
                let own = |panel: &&crate::panel::Panel<'_>| panel.requirement == stage.requirement;
                for panel in checked.panels.iter().filter(own) {
                    let identity = panel.judge.identity();
                    let judge = ModelKey::of(identity);
                    let mut thoughts = Thoughts::default();
                    for (place, request) in reasonings(self.run, stage, panel, &[subject])? {
                        let seat = panel.seats.get(place.1);
                        let Some((seat, reasons)) =
                            seat.and_then(|seat| Some((seat, seat.wording.reasons.as_ref()?)))
                        else {
                            continue;
                        };
                        let key = judge.sample(&request);
                        // What a judge is asked after its reasoning can be told only where the store has it.
                        if let Some(store) = self.store
                            && let Some(reply) = store.text(key)?
                        {
                            thoughts.tell(place, &request.prompt, &reply, key);
                        }
                        let rater = rater_name(&identity.name, &seat.wording.name);
                        let recorded = |one: &&Judgement| {
                            one.rater == rater && one.requirement == stage.requirement
                        };
                        let judgement = self.candidate.judgements.iter().find(recorded);
                        self.calls.push(TracedCall {
                            stage: score.name.clone(),
                            round: None,
                            requirement: Some(stage.requirement.clone()),
                            template: reasons.prompt.clone(),
                            model: identity.name.clone(),
                            key,
                            is_recorded: judgement.map(|one| one.reasoning.contains(&key)),
                            request: TracedRequest::Sample(request),
                            rater: Some(rater),
                        });
                    }
                    let shown = Shown::HeldBack;
                    for question in questions(self.run, stage, panel, shown, &[subject], &thoughts)?
                    {
                        let Some(seat) = panel.seats.get(question.place.1) else {
                            continue;
                        };
                        let (key, request) = match question.asked {
                            Asked::Score(request) => {
                                (judge.score(&request), TracedRequest::Score(request))
                            }
                            Asked::Sample(request) => {
                                (judge.sample(&request), TracedRequest::Sample(request))
                            }
                        };
                        self.calls.push(TracedCall {
                            stage: score.name.clone(),
                            round: None,
                            rater: Some(rater_name(&identity.name, &seat.wording.name)),
                            requirement: Some(stage.requirement.clone()),
                            template: seat.wording.prompt.clone(),
                            model: identity.name.clone(),
                            key,
                            is_recorded: None,
                            request,
                        });
                    }
                }
                Ok(())
            }
        }
    }

    /// One question about the candidate, and what came of it; `false` where the candidate got no further.
    fn follow(
        &mut self,
        options: &FollowStage,
        number: usize,
        place: Place<'_>,
        now: &mut Candidate,
    ) -> Result<bool, PipelineError> {
        let (request, _) = question(options, number, place, self.run, now)?;
        let key = self.writer.sample(&request);
        let step = self
            .steps
            .as_slice()
            .first()
            .filter(|step| step.stage == place.stage && step.round == place.round);
        self.calls.push(TracedCall {
            stage: place.stage.to_owned(),
            round: place.round,
            rater: None,
            requirement: None,
            template: options.prompt.clone(),
            model: self.run.generator.identity().name.clone(),
            key,
            is_recorded: step.map(|step| step.reply == key),
            request: TracedRequest::Sample(request),
        });
        let Some(step) = step else {
            return Ok(false);
        };
        self.steps.next();
        let text = self.run.kind.kind.text.as_deref();
        add(now, text, step.clone(), Vec::new());
        Ok(true)
    }
}
