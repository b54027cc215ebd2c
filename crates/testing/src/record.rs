//! The record of what a server was asked: one JSON line per request.
//!
//! Invariant: a request's line is written before the first byte of its answer is sent, so a test that has
//! the answer also finds the request.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::TestingError;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// The method, as sent.
    pub method: String,
    /// The path with its query, as sent.
    pub target: String,
    /// The headers in the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// Requests that had arrived and of whose answer no byte was sent yet, this one included.
    #[serde(default)]
    pub under_way: usize,
}

impl RecordedRequest {
    /// The first header of this name (upper and lower case are the same).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// Reads a record. A file that is not there yet is a record without requests, and a last line that is
/// still being written is left out.
pub(crate) fn read_record(path: &Path) -> Result<Vec<RecordedRequest>, TestingError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(TestingError::File {
                action: "read",
                path: path.to_owned(),
                source,
            });
        }
    };
    let whole_lines = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole_lines
        .lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|source| TestingError::Json {
                path: path.to_owned(),
                line: index + 1,
                expected: "recorded request",
                source,
            })
        })
        .collect()
}
