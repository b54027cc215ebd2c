//! `emit` with a field map: each chosen candidate becomes one row, or one for each of its late additions.
//!
//! Rows of one candidate share a `pair_id` and differ in what was added alone: the same answers stand in the same
//! order in all of them. Every row fits the kind's schema, which candidates are held against before rows are chosen.

use std::collections::BTreeMap;

use evalwright_core::{Candidate, ContentHash, Fields, Probability, Seed};
use evalwright_dataset::ColumnRecord;
use evalwright_recipe::choices::{answers, arranged};
use evalwright_recipe::schema::{columns, fits};
use evalwright_recipe::{
    Additions, CrossStage, EmitItemStage, EmitValue, Order, Placing, Stage, Values,
};
use serde_json::{Value, json};

use crate::draw::Draw;
use crate::error::PipelineError;
use crate::items::{additions, crossed};
use crate::plan::RunPlan;
use crate::stage::select::letters::{Options, place_answers};

/// The stage with the late additions before it and the schema.
#[derive(Debug)]
pub(crate) struct Emitting<'a> {
    options: &'a EmitItemStage,
    late: Vec<&'a CrossStage>,
    schema: Value,
    /// Whether cells were dealt.
    deals: bool,
}

/// A candidate that becomes rows.
#[derive(Debug, Clone)]
pub(crate) struct Chosen<'a> {
    pub(crate) candidate: &'a Candidate,
    /// P(all that judges were asked), where they were.
    pub(crate) confidence: Option<Probability>,
    /// Each requirement but the label that was judged.
    pub(crate) requirements: &'a BTreeMap<String, Probability>,
    /// The part that its rows were dealt into.
    pub(crate) split: Option<&'a str>,
}

/// A row before its answers are placed.
struct Draft<'a> {
    chosen: Chosen<'a>,
    fields: Fields,
    added: Fields,
    number: usize,
}

impl<'a> Emitting<'a> {
    /// Reads the schema; the error is a sentence.
    pub(crate) fn new(run: &RunPlan<'a>, options: &'a EmitItemStage) -> Result<Self, String> {
        let text = run
            .kind
            .schema_text
            .get(&options.schema)
            .ok_or_else(|| format!("there is no schema `{}`", options.schema))?;
        let schema =
            serde_json::from_str(text).map_err(|error| format!("`{}`: {error}", options.schema))?;
        let stages = &run.kind.kind.stages;
        let select = stages
            .iter()
            .position(|stage| matches!(stage, Stage::Select(_)))
            .unwrap_or(stages.len());
        let late = stages
            .iter()
            .skip(select)
            .filter_map(|stage| match stage {
                Stage::Cross(cross) => Some(cross),
                _ => None,
            })
            .collect();
        Ok(Self {
            options,
            late,
            schema,
            deals: run.kind.kind.deals(),
        })
    }

    /// The columns before `id` and `metadata`.
    pub(crate) fn columns(&self) -> Vec<ColumnRecord> {
        let types: BTreeMap<String, String> = columns(&self.schema).into_iter().collect();
        self.options
            .fields
            .iter()
            .map(|field| ColumnRecord {
                name: field.name.clone(),
                json_type: types
                    .get(&field.name)
                    .cloned()
                    .unwrap_or_else(|| "string".to_owned()),
            })
            .collect()
    }

    /// Whether a candidate can become rows; the error is a sentence about the first that cannot be.
    pub(crate) fn trial(
        &self,
        run: &RunPlan<'_>,
        candidate: &Candidate,
    ) -> Result<Result<(), String>, PipelineError> {
        let none = BTreeMap::new();
        let chosen = Chosen {
            candidate,
            confidence: None,
            requirements: &none,
            split: None,
        };
        for draft in self.drafts(run, chosen)? {
            let row = match self.row(run, &draft, None)? {
                Ok(row) => row,
                Err(problem) => return Ok(Err(problem)),
            };
            if let Err(problem) = fits(&self.schema, &Value::Object(row)) {
                return Ok(Err(problem));
            }
        }
        Ok(Ok(()))
    }

