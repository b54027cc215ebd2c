//! The encoder's tokenizer: WordPiece (Wu et al. 2016) over the vocabulary file, as BERT's uncased models use it.
//!
//! Text is cleaned of control characters, lower-cased and stripped of accents; CJK characters stand alone; words
//! are cut at blanks and punctuation and then into the longest pieces that the vocabulary has. Invariant: every
//! character is text, also where it spells a control token such as `[SEP]`.

use std::path::Path;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

use super::weights::VOCABULARY;
use crate::error::LocalError;

/// Tokens of one text, the first and the last included. What is longer is cut, as the model's own
/// configuration says (`max_seq_length`).
pub(super) const MOST_TOKENS: usize = 256;

/// Text to token ids.
pub(super) struct WordPieces {
    tokenizer: tokenizers::Tokenizer,
    begin: u32,
    end: u32,
}

impl WordPieces {
    /// Reads a vocabulary file: one token a line, its number the line's.
    pub(super) fn read(path: &Path) -> Result<Self, LocalError> {
        let text = std::fs::read_to_string(path).map_err(|source| LocalError::Read {
            path: path.to_owned(),
            source,
        })?;
        let damaged = |problem: String| LocalError::Damaged {
            path: path.to_owned(),
            problem,
        };
        let vocabulary: tokenizers::models::bpe::Vocab =
            text.lines().map(str::to_owned).zip(0_u32..).collect();
        if vocabulary.len() != VOCABULARY {
            return Err(damaged(format!(
                "the vocabulary has {} different tokens where {VOCABULARY} are needed",
                vocabulary.len()
            )));
        }
        let id = |token: &str| {
            vocabulary
                .get(token)
                .copied()
                .ok_or_else(|| damaged(format!("the vocabulary has no `{token}`")))
        };
        let (begin, end) = (id("[CLS]")?, id("[SEP]")?);
        id("[UNK]")?;
        let model = WordPiece::builder()
            .vocab(vocabulary)
            .unk_token("[UNK]".to_owned())
            .build()
            .map_err(|cause| damaged(format!("the tokenizer cannot be built: {cause}")))?;
        let mut tokenizer = tokenizers::Tokenizer::new(model);
        tokenizer
            .with_normalizer(Some(BertNormalizer::new(true, true, None, true)))
            .map_err(|cause| damaged(format!("the tokenizer cannot be built: {cause}")))?;
        tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
        Ok(Self {
            tokenizer,
            begin,
            end,
        })
    }

    /// The ids of a text: at least the two that stand for its beginning and end, at most [`MOST_TOKENS`].
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, LocalError> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|cause| {
            LocalError::Engine(format!("a text cannot be cut into tokens: {cause}"))
        })?;
        let pieces = encoding.get_ids().iter().take(MOST_TOKENS - 2);
        Ok(std::iter::once(&self.begin)
            .chain(pieces)
            .chain([&self.end])
            .copied()
            .collect())
    }
}
