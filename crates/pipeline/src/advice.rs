//! What a kind's author should look at, beyond what makes a kind wrong.
//!
//! Errors are found when a kind is loaded; here are things that run and may not be meant: cells that begin unevenly,
//! fields that nothing reads, rules that no candidate can keep, files that no stage uses.

use std::collections::BTreeSet;

use evalwright_recipe::{
    Additions, Behaviour, DrawnRow, EmitValue, LoadedKind, OptionsOf, RuleValue, Stage, Test,
};

use crate::error::PipelineError;
use crate::items::Items;

/// How advice begins that is about one preset alone: what it does not use, another one may.
pub const UNUSED: &str = "no stage uses";

/// Sentences about a kind, looked at with a behaviour; none for a kind that makes statements.
///
/// # Errors
/// When the kind's tables cannot be crossed.
pub fn advice(kind: &LoadedKind, behaviour: &Behaviour) -> Result<Vec<String>, PipelineError> {
    if !kind.kind.maps_fields() {
        return Ok(Vec::new());
    }
    let items = Items::new(kind, behaviour).map_err(|problem| PipelineError::Stages {
        kind: kind.kind.name.clone(),
        preset: kind.kind.preset.clone(),
        problem,
    })?;
    let mut advice = Vec::new();
    let sizes: Vec<usize> = items
        .cells
        .iter()
        .map(|(_, beginnings)| beginnings.len())
        .collect();
    if let (Some(fewest), Some(most)) = (sizes.iter().min(), sizes.iter().max())
        && fewest != most
    {
        let smallest = items
            .cells
            .iter()
            .find(|(_, beginnings)| beginnings.len() == *fewest);
        advice.push(format!(
            "cells are unbalanced: they begin with {fewest} to {most} items each, `{}` with the fewest; its items repeat more \
             often",
            smallest.map_or_else(String::new, |(place, _)| place.to_string())
        ));
    }
    let reads = reads(kind);
    for field in gives(kind) {
        if !reads.contains(&field) {
            advice.push(format!(
                "nothing reads the field `{field}`; a stage that only sets it could be left out"
            ));
        }
    }
    advice.extend(rules_in_conflict(kind));
    for (file, _) in kind
        .kind
        .files
        .iter()
        .filter(|(file, _)| file.ends_with(".j2"))
    {
        if !used_templates(kind).contains(file.as_str()) {
            advice.push(format!("{UNUSED} the template `{file}`"));
        }
    }
    for table in kind.tables.keys() {
        if !used_tables(kind).contains(table.as_str()) {
            advice.push(format!("{UNUSED} the table `{table}`"));
        }
    }
    Ok(advice)
}

/// Every field that a stage sets.
fn gives(kind: &LoadedKind) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for stage in &kind.kind.stages {
        match stage {
            Stage::Table(table) => fields.extend(table.columns.iter().cloned()),
            Stage::Cross(cross) => match &cross.with {
                Additions::Table(table) => fields.extend(table.columns.iter().cloned()),
                Additions::Variants(variants) => {
                    fields.extend(
                        variants
                            .iter()
                            .take(1)
                            .flat_map(|first| first.keys().cloned()),
                    );
                }
            },
            Stage::Ask(ask) => fields.extend(ask.gives.iter().cloned()),
            Stage::Follow(follow) => fields.extend(follow.gives.iter().cloned()),
            Stage::Repeat(repeat) => {
                fields.extend(
                    repeat
                        .ask
                        .iter()
                        .flat_map(|follow| follow.gives.iter().cloned()),
                );
            }
            _ => {}
        }
    }
    let mut seen = BTreeSet::new();
    fields.retain(|field| seen.insert(field.clone()));
    fields
}

