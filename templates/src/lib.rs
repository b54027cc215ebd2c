//! The built-in kinds, embedded in the binary.
