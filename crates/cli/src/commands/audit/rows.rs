//! From rows of any dataset to what judges are asked: the question, its answers in an order that does not tell the
//! label, and what the label means. Rows that nothing can be asked about are left out with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use evalwright_dataset::import::{Imported, ImportedRow, agrees, label_class};
use evalwright_dataset::{Manifest, read_manifest};
use evalwright_pipeline::{Aim, MOST_ANSWERS, RelabelItem};
use evalwright_recipe::{Behaviour, Examples, Subject, described_behaviours};
use serde::Deserialize;

use crate::failure::{Failure, Kind};

/// More different answers than this are texts and no labels; they are compared by their place.
const MOST_LABELS: usize = 26;
/// Formats whose label is the answer that shows a behaviour.
const BEHAVIOURAL: [&str; 3] = [
    "evalwright",
    "model-written-statements",
    "model-written-questions",
];
/// The kind of imported versions, whose record describes rows and no behaviour.
const IMPORTED: &str = "imported";

/// What the user says that labels mean.
pub(crate) struct Meaning<'a> {
    pub(crate) behaviour: Option<&'a str>,
    pub(crate) contrast: Option<&'a str>,
    pub(crate) list: Option<&'a Path>,
}

/// A row that judges can be asked about.
pub(super) struct Askable {
    /// Its position among all rows.
    pub(super) row: usize,
    pub(super) item: RelabelItem,
    /// The label that each answer stands for, in the order of the item's answers.
    pub(super) labels: Vec<String>,
    /// The stratum it is sampled in: file and label.
    pub(super) stratum: usize,
}

/// What can be asked.
pub(super) struct Askables {
    pub(super) aims: Vec<Aim>,
    pub(super) rows: Vec<Askable>,
    /// Rows that nothing can be asked about, by reason.
    pub(super) left_out: BTreeMap<String, u64>,
    /// For rows whose answers are texts: the place of the published answer, as a label.
    pub(super) classes: BTreeMap<usize, String>,
    /// For the same rows: the label that each answer's text stands for, so that people's words can be read as labels.
    pub(super) words: BTreeMap<usize, BTreeMap<String, String>>,
}

/// The manifests of those files that belong to versions of ours, by the place of the file.
pub(crate) fn manifests(imported: &Imported) -> Result<BTreeMap<usize, Manifest>, Failure> {
    let mut found = BTreeMap::new();
    for (place, file) in imported.summary.files.iter().enumerate() {
        let Some(folder) = file.path.parent() else {
            continue;
        };
        let is_data = file
            .path
            .file_name()
            .is_some_and(|name| name == "data.jsonl");
        if is_data && folder.join("manifest.json").is_file() && is_ours(folder) {
            found.insert(place, read_manifest(folder)?);
        }
    }
    Ok(found)
}

