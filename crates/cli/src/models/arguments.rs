//! Arguments that every command with models has.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;

/// How models run and what they may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Models")]
pub(crate) struct ModelArguments {
    /// Threads for models inside the process [default: one per processor]; changes no row
    #[arg(long, env = "EVALWRIGHT_THREADS")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// The weights of the pinned model as a file of your own
    #[arg(long, env = "EVALWRIGHT_MODEL_PATH", value_name = "FILE")]
    pub(crate) model_path: Option<PathBuf>,
    /// A chat template to use in place of the one in the model's file
    #[arg(long, value_name = "FILE")]
    pub(crate) chat_template: Option<PathBuf>,
    /// What a million tokens of each model behind a server cost
    #[arg(
        long,
        default_value = "prices.toml",
        env = "EVALWRIGHT_PRICES",
        value_name = "FILE"
    )]
    pub(crate) prices: PathBuf,
    /// Never spend more than this, in the currency of the price file
    #[arg(long, env = "EVALWRIGHT_MAX_COST", value_name = "AMOUNT")]
    pub(crate) max_cost: Option<f64>,
    /// Never let servers read and write more tokens than this
    #[arg(long, env = "EVALWRIGHT_MAX_TOKENS", value_name = "TOKENS")]
    pub(crate) max_tokens: Option<u64>,
    /// At most so many connections to each server; changes no row
    #[arg(
        long,
        default_value = "256",
        env = "EVALWRIGHT_MAX_CONNECTIONS",
        value_name = "NUMBER"
    )]
    pub(crate) max_connections: NonZeroUsize,
    /// Ask at most so often for one reply
    #[arg(
        long,
        default_value = "8",
        env = "EVALWRIGHT_MAX_ATTEMPTS",
        value_name = "NUMBER"
    )]
    pub(crate) max_attempts: NonZeroU32,
    /// The longest wait in seconds that a server may ask for; a longer one ends the run, which can go on later
    #[arg(
        long,
        default_value = "120",
        env = "EVALWRIGHT_MAX_WAIT",
        value_name = "SECONDS"
    )]
    pub(crate) max_wait: u64,
    /// The longest time in seconds for one reply
    #[arg(
        long,
        default_value = "600",
        env = "EVALWRIGHT_TIMEOUT",
        value_name = "SECONDS"
    )]
    pub(crate) timeout: u64,
}
