//! Why a model file cannot be used.

use std::path::PathBuf;

use thiserror::Error;

/// Why a model file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not a GGUF file, is damaged or was cut.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        problem: String,
    },
    /// The file is sound, but this engine does not know something in it.
    #[error("{}: {problem}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not known.
        problem: String,
    },
    /// The model has no chat format.
    #[error(
        "{}: the file has no `tokenizer.chat_template`, and a guessed chat format gives wrong results that look right; \
         pass one with `--chat-template FILE`",
        path.display()
    )]
    NoChatTemplate {
        /// The file.
        path: PathBuf,
    },
    /// The chat format cannot be applied.
    #[error("the chat template failed: {cause}")]
    ChatTemplate {
        /// The cause, with the template's line.
        cause: String,
    },
    /// A text cannot be cut into tokens, or the arithmetic failed.
    #[error("{0}")]
    Engine(String),
}

impl From<candle_core::Error> for LocalError {
    fn from(error: candle_core::Error) -> Self {
        Self::Engine(error.to_string())
    }
}
