//! `evalwright model`: the weights of models that run inside the process.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use evalwright_core::exit_code;
use evalwright_models::{find, list};
use serde_json::json;

use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::models::fetch;
use crate::output::Printer;

/// Arguments of `model`.
#[derive(Debug, Args)]
pub(crate) struct ModelArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Fetch a model's weights and check them
    Pull {
        /// The model
        #[arg(default_value = DEFAULT_MODEL)]
        name: String,
        /// Use this file instead of fetching one; it is checked all the same
        #[arg(long, value_name = "FILE")]
        model_path: Option<PathBuf>,
    },
    /// List the models
    List {
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Print where a model's weights are
    Path {
        /// The model
        #[arg(default_value = DEFAULT_MODEL)]
        name: String,
    },
}

const DEFAULT_MODEL: &str = evalwright_recipe::DEFAULT_MODEL;

pub(crate) fn run(
    arguments: &ModelArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let surroundings = environment.surroundings()?;
    match &arguments.action {
        Action::Pull { name, model_path } => {
            let path = fetch(printer, name, model_path.as_deref(), &surroundings)?;
            printer.data(&path.display().to_string())?;
        }
        Action::Path { name } => match find(name, &surroundings)? {
            Some(path) => printer.data(&path.display().to_string())?,
            None => {
                return Err(Failure::new(
                    Kind::Model,
                    format!("the weights of {name} are not on this machine"),
                )
                .hint(format!("`evalwright model pull {name}` fetches them")));
            }
        },
        Action::List { json } => {
            let models = list(&surroundings);
            if *json {
                let models: Vec<_> = models
                    .iter()
                    .map(|model| {
                        json!({
                            "name": model.name,
                            "purpose": model.purpose.as_str(),
                            "bytes": model.bytes,
                            "licence": model.licence,
                            "path": model.path,
                            "verified": model.verified,
                        })
                    })
                    .collect();
                printer.json(&json!({ "models": models }))?;
            } else {
                for model in models {
                    let place = model.path.map_or_else(
                        || "not fetched".to_owned(),
                        |path| path.display().to_string(),
                    );
                    let megabytes = model.bytes / 1_000_000;
                    printer.data(&format!(
                        "{}  {}  {megabytes} MB  {}  {place}",
                        model.name,
                        model.purpose.as_str(),
                        model.licence
                    ))?;
                }
            }
        }
    }
    Ok(exit_code::DONE)
}
