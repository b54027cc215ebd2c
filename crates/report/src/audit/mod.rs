//! The audit of any dataset: what its files hold, what is wrong with rows, what repeats, what gives labels away, and
//! how far labels can be believed.
//!
//! An audit is a pure function of what was read: no file, no clock, no model. Every total is a plain integer, every
//! share stands beside the counts it was made from, and what is undefined is null with a reason.

mod across;
mod agreement;
mod charts;
mod defects;
mod duplicates;
mod family;
mod file;
mod funnels;
mod gate;
mod giveaways;
mod judging;
mod judging_charts;
mod judging_sentences;
mod order;
mod page;
mod row_map;
mod sentences;
mod side;
mod terminal;

use std::collections::BTreeMap;

use evalwright_core::Seed;
use evalwright_dataset::Manifest;
use evalwright_dataset::import::{Imported, ImportedRow};
use rayon::prelude::*;
use serde::Serialize;

pub use crate::giveaways::{FoundWord, GuesserFigures};
pub use across::{Across, Contained, CopiedExamples, IdenticalFiles, OppositeLabels};
pub use agreement::{RatedTable, Source, SourceKind, Suspicion, check_sources};
pub use defects::{DefectCount, DefectExample};
pub use duplicates::{DuplicateExample, Duplicates};
pub use file::{FileAudit, LabelConfidence};
pub use funnels::{FunnelStage, VersionFunnel};
pub use gate::{Gate, GateError, GateResult};
pub use giveaways::FileGuesses;
pub use judging::{JudgeFigures, JudgeInput, Judging, JudgingInput, Relevance, Reliability, Share};
pub use order::Order;
pub use side::{Column, ColumnFigure};

/// The format of the JSON document.
pub const AUDIT_SCHEMA: &str = "evalwright.audit/1";
/// The JSON Schema of the document.
pub const AUDIT_JSON_SCHEMA: &str = include_str!("report.schema.json");

/// What is looked for, and how closely.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Jaccard similarity of word 3-grams from which two texts of one file are near duplicates.
    pub near: f64,
    /// Decides folds, draws and samples.
    pub seed: Seed,
    /// Draws behind each bootstrap interval.
    pub draws: usize,
    /// Most examples of each finding that the document keeps.
    pub examples: usize,
    /// Most rows on the map; 0 for no map. The work grows with the square of it.
    pub map_rows: usize,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            near: 0.7,
            seed: Seed(1),
            draws: 1000,
            examples: 5,
            map_rows: 0,
        }
    }
}

/// Totals as plain integers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Files that were read.
    pub files: u64,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that could not be read.
    pub damaged: u64,
    /// Rows by family.
    pub families: BTreeMap<String, u64>,
    /// Rows by defect; a row may have several.
    pub defects: BTreeMap<String, u64>,
    /// Defects by family.
    pub defects_by_family: BTreeMap<String, BTreeMap<String, u64>>,
    /// Rows that repeat an earlier row of their file, by layer.
    pub duplicates: BTreeMap<String, u64>,
    /// Duplicates by family.
    pub duplicates_by_family: BTreeMap<String, BTreeMap<String, u64>>,
    /// Rows whose text stands in their file with another label, too.
    pub conflicts: u64,
}

/// What an audit found. Its fields are those of the JSON document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// [`AUDIT_SCHEMA`].
    pub schema: String,
    /// What the figures say, in sentences, the gravest first.
    pub verdict: Vec<String>,
    /// Totals over all files.
    pub totals: Totals,
    /// Each file, in the order in which they were read.
    pub files: Vec<FileAudit>,
    /// What only shows when files are compared.
    pub across: Across,
    /// Families, then files, in the same figures.
    pub columns: Vec<Column>,
    /// What became of the candidates of versions of ours.
    pub funnels: Vec<VersionFunnel>,
    /// What gives labels away, over the files of each family.
    pub giveaways: Vec<FileGuesses>,
    /// Each defect with its meaning and examples, the most frequent first.
    pub defects: Vec<DefectCount>,
    /// Examples of duplicates.
    pub duplicates: Vec<DuplicateExample>,
    /// Agreement of labels, people and judges; absent without ratings.
    pub agreement: Vec<RatedTable>,
    /// Judges in figures; null where none was asked.
    pub judging: Option<Judging>,
    /// How far stated probabilities can be believed, by what most people say; empty without people.
    pub reliability: Vec<Reliability>,
    /// Rows whose label is most likely wrong, with why.
    pub suspicious: Vec<Suspicion>,
    /// Lines and files that could not be read, by name.
    pub damage: Vec<String>,
    /// Conditions of `--fail-under` with what was measured.
    pub gates: Vec<GateResult>,
    /// Rows as the page lists them.
    #[serde(skip)]
    pub(crate) rows: Vec<ListedRow>,
    /// Rows as points; its numbers are in the chart's file.
    #[serde(skip)]
    map: Option<row_map::RowMap>,
}

