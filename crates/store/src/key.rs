//! Keys: everything that can change an answer, and nothing else.
//!
//! Every field is named by taking the request apart, so a field that is added to a request does not
//! compile until it is part of the key.

use evalwright_core::{
    ContentHash, ModelIdentity, SampleRequest, Sampling, ScoreMode, ScoreRequest,
};

/// What a model contributes to its keys, computed once for many requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelKey(String);

impl ModelKey {
    /// The part of a model.
    #[must_use]
    pub fn of(model: &ModelIdentity) -> Self {
        Self(model.hash().to_string())
    }

    /// The key of the text that the model writes for a request.
    ///
    /// Each seed has its own key, so several draws from one prompt are several replies. Numbers count by
    /// their bits.
    #[must_use]
    pub fn sample(&self, request: &SampleRequest) -> ContentHash {
        let SampleRequest {
            prompt,
            sampling,
            seed,
        } = request;
        let Sampling {
            temperature,
            top_p,
            max_tokens,
            stop,
        } = sampling;
        let prompt = prompt.hash().to_string();
        let temperature = temperature.to_bits().to_le_bytes();
        let top_p = top_p.to_bits().to_le_bytes();
        let max_tokens = max_tokens.to_le_bytes();
        let seed = seed.0.to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![
            b"sample",
            self.0.as_bytes(),
            prompt.as_bytes(),
            &temperature,
            &top_p,
            &max_tokens,
            &seed,
        ];
        parts.extend(stop.iter().map(String::as_bytes));
        ContentHash::of_parts(&parts)
    }

    /// The key of the scores that the model gives for a request.
    #[must_use]
    pub fn score(&self, request: &ScoreRequest) -> ContentHash {
        let ScoreRequest {
            prompt,
            continuations,
            mode,
        } = request;
        let mode: &[u8] = match mode {
            ScoreMode::Whole => b"whole",
            ScoreMode::FirstToken => b"first_token",
            ScoreMode::Constrained => b"constrained",
        };
        let prompt = prompt.hash().to_string();
        let mut parts: Vec<&[u8]> = vec![b"score", self.0.as_bytes(), prompt.as_bytes(), mode];
        parts.extend(continuations.iter().map(String::as_bytes));
        ContentHash::of_parts(&parts)
    }
}

/// [`ModelKey::sample`] for one request.
#[must_use]
pub fn sample_key(model: &ModelIdentity, request: &SampleRequest) -> ContentHash {
    ModelKey::of(model).sample(request)
}

/// [`ModelKey::score`] for one request.
#[must_use]
pub fn score_key(model: &ModelIdentity, request: &ScoreRequest) -> ContentHash {
    ModelKey::of(model).score(request)
}
