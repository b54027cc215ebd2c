//! Vectors of texts from a server with embeddings.
//!
//! Invariant: whatever length a server gives its vectors, they leave here with length 1.

use std::sync::{Mutex, PoisonError};

use evalwright_core::{
    ContentHash, Embedder, Interrupt, Model, ModelError, ModelIdentity, Seed, SlotFailure,
    Spending, TokenUsage, scale_to_unit_length,
};

use super::drive::Ended;
use super::halt::Halt;
use super::model::{Question, RemoteModel, unsendable};
use crate::wire::{self, Embedded};

/// Texts of one request for embeddings.
const TEXTS_A_REQUEST: usize = 64;

impl Embedder for RemoteModel {
    fn identity(&self) -> &ModelIdentity {
        Model::identity(self)
    }

    fn spending(&self) -> Spending {
        Model::spending(self)
    }

    fn embed(&self, texts: &[String], interrupt: &Interrupt) -> Result<Vec<Vec<f32>>, ModelError> {
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
            ModelError::Receiver(cause) => self.without_vectors(cause),
            other => other,
        })?;
        let vectors = vectors.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut vectors: Vec<Vec<f32>> = vectors.into_iter().flatten().collect();
        // Each answer was checked in itself.
        let length = vectors.first().map_or(0, Vec::len);
        if vectors.iter().any(|vector| vector.len() != length) {
            let cause = "the server gives vectors of different lengths";
            return Err(self.without_vectors(cause.to_owned()));
        }
        for vector in &mut vectors {
            if !scale_to_unit_length(vector) {
                let cause = "the server gives a vector without a direction: all its numbers are 0";
                return Err(self.without_vectors(cause.to_owned()));
            }
        }
        Ok(vectors)
    }
}

impl RemoteModel {
    fn without_vectors(&self, cause: String) -> ModelError {
        ModelError::Engine {
            model: Model::identity(self).name.clone(),
            cause,
        }
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
        let seed = || Seed(ContentHash::of_parts(texts).leading_u64());
        self.insist(halt, &question, &seed).await
    }
}
