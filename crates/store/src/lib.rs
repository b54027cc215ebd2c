//! The reply store: one SQLite file in which a reply is durable before anything looks at it.
//!
//! A key is a hash over everything that can change the answer, so equal keys mean equal questions. The
//! first reply under a key stays; another reply under the same key is an error, and only
//! [`ReplyStore::prune`] takes anything out. What is read equals, bit for bit, what was put. A failure that
//! asking again may mend is no reply: it is kept as an attempt and never stands in a reply's way.

mod attempt;
mod browse;
mod check;
mod embedding;
mod error;
mod export;
mod key;
mod miss;
mod prune;
mod schema;
mod selection;
mod store;

pub use attempt::{Attempt, AttemptStatus, StoredAttempt};
pub use browse::{Listed, Shown};
pub use check::Checked;
pub use embedding::embedding_key;
pub use error::StoreError;
pub use key::{ModelKey, sample_key, score_key};
pub use miss::{Difference, NearMiss};
pub use prune::Pruned;
pub use schema::SCHEMA_VERSION;
pub use selection::{ReplyKind, ReplyStatus, Selection};
pub use store::{Entry, Found, ReplyStore, ScoreEntry, TextEntry};
