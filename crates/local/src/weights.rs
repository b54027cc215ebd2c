//! The weights of a llama-type model, held as 32-bit floats.
//!
//! Why floats: the pinned file is Q4_1, for which candle has no fast product; Q8_0 moves log-probabilities
//! by up to half a nat and multiplies one row at a time. Float products are exact to rounding, run at the
//! processor's full width and get faster with every row that is batched with them.

use candle_core::quantized::ggml_file::qtensor_from_ggml;
use candle_core::{Device, Tensor};

use crate::error::LocalError;
use crate::gguf::{GgufFile, MetadataValue};

/// Sizes of the model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) heads: usize,
    pub(crate) key_heads: usize,
    pub(crate) head: usize,
    pub(crate) inner: usize,
    pub(crate) vocabulary: usize,
    /// Most tokens that a prompt and its reply may have.
    pub(crate) window: usize,
    pub(crate) rotation_base: f64,
    pub(crate) epsilon: f32,
}

impl Shape {
    /// Numbers in one token's keys (or values) of one layer.
    pub(crate) fn key_width(&self) -> usize {
        self.key_heads * self.head
    }

    /// Numbers in one token's queries.
    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head
    }
}

/// One block of the model. Matrices are `[outputs, inputs]`.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) attention_gain: Vec<f32>,
    /// Queries, keys and values in one matrix: one product instead of three.
    pub(crate) query_key_value: Tensor,
    pub(crate) attention_output: Tensor,
    pub(crate) inner_gain: Vec<f32>,
    /// Gate and up in one matrix.
    pub(crate) gate_up: Tensor,
    pub(crate) down: Tensor,
}

/// All weights.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) shape: Shape,
    pub(crate) layers: Vec<Layer>,
    /// Token embeddings, `vocabulary × hidden`.
    pub(crate) embedding: Tensor,
    pub(crate) final_gain: Vec<f32>,
    /// The output matrix, `[vocabulary, hidden]`; the embeddings themselves where the file has no other.
    pub(crate) output: Tensor,
}

impl Weights {
    pub(crate) fn load(file: &GgufFile) -> Result<Self, LocalError> {
        let architecture = file.text("general.architecture")?;
        if architecture != "llama" {
            return Err(file.unsupported(format!(
                "architecture `{architecture}` is not known to this engine; `llama` is"
            )));
        }
        if file.metadata("llama.rope.scaling.type").is_some()
            || file.has_tensor("rope_freqs.weight")
        {
            return Err(
                file.unsupported("scaled rotary positions are not known to this engine".to_owned())
            );
        }
        if file.has_tensor("blk.0.attn_q.bias") {
            return Err(
                file.unsupported("attention biases are not known to this engine".to_owned())
            );
        }
        let shape = read_shape(file)?;
        let embedding = matrix(file, "token_embd.weight", shape.vocabulary, shape.hidden)?;
        let output = if file.has_tensor("output.weight") {
            matrix(file, "output.weight", shape.vocabulary, shape.hidden)?
        } else {
            embedding.clone()
        };
        let layers = (0..shape.layers)
            .map(|index| read_layer(file, &shape, index))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            shape,
            layers,
            embedding,
            final_gain: vector(file, "output_norm.weight", shape.hidden)?,
            output,
        })
    }
}

/// The sizes, as the header tells them.
pub(crate) fn read_shape(file: &GgufFile) -> Result<Shape, LocalError> {
    let hidden = file.count("llama.embedding_length")?;
    let heads = file.count("llama.attention.head_count")?;
    let key_heads = match file.metadata("llama.attention.head_count_kv") {
        Some(_) => file.count("llama.attention.head_count_kv")?,
        None => heads,
    };
    if heads == 0
        || key_heads == 0
        || hidden % heads != 0
        || heads % key_heads != 0
        || (hidden / heads) % 2 != 0
    {
        return Err(file.damaged(format!(
            "{hidden} numbers do not divide into {heads} and {key_heads} heads"
        )));
    }
    let head = hidden / heads;
    if let Some(rotated) = file
        .metadata("llama.rope.dimension_count")
        .and_then(MetadataValue::as_u64)
        && rotated != head as u64
    {
        return Err(file.unsupported(format!(
            "only {rotated} of {head} numbers of a head are rotated"
        )));
    }
    let float = |key: &str| file.metadata(key).and_then(MetadataValue::as_f64);
    let epsilon = float("llama.attention.layer_norm_rms_epsilon").ok_or_else(|| {
        file.damaged("metadata `llama.attention.layer_norm_rms_epsilon` is missing".to_owned())
    })?;
    Ok(Shape {
        layers: file.count("llama.block_count")?,
        hidden,
        heads,
        key_heads,
        head,
        inner: file.count("llama.feed_forward_length")?,
        vocabulary: file.tensor("token_embd.weight")?.dimensions[0],
        window: file.count("llama.context_length")?,
        rotation_base: float("llama.rope.freq_base").unwrap_or(10_000.0),
        epsilon: epsilon as f32,
    })
}

fn read_layer(file: &GgufFile, shape: &Shape, index: usize) -> Result<Layer, LocalError> {
    let name = |part: &str| format!("blk.{index}.{part}.weight");
    let queries = matrix(file, &name("attn_q"), shape.query_width(), shape.hidden)?;
    let keys = matrix(file, &name("attn_k"), shape.key_width(), shape.hidden)?;
    let values = matrix(file, &name("attn_v"), shape.key_width(), shape.hidden)?;
    let gate = matrix(file, &name("ffn_gate"), shape.inner, shape.hidden)?;
    let up = matrix(file, &name("ffn_up"), shape.inner, shape.hidden)?;
    Ok(Layer {
        attention_gain: vector(file, &name("attn_norm"), shape.hidden)?,
        query_key_value: Tensor::cat(&[&queries, &keys, &values], 0)?,
        attention_output: matrix(
            file,
            &name("attn_output"),
            shape.hidden,
            shape.query_width(),
        )?,
        inner_gain: vector(file, &name("ffn_norm"), shape.hidden)?,
        gate_up: Tensor::cat(&[&gate, &up], 0)?,
        down: matrix(file, &name("ffn_down"), shape.hidden, shape.inner)?,
    })
}

fn matrix(
    file: &GgufFile,
    name: &str,
    outputs: usize,
    inputs: usize,
) -> Result<Tensor, LocalError> {
    read(file, name, &[outputs, inputs])
}

fn vector(file: &GgufFile, name: &str, length: usize) -> Result<Vec<f32>, LocalError> {
    Ok(read(file, name, &[length])?.to_vec1()?)
}

fn read(file: &GgufFile, name: &str, expected: &[usize]) -> Result<Tensor, LocalError> {
    let info = file.tensor(name)?;
    if info.dimensions != expected {
        return Err(file.damaged(format!(
            "tensor `{name}` has the dimensions {:?} where {expected:?} are needed",
            info.dimensions
        )));
    }
    let bytes = file.tensor_bytes(name)?;
    let stored = qtensor_from_ggml(info.format, &bytes, info.dimensions.clone(), &Device::Cpu)?;
    Ok(stored.dequantize(&Device::Cpu)?)
}
