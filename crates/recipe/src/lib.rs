//! Behaviour files, kind folders and their prompts.
//!
//! Texts come in, checked values go out: only [`read_kind_folder`] touches the disk. Whatever is wrong
//! with a file is found here, with its line and column, before any model is called.

pub mod behaviour;
mod behaviour_file;
pub mod document;
pub mod error;
pub mod folder;
pub mod kind;
mod kind_file;
mod preview;
pub mod prompts;
mod stage_file;

pub use behaviour::{Behaviour, Examples, Models, Subject};
pub use behaviour_file::{DEFAULT_MODEL, load_behaviour};
pub use error::{Fault, RecipeError};
pub use folder::{KindFolder, builtin_kinds, find_kind, read_kind_folder};
pub use kind::{
    AnswerForms, AskPlan, AskStage, Curve, DedupStage, EmitAnswers, EmitStage, Kind, LintStage,
    Order, Origin, Rater, ScoreStage, SelectStage, Stage, Take, VoteDraws,
};
pub use kind_file::{Guide, Known, LoadedKind, load_kind};
pub use preview::{SamplePrompt, check_prompts, sample_prompts};
pub use prompts::{Prompts, Values};
