//! Exact, normalised and near duplicates with order-independent survivors.
//!
//! Pure functions over texts: no files, no clock, no randomness. Every pair that counts as near was checked
//! exactly, and the result depends neither on the order of the items nor on the number of threads.

mod bands;
mod error;
mod find;
mod hash;
mod item;
mod join;
mod normalise;
mod shingle;
mod union_find;
mod vocabulary;

pub use error::DedupError;
pub use find::find_duplicates;
pub use item::{Dropped, Item, Layer, Layers, Near, Outcome};
pub use normalise::{compose, fold, normalise};
pub use shingle::{Shingle, jaccard};
