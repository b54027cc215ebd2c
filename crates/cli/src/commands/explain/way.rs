//! The whole way of one row or candidate, put together from its version, its recipe and the reply store.
//!
//! What cannot be shown is said in `not_shown`, never made up: a prompt stands here only if it was rendered from the
//! version's own recipe, or taken from the store under the key that the version records.

use std::path::Path;

use evalwright_core::{Candidate, Fields, Reject, RejectReason, SampleRequest, SlotName};
use evalwright_dataset::fix::candidate_of;
use evalwright_dataset::{Manifest, OpenVersion, StatusChange, StatusLog};
use evalwright_pipeline::{Trace, TracedCall, TracedRequest, trace};
use evalwright_recipe::{EmitValue, LoadedKind, Stage};
use evalwright_store::ReplyStore;
use serde::Serialize;
use serde_json::{Value, json};

use super::find::{Found, for_lines, text_at};
use crate::failure::Failure;
use crate::rebuild::Recipe;

/// The format of the JSON document.
const SCHEMA: &str = "evalwright.explain/1";

/// Everything about one row or candidate.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    schema: &'static str,
    /// The id in full.
    pub(super) id: String,
    /// Whether it is published.
    pub(super) is_row: bool,
    pub(super) dataset: String,
    pub(super) version: String,
    pub(super) folder: String,
    /// What is said beside the version about its use; nothing for a published one.
    pub(super) status: Option<String>,
    /// Other versions that hold the same id.
    pub(super) also_in: Vec<String>,
    pub(super) kind: String,
    pub(super) preset: String,
    pub(super) behaviour: Value,
    pub(super) run_seed: u64,
    /// Nothing where the version is an import.
    pub(super) candidate: Option<Candidate>,
    /// The name of the slot, its seed, and what its item began as.
    pub(super) slot: Option<Value>,
    /// The parser of the first reply.
    pub(super) parser: Option<String>,
    /// What models were asked, and what they answered.
    pub(super) calls: Vec<Call>,
    /// Each stage with what became of the candidate there.
    pub(super) stages: Vec<StageResult>,
    pub(super) duplicates: Duplicates,
    pub(super) selection: Value,
    /// The rows it became.
    pub(super) rows: Vec<PublishedRow>,
    /// How its columns are made, by the kind.
    pub(super) emit: Option<Value>,
    /// Where and why it fell.
    pub(super) rejected: Option<Fallen>,
    /// What could not be shown, and what to do.
    pub(super) not_shown: Vec<String>,
}

/// One call with its reply.
#[derive(Debug, Serialize)]
pub(super) struct Call {
    #[serde(flatten)]
    pub(super) asked: TracedCall,
    /// How it is known that this is what was asked.
    pub(super) known_by: &'static str,
    /// What the store holds: a text, or scores.
    pub(super) reply: Option<Reply>,
}

/// A stored reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Text(evalwright_core::TextReply),
    Scores(evalwright_core::ScoreReply),
    Failed(String),
}

#[derive(Debug, Serialize)]
pub(super) struct StageResult {
    pub(super) stage: String,
    /// `passed`, `fell` or `not reached`.
    pub(super) result: &'static str,
}

/// What it repeats, and what repeats it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Duplicates {
    pub(super) repeats: Option<Twin>,
    pub(super) repeated_by: Vec<Twin>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Twin {
    pub(super) candidate: String,
    pub(super) layer: String,
    pub(super) similarity: f64,
    /// The same text with the other label: both fell.
    pub(super) is_conflict: bool,
    pub(super) text: Option<String>,
    /// The row that it became, if it did.
    pub(super) row: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct PublishedRow {
    pub(super) id: String,
    /// Its line in `data.jsonl`.
    pub(super) line: usize,
    /// Its columns.
    pub(super) columns: Fields,
}

#[derive(Debug, Serialize)]
pub(super) struct Fallen {
    pub(super) stage: String,
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) line: usize,
}

/// What the two files of a version hold about an id.
#[derive(Default)]
struct Held {
    rows: Vec<(PublishedRow, Value)>,
    reject: Option<(usize, Reject)>,
}

/// Where the parts come from.
pub(super) struct Sources<'a> {
    pub(super) project: &'a Path,
    pub(super) store_path: &'a Path,
}

