//! The reply store: one SQLite file in which a reply is durable before anything looks at it.
//!
//! A key is a hash over everything that can change the answer, so equal keys mean equal questions. The
//! first reply under a key stays for good; nothing is ever overwritten, and another reply under the same
//! key is an error. What is read equals, bit for bit, what was put.

mod error;
mod key;
mod schema;
mod store;

pub use error::StoreError;
pub use key::{sample_key, score_key};
pub use schema::SCHEMA_VERSION;
pub use store::{Entry, ReplyStore, ScoreEntry, TextEntry};
