//! `evalwright run`: from a behaviour file to a published version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::{ContentHash, Embedder, Interrupt, Model, Spending, exit_code};
use evalwright_dataset::{
    Manifest, OpenVersion, Parent, lock, next_version, publish, read_rows, verify_files, versions,
};
use evalwright_models::money::{Money, Price};
use evalwright_pipeline::{
    Bound, Estimate, NoModel, Outcome, RunPlan, estimate, recipe_hash, rows_at_once, run_with_rules,
};
use evalwright_recipe::{
    Behaviour, Guide, KindFolder, LoadedKind, RecipeError, Reference, Stage, check_prompts,
    find_kind, kind_of_behaviour, load_behaviour_of,
};
use evalwright_store::ReplyStore;
use serde_json::json;

use crate::commands::dedup;
use crate::commands::kinds::{all_kinds, load};
use crate::commands::preview::preview;
use crate::environment::{Environment, peak_memory_bytes};
use crate::failure::{Failure, Kind};
use crate::models::{LOCAL, ModelArguments, Opening, shown};
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
    /// What turns texts into vectors, for a kind whose `dedup` names `semantic`: `local`, or a model behind a server
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
    make(recipe, place, &arguments.making, printer, environment)
}

/// Where a run finds files and leaves versions.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Files that a behaviour names are relative to this folder.
    pub(crate) beside: &'a Path,
    /// The folder that holds datasets.
    pub(crate) out: &'a Path,
}

/// Makes a version of a recipe, or finds that it is there.
pub(crate) fn make(
    recipe: (Behaviour, LoadedKind),
    place: Place<'_>,
    arguments: &Making,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let started = environment.unix_seconds();
    let (mut behaviour, kind) = recipe;
    let models = Models::open(arguments, &behaviour, &kind, printer, environment)?;
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
    let judges = models.judges(&behaviour)?;
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: models.by_name(&behaviour.models.generator)?,
        judges: &judges,
        embedder: models.embedder.as_deref(),
        limit: arguments.limit,
    };
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
    let shown = Shown::new(printer, wanted_for_label(&plan)?, kind.kind.is_labelled());
    let mut processes = Started::new(printer);
    let outcome = run_with_rules(&plan, &store, &interrupt, &shown, &mut processes)?;
    drop(processes);
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
        publish_outcome(&folder, &published, outcome, &kind, &facts)?;
    if !arguments.json {
        printer.say("");
        printer.say(&summary);
    }
    show_version(&version_folder, &manifest, &calls, arguments.json, printer)
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

fn made_by() -> String {
    format!("evalwright {}", env!("CARGO_PKG_VERSION"))
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
    read_references(&mut behaviour, place.beside, place.out)?;
    Ok((behaviour, kind))
}

