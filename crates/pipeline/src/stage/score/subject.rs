//! What judges are asked about, and under which views.
//!
//! A statement has one view, and so has whatever a channel compares. A candidate with answers is asked about in both orders of them, and one for which rows
//! are drawn is asked about under each; the views' probabilities are averaged, so that neither the order nor one
//! principle decides.

use std::borrow::Cow;

use evalwright_core::{Candidate, ContentHash, Fields, Method};
use evalwright_recipe::choices::{arranged, letter};
use evalwright_recipe::{AnswerForms, OptionsOf, ScoreStage};
use serde_json::Value;

use crate::panel::Seat;
use crate::plan::RunPlan;
use crate::stage::follow::drawn_rows;

/// One thing to be judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// Its text.
    pub(crate) text: &'a str,
    /// The candidate, where the kind's candidates have named parts.
    pub(crate) candidate: Option<&'a Candidate>,
}

impl<'a> Subject<'a> {
    /// A text without parts.
    pub(crate) fn of_text(text: &'a str) -> Self {
        Self {
            text,
            candidate: None,
        }
    }

    /// A candidate of a kind that maps fields, or the text of a statement.
    pub(crate) fn of_candidate(candidate: &'a Candidate, maps_fields: bool) -> Self {
        Self {
            text: &candidate.text,
            candidate: maps_fields.then_some(candidate),
        }
    }

    /// The named parts.
    pub(crate) fn fields(&self) -> Option<&'a Fields> {
        self.candidate.map(|candidate| &candidate.fields)
    }
}

/// One way in which a rater sees a subject.
#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    /// The parts as this view has them, where they differ from the candidate's own.
    pub(crate) item: Option<Fields>,
    /// The forms of the answers.
    pub(crate) forms: Option<Cow<'a, AnswerForms>>,
    /// Where the matching answer stands among lettered ones, from 0.
    pub(super) place: Option<usize>,
    /// Which of the views it is.
    number: usize,
}

impl View<'_> {
    /// A name for the draws of votes: that of the text where there are no parts, else of candidate and view.
    pub(super) fn name(&self, subject: &Subject<'_>) -> ContentHash {
        match subject.candidate {
            None => ContentHash::of(subject.text.as_bytes()),
            Some(candidate) => {
                let number = self.number.to_string();
                ContentHash::of_parts(&[candidate.id.as_str(), subject.text, number.as_str()])
            }
        }
    }
}

/// The views of a subject: drawn rows first, orders of the answers within. None where the candidate's answers cannot
/// be shown; then the rater is not asked.
pub(super) fn views<'a>(
    run: &RunPlan<'_>,
    stage: &ScoreStage,
    seat: &Seat<'a>,
    subject: &Subject<'_>,
) -> Vec<View<'a>> {
    let own = seat.wording.answers.as_ref().map(Cow::Borrowed);
    if seat.method == Method::Channel
        && let (Some(candidate), Some(options)) = (subject.candidate, &stage.options)
    {
        return in_either_voice(candidate, options).into_iter().collect();
    }
    let candidate = subject.candidate.filter(|_| seat.method != Method::Channel);
    let Some(candidate) = candidate else {
        return vec![View {
            item: None,
            forms: own,
            place: None,
            number: 0,
        }];
    };
    let mut items: Vec<Option<Fields>> = vec![None];
    if let Some(draw) = &stage.draw {
        let seed = run.seed().derive(&format!(
            "draw for judging {} of {}",
            stage.requirement, candidate.id
        ));
        items = drawn_rows(run, draw, seed)
            .into_iter()
            .map(|row| {
                let mut item = candidate.fields.clone();
                item.insert(draw.field.clone(), Value::Object(row));
                Some(item)
            })
            .collect();
    }
    let Some(options) = &stage.options else {
        return items
            .into_iter()
            .enumerate()
            .map(|(number, item)| View {
                item,
                forms: own.clone(),
                place: None,
                number,
            })
            .collect();
    };
    let side = candidate.slot.cell.label;
    let count = arranged(&candidate.fields, options, side, None).map_or(0, |arranged| {
        arranged.choices.as_array().map_or(0, Vec::len)
    });
    let orders: [Vec<usize>; 2] = [(0..count).collect(), (0..count).rev().collect()];
    let mut views = Vec::new();
    for item in items {
        for order in &orders {
            let Ok(arranged) = arranged(&candidate.fields, options, side, Some(order)) else {
                continue;
            };
            let mut item = item.clone().unwrap_or_else(|| candidate.fields.clone());
            item.insert("choices".to_owned(), arranged.choices);
            views.push(View {
                item: Some(item),
                forms: Some(Cow::Owned(letters(seat.method, count, arranged.place))),
                place: Some(arranged.place),
                number: views.len(),
            });
        }
    }
    views
}

/// The one view of a candidate with answers whose texts are compared in the voices of the two sides: an order of answers
/// that stand in no prompt is none.
fn in_either_voice<'a>(candidate: &Candidate, options: &OptionsOf) -> Option<View<'a>> {
    let side = candidate.slot.cell.label;
    let arranged = arranged(&candidate.fields, options, side, None).ok()?;
    let mut texts: Vec<String> = arranged
        .choices
        .as_array()?
        .iter()
        .filter_map(|choice| Some(choice.get("text")?.as_str()?.to_owned()))
        .collect();
    if arranged.place >= texts.len() {
        return None;
    }
    let matching = texts.remove(arranged.place);
    let mut item = candidate.fields.clone();
    item.insert("choices".to_owned(), arranged.choices);
    Some(View {
        item: Some(item),
        forms: Some(Cow::Owned(AnswerForms {
            matching: vec![matching],
            not_matching: texts,
        })),
        place: None,
        number: 0,
    })
}

/// The forms of letters. A first token is the bare letter; whole answers and votes may have brackets around it.
fn letters(method: Method, count: usize, matching: usize) -> AnswerForms {
    let forms = |place: usize| -> Vec<String> {
        let letter = letter(place);
        match method {
            Method::Token | Method::Constrained => vec![letter.to_string(), format!(" {letter}")],
            _ => vec![letter.to_string(), format!("({letter})")],
        }
    };
    AnswerForms {
        matching: forms(matching),
        not_matching: (0..count)
            .filter(|place| *place != matching)
            .flat_map(forms)
            .collect(),
    }
}