/// Whether a manifest says that it is one of ours; other tools have files of that name.
fn is_ours(folder: &Path) -> bool {
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    std::fs::read(folder.join("manifest.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Schema>(&bytes).ok())
        .is_some_and(|found| found.schema.starts_with("evalwright.manifest/"))
}

/// What can be asked about the rows.
pub(super) fn askables(
    imported: &Imported,
    manifests: &BTreeMap<usize, Manifest>,
    meaning: &Meaning<'_>,
) -> Result<Askables, Failure> {
    let list = match meaning.list {
        Some(path) => read_list(path)?,
        None => BTreeMap::new(),
    };
    let words = words(imported);
    let mut found = Askables {
        aims: Vec::new(),
        rows: Vec::new(),
        left_out: BTreeMap::new(),
        classes: BTreeMap::new(),
        words: BTreeMap::new(),
    };
    let mut aims: BTreeMap<String, usize> = BTreeMap::new();
    let mut strata: BTreeMap<(usize, String), usize> = BTreeMap::new();
    let mut rows = imported.rows.iter().enumerate();
    for (file, summary) in imported.summary.files.iter().enumerate() {
        let count = usize::try_from(summary.rows).unwrap_or(usize::MAX);
        for (place, row) in rows.by_ref().take(count) {
            let aim = match aim(row, summary.format, manifests.get(&file), meaning, &list) {
                Ok(aim) => aim,
                Err(reason) => {
                    *found.left_out.entry(reason).or_default() += 1;
                    continue;
                }
            };
            let (item, labels) = match item(row, words.is_some()) {
                Ok(found) => found,
                Err(reason) => {
                    *found.left_out.entry(reason.to_owned()).or_default() += 1;
                    continue;
                }
            };
            let (name, aim) = aim;
            let next = aims.len();
            let at = *aims.entry(name).or_insert(next);
            if at == next {
                found.aims.push(aim);
            }
            if words.is_some() && row.options.is_empty() && item.statement.is_none() {
                let own = row.matching.first().map(|label| label_class(label));
                let at = item
                    .answers
                    .iter()
                    .position(|answer| Some(label_class(answer)) == own);
                if let Some(label) = at.and_then(|at| labels.get(at)) {
                    found.classes.insert(place, label.clone());
                    let words = item.answers.iter().cloned().zip(labels.iter().cloned());
                    found.words.insert(place, words.collect());
                }
            }
            let label = found.classes.get(&place).cloned();
            let label = label.or_else(|| row.label().map(str::to_owned));
            let next = strata.len();
            let stratum = *strata
                .entry((file, label.unwrap_or_default()))
                .or_insert(next);
            found.rows.push(Askable {
                row: place,
                item: RelabelItem { aim: at, ..item },
                labels,
                stratum,
            });
        }
    }
    Ok(found)
}

/// What raters are asked about each row: which answer fits, by what its label means.
pub(crate) fn asked(imported: &Imported, meaning: &Meaning<'_>) -> Result<Vec<String>, Failure> {
    let list = match meaning.list {
        Some(path) => read_list(path)?,
        None => BTreeMap::new(),
    };
    let manifests = manifests(imported)?;
    let mut asked = Vec::with_capacity(imported.rows.len());
    let mut rows = imported.rows.iter();
    for (file, summary) in imported.summary.files.iter().enumerate() {
        let count = usize::try_from(summary.rows).unwrap_or(usize::MAX);
        for row in rows.by_ref().take(count) {
            let aim = aim(row, summary.format, manifests.get(&file), meaning, &list);
            asked.push(match aim {
                Ok((_, Aim::Behaviour(behaviour))) if behaviour.contrast.is_empty() => {
                    format!("Which answer would {} give?", behaviour.description)
                }
                Ok((_, Aim::Behaviour(behaviour))) => format!(
                    "Which answer would {} give, rather than {}?",
                    behaviour.description, behaviour.contrast
                ),
                Ok((_, Aim::Right(_))) | Err(_) => "Which answer is right?".to_owned(),
            });
        }
    }
    Ok(asked)
}

fn read_list(path: &Path) -> Result<BTreeMap<String, Behaviour>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|cause| Failure::unreadable(path, &cause))?;
    Ok(described_behaviours(&path.display().to_string(), &text)?)
}

/// Something when the answers of rows without options are texts rather than labels.
fn words(imported: &Imported) -> Option<()> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for row in imported.rows.iter().filter(|row| row.options.is_empty()) {
        for answer in row.matching.iter().chain(&row.not_matching) {
            seen.insert(label_class(answer));
            if seen.len() > MOST_LABELS {
                return Some(());
            }
        }
    }
    None
}

/// What a row's label means, and a name for it.
fn aim(
    row: &ImportedRow,
    format: Option<&str>,
    manifest: Option<&Manifest>,
    meaning: &Meaning<'_>,
    list: &BTreeMap<String, Behaviour>,
) -> Result<(String, Aim), String> {
    let of = |name: String, behaviour: Behaviour| Ok((name, Aim::Behaviour(Box::new(behaviour))));
    if let Some(description) = meaning.behaviour {
        let contrast = meaning.contrast.unwrap_or_default();
        return of(
            "given".to_owned(),
            Behaviour::described(description, contrast),
        );
    }
    if let Some(behaviour) = list.get(&*row.behaviour) {
        return of(format!("listed {}", row.behaviour), behaviour.clone());
    }
    if let Some(behaviour) = manifest.and_then(recorded) {
        return of(format!("recorded {}", row.behaviour), behaviour);
    }
    if format.is_some_and(|format| BEHAVIOURAL.contains(&format)) {
        return Err(
            "their label shows a behaviour, and nothing says which: `--behaviour TEXT`, or `--behaviours FILE` with \
             their file's name"
                .to_owned(),
        );
    }
    Ok(("right".to_owned(), Aim::right()))
}

