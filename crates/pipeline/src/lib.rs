//! Plan, stages and engine: from a behaviour to selected rows.
//!
//! Given the same replies, an [`Outcome`] is the same whatever the order in which they came, the number of
//! threads, and the number of times the run was stopped and started again. No candidate is ever lost:
//! accepted + rejected + pending = asked, after every step.

mod calibrate;
mod calls;
mod draw;
mod engine;
mod error;
mod estimate;
mod inbox;
mod judge;
mod ledger;
mod panel;
mod plan;
mod progress;
mod recipe_hash;
mod record;
pub mod stage;
mod wave;

pub use calls::CallCounts;
pub use engine::{Outcome, run};
pub use error::PipelineError;
pub use estimate::{Bound, Estimate, estimate};
pub use judge::{JudgedText, judge};
pub use ledger::Tally;
pub use plan::RunPlan;
pub use progress::{CallKind, Event, Progress, Silent};
pub use recipe_hash::recipe_hash;
