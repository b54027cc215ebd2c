//! What one kind of server is asked with, and what it can do.
//!
//! A profile is data. What it says can change a request's bytes, so whoever changes one raises
//! [`PROFILES_VERSION`](super::PROFILES_VERSION).

use evalwright_core::Abilities;
use evalwright_core::model::WholeScores;

/// How requests and replies look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `chat/completions`, and `completions` for plain text, as OpenAI made them.
    Chat,
    /// Anthropic's `messages`.
    Messages,
    /// Ollama's own `api/chat` and `api/generate`.
    Ollama,
}

/// The header that carries the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// `authorization: Bearer <key>`.
    Bearer,
    /// The key alone, in a header of this name.
    Header(&'static str),
}

/// The field that limits a chat reply's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLimitField {
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// How a reply that is already begun is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Not at all.
    Impossible,
    /// The conversation's last message is the assistant's.
    LastMessage,
    /// As [`Opening::LastMessage`], without blanks at its end, which the server refuses.
    TrimmedLastMessage,
    /// As [`Opening::LastMessage`], with `continue_final_message`.
    ContinueFinalMessage,
}

/// After which prompts the server gives log-probabilities of a text that it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholeText {
    /// After none.
    Never,
    /// After plain text: `completions` with `echo`.
    Echo,
    /// As [`WholeText::Echo`], and inside the chat format with `prompt_logprobs`.
    EchoAndChat,
}

/// How a server is told that the output must be one of a few texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputLimit {
    /// Not at all.
    Never,
    /// By a list: `structured_outputs.choice`.
    Choice,
    /// By a regular expression: `regex`.
    Pattern,
    /// By a grammar in the form of llama.cpp: `grammar`.
    Grammar,
}

/// Models that reason before they answer and refuse what steers a sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasoningModels {
    /// How the names of such models begin, after the last slash.
    pub prefixes: &'static [&'static str],
    /// Beginnings of names that look like such models and are none.
    pub except: &'static [&'static str],
}

/// A variable whose value goes into a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderVariable {
    /// The variable.
    pub variable: &'static str,
    /// The header.
    pub header: &'static str,
}

/// One kind of server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// The word in front of a model's name.
    pub name: &'static str,
    /// How requests and replies look.
    pub protocol: Protocol,
    /// Where the server is unless the user says otherwise.
    pub base_url: Option<&'static str>,
    /// What stands between a server's root and its endpoints.
    pub version: &'static str,
    /// Variables that may hold the base URL.
    pub base_url_variables: &'static [&'static str],
    /// Variables that may hold the key.
    pub key_variables: &'static [&'static str],
    /// Whether the server answers no one without a key.
    pub key_needed: bool,
    /// The header that carries the key.
    pub authorization: Authorization,
    /// Headers that every request carries.
    pub headers: &'static [(&'static str, &'static str)],
    /// Variables whose values go into headers.
    pub header_variables: &'static [HeaderVariable],
    /// The field that limits a chat reply's length.
    pub token_limit: TokenLimitField,
    /// Whether plain text without a chat format can be continued.
    pub text_prompts: bool,
    /// Whether a request may carry a seed.
    pub seed: bool,
    /// How many candidates a chat reply can show with their log-probabilities; 0 where there are none.
    pub chat_candidates: u8,
    /// The same for the continuation of plain text.
    pub text_candidates: u8,
    /// How the output is limited to the answers.
    pub output_limit: OutputLimit,
    /// Log-probabilities of texts that the server is sent.
    pub whole_text: WholeText,
    /// How many stop strings a request may carry. What is left over is looked for in the reply.
    pub stop_limit: usize,
    /// Whether a stop string may be blank.
    pub blank_stops: bool,
    /// The highest temperature.
    pub temperature_limit: f64,
    /// Whether a temperature other than 1 rules out `top_p`, which is then left away.
    pub temperature_or_top_p: bool,
    /// How a reply that is already begun is continued.
    pub opening: Opening,
    /// Parameters that turn off what the server would do to the distribution by itself.
    pub neutral: &'static [(&'static str, i32)],
    /// Whether the chat template is told to leave out reasoning. Where it is on, such servers continue no reply that is
    /// already begun.
    pub reasoning_off: bool,
    /// Models that refuse sampling parameters.
    pub reasoning: Option<ReasoningModels>,
}

impl Profile {
    /// Whether the model refuses temperature, `top_p`, stop strings and log-probabilities.
    #[must_use]
    pub fn is_reasoning(&self, model: &str) -> bool {
        let name = model.rsplit('/').next().unwrap_or(model);
        let begins = |beginnings: &[&str]| beginnings.iter().any(|start| name.starts_with(start));
        self.reasoning
            .is_some_and(|models| begins(models.prefixes) && !begins(models.except))
    }

    /// What a model of this server can do, as far as it is known without asking.
    #[must_use]
    pub fn abilities(&self, model: &str) -> Abilities {
        let reasons = self.is_reasoning(model);
        Abilities {
            whole_scores: match self.whole_text {
                WholeText::Never => WholeScores::Never,
                WholeText::Echo => WholeScores::AfterText,
                WholeText::EchoAndChat => WholeScores::Always,
            },
            first_token: self.chat_candidates > 0 && !reasons,
            constrained: self.output_limit != OutputLimit::Never
                && self.chat_candidates > 0
                && !reasons,
            text_prompts: self.text_prompts && !reasons,
            opened_replies: self.opening != Opening::Impossible,
        }
    }
}
