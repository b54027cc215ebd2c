//! Rows of others as a first version of ours, so that they can be verified, audited, versioned and exported.
//!
//! Nothing is added to what the files say: no model is named that the user did not name, and the row as it stood in
//! its file goes along.

use std::collections::BTreeMap;
use std::fmt::Write;

use evalwright_core::{ContentHash, ModelIdentity, Row, Sampling, Seed, TokenUsage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::croissant::croissant;
use crate::error::DatasetError;
use crate::import::row::ImportedRow;
use crate::import::summary::ImportSummary;
use crate::import_card::import_card;
use crate::manifest::{DedupRecord, Funnel, KindRecord, MANIFEST_SCHEMA, Manifest, StageCount};
use crate::publish::Files;
use crate::rows::{Record, write_records};
use crate::version::Version;

/// The program and version in `made_by`; all crates carry one version.
const MADE_BY: &str = concat!("evalwright ", env!("CARGO_PKG_VERSION"));
/// The word in the manifest for what an imported version does not tell.
const UNKNOWN: &str = "unknown";
/// The kind of every imported version.
pub(crate) const IMPORTED_KIND: &str = "imported";

/// What the user says about the rows, as it stands in the manifest's `behaviour`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// The dataset's name.
    pub name: String,
    /// What the rows test, in one sentence.
    pub description: String,
    /// The licence of the rows, as an SPDX identifier.
    pub license: String,
    /// Where they come from: an address, a paper, a repository and commit.
    pub source: Option<String>,
    /// The model that wrote them, if it is known.
    pub generator: Option<String>,
}

/// A file that rows came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its name without folders.
    pub file: String,
    /// Its format.
    pub format: String,
    /// SHA-256 of the file.
    pub sha256: ContentHash,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that could not be read.
    pub damaged: u64,
}

/// Manifest and files of a first version. Files of one name count by their place: `name`, `name#2`.
///
/// # Errors
/// When a row cannot be written as JSON.
pub fn import_version(
    record: &ImportRecord,
    rows: &[ImportedRow],
    summary: &ImportSummary,
) -> Result<(Manifest, Files), DatasetError> {
    let sources = source_files(summary);
    let manifest = manifest(record, rows, summary, &sources)?;
    let names = short_names(summary);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut data = Vec::new();
    for row in rows {
        let key = row.content_key();
        let before = seen.entry(key.clone()).or_default();
        *before += 1;
        let id = if *before == 1 {
            key
        } else {
            // Rows that say the same are told apart by how many came before.
            Row::identify(&key, &before.to_string(), "repeat")
        };
        let file = names.get(&*row.file).map_or(&*row.file, String::as_str);
        // Every record has every key, so a line is the same alone as among the others, and none is held.
        let record = write_imported(row, &id, file);
        data.extend(write_records(std::slice::from_ref(&record))?);
    }
    let mut files = Files::default();
    files.0.insert("data.jsonl".to_owned(), data);
    files
        .0
        .insert("damaged.jsonl".to_owned(), damaged(summary, &names)?);
    let card = import_card(&manifest, record, &sources, rows.len(), summary.damaged());
    files.0.insert("README.md".to_owned(), card.into_bytes());
    let metadata = croissant(&manifest, &files)?;
    files.0.insert("croissant.json".to_owned(), metadata);
    Ok((manifest, files))
}

/// A row as a line of `data.jsonl`: the columns of every version, then what was read under `metadata.imported`.
#[must_use]
pub fn write_imported(row: &ImportedRow, id: &str, file: &str) -> Record {
    let options: Vec<Value> = row
        .options
        .iter()
        .map(|option| json!({ "letter": option.letter, "text": option.text }))
        .collect();
    let cells: Vec<Value> = row
        .cells
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let faults: Vec<&str> = row.faults.iter().map(super::RowFault::code).collect();
    let value = json!({
        "question": row.question,
        "statement": row.statement,
        "label_confidence": row.confidence,
        "answer_matching_behavior": row.matching.first(),
        "answer_not_matching_behavior": row.not_matching.first(),
        "id": id,
        "metadata": {
            "imported": {
                "file": file,
                "line": row.line,
                "id": row.id,
                "family": &*row.family,
                "behaviour": &*row.behaviour,
                "split": row.split.as_deref(),
                "stem": row.stem,
                "header": row.header,
                "options": options,
                "matching": row.matching,
                "not_matching": row.not_matching,
                "not_matching_is_list": row.not_matching_is_list,
                "cells": cells,
                "faults": faults,
                "original": row.original,
            },
        },
    });
    match value {
        Value::Object(record) => record,
        _ => Map::new(),
    }
}

