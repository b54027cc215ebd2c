//! What can be wrong with a request to find duplicates. Texts are never wrong: any text can be compared.

/// Why no duplicates were looked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DedupError {
    /// The threshold is no similarity that two different texts could have to reach.
    #[error("near threshold {threshold} is not in (0, 1]: give a Jaccard similarity such as 0.7")]
    Threshold {
        /// The threshold given.
        threshold: f64,
    },
    /// The shingle cannot be read.
    #[error("shingle `{text}` is unknown: write `word-N` or `character-N` with N of at least 1")]
    Shingle {
        /// The text given.
        text: String,
    },
    /// A shingle of no words or characters.
    #[error("a shingle of 0 {unit}s holds nothing: use at least 1")]
    EmptyShingle {
        /// `word` or `character`.
        unit: &'static str,
    },
    /// A priority that cannot be put in order.
    #[error("item {index} (`{id}`) has no priority (it is not a number): give a finite one")]
    Priority {
        /// Position of the item.
        index: usize,
        /// Its id.
        id: String,
    },
    /// More items than positions of 32 bits.
    #[error(
        "{count} items are more than one search can hold (4294967295): split them by label or topic"
    )]
    TooMany {
        /// How many were given.
        count: usize,
    },
}
