//! Keys: everything that can change an answer, and nothing else.
//!
//! Every field is named by taking the request apart, so a field that is added to a request does not
//! compile until it is part of the key.

use evalwright_core::{
    ContentHash, ModelIdentity, SampleRequest, Sampling, ScoreMode, ScoreRequest,
};

/// The key of the text that a model writes for a request.
///
/// Each seed has its own key, so several draws from one prompt are several replies. Numbers count by
/// their bits.
#[must_use]
pub fn sample_key(model: &ModelIdentity, request: &SampleRequest) -> ContentHash {
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
    let mut parts = vec![
        b"sample".to_vec(),
        model.hash().to_string().into_bytes(),
        prompt.hash().to_string().into_bytes(),
        temperature.to_bits().to_le_bytes().to_vec(),
        top_p.to_bits().to_le_bytes().to_vec(),
        max_tokens.to_le_bytes().to_vec(),
        seed.0.to_le_bytes().to_vec(),
    ];
    parts.extend(stop.iter().map(|text| text.clone().into_bytes()));
    ContentHash::of_parts(&parts)
}

/// The key of the scores that a model gives for a request.
#[must_use]
pub fn score_key(model: &ModelIdentity, request: &ScoreRequest) -> ContentHash {
    let ScoreRequest {
        prompt,
        continuations,
        mode,
    } = request;
    let mode: &[u8] = match mode {
        ScoreMode::Whole => b"whole",
        ScoreMode::FirstToken => b"first_token",
    };
    let mut parts = vec![
        b"score".to_vec(),
        model.hash().to_string().into_bytes(),
        prompt.hash().to_string().into_bytes(),
        mode.to_vec(),
    ];
    parts.extend(continuations.iter().map(|text| text.clone().into_bytes()));
    ContentHash::of_parts(&parts)
}
