//! The in-process model behind the traits of `core`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use evalwright_core::model::Deliver;
use evalwright_core::{
    ContentHash, Interrupt, Model, ModelError, ModelIdentity, Prompt, SampleRequest, ScoreReply,
    ScoreRequest, TextReply,
};

use crate::chat_template::ChatTemplate;
use crate::engine::{Engine, TEXTS_IN_FLIGHT};
use crate::error::LocalError;
use crate::forward::Network;
use crate::gguf::GgufFile;
use crate::tokenizer::{Stretch, Tokenizer};
use crate::weights::{Weights, read_shape};
use crate::workers::Stopped;

/// The engine's name and version, part of every reply's key: raise it when results change.
const ENGINE: &str = "evalwright-local/1 candle-core/0.11.1";

/// A model inside the process.
///
/// Opening reads the header and the tokenizer; the weights are read by the first call that needs them, so
/// that a run whose replies are all in the store never loads them.
pub struct LocalModel {
    identity: ModelIdentity,
    file: GgufFile,
    tokenizer: Arc<Tokenizer>,
    template: ChatTemplate,
    network: Mutex<Option<Arc<Network>>>,
    threads: usize,
}

/// How to open a model.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The name that replies, manifests and reports carry.
    pub name: String,
    /// SHA-256 of the file.
    pub weights: ContentHash,
    /// Workers; each takes one processor. Changes no result.
    pub threads: usize,
    /// A chat template to use in place of the file's own.
    pub chat_template: Option<String>,
}

impl LocalModel {
    /// Reads a GGUF file.
    ///
    /// # Errors
    /// When the file is damaged, or holds an architecture, a tokenizer or a number format that this engine
    /// does not know, or has no chat template and none is given.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, LocalError> {
        let file = GgufFile::open(path)?;
        let template = match &options.chat_template {
            Some(source) => ChatTemplate::new(source)?,
            None => match file.text("tokenizer.chat_template") {
                Ok(source) => ChatTemplate::new(source)?,
                Err(_) => {
                    return Err(LocalError::NoChatTemplate {
                        path: path.to_owned(),
                    });
                }
            },
        };
        let tokenizer = Tokenizer::from_file(&file)?;
        let embeddings = read_shape(&file)?.vocabulary;
        if embeddings != tokenizer.vocabulary() {
            return Err(file.damaged(format!(
                "the vocabulary has {} tokens and the embeddings {embeddings}",
                tokenizer.vocabulary(),
            )));
        }
        let stored = file.tensor("blk.0.ffn_down.weight")?.format;
        let identity = ModelIdentity {
            name: options.name,
            weights: Some(options.weights),
            engine: ENGINE.to_owned(),
            precision: format!(
                "{stored:?} weights held and multiplied as 32-bit floats, batches of up to {TEXTS_IN_FLIGHT}, cpu"
            ),
            chat_template: Some(template.hash()),
        };
        Ok(Self {
            identity,
            file,
            tokenizer: Arc::new(tokenizer),
            template,
            network: Mutex::new(None),
            threads: options.threads.max(1),
        })
    }

    /// The tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The token ids of a prompt, exactly as the model reads them.
    ///
    /// # Errors
    /// When the chat template fails.
    pub fn prompt_tokens(&self, prompt: &Prompt) -> Result<Vec<u32>, LocalError> {
        let tokenizer = &self.tokenizer;
        let stretches = match prompt {
            Prompt::Text(text) => vec![Stretch::Content(text.clone())],
            Prompt::Chat { messages, opening } => {
                let mut stretches =
                    self.template
                        .render(messages, tokenizer.begin_text(), tokenizer.end_text())?;
                stretches.push(Stretch::Content(opening.clone()));
                stretches
            }
        };
        tokenizer.encode_stretches(&stretches)
    }

    /// Natural logarithm of every token's probability right after a run of tokens, and the sum of the run's
    /// own log-probabilities from its second token on. For checks against a reference; samples and scores
    /// use the batched paths.
    ///
    /// # Errors
    /// When there are no tokens, or the arithmetic fails.
    pub fn log_probabilities(&self, tokens: &[u32]) -> Result<(Vec<f64>, f64), LocalError> {
        self.engine()?.log_probabilities(tokens)
    }

    /// The engine; reads the weights if this is the first call.
    fn engine(&self) -> Result<Engine, LocalError> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = match &*network {
            Some(loaded) => Arc::clone(loaded),
            None => {
                let loaded = Arc::new(Network::new(Weights::load(&self.file)?));
                *network = Some(Arc::clone(&loaded));
                loaded
            }
        };
        Ok(Engine {
            network: loaded,
            tokenizer: Arc::clone(&self.tokenizer),
        })
    }

    fn cut(&self, prompts: impl Iterator<Item = Prompt>) -> Result<Vec<Vec<u32>>, ModelError> {
        prompts
            .map(|prompt| self.prompt_tokens(&prompt))
            .collect::<Result<_, _>>()
            .map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &LocalError) -> ModelError {
        ModelError::Engine {
            model: self.identity.name.clone(),
            cause: error.to_string(),
        }
    }

    fn stopped(&self, stopped: Stopped) -> ModelError {
        match stopped {
            Stopped::Interrupted => ModelError::Interrupted,
            Stopped::Receiver(cause) => ModelError::Receiver(cause),
            Stopped::Engine(error) => self.broken(&error),
        }
    }
}

impl Model for LocalModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        let prompts = self.cut(requests.iter().map(|request| request.prompt.clone()))?;
        self.engine()
            .map_err(|error| self.broken(&error))?
            .sample(requests, prompts, self.threads, interrupt, deliver)
            .map_err(|stopped| self.stopped(stopped))
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        let prompts = self.cut(requests.iter().map(|request| request.prompt.clone()))?;
        self.engine()
            .map_err(|error| self.broken(&error))?
            .score(requests, prompts, self.threads, interrupt, deliver)
            .map_err(|stopped| self.stopped(stopped))
    }

    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        self.prompt_tokens(prompt)
            .map(|tokens| tokens.len() as u64)
            .map_err(|error| self.broken(&error))
    }
}
