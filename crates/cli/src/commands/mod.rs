//! The commands, one file each.

mod audit;
mod calibrate;
mod completions;
pub(crate) mod dedup;
pub(crate) mod diff;
mod doctor;
pub(crate) mod estimate;
mod explain;
mod export;
pub(crate) mod fix;
mod import;
mod index;
mod init;
mod kind_folder;
pub(crate) mod kinds;
mod lint;
mod model;
mod plan;
mod preview;
mod publish;
mod regenerate;
mod replies;
mod report;
mod run;
mod sample;
pub(crate) mod status;
mod verify;

use clap::Subcommand;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Printer;

/// What the user types first.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a dataset from a behaviour file
    Run(run::RunArguments),
    /// Make a dataset again with other models, as its next version
    Regenerate(regenerate::RegenerateArguments),
    /// Fetch, list and find the weights of models that run inside the process
    Model(model::ModelArguments),
    /// List, show, export and prune the stored replies, and say why one was asked for again
    Replies(replies::RepliesArguments),
    /// Build the report of a published version again
    Report(report::ReportArguments),
    /// Audit the label quality of any dataset
    Audit(audit::AuditArguments),
    /// Fit judges' curves and a minimum confidence to people's labels
    Calibrate(calibrate::CalibrateArguments),
    /// Draw rows for raters, who see no label; `audit --annotations` reads back what they filled in
    Sample(sample::SampleArguments),
    /// Say how many rows and raters an interval of a wanted width needs
    Plan(plan::PlanArguments),
    /// Say what changed between two versions, or any two sets of rows
    Diff(diff::DiffArguments),
    /// Show the whole way of a row, or why a candidate fell (`why` does the same)
    #[command(visible_alias = "why")]
    Explain(explain::ExplainArguments),
    /// Write one static site over many datasets, versions and models
    Index(index::IndexArguments),
    /// Say what versions are worth today, or mark one as draft, dropped or renamed
    Status(status::StatusArguments),
    /// Make the next version without some rows, or with rows mended by hand
    Fix(fix::FixArguments),
    /// Check that published versions are as they were published
    Verify(verify::VerifyArguments),
    /// Find what repeats what in any JSONL files, and write what stays
    Dedup(dedup::DedupArguments),
    /// Write a published version in the format of another tool
    Export(export::ExportArguments),
    /// Publish a version to a dataset repository of a hub
    Publish(publish::PublishArguments),
    /// Make a first version of a dataset of others
    Import(import::ImportArguments),
    /// Ask a model what it can do
    Doctor(doctor::DoctorArguments),
    /// List kinds, show one, or render its prompts
    Kinds(kinds::KindsArguments),
    /// Look for defects in the rows of any JSONL file
    Lint(lint::LintArguments),
    /// Write a project to start from
    Init(init::InitArguments),
    /// Print the completions for a shell
    Completions(completions::CompletionsArguments),
}

impl Command {
    pub(crate) fn run(&self, printer: &Printer, environment: &Environment) -> Result<u8, Failure> {
        match self {
            Self::Run(arguments) => run::run(arguments, printer, environment),
            Self::Regenerate(arguments) => regenerate::run(arguments, printer, environment),
            Self::Model(arguments) => model::run(arguments, printer, environment),
            Self::Replies(arguments) => replies::run(arguments, printer, environment),
            Self::Report(arguments) => report::run(arguments, printer),
            Self::Audit(arguments) => audit::run(arguments, printer, environment),
            Self::Calibrate(arguments) => calibrate::run(arguments, printer),
            Self::Sample(arguments) => sample::run(arguments, printer),
            Self::Plan(arguments) => plan::run(arguments, printer),
            Self::Diff(arguments) => diff::run(arguments, printer),
            Self::Explain(arguments) => explain::run(arguments, printer),
            Self::Index(arguments) => index::run(arguments, printer),
            Self::Status(arguments) => status::run(arguments, printer, environment),
            Self::Fix(arguments) => fix::run(arguments, printer, environment),
            Self::Verify(arguments) => verify::run(arguments, printer),
            Self::Dedup(arguments) => dedup::run(arguments, printer, environment),
            Self::Export(arguments) => export::run(arguments, printer),
            Self::Publish(arguments) => publish::run(arguments, printer, environment),
            Self::Import(arguments) => import::run(arguments, printer, environment),
            Self::Doctor(arguments) => doctor::run(arguments, printer, environment),
            Self::Kinds(arguments) => kinds::run(arguments, printer),
            Self::Lint(arguments) => lint::run(arguments, printer),
            Self::Init(arguments) => init::run(arguments, printer),
            Self::Completions(arguments) => completions::run(arguments, printer),
        }
    }
}
