//! Judges that reason before they are asked.
//!
//! For such a rater each view of a text makes two questions: one that asks for reasoning, and then the rater's own,
//! whose prompt holds what was written. Reasoning is asked for once, whatever number of votes is drawn after it; a view
//! without it is unknown for the reason that there is none, and never asked as if nothing had been wanted.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Prompt, SampleRequest, SlotFailure, TextReply, UnknownReason};
use evalwright_recipe::{ScoreStage, Values};

use super::Asking;
use super::question::{Place, about};
use super::reading::unknown;
use super::subject::{Subject, views};
use crate::error::PipelineError;
use crate::panel::Panel;
use crate::plan::RunPlan;
use crate::stage::score::rater_name;

/// What a judge wrote before it was asked, by what it is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Thoughts(BTreeMap<Place, Thought>);

#[derive(Debug, Clone)]
struct Thought {
    text: Result<String, UnknownReason>,
    reply: Option<ContentHash>,
}

impl Thoughts {
    /// The reasoning, where there is any.
    pub(super) fn text(&self, place: Place) -> Option<&str> {
        self.0.get(&place)?.text.as_deref().ok()
    }

    /// The key of the stored reply that holds it.
    pub(super) fn reply(&self, place: Place) -> Option<ContentHash> {
        self.0.get(&place)?.reply
    }

    /// Why there was no question.
    pub(super) fn failure(&self, place: Place) -> UnknownReason {
        let failed = self.0.get(&place).and_then(|one| one.text.as_ref().err());
        failed.cloned().unwrap_or(UnknownReason::NotAsked)
    }

    /// Adds what came of a request for reasoning.
    pub(crate) fn tell(
        &mut self,
        place: Place,
        prompt: &Prompt,
        reply: &Result<TextReply, SlotFailure>,
        key: ContentHash,
    ) {
        let thought = Thought {
            text: written(prompt, reply),
            reply: Some(key),
        };
        self.0.insert(place, thought);
    }

    /// Stands in for reasoning where only the shape of the question after it is wanted.
    pub(crate) fn suppose(&mut self, place: Place) {
        let nothing = Thought {
            text: Ok(String::new()),
            reply: None,
        };
        self.0.insert(place, nothing);
    }
}

/// The requests for reasoning of all raters that reason first, in the order of raters, texts and views.
pub(crate) fn reasonings(
    run: &RunPlan<'_>,
    stage: &ScoreStage,
    panel: &Panel<'_>,
    subjects: &[Subject<'_>],
) -> Result<Vec<(Place, SampleRequest)>, PipelineError> {
    let mut requests = Vec::new();
    for (number, seat) in panel.seats.iter().enumerate() {
        let Some(reasons) = &seat.wording.reasons else {
            continue;
        };
        for (text, subject) in subjects.iter().enumerate() {
            for (place, view) in views(run, stage, seat, subject).iter().enumerate() {
                let values = Values {
                    opened: panel.judge.abilities().opened_replies,
                    ..about(run, subject, view)
                };
                let name = format!("reasoning {}/{}", seat.wording.name, view.name(subject));
                let request = SampleRequest {
                    prompt: run.kind.prompts.render_prompt(&reasons.prompt, &values)?,
                    sampling: reasons.sampling.clone(),
                    seed: run.seed().derive(&name),
                };
                requests.push(((text, number, place), request));
            }
        }
    }
    Ok(requests)
}

/// Lets a judge reason about every text, where a rater wants it.
pub(super) fn think(
    run: &RunPlan<'_>,
    stage: &ScoreStage,
    panel: &Panel<'_>,
    subjects: &[Subject<'_>],
    asking: &mut Asking<'_, '_>,
) -> Result<Thoughts, PipelineError> {
    let mut thoughts = Thoughts::default();
    let (places, requests): (Vec<Place>, Vec<SampleRequest>) =
        reasonings(run, stage, panel, subjects)?.into_iter().unzip();
    if requests.is_empty() {
        return Ok(thoughts);
    }
    let answers = asking.caller.ask(panel.judge, &requests)?;
    let model = &panel.judge.identity().name;
    for ((place, request), answer) in places.into_iter().zip(&requests).zip(answers) {
        if let (Ok(reply), Some(seat)) = (&answer.reply, panel.seats.get(place.1)) {
            let rater = rater_name(model, &seat.wording.name);
            asking.notes.add(&rater, &reply.notes);
        }
        thoughts.tell(place, &request.prompt, &answer.reply, answer.key);
    }
    Ok(thoughts)
}

/// The reasoning with its opening. One that the limit cut is reasoning all the same; a blank one is none.
fn written(
    prompt: &Prompt,
    reply: &Result<TextReply, SlotFailure>,
) -> Result<String, UnknownReason> {
    let reply = reply.as_ref().map_err(unknown)?;
    if reply.text.trim().is_empty() {
        return Err(UnknownReason::EmptyText);
    }
    let opening = match prompt {
        Prompt::Chat { opening, .. } => opening.as_str(),
        Prompt::Text(_) => "",
    };
    Ok(format!("{opening}{}", reply.text).trim().to_owned())
}