/// Puts it together.
pub(super) fn explain(found: Found, sources: &Sources<'_>) -> Result<Explanation, Failure> {
    let OpenVersion { folder, manifest } = &found.version;
    let held = held(folder, &found.id)?;
    let candidate = candidate(&held);
    let rejected = held.reject.as_ref().map(|(line, reject)| Fallen {
        stage: reject.stage.clone(),
        code: reject.reason.code(),
        reason: reject.reason.to_string(),
        line: *line,
    });
    let mut explanation = Explanation {
        schema: SCHEMA,
        id: found.id,
        is_row: !held.rows.is_empty(),
        dataset: manifest.dataset.clone(),
        version: manifest.version.clone(),
        folder: folder.display().to_string(),
        status: StatusLog::beside(folder)?
            .of(&manifest.version)
            .and_then(StatusChange::warning),
        also_in: found.also_in,
        kind: manifest.kind.name.clone(),
        preset: manifest.kind.preset.clone(),
        behaviour: manifest.behaviour.clone(),
        run_seed: manifest.seed.0,
        slot: None,
        parser: None,
        calls: Vec::new(),
        stages: stages(manifest, rejected.as_ref()),
        duplicates: Duplicates::default(),
        selection: Value::Null,
        rows: held.rows.into_iter().map(|(row, _)| row).collect(),
        emit: None,
        rejected,
        not_shown: Vec::new(),
        candidate: None,
    };
    let Some(candidate) = candidate else {
        explanation
            .not_shown
            .push("its way: the row was made elsewhere and imported, so there is none".to_owned());
        return Ok(explanation);
    };
    explanation.slot = Some(slot(&candidate.slot, manifest));
    explanation.duplicates = duplicates(folder, &candidate.id, held.reject.as_ref())?;
    explanation.selection = selection(manifest, &candidate);
    follow(&mut explanation, &candidate, &found.version, sources)?;
    explanation.candidate = Some(candidate);
    Ok(explanation)
}

/// Everything that reads the recipe or the store.
fn follow(
    explanation: &mut Explanation,
    candidate: &Candidate,
    version: &OpenVersion,
    sources: &Sources<'_>,
) -> Result<(), Failure> {
    let manifest = &version.manifest;
    let asks = manifest.funnel.sample_calls + manifest.funnel.score_calls > 0;
    let store = if sources.store_path.exists() {
        Some(ReplyStore::open_existing(sources.store_path)?)
    } else {
        None
    };
    if store.is_none() && asks {
        explanation.not_shown.push(format!(
            "replies of models: there is no reply store at {}; run this in the project's folder, or name its store \
             with `--store`",
            sources.store_path.display()
        ));
    }
    let path = version.folder.join("manifest.json");
    let traced = Recipe::of(&path, manifest, sources.project).and_then(|recipe| {
        explanation.parser = recipe.kind.kind.ask().map(|ask| ask.parse.clone());
        explanation.emit = emit(&recipe.kind);
        let fell_in = explanation.rejected.as_ref().map(|fallen| &*fallen.stage);
        recipe.with_plan(|plan| Ok(trace(plan, candidate, fell_in, store.as_ref())?))
    });
    match traced {
        Ok(traced) => known(explanation, traced, store.as_ref())?,
        Err(failure) => {
            explanation.not_shown.push(format!(
                "the prompts as rendered from the recipe: {}",
                failure.message()
            ));
            if let Some(store) = &store {
                recorded(explanation, candidate, manifest, store)?;
            }
        }
    }
    Ok(())
}

