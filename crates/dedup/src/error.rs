//! What can be wrong with a request to find duplicates. Texts are never wrong: any text can be compared.

/// Why no duplicates were looked for.
#[derive(Debug, thiserror::Error)]
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
    /// Numbers that do not divide into vectors.
    #[error("{numbers} numbers are no whole number of vectors of {dimension}")]
    Dimension {
        /// How many numbers were given.
        numbers: usize,
        /// Numbers in a vector.
        dimension: usize,
    },
    /// A vector whose length is not 1.
    #[error("vector {row} has length {length}: divide each vector by its length first")]
    NotUnit {
        /// Its row.
        row: usize,
        /// Its length.
        length: f64,
    },
    /// The threshold of cosines is none.
    #[error("cosine threshold {threshold} is not in (0, 1]: give one such as 0.85")]
    Cosine {
        /// The threshold given.
        threshold: f64,
    },
    /// Not one vector for each item.
    #[error("{vectors} vectors for {items} items: give one for each")]
    Vectors {
        /// How many vectors were given.
        vectors: usize,
        /// How many items.
        items: usize,
    },
    /// A file of the scratch folder cannot be made, written or read.
    #[error("cannot use a scratch file")]
    Scratch {
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl DedupError {
    pub(crate) fn scratch(cause: std::io::Error) -> Self {
        Self::Scratch { cause }
    }
}
