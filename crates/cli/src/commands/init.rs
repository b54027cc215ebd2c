//! `evalwright init`: writes a project to start from.

use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::{DatasetName, exit_code};

use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The folder; made if it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The name of the first behaviour
    #[arg(long, default_value = "my-behaviour")]
    name: String,
}

pub(crate) fn run(arguments: &InitArguments, printer: &Printer) -> Result<u8, Failure> {
    let name = DatasetName::new(&arguments.name)
        .map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
    let folder = &arguments.folder;
    let behaviour = format!("{name}.toml");
    let files = [
        (
            behaviour.as_str(),
            include_str!("../project/behaviour.toml").to_owned(),
        ),
        (
            "README.md",
            include_str!("../project/README.md").replace("{name}", name.as_str()),
        ),
        (
            ".gitignore",
            include_str!("../project/gitignore").to_owned(),
        ),
    ];
    std::fs::create_dir_all(folder).map_err(|cause| Failure::unwritable(folder, &cause))?;
    let there = |file: &str| folder.join(file).exists();
    if let Some((file, _)) = files.iter().find(|(file, _)| there(file)) {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "{} is there already; nothing was written",
                folder.join(file).display()
            ),
        )
        .hint("name another folder, or another behaviour with `--name`"));
    }
    for (file, text) in &files {
        write_new(&folder.join(file), text)?;
    }
    printer.say(&format!(
        "wrote {} files; next: edit {}, then",
        files.len(),
        folder.join(&behaviour).display()
    ));
    printer.data(&format!(
        "evalwright run {}",
        folder.join(&behaviour).display()
    ))?;
    Ok(exit_code::DONE)
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file =
        std::fs::File::create_new(path).map_err(|cause| Failure::unwritable(path, &cause))?;
    std::io::Write::write_all(&mut file, text.as_bytes())
        .map_err(|cause| Failure::unwritable(path, &cause))
}
