//! The identity of everything that decides the rows.
//!
//! Two runs with the same recipe and the same replies give the same rows. How many threads or connections
//! work, and what a kind's README says, is no part of it.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Method, ModelIdentity};
use evalwright_recipe::{Behaviour, Curve, Kind, Stage};
use serde::Serialize;

use crate::error::PipelineError;
use crate::plan::{Checked, RunPlan};

/// The version of this crate's own rules (wave sizes, draws, selection). Whoever changes one of them so that
/// the same replies give other rows raises it.
const RULES: &str = "evalwright.pipeline/3";

#[derive(Serialize)]
struct Recipe<'a> {
    rules: &'static str,
    behaviour: &'a Behaviour,
    wanted_per_cell: u32,
    /// Rows wanted in all, of a kind that maps fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<usize>,
    /// What is held balanced, and the field that is judged, of a kind that maps fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    balanced: Option<(&'a [String], Option<&'a str>)>,
    kind: &'a str,
    stages: &'a [Stage],
    calibration: &'a [Curve],
    templates: BTreeMap<&'a str, ContentHash>,
    generator: &'a ModelIdentity,
    judges: Vec<&'a ModelIdentity>,
    /// For each judge its raters and the method of each, which follow from what the judge can do.
    methods: Vec<Vec<(&'a str, Method)>>,
    /// Only where it decides anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<&'a ModelIdentity>,
}

/// The hash of a plan's recipe.
///
/// # Errors
/// When the plan's parts do not fit together, or the behaviour cannot be written as JSON.
pub fn recipe_hash(plan: &RunPlan<'_>) -> Result<ContentHash, PipelineError> {
    let kind = &plan.kind.kind;
    let checked = Checked::new(plan)?;
    let recipe = Recipe {
        rules: RULES,
        behaviour: plan.behaviour,
        wanted_per_cell: plan.wanted_per_cell()?,
        wanted: match kind.maps_fields() {
            true => Some(plan.wanted_candidates(checked.items.rows_each)?),
            false => None,
        },
        balanced: kind
            .maps_fields()
            .then_some((kind.cells.as_slice(), kind.text.as_deref())),
        kind: &kind.name,
        stages: &kind.stages,
        calibration: &kind.calibration,
        templates: templates(kind),
        generator: plan.generator.identity(),
        judges: plan.judges.iter().map(|judge| judge.identity()).collect(),
        methods: checked
            .panels
            .iter()
            .map(|panel| {
                let seats = panel.seats.iter();
                seats
                    .map(|seat| (seat.wording.name.as_str(), seat.method))
                    .collect()
            })
            .collect(),
        embedder: checked.embedder().map(|embedder| embedder.identity()),
    };
    Ok(ContentHash::of_json(&recipe)?)
}

/// The files that prompts may read. Stages and curves go in as read, so their files need not.
fn templates(kind: &Kind) -> BTreeMap<&str, ContentHash> {
    kind.files
        .iter()
        .filter(|(name, _)| !name.ends_with(".toml") && !name.ends_with(".md"))
        // Stands in for candidates where prompts are only shown.
        .filter(|(name, _)| *name != "sample-item.json")
        .map(|(name, hash)| (name.as_str(), *hash))
        .collect()
}
