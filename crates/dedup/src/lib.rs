//! Exact, normalised, near and semantic duplicates with order-independent survivors.
//!
//! Functions over texts: no clock, no randomness, and no files but those of a scratch folder that the caller names for a
//! [`Search`] larger than memory. Every pair that counts as near was checked exactly, and the result depends neither on
//! the order of the items nor on the number of threads.

mod alike;
mod bands;
mod error;
mod find;
mod grams;
mod hash;
mod item;
mod join;
mod keys;
mod near_index;
mod normalise;
mod pair;
mod refused;
mod search;
mod semantic;
mod sets;
mod settle;
mod shingle;
mod sketch;
mod texts;
mod union_find;

pub use alike::{Alike, drop_alike};
pub use error::DedupError;
pub use find::{find_duplicates, near_pairs};
pub use item::{Dropped, Item, Layer, Layers, Near, Outcome};
pub use normalise::{Form, compose, fold, normalise, words};
pub use pair::Pair;
pub use search::{Row, Search};
pub use semantic::{SimilarPair, Vectors, repeats_of_references, similar_pairs};
pub use shingle::{Shingle, jaccard};
