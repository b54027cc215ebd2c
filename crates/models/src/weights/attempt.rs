//! One source that was asked and did not have the file.

use std::error::Error;
use std::fmt;

use super::error::WeightsError;

/// A source and why it did not give the file.
#[derive(Debug)]
pub struct Attempt {
    /// The source in words, with its path or address.
    pub place: String,
    /// Why; none when it was left out because of `offline`.
    pub reason: Option<WeightsError>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(formatter, "{}: {}", self.place, with_causes(reason)),
            None => write!(
                formatter,
                "{}: not asked, because offline is set",
                self.place
            ),
        }
    }
}

/// An error's message followed by those of its causes, each once.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = inner.source();
    }
    text
}
