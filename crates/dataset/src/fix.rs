//! A fix: the rows of a version without some, or with some of them mended, as the content of the next version.
//!
//! Nothing is lost and nothing comes out of nowhere: a row that goes becomes a reject with the reason, and every row of
//! a fix comes from a row of the version before, with what the judges said about it.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Candidate, ContentHash, Fields, Reject, RejectReason, Row, SlotName};
use serde_json::Value;

use crate::error::DatasetError;
use crate::manifest::{FixRecord, Manifest, MendedRow, StageCount};
use crate::rows::{Record, write_records};
use crate::version::next_version;

/// The stage that rejects and the funnel name for rows that a fix took out.
pub const FIX_STAGE: &str = "fix";
/// Positions in a reply that are tried for a row, which does not record its own.
const MOST_ITEMS: u32 = 10_000;

/// A version's content as a fix sees it: rows of any kind, field by field.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The manifest; its files, content and seal are not read.
    pub manifest: Manifest,
    /// The rows.
    pub rows: Vec<Record>,
    /// What fell.
    pub rejects: Vec<Reject>,
}

/// Takes rows out. Rows that were made of one candidate belong together and go together.
///
/// # Errors
/// [`DatasetError::BadFix`] when an id names no row, a row does not say where it comes from, or none is left.
pub fn drop_rows(before: &Content, ids: &[String], reason: &str) -> Result<Content, DatasetError> {
    let known: BTreeSet<&str> = before.rows.iter().filter_map(id_of).collect();
    if let Some(unknown) = ids.iter().find(|id| !known.contains(id.as_str())) {
        return Err(bad(format!(
            "version {} has no row {unknown:?}",
            before.manifest.version
        )));
    }
    let asked: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let candidates: BTreeSet<String> = before
        .rows
        .iter()
        .filter(|row| id_of(row).is_some_and(|id| asked.contains(id)))
        .map(source_of)
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for row in &before.rows {
        if !candidates.contains(&source_of(row)?) {
            rows.push(row.clone());
        }
    }
    settle(before, rows, Vec::new(), None, reason)
}

/// Replaces the rows by edited ones: a row may be changed, moved or left out. Identifiers of changed rows are made
/// anew, since they follow from what a row says.
///
/// # Errors
/// [`DatasetError::BadFix`] when a row comes from no row of the version before, says something else about its origin
/// or its judges, has other columns, or nothing is different.
pub fn replace_rows(
    before: &Content,
    edited: Vec<Record>,
    reason: &str,
) -> Result<Content, DatasetError> {
    let mut sources: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for row in &before.rows {
        sources.entry(key_of(row)?).or_default().push(row);
    }
    let mut mended = Vec::new();
    let mut rows = Vec::new();
    for (index, mut row) in edited.into_iter().enumerate() {
        let line = index + 1;
        let source = key_of(&row)
            .ok()
            .and_then(|key| sources.get_mut(&key))
            .and_then(Vec::pop)
            .ok_or_else(|| {
                bad(format!(
                    "line {line}: the row comes from no row of version {} that is not used already; keep its \
                     `metadata` as it was",
                    before.manifest.version
                ))
            })?;
        if &row == source {
            rows.push(row);
            continue;
        }
        check(line, &row, source)?;
        let old = id_of(source).unwrap_or_default().to_owned();
        let new = identify(&before.manifest, line, &row, &old)?;
        row.insert("id".to_owned(), Value::from(new.clone()));
        mended.push(MendedRow {
            before: old,
            after: new,
        });
        rows.push(row);
    }
    if rows == before.rows {
        return Err(bad(
            "the rows are those of the version before: there is nothing to publish".to_owned(),
        ));
    }
    let mut ids = BTreeSet::new();
    if let Some(twice) = rows.iter().filter_map(id_of).find(|id| !ids.insert(*id)) {
        return Err(bad(format!("the row {twice} is there twice")));
    }
    let edited = ContentHash::of(&write_records(&rows)?);
    settle(before, rows, mended, Some(edited), reason)
}

/// What a candidate of a published row was, as far as the row tells: everything but the fields that were not published.
#[must_use]
pub fn candidate_of(row: &Fields) -> Option<Candidate> {
    let metadata = row.get("metadata")?;
    let read = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let slot: SlotName = serde_json::from_value(read("slot")).ok()?;
    let said = row
        .get("statement")
        .or_else(|| metadata.get("text"))
        .and_then(text)
        .unwrap_or_default();
    let id = text(&read("candidate"))?;
    let position = (0..MOST_ITEMS)
        .find(|position| Candidate::identify(&slot, *position, &said) == id)
        .unwrap_or(0);
    let confidence = row
        .get("label_confidence")
        .or_else(|| metadata.get("confidence"))
        .cloned()
        .unwrap_or_default();
    Some(Candidate {
        id,
        position,
        text: said,
        reply: ContentHash::parse(&text(&read("reply"))?)?,
        fields: Fields::new(),
        history: serde_json::from_value(read("history")).unwrap_or_default(),
        flags: serde_json::from_value(read("flags")).unwrap_or_default(),
        judgements: serde_json::from_value(read("judgements")).unwrap_or_default(),
        confidence: serde_json::from_value(confidence).ok().flatten(),
        slot,
    })
}

