//! Parsers for model replies, deterministic lints and text normalisation.
