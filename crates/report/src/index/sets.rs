//! Entries that belong side by side: the versions of a dataset, and one behaviour from several sources.
//!
//! A source is the model that wrote the rows, or where that is not known the kind or family. Of several versions by one
//! model the latest stands for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::entry::{Entry, EntryKind};

/// Names of files that say what a file is for and not what its rows are about.
const NO_BEHAVIOURS: [&str; 12] = [
    "all",
    "data",
    "dataset",
    "dev",
    "eval",
    "examples",
    "items",
    "rows",
    "samples",
    "test",
    "train",
    "validation",
];

/// What holds a set together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetKind {
    /// The versions of one dataset, oldest first.
    Versions,
    /// One behaviour, by source.
    Sources,
}

/// Entries that belong side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Set {
    /// What holds it together.
    pub kind: SetKind,
    /// The dataset, or the behaviour.
    pub name: String,
    /// Identifiers of its entries, in order.
    pub entries: Vec<String>,
    /// How each is called within the set: its version, or its source.
    pub called: Vec<String>,
}

/// What an entry's rows come from.
pub(super) fn source(entry: &Entry) -> &str {
    entry.generator.value.as_deref().unwrap_or(&entry.group)
}

/// All sets of two or more, versions first. Entries are in the index's order, each with its home.
pub(super) fn sets(entries: &[Entry], homes: &[String]) -> Vec<Set> {
    let mut versions: BTreeMap<(&str, &str), Vec<&Entry>> = BTreeMap::new();
    for (entry, home) in entries.iter().zip(homes) {
        if entry.kind == EntryKind::Version {
            let key = (entry.dataset.as_str(), home.as_str());
            versions.entry(key).or_default().push(entry);
        }
    }
    // Homes may differ from machine to machine: what is written follows the order of the entries.
    let mut of_versions: Vec<Vec<&Entry>> =
        versions.into_values().filter(|set| set.len() > 1).collect();
    of_versions.sort_by_key(|set| {
        let first = set.first();
        first.map(|entry| (entry.dataset.clone(), entry.place.clone()))
    });
    let mut sets: Vec<Set> = of_versions
        .into_iter()
        .map(|set| Set {
            kind: SetKind::Versions,
            name: name(&set, |entry| &entry.dataset),
            called: set
                .iter()
                .map(|entry| entry.version.value.clone().unwrap_or_default())
                .collect(),
            entries: ids(&set),
        })
        .collect();
    let mut behaviours: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if NO_BEHAVIOURS.contains(&entry.behaviour.as_str()) {
            continue;
        }
        behaviours.entry(&entry.behaviour).or_default().push(entry);
    }
    for (behaviour, all) in behaviours {
        let sources: BTreeSet<&str> = all.iter().map(|entry| source(entry)).collect();
        if sources.len() < 2 {
            continue;
        }
        let mut chosen: Vec<&Entry> = Vec::new();
        for entry in &all {
            // Versions of one dataset come oldest first, so a later one takes the place of an earlier one.
            let is_replaced = all.iter().rev().find(|other| {
                other.kind == EntryKind::Version
                    && entry.kind == EntryKind::Version
                    && source(other) == source(entry)
            });
            if is_replaced.is_none_or(|last| last.id == entry.id) {
                chosen.push(entry);
            }
        }
        chosen.sort_by_key(|entry| (source(entry), &entry.place));
        sets.push(Set {
            kind: SetKind::Sources,
            name: behaviour.to_owned(),
            called: chosen
                .iter()
                .map(|entry| source(entry).to_owned())
                .collect(),
            entries: ids(&chosen),
        });
    }
    sets
}

fn name(set: &[&Entry], of: impl Fn(&Entry) -> &String) -> String {
    set.first()
        .map(|entry| of(entry).clone())
        .unwrap_or_default()
}

fn ids(set: &[&Entry]) -> Vec<String> {
    set.iter().map(|entry| entry.id.clone()).collect()
}
