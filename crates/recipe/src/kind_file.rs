//! Reads a kind's folder: `kind.toml`, its presets, its calibration, its templates and its sample.
//!
//! A loaded kind is checked whole: every name in it refers to something, every template compiles and uses
//! only variables that it is given.

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::{ContentHash, Fields};
use serde_json::Value;

use crate::behaviour::Behaviour;
use crate::behaviour_file::load_behaviour_of;
use crate::calibration_file::curves;
use crate::document::{Document, Section};
use crate::error::{RecipeError, Source};
use crate::flow::{self, Parts};
use crate::folder::KindFolder;
use crate::kind::{Kind, Stage};
use crate::lint_stage::RuleFinder;
use crate::preview::check_templates;
use crate::prompts::Prompts;
use crate::stage_file::{Names, read_stages};
use crate::table::read_table;

/// The names of what lives in other parts, so that a kind file can be checked against them.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Codes of all lints.
    pub lints: &'a [&'a str],
    /// Names of all parsers.
    pub parsers: &'a [&'a str],
}

/// A kind, its prompts and what its folder says to its reader.
#[derive(Debug, Clone)]
pub struct LoadedKind {
    /// The stages and the rest of the data.
    pub kind: Kind,
    /// The templates, compiled.
    pub prompts: Prompts,
    /// The sample behaviour, if the folder has a `sample.toml`.
    pub sample: Option<Behaviour>,
    /// What a behaviour of this kind must say.
    pub guide: Guide,
    /// What the preset is, in words; `kind.toml` itself has none.
    pub note: Option<String>,
    /// The folder's side tables, by name: `tables/<name>.jsonl` or `.csv`.
    pub tables: BTreeMap<String, Vec<Fields>>,
    /// What `sample-item.json` says a candidate's fields may be; for rendering prompts before there is a candidate.
    pub sample_item: Fields,
    /// The JSON schema of a row, by its file's name, where the kind maps fields.
    pub schema_text: BTreeMap<String, String>,
}

impl LoadedKind {
    /// A side table: the behaviour's own, else the folder's.
    #[must_use]
    pub fn table<'t>(&'t self, behaviour: &'t Behaviour, name: &str) -> Option<&'t [Fields]> {
        match behaviour.tables.get(name) {
            Some(table) => Some(&table.rows),
            None => self.tables.get(name).map(Vec::as_slice),
        }
    }
}

/// What to write into a behaviour of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    /// What `description` must say; empty for a kind without one.
    pub description: String,
    /// What `contrast` must say; empty for a kind without one.
    pub contrast: String,
    /// The kind's own settings.
    pub settings: Vec<SettingGuide>,
    /// Tables that a behaviour brings, or may bring in place of the folder's.
    pub tables: Vec<TableGuide>,
    /// Whether rows are balanced over both labels.
    pub labelled: bool,
}

/// A setting of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingGuide {
    /// Its name under `[settings]`.
    pub name: String,
    /// What it must say.
    pub says: String,
    /// What it is where a behaviour says nothing; without one a behaviour must say it.
    pub default: Option<String>,
}

/// A table of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableGuide {
    /// Its name under `[tables]`.
    pub name: String,
    /// What its rows hold.
    pub says: String,
    /// Columns that it must have.
    pub columns: Vec<String>,
    /// Whether the folder has one of its own.
    pub in_folder: bool,
}

impl Guide {
    /// The guide of kinds that make statements for two sides.
    #[must_use]
    pub fn of_statements() -> Self {
        Self {
            description: "who shows the behaviour".to_owned(),
            contrast: "who shows the opposite".to_owned(),
            settings: Vec::new(),
            tables: Vec::new(),
            labelled: true,
        }
    }
}

const KIND_FILE: &str = "kind.toml";
const CALIBRATION_FILE: &str = "calibration.toml";
const SAMPLE_FILE: &str = "sample.toml";
const SAMPLE_ITEM_FILE: &str = "sample-item.json";
const DEFAULT: &str = "default";

