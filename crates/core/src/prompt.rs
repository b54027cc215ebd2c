//! A prompt as a model receives it: a conversation with an opened reply, or plain text.
//!
//! Roles are kept apart as data; no marker inside a value can start a turn.

use serde::{Deserialize, Serialize};

use crate::hash::ContentHash;

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The person who asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The word that chat templates use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The exact text.
    pub content: String,
}

/// What a model is given before it writes or before a text is scored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// A conversation in the model's own chat format. `opening` is the beginning of the reply,
    /// already written (possibly empty); the model continues after it.
    Chat {
        /// The turns so far.
        messages: Vec<Message>,
        /// The start of the assistant's reply.
        opening: String,
    },
    /// Plain text that the model continues, with no chat format around it.
    Text(String),
}

impl Prompt {
    /// The identity of the prompt.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        match self {
            Self::Text(text) => ContentHash::of_parts(&["text", text.as_str()]),
            Self::Chat { messages, opening } => {
                let mut parts = vec!["chat"];
                for message in messages {
                    parts.push(message.role.as_str());
                    parts.push(&message.content);
                }
                parts.push(opening);
                ContentHash::of_parts(&parts)
            }
        }
    }
}
