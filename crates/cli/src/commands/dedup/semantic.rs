//! The semantic layer of `dedup`: of the rows that stay, those fall that mean the same as a row of a reference, then as
//! a better one of their label.
//!
//! The vectors are made anew each time: the encoder inside the process gives the same ones on one machine, to the
//! last bit. Rows with different labels are never settled here: an encoder finds a sentence and its opposite alike.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Embedder, Interrupt};
use evalwright_dedup::{
    Dropped, Item, Layer, Outcome, SimilarPair, Vectors, drop_alike, repeats_of_references,
};

use super::lines::{each_batch, parse};
use super::{Compared, DedupArguments, failure, fields, reference_fields};
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::models::Opening;
use crate::output::Printer;
use crate::stop;

/// Texts that are turned into vectors between two words about how far it is.
const TEXTS_A_STEP: usize = 8_192;

/// What the layer is and what it found across labels.
#[derive(Debug)]
pub(super) struct Semantic {
    /// The cosine from which two texts mean the same.
    pub(super) threshold: f64,
    /// The embedder's name.
    pub(super) embedder: String,
    /// Pairs of rows that stay, mean the same and have different labels.
    pub(super) across: Vec<SimilarPair>,
}

/// A row that stays so far.
struct Standing {
    row: usize,
    text: String,
    priority: f64,
    /// Sorts longer texts first.
    rank: String,
}

/// Looks for rows that mean the same among those that stay; what falls goes over to the dropped.
pub(super) fn look(
    arguments: &DedupArguments,
    threshold: f64,
    compared: &Compared,
    outcome: &mut Outcome,
    printer: &Printer,
    environment: &Environment,
) -> Result<Semantic, Failure> {
    let opening = Opening::new(&arguments.models, printer, environment)?;
    let embedder = opening.open_embedder(&arguments.embedder)?;
    let mut standing = read(arguments, compared, outcome)?;
    let references = references(arguments, compared)?;
    if !references.is_empty() {
        drop_repeats(
            &references,
            &mut standing,
            &*embedder,
            threshold,
            outcome,
            printer,
        )?;
    }
    let (data, dimension) = vectors(&*embedder, standing.iter(), printer)?;
    let items: Vec<Item<'_>> = standing
        .iter()
        .map(|it| Item {
            id: &it.rank,
            text: &it.text,
            label: compared.row_labels.get(it.row).copied().unwrap_or(0),
            priority: it.priority,
        })
        .collect();
    let vectors = Vectors::new(&data, dimension).map_err(|error| failure(&error))?;
    let alike = drop_alike(&items, vectors, threshold).map_err(|error| failure(&error))?;
    let row = |index: usize| standing.get(index).map_or(0, |it| it.row);
    outcome.kept = alike.kept.iter().map(|index| row(*index)).collect();
    outcome
        .dropped
        .extend(alike.dropped.into_iter().map(|mut dropped| {
            (dropped.index, dropped.of) = (row(dropped.index), row(dropped.of));
            dropped
        }));
    outcome.dropped.sort_by_key(|dropped| dropped.index);
    let across = alike.across.into_iter().map(|mut pair| {
        (pair.left, pair.right) = (row(pair.left), row(pair.right));
        pair
    });
    Ok(Semantic {
        threshold,
        embedder: embedder.identity().name.clone(),
        across: across.collect(),
    })
}

/// Lets rows fall that say the same as a row of a reference.
fn drop_repeats(
    references: &[Standing],
    standing: &mut Vec<Standing>,
    embedder: &dyn Embedder,
    threshold: f64,
    outcome: &mut Outcome,
    printer: &Printer,
) -> Result<(), Failure> {
    let both = references.iter().chain(standing.iter());
    let (data, dimension) = vectors(embedder, both, printer)?;
    let all = Vectors::new(&data, dimension).map_err(|error| failure(&error))?;
    let pairs =
        repeats_of_references(all, references.len(), threshold).map_err(|error| failure(&error))?;
    let mut fallen = BTreeSet::new();
    for pair in pairs {
        let of = references.get(pair.left);
        let row = standing.get(pair.right.saturating_sub(references.len()));
        if let (Some(of), Some(row)) = (of, row) {
            fallen.insert(row.row);
            outcome.dropped.push(Dropped {
                index: row.row,
                of: of.row,
                layer: Layer::Semantic,
                similarity: pair.cosine,
                conflict: false,
                reference: true,
            });
        }
    }
    standing.retain(|it| !fallen.contains(&it.row));
    Ok(())
}