/// A row as the page lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ListedRow {
    pub(crate) place: String,
    pub(crate) text: String,
    pub(crate) label: String,
    pub(crate) confidence: Option<f64>,
    pub(crate) findings: Vec<String>,
}

/// Everything that is audited.
#[derive(Debug, Clone, Copy)]
pub struct AuditInput<'a> {
    /// The rows and the files they came from.
    pub imported: &'a Imported,
    /// Labels from other sources than the files.
    pub sources: &'a [Source],
    /// The manifests of those versions of ours that are among the files.
    pub versions: &'a [Manifest],
    /// What was asked of judges, where any were.
    pub judging: Option<&'a JudgingInput>,
    /// Conditions that the figures must meet.
    pub gates: &'a [Gate],
}

/// The few-shot questions of each behaviour among what was read.
pub(crate) use across::{FEW_SHOT, FewShots};

/// One file by itself.
pub(crate) struct Looked {
    pub(crate) audit: FileAudit,
    /// Rows of a form that the lints know.
    pub(crate) checked: u64,
    /// Of these, rows with a defect that is more than a matter of style.
    pub(crate) defective: u64,
}

/// Looks at one file by itself; none where nothing was read as one file.
pub(crate) fn look_at(
    imported: &Imported,
    examples: &FewShots,
    options: &AuditOptions,
) -> Option<Looked> {
    let rows = split(imported).into_iter().next()?;
    let summary = imported.summary.files.first()?;
    let found = file::look(&rows, summary, examples, options);
    let checked: std::collections::BTreeSet<usize> = rows
        .rows
        .iter()
        .filter(|(_, row)| defects::is_of_known_form(row))
        .map(|(position, _)| *position)
        .collect();
    let defective: std::collections::BTreeSet<usize> = found
        .findings
        .iter()
        .filter(|(row, code)| checked.contains(row) && !defects::is_style(code))
        .map(|(row, _)| *row)
        .collect();
    Some(Looked {
        audit: found.audit,
        checked: checked.len() as u64,
        defective: defective.len() as u64,
    })
}

/// Rows of one file with their positions among all rows.
pub(crate) struct FileRows<'a> {
    pub(crate) index: usize,
    pub(crate) rows: Vec<(usize, &'a ImportedRow)>,
}

