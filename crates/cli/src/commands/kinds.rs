//! `evalwright kinds`: lists kinds, shows one, renders its prompts.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use evalwright_core::exit_code;
use evalwright_core::show::visible;
use evalwright_recipe::{
    KindFolder, Known, LoadedKind, Origin, builtin_kinds, find_kind, load_kind, read_kind_folder,
    sample_prompts,
};
use evalwright_text::{LINTS, Parser};
use serde_json::json;

use crate::commands::kind_folder::{check_kind, write_kind};
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// The folder in a project that shadows and extends the built-in kinds.
const PROJECT_KINDS: &str = "kinds";

/// Arguments of `kinds`.
#[derive(Debug, Args)]
pub(crate) struct KindsArguments {
    /// The project's folder; its `kinds/` folder shadows and extends the built-in kinds
    #[arg(long, default_value = ".", global = true)]
    project: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all kinds
    List {
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show what a kind makes, what a behaviour of it must say, and its stages
    Show {
        /// The kind
        name: String,
        /// One of its presets
        #[arg(long, default_value = "default")]
        preset: String,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Render a kind's prompts with its sample behaviour
    Render {
        /// The kind
        name: String,
        /// One of its presets
        #[arg(long, default_value = "default")]
        preset: String,
        /// One template only
        #[arg(long)]
        template: Option<String>,
    },
    /// Write a new kind into the project's `kinds/` folder to start from
    New {
        /// The kind's name
        name: String,
    },
    /// Check a kind: every preset, every prompt, and what may not be meant
    Check {
        /// Its folder, or its name
        kind: PathBuf,
    },
}

pub(crate) fn run(arguments: &KindsArguments, printer: &Printer) -> Result<u8, Failure> {
    match &arguments.action {
        Action::New { name } => {
            return write_kind(&arguments.project.join(PROJECT_KINDS), name, printer);
        }
        Action::Check { kind } if kind.exists() || kind.components().count() > 1 => {
            return check_kind(&read_kind_folder(kind)?, printer);
        }
        _ => {}
    }
    let folders = all_kinds(&[&arguments.project])?;
    match &arguments.action {
        Action::New { .. } => {}
        Action::Check { kind } => {
            return check_kind(find_kind(&folders, &kind.to_string_lossy())?, printer);
        }
        Action::List { json } => list(&folders, *json, printer)?,
        Action::Show { name, preset, json } => {
            show(&load(&folders, name, preset)?, *json, printer)?
        }
        Action::Render {
            name,
            preset,
            template,
        } => {
            render(&load(&folders, name, preset)?, template.as_deref(), printer)?;
        }
    }
    Ok(exit_code::DONE)
}

/// All kinds: the built-in ones and those of the projects' `kinds` folders, the first project first.
pub(crate) fn all_kinds(projects: &[&Path]) -> Result<Vec<KindFolder>, Failure> {
    let mut folders = Vec::new();
    for project in projects {
        let root = project.join(PROJECT_KINDS);
        let Ok(entries) = std::fs::read_dir(&root) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.join("kind.toml").is_file())
            .collect();
        paths.sort();
        for path in paths {
            let folder = read_kind_folder(&path)?;
            if !folders
                .iter()
                .any(|known: &KindFolder| known.name == folder.name)
            {
                folders.push(folder);
            }
        }
    }
    folders.extend(builtin_kinds());
    Ok(folders)
}

/// Loads a kind by name with a preset.
pub(crate) fn load(
    folders: &[KindFolder],
    name: &str,
    preset: &str,
) -> Result<LoadedKind, Failure> {
    load_folder(find_kind(folders, name)?, preset)
}

/// Loads a kind's folder with a preset.
pub(crate) fn load_folder(folder: &KindFolder, preset: &str) -> Result<LoadedKind, Failure> {
    let lints: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let known = Known {
        lints: &lints,
        parsers: Parser::names(),
    };
    Ok(load_kind(folder, preset, &known)?)
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::BuiltIn => "built-in",
        Origin::Project => "project",
    }
}

fn list(folders: &[KindFolder], as_json: bool, printer: &Printer) -> Result<(), Failure> {
    let mut kinds: Vec<LoadedKind> = Vec::new();
    for folder in folders {
        if !kinds.iter().any(|kind| kind.kind.name == folder.name) {
            kinds.push(load(folders, &folder.name, "default")?);
        }
    }
    if as_json {
        let kinds: Vec<_> = kinds
            .iter()
            .map(|LoadedKind { kind, .. }| {
                json!({ "name": kind.name, "makes": kind.makes, "presets": kind.presets, "origin": origin(kind.origin) })
            })
            .collect();
        return printer.json(&json!({ "kinds": kinds }));
    }
    for LoadedKind { kind, .. } in &kinds {
        printer.data(&format!(
            "{}  {} (presets: {}; {})",
            kind.name,
            kind.makes,
            kind.presets.join(", "),
            origin(kind.origin)
        ))?;
    }
    Ok(())
}

fn show(loaded: &LoadedKind, as_json: bool, printer: &Printer) -> Result<(), Failure> {
    let kind = &loaded.kind;
    if as_json {
        return printer.json(kind);
    }
    let mut text = format!("{}: {}\n", kind.name, kind.makes);
    text.push_str(&format!(
        "preset {} of {}\n",
        kind.preset,
        kind.presets.join(", ")
    ));
    if let Some(note) = &loaded.note {
        text.push_str(&format!("{note}\n"));
    }
    text.push_str("\na behaviour says\n");
    let guide = &loaded.guide;
    for (key, says) in [
        ("description", &guide.description),
        ("contrast", &guide.contrast),
    ] {
        if !says.is_empty() {
            text.push_str(&format!("  {key:12} {says}\n"));
        }
    }
    for setting in &guide.settings {
        let default = setting
            .default
            .as_ref()
            .map_or_else(String::new, |text| format!(" (default: {text:?})"));
        text.push_str(&format!(
            "  settings.{}  {}{default}\n",
            setting.name, setting.says
        ));
    }
    for table in &guide.tables {
        let own = if table.in_folder {
            " (the kind has one)"
        } else {
            ""
        };
        text.push_str(&format!("  tables.{}  {}{own}\n", table.name, table.says));
    }
    text.push_str("\nstages\n");
    for stage in &kind.stages {
        let stage = serde_json::to_string(stage).map_err(|error| {
            Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}"))
        })?;
        text.push_str(&format!("  {stage}\n"));
    }
    printer.data(&visible(&text))
}

fn render(loaded: &LoadedKind, template: Option<&str>, printer: &Printer) -> Result<(), Failure> {
    let prompts = sample_prompts(loaded)?;
    let chosen: Vec<_> = prompts
        .iter()
        .filter(|prompt| template.is_none_or(|name| prompt.template == name))
        .collect();
    if chosen.is_empty() {
        return Err(match template {
            Some(name) => Failure::new(
                Kind::Usage,
                format!(
                    "kind `{}` uses no template `{name}` in this preset",
                    loaded.kind.name
                ),
            ),
            None => Failure::new(
                Kind::Config,
                format!(
                    "kind `{}` has no sample.toml to render with",
                    loaded.kind.name
                ),
            ),
        });
    }
    for prompt in chosen {
        let form = if prompt.opened {
            ""
        } else {
            ", for a model that cannot go on from an opened reply"
        };
        printer.data(&visible(&format!(
            "=== {} ({}{form})\n{}",
            prompt.template,
            prompt.label,
            prompt.shown()
        )))?;
    }
    Ok(())
}
