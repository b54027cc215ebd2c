//! From the name of a model to the model: one inside the process, one behind a server, or one that was recorded.

mod arguments;
mod embedder;
mod local;
mod of_run;
mod remote;
mod replay;

use evalwright_core::{Model, ModelError, StopReason};
use evalwright_models::Surroundings;
use evalwright_models::money::Price;

pub(crate) use arguments::ModelArguments;
pub(crate) use embedder::LOCAL;
pub(crate) use local::fetch;
pub(crate) use of_run::{Models, asks_judges, asks_writer};
pub(crate) use remote::{Wallet, shown};

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

    /// What a model costs, by its name as the user wrote it. What is recorded costs nothing.
    pub(crate) fn price(&self, name: &str) -> Result<Price, Failure> {
        if name.starts_with("replay/") {
            return Ok(Price::Free);
        }
        self.account.price(name)
    }

    /// The currency of all prices, where there are any.
    pub(crate) fn currency(&self) -> Option<&str> {
        self.account.currency()
    }

    /// What is spent while models are asked; nothing, where nothing has a price.
    pub(crate) fn wallet(&self) -> Option<Wallet> {
        self.account.wallet()
    }

    /// Opens a model by name. Everything that can be wrong with it before the first request is found here.
    pub(crate) fn open(&self, name: &str) -> Result<Box<dyn Model>, Failure> {
        match name.split_once('/') {
            Some(("local", local)) => Ok(Box::new(self.open_local(name, local)?)),
            Some(("replay", file)) => Ok(Box::new(self.open_replay(file)?)),
            _ => Ok(Box::new(self.open_remote(name)?)),
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
        StopReason::NotStored => {
            "name the reply store that the version was made with: --store FILE"
        }
        StopReason::Unsupported => "`evalwright doctor --model MODEL` shows what the server can do",
        StopReason::NoLogProbabilities => {
            "`evalwright doctor --model MODEL` shows what the server can do; a rater with `votes` needs nothing but text"
        }
    })
}