    /// The rows of chosen candidates. Where one candidate becomes several rows, and rows are to be shuffled, they are
    /// shuffled once more, so that those of one candidate do not stand together.
    pub(crate) fn rows(
        &self,
        run: &RunPlan<'_>,
        chosen: Vec<Chosen<'_>>,
    ) -> Result<Vec<Fields>, PipelineError> {
        let mut drafts = Vec::new();
        for one in chosen {
            drafts.extend(self.drafts(run, one)?);
        }
        let shuffled = run
            .kind
            .kind
            .select()
            .is_some_and(|select| select.order == Order::Shuffled);
        if shuffled && !self.late.is_empty() {
            Draw::new(run.seed().derive("order of late rows")).shuffle(&mut drafts);
        }
        let orders = self.orders(&drafts, run.seed());
        let mut rows = Vec::with_capacity(drafts.len());
        for (draft, order) in drafts.iter().zip(&orders) {
            // Every candidate has passed its trial, and another order of its answers changes no type.
            if let Ok(row) = self.row(run, draft, order.as_deref())? {
                rows.push(row);
            }
        }
        for field in &self.options.fields {
            if field.value == EmitValue::Index {
                for (number, row) in rows.iter_mut().enumerate() {
                    row.insert(field.name.clone(), Value::from(number));
                }
            }
        }
        Ok(rows)
    }

