//! Turns the engine's errors into faults with a place.
//!
//! The engine wraps an error once per include; the innermost one is the cause and has the place.

use std::error::Error as _;

use minijinja::ErrorKind;

use super::{FUEL, OUTPUT, Prompts};
use crate::error::{RecipeError, Source, did_you_mean, list};

impl Prompts {
    /// The innermost error of a chain, at its place. `defined` are the variables that the rendering had.
    pub(super) fn explain(
        &self,
        template: &str,
        error: &minijinja::Error,
        defined: &[&str],
    ) -> RecipeError {
        let mut cause = error;
        while let Some(inner) = cause
            .source()
            .and_then(|inner| inner.downcast_ref::<minijinja::Error>())
        {
            cause = inner;
        }
        let place = [cause, error]
            .into_iter()
            .find(|error| {
                error
                    .name()
                    .is_some_and(|name| self.sources.contains_key(name))
            })
            .unwrap_or(cause);
        let template = place
            .name()
            .filter(|name| self.sources.contains_key(*name))
            .unwrap_or(template);
        let file = self.shown(template);
        let source = Source {
            file: &file,
            text: self.source(template),
        };
        let message = self.message(cause, place.line(), defined);
        match (place.range(), place.line()) {
            (Some(range), _) => source.fault(range, message),
            (None, Some(line)) => source.fault_on_line(line, message),
            (None, None) => source.fault_of_file(message),
        }
    }

    fn message(&self, cause: &minijinja::Error, line: Option<usize>, defined: &[&str]) -> String {
        let at = line.map_or_else(String::new, |line| format!(" in line {line}"));
        let detail = cause.detail().unwrap_or_default();
        match cause.kind() {
            ErrorKind::UndefinedError => {
                let name = detail
                    .strip_prefix('`')
                    .and_then(|rest| rest.split_once('`'))
                    .map(|(name, _)| name);
                match name {
                    Some(name) => undefined(name, &at, defined),
                    None => format!("a value{at} is not defined: {detail}"),
                }
            }
            ErrorKind::OutOfFuel => {
                format!("the template{at} passes the limit of {FUEL} steps of work")
            }
            ErrorKind::WriteFailure => {
                format!("the template{at} passes the limit of {OUTPUT} bytes of output")
            }
            ErrorKind::TemplateNotFound => {
                format!("{detail}{at}; templates: {}", list(&self.names()))
            }
            kind if detail.is_empty() => format!("{kind}{at}"),
            kind => format!("{kind}{at}: {detail}"),
        }
    }
}

/// The message about a variable that is not defined.
pub(super) fn undefined(name: &str, at: &str, defined: &[&str]) -> String {
    let help = did_you_mean(name, "variables here", defined);
    format!("the variable `{name}`{at} is not defined; {help}")
}
