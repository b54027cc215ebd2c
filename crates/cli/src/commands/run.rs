//! `evalwright run`: from a behaviour file to a published version.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::{ContentHash, Interrupt, Model, Spending, exit_code};
use evalwright_dataset::{
    Files, Manifest, OpenVersion, Parent, card, croissant, lock, next_version, publish,
    verify_files, versions, write_rejects, write_rows,
};
use evalwright_pipeline::{Estimate, Outcome, RunPlan, estimate, recipe_hash};
use evalwright_recipe::{Behaviour, LoadedKind, check_prompts, load_behaviour};
use evalwright_store::ReplyStore;
use serde_json::json;

use crate::commands::kinds::{all_kinds, load};
use crate::environment::{Environment, peak_memory_bytes};
use crate::failure::{Failure, Kind};
use crate::models::{ModelArguments, Opening, shown};
use crate::output::Printer;
use crate::progress::Shown;
use crate::stop;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The behaviour file
    behaviour: PathBuf,
    /// The folder that holds datasets; a version goes to OUT/<name>/<version>
    #[arg(long, default_value = "generated", env = "EVALWRIGHT_OUT")]
    out: PathBuf,
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
    #[command(flatten)]
    models: ModelArguments,
    /// Say how many calls and tokens the run needs, and ask nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON document about the result
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(
    arguments: &RunArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let started = environment.unix_seconds();
    let (mut behaviour, kind) = read_recipe(arguments)?;
    let models = Models::open(arguments, &behaviour, printer, environment)?;
    // From here on without what an address may hold of a key: names stand in files, and make the recipe what it is.
    let names = &mut behaviour.models;
    for name in std::iter::once(&mut names.generator).chain(&mut names.judges) {
        *name = shown(name);
    }
    let judges = models.judges(&behaviour)?;
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: models.by_name(&behaviour.models.generator)?,
        judges: &judges,
        limit: arguments.limit,
    };
    let recipe = recipe_hash(&plan)?;
    if arguments.dry_run {
        return show_estimate(&estimate(&plan)?, arguments.json, printer);
    }

    let folder = arguments.out.join(behaviour.name.as_str());
    let _lock = lock(&folder)?;
    let published = versions(&folder)?;
    if let Some(version) = published
        .iter()
        .rev()
        .find(|version| version.manifest.recipe == recipe)
    {
        verify_files(&version.folder, &version.manifest)?;
        printer.say(
            "already published from the same recipe; every file is as it was, nothing was asked",
        );
        return show_version(
            &version.folder,
            &version.manifest,
            &Calls::default(),
            arguments.json,
            printer,
        );
    }

    let store = ReplyStore::open(&arguments.store)?.with_clock(environment.clock());
    let interrupt = Interrupt::default();
    stop::listen(&interrupt);
    let shown = Shown::new(printer, u64::from(plan.wanted_per_cell()?));
    let outcome = evalwright_pipeline::run(&plan, &store, &interrupt, &shown)?;
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
    });
    let (version_folder, manifest, summary) =
        publish_outcome(&folder, &published, outcome, &facts)?;
    if !arguments.json {
        printer.say("");
        printer.say(&summary);
    }
    show_version(&version_folder, &manifest, &calls, arguments.json, printer)
}

/// Calls that went to a model now.
#[derive(Default)]
struct Calls {
    sample: u64,
    score: u64,
}

fn made_by() -> String {
    format!("evalwright {}", env!("CARGO_PKG_VERSION"))
}

/// The behaviour with the command line's changes, and its kind; everything that can be wrong with them is
/// found here, before a model is touched.
fn read_recipe(arguments: &RunArguments) -> Result<(Behaviour, LoadedKind), Failure> {
    let path = &arguments.behaviour;
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Failure::unreadable(path, &cause).hint("`evalwright init` writes a behaviour to start from")
    })?;
    let mut behaviour = load_behaviour(path, &text)?;
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
    let beside = path.parent().unwrap_or(Path::new("."));
    let folders = all_kinds(&[beside, Path::new(".")])?;
    let kind = load(&folders, &behaviour.kind, &behaviour.preset)?;
    check_prompts(&kind, &behaviour)?;
    Ok((behaviour, kind))
}

/// The models of a run, each opened once, by the names that are shown.
struct Models {
    opened: BTreeMap<String, Box<dyn Model>>,
    threads: usize,
}

