//! The report as one value: figures first, then what is made of them.

use std::collections::BTreeMap;

use evalwright_core::{
    ContentHash, ModelIdentity, Probability, Reject, RejectReason, Row, Sampling, Seed, Side,
    TokenUsage,
};
use evalwright_dataset::{
    CardSummary, DedupRecord, KindRecord, MANIFEST_SCHEMA, Manifest, Parent, RaterRecord,
    SelectionRecord, StageCount,
};
use evalwright_stats::giveaway::GuessRow;
use serde::Serialize;
use serde_json::Value;

use crate::agreement::{self, Agreement, Population};
use crate::balance::{self, CellBalance, Length};
use crate::calibrated::CalibrationInUse;
use crate::confidence::{self, Confidence};
use crate::diversity::{Diversity, Text};
use crate::error::ReportError;
use crate::examples::{self, Dispute, Duplicate, RejectExample};
use crate::giveaways::GiveAways;
use crate::number::rounded;
use crate::plots::{self, Plot};
use crate::scored::{self, Scored};
use crate::selection;
use crate::words::{self, BORDERLINE, ReasonCount, Warning};

/// The format of `report.json`.
pub const REPORT_SCHEMA: &str = "evalwright.report/1";

/// Most rows that the page shows in full.
const MOST_ROWS: usize = 500;
/// A rounding error in the distance to the minimum must not decide whether a row is borderline.
const SLACK: f64 = 1e-12;

/// A finished report. Its fields are those of `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: String,
    /// The dataset's name.
    pub dataset: String,
    /// Its version.
    pub version: String,
    /// Who shows the behaviour, from the behaviour file.
    pub description: Option<String>,
    /// Who shows the opposite.
    pub contrast: Option<String>,
    /// What the figures say, in sentences.
    pub verdict: Vec<String>,
    /// What to be careful about.
    pub warnings: Vec<Warning>,
    /// Every figure.
    pub figures: Figures,
    /// What the version was made of.
    pub provenance: Provenance,
    /// The rows for the page; they stand in `data.jsonl` and not in `report.json`.
    #[serde(skip)]
    pub(crate) page_rows: Vec<PageRow>,
    /// Markdown-safe sentences for the dataset card.
    #[serde(skip)]
    limits: Vec<String>,
}

/// Every figure of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Rows in the version's file.
    pub rows: u64,
    /// Rejects in the version's file.
    pub rejects: u64,
    /// Each rater's wording, where no other rater has it, for charts and lists; else its whole name.
    pub short_names: BTreeMap<String, String>,
    /// Candidates that came.
    pub asked: u64,
    /// Rounds of model calls.
    pub waves: u32,
    /// Model calls that wrote text.
    pub sample_calls: u64,
    /// Model calls that scored.
    pub score_calls: u64,
    /// What each stage received and let through.
    pub stages: Vec<StageCount>,
    /// Why candidates fell, most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// Rows by label against rows wanted.
    pub balance: Vec<CellBalance>,
    /// Length by label.
    pub length: Length,
    /// What gives the rows' labels away; null where there are not rows of both labels.
    pub giveaways: Option<GiveAways>,
    /// How far the rows differ; null for fewer than two.
    pub diversity: Option<Diversity>,
    /// The same in a sentence.
    pub diversity_said: Option<String>,
    /// What choosing the rows left of the give-aways, and what it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionRecord>,
    /// The same in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub selection_said: Vec<String>,
    /// The calibration on people's labels that the version was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationInUse>,
    /// P(intended label), by population and label.
    pub confidence: Vec<Confidence>,
    /// The minimum of P(intended label) for a row.
    pub minimum_confidence: f64,
    /// Rows, and candidates that fell below the minimum, within 0.005 of it.
    pub borderline: u64,
    /// The intended label against all raters together and each rater, by population.
    pub agreement: Vec<Agreement>,
    /// Rater against rater, by population.
    pub rater_pairs: Vec<Agreement>,
    /// Verdicts that are bounds and no single number, by rater, over all scored candidates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bounded: BTreeMap<String, u64>,
    /// Rows that the raters see most differently.
    pub disputed: Vec<Dispute>,
    /// Candidates dropped for what another one says.
    pub duplicates: Vec<Duplicate>,
    /// A few rejects of each reason.
    pub reject_examples: Vec<RejectExample>,
}

/// What a version was made of, as its manifest says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provenance {
    /// The program and its version.
    pub made_by: String,
    /// The version before.
    pub parent: Option<Parent>,
    /// Hash over everything that decides the rows.
    pub recipe: ContentHash,
    /// The kind and the hashes of its files.
    pub kind: KindRecord,
    /// The run's seed.
    pub seed: Seed,
    /// The model that wrote.
    pub generator: ModelIdentity,
    /// How it drew.
    pub sampling: Sampling,
    /// The models that judged.
    pub judges: Vec<ModelIdentity>,
    /// Each judge under each wording, with its calibration curve.
    pub raters: Vec<RaterRecord>,
    /// How duplicates were found.
    pub dedup: DedupRecord,
    /// How rows were chosen.
    pub take: String,
    /// Order of the rows.
    pub order: String,
    /// Tokens of all replies in use.
    pub usage: TokenUsage,
    /// Licence of the rows.
    pub license: String,
    /// The string by which a training corpus can be searched for the dataset.
    pub canary: String,
}

