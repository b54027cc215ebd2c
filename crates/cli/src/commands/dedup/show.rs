//! What `dedup` prints: counts, the largest clusters, conflicts; or all of them as one JSON document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use evalwright_core::show::visible;
use evalwright_dedup::{Dropped, Layer, Outcome};
use serde::Serialize;
use serde_json::{Value, json};

use super::Compared;
use super::lines::{Damaged, Fields, each_batch, parse};
use crate::failure::Failure;

/// Damaged lines that are named one by one.
pub(super) const NAMED_LINES: usize = 20;
/// Clusters, and conflicts, that are shown.
const SHOWN: usize = 10;
/// Rows of a cluster that are shown beside its survivor.
const SHOWN_ROWS: usize = 4;
/// Characters of a text that are shown.
const SHOWN_CHARACTERS: usize = 90;

/// How many rows fell, by reason and layer.
#[derive(Debug, Default)]
struct Counts {
    exact: usize,
    normalised: usize,
    near: usize,
    semantic: usize,
    conflicts: usize,
    contaminated: usize,
}

impl Counts {
    fn of(outcome: &Outcome) -> Self {
        let mut counts = Self::default();
        for dropped in &outcome.dropped {
            let count = if dropped.reference {
                &mut counts.contaminated
            } else if dropped.conflict {
                &mut counts.conflicts
            } else {
                match dropped.layer {
                    Layer::Exact => &mut counts.exact,
                    Layer::Normalised => &mut counts.normalised,
                    Layer::Near => &mut counts.near,
                    Layer::Semantic => &mut counts.semantic,
                }
            };
            *count += 1;
        }
        counts
    }
}

/// The duplicates of each survivor.
fn clusters(outcome: &Outcome) -> BTreeMap<usize, Vec<&Dropped>> {
    let mut clusters: BTreeMap<usize, Vec<&Dropped>> = BTreeMap::new();
    for dropped in &outcome.dropped {
        if !dropped.conflict && !dropped.reference {
            clusters.entry(dropped.of).or_default().push(dropped);
        }
    }
    clusters
}

/// Rows that fell for a reason other than a cluster.
fn others(outcome: &Outcome, is_reference: bool) -> impl Iterator<Item = &Dropped> {
    outcome.dropped.iter().filter(move |dropped| {
        dropped.reference == is_reference && (dropped.conflict || is_reference)
    })
}

/// A row by its place.
#[derive(Serialize)]
struct Place<'a> {
    file: &'a Path,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
}

/// A row that fell, and how alike it is to the one that it is held against.
#[derive(Serialize)]
struct Fallen<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    layer: &'static str,
    similarity: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<Place<'a>>,
}

/// A survivor with its duplicates.
#[derive(Serialize)]
struct Cluster<'a> {
    survivor: Place<'a>,
    duplicates: Vec<Fallen<'a>>,
}

/// Two rows that stay, mean the same and have different labels.
#[derive(Serialize)]
struct Across<'a> {
    rows: [Place<'a>; 2],
    similarity: f64,
}

/// Everything, for programs.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    rows: usize,
    kept: usize,
    dropped: Value,
    damaged_lines: usize,
    layers: Value,
    files: Vec<Value>,
    clusters: Vec<Cluster<'a>>,
    conflicts: Vec<Fallen<'a>>,
    contamination: Vec<Fallen<'a>>,
    /// Only with the semantic layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    alike_across_labels: Option<Vec<Across<'a>>>,
    empty: Vec<Place<'a>>,
    damaged: &'a [Damaged],
}