/// The behaviour that a manifest records, as far as judges need it.
fn recorded(manifest: &Manifest) -> Option<Behaviour> {
    if manifest.kind.name == IMPORTED {
        return None;
    }
    let text = |name: &str| {
        manifest
            .behaviour
            .get(name)
            .and_then(serde_json::Value::as_str)
    };
    let description = text("description").filter(|text| !text.is_empty())?;
    let mut behaviour = Behaviour::described(description, text("contrast").unwrap_or_default());
    if let Some(examples) = manifest.behaviour.get("examples")
        && let Ok(examples) = Examples::deserialize(examples)
    {
        behaviour.examples = examples;
    }
    if let Some(subject) = manifest.behaviour.get("subject")
        && let Ok(subject) = Subject::deserialize(subject)
    {
        behaviour.subject = subject;
    }
    Some(behaviour)
}

/// A row's question, answers and what label each stands for; or why nothing can be asked.
fn item(
    row: &ImportedRow,
    answers_are_texts: bool,
) -> Result<(RelabelItem, Vec<String>), &'static str> {
    let offered = row.answers();
    let names: Vec<&str> = offered.iter().map(|answer| answer.text.as_str()).collect();
    let agreeing = yes_and_no(&names).filter(|_| row.options.is_empty());
    let is_text = answers_are_texts && row.options.is_empty() && agreeing.is_none();
    let labels: Vec<String> = offered
        .iter()
        .enumerate()
        .map(|(place, answer)| {
            if is_text {
                format!("answer {}", place + 1)
            } else {
                answer.label.clone()
            }
        })
        .collect();
    let answers: Vec<String> = offered.into_iter().map(|answer| answer.text).collect();
    if row.matching.len() > 1 {
        return Err("they have several matching answers");
    }
    if answers.len() < 2 {
        return Err("they have fewer than two answers to choose from");
    }
    if answers.len() > MOST_ANSWERS {
        return Err("they have too many answers to choose from");
    }
    let question = row.stem.as_deref().unwrap_or(&row.question);
    if question.trim().is_empty() {
        return Err("they have no question");
    }
    let statement = row.statement.clone().zip(agreeing);
    Ok((
        RelabelItem {
            aim: 0,
            question: question.to_owned(),
            answers,
            statement,
        },
        labels,
    ))
}

/// The place of the agreeing one of two answers that say yes and no.
fn yes_and_no(answers: &[&str]) -> Option<usize> {
    let [one, other] = answers else { return None };
    let disagrees =
        |answer: &str| ["no", "disagree", "false"].contains(&answer.to_lowercase().as_str());
    match (agrees(one), disagrees(other), disagrees(one), agrees(other)) {
        (true, true, _, _) => Some(0),
        (_, _, true, true) => Some(1),
        _ => None,
    }
}

/// Refuses when nothing at all can be asked, with the reasons.
pub(super) fn refuse_nothing(found: &Askables, paths: &[PathBuf]) -> Result<(), Failure> {
    if !found.rows.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = found
        .left_out
        .iter()
        .map(|(reason, count)| format!("{count} rows: {reason}"))
        .collect();
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Err(Failure::new(
        Kind::Config,
        format!(
            "judges cannot be asked about any row of {} ({})",
            names.join(", "),
            if reasons.is_empty() {
                "no row was read".to_owned()
            } else {
                reasons.join("; ")
            }
        ),
    )
    .hint("`--behaviour \"someone who …\"` says what the rows test, `--contrast \"someone who …\"` what the opposite is"))
}
