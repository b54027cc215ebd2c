//! A near pair of rows.

/// Two rows whose similarity reaches the threshold; `left < right`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The first row.
    pub left: u32,
    /// The second.
    pub right: u32,
    /// The exact Jaccard similarity, or the cosine, in (0, 1].
    pub similarity: f64,
}

impl Pair {
    /// In whatever order the two come.
    pub(crate) fn new(a: u32, b: u32, similarity: f64) -> Self {
        Self {
            left: a.min(b),
            right: a.max(b),
            similarity,
        }
    }
}
