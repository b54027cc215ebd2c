//! What is written where: data to standard output, talk to standard error.
//!
//! Model text reaches a terminal only through `visible`. A reader that went away is no error.

use std::io::{IsTerminal, Write};

use evalwright_core::show::visible;
use serde::Serialize;

use crate::failure::{Failure, Kind};

/// Writes to the two streams.
pub(crate) struct Printer {
    terminal: bool,
}

impl Printer {
    pub(crate) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Whether a person watches standard error.
    pub(crate) fn is_watched(&self) -> bool {
        self.terminal
    }

    /// A line or more of data.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                out.write_all(b"\n")
            }
        });
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
                Kind::Unexpected,
                format!("cannot write to standard output: {error}"),
            )),
            _ => Ok(()),
        }
    }

    /// One JSON document of data.
    pub(crate) fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| {
            Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}"))
        })?;
        self.data(&text)
    }

    /// A line of talk.
    pub(crate) fn say(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        // Nobody is left to tell when standard error is gone.
        writeln!(err, "{}", visible(text)).ok();
    }

    /// The error, its causes, and after a blank line what may help.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.say(&format!("error: {}", failure.message()));
        for cause in failure.causes() {
            self.say(&format!("  because: {cause}"));
        }
        if !failure.hints().is_empty() {
            self.say("");
            for hint in failure.hints() {
                self.say(&format!("hint: {hint}"));
            }
        }
    }
}