/// Takes over the questions with their replies. A question whose key is another than the version records is not the one
/// that was asked, and is not shown.
fn known(
    explanation: &mut Explanation,
    traced: Trace,
    store: Option<&ReplyStore>,
) -> Result<(), Failure> {
    if let Some(Value::Object(slot)) = &mut explanation.slot
        && !traced.begun.is_empty()
    {
        slot.insert("begun".to_owned(), Value::Object(traced.begun));
    }
    if let Some(stage) = traced.stopped_at {
        explanation.not_shown.push(format!(
            "questions from stage `{stage}` on: they follow from the reply before them, which the store would hold"
        ));
    }
    let mut missing = 0_usize;
    for asked in traced.calls {
        let reply = match (store, &asked.request) {
            (None, _) => None,
            (Some(store), TracedRequest::Sample(_)) => {
                store.text(asked.key)?.map(|reply| match reply {
                    Ok(text) => Reply::Text(text),
                    Err(failure) => Reply::Failed(failure.to_string()),
                })
            }
            (Some(store), TracedRequest::Score(_)) => {
                store.score(asked.key)?.map(|reply| match reply {
                    Ok(scores) => Reply::Scores(scores),
                    Err(failure) => Reply::Failed(failure.to_string()),
                })
            }
        };
        missing += usize::from(store.is_some() && reply.is_none());
        let known_by = match (asked.is_recorded, &reply) {
            (Some(false), _) => {
                explanation.not_shown.push(format!(
                    "the question of stage `{}`: rendered again it is not the one that the version records",
                    asked.stage
                ));
                continue;
            }
            (Some(true), _) => "its key is the one in the version",
            (None, Some(_)) => "its key is in the store",
            (None, None) => "rendered from the version's recipe; no key to compare",
        };
        explanation.calls.push(Call {
            asked,
            known_by,
            reply,
        });
    }
    if missing > 0 {
        explanation.not_shown.push(format!(
            "{missing} replies: the store does not hold them; name the store of the run with `--store`"
        ));
    }
    Ok(())
}

/// Without the recipe: what the store holds under the keys that the version records.
fn recorded(
    explanation: &mut Explanation,
    candidate: &Candidate,
    manifest: &Manifest,
    store: &ReplyStore,
) -> Result<(), Failure> {
    let first = (candidate.slot.stage.clone(), None, candidate.reply);
    let later = candidate
        .history
        .iter()
        .map(|step| (step.stage.clone(), step.round, step.reply));
    for (stage, round, key) in std::iter::once(first).chain(later) {
        let Some(reply) = store.text(key)? else {
            continue;
        };
        let shown = store.show(key)?;
        let Ok(request) = serde_json::from_value::<SampleRequest>(shown.request) else {
            continue;
        };
        explanation.calls.push(Call {
            asked: TracedCall {
                stage,
                round,
                rater: None,
                requirement: None,
                template: "unknown".to_owned(),
                model: manifest.generator.name.clone(),
                key,
                is_recorded: Some(true),
                request: TracedRequest::Sample(request),
            },
            known_by: "as the store holds it under the key in the version",
            reply: Some(match reply {
                Ok(text) => Reply::Text(text),
                Err(failure) => Reply::Failed(failure.to_string()),
            }),
        });
    }
    Ok(())
}

/// Reads both files of the version for an id: of a row, or of a candidate, whose rows may be several.
fn held(folder: &Path, id: &str) -> Result<Held, Failure> {
    let mut held = Held::default();
    for_lines(&folder.join("data.jsonl"), |line, text| {
        if !text.contains(id) {
            return;
        }
        let Ok(Value::Object(mut row)) = serde_json::from_str::<Value>(text) else {
            return;
        };
        let metadata = row.remove("metadata").unwrap_or_default();
        let own = row.get("id").and_then(Value::as_str).unwrap_or_default();
        if own == id || text_at(&metadata, &["candidate"]) == Some(id) {
            let row = PublishedRow {
                id: own.to_owned(),
                line,
                columns: row,
            };
            held.rows.push((row, metadata));
        }
    })?;
    for_lines(&folder.join("rejected.jsonl"), |line, text| {
        if let Some(reject) = reject(text).filter(|reject| reject.candidate.id == id) {
            held.reject = Some((line, reject));
        }
    })?;
    Ok(held)
}

fn reject(line: &str) -> Option<Reject> {
    serde_json::from_str(line).ok()
}

/// The candidate as far as the version tells.
fn candidate(held: &Held) -> Option<Candidate> {
    if let Some((_, reject)) = &held.reject {
        return Some(reject.candidate.clone());
    }
    let (row, metadata) = held.rows.first()?;
    let mut row = row.columns.clone();
    row.insert("metadata".to_owned(), metadata.clone());
    candidate_of(&row)
}

fn slot(slot: &SlotName, manifest: &Manifest) -> Value {
    json!({
        "name": slot.to_string(),
        "stage": slot.stage,
        "label": slot.cell.label,
        "cell": slot.group,
        "index": slot.index,
        "seed": slot.seed(manifest.seed).0,
    })
}