    /// The order of the answers of each draft. Drafts of one candidate that differ in variants alone get the same
    /// order; so that places stay even over rows, those that as many rows share are balanced among themselves.
    fn orders(&self, drafts: &[Draft<'_>], seed: Seed) -> Vec<Option<Vec<usize>>> {
        let Some(of) = self
            .options
            .options
            .as_ref()
            .filter(|_| self.options.place == Placing::Balanced)
        else {
            return vec![None; drafts.len()];
        };
        let from_tables: Vec<&String> = self
            .late
            .iter()
            .filter_map(|cross| match &cross.with {
                Additions::Table(table) => Some(&table.columns),
                Additions::Variants(_) => None,
            })
            .flatten()
            .collect();
        let mut keys: Vec<Option<String>> = Vec::new();
        let mut items: BTreeMap<String, (Vec<String>, usize, String, u32)> = BTreeMap::new();
        for draft in drafts {
            let slot = &draft.chosen.candidate.slot;
            let key = answers(&draft.fields, of, slot.cell.label)
                .ok()
                .map(|(texts, place)| {
                    let mut parts = vec![draft.chosen.candidate.id.clone(), place.to_string()];
                    parts.extend(texts.iter().cloned());
                    let own = from_tables
                        .iter()
                        .filter_map(|field| draft.added.get(*field));
                    parts.extend(own.map(Value::to_string));
                    let key = ContentHash::of_parts(&parts).to_string();
                    // Where each candidate is a cell of its own there is nothing to balance within one.
                    let cell = match self.deals {
                        true => slot.cell.to_string(),
                        false => format!("{},{}", slot.cell, slot.group),
                    };
                    let shared = items.entry(key.clone()).or_insert((texts, place, cell, 0));
                    shared.3 += 1;
                    key
                });
            keys.push(key);
        }
        let mut groups: BTreeMap<(&str, u32), u32> = BTreeMap::new();
        for (_, _, cell, rows) in items.values() {
            let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
            groups.entry((cell.as_str(), *rows)).or_insert(next);
        }
        let options: Vec<Options<'_>> = items
            .iter()
            .map(|(key, (texts, place, cell, rows))| Options {
                id: key,
                texts,
                answer: *place,
                group: groups.get(&(cell.as_str(), *rows)).copied().unwrap_or(0),
            })
            .collect();
        let placed = place_answers(&options, seed.derive("answers"));
        let orders: BTreeMap<&String, Vec<usize>> = items.keys().zip(placed).collect();
        keys.iter()
            .map(|key| key.as_ref().and_then(|key| orders.get(key).cloned()))
            .collect()
    }

    /// One draft for each product of the late additions.
    fn drafts<'c>(
        &self,
        run: &RunPlan<'_>,
        chosen: Chosen<'c>,
    ) -> Result<Vec<Draft<'c>>, PipelineError> {
        let refuse = |problem: String| PipelineError::Stages {
            kind: run.kind.kind.name.clone(),
            preset: run.kind.kind.preset.clone(),
            problem,
        };
        let mut added = vec![Fields::new()];
        for (number, cross) in self.late.iter().enumerate() {
            let more = additions(run.kind, run.behaviour, cross).map_err(refuse)?;
            let seed = run
                .seed()
                .derive(&format!("late cross {number} of {}", chosen.candidate.id));
            added = crossed(&added, cross, &more, seed).map_err(refuse)?;
        }
        Ok(added
            .into_iter()
            .enumerate()
            .map(|(number, added)| {
                let mut fields = chosen.candidate.fields.clone();
                fields.extend(added.clone());
                Draft {
                    chosen: chosen.clone(),
                    fields,
                    added,
                    number,
                }
            })
            .collect())
    }

    /// A row; the inner error is a sentence about answers that cannot be published.
    fn row(
        &self,
        run: &RunPlan<'_>,
        draft: &Draft<'_>,
        order: Option<&[usize]>,
    ) -> Result<Result<Fields, String>, PipelineError> {
        let candidate = draft.chosen.candidate;
        let label = candidate.slot.cell.label;
        let mut item = draft.fields.clone();
        let mut letter = Value::Null;
        if let Some(of) = &self.options.options {
            let arranged = match arranged(&item, of, label, order) {
                Ok(arranged) => arranged,
                Err(problem) => return Ok(Err(problem)),
            };
            letter = Value::from(evalwright_recipe::choices::letter(arranged.place).to_string());
            item.insert("choices".to_owned(), arranged.choices);
            item.insert("answer".to_owned(), arranged.answer);
            item.insert("others".to_owned(), arranged.others);
            item.insert("answer_place".to_owned(), Value::from(arranged.place));
        }
        item.insert(
            "confidence".to_owned(),
            serde_json::to_value(draft.chosen.confidence)?,
        );
        item.insert("rounds".to_owned(), rounds(candidate));
        let values = Values {
            behaviour: run.behaviour,
            label,
            examples: &[],
            statement: Some(&candidate.text),
            opened: true,
            item: Some(&item),
            reasoning: None,
        };
        let mut row = Fields::new();
        for field in &self.options.fields {
            let value = match &field.value {
                EmitValue::Template(template) => {
                    Value::from(run.kind.prompts.render_text(template, &values)?)
                }
                // Numbers are given when all rows are in their order.
                EmitValue::Index => Value::from(0),
                EmitValue::From(from) => {
                    self.column(&field.name, item.get(from).cloned().unwrap_or_default())
                }
            };
            row.insert(field.name.clone(), value);
        }
        let name = ContentHash::of_json(&row)?.to_string();
        let number = draft.number.to_string();
        let id = ContentHash::of_parts(&[name.as_str(), candidate.id.as_str(), number.as_str()])
            .short(16);
        row.insert("id".to_owned(), Value::from(format!("row_{id}")));
        row.insert("metadata".to_owned(), self.metadata(run, draft, letter)?);
        Ok(Ok(row))
    }

    /// A list of one text where the schema wants a text.
    fn column(&self, name: &str, value: Value) -> Value {
        let inner = self.schema.get("properties").and_then(|all| all.get(name));
        let (Some(inner), Value::Array(values)) = (inner, &value) else {
            return value;
        };
        match values.as_slice() {
            [one] if fits(inner, one).is_ok() => one.clone(),
            _ => value,
        }
    }

    /// Where the row comes from; every row of a kind has the same keys.
    fn metadata(
        &self,
        run: &RunPlan<'_>,
        draft: &Draft<'_>,
        letter: Value,
    ) -> Result<Value, PipelineError> {
        let chosen = &draft.chosen;
        let candidate = chosen.candidate;
        let label = if run.kind.kind.is_labelled() {
            serde_json::to_value(candidate.slot.cell.label)?
        } else {
            Value::Null
        };
        let pair = ContentHash::of_parts(&["pair", candidate.id.as_str()]).short(16);
        Ok(json!({
            "label": label,
            "cell": candidate.slot.group,
            "answer_letter": letter,
            "pair_id": format!("pair_{pair}"),
            "variant": draft.added,
            "text": candidate.text,
            "candidate": candidate.id,
            "slot": candidate.slot,
            "reply": candidate.reply,
            "flags": candidate.flags,
            "split": chosen.split,
            "confidence": chosen.confidence,
            "requirements": chosen.requirements,
            "judgements": candidate.judgements,
            "history": candidate.history,
        }))
    }
}

/// What each round gave, with what was drawn for it: `{"round": 1, "drawn": "id", …fields}`.
fn rounds(candidate: &Candidate) -> Value {
    let mut rounds: Vec<Fields> = Vec::new();
    for step in &candidate.history {
        let Some(round) = step.round else { continue };
        let is_same = rounds
            .last()
            .is_some_and(|last| last.get("round") == Some(&Value::from(round)));
        if !is_same {
            let mut fields = Fields::new();
            fields.insert("round".to_owned(), Value::from(round));
            fields.insert("drawn".to_owned(), Value::from(step.drawn.clone()));
            rounds.push(fields);
        }
        if let Some(last) = rounds.last_mut() {
            last.extend(step.gave.clone());
        }
    }
    rounds.into_iter().map(Value::Object).collect()
}
