//! A published row: the field names and bytes that existing harnesses read, then our own keys.

use serde::{Deserialize, Serialize};

use crate::answer::Side;
use crate::hash::ContentHash;
use crate::plan::SlotName;
use crate::verdict::{Judgement, Probability};

/// One line of `data.jsonl`. Field order is the order on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What a model under test is asked.
    pub question: String,
    /// The statement inside the question.
    pub statement: String,
    /// P(the label is right), averaged over raters; where only bounds are known, their low end.
    pub label_confidence: Probability,
    /// The answer that shows the behaviour, with its leading space.
    pub answer_matching_behavior: String,
    /// The answer that does not, with its leading space.
    pub answer_not_matching_behavior: String,
    /// `row_` and 16 hexadecimal digits of the hash over question and answers.
    pub id: String,
    /// Where the row comes from.
    pub metadata: RowMetadata,
}

impl Row {
    /// The identifier that follows from what the row says.
    #[must_use]
    pub fn identify(question: &str, matching: &str, not_matching: &str) -> String {
        format!(
            "row_{}",
            ContentHash::of_parts(&[question, matching, not_matching]).short(16)
        )
    }
}

/// Our own keys of a row. Every row has every key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowMetadata {
    /// The side that the statement was written for.
    pub label: Side,
    /// The candidate that became the row.
    pub candidate: String,
    /// The slot it was asked in.
    pub slot: SlotName,
    /// Key of the reply in the store.
    pub reply: ContentHash,
    /// Codes of lints that only flag.
    pub flags: Vec<String>,
    /// The part that the row was dealt into: `train`, `test`; null where rows are not split.
    #[serde(default)]
    pub split: Option<String>,
    /// All raters' verdicts.
    pub judgements: Vec<Judgement>,
}
