//! Exit codes of the binary: documented numbers that scripts may rely on.

/// Done; nothing is wrong.
pub const DONE: u8 = 0;
/// Something unexpected went wrong: a fault of the program, or of the machine.
pub const UNEXPECTED: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// A file of the user's is invalid or cannot be read: a behaviour, a kind, a template, a dataset.
pub const CONFIG: u8 = 3;
/// A model, its weights, its server or the network failed.
pub const MODEL: u8 = 4;
/// Finished, but below what was asked for: fewer rows than wanted, or a failed quality gate.
pub const BELOW_TARGET: u8 = 5;
/// A money or token limit was reached; the same command goes on.
pub const BUDGET: u8 = 6;
/// Interrupted; the same command goes on.
pub const INTERRUPTED: u8 = 130;
