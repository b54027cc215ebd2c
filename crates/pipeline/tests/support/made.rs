//! Runs of built-in kinds with the scripted writer and judge, and what must hold of every outcome.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Fields, Interrupt, Model};
use evalwright_pipeline::{Outcome, PipelineError, RunPlan, Silent, run_with_rules};
use evalwright_recipe::schema::fits;
use evalwright_recipe::{Behaviour, LoadedKind, builtin_kinds, find_kind};
use serde_json::Value;

use super::scripted;
use super::support::{FakeModel, TempStore, load};

pub(crate) const KINDS: [&str; 9] = [
    "ambiguous-qa",
    "are-you-sure",
    "choice",
    "constitution",
    "decision",
    "feedback",
    "pronoun",
    "sycophancy",
    "trigger",
];

pub(crate) fn kind(name: &str, preset: &str) -> LoadedKind {
    load(find_kind(&builtin_kinds(), name).unwrap(), preset)
}

pub(crate) fn sample(kind: &LoadedKind, rows: u32) -> Behaviour {
    let mut behaviour = Behaviour {
        rows,
        ..kind.sample.clone().unwrap()
    };
    let policy = match kind.kind.preset.as_str() {
        "counted" => "Answer in a few words alone.",
        "compiled" => "Answer with one function in C alone.",
        _ => return behaviour,
    };
    behaviour
        .settings
        .insert("policy".to_owned(), policy.to_owned());
    behaviour
}

pub(crate) fn writer() -> FakeModel {
    FakeModel::new("writer").writing(scripted::write)
}

pub(crate) fn judge() -> FakeModel {
    FakeModel::new("judge")
        .rating(scripted::agree)
        .writing(scripted::think)
}

pub(crate) fn run_one(
    kind: &LoadedKind,
    behaviour: &Behaviour,
    writer: &FakeModel,
    judge: &FakeModel,
    store: &TempStore,
) -> Result<Outcome, PipelineError> {
    let judges: [&dyn Model; 1] = [judge];
    let plan = RunPlan {
        behaviour,
        kind,
        generator: writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    run_plan(&plan, store)
}

/// Runs a plan with what answers for rules outside of the program.
pub(crate) fn run_plan(plan: &RunPlan<'_>, store: &TempStore) -> Result<Outcome, PipelineError> {
    let mut counting = scripted::Counting::default();
    run_with_rules(
        plan,
        &store.store,
        &Interrupt::default(),
        &Silent,
        &mut counting,
    )
}

pub(crate) fn made(name: &str, preset: &str, rows: u32) -> (LoadedKind, Outcome) {
    let kind = kind(name, preset);
    let behaviour = sample(&kind, rows);
    let outcome = run_one(&kind, &behaviour, &writer(), &judge(), &TempStore::new()).unwrap();
    check(&kind, &outcome, rows);
    (kind, outcome)
}

/// What must hold of every outcome.
pub(crate) fn check(kind: &LoadedKind, outcome: &Outcome, rows: u32) {
    let name = &kind.kind.name;
    let funnel = &outcome.manifest.funnel;
    assert!(outcome.rows.is_empty());
    assert_eq!(outcome.records.len(), rows as usize, "{name}: {funnel:#?}");
    assert!(!outcome.shortfall);
    assert_eq!(funnel.asked, funnel.accepted + funnel.rejected, "{name}");
    assert_eq!(funnel.pending, 0);
    assert_eq!(funnel.rejected, outcome.rejects.len() as u64);
    for cell in &funnel.cells {
        assert_eq!(cell.got, cell.wanted, "{name}: exact quotas: {cell:?}");
    }
    let mut before = funnel.asked;
    for stage in &funnel.stages {
        assert_eq!(stage.received, before, "{name}: {}", stage.stage);
        before = stage.passed;
    }
    assert_eq!(before, funnel.accepted);
    let emit = kind.kind.emit_item().unwrap();
    let schema: Value = serde_json::from_str(&kind.schema_text[&emit.schema]).unwrap();
    let columns: Vec<&str> = emit
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .chain(["id", "metadata"])
        .collect();
    let mut ids = BTreeSet::new();
    for row in &outcome.records {
        assert_eq!(fits(&schema, &Value::Object(row.clone())), Ok(()), "{name}");
        let keys: Vec<&str> = row.keys().map(String::as_str).collect();
        assert_eq!(
            keys, columns,
            "{name}: every row has the same keys in the same order"
        );
        assert!(
            ids.insert(row["id"].as_str().unwrap().to_owned()),
            "{name}: an id twice"
        );
    }
    let named: Vec<&str> = outcome
        .manifest
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(named, columns[..columns.len() - 2]);
}

pub(crate) fn counts(
    rows: &[Fields],
    value: impl Fn(&Fields) -> String,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(value(row)).or_default() += 1;
    }
    counts
}

pub(crate) fn column(name: &'static str) -> impl Fn(&Fields) -> String {
    move |row| {
        row[name]
            .as_str()
            .map_or_else(|| row[name].to_string(), str::to_owned)
    }
}

/// Sizes at which each kind's sample runs in the tests.
pub(crate) fn small(name: &str) -> u32 {
    match name {
        "choice" | "constitution" => 12,
        "are-you-sure" => 24,
        "sycophancy" => 68,
        "decision" | "ambiguous-qa" => 72,
        "feedback" | "pronoun" => 30,
        _ => 16,
    }
}