fn stages(manifest: &Manifest, fallen: Option<&Fallen>) -> Vec<StageResult> {
    let mut fell = false;
    manifest
        .funnel
        .stages
        .iter()
        .map(|count| {
            let here = fallen.is_some_and(|fallen| fallen.stage == count.stage);
            let result = if here {
                "fell"
            } else if fell {
                "not reached"
            } else {
                "passed"
            };
            fell |= here;
            StageResult {
                stage: count.stage.clone(),
                result,
            }
        })
        .collect()
}

/// What the candidate repeats and what repeats it, with their texts.
fn duplicates(
    folder: &Path,
    id: &str,
    reject: Option<&(usize, Reject)>,
) -> Result<Duplicates, Failure> {
    let mut found = Duplicates {
        repeats: reject.and_then(|(_, reject)| twin(&reject.reason)),
        repeated_by: Vec::new(),
    };
    let target = found.repeats.as_ref().map(|twin| twin.candidate.clone());
    let mut target_text = None;
    for_lines(&folder.join("rejected.jsonl"), |_, line| {
        let is_target = target.as_ref().is_some_and(|target| line.contains(target));
        if !line.contains(id) && !is_target {
            return;
        }
        let Some(reject) = self::reject(line) else {
            return;
        };
        if target.as_deref() == Some(&reject.candidate.id) {
            target_text = Some(reject.candidate.text.clone());
        }
        if let Some(twin) = twin(&reject.reason).filter(|twin| twin.candidate == id) {
            found.repeated_by.push(Twin {
                candidate: reject.candidate.id,
                text: Some(reject.candidate.text),
                ..twin
            });
        }
    })?;
    if let (Some(twin), Some(target)) = (&mut found.repeats, &target) {
        twin.text = target_text;
        for_lines(&folder.join("data.jsonl"), |_, line| {
            if !line.contains(target.as_str()) {
                return;
            }
            let row: Value = serde_json::from_str(line).unwrap_or_default();
            if text_at(&row, &["metadata", "candidate"]) == Some(target) {
                let text =
                    text_at(&row, &["statement"]).or_else(|| text_at(&row, &["metadata", "text"]));
                twin.text = text.map(str::to_owned);
                twin.row = text_at(&row, &["id"]).map(str::to_owned);
            }
        })?;
    }
    Ok(found)
}

fn twin(reason: &RejectReason) -> Option<Twin> {
    let (candidate, layer, similarity, is_conflict) = match reason {
        RejectReason::Duplicate {
            of,
            layer,
            similarity,
        } => (of, layer, *similarity, false),
        RejectReason::Conflict {
            with,
            layer,
            similarity,
        } => (with, layer, *similarity, true),
        _ => return None,
    };
    Some(Twin {
        candidate: candidate.clone(),
        layer: layer.clone(),
        similarity,
        is_conflict,
        text: None,
        row: None,
    })
}

/// By what rows were chosen, and how the candidate's own cell came out.
fn selection(manifest: &Manifest, candidate: &Candidate) -> Value {
    let own = manifest
        .funnel
        .cells
        .iter()
        .find(|cell| cell.cell == candidate.slot.cell && cell.group == candidate.slot.group);
    json!({
        "confidence": candidate.confidence,
        "minimum": manifest.minimum_confidence,
        "take": manifest.take,
        "order": manifest.order,
        "balance": manifest.selection.as_ref().map(|selection| &selection.balance),
        "cell": own,
    })
}

/// How the kind makes rows: the template of the question, or each column with where it comes from.
fn emit(kind: &LoadedKind) -> Option<Value> {
    kind.kind.stages.iter().find_map(|stage| match stage {
        Stage::Emit(emit) => Some(json!({ "question": emit.question })),
        Stage::EmitItem(emit) => {
            let columns = emit.fields.iter().map(|field| {
                let from = match &field.value {
                    EmitValue::Template(template) => template.clone(),
                    EmitValue::Index => "the row's number".to_owned(),
                    EmitValue::From(name) => format!("the field `{name}`"),
                };
                (field.name.clone(), Value::from(from))
            });
            Some(Value::Object(columns.collect()))
        }
        _ => None,
    })
}