/// Loads a kind with one of its presets; `default` is `kind.toml` itself, any other name is the file
/// `preset-<name>.toml`, whose stages replace those of `kind.toml`.
///
/// # Errors
/// [`RecipeError::UnknownPreset`]; [`RecipeError::Folder`] when `kind.toml` is not there;
/// [`RecipeError::Fault`] at the place of whatever is wrong in any file of the folder.
pub fn load_kind(
    folder: &KindFolder,
    preset: &str,
    known: &Known<'_>,
) -> Result<LoadedKind, RecipeError> {
    let presets = presets(folder);
    if !presets.iter().any(|name| name == preset) {
        return Err(RecipeError::UnknownPreset {
            kind: folder.name.clone(),
            name: preset.to_owned(),
            known: presets,
        });
    }
    let prompts = Prompts::compile(&folder.name, &folder.files)?;
    let templates = prompts.names();
    let names = Names {
        known,
        templates: &templates,
        files: &folder.files,
    };
    let (header, own_stages) = with_document(folder, KIND_FILE, |root| {
        root.only(&[
            "name",
            "makes",
            "cells",
            "text",
            "behaviour",
            "settings",
            "tables",
            "stage",
        ])?;
        let stages = read_stages(root, &names)?;
        Ok((header(root, folder, maps_fields(&stages))?, stages))
    })?;
    let (stages, note) = if preset == DEFAULT {
        (own_stages, None)
    } else {
        with_document(folder, &preset_file(preset), |root| {
            root.only(&["note", "stage"])?;
            let note = root.required("note")?.filled()?.to_owned();
            Ok((read_stages(root, &names)?, Some(note)))
        })?
    };
    let calibration = if folder.files.contains_key(CALIBRATION_FILE) {
        with_document(folder, CALIBRATION_FILE, curves)?
    } else {
        Vec::new()
    };
    let sample = match folder.files.get(SAMPLE_FILE) {
        Some(text) => Some(sample(folder, text, &header.guide)?),
        None => None,
    };
    if maps_fields(&stages) {
        let file = if preset == DEFAULT {
            KIND_FILE.to_owned()
        } else {
            preset_file(preset)
        };
        let shown = format!("{}/{file}", folder.name);
        let parts = Parts {
            source: Source {
                file: &shown,
                text: folder.files.get(&file).map_or("", String::as_str),
            },
            cells: &header.cells,
            text: header.text.as_deref(),
            guide: &header.guide,
            files: &folder.files,
        };
        flow::check_templates(&stages, &parts, &prompts)?;
    } else {
        check_templates(&stages, &prompts)?;
    }
    let tables = tables(folder)?;
    for table in header.guide.tables.iter().filter(|table| table.in_folder) {
        let first = tables.get(&table.name).and_then(|rows| rows.first());
        if let Some(column) = table
            .columns
            .iter()
            .find(|column| first.is_some_and(|row| !row.contains_key(*column)))
        {
            return Err(RecipeError::Folder {
                folder: folder.name.clone(),
                problem: format!("its table `{}` lacks the column `{column}`", table.name),
            });
        }
    }
    let sample_item = sample_item(folder)?;
    let schema_text = stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::EmitItem(emit) => Some(&emit.schema),
            _ => None,
        })
        .filter_map(|file| Some((file.clone(), folder.files.get(file)?.clone())))
        .collect();
    Ok(LoadedKind {
        kind: Kind {
            name: folder.name.clone(),
            makes: header.makes,
            cells: header.cells,
            text: header.text,
            preset: preset.to_owned(),
            presets,
            origin: folder.origin,
            stages,
            calibration,
            files: folder
                .files
                .iter()
                .map(|(name, text)| (name.clone(), ContentHash::of(text.as_bytes())))
                .collect::<BTreeMap<_, _>>(),
        },
        prompts,
        sample,
        guide: header.guide,
        note,
        tables,
        sample_item,
        schema_text,
    })
}

/// Whether the kind maps fields to columns.
fn maps_fields(stages: &[Stage]) -> bool {
    stages
        .iter()
        .any(|stage| matches!(stage, Stage::EmitItem(_)))
}

/// The folder's side tables.
fn tables(folder: &KindFolder) -> Result<BTreeMap<String, Vec<Fields>>, RecipeError> {
    let mut tables = BTreeMap::new();
    for (file, text) in &folder.files {
        let Some(name) = file.strip_prefix("tables/") else {
            continue;
        };
        let Some(name) = name
            .strip_suffix(".jsonl")
            .or_else(|| name.strip_suffix(".csv"))
        else {
            continue;
        };
        let rows = read_table(&format!("{}/{file}", folder.name), text)?;
        if tables.insert(name.to_owned(), rows).is_some() {
            return Err(RecipeError::Folder {
                folder: folder.name.clone(),
                problem: format!("there are two tables named `{name}`; keep one"),
            });
        }
    }
    Ok(tables)
}

fn sample_item(folder: &KindFolder) -> Result<Fields, RecipeError> {
    let Some(text) = folder.files.get(SAMPLE_ITEM_FILE) else {
        return Ok(Fields::new());
    };
    let shown = format!("{}/{SAMPLE_ITEM_FILE}", folder.name);
    let source = Source { file: &shown, text };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => {
            Err(source.fault_of_file("must be one object: a value for each field of a candidate"))
        }
        Err(error) => Err(source.fault_on_line(error.line(), format!("not valid JSON: {error}"))),
    }
}

