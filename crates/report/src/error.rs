//! What can go wrong while a report is made.

use thiserror::Error;

/// A report could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The manifest is of a format that this program does not read.
    #[error(
        "manifest of dataset {dataset} {version}: schema is {found:?} and this program reads {expected:?}; use the program that made the version"
    )]
    Schema {
        /// The dataset.
        dataset: String,
        /// The version.
        version: String,
        /// The schema in the manifest.
        found: String,
        /// The schema that can be read.
        expected: &'static str,
    },
    /// The figures could not be written as JSON.
    #[error("report of dataset {dataset} could not be written as JSON")]
    Json {
        /// The dataset.
        dataset: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// There is too little to fit a curve to.
    #[error("{0}")]
    Calibration(String),
    /// The page template failed: a fault of this program.
    #[error("report page of dataset {dataset} could not be rendered")]
    Page {
        /// The dataset.
        dataset: String,
        /// The cause.
        #[source]
        source: minijinja::Error,
    },
}