/// Every field that a template, rule, answer, cell or column looks at.
fn reads(kind: &LoadedKind) -> BTreeSet<String> {
    let mut reads: BTreeSet<String> = kind
        .kind
        .cells
        .iter()
        .chain(&kind.kind.text)
        .cloned()
        .collect();
    let options =
        |of: &OptionsOf| -> Vec<String> { of.fields().into_iter().map(str::to_owned).collect() };
    for stage in &kind.kind.stages {
        match stage {
            Stage::Check(check) => {
                for rule in &check.rules {
                    reads.insert(rule.field.clone());
                    reads.extend(rule.values.iter().filter_map(|value| match value {
                        RuleValue::Field(field) => Some(field.clone()),
                        _ => None,
                    }));
                }
            }
            Stage::Score(score) => reads.extend(score.options.iter().flat_map(options)),
            Stage::Repeat(repeat) => {
                reads.extend(repeat.start.iter().map(|start| start.from.clone()))
            }
            Stage::EmitItem(emit) => {
                reads.extend(emit.options.iter().flat_map(options));
                reads.extend(emit.fields.iter().filter_map(|field| match &field.value {
                    EmitValue::From(from) => Some(from.clone()),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    for template in used_templates(kind) {
        reads.extend(kind.prompts.item_fields(template).map(str::to_owned));
    }
    // What rounds give is published with them.
    if reads.contains("rounds") {
        for stage in &kind.kind.stages {
            if let Stage::Repeat(repeat) = stage {
                reads.extend(
                    repeat
                        .ask
                        .iter()
                        .flat_map(|follow| follow.gives.iter().cloned()),
                );
            }
        }
    }
    reads
}

/// Pairs of rules of which no candidate can keep both: nothing comes after them.
fn rules_in_conflict(kind: &LoadedKind) -> Vec<String> {
    let rules: Vec<_> = kind
        .kind
        .stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::Check(check) => Some(&check.rules),
            _ => None,
        })
        .flatten()
        .collect();
    let mut conflicts = Vec::new();
    for wanted in &rules {
        for refused in rules.iter().filter(|rule| rule.field == wanted.field) {
            let both = matches!(wanted.test, Test::Contains | Test::Once)
                && refused.test == Test::Lacks
                && wanted
                    .values
                    .iter()
                    .any(|value| refused.values.contains(value));
            if both {
                conflicts.push(format!(
                    "no candidate can keep both rules `{}` and `{}`, so every stage after them is unreachable",
                    wanted.name, refused.name
                ));
            }
        }
    }
    conflicts
}

fn used_templates(kind: &LoadedKind) -> BTreeSet<&str> {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for stage in &kind.kind.stages {
        match stage {
            Stage::Ask(ask) => {
                used.insert(&ask.prompt);
            }
            Stage::Follow(follow) => {
                used.insert(&follow.prompt);
            }
            Stage::Repeat(repeat) => {
                used.extend(repeat.ask.iter().map(|follow| follow.prompt.as_str()))
            }
            Stage::Score(score) => {
                for rater in &score.raters {
                    used.insert(&rater.prompt);
                    used.extend(rater.reasons.iter().map(|reasons| reasons.prompt.as_str()));
                }
            }
            Stage::EmitItem(emit) => {
                used.extend(emit.fields.iter().filter_map(|field| match &field.value {
                    EmitValue::Template(template) => Some(template.as_str()),
                    _ => None,
                }))
            }
            _ => {}
        }
    }
    // A template that another one includes is used too.
    let included: Vec<&str> = kind
        .kind
        .files
        .keys()
        .map(String::as_str)
        .filter(|file| used.iter().any(|user| kind.prompts.includes(user, file)))
        .collect();
    used.extend(included);
    used
}

fn used_tables(kind: &LoadedKind) -> BTreeSet<&str> {
    let drawn = |draw: &'_ Option<DrawnRow>| draw.as_ref().map(|draw| draw.table.clone());
    let mut used: BTreeSet<String> = BTreeSet::new();
    for stage in &kind.kind.stages {
        match stage {
            Stage::Table(table) => {
                used.insert(table.name.clone());
            }
            Stage::Cross(cross) => {
                if let Additions::Table(table) = &cross.with {
                    used.insert(table.name.clone());
                }
            }
            Stage::Ask(ask) => used.extend(ask.gold.iter().map(|gold| gold.table.clone())),
            Stage::Repeat(repeat) => used.extend(drawn(&repeat.draw)),
            Stage::Score(score) => used.extend(drawn(&score.draw)),
            _ => {}
        }
    }
    kind.tables
        .keys()
        .map(String::as_str)
        .filter(|table| used.contains(*table))
        .collect()
}
