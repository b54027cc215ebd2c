//! An index as JSON and as one HTML page.
//!
//! The page works from a plain file: everything it shows stands in it, and its content policy allows one script and one
//! style, each by its hash, and nothing else. Data reach the script as text that is never read as markup.

use std::collections::BTreeMap;

use evalwright_core::show::visible;
use evalwright_dataset::Status;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde_json::json;

use super::charts::{IndexChart, Section, written};
use super::composite::COMPONENTS;
use super::entry::{Entry, Said};
use super::figures::{FIGURES, FigureAbout, FigureName, IN_OVERVIEW, Unit};
use super::sets::SetKind;
use super::{INDEX_FILE, Index};
use crate::error::ReportError;
use crate::number::{rounded, share_interval, two_digit_interval, two_digits};
use crate::page::{STYLE, policy_hash, show_hidden, strict_engine, tame};
use crate::report::round_numbers;

const TEMPLATE: &str = include_str!("index.html.j2");
const NAME: &str = "index.html.j2";
/// The page's own style, after the one that all pages share.
const OWN_STYLE: &str = include_str!("index.css");
/// Sorting, filtering, weights.
const TABLE_SCRIPT: &str = include_str!("table.js");
/// Comparison of chosen entries.
const COMPARE_SCRIPT: &str = include_str!("compare.js");
/// How errors name an index, which has no dataset's name of its own.
const SUBJECT: &str = "the index";
/// Most problems that the page lists; the JSON document has all.
const MOST_PROBLEMS: usize = 500;

pub(super) fn json(index: &Index) -> Result<Vec<u8>, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(&value(index)?).map_err(json_error)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn value(index: &Index) -> Result<serde_json::Value, ReportError> {
    let mut value = serde_json::to_value(index).map_err(json_error)?;
    round_numbers(&mut value);
    Ok(value)
}

fn json_error(source: serde_json::Error) -> ReportError {
    ReportError::Json {
        dataset: SUBJECT.to_owned(),
        source,
    }
}

pub(super) fn render(index: &Index, charts: Vec<IndexChart>) -> Result<Vec<u8>, ReportError> {
    let page = |source| ReportError::Page {
        dataset: SUBJECT.to_owned(),
        source,
    };
    let mut sections: [Vec<Value>; 4] = Default::default();
    let [overview, versions, models, sources] = &mut sections;
    for chart in charts {
        let list = match chart.section {
            Section::Overview => &mut *overview,
            Section::Versions => &mut *versions,
            Section::Models => &mut *models,
            Section::Sources => &mut *sources,
        };
        list.push(context! {
            file => chart.file(),
            title => visible(&chart.title),
            how => visible(&chart.how),
            svg => Value::from_safe_string(chart.svg),
        });
    }
    let [overview, versions, models, sources] = sections;
    let mut named: BTreeMap<(&str, &str, Option<&str>), usize> = BTreeMap::new();
    for entry in &index.entries {
        *named.entry(called(entry)).or_default() += 1;
    }
    let is_alone = |entry: &Entry| named.get(&called(entry)) == Some(&1);
    let mut rows = serde_json::Value::Array(
        index
            .entries
            .iter()
            .map(|entry| row(entry, is_alone(entry)))
            .collect(),
    );
    show_hidden(&mut rows);
    let mut listed = json!({
        "takeaways": index.takeaways,
        "totals": index.totals,
        "missing": missing(index),
        "problems": index.problems.iter().take(MOST_PROBLEMS).collect::<Vec<_>>(),
    });
    show_hidden(&mut listed);
    let style = format!("{STYLE}{OWN_STYLE}");
    let script = format!("{TABLE_SCRIPT}{COMPARE_SCRIPT}");
    let columns: Vec<&FigureAbout> = IN_OVERVIEW.iter().map(|name| name.about()).collect();
    let mut engine = strict_engine(BTreeMap::new()).map_err(page)?;
    engine.add_template(NAME, TEMPLATE).map_err(page)?;
    let values = context! {
        listed => Value::from(Serde(&listed)),
        rows => Value::from(Serde(&rows)),
        groups => index.totals.groups.keys().map(|group| visible(group)).collect::<Vec<_>>(),
        columns => Value::from(Serde(&columns)),
        figures => Value::from(Serde(&FIGURES)),
        components => Value::from(Serde(&components())),
        overview, versions, models, sources,
        problem_count => index.problems.len(),
        entry_count => index.entries.len(),
        index_file => INDEX_FILE,
        data => Value::from_safe_string(data(index)?),
        style_hash => policy_hash(&style),
        style => Value::from_safe_string(style),
        script_hash => policy_hash(&script),
        script => Value::from_safe_string(script),
    };
    engine
        .get_template(NAME)
        .and_then(|template| template.render(values))
        .map(String::into_bytes)
        .map_err(page)
}

fn components() -> serde_json::Value {
    let list = COMPONENTS.iter().map(|one| {
        let about = one.figure.about();
        json!({
            "key": about.key, "short": about.short, "title": one.title, "formula": one.formula,
            "weight": one.weight,
        })
    });
    serde_json::Value::Array(list.collect())
}

fn missing(index: &Index) -> serde_json::Value {
    let list = index
        .missing
        .iter()
        .filter(|one| !one.reasons.is_empty())
        .map(|one| {
            json!({ "title": one.figure.about().title, "known": one.known, "reasons": one.reasons })
        });
    serde_json::Value::Array(list.collect())
}

