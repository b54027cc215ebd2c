//! Plan, stages and engine: from a behaviour to selected rows.
//!
//! Given the same replies, an [`Outcome`] is the same whatever the order in which they came, the number of
//! threads, and the number of times the run was stopped and started again. No candidate is ever lost:
//! accepted + rejected + pending = asked, after every step.

mod advice;
mod calibrate;
mod calls;
mod choose;
mod deal;
mod draw;
mod engine;
mod error;
mod estimate;
mod inbox;
mod items;
mod judge;
mod ledger;
mod no_model;
mod panel;
mod plan;
mod progress;
mod recipe_hash;
mod record;
mod recorded;
mod relabel;
pub mod stage;
mod trace;
mod trial;
mod vectors;
mod wave;

pub use advice::{UNUSED, advice};
pub use calls::CallCounts;
pub use engine::{Outcome, run, run_with_rules};
pub use error::PipelineError;
pub use estimate::{Bound, Estimate, ModelTokens, estimate};
pub use judge::{JudgedText, judge, judge_again};
pub use ledger::Tally;
pub use no_model::NoModel;
pub use plan::{RunPlan, rows_at_once};
pub use progress::{CallKind, Event, Progress, Silent};
pub use recipe_hash::recipe_hash;
pub use record::rater_records;
pub use recorded::{RecordedEmbedder, RecordedModel};
pub use relabel::{
    Aim, Answered, JudgeLabels, MOST_ANSWERS, RelabelEstimate, RelabelItem, RelabelJudge,
    RelabelPlan, RelabelTokens, Relabelled, RowLabels, estimate_relabel, relabel,
};
pub use stage::outside::{NoProcesses, RuleProcesses};
pub use stage::select::letters::{Options, place_answers};
pub use trace::{Trace, TracedCall, TracedRequest, trace};
