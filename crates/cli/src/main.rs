//! `evalwright`: makes, regenerates and audits evaluation datasets with language models.
//!
//! This crate parses arguments, prints, and chooses the exit code; everything else is in the libraries.
//! Data goes to standard output, talk to standard error.

mod again;
mod anchors;
mod changelog;
mod commands;
mod environment;
mod failure;
mod models;
mod named_files;
mod out_folder;
mod output;
mod progress;
mod rebuild;
mod rule_process;
mod stop;
mod version_files;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::environment::Environment;
use crate::output::Printer;

/// Makes, regenerates and audits evaluation datasets with language models
#[derive(Debug, Parser)]
#[command(name = "evalwright", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 the machine or the program failed (disk, permissions, another run); \
2 wrong command line; 3 a behaviour, kind, template or dataset file is invalid; 4 a model, its weights or the network \
failed; 5 fewer rows than wanted; 6 a limit on money or tokens was reached; 130 interrupted (the same command goes on)";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let printer = Printer::new();
    let ended = Environment::of_process()
        .and_then(|environment| arguments.command.run(&printer, &environment));
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
