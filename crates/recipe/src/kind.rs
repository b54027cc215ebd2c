//! A kind: the stages that make one family of datasets, as data.
//!
//! The language has no loops and no expressions: what needs logic is a stage, what needs words is a template.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Method, Sampling};
use serde::{Deserialize, Serialize};

use crate::item_stage::{
    CheckStage, CrossStage, DrawnRow, EmitItemStage, FollowStage, Gold, OptionsOf, RepeatStage,
    TableStage,
};
use crate::lint_stage::LintStage;

/// A kind with one of its presets applied, fully checked: every template that it names exists and compiles.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kind {
    /// The folder's name.
    pub name: String,
    /// What it makes, in half a sentence.
    pub makes: String,
    /// The preset in force; `default` is `kind.toml` itself.
    pub preset: String,
    /// All presets that the folder offers, `default` first.
    pub presets: Vec<String>,
    /// Where its files came from.
    pub origin: Origin,
    /// What is held balanced: `label` for the two sides of the behaviour, and names of fields. May be empty.
    pub cells: Vec<String>,
    /// The field that lints, judges and duplicates look at; statements have none beside their text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The stages in order.
    pub stages: Vec<Stage>,
    /// Calibration curves, from `calibration.toml`.
    pub calibration: Vec<Curve>,
    /// SHA-256 of each file of the folder, by name.
    pub files: BTreeMap<String, ContentHash>,
}

/// Where a kind's files came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Inside the binary.
    BuiltIn,
    /// The user's project folder.
    Project,
}

/// One stage. The word in `use = "…"` is the variant's name in kebab-case.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "use", rename_all = "kebab-case")]
pub enum Stage {
    /// Begins items from a side table.
    Table(TableStage),
    /// Each item with each of several additions.
    Cross(CrossStage),
    /// Renders a prompt, samples, parses.
    Ask(AskStage),
    /// Asks about each candidate.
    #[serde(rename = "ask")]
    Follow(FollowStage),
    /// Asks about each candidate, several rounds.
    Repeat(RepeatStage),
    /// Drops by rules about fields.
    Check(CheckStage),
    /// Drops or flags by rule.
    Lint(LintStage),
    /// Asks raters how likely each side is.
    Score(ScoreStage),
    /// Keeps one of each cluster of duplicates.
    Dedup(DedupStage),
    /// Chooses the rows.
    Select(SelectStage),
    /// Maps a statement to a row.
    Emit(EmitStage),
    /// Maps a candidate to a row, field by field.
    #[serde(rename = "emit")]
    EmitItem(EmitItemStage),
}

/// `use = "ask"`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AskStage {
    /// The template, rendered once per slot.
    pub prompt: String,
    /// The parser: `first-line`, `list`, `json` or `raw`.
    pub parse: String,
    /// How text is drawn.
    pub sampling: Sampling,
    /// How many of the behaviour's examples stand in each prompt, drawn and ordered by the slot's seed.
    #[serde(default)]
    pub examples: usize,
    /// Rows of a table that stand in each prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<Gold>,
    /// The fields that each item of the reply sets; none for a statement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gives: Vec<String>,
    /// How many slots are planned.
    pub plan: AskPlan,
}

/// How many slots a cell gets. Sizes are multiples of the rows wanted in the cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskPlan {
    /// Slots of the first wave, per row wanted.
    pub first: f64,
    /// Later waves go out until this many candidates per row wanted have passed every filter.
    pub pool: f64,
    /// No more than this many slots per row wanted in all; then the shortfall is reported.
    pub limit: f64,
}

/// `use = "score"`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreStage {
    /// What is judged; `label` compares the two sides, any other one holds of a text or not, and the raters'
    /// `matching` answers say that it does.
    pub requirement: String,
    /// The candidate's answers, where the judge chooses among them: each order of them is asked, the given one and
    /// its reverse, and the two probabilities of the matching answer are averaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<OptionsOf>,
    /// Rows of a table drawn for each candidate; each is asked by itself, and the probabilities are averaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<DrawnRow>,
    /// The wordings; each judge under each of them is one rater.
    pub raters: Vec<Rater>,
}

