//! Vectors of texts from a server with embeddings.

use std::sync::{Mutex, PoisonError};

use evalwright_core::{ContentHash, Interrupt, Model, ModelError, Seed, SlotFailure, TokenUsage};

use super::halt::Halt;
use super::model::{Ended, Question, RemoteModel, unsendable};
use crate::wire::{self, Embedded};

/// Texts of one request for embeddings.
const TEXTS_A_REQUEST: usize = 64;

impl RemoteModel {
    /// The vectors of texts, in their order and of one length, from a server with embeddings.
    ///
    /// # Errors
    /// As [`Model::score`]; also when one request failed for good.
    pub fn embed(
        &self,
        texts: &[String],
        interrupt: &Interrupt,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let halt = Halt::default();
        let parts: Vec<&[String]> = texts.chunks(TEXTS_A_REQUEST).collect();
        let vectors: Mutex<Vec<Vec<Vec<f32>>>> = Mutex::new(vec![Vec::new(); parts.len()]);
        let end = self.runtime.block_on(self.drive(
            parts.len(),
            &halt,
            interrupt,
            |part| self.vectors(&halt, parts[part]),
            &|part, answer: Result<Embedded, SlotFailure>| {
                let embedded = answer.map_err(|failure| failure.to_string())?;
                if let Some(place) = vectors
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_mut(part)
                {
                    *place = embedded.vectors;
                }
                Ok(())
            },
        ));
        // Nothing but a part without vectors fails to be taken in here.
        end.map_err(|error| match error {
            ModelError::Receiver(cause) => ModelError::Engine {
                model: self.identity().name.clone(),
                cause,
            },
            other => other,
        })?;
        let vectors = vectors.into_inner().unwrap_or_else(PoisonError::into_inner);
        let vectors: Vec<Vec<f32>> = vectors.into_iter().flatten().collect();
        // Each answer was checked in itself.
        let length = vectors.first().map_or(0, Vec::len);
        if vectors.iter().any(|vector| vector.len() != length) {
            return Err(ModelError::Engine {
                model: self.identity().name.clone(),
                cause: "the server gives vectors of different lengths".to_owned(),
            });
        }
        Ok(vectors)
    }

    async fn vectors(&self, halt: &Halt, texts: &[String]) -> Ended<Embedded> {
        let (profile, model) = (self.connection.profile, &self.connection.model);
        let outgoing = match wire::embeddings::build(profile, model, texts) {
            Ok(outgoing) => outgoing,
            Err(trouble) => return unsendable(trouble),
        };
        let read = |content_type: Option<&str>, body: &[u8]| {
            let estimate = outgoing.prompt_estimate;
            wire::embeddings::read(profile, texts.len(), estimate, content_type, body)
        };
        let question = Question {
            outgoing: &outgoing,
            worst: TokenUsage::new(outgoing.prompt_estimate.at_most, 0),
            read: &read,
            usage: |embedded: &Embedded| {
                let usage = TokenUsage::new(embedded.prompt_tokens, 0);
                (usage, embedded.estimated)
            },
            reported: &|_, _| None,
        };
        let seed = Seed(ContentHash::of_parts(texts).leading_u64());
        self.insist(halt, &question, seed).await
    }
}