/// Puts the document together.
pub(super) fn document<'a>(compared: &'a Compared, outcome: &'a Outcome) -> Document<'a> {
    let counts = Counts::of(outcome);
    let places = &compared.places;
    let label = |row: usize| {
        let number = compared.row_labels.get(row).copied();
        let label = number.and_then(|number| compared.labels.get(number as usize));
        label.map(String::as_str)
    };
    let place = |row: usize, is_labelled: bool| Place {
        file: places.path(row),
        line: places.line(row),
        label: if is_labelled { label(row) } else { None },
    };
    let fallen = |dropped: &Dropped, names_other: bool| Fallen {
        place: place(dropped.index, dropped.conflict),
        layer: dropped.layer.as_str(),
        similarity: dropped.similarity,
        of: names_other.then(|| place(dropped.of, dropped.conflict)),
    };
    let linked = |is_reference: bool| {
        let rows = others(outcome, is_reference);
        rows.map(|dropped| fallen(dropped, true)).collect()
    };
    let near = compared.layers.near;
    Document {
        rows: places.rows(),
        kept: outcome.kept.len(),
        dropped: json!({
            "exact": counts.exact,
            "normalised": counts.normalised,
            "near": counts.near,
            "semantic": counts.semantic,
            "conflict": counts.conflicts,
            "contamination": counts.contaminated,
            "empty": outcome.empty.len(),
        }),
        damaged_lines: compared.damaged.len(),
        layers: json!({
            "exact": compared.layers.exact,
            "normalised": compared.layers.normalised,
            "near": near.map(|near| json!({
                "threshold": near.threshold,
                "shingle": near.shingle.to_string(),
            })),
            "form": compared.layers.form.as_str(),
            "semantic": compared.semantic.as_ref().map(|semantic| json!({
                "threshold": semantic.threshold,
                "embedder": semantic.embedder,
            })),
        }),
        files: places
            .sources
            .iter()
            .map(|source| {
                json!({
                    "file": source.path,
                    "lines": source.lines,
                    "against": source.is_reference,
                })
            })
            .collect(),
        clusters: clusters(outcome)
            .iter()
            .map(|(survivor, members)| Cluster {
                survivor: place(*survivor, false),
                duplicates: members
                    .iter()
                    .map(|dropped| fallen(dropped, false))
                    .collect(),
            })
            .collect(),
        conflicts: linked(false),
        contamination: linked(true),
        alike_across_labels: compared.semantic.as_ref().map(|semantic| {
            let pairs = semantic.across.iter();
            let across = pairs.map(|pair| Across {
                rows: [pair.left, pair.right].map(|row| place(row, true)),
                similarity: pair.cosine,
            });
            across.collect()
        }),
        empty: outcome.empty.iter().map(|row| place(*row, false)).collect(),
        damaged: &compared.damaged,
    }
}