/// One wording of the judge prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rater {
    /// A short name, unique in the stage.
    pub name: String,
    /// How the score is read: by the first of these that the judge can do. `channel` stands alone.
    pub methods: Vec<Method>,
    /// The template. For `channel` it is rendered once per side with `side` and `examples` bound to that
    /// side's and ends where the statement begins; for the other methods once per candidate.
    pub prompt: String,
    /// The forms of each side's answer. Ignored by `channel`.
    #[serde(default)]
    pub answers: Option<AnswerForms>,
    /// For `votes`: how they are drawn.
    #[serde(default)]
    pub votes: Option<VoteDraws>,
    /// Whether it counts in `label_confidence` (the mean over counting raters of calibrated probabilities).
    #[serde(default = "yes")]
    pub counts: bool,
    /// Whether it is asked only of judges that can do none of the other counting raters.
    #[serde(default)]
    pub fallback: bool,
    /// What the judge writes before it is asked; the prompt then holds it as `reasoning`. A `channel` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Reasons>,
    /// The ends between which the probability of each of its answers is held: a judge that has reasoned is nearly
    /// always sure of itself. 0.5 lies between them. Such a rater has no calibration curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamp: Option<[f64; 2]>,
}

/// How a judge reasons before it is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reasons {
    /// The template that asks for the reasoning; it knows what the rater's own template knows but for `reasoning`.
    pub prompt: String,
    /// How the reasoning is drawn.
    pub sampling: Sampling,
}

/// How the votes of one rater on one candidate are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteDraws {
    /// How many.
    pub samples: u32,
    /// Divides the logits; above 0, or all votes would be one.
    pub temperature: f64,
    /// Each reply ends after this many tokens at the latest.
    pub max_tokens: u32,
}

fn yes() -> bool {
    true
}

/// The forms in which a judge may give each answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerForms {
    /// Forms that say *matching*.
    pub matching: Vec<String>,
    /// Forms that say *not matching*.
    pub not_matching: Vec<String>,
}

/// `use = "dedup"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DedupStage {
    /// Same bytes.
    #[serde(default)]
    pub exact: bool,
    /// Same after composing, folding case, collapsing blanks and taking off final punctuation.
    #[serde(default)]
    pub normalised: bool,
    /// Jaccard similarity from which two texts are near duplicates; absent: no near layer.
    #[serde(default)]
    pub near: Option<f64>,
    /// `word-1`, `word-3`, `character-4` …; needed with `near`.
    #[serde(default)]
    pub shingle: Option<String>,
    /// Whether a candidate that repeats one of the behaviour's examples falls.
    #[serde(default, skip_serializing_if = "is_off")]
    pub examples: bool,
    /// Cosine of two texts' vectors from which the less sure one of a label falls; absent: no semantic layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<f64>,
}

/// A switch that is off stands in no manifest and in no recipe.
fn is_off(switch: &bool) -> bool {
    !switch
}

/// `use = "select"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectStage {
    /// A candidate whose P(intended side) is below this falls. In [0, 1].
    pub minimum: f64,
    /// The same for other requirements, by name; one that is not here has no minimum.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub minimums: BTreeMap<String, f64>,
    /// How several requirements become the score that candidates are ranked by.
    #[serde(default, skip_serializing_if = "Combine::is_default")]
    pub combine: Combine,
    /// Which of the good ones.
    pub take: Take,
    /// How `take = "clusters"` makes clusters, where the kind says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Clustering>,
    /// In which order they are published.
    pub order: Order,
    /// What is made even between the labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balance: Vec<Balance>,
    /// From 0.5 to 1: rows are given up until the area under the curve of length alone is at most this, and at
    /// least as far from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ceiling: Option<f64>,
    /// Into which parts the rows are dealt beside `train`, which takes the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<Part>,
}

