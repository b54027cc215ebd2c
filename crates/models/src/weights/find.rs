//! Answers where a model's weights are without asking anyone over the network.

use std::path::{Path, PathBuf};

use super::catalogue::{CATALOGUE, PinnedFile, PinnedModel, model_by_name};
use super::error::WeightsError;
use super::folder::{model_folder, path_in_cache};
use super::hub_cache::path_in_hub_cache;
use super::stamp::{Look, bytes, check, look};
use super::surroundings::Surroundings;

/// A model of the catalogue and whether this machine has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStatus {
    /// The model's name.
    pub name: String,
    /// The length of its weights.
    pub bytes: u64,
    /// Their licence, as an SPDX expression.
    pub licence: String,
    /// Where a file of the right length is; none when there is none.
    pub path: Option<PathBuf>,
    /// Whether that file's SHA-256 was checked and the file has not changed since.
    pub verified: bool,
}

/// A place that may hold a model's weights, and where its check is remembered.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) stamp: PathBuf,
}

/// The place in our own cache.
pub(crate) fn cache_place(model: &PinnedModel, surroundings: &Surroundings) -> Place {
    Place {
        path: path_in_cache(model, surroundings),
        stamp: model_folder(model, surroundings).join("cache.checked.json"),
    }
}

/// The place in the Hub's cache. Its check is remembered in ours: the other tools' folder is only read.
pub(crate) fn hub_place(model: &PinnedModel, surroundings: &Surroundings) -> Option<Place> {
    Some(Place {
        path: path_in_hub_cache(model, surroundings)?,
        stamp: model_folder(model, surroundings).join("hub-cache.checked.json"),
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
            let found = places.into_iter().flatten().find_map(|place| {
                match look(&place.path, &model.file, &place.stamp) {
                    Ok(Look::Checked) => Some((place.path, true)),
                    Ok(Look::Unchecked) => Some((place.path, false)),
                    Ok(Look::Absent | Look::WrongLength(_)) | Err(_) => None,
                }
            });
            ModelStatus {
                name: model.name.to_string(),
                bytes: model.file.bytes,
                licence: model.licence.to_string(),
                verified: found.as_ref().is_some_and(|(_, verified)| *verified),
                path: found.map(|(path, _)| path),
            }
        })
        .collect()
}

/// Where the weights of a model of the catalogue are, if this machine has them. A file that was checked
/// before and has not changed is not read again.
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
    if is_right(&own.path, &model.file, &own.stamp)? {
        return Ok(Some(own.path));
    }
    let Some(hub) = hub_place(model, surroundings) else {
        return Ok(None);
    };
    let right = is_right(&hub.path, &model.file, &hub.stamp).unwrap_or(false);
    Ok(right.then_some(hub.path))
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