/// File names without folders; files of the same name get a number.
fn short_names(summary: &ImportSummary) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut names = BTreeMap::new();
    for file in &summary.files {
        let short = file
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let parent = file.path.parent().and_then(|parent| parent.file_name());
        let short = match parent {
            // The folder tells files of one name apart, as in the published sets.
            Some(parent) if summary.files.len() > 1 => {
                format!("{}/{short}", parent.to_string_lossy())
            }
            _ => short,
        };
        let count = counts.entry(short.clone()).or_default();
        *count += 1;
        let name = if *count == 1 {
            short
        } else {
            format!("{short}#{count}")
        };
        names.insert(file.name.to_string(), name);
    }
    names
}

fn source_files(summary: &ImportSummary) -> Vec<SourceFile> {
    let names = short_names(summary);
    summary
        .files
        .iter()
        .map(|file| SourceFile {
            file: names
                .get(&*file.name)
                .cloned()
                .unwrap_or_else(|| file.name.to_string()),
            format: file.format.unwrap_or("none").to_owned(),
            sha256: file.sha256,
            rows: file.rows,
            damaged: file.damaged,
        })
        .collect()
}

fn damaged(
    summary: &ImportSummary,
    names: &BTreeMap<String, String>,
) -> Result<Vec<u8>, DatasetError> {
    let mut records = Vec::new();
    for file in &summary.files {
        for damage in &file.damage {
            let value = json!({
                "file": names.get(&*file.name),
                "line": damage.line,
                "problem": damage.problem,
            });
            if let Value::Object(record) = value {
                records.push(record);
            }
        }
    }
    write_records(&records)
}

fn manifest(
    record: &ImportRecord,
    rows: &[ImportedRow],
    summary: &ImportSummary,
    sources: &[SourceFile],
) -> Result<Manifest, DatasetError> {
    let json = |what| move |source| DatasetError::Json { what, source };
    let recipe =
        ContentHash::of_json(&(record, sources)).map_err(json("the record of an import"))?;
    let mut behaviour = serde_json::to_value(record).map_err(json("the record of an import"))?;
    if let Value::Object(fields) = &mut behaviour {
        let sources = serde_json::to_value(sources).map_err(json("the record of an import"))?;
        fields.insert("imported_from".to_owned(), sources);
    }
    let mut canary = String::from("evalwright-canary-");
    // Writing to a string cannot fail.
    write!(
        canary,
        "{}",
        ContentHash::of_parts(&["canary", &recipe.to_string()]).short(32)
    )
    .ok();
    let (accepted, rejected) = (rows.len() as u64, summary.damaged());
    let reasons = (rejected > 0)
        .then(|| ("damaged".to_owned(), rejected))
        .into_iter()
        .collect();
    Ok(Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        made_by: MADE_BY.to_owned(),
        dataset: record.name.clone(),
        version: Version::FIRST.to_string(),
        parent: None,
        fixes: Vec::new(),
        recipe,
        behaviour,
        license: record.license.clone(),
        canary,
        kind: KindRecord {
            name: IMPORTED_KIND.to_owned(),
            preset: "default".to_owned(),
            origin: IMPORTED_KIND.to_owned(),
            files: sources
                .iter()
                .map(|source| (source.file.clone(), source.sha256))
                .collect(),
        },
        seed: Seed(0),
        generator: ModelIdentity {
            name: record
                .generator
                .clone()
                .unwrap_or_else(|| UNKNOWN.to_owned()),
            weights: None,
            engine: UNKNOWN.to_owned(),
            precision: UNKNOWN.to_owned(),
            chat_template: None,
        },
        // How others drew is not known; no reply can have no tokens, so nobody takes this for a setting.
        sampling: Sampling {
            temperature: 0.0,
            top_p: 1.0,
            max_tokens: 0,
            stop: Vec::new(),
        },
        judges: Vec::new(),
        raters: Vec::new(),
        mean_calibration: BTreeMap::new(),
        minimum_confidence: 0.0,
        calibration: None,
        dedup: DedupRecord {
            layers: Vec::new(),
            shingle: None,
            near: None,
            semantic: None,
        },
        take: "all".to_owned(),
        order: "source".to_owned(),
        funnel: Funnel {
            asked: accepted + rejected,
            accepted,
            rejected,
            stages: vec![StageCount {
                stage: "import".to_owned(),
                received: accepted + rejected,
                passed: accepted,
            }],
            reasons,
            ..Funnel::default()
        },
        usage: TokenUsage::default(),
        notes: BTreeMap::new(),
        content: None,
        files: BTreeMap::new(),
        seal: None,
        columns: Vec::new(),
        dealt: BTreeMap::new(),
        selection: None,
    })
}