/// How candidates are grouped before rows are spread over the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clustering {
    /// What makes two texts alike.
    pub by: ClusterBy,
    /// Clusters at the most. Where the kind does not say: by meaning the square root of the rows wanted, by words one
    /// for 20 candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// What makes two texts alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterBy {
    /// The same words and pairs of words.
    Words,
    /// Vectors that an embedder makes.
    Meaning,
}

impl ClusterBy {
    /// The word in kind files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Meaning => "meaning",
        }
    }
}

impl SelectStage {
    /// Whether rows are spread over clusters of meaning, for which vectors are needed.
    #[must_use]
    pub fn clusters_by_meaning(&self) -> bool {
        self.clusters
            .is_some_and(|clusters| clusters.by == ClusterBy::Meaning)
    }
}

/// How the probabilities of several requirements become one score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// The arithmetic mean, as published.
    #[default]
    Mean,
    /// The smallest: a candidate is as good as what it is worst at.
    Minimum,
    /// The product: the probability that all hold, were they independent.
    Product,
    /// The root of the product that has the size of one probability.
    GeometricMean,
}

impl Combine {
    /// All of them, the default first.
    pub const ALL: [Self; 4] = [
        Self::Mean,
        Self::Minimum,
        Self::Product,
        Self::GeometricMean,
    ];

    /// The word in kind files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Minimum => "minimum",
            Self::Product => "product",
            Self::GeometricMean => "geometric-mean",
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A give-away that a choice can make even between the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Words and characters of a text.
    Length,
    /// Which words it holds.
    Wording,
}

impl Balance {
    /// The word in kind files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Wording => "wording",
        }
    }
}

/// A part of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name: `test`.
    pub name: String,
    /// Its share of the rows, above 0 and below 1.
    pub share: f64,
}

/// Which candidates become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// The surest of each cell, as published.
    Top,
    /// Evenly over the confidence range of each cell, so that not only the most typical rows stay.
    Spread,
    /// Evenly over clusters of texts, the surest of each first.
    Clusters,
}

impl Take {
    /// The word in kind files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::Spread => "spread",
            Self::Clusters => "clusters",
        }
    }
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// A seeded shuffle.
    Shuffled,
    /// Labels alternate, confidence falls: the published order.
    Confidence,
}

impl Order {
    /// The word in kind files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shuffled => "shuffled",
            Self::Confidence => "confidence",
        }
    }
}

/// `use = "emit"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmitStage {
    /// The template of the question.
    pub question: String,
    /// The answers, with their leading space.
    pub answers: EmitAnswers,
}

/// The two answers as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmitAnswers {
    /// The answer of someone who agrees with the statement: matches the behaviour for a statement that
    /// was written for the matching side.
    pub matching: String,
    /// The other answer.
    pub not_matching: String,
}

/// One calibration curve: of a kind's `calibration.toml`, fitted on behaviours other than the user's, or of a file that
/// `evalwright calibrate` fitted on people's labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The judge's model name.
    pub model: String,
    /// SHA-256 of its weights.
    pub weights: Option<ContentHash>,
    /// The rater's name in the kind, or `mean` for the log-odds of the mean over all counting raters of their
    /// calibrated probabilities.
    pub rater: String,
    /// How the scores were read that it was fitted on; absent where that is the rater's first method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Multiplies the log-odds; 1 for a curve through points.
    pub slope: f64,
    /// Added to the product; 0 for a curve through points.
    pub intercept: f64,
    /// The scores of a rising curve through points, rising; empty for a logistic curve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<f64>,
    /// Its probabilities at these scores, rising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probabilities: Vec<f64>,
    /// What it was fitted on, in words.
    pub fitted_on: String,
    /// Expected calibration error on behaviours that were not used to fit it.
    pub expected_calibration_error: f64,
}
