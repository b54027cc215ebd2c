//! The stages: one file each, and one line each in [`STAGES`].
//!
//! `table` and `cross` say what items begin as. `ask`, `lint`, `score`, `check` and `repeat` look at one candidate at a
//! time and run within each wave; `dedup`, `select` and `emit` need all candidates and run after the last wave
//! (`dedup` also counts survivors between waves). A `cross` after `select` makes several rows of each candidate.

pub(crate) mod ask;
pub(crate) mod check;
pub(crate) mod dedup;
pub(crate) mod emit;
pub(crate) mod emit_item;
pub(crate) mod follow;
pub(crate) mod lint;
pub(crate) mod outside;
pub(crate) mod reading;
pub(crate) mod score;
pub(crate) mod select;

use std::collections::{BTreeMap, BTreeSet};

use evalwright_recipe::{
    CheckStage, EmitItemStage, EmitStage, FollowStage, Kind, RepeatStage, SelectStage, Stage,
};

use crate::error::PipelineError;
use crate::panel::LABEL;

/// What a stage is called, does, and where it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageRule {
    /// The word in `use = "…"`.
    pub word: &'static str,
    /// What it does, in one sentence.
    pub does: &'static str,
    /// Stages stand in the order of this number; those with the same number may stand in any order.
    pub place: u8,
    /// Fewest of it in a kind.
    pub least: usize,
    /// Most of it in a kind.
    pub most: usize,
}

/// All stages; the order is the order in help, documents and tests.
pub static STAGES: [StageRule; 10] = [
    StageRule {
        word: "table",
        does: "begins items from the rows of a side table",
        place: 0,
        least: 0,
        most: usize::MAX,
    },
    StageRule {
        word: "cross",
        does: "takes each item with each row of a table, or each of several variants",
        place: 0,
        least: 0,
        most: usize::MAX,
    },
    StageRule {
        word: "ask",
        does: "renders a prompt for each slot, lets the generator write, and takes the reply apart",
        place: 1,
        least: 1,
        most: 1,
    },
    StageRule {
        word: "lint",
        does: "drops or flags candidates by rule",
        place: 2,
        least: 0,
        most: usize::MAX,
    },
    StageRule {
        word: "score",
        does: "asks every judge under every wording how likely each side is, or whether a requirement holds",
        place: 2,
        least: 1,
        most: usize::MAX,
    },
    StageRule {
        word: "check",
        does: "drops candidates whose fields break a rule",
        place: 2,
        least: 0,
        most: usize::MAX,
    },
    StageRule {
        word: "repeat",
        does: "asks about each candidate, several rounds",
        place: 2,
        least: 0,
        most: usize::MAX,
    },
    StageRule {
        word: "dedup",
        does: "keeps the surest of each cluster of duplicates, and none of those on both sides",
        place: 3,
        least: 0,
        most: 1,
    },
    StageRule {
        word: "select",
        does: "chooses equally many rows for each label and puts them in order",
        place: 4,
        least: 1,
        most: 1,
    },
    StageRule {
        word: "emit",
        does: "maps each chosen candidate to a row",
        place: 5,
        least: 1,
        most: 1,
    },
];

/// A stage with the name that slots, rejects and the funnel know it by.
#[derive(Debug)]
pub(crate) struct Named<T> {
    /// The word of its `use`, with a number from the second one on: `lint`, `lint-2`.
    pub(crate) name: String,
    /// What the kind file says.
    pub(crate) options: T,
}

/// A stage that looks at one candidate at a time.
#[derive(Debug)]
pub(crate) enum Filter<'a> {
    /// A question about the candidate.
    Follow(Named<&'a FollowStage>),
    /// Several rounds of questions.
    Repeat(Named<&'a RepeatStage>),
    /// By rules about fields.
    Check(Named<&'a CheckStage>),
    /// By rule.
    Lint(Named<lint::Rules>),
    /// By judges.
    Score(Named<score::Scoring<'a>>),
}

impl Filter<'_> {
    /// The name that rejects and the funnel know it by.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Follow(follow) => &follow.name,
            Self::Repeat(repeat) => &repeat.name,
            Self::Check(check) => &check.name,
            Self::Lint(lint) => &lint.name,
            Self::Score(score) => &score.name,
        }
    }
}

/// A kind's stages, known to fit together.
#[derive(Debug)]
pub(crate) struct Stages<'a> {
    /// How candidates come; `None` where items are candidates as they are.
    pub(crate) ask: Option<Named<ask::Asking<'a>>>,
    /// What each of them goes through, in order; exactly one scores the label of statements.
    pub(crate) filters: Vec<Filter<'a>>,
    /// How duplicates are found, if at all.
    pub(crate) dedup: Option<Named<dedup::Deduping>>,
    /// How rows are chosen.
    pub(crate) select: Named<&'a SelectStage>,
    /// How rows are written.
    pub(crate) emit: Named<Emission<'a>>,
}

