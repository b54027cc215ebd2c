//! The charts of sets: the versions of a dataset, and one behaviour from several sources.

use std::collections::BTreeSet;

use evalwright_stats::Interval;

use super::charts::{
    ById, ENTRY, IndexChart, Section, axis, entry_cells, figure_cells, header, interval, value,
    written,
};
use super::drawing::{self, Row, Track};
use super::entry::Entry;
use super::figures::{FIGURES, FigureAbout, Unit};
use super::sets::Set;
use crate::number::three_digits;

/// Behaviours that are drawn; the file has all.
const MOST_BEHAVIOURS: usize = 60;
/// Sources that have a shape of their own; those beyond share the last one.
const MOST_SERIES: usize = 5;

/// A name as part of a file's name and address.
fn slug(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            'a'..='z' | '0'..='9' | '-' | '_' | '.' => character,
            _ => '-',
        })
        .take(80)
        .collect()
}

/// The versions of one dataset, every figure under the other.
pub(super) fn versions(by_id: &ById<'_>, set: &Set, taken: &mut BTreeSet<String>) -> IndexChart {
    let entries: Vec<&Entry> = set
        .entries
        .iter()
        .filter_map(|id| by_id.get(id.as_str()).copied())
        .collect();
    let title = format!("{} from version to version", set.name);
    let tracks: Vec<Track> = FIGURES
        .iter()
        .filter(|about| {
            entries
                .iter()
                .any(|entry| value(entry, about.name).is_some())
        })
        .map(|about| track(about, &entries))
        .collect();
    // Two folders may hold datasets of one name.
    let base = format!("versions-{}", slug(&set.name));
    let stem = (1_usize..)
        .map(|number| match number {
            1 => base.clone(),
            _ => format!("{base}-{number}"),
        })
        .find(|stem| taken.insert(stem.clone()))
        .unwrap_or(base);
    IndexChart {
        section: Section::Versions,
        stem,
        how: "Every figure at each version, oldest first, as defined under its own chart, with its 95 % interval where one is \
              known. A cross marks a version for which it is missing; no line bridges it. Scales of shares and coefficients \
              run from 0 to 1, those of counts from 0 to the largest."
            .to_owned(),
        svg: drawing::tracks(&title, &set.called, &tracks),
        title,
        header: header(&ENTRY, &["figure", "value", "low", "high", "chance", "missing"]),
        rows: entries
            .iter()
            .flat_map(|entry| {
                FIGURES.iter().map(move |about| {
                    let mut cells = entry_cells(entry);
                    cells.push(about.key.to_owned());
                    cells.extend(figure_cells(entry.figures.get(&about.name)));
                    cells
                })
            })
            .collect(),
    }
}

fn track(about: &'static FigureAbout, entries: &[&Entry]) -> Track {
    let values: Vec<Option<(f64, Option<Interval>)>> = entries
        .iter()
        .map(|entry| Some((value(entry, about.name)?, interval(entry, about.name))))
        .collect();
    let axis = axis(about, values.iter().flatten().map(|(value, _)| *value));
    let end = |value: f64| {
        let text = if about.unit == Unit::Share {
            format!("{:.0} %", value * 100.0)
        } else {
            three_digits(Some(value))
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        };
        (
            value,
            if text.is_empty() {
                "0".to_owned()
            } else {
                text
            },
        )
    };
    let first = values.first().copied().flatten().map(|(value, _)| value);
    let last = values.last().copied().flatten().map(|(value, _)| value);
    Track {
        label: about.short.to_owned(),
        note: format!("{} to {}", written(about, first), written(about, last)),
        low: end(axis.low),
        high: end(axis.high),
        values,
    }
}

/// One figure of behaviours that come from several sources; none where no behaviour has it twice.
pub(super) fn by_source(
    by_id: &ById<'_>,
    sets: &[&Set],
    about: &'static FigureAbout,
) -> Option<IndexChart> {
    let name = about.name;
    let listed: Vec<(&Set, Vec<(&str, &Entry)>)> = sets
        .iter()
        .map(|set| {
            let entries = set
                .entries
                .iter()
                .zip(&set.called)
                .filter_map(|(id, called)| Some((called.as_str(), *by_id.get(id.as_str())?)))
                .collect();
            (*set, entries)
        })
        .collect();
    let shown: Vec<&(&Set, Vec<(&str, &Entry)>)> = listed
        .iter()
        .filter(|(_, entries)| {
            let known = entries
                .iter()
                .filter(|(_, entry)| value(entry, name).is_some());
            known.count() > 1
        })
        .take(MOST_BEHAVIOURS)
        .collect();
    if shown.is_empty() {
        return None;
    }
    let names: BTreeSet<&str> = shown
        .iter()
        .flat_map(|(_, entries)| entries.iter().map(|(called, _)| *called))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let series = |called: &str| names.iter().position(|name| *name == called).unwrap_or(0);
    let drawn: Vec<Row> = shown
        .iter()
        .map(|(set, entries)| {
            let mut points: Vec<(usize, f64, Option<Interval>)> = Vec::new();
            let mut absent = 0;
            for (called, entry) in entries {
                match value(entry, name) {
                    Some(value) => points.push((series(called), value, interval(entry, name))),
                    None => absent += 1,
                }
            }
            Row {
                label: set.name.clone(),
                note: match absent {
                    0 => String::new(),
                    _ => format!("{absent} missing"),
                },
                points,
            }
        })
        .collect();
    let mut legend: Vec<String> = names
        .iter()
        .take(MOST_SERIES)
        .map(|name| (*name).to_owned())
        .collect();
    if names.len() > MOST_SERIES
        && let Some(last) = legend.last_mut()
    {
        *last = format!("{} others", names.len() + 1 - MOST_SERIES);
    }
    let all = shown
        .iter()
        .flat_map(|(_, entries)| entries.iter().filter_map(|(_, entry)| value(entry, name)));
    let title = format!("{}, by source", about.title);
    let axis = axis(about, all);
    Some(IndexChart {
        section: Section::Sources,
        stem: format!("sources-{}", about.key.replace('_', "-")),
        how: format!(
            "{} Each line is one behaviour, each point what one source made of it: the model that wrote, or the family where \
             the files do not say. Of several versions by one model the latest stands here. Lines around points are their \
             95 % intervals.{}",
            about.how,
            if listed.len() > shown.len() {
                " Drawn are the first 60 behaviours, by name, with two known values or more; the file has all."
            } else {
                ""
            }
        ),
        svg: drawing::rows(&title, &legend, &drawn, &axis),
        title,
        header: header(
            &["behaviour", "source"],
            &header(&ENTRY, &["value", "low", "high", "chance", "missing"]),
        ),
        rows: listed
            .iter()
            .flat_map(|(set, entries)| {
                entries.iter().map(move |(called, entry)| {
                    let mut cells = vec![set.name.clone(), (*called).to_owned()];
                    cells.extend(entry_cells(entry));
                    cells.extend(figure_cells(entry.figures.get(&name)));
                    cells
                })
            })
            .collect(),
    })
}
