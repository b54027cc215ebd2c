//! Everything that speaks HTTP: where model weights come from.
