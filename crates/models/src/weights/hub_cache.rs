//! Looks into the cache that the Hugging Face tools keep, without changing it.
//!
//! Its layout: `models--<owner>--<name>/snapshots/<revision>/<file>`, where the file is usually a link to
//! a blob.

use std::path::PathBuf;

use super::catalogue::PinnedModel;
use super::surroundings::Surroundings;

/// Where the Hub's cache has the weights if it has them; none when there is no such cache or the model is
/// not on the Hub.
pub(crate) fn path_in_hub_cache(
    model: &PinnedModel,
    surroundings: &Surroundings,
) -> Option<PathBuf> {
    let hub = model.hub.as_ref()?;
    let cache = surroundings.hub_cache.as_ref()?;
    Some(
        cache
            .join(format!("models--{}", hub.repository.replace('/', "--")))
            .join("snapshots")
            .join(&*hub.revision)
            .join(&*hub.file),
    )
}
