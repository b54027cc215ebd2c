//! Keys and values of a run of tokens, kept so that no token is computed twice.
//!
//! A text is a chain of segments: beginnings shared by many prompts, the rest of a prompt, a text of its own.
//! How a text is cut into segments never changes what attention reads: the keys are walked in text order.

use std::sync::Arc;

/// Keys and values of consecutive tokens, for every layer.
#[derive(Debug)]
pub(crate) struct Segment {
    layers: Vec<LayerCache>,
    tokens: usize,
}

/// One layer's share: `tokens × width` numbers each.
#[derive(Debug, Default)]
pub(crate) struct LayerCache {
    pub(crate) keys: Vec<f32>,
    pub(crate) values: Vec<f32>,
}

impl Segment {
    pub(crate) fn new(layer_count: usize) -> Self {
        Self {
            layers: (0..layer_count).map(|_| LayerCache::default()).collect(),
            tokens: 0,
        }
    }

    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    pub(crate) fn layer(&self, layer: usize) -> &LayerCache {
        &self.layers[layer]
    }

    /// Adds one token's keys and values to one layer.
    pub(crate) fn append(&mut self, layer: usize, keys: &[f32], values: &[f32]) {
        let cache = &mut self.layers[layer];
        cache.keys.extend_from_slice(keys);
        cache.values.extend_from_slice(values);
    }

    /// Counts tokens whose keys and values have been added to every layer.
    pub(crate) fn grow(&mut self, tokens: usize) {
        self.tokens += tokens;
    }
}

/// The segments before a text, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain(pub(crate) Vec<Arc<Segment>>);

impl Chain {
    pub(crate) fn tokens(&self) -> usize {
        self.0.iter().map(|segment| segment.tokens()).sum()
    }

    pub(crate) fn with(&self, segment: Arc<Segment>) -> Self {
        let mut chain = self.clone();
        chain.0.push(segment);
        chain
    }
}
