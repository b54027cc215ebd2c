//! The commands, one file each.

mod completions;
mod doctor;
mod init;
mod kinds;
mod model;
mod replies;
mod report;
mod run;

use clap::Subcommand;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Printer;

/// What the user types first.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a dataset from a behaviour file
    Run(run::RunArguments),
    /// Fetch, list and find the weights of models that run inside the process
    Model(model::ModelArguments),
    /// List, show, export and prune the stored replies, and say why one was asked for again
    Replies(replies::RepliesArguments),
    /// Build the report of a published version again
    Report(report::ReportArguments),
    /// Ask a model what it can do
    Doctor(doctor::DoctorArguments),
    /// List kinds, show one, or render its prompts
    Kinds(kinds::KindsArguments),
    /// Write a project to start from
    Init(init::InitArguments),
    /// Print the completions for a shell
    Completions(completions::CompletionsArguments),
}

impl Command {
    pub(crate) fn run(&self, printer: &Printer, environment: &Environment) -> Result<u8, Failure> {
        match self {
            Self::Run(arguments) => run::run(arguments, printer, environment),
            Self::Model(arguments) => model::run(arguments, printer, environment),
            Self::Replies(arguments) => replies::run(arguments, printer, environment),
            Self::Report(arguments) => report::run(arguments, printer),
            Self::Doctor(arguments) => doctor::run(arguments, printer, environment),
            Self::Kinds(arguments) => kinds::run(arguments, printer),
            Self::Init(arguments) => init::run(arguments, printer),
            Self::Completions(arguments) => completions::run(arguments, printer),
        }
    }
}
