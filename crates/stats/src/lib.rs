//! Agreement, intervals and calibration as pure functions.
//!
//! Invariant: no function returns a number that is not finite. What is undefined is `None`, or comes with the
//! reason as a sentence; nothing here reads a clock, a file or a source of chance of its own.

pub mod agreement;
pub mod area;
pub mod bootstrap;
pub mod calibration;
pub mod describe;
pub mod interval;
pub mod position;

pub use agreement::{CohenKappa, agreement_share, cohen_kappa, gwet_ac1};
pub use area::area_under_curve;
pub use bootstrap::bootstrap_interval;
pub use calibration::{
    Calibration, ReliabilityBin, expected_calibration_error, fit_logistic, reliability,
};
pub use describe::{Summary, histogram, quantile, summarise};
pub use interval::{Interval, normal_quantile, wilson};
