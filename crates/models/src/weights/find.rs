//! Answers where a model's weights are without asking anyone over the network.

use std::path::{Path, PathBuf};

use super::catalogue::{CATALOGUE, PinnedFile, PinnedModel, Purpose, model_by_name};
use super::error::WeightsError;
use super::event::PullEvent;
use super::folder::{model_folder, path_in_cache, with_suffix};
use super::hub_cache::path_in_hub_cache;
use super::stamp::{Look, bytes, check, look};
use super::surroundings::Surroundings;

/// A model of the catalogue and whether this machine has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStatus {
    /// The model's name.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The length of its files together.
    pub bytes: u64,
    /// Their licence, as an SPDX expression.
    pub licence: String,
    /// Where weights of the right length are, with all that belongs to them; none when they are nowhere.
    pub path: Option<PathBuf>,
    /// Whether the SHA-256 of each of these files was checked and the file has not changed since.
    pub verified: bool,
}

/// A place that may hold a model's weights and what belongs to them, and where their checks are remembered.
#[derive(Debug)]
pub(crate) struct Place {
    /// The weights.
    pub(crate) path: PathBuf,
    /// The start of the stamps' paths.
    stamp: PathBuf,
}

impl Place {
    /// Where a file of the model is.
    pub(crate) fn of(&self, model: &PinnedModel, file: &PinnedFile) -> PathBuf {
        beside(&self.path, model, file)
    }

    /// Where the check of a file is remembered.
    pub(crate) fn stamp_of(&self, model: &PinnedModel, file: &PinnedFile) -> PathBuf {
        if *file == model.file {
            with_suffix(&self.stamp, ".checked.json")
        } else {
            with_suffix(&self.stamp, &format!(".{}.checked.json", file.name))
        }
    }

    /// Reads all files and compares them with their pins.
    pub(crate) fn check(
        &self,
        model: &PinnedModel,
        progress: &dyn Fn(PullEvent),
    ) -> Result<(), WeightsError> {
        model.files().try_for_each(|file| {
            let stamp = self.stamp_of(model, file);
            check(&self.of(model, file), file, Some(&stamp), progress)
        })
    }

    /// Looks at all files without reading them: the worst that is said of one of them.
    fn look(&self, model: &PinnedModel) -> Result<Look, WeightsError> {
        let mut worst = Look::Checked;
        for file in model.files() {
            match look(&self.of(model, file), file, &self.stamp_of(model, file))? {
                Look::Checked => {}
                Look::Unchecked => worst = Look::Unchecked,
                other => return Ok(other),
            }
        }
        Ok(worst)
    }
}

/// Where a file of a model is whose weights are at `weights`. These may have any name.
pub(crate) fn beside(weights: &Path, model: &PinnedModel, file: &PinnedFile) -> PathBuf {
    if *file == model.file {
        weights.to_owned()
    } else {
        weights.with_file_name(&*file.name)
    }
}

/// The place in our own cache.
pub(crate) fn cache_place(model: &PinnedModel, surroundings: &Surroundings) -> Place {
    Place {
        path: path_in_cache(model, surroundings),
        stamp: model_folder(model, surroundings).join("cache"),
    }
}

/// The place in the Hub's cache. Its check is remembered in ours: the other tools' folder is only read.
pub(crate) fn hub_place(model: &PinnedModel, surroundings: &Surroundings) -> Option<Place> {
    Some(Place {
        path: path_in_hub_cache(model, surroundings)?,
        stamp: model_folder(model, surroundings).join("hub-cache"),
    })
}

/// The entry of this name, or the error that names those there are.
pub(crate) fn known_model(name: &str) -> Result<&'static PinnedModel, WeightsError> {
    model_by_name(name).ok_or_else(|| WeightsError::UnknownModel {
        name: name.to_owned(),
        known: CATALOGUE
            .iter()
            .map(|model| &*model.name)
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// The models of the catalogue, in its order. Nothing is hashed.
#[must_use]
pub fn list(surroundings: &Surroundings) -> Vec<ModelStatus> {
    list_models(CATALOGUE, surroundings)
}

/// As [`list`], for other entries. A place that cannot be looked at counts as empty.
#[must_use]
pub fn list_models(models: &[PinnedModel], surroundings: &Surroundings) -> Vec<ModelStatus> {
    models
        .iter()
        .map(|model| {
            let places = [
                Some(cache_place(model, surroundings)),
                hub_place(model, surroundings),
            ];
            let found = places
                .into_iter()
                .flatten()
                .find_map(|place| match place.look(model) {
                    Ok(Look::Checked) => Some((place.path, true)),
                    Ok(Look::Unchecked) => Some((place.path, false)),
                    Ok(Look::Absent | Look::WrongLength(_)) | Err(_) => None,
                });
            ModelStatus {
                name: model.name.to_string(),
                purpose: model.purpose,
                bytes: model.files().map(|file| file.bytes).sum(),
                licence: model.licence.to_string(),
                verified: found.as_ref().is_some_and(|(_, verified)| *verified),
                path: found.map(|(path, _)| path),
            }
        })
        .collect()
}

/// Where the weights of a model of the catalogue are, if this machine has them and all that belongs to them. A
/// file that was checked before and has not changed is not read again.
///
/// # Errors
/// [`WeightsError::UnknownModel`]; [`WeightsError::WrongFile`] when the cache holds another file.
pub fn find(name: &str, surroundings: &Surroundings) -> Result<Option<PathBuf>, WeightsError> {
    find_model(known_model(name)?, surroundings)
}

/// As [`find`], for any entry. A wrong file in the Hub's cache is passed over: it is not ours.
///
/// # Errors
/// [`WeightsError::WrongFile`] when our cache holds another file.
pub fn find_model(
    model: &PinnedModel,
    surroundings: &Surroundings,
) -> Result<Option<PathBuf>, WeightsError> {
    let own = cache_place(model, surroundings);
    if has_all(&own, model)? {
        return Ok(Some(own.path));
    }
    let Some(hub) = hub_place(model, surroundings) else {
        return Ok(None);
    };
    let right = has_all(&hub, model).unwrap_or(false);
    Ok(right.then_some(hub.path))
}

fn has_all(place: &Place, model: &PinnedModel) -> Result<bool, WeightsError> {
    for file in model.files() {
        if !is_right(&place.of(model, file), file, &place.stamp_of(model, file))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_right(path: &Path, pin: &PinnedFile, stamp: &Path) -> Result<bool, WeightsError> {
    match look(path, pin, stamp)? {
        Look::Absent => Ok(false),
        Look::Checked => Ok(true),
        Look::Unchecked => check(path, pin, Some(stamp), &|_| {}).map(|()| true),
        Look::WrongLength(length) => Err(WeightsError::WrongFile {
            path: path.to_owned(),
            expected: bytes(pin.bytes),
            found: bytes(length),
        }),
    }
}
