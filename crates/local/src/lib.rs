//! The model inside the process: GGUF weights, tokenizer, batched sampling and scoring on the processor.
//!
//! Invariant: what a request gets back is a function of the weights and that request alone. Batches,
//! threads, shared beginnings and the order of requests change the time it takes and nothing else, down to
//! the last bit. `forward` says what that rests on.

mod arithmetic;
mod chat_template;
mod engine;
mod error;
mod forward;
mod gguf;
mod logits;
mod model;
mod product;
mod sampler;
mod segment;
mod sentence;
mod tokenizer;
mod weights;
mod workers;

pub use chat_template::ChatTemplate;
pub use error::LocalError;
pub use gguf::{GgufFile, MetadataValue, TensorInfo};
pub use logits::{NonFiniteLogits, log_probability, log_sum_exp};
pub use model::{LocalModel, OpenOptions};
pub use sentence::{DIMENSIONS, EncoderOptions, SentenceEncoder};
pub use tokenizer::Tokenizer;
