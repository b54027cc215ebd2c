//! What turns texts into vectors: the encoder inside the process (`local`), or a server with embeddings.

use evalwright_core::{ContentHash, Embedder};
use evalwright_local::{EncoderOptions, SentenceEncoder};
use evalwright_models::weights::{Purpose, model_by_name};

use super::Opening;
use super::local::fetch;
use crate::failure::{Failure, Kind};

/// The word for the encoder inside the process.
pub(crate) const LOCAL: &str = "local";
/// The encoder that it stands for.
const DEFAULT_ENCODER: &str = "local/all-minilm-l6-v2";

impl Opening<'_> {
    /// Opens an embedder by name; fetches the weights of one inside the process if they are not there yet.
    pub(crate) fn open_embedder(&self, name: &str) -> Result<Box<dyn Embedder>, Failure> {
        if name == LOCAL {
            return Ok(Box::new(self.open_encoder(DEFAULT_ENCODER)?));
        }
        if name.starts_with("local/") {
            return Ok(Box::new(self.open_encoder(name)?));
        }
        Ok(Box::new(self.open_remote(name)?))
    }

    fn open_encoder(&self, name: &str) -> Result<SentenceEncoder, Failure> {
        let pinned = model_by_name(name).filter(|model| model.purpose == Purpose::Embedding);
        let Some(pinned) = pinned else {
            return Err(Failure::new(
                Kind::Config,
                format!("there is no embedder named {name:?}"),
            )
            .hint(format!(
                "`{LOCAL}` is {DEFAULT_ENCODER}; a server with embeddings is named as models are: `ollama/<model>`"
            )));
        };
        let unpinned = || {
            let problem = format!("the pins of {name} are not whole");
            Failure::new(Kind::Unexpected, problem)
        };
        let vocabulary = pinned.companions.first().ok_or_else(unpinned)?;
        let weights = ContentHash::parse(&pinned.file.sha256).ok_or_else(unpinned)?;
        let path = fetch(self.printer, name, None, &self.surroundings)?;
        let options = EncoderOptions {
            name: name.to_owned(),
            weights,
            threads: self.threads,
        };
        let vocabulary = path.with_file_name(&*vocabulary.file.name);
        Ok(SentenceEncoder::open(&path, &vocabulary, options)?)
    }
}