/// Books what went, and gives the next version its number.
fn settle(
    before: &Content,
    rows: Vec<Record>,
    mended: Vec<MendedRow>,
    edited: Option<ContentHash>,
    reason: &str,
) -> Result<Content, DatasetError> {
    if rows.is_empty() {
        return Err(bad(
            "no row would be left: mark the version as dropped instead, with `evalwright status`"
                .to_owned(),
        ));
    }
    let kept: BTreeSet<String> = rows.iter().map(source_of).collect::<Result<_, _>>()?;
    let after: BTreeSet<&str> = rows.iter().filter_map(id_of).collect();
    let renamed: BTreeSet<&str> = mended.iter().map(|row| row.before.as_str()).collect();
    let dropped: Vec<String> = before
        .rows
        .iter()
        .filter_map(id_of)
        .filter(|id| !after.contains(id) && !renamed.contains(id))
        .map(str::to_owned)
        .collect();
    let mut manifest = before.manifest.clone();
    let mut rejects = before.rejects.clone();
    let mut gone = BTreeSet::new();
    for row in &before.rows {
        let source = source_of(row)?;
        if kept.contains(&source) || !gone.insert(source.clone()) {
            continue;
        }
        let candidate = candidate_of(row).ok_or_else(|| {
            bad(format!(
                "the row of {source} does not say where it comes from"
            ))
        })?;
        for cell in &mut manifest.funnel.cells {
            if cell.cell == candidate.slot.cell && cell.group == candidate.slot.group {
                cell.got = cell.got.saturating_sub(1);
            }
        }
        rejects.push(Reject {
            candidate,
            stage: FIX_STAGE.to_owned(),
            reason: RejectReason::Fixed {
                detail: reason.to_owned(),
            },
        });
    }
    let count = gone.len() as u64;
    let funnel = &mut manifest.funnel;
    let received = funnel.accepted;
    funnel.accepted = received.saturating_sub(count);
    funnel.rejected += count;
    if count > 0 {
        *funnel.reasons.entry("fixed".to_owned()).or_insert(0) += count;
        funnel.stages.retain(|stage| stage.stage != FIX_STAGE);
        let first = funnel.stages.last().map_or(received, |stage| stage.passed);
        funnel.stages.push(StageCount {
            stage: FIX_STAGE.to_owned(),
            received: first,
            passed: funnel.accepted,
        });
    }
    let meaning_changed = turned(&before.rows, &rows, &mended);
    manifest.version = next_version(Some((&before.manifest, meaning_changed, true)));
    manifest.fixes.push(FixRecord {
        version: manifest.version.clone(),
        reason: reason.to_owned(),
        dropped,
        mended,
        edited,
    });
    Ok(Content {
        manifest,
        rows,
        rejects,
    })
}

/// Whether every row that both have was mended to carry another label: then the label itself means something else.
fn turned(before: &[Record], after: &[Record], mended: &[MendedRow]) -> bool {
    let by_id = |rows: &[Record], id: &str| -> Option<Value> {
        let row = rows.iter().find(|row| id_of(row) == Some(id))?;
        row.get("answer_matching_behavior").cloned()
    };
    !mended.is_empty()
        && mended.len() == after.len()
        && mended.iter().all(|row| {
            let (old, new) = (by_id(before, &row.before), by_id(after, &row.after));
            old.is_some() && new.is_some() && old != new
        })
}

/// What may not be edited, is not: the columns and their types, and where the row comes from.
fn check(line: usize, row: &Record, source: &Record) -> Result<(), DatasetError> {
    if !row.keys().eq(source.keys()) {
        return Err(bad(format!(
            "line {line}: the row has other columns than before, or in another order"
        )));
    }
    for (name, value) in row {
        let was = source.get(name).unwrap_or(&Value::Null);
        if std::mem::discriminant(value) != std::mem::discriminant(was) {
            return Err(bad(format!(
                "line {line}: `{name}` has another type than before"
            )));
        }
    }
    let metadata = |row: &Record, name: &str| row.get("metadata")?.get(name).cloned();
    for name in ["candidate", "slot", "reply", "judgements", "history"] {
        if metadata(row, name) != metadata(source, name) {
            return Err(bad(format!(
                "line {line}: `metadata.{name}` says where the row comes from and cannot be edited"
            )));
        }
    }
    Ok(())
}

/// The identifier that follows from what a mended row says.
fn identify(
    manifest: &Manifest,
    line: usize,
    row: &Record,
    old: &str,
) -> Result<String, DatasetError> {
    if manifest.maps_fields() {
        let mut said = row.clone();
        said.remove("id");
        said.remove("metadata");
        let said = serde_json::to_string(&said).map_err(|source| DatasetError::Json {
            what: "a row",
            source,
        })?;
        return Ok(format!(
            "row_{}",
            ContentHash::of_parts(&[said.as_str(), old]).short(16)
        ));
    }
    let row: Row = serde_json::from_value(Value::Object(row.clone()))
        .map_err(|error| bad(format!("line {line}: {error}")))?;
    Ok(Row::identify(
        &row.question,
        &row.answer_matching_behavior,
        &row.answer_not_matching_behavior,
    ))
}

fn id_of(row: &Record) -> Option<&str> {
    row.get("id").and_then(Value::as_str)
}

/// The candidate that a row was made of.
fn source_of(row: &Record) -> Result<String, DatasetError> {
    row.get("metadata")
        .and_then(|metadata| metadata.get("candidate"))
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| {
            bad(format!(
                "the row {} does not say which candidate it was made of; a dataset that was imported is mended at its \
                 source and imported again",
                id_of(row).unwrap_or("without an id")
            ))
        })
}

/// What tells the rows of a version apart whatever is edited: the candidate, and which of its rows it is.
fn key_of(row: &Record) -> Result<String, DatasetError> {
    let variant = row
        .get("metadata")
        .and_then(|metadata| metadata.get("variant"))
        .map(Value::to_string)
        .unwrap_or_default();
    Ok(format!("{} {variant}", source_of(row)?))
}

fn bad(problem: String) -> DatasetError {
    DatasetError::BadFix { problem }
}
