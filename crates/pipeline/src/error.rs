//! What can end a run. A single candidate's trouble never does: it becomes a reject.

use evalwright_core::ModelError;
use evalwright_dedup::DedupError;
use evalwright_recipe::RecipeError;
use evalwright_store::StoreError;
use thiserror::Error;

/// Why a run cannot start or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A stop was asked for. Every reply that came is in the store; the same run goes on from there.
    #[error("interrupted; every reply so far is kept, and the same command goes on from here")]
    Interrupted,
    /// A behaviour, kind or template is wrong.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The reply store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Duplicates could not be looked for.
    #[error("stage `dedup`: {0}")]
    Dedup(#[from] DedupError),
    /// A model cannot go on.
    #[error(transparent)]
    Model(ModelError),
    /// A model ended a batch without an answer to every request.
    #[error(
        "model {model} ended its batch with {missing} of {asked} {call} requests unanswered; \
         run the same command again to ask for those alone"
    )]
    Unanswered {
        /// The model's name.
        model: String,
        /// `sample` or `score`.
        call: &'static str,
        /// Requests without an answer.
        missing: u64,
        /// Requests in the batch.
        asked: u64,
    },
    /// The kind's stages do not fit together.
    #[error("kind `{kind}`, preset `{preset}`: {problem}")]
    Stages {
        /// The kind.
        kind: String,
        /// The preset.
        preset: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The process of a rule did not answer as it must.
    #[error("rule `{rule}` on candidate {candidate}: {problem}")]
    Rule {
        /// The rule's name.
        rule: String,
        /// The candidate that it was asked about.
        candidate: String,
        /// What the process did instead.
        problem: String,
    },
    /// The behaviour's calibration file does not fit the run.
    #[error("calibration file {file}: {problem}")]
    Calibration {
        /// The file as the behaviour names it.
        file: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// No judge was given.
    #[error(
        "no model is named that judges: name at least one under `judges` in the behaviour's models"
    )]
    NoJudge,
    /// The kind compares texts by meaning and nothing makes vectors.
    #[error(
        "the kind compares texts by meaning (`semantic` of stage `dedup`, or `clusters` of stage `select`), and no \
         embedder is given that turns texts into vectors"
    )]
    NoEmbedder,
    /// A judge can do nothing that the kind's counting raters ask.
    #[error(
        "judge {judge} can do none of what the kind's counting raters ask ({methods}): name a judge that \
         gives log-probabilities, or give the kind a rater with the method `votes` and `fallback = true`"
    )]
    NoMethod {
        /// The judge's name.
        judge: String,
        /// The methods of the counting raters.
        methods: String,
    },
    /// The same judge was given twice.
    #[error("judge {name} is named twice: its verdicts would count double; name it once")]
    SameJudge {
        /// The model's name.
        name: String,
    },
    /// Fewer rows than one for each label.
    #[error("{rows} rows leave a label without any: ask for at least 2")]
    TooFewRows {
        /// Rows asked for.
        rows: u32,
    },
    /// Rows that cannot be shared out.
    #[error(
        "{rows} rows cannot be shared out: this kind makes them in lots of {lot}, so write a multiple such as \
         `rows = {fits}`"
    )]
    UnevenRows {
        /// Rows asked for.
        rows: u32,
        /// Rows that come together.
        lot: u32,
        /// A number near it that fits.
        fits: u32,
    },
    /// Fewer rows than come together.
    #[error(
        "{rows} rows are fewer than the {lot} that this kind makes at once: ask for at least {lot}"
    )]
    FewerThanOneLot {
        /// Rows asked for.
        rows: u32,
        /// Rows that come together.
        lot: u32,
    },
    /// The system gives no thread for keeping replies.
    #[error("no thread can be started that keeps replies: {0}")]
    Thread(#[source] std::io::Error),
    /// Something could not be written as JSON.
    #[error("the recipe cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<ModelError> for PipelineError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Interrupted => Self::Interrupted,
            other => Self::Model(other),
        }
    }
}
