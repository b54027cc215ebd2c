//! Agreement, intervals, calibration, give-aways and diversity as pure functions.
//!
//! Invariant: no function returns a number that is not finite. What is undefined is `None`, or comes with the
//! reason; nothing here reads a clock, a file or a source of chance of its own, and no result depends on the number of
//! threads.

pub mod agreement;
pub mod area;
pub mod beta;
mod binomial;
pub mod bootstrap;
pub mod calibration;
pub mod chance;
pub mod chi_square;
pub mod coefficient;
pub mod confusion;
pub mod dawid_skene;
pub mod describe;
pub mod diversity;
mod eigen;
pub mod error;
pub mod folds;
pub mod giveaway;
pub mod interval;
pub mod isotonic;
pub mod krippendorff;
pub mod label_error;
pub mod majority;
pub mod pair;
pub mod planning;
pub mod position;
pub mod profile;
mod random;
pub mod ratings;
mod resample;
pub mod sample;
pub mod summary;
pub mod threshold;
pub mod undefined;
pub mod weights;

pub use agreement::{CohenKappa, agreement_share, cohen_kappa, gwet_ac1};
pub use area::{area_interval, area_under_curve};
pub use bootstrap::bootstrap_interval;
pub use calibration::{
    Calibration, ReliabilityBin, brier_score, expected_calibration_error, fit_logistic, reliability,
};
pub use chi_square::{ChiSquare, chi_square, evenness};
pub use coefficient::Coefficient;
pub use describe::{Summary, histogram, quantile, summarise};
pub use error::StatsError;
pub use interval::{Interval, normal_quantile, wilson};
pub use isotonic::{IsotonicCurve, fit_isotonic};
pub use profile::Profiles;
pub use ratings::{Label, MISSING, RatingTable, RatingTableBuilder};
pub use summary::{RatingSummary, SummaryOptions, summarise_ratings};
pub use undefined::Undefined;
