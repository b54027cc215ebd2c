//! Reads a kind's folder: `kind.toml`, its presets, its calibration, its templates and its sample.
//!
//! A loaded kind is checked whole: every name in it refers to something, every template compiles and uses
//! only variables that it is given.

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::ContentHash;

use crate::behaviour::Behaviour;
use crate::behaviour_file::load_behaviour;
use crate::document::{Document, Section};
use crate::error::{RecipeError, Source};
use crate::folder::KindFolder;
use crate::kind::{Curve, Kind, Stage};
use crate::preview::check_templates;
use crate::prompts::Prompts;
use crate::stage_file::{Names, read_stages};

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
}

/// What to write into a behaviour of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    /// What `description` must say.
    pub description: String,
    /// What `contrast` must say.
    pub contrast: String,
}

const KIND_FILE: &str = "kind.toml";
const CALIBRATION_FILE: &str = "calibration.toml";
const SAMPLE_FILE: &str = "sample.toml";
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
    };
    let (header, own_stages) = with_document(folder, KIND_FILE, |root| {
        root.only(&["name", "makes", "cells", "behaviour", "stage"])?;
        Ok((header(root, folder)?, read_stages(root, &names)?))
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
        Some(text) => Some(sample(folder, text)?),
        None => None,
    };
    check_templates(&stages, &prompts)?;
    Ok(LoadedKind {
        kind: Kind {
            name: folder.name.clone(),
            makes: header.makes,
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
    })
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
    guide: Guide,
}

fn header(root: &Section<'_>, folder: &KindFolder) -> Result<Header, RecipeError> {
    let name = root.required("name")?;
    if name.text()? != folder.name {
        return Err(name.fault(format!(
            "is {:?}; it must be the folder's own name, {:?}",
            name.text()?,
            folder.name
        )));
    }
    let cells = root.required("cells")?;
    if cells.distinct_texts()? != ["label"] {
        return Err(cells.fault("must be [\"label\"]: the label is what can be held balanced"));
    }
    let guide = root.required("behaviour")?.section()?;
    guide.only(&["description", "contrast"])?;
    Ok(Header {
        makes: root.required("makes")?.filled()?.to_owned(),
        guide: Guide {
            description: guide.required("description")?.filled()?.to_owned(),
            contrast: guide.required("contrast")?.filled()?.to_owned(),
        },
    })
}

fn curves(root: &Section<'_>) -> Result<Vec<Curve>, RecipeError> {
    root.only(&["curve"])?;
    let mut curves: Vec<Curve> = Vec::new();
    let Some(list) = root.optional("curve") else {
        return Ok(curves);
    };
    for entry in list.entries()? {
        let curve = curve(&entry.section()?)?;
        let same = |other: &Curve| {
            other.model == curve.model
                && other.weights == curve.weights
                && other.rater == curve.rater
        };
        if curves.iter().any(same) {
            return Err(entry.fault("repeats the model, weights and rater of another curve"));
        }
        curves.push(curve);
    }
    Ok(curves)
}

fn curve(section: &Section<'_>) -> Result<Curve, RecipeError> {
    section.only(&[
        "model",
        "weights",
        "rater",
        "slope",
        "intercept",
        "fitted_on",
        "expected_calibration_error",
    ])?;
    let weights = match section.optional("weights") {
        None => None,
        Some(entry) => Some(
            ContentHash::parse(entry.text()?)
                .ok_or_else(|| entry.fault("must be a SHA-256 of 64 hexadecimal digits"))?,
        ),
    };
    Ok(Curve {
        model: section.required("model")?.filled()?.to_owned(),
        weights,
        rater: section.required("rater")?.filled()?.to_owned(),
        // A curve that falls would turn every label around.
        slope: section
            .required("slope")?
            .number(|value| value > 0.0, "above 0")?,
        intercept: section
            .required("intercept")?
            .number(|_| true, "a finite number")?,
        fitted_on: section.required("fitted_on")?.filled()?.to_owned(),
        expected_calibration_error: section
            .required("expected_calibration_error")?
            .number(|value| (0.0..=1.0).contains(&value), "from 0 to 1")?,
    })
}

fn sample(folder: &KindFolder, text: &str) -> Result<Behaviour, RecipeError> {
    let shown = format!("{}/{SAMPLE_FILE}", folder.name);
    let sample = load_behaviour(Path::new(&shown), text)?;
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
    pub fn lint(&self) -> Option<&crate::kind::LintStage> {
        self.stage(|stage| match stage {
            Stage::Lint(lint) => Some(lint),
            _ => None,
        })
    }

    /// The score stage.
    #[must_use]
    pub fn score(&self) -> Option<&crate::kind::ScoreStage> {
        self.stage(|stage| match stage {
            Stage::Score(score) => Some(score),
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

    /// The select stage.
    #[must_use]
    pub fn select(&self) -> Option<&crate::kind::SelectStage> {
        self.stage(|stage| match stage {
            Stage::Select(select) => Some(select),
            _ => None,
        })
    }

    /// The emit stage.
    #[must_use]
    pub fn emit(&self) -> Option<&crate::kind::EmitStage> {
        self.stage(|stage| match stage {
            Stage::Emit(emit) => Some(emit),
            _ => None,
        })
    }
}
