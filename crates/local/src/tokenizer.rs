//! The tokenizer, built from the vocabulary and merges inside the model file.
//!
//! Invariant: a text's tokens are those of the model's own training. A file whose `tokenizer.ggml.pre` is not
//! in the table here is refused, because a near miss (a blank added, digits not split) gives wrong
//! probabilities and no error.

use std::collections::BTreeMap;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{AddedToken, PreTokenizerWrapper};

use crate::error::LocalError;
use crate::gguf::{GgufFile, MetadataValue};

/// Text to token ids and back.
pub struct Tokenizer {
    /// Knows the control tokens' texts.
    with_controls: tokenizers::Tokenizer,
    /// Reads every text as plain characters.
    plain: tokenizers::Tokenizer,
    bytes: Vec<Vec<u8>>,
    controls: BTreeMap<u32, String>,
    begin: Option<(u32, String)>,
    end: u32,
    adds_begin: bool,
}

/// One stretch of a rendered conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// From the chat template: control tokens count as such.
    Format(String),
    /// From the user or a model: every character is text.
    Content(String),
}

/// How one named pre-tokenizer cuts text before merging.
struct PreTokenizer {
    name: &'static str,
    single_digits: bool,
}

/// Byte-level pre-tokenizers that are known, by the name in the file.
const PRE_TOKENIZERS: &[PreTokenizer] = &[
    PreTokenizer {
        name: "smollm",
        single_digits: true,
    },
    PreTokenizer {
        name: "gpt-2",
        single_digits: false,
    },
];

/// `tokenizer.ggml.token_type` of control tokens.
const CONTROL: u64 = 3;

impl Tokenizer {
    /// Builds the tokenizer of a file.
    ///
    /// # Errors
    /// When the tokenizer's type or pre-tokenizer is not known, or its tables are damaged.
    pub fn from_file(file: &GgufFile) -> Result<Self, LocalError> {
        let model = file.text("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(file.unsupported(format!(
                "tokenizer model `{model}` is not known to this engine; `gpt2` is"
            )));
        }
        let pre = file.text("tokenizer.ggml.pre")?;
        let known = PRE_TOKENIZERS
            .iter()
            .find(|known| known.name == pre)
            .ok_or_else(|| {
                let names: Vec<_> = PRE_TOKENIZERS
                    .iter()
                    .map(|known| format!("`{}`", known.name))
                    .collect();
                file.unsupported(format!(
                    "tokenizer table `{pre}` is not known to this engine; known are {}",
                    names.join(", ")
                ))
            })?;
        let tokens = texts(file, "tokenizer.ggml.tokens")?;
        let kinds = file.list("tokenizer.ggml.token_type")?;
        if kinds.len() != tokens.len() {
            return Err(file.damaged(
                "the vocabulary and `tokenizer.ggml.token_type` differ in length".to_owned(),
            ));
        }
        let merges = texts(file, "tokenizer.ggml.merges")?
            .into_iter()
            .map(|merge| {
                merge
                    .split_once(' ')
                    .map(|(left, right)| (left.to_owned(), right.to_owned()))
                    .ok_or_else(|| file.damaged(format!("merge {merge:?} has no two parts")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut controls = BTreeMap::new();
        for (id, (kind, token)) in (0_u32..).zip(kinds.iter().zip(&tokens)) {
            if kind.as_u64() == Some(CONTROL) {
                controls.insert(id, token.clone());
            }
        }
        let failed = |cause: tokenizers::Error| {
            file.damaged(format!("the tokenizer cannot be built: {cause}"))
        };
        let mut plain = build(&tokens, merges, known).map_err(failed)?;
        plain.with_padding(None);
        let mut with_controls = plain.clone();
        let added: Vec<_> = controls
            .values()
            .map(|text| AddedToken::from(text.clone(), true))
            .collect();
        with_controls
            .add_special_tokens(added)
            .map_err(|cause| file.damaged(format!("the tokenizer cannot be built: {cause}")))?;
        let id = |key: &str| {
            file.metadata(key)
                .and_then(MetadataValue::as_u64)
                .and_then(|id| u32::try_from(id).ok())
        };
        let end = id("tokenizer.ggml.eos_token_id")
            .filter(|id| (*id as usize) < tokens.len())
            .ok_or_else(|| {
                file.damaged("metadata `tokenizer.ggml.eos_token_id` is missing".to_owned())
            })?;
        let begin = id("tokenizer.ggml.bos_token_id")
            .and_then(|id| tokens.get(id as usize).map(|text| (id, text.clone())));
        let adds_begin = file
            .metadata("tokenizer.ggml.add_bos_token")
            .and_then(MetadataValue::as_bool)
            .unwrap_or(false);
        Ok(Self {
            with_controls,
            plain,
            bytes: tokens.iter().map(|token| token_bytes(token)).collect(),
            controls,
            begin,
            end,
            adds_begin,
        })
    }

    /// The ids of a text in which control tokens written out count as control tokens.
    ///
    /// # Errors
    /// When the text cannot be cut.
    pub fn encode_with_controls(&self, text: &str) -> Result<Vec<u32>, LocalError> {
        encode(&self.with_controls, text)
    }

    /// The ids of a text in which every character is text, even where it spells a control token.
    ///
    /// # Errors
    /// When the text cannot be cut.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>, LocalError> {
        encode(&self.plain, text)
    }

    /// The ids of a rendered conversation, with exactly as many begin tokens as the model asks for.
    pub(crate) fn encode_stretches(&self, stretches: &[Stretch]) -> Result<Vec<u32>, LocalError> {
        let forged = stretches.iter().any(|stretch| match stretch {
            Stretch::Content(text) => self
                .controls
                .values()
                .any(|control| text.contains(control.as_str())),
            Stretch::Format(_) => false,
        });
        let mut ids = Vec::new();
        if forged {
            for stretch in stretches {
                ids.extend(match stretch {
                    Stretch::Format(text) => self.encode_with_controls(text)?,
                    Stretch::Content(text) => self.encode_plain(text)?,
                });
            }
        } else {
            // Cut as one text, as the model saw it in training: blanks may join across a border.
            let whole: String = stretches
                .iter()
                .map(|stretch| match stretch {
                    Stretch::Format(text) | Stretch::Content(text) => text.as_str(),
                })
                .collect();
            ids = self.encode_with_controls(&whole)?;
        }
        Ok(self.with_begin(ids))
    }

    /// Puts the begin token in front where the model asks for one and the text does not bring it.
    fn with_begin(&self, mut ids: Vec<u32>) -> Vec<u32> {
        if let Some((begin, _)) = &self.begin
            && self.adds_begin
            && ids.first() != Some(begin)
        {
            ids.insert(0, *begin);
        }
        ids
    }

    /// The text of the begin token, for chat templates that write it.
    #[must_use]
    pub fn begin_text(&self) -> &str {
        self.begin.as_ref().map_or("", |(_, text)| text)
    }

    /// The text of the end token.
    #[must_use]
    pub fn end_text(&self) -> &str {
        self.controls.get(&self.end).map_or("", String::as_str)
    }

    /// Whether a token ends a text: the end token and every other control token.
    #[must_use]
    pub fn ends_text(&self, token: u32) -> bool {
        token == self.end || self.controls.contains_key(&token)
    }

    /// The bytes that a token stands for; a character may be spread over several tokens.
    #[must_use]
    pub fn token_bytes(&self, token: u32) -> &[u8] {
        usize::try_from(token)
            .ok()
            .and_then(|index| self.bytes.get(index))
            .map_or(&[], Vec::as_slice)
    }

    /// Tokens in the vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.bytes.len()
    }
}

