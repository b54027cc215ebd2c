//! From the log-probabilities that servers show to the scores of answers.
//!
//! Servers have half a dozen shapes for the same numbers; [`table`] and [`sent`] make two of them. What a server does
//! not show is never zero: it has an upper bound, or the request has failed.

pub(crate) mod forms;
pub(crate) mod read;
pub(crate) mod sent;
#[cfg(test)]
pub(crate) mod shares;
pub(crate) mod table;

/// What stands for "no value" and for a probability of 0. Servers write -9999 themselves; its exponential is exactly
/// 0, and unlike an infinity it can be written down.
pub(crate) const FLOOR: f64 = -9999.0;

/// How far rounding may carry the mass of all answers above 1, or a log-probability above 0.
pub(crate) const ROUNDING: f64 = 1e-3;

/// The same for the mass of all tokens shown at a position, each of which the server may have rounded.
pub(crate) const SHOWN_ROUNDING: f64 = 1e-2;
