//! A model that is not there: only what it was. A run with it lives on stored replies alone.

use evalwright_core::model::Deliver;
use evalwright_core::{
    Abilities, Embedder, Interrupt, Model, ModelError, ModelIdentity, Prompt, SampleRequest,
    ScoreReply, ScoreRequest, StopReason, TextReply,
};

/// A model as a manifest records it. Whatever the store does not hold, it cannot answer.
#[derive(Debug, Clone)]
pub struct RecordedModel {
    identity: ModelIdentity,
    abilities: Abilities,
}

impl RecordedModel {
    /// A model of this identity; what it could do decides which of a kind's raters it was.
    #[must_use]
    pub fn new(identity: ModelIdentity, abilities: Abilities) -> Self {
        Self {
            identity,
            abilities,
        }
    }

    fn missing(&self, what: &str, count: usize) -> ModelError {
        missing(&self.identity, what, count)
    }
}

/// An embedder as a manifest records it, which makes no vector.
#[derive(Debug, Clone)]
pub struct RecordedEmbedder(pub ModelIdentity);

impl Embedder for RecordedEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn embed(&self, texts: &[String], _: &Interrupt) -> Result<Vec<Vec<f32>>, ModelError> {
        Err(missing(&self.0, "vectors", texts.len()))
    }
}

fn missing(identity: &ModelIdentity, what: &str, count: usize) -> ModelError {
    ModelError::Stopped {
        model: identity.name.clone(),
        reason: StopReason::NotStored,
        cause: format!("the store lacks {count} of its {what}, and nothing is asked here"),
    }
}

impl Model for RecordedModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        _: &Interrupt,
        _: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        Err(self.missing("texts", requests.len()))
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        _: &Interrupt,
        _: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        Err(self.missing("scores", requests.len()))
    }

    fn count_tokens(&self, _: &Prompt) -> Result<u64, ModelError> {
        Err(self.missing("token counts", 1))
    }
}