/// Reads what rows must not repeat: the files that a behaviour names, beside it, and its earlier versions.
fn read_references(behaviour: &mut Behaviour, beside: &Path, out: &Path) -> Result<(), Failure> {
    let against = &mut behaviour.against;
    for name in &against.files {
        let path = beside.join(name);
        let (hash, texts) = dedup::texts_of(&path, &against.field)?;
        against.hashes.push(hash);
        against
            .texts
            .extend(texts.into_iter().map(|(line, text)| Reference {
                place: format!("{name}:{line}"),
                text,
            }));
    }
    if against.versions {
        for version in versions(&out.join(behaviour.name.as_str()))? {
            for row in read_rows(&version.folder.join("data.jsonl"))? {
                against.texts.push(Reference {
                    place: format!("{}:{}", version.manifest.version, row.id),
                    text: row.statement,
                });
            }
        }
    }
    Ok(())
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

/// Whether any stage of a kind lets a model write.
fn asks_writer(kind: &evalwright_recipe::Kind) -> bool {
    kind.stages
        .iter()
        .any(|stage| matches!(stage, Stage::Ask(_) | Stage::Follow(_) | Stage::Repeat(_)))
}

/// Whether any stage of a kind asks judges.
fn asks_judges(kind: &evalwright_recipe::Kind) -> bool {
    kind.stages
        .iter()
        .any(|stage| matches!(stage, Stage::Score(_)))
}

/// The models of a run, each opened once, by the names that stand in files.
struct Models {
    opened: BTreeMap<String, Box<dyn Model>>,
    /// Only where the kind needs one.
    embedder: Option<Box<dyn Embedder>>,
    /// The name in files of each name as it was written.
    names: BTreeMap<String, String>,
    /// What each model costs, by its name in files without an address.
    prices: BTreeMap<String, Price>,
    currency: Option<String>,
    threads: usize,
}

impl Models {
    fn open(
        arguments: &Making,
        behaviour: &Behaviour,
        kind: &LoadedKind,
        printer: &Printer,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let opening = Opening::new(&arguments.models, printer, environment)?;
        let mut opened: BTreeMap<String, Box<dyn Model>> = BTreeMap::new();
        let mut names = BTreeMap::new();
        let mut prices = BTreeMap::new();
        let writer = asks_writer(&kind.kind).then_some(&behaviour.models.generator);
        if writer.is_none() {
            opened.insert(NoModel::NAME.to_owned(), Box::new(NoModel::default()));
        }
        let judges = behaviour
            .models
            .judges
            .iter()
            .filter(|_| asks_judges(&kind.kind));
        for name in writer.into_iter().chain(judges) {
            if names.contains_key(name) {
                continue;
            }
            let mut in_files = shown(name);
            if !opened.contains_key(&in_files) {
                let model = opening.open(name)?;
                // What is recorded goes by the name of the model that was.
                if name.starts_with("replay/") {
                    in_files.clone_from(&model.identity().name);
                }
                prices.insert(model.identity().name.clone(), opening.price(name)?);
                opened.insert(in_files.clone(), model);
            }
            names.insert(name.clone(), in_files);
        }
        let needs_vectors = kind
            .kind
            .dedup()
            .is_some_and(|dedup| dedup.semantic.is_some());
        let embedder = needs_vectors
            .then(|| opening.open_embedder(&arguments.embedder))
            .transpose()?;
        Ok(Self {
            opened,
            embedder,
            names,
            prices,
            currency: opening.currency().map(str::to_owned),
            threads: opening.threads,
        })
    }

    /// How a model is named in files, by its name as it was written.
    fn in_files(&self, name: &str) -> String {
        self.names.get(name).cloned().unwrap_or_else(|| shown(name))
    }

    fn by_name(&self, name: &str) -> Result<&dyn Model, Failure> {
        self.opened
            .get(name)
            .map(|model| &**model)
            .ok_or_else(|| Failure::new(Kind::Unexpected, format!("model {name} was not opened")))
    }

    /// What the tokens of an estimate cost; nothing, where all models are free.
    fn costs(&self, estimate: &Estimate) -> Option<Costs> {
        let mut costs = Costs {
            currency: self.currency.clone()?,
            likely: Cost::default(),
            at_most: Cost::default(),
        };
        let mut is_paid = false;
        for (name, tokens) in &estimate.models {
            let Some(price @ Price::Paid(_)) = self.prices.get(name) else {
                continue;
            };
            is_paid = true;
            costs
                .likely
                .add(price, tokens.likely_prompt_tokens, tokens.completion_tokens);
            costs
                .at_most
                .add(price, tokens.prompt_tokens, tokens.completion_tokens);
        }
        is_paid.then_some(costs)
    }

    /// What each model took, by its name.
    fn spending(&self) -> BTreeMap<&str, Spending> {
        let embedder = self.embedder.as_ref();
        let embedder = embedder.map(|it| (it.identity().name.as_str(), it.spending()));
        self.opened
            .iter()
            .map(|(name, model)| (name.as_str(), model.spending()))
            .chain(embedder)
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
    let (files, summary) = version_files(&manifest, &content, kind)?;
    let facts = serde_json::to_vec_pretty(facts)
        .map_err(|error| Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}")))?;
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
        printer.json(&json!({
            "dataset": manifest.dataset,
            "version": manifest.version,
            "path": folder,
            "rows": rows_of(manifest, folder)?,
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

/// Published rows: as many as candidates, unless the kind makes several of each.
fn rows_of(manifest: &Manifest, folder: &Path) -> Result<u64, Failure> {
    if !manifest.maps_fields() {
        return Ok(manifest.funnel.accepted);
    }
    let path = folder.join("data.jsonl");
    let text = std::fs::read(&path).map_err(|cause| Failure::unreadable(&path, &cause))?;
    Ok(text.iter().map(|byte| u64::from(*byte == b'\n')).sum())
}

/// What a run costs.
struct Costs {
    currency: String,
    /// With prompts of their likely length.
    likely: Cost,
    /// As it is reserved before each request is sent: prompts at the most that they can have.
    at_most: Cost,
}

/// The cost of the first wave, and of a run that goes to its limits.
#[derive(Default)]
struct Cost {
    first_wave: Money,
    worst: Money,
}

impl Cost {
    fn add(&mut self, price: &Price, read: Bound, written: Bound) {
        self.first_wave += price.worst(read.first_wave, written.first_wave);
        self.worst += price.worst(read.worst, written.worst);
    }
}

fn show_estimate(
    estimate: &Estimate,
    costs: Option<&Costs>,
    as_json: bool,
    printer: &Printer,
) -> Result<u8, Failure> {
    let lines = [
        ("sample_calls", estimate.sample_calls),
        ("score_calls", estimate.score_calls),
        ("prompt_tokens", estimate.prompt_tokens),
        ("completion_tokens", estimate.completion_tokens),
    ];
    let money = costs.map_or_else(Vec::new, |costs| {
        vec![
            ("likely_cost", "likely cost", &costs.likely),
            ("cost_at_most", "cost at most", &costs.at_most),
        ]
    });
    if as_json {
        let mut document = json!({ "rows": estimate.rows });
        for (name, bound) in lines {
            document[name] = json!({ "first_wave": bound.first_wave, "worst": bound.worst });
        }
        document["currency"] = json!(costs.map(|costs| &costs.currency));
        for (name, _, cost) in money {
            document[name] = json!({
                "first_wave": cost.first_wave.amount(),
                "worst": cost.worst.amount(),
            });
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
        for (_, name, cost) in money {
            let currency = costs.map_or("", |costs| &costs.currency);
            printer.data(&format!(
                "{:20}{:>12}  {:>12}",
                format!("{name} ({currency})"),
                cost.first_wave.to_string(),
                cost.worst.to_string()
            ))?;
        }
    }
    Ok(exit_code::DONE)
}
