//! Behaviour files, kind folders and their prompts.
//!
//! Texts come in, checked values go out: only [`read_kind_folder`] touches the disk. Whatever is wrong
//! with a file is found here, with its line and column, before any model is called.

mod against;
pub mod behaviour;
mod behaviour_file;
pub mod calibration_file;
pub mod choices;
mod described;
pub mod document;
pub mod error;
mod flow;
pub mod folder;
mod item_preview;
pub mod item_stage;
mod item_stage_file;
pub mod kind;
mod kind_file;
pub mod lint_stage;
mod preview;
pub mod prompts;
mod recorded;
pub mod schema;
mod select_file;
mod stage_file;
pub mod table;

pub use against::{Against, Reference};
pub use behaviour::{
    Behaviour, CalibrationChoice, Examples, HeldCell, HeldSlots, Models, Subject, UserTable,
};
pub use behaviour_file::{DEFAULT_MODEL, kind_of_behaviour, load_behaviour, load_behaviour_of};
pub use calibration_file::CalibrationFile;
pub use described::described_behaviours;
pub use error::{Fault, RecipeError};
pub use folder::{KindFolder, builtin_kinds, find_kind, read_kind_folder};
pub use item_preview::sample_fields;
pub use item_stage::{
    Additions, AnswerPlace, CheckStage, CrossStage, DrawnRow, EmitField, EmitItemStage, EmitValue,
    FollowStage, Gold, OptionsOf, Placing, RepeatStage, Rule, RuleCommand, RuleValue, StartField,
    TableStage, Test,
};
pub use item_stage_file::FIELD_PARSERS;
pub use kind::{
    AnswerForms, AskPlan, AskStage, Balance, ClusterBy, Clustering, Combine, Curve, DedupStage,
    EmitAnswers, EmitStage, Kind, Order, Origin, Part, Rater, Reasons, ScoreStage, SelectStage,
    Stage, Take, VoteDraws,
};
pub use kind_file::{Guide, Known, LoadedKind, SettingGuide, TableGuide, load_kind};
pub use lint_stage::{LintRule, LintStage, Pattern, RuleAction, RuleField, RuleFinder, TextForm};
pub use preview::{SamplePrompt, check_prompts, sample_prompts};
pub use prompts::{Prompts, Values};
pub use recorded::recorded_behaviour;