fn preset_file(preset: &str) -> String {
    format!("preset-{preset}.toml")
}

/// `default` first, then the others by name.
fn presets(folder: &KindFolder) -> Vec<String> {
    let others = folder
        .files
        .keys()
        .filter_map(|file| file.strip_prefix("preset-")?.strip_suffix(".toml"))
        .filter(|name| *name != DEFAULT)
        .map(str::to_owned);
    std::iter::once(DEFAULT.to_owned()).chain(others).collect()
}

/// Parses a file of the folder and reads it.
fn with_document<T>(
    folder: &KindFolder,
    file: &str,
    read: impl FnOnce(&Section<'_>) -> Result<T, RecipeError>,
) -> Result<T, RecipeError> {
    let text = folder.files.get(file).ok_or_else(|| RecipeError::Folder {
        folder: folder.name.clone(),
        problem: format!("there is no `{file}` in it"),
    })?;
    let shown = format!("{}/{file}", folder.name);
    let document = Document::parse(Source { file: &shown, text })?;
    read(&document.root())
}

struct Header {
    makes: String,
    cells: Vec<String>,
    text: Option<String>,
    guide: Guide,
}

fn header(
    root: &Section<'_>,
    folder: &KindFolder,
    maps_fields: bool,
) -> Result<Header, RecipeError> {
    let name = root.required("name")?;
    if name.text()? != folder.name {
        return Err(name.fault(format!(
            "is {:?}; it must be the folder's own name, {:?}",
            name.text()?,
            folder.name
        )));
    }
    let entry = root.required("cells")?;
    let cells = entry.distinct_texts()?;
    let labelled = cells.iter().any(|cell| cell == "label");
    if !maps_fields && cells != ["label"] {
        return Err(entry.fault(
            "must be [\"label\"]: the label is what can be held balanced where `emit` maps no fields",
        ));
    }
    let text = match root.optional("text") {
        Some(entry) if !maps_fields => {
            return Err(entry.fault("is of no use where `emit` maps no fields"));
        }
        Some(entry) => Some(entry.filled()?.to_owned()),
        None => None,
    };
    let (description, contrast) = match root.optional("behaviour") {
        None if maps_fields && !labelled => (String::new(), String::new()),
        _ => {
            let guide = root.required("behaviour")?.section()?;
            guide.only(&["description", "contrast"])?;
            let said = |key: &str| -> Result<String, RecipeError> {
                match guide.optional(key) {
                    None if maps_fields && !labelled => Ok(String::new()),
                    _ => Ok(guide.required(key)?.filled()?.to_owned()),
                }
            };
            (said("description")?, said("contrast")?)
        }
    };
    Ok(Header {
        makes: root.required("makes")?.filled()?.to_owned(),
        cells,
        text,
        guide: Guide {
            description,
            contrast,
            settings: setting_guides(root)?,
            tables: table_guides(root, folder)?,
            labelled,
        },
    })
}

fn setting_guides(root: &Section<'_>) -> Result<Vec<SettingGuide>, RecipeError> {
    let Some(entry) = root.optional("settings") else {
        return Ok(Vec::new());
    };
    let mut settings = Vec::new();
    for (name, entry) in entry.section()?.members() {
        let section = entry.section()?;
        section.only(&["says", "default"])?;
        settings.push(SettingGuide {
            name: name.to_owned(),
            says: section.required("says")?.filled()?.to_owned(),
            default: section
                .optional("default")
                .map(|entry| entry.filled().map(str::to_owned))
                .transpose()?,
        });
    }
    Ok(settings)
}

fn table_guides(root: &Section<'_>, folder: &KindFolder) -> Result<Vec<TableGuide>, RecipeError> {
    let Some(entry) = root.optional("tables") else {
        return Ok(Vec::new());
    };
    let mut tables = Vec::new();
    for (name, entry) in entry.section()?.members() {
        let section = entry.section()?;
        section.only(&["says", "columns"])?;
        let has = |ending: &str| {
            folder
                .files
                .contains_key(&format!("tables/{name}.{ending}"))
        };
        tables.push(TableGuide {
            name: name.to_owned(),
            says: section.required("says")?.filled()?.to_owned(),
            columns: section.required("columns")?.distinct_texts()?,
            in_folder: has("jsonl") || has("csv"),
        });
    }
    Ok(tables)
}

fn sample(folder: &KindFolder, text: &str, guide: &Guide) -> Result<Behaviour, RecipeError> {
    let shown = format!("{}/{SAMPLE_FILE}", folder.name);
    let mut sample = load_behaviour_of(Path::new(&shown), text, guide)?;
    sample.read_tables(guide, |file| {
        folder
            .files
            .get(file)
            .cloned()
            .ok_or_else(|| RecipeError::Folder {
                folder: folder.name.clone(),
                problem: format!("its sample names the table file `{file}`, which is not there"),
            })
    })?;
    if sample.kind == folder.name {
        return Ok(sample);
    }
    let source = Source { file: &shown, text };
    Err(source.fault_of_file(format!(
        "`kind` must be {:?}, the folder's own name",
        folder.name
    )))
}

impl Kind {
    /// The first stage that `pick` accepts; the stages of a loaded kind always hold ask, score, select, emit.
    fn stage<'k, T>(&'k self, pick: impl Fn(&'k Stage) -> Option<&'k T>) -> Option<&'k T> {
        self.stages.iter().find_map(pick)
    }

    /// The ask stage.
    #[must_use]
    pub fn ask(&self) -> Option<&crate::kind::AskStage> {
        self.stage(|stage| match stage {
            Stage::Ask(ask) => Some(ask),
            _ => None,
        })
    }

    /// The lint stage, if there is one.
    #[must_use]
    pub fn lint(&self) -> Option<&crate::lint_stage::LintStage> {
        self.stage(|stage| match stage {
            Stage::Lint(lint) => Some(lint),
            _ => None,
        })
    }

    /// The stage that scores the label.
    #[must_use]
    pub fn score(&self) -> Option<&crate::kind::ScoreStage> {
        self.stage(|stage| match stage {
            Stage::Score(score) if score.requirement == crate::stage_file::LABEL => Some(score),
            _ => None,
        })
    }

    /// The dedup stage, if there is one.
    #[must_use]
    pub fn dedup(&self) -> Option<&crate::kind::DedupStage> {
        self.stage(|stage| match stage {
            Stage::Dedup(dedup) => Some(dedup),
            _ => None,
        })
    }

    /// Whether the kind compares texts by their vectors, which an embedder has to make.
    #[must_use]
    pub fn needs_vectors(&self) -> bool {
        self.dedup().is_some_and(|dedup| dedup.semantic.is_some())
            || self
                .select()
                .is_some_and(|select| select.clusters_by_meaning())
    }

    /// The select stage.
    #[must_use]
    pub fn select(&self) -> Option<&crate::kind::SelectStage> {
        self.stage(|stage| match stage {
            Stage::Select(select) => Some(select),
            _ => None,
        })
    }

    /// Whether `emit` maps fields to columns; else the kind makes statements.
    #[must_use]
    pub fn maps_fields(&self) -> bool {
        maps_fields(&self.stages)
    }

    /// Whether rows are balanced over both labels.
    #[must_use]
    pub fn is_labelled(&self) -> bool {
        self.cells.iter().any(|cell| cell == "label")
    }

    /// The command lines of all rules outside of this program, in the order of the stages; one that several rules name
    /// stands as often.
    pub fn commands(&self) -> impl Iterator<Item = &[String]> {
        self.stages.iter().flat_map(|stage| -> Vec<&[String]> {
            match stage {
                Stage::Lint(lint) => lint
                    .rules
                    .iter()
                    .filter_map(|rule| match &rule.finder {
                        RuleFinder::Command { command, .. } => Some(command.as_slice()),
                        RuleFinder::Pattern { .. } => None,
                    })
                    .collect(),
                Stage::Check(check) => check
                    .rules
                    .iter()
                    .filter_map(|rule| Some(rule.command.as_ref()?.command.as_slice()))
                    .collect(),
                _ => Vec::new(),
            }
        })
    }

    /// Whether a stage deals additions out: then the cells are those that are dealt.
    #[must_use]
    pub fn deals(&self) -> bool {
        self.stages
            .iter()
            .any(|stage| matches!(stage, Stage::Cross(cross) if cross.deal.is_some()))
    }

    /// The emit stage of a kind that maps fields.
    #[must_use]
    pub fn emit_item(&self) -> Option<&crate::item_stage::EmitItemStage> {
        self.stage(|stage| match stage {
            Stage::EmitItem(emit) => Some(emit),
            _ => None,
        })
    }

    /// The emit stage of a kind that makes statements.
    #[must_use]
    pub fn emit(&self) -> Option<&crate::kind::EmitStage> {
        self.stage(|stage| match stage {
            Stage::Emit(emit) => Some(emit),
            _ => None,
        })
    }
}
