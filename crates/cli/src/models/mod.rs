//! From the name of a model to the model: one inside the process, or one behind a server.

mod arguments;
mod local;
mod remote;

use evalwright_core::{Model, ModelError, StopReason};
use evalwright_models::Surroundings;

pub(crate) use arguments::ModelArguments;
pub(crate) use local::fetch;
pub(crate) use remote::shown;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Printer;
use remote::Account;

/// How models are opened: once for a command.
pub(crate) struct Opening<'a> {
    pub(crate) printer: &'a Printer,
    pub(crate) arguments: &'a ModelArguments,
    environment: &'a Environment,
    surroundings: Surroundings,
    pub(crate) threads: usize,
    account: Account,
}

impl<'a> Opening<'a> {
    /// Reads what all models share: threads, prices, limits. Opens nothing.
    pub(crate) fn new(
        arguments: &'a ModelArguments,
        printer: &'a Printer,
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        let threads = arguments
            .threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, std::num::NonZeroUsize::get);
        Ok(Self {
            printer,
            arguments,
            environment,
            surroundings: environment.surroundings()?,
            threads,
            account: Account::read(arguments)?,
        })
    }

    /// Opens a model by name. Everything that can be wrong with it before the first request is found here.
    pub(crate) fn open(&self, name: &str) -> Result<Box<dyn Model>, Failure> {
        match name.strip_prefix("local/") {
            Some(local) => Ok(Box::new(self.open_local(name, local)?)),
            None => Ok(Box::new(self.open_remote(name)?)),
        }
    }
}

/// What may help a user whose model stopped.
pub(crate) fn hint(error: &ModelError) -> Option<&'static str> {
    let ModelError::Stopped { reason, .. } = error else {
        return None;
    };
    Some(match reason {
        StopReason::KeyRefused | StopReason::NotFound | StopReason::Redirected => {
            "`evalwright doctor --model MODEL` asks the server what it can do"
        }
        StopReason::QuotaExhausted | StopReason::WaitTooLong | StopReason::ServerSick => {
            "every reply so far is kept; the same command goes on from here"
        }
        StopReason::BudgetSpent => {
            "every reply so far is kept; raise --max-cost or --max-tokens and give the same command again"
        }
        StopReason::Unsupported => "`evalwright doctor --model MODEL` shows what the server can do",
        StopReason::NoLogProbabilities => {
            "`evalwright doctor --model MODEL` shows what the server can do; a rater with `votes` needs nothing but text"
        }
    })
}