/// A row as the page lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PageRow {
    id: String,
    text: String,
    label: Side,
    confidence: f64,
    flags: Vec<String>,
}

/// Makes the report of a version. A pure function: the same three values give the same bytes.
///
/// Scored candidates are rows, and rejects that a rater was asked about. Empty input is no error: figures are
/// then undefined and say so.
///
/// # Errors
/// When the manifest is of a format that this program does not read.
pub fn build(manifest: &Manifest, rows: &[Row], rejects: &[Reject]) -> Result<Report, ReportError> {
    if manifest.schema != MANIFEST_SCHEMA {
        return Err(ReportError::Schema {
            dataset: manifest.dataset.clone(),
            version: manifest.version.clone(),
            found: manifest.schema.clone(),
            expected: MANIFEST_SCHEMA,
        });
    }
    let figures = figures(manifest, rows, rejects);
    let said = |field: &str| {
        let text = manifest.behaviour.get(field).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let shown = if rows.len() <= MOST_ROWS { rows } else { &[] };
    Ok(Report {
        schema: REPORT_SCHEMA.to_owned(),
        dataset: manifest.dataset.clone(),
        version: manifest.version.clone(),
        description: said("description"),
        contrast: said("contrast"),
        verdict: words::verdict(manifest, &figures),
        warnings: words::warnings(manifest, &figures),
        provenance: provenance(manifest),
        page_rows: shown.iter().map(page_row).collect(),
        limits: words::limits(manifest),
        figures,
    })
}

fn figures(manifest: &Manifest, rows: &[Row], rejects: &[Reject]) -> Figures {
    let scored = scored::collect(rows, rejects);
    let seed = manifest.seed.derive("report bootstrap");
    let raters: Vec<&str> = manifest
        .raters
        .iter()
        .filter(|rater| rater.requirement == scored::LABEL)
        .map(|rater| rater.rater.as_str())
        .collect();
    let mut agreement = Vec::new();
    let mut rater_pairs = Vec::new();
    let mut confidence = Vec::new();
    for population in Population::ALL {
        agreement.push(agreement::with_all(&scored, population, seed));
        for (place, rater) in raters.iter().enumerate() {
            agreement.push(agreement::with_intended(&scored, population, rater, seed));
            for other in raters.iter().skip(place + 1) {
                rater_pairs.push(agreement::between(
                    &scored,
                    population,
                    (rater, other),
                    seed,
                ));
            }
        }
        for label in Side::ALL {
            confidence.push(confidence::of(&scored, population, label));
        }
    }
    let mut reasons: Vec<ReasonCount> = manifest
        .funnel
        .reasons
        .iter()
        .map(|(code, count)| ReasonCount {
            code: code.clone(),
            words: words::reason(code),
            count: *count,
        })
        .collect();
    reasons.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
    let minimum = manifest.minimum_confidence;
    let is_borderline =
        |confidence: Probability| (confidence.value() - minimum).abs() <= BORDERLINE + SLACK;
    let borderline_rows = rows
        .iter()
        .filter(|row| is_borderline(row.label_confidence))
        .count();
    let borderline_rejects = rejects
        .iter()
        .filter(|reject| {
            matches!(reject.reason, RejectReason::BelowMinimum { confidence, requirement: None, .. } if is_borderline(confidence))
        })
        .count();
    let diversity = diversity(rows, manifest.seed);
    Figures {
        rows: rows.len() as u64,
        rejects: rejects.len() as u64,
        short_names: short_names(&manifest.raters),
        asked: manifest.funnel.asked,
        waves: manifest.funnel.waves,
        sample_calls: manifest.funnel.sample_calls,
        score_calls: manifest.funnel.score_calls,
        stages: manifest.funnel.stages.clone(),
        reasons,
        balance: balance::cells(&manifest.funnel.cells),
        length: balance::length(rows),
        giveaways: giveaways(rows, manifest.seed),
        diversity_said: diversity.as_ref().and_then(Diversity::sentence),
        diversity,
        selection: manifest.selection.clone(),
        selection_said: selection::sentences(manifest.selection.as_ref()),
        calibration: CalibrationInUse::of(manifest),
        confidence,
        minimum_confidence: minimum,
        borderline: (borderline_rows + borderline_rejects) as u64,
        agreement,
        rater_pairs,
        bounded: bounded(&scored, &raters),
        disputed: examples::disputes(rows),
        duplicates: examples::duplicates(rows, rejects),
        reject_examples: examples::rejects(rejects),
    }
}

fn giveaways(rows: &[Row], seed: Seed) -> Option<GiveAways> {
    let texts: Vec<GuessRow<'_>> = rows
        .iter()
        .map(|row| GuessRow {
            text: &row.statement,
            letter: None,
            label: usize::from(row.metadata.label == Side::Matching),
        })
        .collect();
    GiveAways::of("the label", &texts, seed)
}

fn diversity(rows: &[Row], seed: Seed) -> Option<Diversity> {
    let texts: Vec<Text<'_>> = rows
        .iter()
        .map(|row| Text {
            id: &row.id,
            text: &row.statement,
            label: Some(row.metadata.label),
        })
        .collect();
    Diversity::of(&texts, seed)
}

fn bounded(scored: &[Scored<'_>], raters: &[&str]) -> BTreeMap<String, u64> {
    raters
        .iter()
        .map(|rater| {
            let count = scored.iter().filter(|one| one.is_bounded(rater)).count();
            ((*rater).to_owned(), count as u64)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn short_names(raters: &[RaterRecord]) -> BTreeMap<String, String> {
    raters
        .iter()
        .map(|rater| {
            let same = raters
                .iter()
                .filter(|other| other.wording == rater.wording)
                .count();
            let short = if same == 1 {
                &rater.wording
            } else {
                &rater.rater
            };
            (rater.rater.clone(), short.clone())
        })
        .collect()
}

impl Figures {
    /// The short name of a rater; any other name is returned as it is.
    pub(crate) fn short_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.short_names.get(name).map_or(name, String::as_str)
    }
}

fn provenance(manifest: &Manifest) -> Provenance {
    Provenance {
        made_by: manifest.made_by.clone(),
        parent: manifest.parent.clone(),
        recipe: manifest.recipe,
        kind: manifest.kind.clone(),
        seed: manifest.seed,
        generator: manifest.generator.clone(),
        sampling: manifest.sampling.clone(),
        judges: manifest.judges.clone(),
        raters: manifest.raters.clone(),
        dedup: manifest.dedup.clone(),
        take: manifest.take.clone(),
        order: manifest.order.clone(),
        usage: manifest.usage,
        license: manifest.license.clone(),
        canary: manifest.canary.clone(),
    }
}

fn page_row(row: &Row) -> PageRow {
    PageRow {
        id: row.id.clone(),
        text: row.statement.clone(),
        label: row.metadata.label,
        confidence: row.label_confidence.value(),
        flags: row.metadata.flags.clone(),
    }
}

impl Report {
    /// `report.json`: indented, numbers rounded to six digits after the point, `charts` with the title and the
    /// computation of each chart, a final newline.
    ///
    /// # Errors
    /// When the figures cannot be written as JSON.
    pub fn json(&self) -> Result<Vec<u8>, ReportError> {
        let mut value = self.value()?;
        if let Value::Object(fields) = &mut value {
            let charts: serde_json::Map<String, Value> = self
                .plots()
                .into_iter()
                .map(|plot| {
                    let about = serde_json::json!({ "title": plot.title, "how": plot.how });
                    (plot.file(), about)
                })
                .collect();
            fields.insert("charts".to_owned(), Value::Object(charts));
        }
        let mut bytes =
            serde_json::to_vec_pretty(&value).map_err(|source| self.json_error(source))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// `report.html`: one file with no script and no address of anything outside.
    ///
    /// # Errors
    /// When the figures cannot be written as JSON, or the page template fails.
    pub fn html(&self) -> Result<Vec<u8>, ReportError> {
        crate::page::render(self)
    }

    /// The numbers behind each chart, by file name (`charts/agreement.csv`).
    #[must_use]
    pub fn charts(&self) -> BTreeMap<String, Vec<u8>> {
        self.plots()
            .into_iter()
            .map(|plot| (plot.file(), plot.csv()))
            .collect()
    }

    /// The report in at most 26 lines for a terminal, without any control character but newlines.
    #[must_use]
    pub fn summary_text(&self) -> String {
        crate::terminal::summary(self)
    }

    /// The sentences that the dataset card shows, safe in Markdown.
    #[must_use]
    pub fn card_summary(&self) -> CardSummary {
        let safe = |sentences: &[String]| -> Vec<String> {
            sentences
                .iter()
                .map(|sentence| words::markdown_safe(sentence))
                .collect()
        };
        let warnings: Vec<String> = self
            .warnings
            .iter()
            .map(|warning| warning.text.clone())
            .collect();
        CardSummary {
            agreement_lines: safe(&words::agreement_lines(self)),
            warnings: safe(&warnings),
            limits: safe(&self.limits),
        }
    }

    pub(crate) fn plots(&self) -> Vec<Plot> {
        plots::all(&self.figures)
    }

    /// The fields as JSON, numbers rounded.
    pub(crate) fn value(&self) -> Result<Value, ReportError> {
        let mut value = serde_json::to_value(self).map_err(|source| self.json_error(source))?;
        round_numbers(&mut value);
        Ok(value)
    }

    fn json_error(&self, source: serde_json::Error) -> ReportError {
        ReportError::Json {
            dataset: self.dataset.clone(),
            source,
        }
    }
}

pub(crate) fn round_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let short = number
                .as_f64()
                .map(rounded)
                .and_then(serde_json::Number::from_f64);
            if let Some(short) = short {
                *number = short;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round_numbers),
        Value::Object(fields) => fields.values_mut().for_each(round_numbers),
        _ => {}
    }
}