fn build(
    tokens: &[String],
    merges: Vec<(String, String)>,
    known: &PreTokenizer,
) -> Result<tokenizers::Tokenizer, tokenizers::Error> {
    let vocabulary: Vec<(String, u32)> = tokens.iter().cloned().zip(0_u32..).collect();
    let model = BPE::builder().vocab_and_merges(
        vocabulary
            .into_iter()
            .collect::<tokenizers::models::bpe::Vocab>(),
        merges,
    );
    let mut steps = Vec::new();
    if known.single_digits {
        steps.push(PreTokenizerWrapper::Digits(Digits::new(true)));
    }
    steps.push(PreTokenizerWrapper::ByteLevel(ByteLevel::new(
        false, false, true,
    )));
    let mut tokenizer = tokenizers::Tokenizer::new(model.build()?);
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
    Ok(tokenizer)
}

fn encode(tokenizer: &tokenizers::Tokenizer, text: &str) -> Result<Vec<u32>, LocalError> {
    tokenizer
        .encode_fast(text, false)
        .map(|encoding| encoding.get_ids().to_vec())
        .map_err(|cause| LocalError::Engine(format!("a text cannot be cut into tokens: {cause}")))
}

fn texts(file: &GgufFile, key: &str) -> Result<Vec<String>, LocalError> {
    file.list(key)?
        .iter()
        .map(|value| {
            value
                .as_text()
                .map(str::to_owned)
                .ok_or_else(|| file.damaged(format!("`{key}` holds something else than text")))
        })
        .collect()
}

/// Undoes the byte-level alphabet (Radford et al. 2019): printable characters stand for their own byte, the
/// others for bytes in order from U+0100. A token with any other character stands for its own UTF-8.
fn token_bytes(token: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(token.len());
    for character in token.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => return token.as_bytes().to_vec(),
        }
    }
    bytes
}

fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    let own = |code: u32| matches!(code, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    if own(code) {
        return u8::try_from(code).ok();
    }
    let place = usize::try_from(code.checked_sub(0x100)?).ok()?;
    (0_u8..=255)
        .filter(|byte| !own(u32::from(*byte)))
        .nth(place)
}

#[cfg(test)]
mod tests {
    use super::token_bytes;

    #[test]
    fn the_byte_alphabet_is_undone() {
        assert_eq!(token_bytes("Ġthe"), b" the");
        assert_eq!(token_bytes("Ċ"), b"\n");
        assert_eq!(token_bytes("Ã©"), "é".as_bytes());
        assert_eq!(token_bytes("<|im_end|>"), b"<|im_end|>");
    }
}
