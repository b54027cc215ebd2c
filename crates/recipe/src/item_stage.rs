//! The stages of kinds whose items have named parts: side tables, products, questions about candidates, rounds,
//! rules and field maps.
//!
//! The shapes alone; what they do is in the pipeline's file of the same word.

use evalwright_core::{Fields, Sampling, Side};
use serde::Serialize;

/// `use = "table"`: begins items from the rows of a table; their columns become fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableStage {
    /// The behaviour's table of this name, else the folder's `tables/<name>.jsonl` or `.csv`.
    pub name: String,
    /// Columns that every row must have.
    pub columns: Vec<String>,
}

/// `use = "cross"`: each item with each of several additions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossStage {
    /// With what.
    pub with: Additions,
    /// How many additions each item gets, drawn by the item; all of them where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<usize>,
    /// The same, but dealt out: in the order in which items are used, each addition stands equally often, give or take
    /// one or two. Only before the first question, and not beside `draw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal: Option<usize>,
}

/// What items are crossed with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Additions {
    /// The rows of a table.
    Table(TableStage),
    /// Sets of fields that stand in the kind file; all have the same keys.
    Variants(Vec<Fields>),
}

/// How many rows of a table stand in each prompt, drawn and ordered by the slot's seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gold {
    /// The table.
    pub table: String,
    /// How many.
    pub count: usize,
}

/// `use = "ask"` after the first one: a question about each candidate, whose answer becomes fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FollowStage {
    /// The template.
    pub prompt: String,
    /// The parser: one of those that give a text (then `gives` holds one name), `fields` or `choice`.
    pub parse: String,
    /// The fields that the reply sets.
    pub gives: Vec<String>,
    /// How text is drawn.
    pub sampling: Sampling,
}

/// `use = "repeat"`: questions about each candidate, several rounds of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RepeatStage {
    /// How many rounds.
    pub rounds: u32,
    /// What is drawn anew for each candidate and round, and recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<DrawnRow>,
    /// A field that is set from another one before the first round, so that rounds can replace it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<StartField>,
    /// The questions of one round, in order.
    pub ask: Vec<FollowStage>,
}

/// A field and where its first value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StartField {
    /// The field.
    pub field: String,
    /// The field whose value it gets.
    pub from: String,
}

/// A row of a table that is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrawnRow {
    /// The table; it needs a column `id`.
    pub table: String,
    /// The field that holds the row.
    pub field: String,
    /// How many rows are drawn, without repeats; rounds draw one.
    pub count: usize,
}

/// `use = "check"`: candidates that break a rule fall.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckStage {
    /// The rules, each looked at in turn.
    pub rules: Vec<Rule>,
}

/// One rule about one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// A short name; a fallen candidate's reason is `lint:<name>`.
    pub name: String,
    /// The field.
    pub field: String,
    /// What is looked for. Letters count the same large and small, but in patterns.
    pub test: Test,
    /// The texts that it is about.
    pub values: Vec<RuleValue>,
    /// Who is asked, for [`Test::Command`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<RuleCommand>,
}

/// A process outside of this program that is asked about the field: one line of JSON in, one out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleCommand {
    /// The program and its arguments, files of the folder as their texts; no shell reads them.
    pub command: Vec<String>,
    /// Seconds that one answer may take, from 1 to 600.
    pub seconds: u32,
    /// What a field that it finds does, to follow the field's name; said where the process gives no reason.
    pub sentence: String,
}

/// What a rule looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Every value stands in the field.
    Contains,
    /// No value stands in the field.
    Lacks,
    /// Every value stands in the field exactly once.
    Once,
    /// The field begins with one of the values.
    Begins,
    /// The field is none of the values.
    Differs,
    /// Every value, a pattern as rules of `lint` have it, is found in the field.
    Matches,
    /// No value, a pattern, is found in the field.
    MatchesNot,
    /// A process does not find the field.
    Command,
}

impl Test {
    /// All, with the words of kind files.
    pub const ALL: [(&'static str, Self); 8] = [
        ("contains", Self::Contains),
        ("lacks", Self::Lacks),
        ("once", Self::Once),
        ("begins", Self::Begins),
        ("differs", Self::Differs),
        ("matches", Self::Matches),
        ("matches_not", Self::MatchesNot),
        ("command", Self::Command),
    ];
}

/// A text in a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleValue {
    /// As it stands.
    Text(String),
    /// Another field of the candidate.
    Field(String),
    /// A setting of the behaviour.
    Setting(String),
}

/// Which fields hold a candidate's answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionsOf {
    /// One field that is a list of two to eight texts, or as many fields that are texts.
    pub options: Vec<String>,
    /// Which answer matches the behaviour.
    pub matching: AnswerPlace,
    /// The same for candidates written for the other side, where that is another answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<AnswerPlace>,
}

/// A place among answers, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AnswerPlace {
    /// The same in every candidate.
    Number(usize),
    /// A field that holds it.
    Field(String),
}

impl OptionsOf {
    /// Where the matching answer of a candidate written for a side stands.
    #[must_use]
    pub fn place_of(&self, side: Side) -> &AnswerPlace {
        match (side, &self.contrast) {
            (Side::NotMatching, Some(contrast)) => contrast,
            _ => &self.matching,
        }
    }

    /// Every field that is looked at.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let places = std::iter::once(&self.matching).chain(&self.contrast);
        let places = places.filter_map(|place| match place {
            AnswerPlace::Field(field) => Some(field.as_str()),
            AnswerPlace::Number(_) => None,
        });
        self.options
            .iter()
            .map(String::as_str)
            .chain(places)
            .collect()
    }
}

/// Where the matching answer stands among the published ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placing {
    /// Each place equally often in every cell, in an order drawn by the run's seed.
    Balanced,
    /// Where it stands in the candidate.
    AsWritten,
}

/// `use = "emit"` with a field map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EmitItemStage {
    /// The JSON schema of a row, a file of the folder.
    pub schema: String,
    /// The answers, for kinds that have them: then `choices`, `answer` and `others` are fields too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<OptionsOf>,
    /// Where the matching answer stands.
    pub place: Placing,
    /// The row's columns in order, before `id` and `metadata`.
    pub fields: Vec<EmitField>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmitField {
    /// Its name.
    pub name: String,
    /// Where its value comes from.
    pub value: EmitValue,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmitValue {
    /// A template, rendered as text.
    Template(String),
    /// A field, as it is. A list of one text becomes that text where the schema says `string`.
    From(String),
    /// The row's number in the file, from 0.
    Index,
}
