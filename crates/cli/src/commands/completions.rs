//! `evalwright completions`: prints the completions for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use evalwright_core::exit_code;

use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &CompletionsArguments, printer: &Printer) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut crate::Arguments::command(),
        "evalwright",
        &mut text,
    );
    let text = String::from_utf8(text)
        .map_err(|error| Failure::new(Kind::Unexpected, error.to_string()))?;
    printer.data(&text)?;
    Ok(exit_code::DONE)
}
