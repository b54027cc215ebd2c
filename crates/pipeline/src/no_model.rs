//! The model of a kind that asks none.

use evalwright_core::model::Deliver;
use evalwright_core::{
    Interrupt, Model, ModelError, ModelIdentity, Prompt, SampleRequest, ScoreReply, ScoreRequest,
    TextReply,
};

/// Stands where a plan needs a writer and the kind has no question. It answers nothing.
#[derive(Debug)]
pub struct NoModel(ModelIdentity);

impl NoModel {
    /// The name in manifests and behaviours.
    pub const NAME: &'static str = "none";
}

impl Default for NoModel {
    fn default() -> Self {
        Self(ModelIdentity {
            name: Self::NAME.to_owned(),
            weights: None,
            engine: Self::NAME.to_owned(),
            precision: Self::NAME.to_owned(),
            chat_template: None,
        })
    }
}

impl NoModel {
    fn refuse(&self) -> ModelError {
        ModelError::Engine {
            model: Self::NAME.to_owned(),
            cause: "the kind was said to ask no model, and asks one".to_owned(),
        }
    }
}

impl Model for NoModel {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn sample(
        &self,
        _: &[SampleRequest],
        _: &Interrupt,
        _: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        Err(self.refuse())
    }

    fn score(
        &self,
        _: &[ScoreRequest],
        _: &Interrupt,
        _: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        Err(self.refuse())
    }

    fn count_tokens(&self, _: &Prompt) -> Result<u64, ModelError> {
        Ok(0)
    }
}