/// The counts and the largest clusters, for people.
pub(super) fn summary(
    compared: &Compared,
    outcome: &Outcome,
    fields: Fields<'_>,
) -> Result<String, Failure> {
    let counts = Counts::of(outcome);
    let clusters = clusters(outcome);
    let mut largest: Vec<(&usize, &Vec<&Dropped>)> = clusters.iter().collect();
    largest.sort_by_key(|(survivor, members)| (usize::MAX - members.len(), **survivor));
    largest.truncate(SHOWN);
    let mut rows = BTreeSet::new();
    for (survivor, members) in &largest {
        rows.insert(**survivor);
        rows.extend(members.iter().take(SHOWN_ROWS).map(|member| member.index));
    }
    for dropped in others(outcome, false)
        .take(SHOWN)
        .chain(others(outcome, true).take(SHOWN))
    {
        rows.extend([dropped.index, dropped.of]);
    }
    let texts = texts(compared, &rows, fields)?;
    let shown = |row: usize| texts.get(&row).map_or("", String::as_str);

    let mut out = String::new();
    let semantic = compared.semantic.as_ref();
    let alike = semantic.map_or_else(String::new, |semantic| {
        let (threshold, embedder) = (semantic.threshold, &semantic.embedder);
        format!("alike in meaning (cosine at least {threshold}, {embedder})")
    });
    let fallen = outcome.dropped.len() + outcome.empty.len();
    line(
        &mut out,
        format_args!(
            "{} rows: {} stay, {fallen} fall",
            compared.places.rows(),
            outcome.kept.len()
        ),
    );
    for (count, name) in [
        (counts.exact, "exact duplicates".to_owned()),
        (
            counts.normalised,
            format!(
                "duplicates after normalising (form `{}`)",
                compared.layers.form.as_str()
            ),
        ),
        (counts.near, near_name(compared)),
        (counts.semantic, alike),
        (
            counts.conflicts,
            "in conflict: a linked row has another label".to_owned(),
        ),
        (
            counts.contaminated,
            "repeat a text of the files compared against".to_owned(),
        ),
        (outcome.empty.len(), "empty".to_owned()),
    ] {
        let always = !name.starts_with("in conflict")
            && !name.starts_with("repeat")
            && name != "empty"
            && !name.is_empty();
        if count > 0 || always {
            line(&mut out, format_args!("{count:>9} {name}"));
        }
    }
    if let Some(semantic) = semantic.filter(|semantic| !semantic.across.is_empty()) {
        line(
            &mut out,
            format_args!(
                "{:>9} pairs are alike in meaning under different labels; both rows stay (`--json` lists them)",
                semantic.across.len()
            ),
        );
    }
    if !compared.damaged.is_empty() {
        line(
            &mut out,
            format_args!("{:>9} damaged lines left out", compared.damaged.len()),
        );
    }
    if !largest.is_empty() {
        line(
            &mut out,
            format_args!("\n{} clusters; the largest:", clusters.len()),
        );
    }
    for (survivor, members) in largest {
        line(
            &mut out,
            format_args!(
                "\n  {} rows; stays: {}  {}",
                members.len() + 1,
                compared.places.shown(*survivor),
                shown(*survivor)
            ),
        );
        for member in members.iter().take(SHOWN_ROWS) {
            one(&mut out, compared, member, shown(member.index));
        }
        if members.len() > SHOWN_ROWS {
            line(
                &mut out,
                format_args!("    and {} more", members.len() - SHOWN_ROWS),
            );
        }
    }
    for (is_reference, title) in [
        (false, "conflicts; none of these rows stays:"),
        (
            true,
            "rows that repeat a text of the files compared against:",
        ),
    ] {
        let count = others(outcome, is_reference).count();
        if count > 0 {
            line(&mut out, format_args!("\n{count} {title}\n"));
        }
        for dropped in others(outcome, is_reference).take(SHOWN) {
            one(&mut out, compared, dropped, shown(dropped.index));
            line(
                &mut out,
                format_args!(
                    "                   {}  {}",
                    compared.places.shown(dropped.of),
                    shown(dropped.of)
                ),
            );
        }
    }
    Ok(out)
}

fn near_name(compared: &Compared) -> String {
    match compared.layers.near {
        Some(near) => format!(
            "near duplicates ({}, Jaccard at least {})",
            near.shingle, near.threshold
        ),
        None => "near duplicates (not looked for)".to_owned(),
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    writeln!(out, "{text}").ok();
}

fn one(out: &mut String, compared: &Compared, dropped: &Dropped, text: &str) {
    line(
        out,
        format_args!(
            "    {:<10} {:.2}  {}  {text}",
            dropped.layer.as_str(),
            dropped.similarity,
            compared.places.shown(dropped.index)
        ),
    );
}

/// The texts of some rows, read again, on one line and not too long.
fn texts(
    compared: &Compared,
    rows: &BTreeSet<usize>,
    fields: Fields<'_>,
) -> Result<BTreeMap<usize, String>, Failure> {
    let mut texts = BTreeMap::new();
    let places = &compared.places;
    let fields = Fields {
        label: None,
        prefer: None,
        ..fields
    };
    for source in &places.sources {
        let wanted: BTreeMap<u64, usize> = rows
            .range(source.first..)
            .take_while(|row| places.path(**row) == source.path)
            .map(|&row| (u64::from(places.line(row)), row))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        each_batch(&source.path, |batch| {
            batch.retain(|number| wanted.contains_key(&number));
            for (found, line) in parse(batch, fields).into_iter().zip(batch.iter()) {
                if let (Ok(found), Some(row)) = (found, wanted.get(&line.number)) {
                    texts.insert(*row, shortened(&found.text.unwrap_or_default()));
                }
            }
            Ok(())
        })?;
    }
    Ok(texts)
}

fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    let mut shown: String = words.chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < words.len() {
        shown.push('…');
    }
    visible(&shown)
}
