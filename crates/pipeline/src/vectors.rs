//! Vectors of texts through the store: each text's vector is made once, and nothing is used before it is durable.
//!
//! They are kept like replies, also those of the encoder inside the process: a processor with other
//! instructions may round the last digits otherwise, and with the same store a run gives the same rows
//! everywhere.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{ContentHash, Embedder, Interrupt, ModelError};
use evalwright_store::{ReplyStore, embedding_key};

use crate::error::PipelineError;

/// Texts that are made and committed together. A stop, or a crash, costs at most so many.
const TEXTS_A_COMMIT: usize = 1024;

/// Gives vectors, and remembers those of this run.
pub(crate) struct TextVectors<'a> {
    embedder: &'a dyn Embedder,
    store: &'a ReplyStore,
    interrupt: &'a Interrupt,
    known: BTreeMap<String, Vec<f32>>,
}

impl<'a> TextVectors<'a> {
    pub(crate) fn new(
        embedder: &'a dyn Embedder,
        store: &'a ReplyStore,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            embedder,
            store,
            interrupt,
            known: BTreeMap::new(),
        }
    }

    /// The unit vectors of texts one after the other, and how many numbers each has (1 when there are no texts).
    pub(crate) fn of(&mut self, texts: &[&str]) -> Result<(Vec<f32>, usize), PipelineError> {
        let missing: Vec<&str> = texts
            .iter()
            .copied()
            .filter(|text| !self.known.contains_key(*text))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let missing = self.take_from_store(missing)?;
        for part in missing.chunks(TEXTS_A_COMMIT) {
            self.make(part)?;
        }
        let mut data = Vec::new();
        let mut dimension = None;
        for text in texts {
            let Some(vector) = self.known.get(*text) else {
                return Err(self.broken(format!("it gave no vector for {text:?}")));
            };
            let expected = *dimension.get_or_insert(vector.len());
            if vector.len() != expected {
                return Err(self.broken(format!(
                    "it gave vectors of {expected} and of {} numbers",
                    vector.len()
                )));
            }
            data.extend_from_slice(vector);
        }
        Ok((data, dimension.unwrap_or(1)))
    }

    /// Takes what is stored; gives the texts that are left.
    fn take_from_store<'t>(&mut self, texts: Vec<&'t str>) -> Result<Vec<&'t str>, PipelineError> {
        let identity = self.embedder.identity();
        let keys: Vec<ContentHash> = texts
            .iter()
            .map(|text| embedding_key(identity, text))
            .collect();
        let mut stored = self.store.embeddings(&keys)?;
        let mut left = Vec::new();
        for (text, key) in texts.into_iter().zip(&keys) {
            match stored.remove(key) {
                Some(vector) => {
                    self.known.insert(text.to_owned(), vector);
                }
                None => left.push(text),
            }
        }
        Ok(left)
    }

    /// Makes vectors, commits them and takes them as they are in the store: another run may have been first.
    fn make(&mut self, texts: &[&str]) -> Result<(), PipelineError> {
        if self.interrupt.is_asked() {
            return Err(PipelineError::Interrupted);
        }
        let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let vectors = self.embedder.embed(&owned, self.interrupt)?;
        if vectors.len() != texts.len() {
            return Err(self.broken(format!(
                "it gave {} vectors for {} texts",
                vectors.len(),
                texts.len()
            )));
        }
        let made: Vec<(&str, Vec<f32>)> = texts.iter().copied().zip(vectors).collect();
        self.store.put_embeddings(self.embedder.identity(), &made)?;
        self.take_from_store(texts.to_vec())?;
        Ok(())
    }

    /// What to say of vectors that hold something else than numbers.
    pub(crate) fn unusable(&self, cause: &dyn std::error::Error) -> PipelineError {
        self.broken(format!("its vectors cannot be used: {cause}"))
    }

    fn broken(&self, cause: String) -> PipelineError {
        PipelineError::Model(ModelError::Engine {
            model: self.embedder.identity().name.clone(),
            cause,
        })
    }
}
