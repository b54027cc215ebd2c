//! The sentence encoder inside the process: all-MiniLM-L6-v2, a text in, a vector of 384 numbers out.
//!
//! Invariant: a text's vector is a function of the weights and that text alone, to the last bit, whatever the
//! batch and the number of threads. Texts share a pass without padding, so nothing is gained by bringing
//! texts of one length together.

mod forward;
mod loops;
mod weights;
mod word_pieces;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use evalwright_core::{ContentHash, Embedder, Interrupt, ModelError, ModelIdentity};

use crate::error::LocalError;
use crate::workers::{Stopped, lock, work};
use forward::Network;
use weights::Weights;
use word_pieces::WordPieces;

/// Numbers in a vector.
pub const DIMENSIONS: usize = weights::HIDDEN;

/// The engine's name and version, part of what vectors are kept under: raise it when results change.
const ENGINE: &str = "evalwright-local-sentence/1 candle-core/0.11.1";

/// Tokens from which a pass is full. More rows make the products faster up to about here.
const TOKENS_A_PASS: usize = 512;

/// The encoder.
///
/// Opening reads the vocabulary; the weights are read by the first call that needs them.
pub struct SentenceEncoder {
    identity: ModelIdentity,
    weights: PathBuf,
    pieces: WordPieces,
    network: Mutex<Option<Arc<Network>>>,
    threads: usize,
}

/// How to open the encoder.
#[derive(Debug, Clone)]
pub struct EncoderOptions {
    /// The name that manifests and reports carry.
    pub name: String,
    /// SHA-256 of the weights' file.
    pub weights: ContentHash,
    /// Workers; each takes one processor. Changes no result.
    pub threads: usize,
}

impl SentenceEncoder {
    /// Opens the encoder: its weights as a safetensors file, its vocabulary as one token a line.
    ///
    /// # Errors
    /// When the vocabulary cannot be read or is not this model's. What is wrong with the weights shows at the
    /// first call.
    pub fn open(
        weights: &Path,
        vocabulary: &Path,
        options: EncoderOptions,
    ) -> Result<Self, LocalError> {
        Ok(Self {
            identity: ModelIdentity {
                name: options.name,
                weights: Some(options.weights),
                engine: ENGINE.to_owned(),
                precision: "F32 weights held and multiplied as 32-bit floats, cpu".to_owned(),
                chat_template: None,
            },
            weights: weights.to_owned(),
            pieces: WordPieces::read(vocabulary)?,
            network: Mutex::new(None),
            threads: options.threads.max(1),
        })
    }

    /// The token ids of a text, exactly as the encoder reads them: at most 256, the two at its ends included.
    ///
    /// # Errors
    /// When the text cannot be cut.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, LocalError> {
        self.pieces.encode(text)
    }

    fn network(&self) -> Result<Arc<Network>, LocalError> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = &*network {
            return Ok(Arc::clone(loaded));
        }
        let loaded = Arc::new(Network::new(Weights::load(&self.weights)?));
        *network = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Encodes all texts, in any order; each vector goes to its text's place.
    fn encode(&self, texts: &[String], interrupt: &Interrupt) -> Result<Vec<Vec<f32>>, Stopped> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let network = self.network()?;
        let next = AtomicUsize::new(0);
        let vectors: Mutex<Vec<Vec<f32>>> = Mutex::new(vec![Vec::new(); texts.len()]);
        work(self.threads, || {
            loop {
                if interrupt.is_asked() {
                    return Err(Stopped::Interrupted);
                }
                let (places, pass) = self.fill_pass(texts, &next)?;
                if places.is_empty() {
                    return Ok(());
                }
                let found = network.run(&pass)?;
                let mut vectors = lock(&vectors);
                for (place, vector) in places.into_iter().zip(found) {
                    if let Some(target) = vectors.get_mut(place) {
                        *target = vector;
                    }
                }
            }
        })?;
        Ok(vectors.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes texts that no worker has taken yet until a pass is full; their places and tokens.
    fn fill_pass(
        &self,
        texts: &[String],
        next: &AtomicUsize,
    ) -> Result<(Vec<usize>, Vec<Vec<u32>>), LocalError> {
        let (mut places, mut pass, mut tokens) = (Vec::new(), Vec::new(), 0);
        while tokens < TOKENS_A_PASS {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(text) = texts.get(place) else { break };
            let ids = self.pieces.encode(text)?;
            tokens += ids.len();
            places.push(place);
            pass.push(ids);
        }
        Ok((places, pass))
    }
}

impl Embedder for SentenceEncoder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn embed(&self, texts: &[String], interrupt: &Interrupt) -> Result<Vec<Vec<f32>>, ModelError> {
        self.encode(texts, interrupt).map_err(|stopped| {
            let cause = match stopped {
                Stopped::Interrupted => return ModelError::Interrupted,
                Stopped::Receiver(cause) => cause,
                Stopped::Engine(error) => error.to_string(),
            };
            ModelError::Engine {
                model: self.identity.name.clone(),
                cause,
            }
        })
    }
}
