//! `evalwright run`: from a behaviour file to a published version.

use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::{ContentHash, Interrupt, Model, exit_code};
use evalwright_dataset::{
    Manifest, OpenVersion, Parent, lock, next_version, publish, verify_files, versions,
};
use evalwright_pipeline::{
    NoModel, Outcome, RunPlan, estimate, recipe_hash, rows_at_once, run_with_rules,
};
use evalwright_recipe::{
    Behaviour, Guide, KindFolder, LoadedKind, RecipeError, check_prompts, find_kind,
    kind_of_behaviour, load_behaviour_of,
};
use evalwright_report::AnchorReport;
use evalwright_store::ReplyStore;
use serde_json::json;

use crate::again::{Again, Given, Kept};
use crate::changelog;
use crate::commands::estimate::show_estimate;
use crate::commands::kinds::{all_kinds, load};
use crate::commands::preview::preview;
use crate::commands::status::{mark_draft, warn};
use crate::environment::{Environment, peak_memory_bytes};
use crate::failure::{Failure, Kind};
use crate::models::{LOCAL, ModelArguments, Models, Opening, asks_judges, asks_writer};
use crate::named_files;
use crate::output::Printer;
use crate::progress::Shown;
use crate::rule_process::Started;
use crate::stop;
use crate::version_files::{Content, version_files};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The behaviour file
    behaviour: PathBuf,
    /// The folder that holds datasets; a version goes to OUT/<name>/<version>
    #[arg(long, default_value = "generated", env = "EVALWRIGHT_OUT")]
    out: PathBuf,
    #[command(flatten)]
    making: Making,
}

/// How a version is made, wherever its behaviour comes from.
#[derive(Debug, Args)]
pub(crate) struct Making {
    /// The reply store
    #[arg(
        long,
        default_value = ".evalwright/replies.db",
        env = "EVALWRIGHT_STORE",
        value_name = "FILE"
    )]
    store: PathBuf,
    /// The model that writes, instead of the behaviour's
    #[arg(long, env = "EVALWRIGHT_GENERATOR", value_name = "MODEL")]
    generator: Option<String>,
    /// A model that judges, instead of the behaviour's; may be given more than once
    #[arg(long = "judge", value_name = "MODEL")]
    judges: Vec<String>,
    /// A preset of the kind, instead of the behaviour's
    #[arg(long)]
    preset: Option<String>,
    /// The run's seed, instead of the behaviour's
    #[arg(long)]
    seed: Option<u64>,
    /// At most this many rows
    #[arg(long, value_name = "ROWS")]
    limit: Option<u32>,
    /// A file of `evalwright calibrate`, instead of the behaviour's; `none` for none
    #[arg(long, value_name = "FILE")]
    calibration: Option<String>,
    /// What turns texts into vectors, for a kind that compares texts by meaning: `local`, or a model behind a server
    #[arg(long, env = "EVALWRIGHT_EMBEDDER", value_name = "MODEL", default_value = LOCAL)]
    embedder: String,
    #[command(flatten)]
    models: ModelArguments,
    /// Take so many candidates through all stages and show every prompt and reply; nothing is published
    #[arg(long, value_name = "CANDIDATES", conflicts_with_all = ["dry_run", "json", "limit"])]
    preview: Option<u32>,
    /// Say how many calls and tokens the run needs, and ask nothing
    #[arg(long)]
    dry_run: bool,
    /// Mark the version as a draft: to be looked at before anybody uses it
    #[arg(long, conflicts_with_all = ["preview", "dry_run"])]
    draft: bool,
    /// Print one JSON document about the result
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(
    arguments: &RunArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let path = &arguments.behaviour;
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Failure::unreadable(path, &cause).hint("`evalwright init` writes a behaviour to start from")
    })?;
    let beside = path.parent().unwrap_or(Path::new("."));
    let folders = all_kinds(&[beside, Path::new(".")])?;
    let place = Place {
        beside,
        out: &arguments.out,
    };
    let behaviour = read_behaviour(path, &text, &folders)?;
    let recipe = settle(behaviour, &folders, place, &arguments.making)?;
    make(recipe, place, &arguments.making, None, printer, environment)
}

