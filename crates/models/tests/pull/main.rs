//! Pulling weights from real server processes on the loopback address, with pins made in the test.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up is a failed test"
)]

mod companions;
mod material;
mod sources;
mod transfer;

use std::fs;

use evalwright_models::weights::{path_in_cache, pull_model};
use evalwright_models::{Surroundings, WeightsError};
use material::{Material, quick};

fn pull(
    material: &Material,
    surroundings: &Surroundings,
) -> Result<std::path::PathBuf, WeightsError> {
    pull_model(&material.model, &quick(), surroundings, &|_| {})
}

/// Only the weights, under their final name, and small notes may be left in the model's folder.
fn assert_tidy(surroundings: &Surroundings, material: &Material) {
    let place = path_in_cache(&material.model, surroundings);
    for entry in fs::read_dir(place.parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = [".lock", "cache.checked.json", &*material.model.file.name];
        assert!(known.contains(&name.as_str()), "{name} was left over");
    }
}
