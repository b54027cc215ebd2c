//! `evalwright explain` and `evalwright why`: the whole way of one row, or of one candidate that fell.
//!
//! Nothing is asked and nothing is written. Prompts are rendered from the version's own recipe and compared by their
//! keys; replies come from the store.

mod find;
mod show;
mod way;

use std::path::PathBuf;

use clap::Args;
use evalwright_core::exit_code;

use crate::failure::Failure;
use crate::output::Printer;
use way::Sources;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The id of a row or of a candidate, or enough of its beginning
    id: String,
    /// A folder that holds datasets, a dataset or a version; may be given more than once
    #[arg(
        long = "in",
        value_name = "FOLDER",
        default_value = "generated",
        env = "EVALWRIGHT_OUT"
    )]
    folders: Vec<PathBuf>,
    /// The reply store
    #[arg(
        long,
        default_value = ".evalwright/replies.db",
        env = "EVALWRIGHT_STORE",
        value_name = "FILE"
    )]
    store: PathBuf,
    /// The project's folder: its `kinds/` folder, and files that the behaviour names
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &ExplainArguments, printer: &Printer) -> Result<u8, Failure> {
    let found = find::find(&arguments.id, &arguments.folders, printer)?;
    let sources = Sources {
        project: &arguments.project,
        store_path: &arguments.store,
    };
    let explanation = way::explain(found, &sources)?;
    if arguments.json {
        printer.json(&explanation)?;
    } else {
        printer.data(&show::text(&explanation))?;
    }
    Ok(exit_code::DONE)
}
