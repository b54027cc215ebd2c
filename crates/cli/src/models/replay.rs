//! Models that answer from a file of replies: `replay/<file>`, and `replay/<file>#<model>` where it holds several.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use evalwright_models::replay::{ReplayModel, Replies};

use super::Opening;
use crate::failure::Failure;

impl Opening<'_> {
    /// Opens the recorded model of this name (without `replay/`). The whole file is read.
    pub(super) fn open_replay(&self, name: &str) -> Result<ReplayModel, Failure> {
        // A file's own name may hold the sign.
        let (path, model) = match name.rsplit_once('#') {
            Some((path, model)) if !Path::new(name).exists() => (path, Some(model)),
            _ => (name, None),
        };
        let file =
            File::open(path).map_err(|cause| Failure::unreadable(Path::new(path), &cause))?;
        Ok(Replies::read(path, BufReader::new(file))?.model(model)?)
    }
}
