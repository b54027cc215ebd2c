//! The model inside the process: GGUF weights, tokenizer, batched sampling and scoring on the processor.
