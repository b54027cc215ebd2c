//! The words of the field as types, and the traits that a model implements.
//!
//! Nothing here reads a file, opens a socket, looks at a clock or draws a random number: every crate
//! above can be tested with values alone. One word per idea: see `ARCHITECTURE.md`, "Words".

pub mod answer;
pub mod call;
pub mod candidate;
pub mod embedder;
pub mod exit_code;
pub mod hash;
pub mod interrupt;
pub mod item;
pub mod model;
pub mod name;
pub mod plan;
pub mod prompt;
pub mod row;
pub mod seed;
pub mod show;
pub mod verdict;

pub use answer::Side;
pub use call::{
    AnswerScore, Finish, ReplyNote, SampleRequest, Sampling, ScoreMode, ScoreReply, ScoreRequest,
    TextReply, TokenUsage,
};
pub use candidate::{Candidate, Reject, RejectReason};
pub use embedder::{Embedder, scale_to_unit_length};
pub use hash::ContentHash;
pub use interrupt::{Interrupt, Unkept};
pub use item::{Fields, Step, field_text};
pub use model::{Abilities, Model, ModelError, ModelIdentity, SlotFailure, Spending, StopReason};
pub use name::{DatasetName, NameError};
pub use plan::{Cell, Group, SlotName};
pub use prompt::{Message, Prompt, Role};
pub use row::{Row, RowMetadata};
pub use seed::Seed;
pub use verdict::{
    Judgement, Method, Probability, ProbabilityError, UnknownReason, Verdict, Votes,
};
