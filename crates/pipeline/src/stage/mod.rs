//! The stages: one file each, and one line each in [`STAGES`].
//!
//! `ask`, `lint` and `score` look at one candidate at a time and run within each wave; `dedup`, `select` and
//! `emit` need all candidates and run after the last wave (`dedup` also counts survivors between waves).

pub(crate) mod ask;
pub(crate) mod dedup;
pub(crate) mod emit;
pub(crate) mod lint;
pub(crate) mod score;
pub(crate) mod select;

use std::collections::BTreeMap;

use evalwright_recipe::{EmitStage, Kind, SelectStage, Stage};

use crate::error::PipelineError;

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
pub static STAGES: [StageRule; 6] = [
    StageRule {
        word: "ask",
        does: "renders a prompt for each slot, lets the generator write, and takes the reply apart",
        place: 0,
        least: 1,
        most: 1,
    },
    StageRule {
        word: "lint",
        does: "drops or flags candidates by rule",
        place: 1,
        least: 0,
        most: usize::MAX,
    },
    StageRule {
        word: "score",
        does: "asks every judge under every wording how likely each side is",
        place: 1,
        least: 1,
        most: 1,
    },
    StageRule {
        word: "dedup",
        does: "keeps the surest of each cluster of duplicates, and none of those on both sides",
        place: 2,
        least: 0,
        most: 1,
    },
    StageRule {
        word: "select",
        does: "chooses equally many rows for each label and puts them in order",
        place: 3,
        least: 1,
        most: 1,
    },
    StageRule {
        word: "emit",
        does: "maps each chosen candidate to a row",
        place: 4,
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
    /// By rule.
    Lint(Named<lint::Rules>),
    /// By judges.
    Score(Named<score::Scoring<'a>>),
}

/// A kind's stages, known to fit together.
#[derive(Debug)]
pub(crate) struct Stages<'a> {
    /// How candidates come.
    pub(crate) ask: Named<ask::Asking<'a>>,
    /// What each of them goes through, in order; exactly one is a score.
    pub(crate) filters: Vec<Filter<'a>>,
    /// How duplicates are found, if at all.
    pub(crate) dedup: Option<Named<dedup::Deduping>>,
    /// How rows are chosen.
    pub(crate) select: Named<&'a SelectStage>,
    /// How rows are written.
    pub(crate) emit: Named<&'a EmitStage>,
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
            if let Some(before) = before.filter(|before| before.place > rule.place) {
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
                Stage::Emit(options) => emit = Some(Named { name, options }),
            }
        }
        for rule in &STAGES {
            let count = counts.get(rule.word).copied().unwrap_or(0);
            if count < rule.least || count > rule.most {
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
        match (ask, select, emit) {
            (Some(ask), Some(select), Some(emit)) => Ok(Self {
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

    /// The score stage.
    pub(crate) fn score(&self) -> Option<&Named<score::Scoring<'a>>> {
        self.filters.iter().find_map(|filter| match filter {
            Filter::Score(score) => Some(score),
            Filter::Lint(_) => None,
        })
    }

    /// The names of all stages in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names = vec![self.ask.name.as_str()];
        names.extend(self.filters.iter().map(|filter| match filter {
            Filter::Lint(lint) => lint.name.as_str(),
            Filter::Score(score) => score.name.as_str(),
        }));
        names.extend(self.dedup.as_ref().map(|dedup| dedup.name.as_str()));
        names.push(&self.select.name);
        names.push(&self.emit.name);
        names
    }
}

/// The rule of a stage's word.
fn rule_of(stage: &Stage) -> &'static StageRule {
    let [ask, lint, score, dedup, select, emit] = &STAGES;
    match stage {
        Stage::Ask(_) => ask,
        Stage::Lint(_) => lint,
        Stage::Score(_) => score,
        Stage::Dedup(_) => dedup,
        Stage::Select(_) => select,
        Stage::Emit(_) => emit,
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