/// How rows are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Emission<'a> {
    /// Statements.
    Statement(&'a EmitStage),
    /// Field by field.
    Item(&'a EmitItemStage),
}

impl<'a> Stages<'a> {
    /// Checks the order and number of a kind's stages, and that its lints and parser exist.
    pub(crate) fn new(kind: &'a Kind) -> Result<Self, PipelineError> {
        let refuse = |problem: String| PipelineError::Stages {
            kind: kind.name.clone(),
            preset: kind.preset.clone(),
            problem,
        };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut before: Option<&StageRule> = None;
        let (mut ask, mut deduping, mut select, mut emit) = (None, None, None, None);
        let mut filters = Vec::new();
        for stage in &kind.stages {
            let rule = rule_of(stage);
            // A kind that maps fields has had its order checked where it was read, and crosses after it selects.
            if let Some(before) =
                before.filter(|before| before.place > rule.place && !kind.maps_fields())
            {
                return Err(refuse(format!(
                    "stage `{}` stands after `{}`; the order is {}",
                    rule.word,
                    before.word,
                    order()
                )));
            }
            before = Some(rule);
            let count = counts.entry(rule.word).or_default();
            *count += 1;
            let name = if *count == 1 {
                rule.word.to_owned()
            } else {
                format!("{}-{count}", rule.word)
            };
            match stage {
                Stage::Ask(options) => {
                    let options = ask::Asking::new(options).map_err(refuse)?;
                    ask = Some(Named { name, options });
                }
                Stage::Lint(options) => {
                    let options = lint::Rules::new(options).map_err(refuse)?;
                    filters.push(Filter::Lint(Named { name, options }));
                }
                Stage::Score(options) => {
                    let options = score::Scoring::new(options).map_err(refuse)?;
                    filters.push(Filter::Score(Named { name, options }));
                }
                Stage::Dedup(options) => {
                    let options = dedup::Deduping::new(options).map_err(refuse)?;
                    deduping = Some(Named { name, options });
                }
                Stage::Select(options) => select = Some(Named { name, options }),
                Stage::Emit(options) => {
                    let options = Emission::Statement(options);
                    emit = Some(Named { name, options });
                }
                Stage::EmitItem(options) => {
                    let options = Emission::Item(options);
                    emit = Some(Named { name, options });
                }
                Stage::Follow(options) => filters.push(Filter::Follow(Named { name, options })),
                Stage::Repeat(options) => filters.push(Filter::Repeat(Named { name, options })),
                Stage::Check(options) => filters.push(Filter::Check(Named { name, options })),
                // What items begin as, and what rows are crossed with, is read where it is needed.
                Stage::Table(_) | Stage::Cross(_) => {}
            }
        }
        for rule in &STAGES {
            let count = counts.get(rule.word).copied().unwrap_or(0);
            let is_free = kind.maps_fields() && matches!(rule.word, "ask" | "score");
            if !is_free && (count < rule.least || count > rule.most) {
                return Err(refuse(format!(
                    "there are {count} `{}` stages; {}",
                    rule.word,
                    if count < rule.least {
                        "one is needed"
                    } else {
                        "one is the most"
                    }
                )));
            }
        }
        let requirements: Vec<&str> = kind
            .stages
            .iter()
            .filter_map(|stage| match stage {
                Stage::Score(score) => Some(score.requirement.as_str()),
                _ => None,
            })
            .collect();
        let distinct: BTreeSet<&str> = requirements.iter().copied().collect();
        let has_label = distinct.contains(LABEL) || kind.maps_fields();
        if distinct.len() != requirements.len() || !has_label {
            return Err(refuse(format!(
                "the requirements of its `score` stages are {}; each may stand once, and `{LABEL}` must be one",
                requirements.join(", ")
            )));
        }
        match (ask, select, emit) {
            (ask, Some(select), Some(emit)) if ask.is_some() || kind.maps_fields() => Ok(Self {
                ask,
                filters,
                dedup: deduping,
                select,
                emit,
            }),
            _ => Err(refuse(format!(
                "a stage is missing; the order is {}",
                order()
            ))),
        }
    }

    /// The score stages.
    pub(crate) fn scores(&self) -> impl Iterator<Item = &Named<score::Scoring<'a>>> {
        self.filters.iter().filter_map(|filter| match filter {
            Filter::Score(score) => Some(score),
            _ => None,
        })
    }

    /// The stage that judges the label.
    pub(crate) fn label_score(&self) -> Option<&Named<score::Scoring<'a>>> {
        self.scores()
            .find(|score| score.options.options().requirement == LABEL)
    }

    /// The names of all stages in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.ask.iter().map(|ask| ask.name.as_str()).collect();
        names.extend(self.filters.iter().map(Filter::name));
        names.extend(self.dedup.as_ref().map(|dedup| dedup.name.as_str()));
        names.push(&self.select.name);
        names.push(&self.emit.name);
        names
    }
}

/// The rule of a stage's word.
fn rule_of(stage: &Stage) -> &'static StageRule {
    let [
        table,
        cross,
        ask,
        lint,
        score,
        check,
        repeat,
        dedup,
        select,
        emit,
    ] = &STAGES;
    match stage {
        Stage::Table(_) => table,
        Stage::Cross(_) => cross,
        Stage::Ask(_) | Stage::Follow(_) => ask,
        Stage::Lint(_) => lint,
        Stage::Score(_) => score,
        Stage::Check(_) => check,
        Stage::Repeat(_) => repeat,
        Stage::Dedup(_) => dedup,
        Stage::Select(_) => select,
        Stage::Emit(_) | Stage::EmitItem(_) => emit,
    }
}

/// The order in which stages stand, in words.
fn order() -> String {
    STAGES
        .iter()
        .map(|rule| format!("`{}`", rule.word))
        .collect::<Vec<_>>()
        .join(", ")
}