/// Audits what was read. No rows are no error: totals are 0 and figures undefined.
#[must_use]
pub fn audit(input: AuditInput<'_>, options: &AuditOptions) -> Audit {
    let imported = input.imported;
    let by_file = split(imported);
    let examples = across::few_shot_examples(imported);
    let found: Vec<file::Found> = by_file
        .par_iter()
        .filter_map(|rows| {
            let summary = imported.summary.files.get(rows.index)?;
            Some(file::look(rows, summary, &examples, options))
        })
        .collect();
    let orders: Vec<&Order> = found.iter().map(|one| &one.audit.order).collect();
    let across = across::compare(imported, &by_file, &examples, &orders, options);
    let published = agreement::Published {
        imported,
        classes: input.judging.map(|judging| &judging.classes),
    };
    let (tables, suspicious) = agreement::measure(&published, input.sources, options);
    let mut totals = Totals {
        files: imported.summary.files.len() as u64,
        rows: imported.rows.len() as u64,
        damaged: imported.summary.damaged(),
        families: imported.summary.families(),
        ..Totals::default()
    };
    for one in &found {
        let family = &one.audit.family;
        add(&mut totals.defects, &one.audit.defects);
        add(
            totals.defects_by_family.entry(family.clone()).or_default(),
            &one.audit.defects,
        );
        let layers = one.audit.duplicates.by_layer();
        add(&mut totals.duplicates, &layers);
        add(
            totals
                .duplicates_by_family
                .entry(family.clone())
                .or_default(),
            &layers,
        );
        totals.conflicts += one.audit.duplicates.conflicts;
    }
    let defects = defects::collect(&found, imported, options.examples);
    let duplicates = duplicates::examples(&found, imported, options.examples);
    let giveaways = giveaways::by_family(&found);
    let columns = side::columns(&by_file, &found, &giveaways);
    let rows = listed(imported, &found);
    let files: Vec<FileAudit> = found.into_iter().map(|one| one.audit).collect();
    let mut audit = Audit {
        schema: AUDIT_SCHEMA.to_owned(),
        verdict: Vec::new(),
        totals,
        files,
        across,
        columns,
        funnels: funnels::funnels(input.versions),
        giveaways,
        defects,
        duplicates,
        agreement: tables,
        judging: input
            .judging
            .map(|judging| judging::judging(judging, input.sources, &published, options)),
        reliability: judging::trust(imported, input.sources, &published, options),
        suspicious,
        damage: imported.summary.damage_lines(),
        gates: Vec::new(),
        rows,
        map: row_map::map(imported, options.map_rows, options.seed),
    };
    audit.gates = input
        .gates
        .iter()
        .map(|gate| gate.measure(&audit))
        .collect();
    audit.verdict = sentences::verdict(&audit);
    audit
}

fn add(into: &mut BTreeMap<String, u64>, from: &BTreeMap<String, u64>) {
    for (name, count) in from {
        *into.entry(name.clone()).or_default() += count;
    }
}

/// The rows of each file, in the order of the files.
fn split(imported: &Imported) -> Vec<FileRows<'_>> {
    let mut by_file: Vec<FileRows<'_>> = (0..imported.summary.files.len())
        .map(|index| FileRows {
            index,
            rows: Vec::new(),
        })
        .collect();
    // Rows come file by file, and two files may bear one name.
    let mut rows = imported.rows.iter().enumerate();
    for (of_file, summary) in by_file.iter_mut().zip(&imported.summary.files) {
        let count = usize::try_from(summary.rows).unwrap_or(usize::MAX);
        of_file.rows = rows.by_ref().take(count).collect();
    }
    by_file
}

fn listed(imported: &Imported, found: &[file::Found]) -> Vec<ListedRow> {
    let mut findings: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for one in found {
        for (row, code) in &one.findings {
            findings.entry(*row).or_default().push((*code).to_owned());
        }
        for dropped in &one.dropped {
            let word = format!("duplicate ({})", dropped.layer);
            findings.entry(dropped.row).or_default().push(word);
        }
    }
    imported
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| ListedRow {
            place: row.place(),
            text: row.text().to_owned(),
            label: row.matching.join(", "),
            confidence: row.confidence,
            findings: findings.remove(&index).unwrap_or_default(),
        })
        .collect()
}

impl Audit {
    /// `report.json`: indented, numbers rounded to six digits, a final newline.
    ///
    /// # Errors
    /// When the figures cannot be written as JSON.
    pub fn json(&self) -> Result<Vec<u8>, crate::ReportError> {
        page::json(self)
    }

    /// `report.html`: one file that asks nothing of any network.
    ///
    /// # Errors
    /// When the page template fails: a fault of this program.
    pub fn html(&self) -> Result<Vec<u8>, crate::ReportError> {
        page::render(self)
    }

    /// The numbers behind each chart, by file name.
    #[must_use]
    pub fn charts(&self) -> BTreeMap<String, Vec<u8>> {
        charts::all(self)
            .into_iter()
            .map(|plot| (plot.file(), plot.csv()))
            .collect()
    }

    /// The audit on one screen of a terminal.
    #[must_use]
    pub fn summary_text(&self) -> String {
        terminal::summary(self)
    }

    /// Whether every condition of `--fail-under` is met.
    #[must_use]
    pub fn gates_are_met(&self) -> bool {
        self.gates.iter().all(|gate| gate.met)
    }
}