/// The rows of all references, read again; those without a text are left out.
fn references(arguments: &DedupArguments, compared: &Compared) -> Result<Vec<Standing>, Failure> {
    let places = &compared.places;
    let mut found = Vec::new();
    for (at, source) in places.sources.iter().enumerate() {
        if !source.is_reference {
            continue;
        }
        let next = places.sources.get(at + 1).map(|next| next.first);
        let rows = source.first..next.unwrap_or_else(|| places.all());
        let wanted: BTreeMap<u64, usize> =
            rows.map(|row| (u64::from(places.line(row)), row)).collect();
        each_batch(&source.path, |batch| {
            batch.retain(|number| wanted.contains_key(&number));
            for (read, line) in parse(batch, reference_fields(arguments))
                .into_iter()
                .zip(batch.iter())
            {
                if let (Ok(read), Some(row)) = (read, wanted.get(&line.number))
                    && let Some(text) = read.text.filter(|text| !text.trim().is_empty())
                {
                    found.push(Standing {
                        row: *row,
                        text,
                        priority: 0.0,
                        rank: String::new(),
                    });
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// The rows that stay, read again.
fn read(
    arguments: &DedupArguments,
    compared: &Compared,
    outcome: &Outcome,
) -> Result<Vec<Standing>, Failure> {
    let places = &compared.places;
    let mut standing = Vec::with_capacity(outcome.kept.len());
    let mut kept = outcome.kept.iter().copied().peekable();
    for source in places.sources.iter().filter(|source| !source.is_reference) {
        let mut wanted: BTreeMap<u64, usize> = BTreeMap::new();
        while let Some(row) = kept.next_if(|row| places.path(*row) == source.path) {
            wanted.insert(u64::from(places.line(row)), row);
        }
        each_batch(&source.path, |batch| {
            batch.retain(|number| wanted.contains_key(&number));
            for (found, line) in parse(batch, fields(arguments))
                .into_iter()
                .zip(batch.iter())
            {
                if let (Ok(found), Some(row)) = (found, wanted.get(&line.number)) {
                    let text = found.text.unwrap_or_default();
                    standing.push(Standing {
                        row: *row,
                        priority: found.prefer.unwrap_or(0.0),
                        rank: format!("{:020}", u64::MAX - text.len() as u64),
                        text,
                    });
                }
            }
            Ok(())
        })?;
    }
    if standing.len() != outcome.kept.len() {
        return Err(Failure::new(
            Kind::Unexpected,
            "a file changed while it was read",
        ));
    }
    Ok(standing)
}

/// The vectors one after the other, and how many numbers each has.
fn vectors<'s>(
    embedder: &dyn Embedder,
    standing: impl Iterator<Item = &'s Standing>,
    printer: &Printer,
) -> Result<(Vec<f32>, usize), Failure> {
    let standing: Vec<&Standing> = standing.collect();
    let interrupt = Interrupt::default();
    stop::listen(&interrupt);
    let (mut data, mut dimension) = (Vec::new(), None);
    for (step, part) in standing.chunks(TEXTS_A_STEP).enumerate() {
        if standing.len() > TEXTS_A_STEP {
            printer.say(&format!(
                "turned {} of {} texts into vectors",
                step * TEXTS_A_STEP,
                standing.len()
            ));
        }
        let texts: Vec<String> = part.iter().map(|it| it.text.clone()).collect();
        for vector in embedder.embed(&texts, &interrupt)? {
            if *dimension.get_or_insert(vector.len()) != vector.len() {
                return Err(Failure::new(
                    Kind::Model,
                    format!(
                        "{} gives vectors of different lengths",
                        embedder.identity().name
                    ),
                ));
            }
            data.extend(vector);
        }
    }
    Ok((data, dimension.unwrap_or(1)))
}
