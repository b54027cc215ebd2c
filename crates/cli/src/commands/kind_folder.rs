//! `evalwright kinds new` and `evalwright kinds check`: a folder to start from, and what is wrong or odd with one.

use std::path::Path;

use evalwright_core::{DatasetName, exit_code};
use evalwright_pipeline::{UNUSED, advice};
use evalwright_recipe::{KindFolder, check_prompts};

use crate::commands::kinds::load_folder;
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// The files of a new kind; `NAME` stands for its name.
const FILES: [(&str, &str); 8] = [
    ("kind.toml", include_str!("../project/kind/kind.toml")),
    ("ask.j2", include_str!("../project/kind/ask.j2")),
    ("judge.j2", include_str!("../project/kind/judge.j2")),
    ("question.j2", include_str!("../project/kind/question.j2")),
    (
        "row.schema.json",
        include_str!("../project/kind/row.schema.json"),
    ),
    ("sample.toml", include_str!("../project/kind/sample.toml")),
    (
        "sample-item.json",
        include_str!("../project/kind/sample-item.json"),
    ),
    ("README.md", include_str!("../project/kind/README.md")),
];

/// Writes a kind that runs as it is.
pub(crate) fn write_kind(kinds: &Path, name: &str, printer: &Printer) -> Result<u8, Failure> {
    let name =
        DatasetName::new(name).map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
    let folder = kinds.join(name.as_str());
    if folder.exists() {
        return Err(Failure::new(
            Kind::Usage,
            format!("{} is there already; nothing was written", folder.display()),
        ));
    }
    std::fs::create_dir_all(&folder).map_err(|cause| Failure::unwritable(&folder, &cause))?;
    for (file, text) in FILES {
        let path = folder.join(file);
        let text = text.replace("NAME", name.as_str());
        std::fs::write(&path, text).map_err(|cause| Failure::unwritable(&path, &cause))?;
    }
    printer.say(&format!(
        "wrote {} files; next: edit them, then",
        FILES.len()
    ));
    printer.data(&format!("evalwright kinds check {}", folder.display()))?;
    Ok(exit_code::DONE)
}

/// Checks every preset of a kind's folder. Errors end with their place; what may not be meant is said.
pub(crate) fn check_kind(files: &KindFolder, printer: &Printer) -> Result<u8, Failure> {
    let presets = load_folder(files, "default")?.kind.presets;
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for preset in &presets {
        let kind = load_folder(files, preset)?;
        let Some(sample) = kind.sample.clone() else {
            return Err(Failure::new(
                Kind::Config,
                format!(
                    "kind `{}` has no sample.toml, so its prompts cannot be shown or checked",
                    files.name
                ),
            ));
        };
        check_prompts(&kind, &sample)?;
        for sentence in advice(&kind, &sample)? {
            match said.iter_mut().find(|(known, _)| *known == sentence) {
                Some((_, of)) => of.push(preset),
                None => said.push((sentence, vec![preset])),
            }
        }
    }
    for (sentence, of) in said {
        if of.len() == presets.len() {
            printer.say(&format!("note: {sentence}"));
        } else if !sentence.starts_with(UNUSED) {
            // What one preset does not use, another one may.
            printer.say(&format!("note: in preset {}: {sentence}", of.join(", ")));
        }
    }
    printer.data(&format!(
        "kind `{}` is sound: {} checked",
        files.name,
        match presets.len() {
            1 => "its one preset was".to_owned(),
            count => format!("{count} presets were"),
        }
    ))?;
    Ok(exit_code::DONE)
}
