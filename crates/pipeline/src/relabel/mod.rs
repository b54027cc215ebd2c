//! Labels from judges for rows that are there already, whoever made them.
//!
//! Three questions after the published protocol (Perez et al. 2022, section 3): which answer fits, asked with the
//! answers in their order and in the opposite one; how relevant the row is, from 1 to 5; whether it is unclear. What a
//! judge does not tell is bounded or unknown with a reason, never made up. No question holds the row's label, so equal
//! rows make equal questions and a label cannot be repeated back. Every reply goes through the store: what was asked
//! once is not asked again.

mod answered;
mod asking;
mod channel;
mod estimate;

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Interrupt, Method, Model, Seed, UnknownReason};
use evalwright_recipe::{Behaviour, LoadedKind, Prompts};
use evalwright_store::ReplyStore;

use crate::calls::{CallCounts, Caller};
use crate::error::PipelineError;
use crate::progress::Progress;

pub use answered::Answered;
pub use estimate::{RelabelEstimate, RelabelTokens, estimate_relabel};

/// Rows of which the questions are held in memory at once.
const TOGETHER: usize = 4096;
/// More answers than this have no letter of their own that judges know well.
pub const MOST_ANSWERS: usize = 20;

/// The templates, by the names that faults of theirs bear.
const TEMPLATES: [(&str, &str); 4] = [
    (WHICH, include_str!("which.j2")),
    (WHICH_RIGHT, include_str!("which-right.j2")),
    (RELEVANCE, include_str!("relevance.j2")),
    (AMBIGUOUS, include_str!("ambiguous.j2")),
];
const WHICH: &str = "which.j2";
const WHICH_RIGHT: &str = "which-right.j2";
const RELEVANCE: &str = "relevance.j2";
const AMBIGUOUS: &str = "ambiguous.j2";

/// What the labels of some rows mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Aim {
    /// The label is the answer that shows a behaviour; its contrast may be empty.
    Behaviour(Box<Behaviour>),
    /// The label is the right answer.
    Right(Box<Behaviour>),
}

impl Aim {
    /// That labels are right answers.
    #[must_use]
    pub fn right() -> Self {
        Self::Right(Box::new(Behaviour::described("", "")))
    }

    fn behaviour(&self) -> &Behaviour {
        match self {
            Self::Behaviour(behaviour) | Self::Right(behaviour) => behaviour,
        }
    }

    fn asks_right(&self) -> bool {
        matches!(self, Self::Right(_))
    }
}

/// A row as judges see it.
#[derive(Debug, Clone, PartialEq)]
pub struct RelabelItem {
    /// Which of the aims it has.
    pub aim: usize,
    /// What is asked, without its answers.
    pub question: String,
    /// Its answers in an order that does not tell the label; 2 to [`MOST_ANSWERS`].
    pub answers: Vec<String>,
    /// For a statement with two answers: what it says, and the place of the answer that agrees with it.
    pub statement: Option<(String, usize)>,
}

/// A judge and how it is asked.
#[derive(Clone, Copy)]
pub struct RelabelJudge<'a> {
    /// The model.
    pub model: &'a dyn Model,
    /// Statements of behaviours with a contrast are scored in either voice instead of being asked about.
    pub by_channel: bool,
    /// Answers are sampled and counted even where log-probabilities could be read.
    pub by_votes: bool,
    /// Whether it is asked for relevance and clearness too.
    pub asks_more: bool,
}

/// Everything that decides what is asked.
pub struct RelabelPlan<'a> {
    /// What labels mean; items point here.
    pub aims: &'a [Aim],
    /// The rows.
    pub items: &'a [RelabelItem],
    /// The judges, each once.
    pub judges: &'a [RelabelJudge<'a>],
    /// The kind whose wordings score statements by channel.
    pub kind: &'a LoadedKind,
    /// Decides sampled votes.
    pub seed: Seed,
}

/// What one judge said.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeLabels {
    /// The judge's name.
    pub judge: String,
    /// One for each item, in their order.
    pub rows: Vec<RowLabels>,
}

/// What one judge said about one row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowLabels {
    /// How its label was read.
    pub method: Method,
    /// P(each answer fits), in the order of the item's answers; over both orders of asking where it was asked.
    pub answers: Answered,
    /// Whether the likeliest answer is the same in both orders; `None` where that was not asked or is not known.
    pub is_steady: Option<bool>,
    /// P(relevance 1 to 5); `None` where it was not asked.
    pub relevance: Option<Answered>,
    /// P(unclear), P(clear); `None` where it was not asked.
    pub unclear: Option<Answered>,
}

/// What all judges said, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Relabelled {
    /// In the order of the judges.
    pub judges: Vec<JudgeLabels>,
    /// Calls that went to a model now; the others were in the store.
    pub sent: CallCounts,
    /// Calls whose replies are used.
    pub used: CallCounts,
}

/// Asks all judges about all rows.
///
/// # Errors
/// No judge or the same one twice, a statement that a judge cannot score by any of its kind's methods, a model that
/// stops, an interrupt, or a store that fails. Replies that came are kept whatever the end.
pub fn relabel(
    plan: &RelabelPlan<'_>,
    store: &ReplyStore,
    interrupt: &Interrupt,
    progress: &dyn Progress,
) -> Result<Relabelled, PipelineError> {
    check(plan)?;
    let prompts = templates()?;
    let mut caller = Caller::new(store, interrupt, progress);
    let mut judges = Vec::new();
    for judge in plan.judges {
        judges.push(JudgeLabels {
            judge: judge.model.identity().name.clone(),
            rows: of_judge(plan, judge, &prompts, &mut caller)?,
        });
    }
    Ok(Relabelled {
        judges,
        sent: caller.sent(),
        used: caller.used(),
    })
}

fn check(plan: &RelabelPlan<'_>) -> Result<(), PipelineError> {
    if plan.judges.is_empty() {
        return Err(PipelineError::NoJudge);
    }
    let mut names = BTreeSet::new();
    for judge in plan.judges {
        let name = &judge.model.identity().name;
        if !names.insert(name.as_str()) {
            return Err(PipelineError::SameJudge { name: name.clone() });
        }
    }
    Ok(())
}

fn templates() -> Result<Prompts, PipelineError> {
    let files: BTreeMap<String, String> = TEMPLATES
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    Ok(Prompts::compile("relabel", &files)?)
}

fn of_judge(
    plan: &RelabelPlan<'_>,
    judge: &RelabelJudge<'_>,
    prompts: &Prompts,
    caller: &mut Caller<'_>,
) -> Result<Vec<RowLabels>, PipelineError> {
    let mut labels: Vec<RowLabels> = Vec::with_capacity(plan.items.len());
    if let Some(first) = asking::first_question(plan, judge, prompts)? {
        caller.try_out(judge.model, &first)?;
    }
    for part in plan.items.chunks(TOGETHER) {
        let mut found: Vec<RowLabels> = part.iter().map(|_| unasked()).collect();
        channel::score(plan, judge, part, &mut found, caller)?;
        asking::ask(plan, judge, part, prompts, &mut found, caller)?;
        labels.append(&mut found);
    }
    Ok(labels)
}

fn unasked() -> RowLabels {
    RowLabels {
        method: Method::Votes,
        answers: Answered::Unknown(UnknownReason::NotAsked),
        is_steady: None,
        relevance: None,
        unclear: None,
    }
}

#[cfg(test)]
mod tests;