/// Where a run finds files and leaves versions.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Files that a behaviour names are relative to this folder.
    pub(crate) beside: &'a Path,
    /// The folder that holds datasets.
    pub(crate) out: &'a Path,
}

/// Makes a version of a recipe, or finds that it is there. Of a version that is made again, rows are judged by the judges of
/// now where those are others, and what is to be kept is kept.
pub(crate) fn make(
    recipe: (Behaviour, LoadedKind),
    place: Place<'_>,
    arguments: &Making,
    again: Option<&Again<'_>>,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let started = environment.unix_seconds();
    let (mut behaviour, kind) = recipe;
    let opening = Opening::new(&arguments.models, printer, environment)?;
    let models = Models::open(&opening, &arguments.embedder, &behaviour, &kind)?;
    // From here on without what an address may hold of a key: names stand in files, and make the recipe what it is.
    let names = &mut behaviour.models;
    if !asks_writer(&kind.kind) {
        NoModel::NAME.clone_into(&mut names.generator);
    }
    if !asks_judges(&kind.kind) {
        names.judges.clear();
    }
    for name in std::iter::once(&mut names.generator).chain(&mut names.judges) {
        *name = models.in_files(name);
    }
    let mut judges = models.judges(&behaviour)?;
    let mut generator = models.by_name(&behaviour.models.generator)?;
    let kept: Option<(Kept<'_>, Vec<Kept<'_>>)> = again.map(|again| {
        let judges = judges.iter().map(|judge| again.judge(&kind, *judge));
        (again.writer(&kind, generator), judges.collect())
    });
    if let Some((writer, raters)) = &kept {
        generator = writer;
        judges = raters.iter().map(|judge| judge as &dyn Model).collect();
    }
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator,
        judges: &judges,
        embedder: models.embedder.as_deref(),
        limit: arguments.limit.or(again.and_then(|again| again.limit)),
    };
    if let Some(again) = again {
        again.check_judge(&plan)?;
    }
    if let Some(candidates) = arguments.preview {
        return preview(&plan, candidates, &arguments.store, printer);
    }
    let recipe = recipe_hash(&plan)?;
    if arguments.dry_run {
        let estimate = estimate(&plan)?;
        let costs = models.costs(&estimate);
        return show_estimate(&estimate, costs.as_ref(), arguments.json, printer);
    }

    let folder = place.out.join(behaviour.name.as_str());
    let lock = lock(&folder)?;
    let published = versions(&folder)?;
    if let Some(version) = published
        .iter()
        .rev()
        .find(|version| version.manifest.recipe == recipe)
    {
        verify_files(&version.folder, &version.manifest)?;
        changelog::update(&lock, &folder, &[])?;
        warn(&version.folder, &version.manifest.version, printer)?;
        printer.say(
            "already published from the same recipe; every file is as it was, nothing was asked",
        );
        return show_version(
            &version.folder,
            &version.manifest,
            &Calls::default(),
            None,
            arguments.json,
            printer,
        );
    }

    let store = ReplyStore::open(&arguments.store)?.with_clock(environment.clock());
    let interrupt = Interrupt::default();
    stop::listen(&interrupt);
    let shown = Shown::new(printer, wanted_for_label(&plan)?, kind.kind.is_labelled())
        .with_money(opening.wallet());
    let mut processes = Started::new(printer);
    processes.begin(kind.kind.commands())?;
    let outcome = run_with_rules(&plan, &store, &interrupt, &shown, &mut processes)?;
    drop(processes);
    let anchors = again
        .map(|again| {
            let anchoring = &again.anchoring;
            anchoring.measure(&plan, &outcome, &store, &interrupt, printer)
        })
        .transpose()?
        .flatten();
    let notes = anchors.as_ref().map_or(&[][..], |found| &found.verdict);
    let calls = Calls {
        sample: outcome.calls_sent.sample,
        score: outcome.calls_sent.score,
    };

    let facts = json!({
        "schema": "evalwright.run/1",
        "started_unix_seconds": started,
        "finished_unix_seconds": environment.unix_seconds(),
        "sample_calls_sent": calls.sample,
        "score_calls_sent": calls.score,
        "threads": models.threads,
        "models": models.spending(),
        "peak_memory_bytes": peak_memory_bytes(),
        "operating_system": std::env::consts::OS,
        "processor": std::env::consts::ARCH,
        "program": made_by(),
        "anchors": anchors,
    });
    let (version_folder, manifest, summary) =
        publish_outcome(&folder, &published, outcome, &kind, &facts)?;
    if arguments.draft {
        mark_draft(&lock, &folder, &manifest.version, environment)?;
    }
    changelog::update(&lock, &folder, notes)?;
    if !arguments.json {
        printer.say("");
        printer.say(&summary);
        for line in notes {
            printer.say(line);
        }
    }
    let anchors = anchors.as_ref();
    show_version(
        &version_folder,
        &manifest,
        &calls,
        anchors,
        arguments.json,
        printer,
    )
}

