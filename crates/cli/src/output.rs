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
        self.say(&format!("error: {}", without_keys(failure.message())));
        for cause in failure.causes() {
            self.say(&format!("  because: {}", without_keys(cause)));
        }
        if !failure.hints().is_empty() {
            self.say("");
            for hint in failure.hints() {
                self.say(&format!("hint: {hint}"));
            }
        }
    }
}

/// A message in which no address shows its user, password or query: those can be keys. Messages quote what the user
/// wrote, with the addresses of models.
fn without_keys(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let ends = |c: char| c.is_whitespace() || "\"'`<>".contains(c);
        let (address, behind) = after.split_at(after.find(ends).unwrap_or(after.len()));
        let (place, query) = match address.split_once('?') {
            Some((place, _)) => (place, "?…"),
            None => (address, ""),
        };
        match place.rsplit_once('@') {
            Some((_, place)) => shown.push_str(&format!("…@{place}")),
            None => shown.push_str(place),
        }
        shown.push_str(query);
        rest = behind;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::without_keys;

    #[test]
    fn addresses_in_messages_show_no_key() {
        for (text, shown) in [
            ("no address", "no address"),
            (
                "see https://h.invalid/v1 or write",
                "see https://h.invalid/v1 or write",
            ),
            (
                "`judges` repeats \"vllm/m@http://me:invented@h:1/v1?key=invented\" here",
                "`judges` repeats \"vllm/m@http://…@h:1/v1?…\" here",
            ),
            ("http://a:b@c and http://d?e", "http://…@c and http://d?…"),
            ("ends with ://", "ends with ://"),
        ] {
            assert_eq!(without_keys(text), shown);
        }
    }
}