/// By what a reader tells entries apart, mostly.
fn called(entry: &Entry) -> (&str, &str, Option<&str>) {
    (&entry.dataset, &entry.group, entry.version.value.as_deref())
}

/// A line of the overview as texts; `is_alone` when no other entry is called the same.
fn row(entry: &Entry, is_alone: bool) -> serde_json::Value {
    let cells: Vec<serde_json::Value> = IN_OVERVIEW
        .iter()
        .map(|name| cell(entry, name.about()))
        .collect();
    let composite = &entry.composite;
    let said = |said: &Said| json!({ "text": said.value, "missing": said.missing });
    json!({
        "id": entry.id,
        "dataset": entry.dataset,
        "version": entry.version.value,
        "status": entry.status.filter(|status| *status != Status::Published),
        "group": entry.group,
        "place": entry.place,
        "is_alone": is_alone,
        "generator": said(&entry.generator),
        "judges": said(&entry.judges),
        "date": said(&entry.date),
        "notes": entry.notes,
        "cells": cells,
        "composite": composite.value.map(|value| two_digits(Some(value))),
        "composite_known": format!("{:.0} %", composite.known * 100.0),
    })
}

fn cell(entry: &Entry, about: &FigureAbout) -> serde_json::Value {
    let figure = entry.figures.get(&about.name);
    let value = figure.and_then(|figure| figure.value);
    let interval = figure.and_then(|figure| figure.interval);
    let range = interval.map(|ends| match about.unit {
        Unit::Share => share_interval(Some(ends)),
        _ => two_digit_interval(Some(ends)),
    });
    let beside = match about.name {
        FigureName::WordsGuess => figure
            .and_then(|figure| figure.chance)
            .map(|chance| format!("chance {}", written(about, Some(chance)))),
        FigureName::Kappa => raw_agreement(entry),
        _ => None,
    };
    json!({
        "name": about.short,
        "text": value.map(|value| written(about, Some(value))),
        "range": range,
        "beside": beside,
        "of": figure.and_then(|figure| figure.of.clone()),
        "missing": figure.map_or(Some("not measured"), |figure| figure.missing.as_deref()),
    })
}

/// Raw agreement with its interval; none where it is missing.
fn raw_agreement(entry: &Entry) -> Option<String> {
    let figure = entry.figures.get(&FigureName::Agreement)?;
    let raw = written(FigureName::Agreement.about(), Some(figure.value?));
    Some(match figure.interval {
        Some(ends) => format!("raw {raw} ({})", share_interval(Some(ends))),
        None => format!("raw {raw}"),
    })
}

/// What the script reads: lists in place of objects where there are many, and reasons once.
fn data(index: &Index) -> Result<String, ReportError> {
    let mut reasons: Vec<&str> = index
        .entries
        .iter()
        .flat_map(|entry| entry.figures.values())
        .filter_map(|figure| figure.missing.as_deref())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    let entries: Vec<serde_json::Value> = index
        .entries
        .iter()
        .map(|entry| {
            let figures: Vec<serde_json::Value> = FIGURES
                .iter()
                .map(|about| compact(entry, about.name, &reasons))
                .collect();
            let scores: Vec<Option<f64>> = COMPONENTS
                .iter()
                .map(|one| {
                    entry
                        .composite
                        .parts
                        .get(&one.figure)
                        .copied()
                        .flatten()
                        .map(rounded)
                })
                .collect();
            json!({
                "id": entry.id,
                "dataset": visible(&entry.dataset),
                "version": entry.version.value.as_deref().map(visible),
                "group": visible(&entry.group),
                "place": visible(&entry.place),
                "generator": entry.generator.value.as_deref().map(visible),
                "judges": entry.judges.value.as_deref().map(visible),
                "date": entry.date.value.as_deref().map(visible),
                "status": entry.status,
                "latest": entry.is_latest,
                "figures": figures,
                "scores": scores,
            })
        })
        .collect();
    let sets: Vec<serde_json::Value> = index
        .sets
        .iter()
        .map(|set| {
            let name = match set.kind {
                SetKind::Versions => format!("versions of {}", set.name),
                SetKind::Sources => format!("{} by source", set.name),
            };
            json!({ "name": visible(&name), "entries": set.entries })
        })
        .collect();
    let figures: Vec<serde_json::Value> = FIGURES
        .iter()
        .map(|about| {
            json!({
                "key": about.key, "title": about.title, "short": about.short, "unit": about.unit,
                "better": about.better,
            })
        })
        .collect();
    let document = json!({
        "figures": figures,
        "components": components(),
        "entries": entries,
        "sets": sets,
        "reasons": reasons.iter().map(|reason| visible(reason)).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string(&document).map_err(json_error)?;
    Ok(tame(&text))
}

/// A figure as `[value, low, high]`, or the number of the reason why it is missing.
fn compact(entry: &Entry, name: FigureName, reasons: &[&str]) -> serde_json::Value {
    let figure = entry.figures.get(&name);
    match figure.and_then(|figure| figure.value) {
        Some(value) => match figure.and_then(|figure| figure.interval) {
            Some(ends) => json!([rounded(value), rounded(ends.low), rounded(ends.high)]),
            None => json!([rounded(value)]),
        },
        None => {
            let reason = figure.and_then(|figure| figure.missing.as_deref());
            json!(reason.and_then(|reason| reasons.binary_search(&reason).ok()))
        }
    }
}
