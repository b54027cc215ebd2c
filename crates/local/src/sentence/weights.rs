//! The weights of the sentence encoder, read from a safetensors file.
//!
//! The sizes are those of all-MiniLM-L6-v2 (Wang et al. 2020, distilled, six layers) and no other: a file with
//! other tensors or sizes is refused, because a near miss gives wrong vectors and no error.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::error::LocalError;

/// Numbers in a token's state, and in a text's vector.
pub(super) const HIDDEN: usize = 384;
/// Heads of attention in each layer.
const HEADS: usize = 12;
/// Numbers of one head.
pub(super) const HEAD: usize = HIDDEN / HEADS;
/// Numbers between the two matrices of a layer.
pub(super) const INNER: usize = 1536;
/// Layers.
const LAYERS: usize = 6;
/// Tokens in the vocabulary.
pub(super) const VOCABULARY: usize = 30_522;
/// Positions that the file has a vector for.
pub(super) const POSITIONS: usize = 512;
/// Added to each variance, from the model's configuration.
pub(super) const EPSILON: f32 = 1e-12;

/// Gain and shift of one layer normalisation.
#[derive(Debug)]
pub(super) struct Norm {
    pub(super) gain: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// A matrix `[outputs, inputs]` with its bias.
#[derive(Debug)]
pub(super) struct Linear {
    pub(super) matrix: Tensor,
    pub(super) bias: Vec<f32>,
}

/// One block of the encoder.
#[derive(Debug)]
pub(super) struct Layer {
    /// Queries, keys and values in one matrix: one product instead of three.
    pub(super) query_key_value: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: Norm,
    pub(super) inner: Linear,
    pub(super) output: Linear,
    pub(super) output_norm: Norm,
}

/// All weights.
#[derive(Debug)]
pub(super) struct Weights {
    /// Token embeddings, `VOCABULARY × HIDDEN`, flat.
    pub(super) words: Vec<f32>,
    /// Position embeddings with the embedding of the first segment added, `POSITIONS × HIDDEN`, flat.
    pub(super) positions: Vec<f32>,
    pub(super) embedding_norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Weights {
    /// Reads a file. Its hash is not looked at.
    pub(super) fn load(path: &Path) -> Result<Self, LocalError> {
        let file = Opened {
            path,
            tensors: candle_core::safetensors::load(path, &Device::Cpu).map_err(|cause| {
                LocalError::Damaged {
                    path: path.to_owned(),
                    problem: cause.to_string(),
                }
            })?,
        };
        let words = file.numbers("embeddings.word_embeddings.weight", &[VOCABULARY, HIDDEN])?;
        let mut positions = file.numbers(
            "embeddings.position_embeddings.weight",
            &[POSITIONS, HIDDEN],
        )?;
        // Texts are never pairs here, so every token is of the first segment.
        let segments = file.numbers("embeddings.token_type_embeddings.weight", &[2, HIDDEN])?;
        for position in positions.chunks_exact_mut(HIDDEN) {
            for (number, segment) in position.iter_mut().zip(&segments) {
                *number += segment;
            }
        }
        Ok(Self {
            words,
            positions,
            embedding_norm: file.norm("embeddings.LayerNorm")?,
            layers: (0..LAYERS)
                .map(|index| file.layer(index))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// A file's tensors by name.
struct Opened<'a> {
    path: &'a Path,
    tensors: HashMap<String, Tensor>,
}

impl Opened<'_> {
    fn tensor(&self, name: &str, expected: &[usize]) -> Result<Tensor, LocalError> {
        let unfit = |problem: String| LocalError::Unsupported {
            path: self.path.to_owned(),
            problem,
        };
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| unfit(format!("tensor `{name}` is missing")))?;
        if tensor.dims() != expected || tensor.dtype() != DType::F32 {
            return Err(unfit(format!(
                "tensor `{name}` holds {:?} with the dimensions {:?} where 32-bit floats with {expected:?} are needed",
                tensor.dtype(),
                tensor.dims()
            )));
        }
        Ok(tensor.clone())
    }

    fn numbers(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, LocalError> {
        Ok(self.tensor(name, expected)?.flatten_all()?.to_vec1()?)
    }

    fn norm(&self, name: &str) -> Result<Norm, LocalError> {
        Ok(Norm {
            gain: self.numbers(&format!("{name}.weight"), &[HIDDEN])?,
            shift: self.numbers(&format!("{name}.bias"), &[HIDDEN])?,
        })
    }

    fn linear(&self, name: &str, outputs: usize, inputs: usize) -> Result<Linear, LocalError> {
        Ok(Linear {
            matrix: self.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: self.numbers(&format!("{name}.bias"), &[outputs])?,
        })
    }

    fn layer(&self, index: usize) -> Result<Layer, LocalError> {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let [query, key, value] = ["query", "key", "value"]
            .map(|part| self.linear(&name(&format!("attention.self.{part}")), HIDDEN, HIDDEN));
        let (query, key, value) = (query?, key?, value?);
        Ok(Layer {
            query_key_value: Linear {
                matrix: Tensor::cat(&[&query.matrix, &key.matrix, &value.matrix], 0)?,
                bias: [query.bias, key.bias, value.bias].concat(),
            },
            attention_output: self.linear(&name("attention.output.dense"), HIDDEN, HIDDEN)?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"))?,
            inner: self.linear(&name("intermediate.dense"), INNER, HIDDEN)?,
            output: self.linear(&name("output.dense"), HIDDEN, INNER)?,
            output_norm: self.norm(&name("output.LayerNorm"))?,
        })
    }
}