/// Candidates wanted for each label, for the bar.
fn wanted_for_label(plan: &RunPlan<'_>) -> Result<u64, Failure> {
    if !plan.kind.kind.maps_fields() {
        return Ok(u64::from(plan.wanted_per_cell()?));
    }
    let (lot, _) = rows_at_once(plan.kind, plan.behaviour)?;
    let rows = plan
        .limit
        .map_or(plan.behaviour.rows, |limit| limit.min(plan.behaviour.rows));
    Ok(u64::from(rows / lot.max(1)))
}

/// Calls that went to a model now.
#[derive(Default)]
struct Calls {
    sample: u64,
    score: u64,
}

/// The program and its version, for manifests.
pub(crate) fn made_by() -> String {
    format!("evalwright {}", env!("CARGO_PKG_VERSION"))
}

impl Making {
    /// What changes a stage in which models are asked.
    pub(crate) fn given(&self) -> Given<'_> {
        Given {
            generator: self.generator.as_deref(),
            has_judges: !self.judges.is_empty(),
            has_seed: self.seed.is_some(),
        }
    }
}

/// The behaviour with the command line's changes, and its kind; everything that can be wrong with them is
/// found here, before a model is touched.
pub(crate) fn settle(
    mut behaviour: Behaviour,
    folders: &[KindFolder],
    place: Place<'_>,
    arguments: &Making,
) -> Result<(Behaviour, LoadedKind), Failure> {
    if let Some(generator) = &arguments.generator {
        behaviour.models.generator.clone_from(generator);
    }
    if !arguments.judges.is_empty() {
        behaviour.models.judges.clone_from(&arguments.judges);
    }
    if let Some(preset) = &arguments.preset {
        behaviour.preset.clone_from(preset);
    }
    if let Some(seed) = arguments.seed {
        behaviour.seed = seed;
    }
    let kind = load(folders, &behaviour.kind, &behaviour.preset)?;
    check_prompts(&kind, &behaviour)?;
    named_files::references(&mut behaviour, place.beside, place.out)?;
    named_files::calibration(
        &mut behaviour,
        place.beside,
        arguments.calibration.as_deref(),
    )?;
    Ok((behaviour, kind))
}