impl Models {
    fn open(
        arguments: &RunArguments,
        behaviour: &Behaviour,
        printer: &Printer,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let opening = Opening::new(&arguments.models, printer, environment)?;
        let mut opened = BTreeMap::new();
        for name in std::iter::once(&behaviour.models.generator).chain(&behaviour.models.judges) {
            if let Entry::Vacant(place) = opened.entry(shown(name)) {
                place.insert(opening.open(name)?);
            }
        }
        Ok(Self {
            opened,
            threads: opening.threads,
        })
    }

    fn by_name(&self, name: &str) -> Result<&dyn Model, Failure> {
        self.opened
            .get(name)
            .map(|model| &**model)
            .ok_or_else(|| Failure::new(Kind::Unexpected, format!("model {name} was not opened")))
    }

    /// What each model took, by its name.
    fn spending(&self) -> BTreeMap<&str, Spending> {
        self.opened
            .iter()
            .map(|(name, model)| (name.as_str(), model.spending()))
            .collect()
    }

    fn judges(&self, behaviour: &Behaviour) -> Result<Vec<&dyn Model>, Failure> {
        behaviour
            .models
            .judges
            .iter()
            .map(|name| self.by_name(name))
            .collect()
    }
}

/// Writes rows, rejects, report and card into a new version; also gives the report's summary.
fn publish_outcome(
    folder: &Path,
    published: &[OpenVersion],
    outcome: Outcome,
    facts: &serde_json::Value,
) -> Result<(PathBuf, Manifest, String), Failure> {
    let mut manifest = outcome.manifest;
    let rows = write_rows(&outcome.rows)?;
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
    let report = evalwright_report::build(&manifest, &outcome.rows, &outcome.rejects)?;
    let mut files = Files(report.charts());
    files.0.insert("data.jsonl".to_owned(), rows);
    files.0.insert(
        "rejected.jsonl".to_owned(),
        write_rejects(&outcome.rejects)?,
    );
    files.0.insert("report.json".to_owned(), report.json()?);
    files.0.insert("report.html".to_owned(), report.html()?);
    files.0.insert(
        "README.md".to_owned(),
        card(&manifest, &outcome.rows, &report.card_summary()).into_bytes(),
    );
    let metadata = croissant(&manifest, &files)?;
    files.0.insert("croissant.json".to_owned(), metadata);
    let facts = serde_json::to_vec_pretty(facts)
        .map_err(|error| Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}")))?;
    let summary = report.summary_text();
    let version_folder = publish(folder, manifest.clone(), files, &facts)?;
    Ok((version_folder, manifest, summary))
}

fn show_version(
    folder: &Path,
    manifest: &Manifest,
    calls: &Calls,
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
        printer.say(&format!(
            "warning: {} has {} rows of {} wanted",
            cell.cell, cell.got, cell.wanted
        ));
    }
    if as_json {
        printer.json(&json!({
            "dataset": manifest.dataset,
            "version": manifest.version,
            "path": folder,
            "rows": funnel.accepted,
            "asked": funnel.asked,
            "rejected": funnel.rejected,
            "shortfall": funnel.cells.iter().map(|cell| cell.wanted - cell.got.min(cell.wanted)).sum::<u64>(),
            "sample_calls_sent": calls.sample,
            "score_calls_sent": calls.score,
        }))?;
    } else {
        printer.data(&folder.display().to_string())?;
    }
    Ok(if short.is_empty() {
        exit_code::DONE
    } else {
        exit_code::BELOW_TARGET
    })
}

fn show_estimate(estimate: &Estimate, as_json: bool, printer: &Printer) -> Result<u8, Failure> {
    let lines = [
        ("sample_calls", estimate.sample_calls),
        ("score_calls", estimate.score_calls),
        ("prompt_tokens", estimate.prompt_tokens),
        ("completion_tokens", estimate.completion_tokens),
    ];
    if as_json {
        let mut document = json!({ "rows": estimate.rows });
        for (name, bound) in lines {
            document[name] = json!({ "first_wave": bound.first_wave, "worst": bound.worst });
        }
        printer.json(&document)?;
    } else {
        printer.data(&format!("rows wanted         {:>12}", estimate.rows))?;
        printer.data(&format!(
            "{:20}{:>12}  {:>12}",
            "", "first wave", "worst case"
        ))?;
        for (name, bound) in lines {
            printer.data(&format!(
                "{:20}{:>12}  {:>12}",
                name.replace('_', " "),
                bound.first_wave,
                bound.worst
            ))?;
        }
    }
    Ok(exit_code::DONE)
}