/// A behaviour by its kind's guide, with the tables that it names read from beside it.
fn read_behaviour(path: &Path, text: &str, folders: &[KindFolder]) -> Result<Behaviour, Failure> {
    // Without a kind to go by, the behaviour's own faults are told first.
    let guide = match kind_of_behaviour(path, text) {
        Ok(name) if find_kind(folders, &name).is_ok() => load(folders, &name, "default")?.guide,
        _ => Guide::of_statements(),
    };
    let mut behaviour = load_behaviour_of(path, text, &guide)?;
    let beside = path.parent().unwrap_or(Path::new("."));
    behaviour.read_tables(&guide, |file| {
        let path = beside.join(file);
        std::fs::read_to_string(&path).map_err(|cause| RecipeError::Unreadable { path, cause })
    })?;
    Ok(behaviour)
}

/// Writes rows, rejects, report and card into a new version; also gives the report's summary.
fn publish_outcome(
    folder: &Path,
    published: &[OpenVersion],
    outcome: Outcome,
    kind: &LoadedKind,
    facts: &serde_json::Value,
) -> Result<(PathBuf, Manifest, String), Failure> {
    let mut manifest = outcome.manifest;
    let content = Content {
        rows: &outcome.rows,
        records: &outcome.records,
        rejects: &outcome.rejects,
    };
    let rows = content.row_bytes(&manifest)?;
    let previous = published.last();
    manifest.made_by = made_by();
    manifest.version = next_version(previous.map(|previous| {
        let last = &previous.manifest;
        let kind_changed = last.kind.name != manifest.kind.name;
        let rows_changed =
            last.files.get("data.jsonl").map(|file| file.sha256) != Some(ContentHash::of(&rows));
        (last, kind_changed, rows_changed)
    }));
    manifest.parent = previous.and_then(|previous| {
        let content = previous.manifest.content?;
        Some(Parent {
            version: previous.manifest.version.clone(),
            content,
        })
    });
    let (files, summary) = version_files(&manifest, &content, kind.schema_text.values())?;
    let facts = serde_json::to_vec_pretty(facts)
        .map_err(|error| Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}")))?;
    let version_folder = publish(folder, manifest.clone(), files, &facts)?;
    Ok((version_folder, manifest, summary))
}

fn show_version(
    folder: &Path,
    manifest: &Manifest,
    calls: &Calls,
    anchors: Option<&AnchorReport>,
    as_json: bool,
    printer: &Printer,
) -> Result<u8, Failure> {
    let funnel = &manifest.funnel;
    let short: Vec<_> = funnel
        .cells
        .iter()
        .filter(|cell| cell.got < cell.wanted)
        .collect();
    for cell in &short {
        let group = if cell.group.is_empty() {
            String::new()
        } else {
            format!(",{}", cell.group)
        };
        printer.say(&format!(
            "warning: {}{group} has {} rows of {} wanted",
            cell.cell, cell.got, cell.wanted
        ));
    }
    if as_json {
        let mut document = json!({
            "dataset": manifest.dataset,
            "version": manifest.version,
            "path": folder,
            "rows": rows_of(manifest, folder)?,
            "asked": funnel.asked,
            "rejected": funnel.rejected,
            "shortfall": funnel.cells.iter().map(|cell| cell.wanted - cell.got.min(cell.wanted)).sum::<u64>(),
            "sample_calls_sent": calls.sample,
            "score_calls_sent": calls.score,
        });
        if let Some(anchors) = anchors {
            document["anchors"] = json!(anchors);
        }
        printer.json(&document)?;
    } else {
        printer.data(&folder.display().to_string())?;
    }
    Ok(if short.is_empty() {
        exit_code::DONE
    } else {
        exit_code::BELOW_TARGET
    })
}

/// Published rows: as many as candidates, unless the kind makes several of each.
fn rows_of(manifest: &Manifest, folder: &Path) -> Result<u64, Failure> {
    if !manifest.maps_fields() {
        return Ok(manifest.funnel.accepted);
    }
    let path = folder.join("data.jsonl");
    let text = std::fs::read(&path).map_err(|cause| Failure::unreadable(&path, &cause))?;
    Ok(text.iter().map(|byte| u64::from(*byte == b'\n')).sum())
}
