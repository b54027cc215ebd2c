//! `evalwright audit --judge`: asks models about rows and hands what they said to the report as labels from another
//! source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use evalwright_core::{Interrupt, Model, Seed, exit_code};
use evalwright_dataset::Manifest;
use evalwright_dataset::import::{Imported, ImportedRow};
use evalwright_models::money::{Money, Price};
use evalwright_pipeline::{
    Answered, Event, JudgeLabels, Progress, RelabelEstimate, RelabelItem, RelabelJudge,
    RelabelPlan, estimate_relabel, relabel,
};
use evalwright_recipe::{LoadedKind, builtin_kinds};
use evalwright_report::audit::{JudgeInput, JudgingInput, Source, SourceKind};
use evalwright_stats::sample::{Allocation, stratified_sample};
use evalwright_store::ReplyStore;
use serde_json::json;

use super::rows::{Askable, Askables, Meaning, askables, refuse_nothing};
use crate::commands::kinds::load;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::models::{ModelArguments, Opening};
use crate::output::Printer;
use crate::stop;

/// The kind whose wordings score statements by channel.
const CHANNEL_KIND: &str = "statement";
/// How often progress is told.
const PAUSE: Duration = Duration::from_secs(5);

/// Arguments about judges.
#[derive(Debug, Args)]
#[command(next_help_heading = "Judges")]
pub(crate) struct JudgeArguments {
    /// A model that labels the rows again; may be given more than once
    #[arg(long = "judge", value_name = "MODEL")]
    judges: Vec<String>,
    /// What the rows test: who gives the matching answers, `someone who …`; versions of ours say it themselves
    #[arg(long, value_name = "TEXT", conflicts_with = "behaviours")]
    behaviour: Option<String>,
    /// Who gives the other answers
    #[arg(long, value_name = "TEXT", requires = "behaviour")]
    contrast: Option<String>,
    /// Several behaviours by the names of the rows' files: `[[behaviour]]` with name, description, contrast
    #[arg(long, value_name = "FILE")]
    behaviours: Option<PathBuf>,
    /// The model that wrote the rows, where no manifest says so
    #[arg(long, value_name = "MODEL")]
    generator: Option<String>,
    /// Ask about so many rows, in proportion over files and labels; those that people labelled come first
    #[arg(long, value_name = "ROWS")]
    sample: Option<usize>,
    /// How judges are asked
    #[arg(long, value_enum, default_value_t = JudgeBy::Auto, value_name = "HOW")]
    judge_by: JudgeBy,
    /// Ask for labels alone, and not how relevant a row is and whether it is unclear
    #[arg(long)]
    only_labels: bool,
    /// The reply store
    #[arg(
        long,
        default_value = ".evalwright/replies.db",
        env = "EVALWRIGHT_STORE",
        value_name = "FILE"
    )]
    store: PathBuf,
    /// Say how many calls and tokens the judges need, and ask nothing
    #[arg(long, requires = "judges")]
    dry_run: bool,
    #[command(flatten)]
    models: ModelArguments,
}

/// How judges are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum JudgeBy {
    /// Models inside the process by channel where it can be, others outright
    Auto,
    /// How likely a statement is after behaviour and contrast, for every judge that can score texts
    Channel,
    /// Outright, by log-probabilities where the judge gives them
    Ask,
    /// Outright, by sampled replies
    Votes,
}

/// What judges said, for the report.
pub(super) struct Judged {
    pub(super) sources: Vec<Source>,
    pub(super) input: JudgingInput,
    /// For rows whose answers are texts: the label that each text stands for.
    pub(super) words: BTreeMap<usize, BTreeMap<String, String>>,
}

/// What came of the judges' part.
pub(super) enum Outcome {
    /// No judge was named.
    None,
    /// They were asked.
    Judged(Box<Judged>),
    /// Only an estimate was wanted; it was printed.
    Estimated(u8),
}

/// What a judging needs beside its arguments.
pub(super) struct Setting<'a> {
    pub(super) imported: &'a Imported,
    /// Of those files that belong to versions of ours, by the place of the file.
    pub(super) manifests: &'a BTreeMap<usize, Manifest>,
    pub(super) paths: &'a [PathBuf],
    /// Rows that people labelled.
    pub(super) labelled: &'a BTreeSet<usize>,
    pub(super) seed: Seed,
    pub(super) as_json: bool,
    pub(super) printer: &'a Printer,
    pub(super) environment: &'a Environment,
}

/// Asks the judges.
pub(super) fn judge(arguments: &JudgeArguments, setting: &Setting<'_>) -> Result<Outcome, Failure> {
    if arguments.judges.is_empty() {
        return Ok(Outcome::None);
    }
    let printer = setting.printer;
    let manifests = setting.manifests;
    let meaning = Meaning {
        behaviour: said(arguments.behaviour.as_deref(), "--behaviour")?,
        contrast: said(arguments.contrast.as_deref(), "--contrast")?,
        list: arguments.behaviours.as_deref(),
    };
    let mut found = askables(setting.imported, manifests, &meaning)?;
    refuse_nothing(&found, setting.paths)?;
    for (reason, count) in &found.left_out {
        printer.say(&format!(
            "judges are not asked about {count} rows: {reason}"
        ));
    }
    let labelled_first = choose(&mut found, arguments.sample, setting);

    let opening = Opening::new(&arguments.models, printer, setting.environment)?;
    let mut models: Vec<Box<dyn Model>> = Vec::new();
    let mut prices = BTreeMap::new();
    for name in &arguments.judges {
        let model = opening.open(name)?;
        prices.insert(model.identity().name.clone(), opening.price(name)?);
        models.push(model);
    }
    let judges: Vec<RelabelJudge<'_>> = models
        .iter()
        .map(|model| {
            let is_inside = model.identity().name.starts_with("local/");
            let by_channel = match arguments.judge_by {
                JudgeBy::Auto => is_inside,
                JudgeBy::Channel => true,
                JudgeBy::Ask | JudgeBy::Votes => false,
            };
            RelabelJudge {
                model: &**model,
                by_channel,
                by_votes: arguments.judge_by == JudgeBy::Votes,
                asks_more: !arguments.only_labels && !by_channel,
            }
        })
        .collect();
    let kind = channel_kind()?;
    let items: Vec<RelabelItem> = found.rows.iter().map(|one| one.item.clone()).collect();
    let plan = RelabelPlan {
        aims: &found.aims,
        items: &items,
        judges: &judges,
        kind: &kind,
        seed: setting.seed.derive("relabel"),
    };
    if arguments.dry_run {
        let estimate = estimate_relabel(&plan)?;
        let currency = opening.currency();
        show(&estimate, &prices, currency, items.len(), setting)?;
        return Ok(Outcome::Estimated(exit_code::DONE));
    }
    let store = ReplyStore::open(&arguments.store)?.with_clock(setting.environment.clock());
    let interrupt = Interrupt::default();
    stop::listen(&interrupt);
    let progress = Told::new(printer);
    let relabelled = relabel(&plan, &store, &interrupt, &progress)?;
    printer.say(&format!(
        "{} rows, {} calls used, {} of them sent now",
        items.len(),
        relabelled.used.sample + relabelled.used.score,
        relabelled.sent.sample + relabelled.sent.score
    ));
    let mut input = JudgingInput {
        rows: items.len() as u64,
        left_out: found.left_out.clone(),
        sample: arguments.sample.map(|rows| rows as u64),
        labelled_first,
        writers: writers(arguments, manifests),
        classes: found.classes.clone(),
        judges: Vec::new(),
    };
    let mut sources = Vec::new();
    for labels in &relabelled.judges {
        let (source, counts) = source(labels, &found.rows);
        sources.push(source);
        input.judges.push(counts);
    }
    Ok(Outcome::Judged(Box::new(Judged {
        sources,
        input,
        words: found.words,
    })))
}

/// A text that says something, if there is one.
fn said<'a>(text: Option<&'a str>, option: &str) -> Result<Option<&'a str>, Failure> {
    match text.map(str::trim) {
        Some("") => Err(Failure::new(
            Kind::Usage,
            format!("{option} is empty: say who shows the behaviour, `someone who …`"),
        )),
        text => Ok(text),
    }
}

fn channel_kind() -> Result<LoadedKind, Failure> {
    load(&builtin_kinds(), CHANNEL_KIND, "default")
}

/// Keeps the rows to ask about, and counts those that came first.
fn choose(found: &mut Askables, wanted: Option<usize>, setting: &Setting<'_>) -> u64 {
    let Some(wanted) = wanted else { return 0 };
    let rows = std::mem::take(&mut found.rows);
    let (labelled, others): (Vec<Askable>, Vec<Askable>) = rows
        .into_iter()
        .partition(|one| setting.labelled.contains(&one.row));
    let first = taken(labelled, wanted, setting);
    let count = first.len();
    found.rows = first;
    found
        .rows
        .extend(taken(others, wanted.saturating_sub(count), setting));
    found.rows.sort_by_key(|one| one.row);
    count as u64
}

fn taken(rows: Vec<Askable>, wanted: usize, setting: &Setting<'_>) -> Vec<Askable> {
    let keys: Vec<String> = rows
        .iter()
        .map(|one| {
            let row = setting.imported.rows.get(one.row);
            row.map(ImportedRow::key).unwrap_or_default()
        })
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let strata: Vec<usize> = rows.iter().map(|one| one.stratum).collect();
    let seed = setting.seed.derive("rows to judge");
    // There is one stratum for each key.
    let chosen = stratified_sample(&keys, &strata, wanted, Allocation::Proportional, seed)
        .unwrap_or_default();
    let chosen: BTreeSet<usize> = chosen.into_iter().collect();
    rows.into_iter()
        .enumerate()
        .filter(|(place, _)| chosen.contains(place))
        .map(|(_, one)| one)
        .collect()
}

/// The models that wrote the rows, as far as anyone says.
fn writers(arguments: &JudgeArguments, manifests: &BTreeMap<usize, Manifest>) -> Vec<String> {
    let recorded = manifests
        .values()
        .map(|manifest| manifest.generator.name.as_str())
        .filter(|name| !["none", "unknown"].contains(name));
    let names: BTreeSet<&str> = match &arguments.generator {
        Some(name) => BTreeSet::from([name.as_str()]),
        None => recorded.collect(),
    };
    names.into_iter().map(str::to_owned).collect()
}

/// One judge's answers as labels of another source, and in counts.
fn source(labels: &JudgeLabels, rows: &[Askable]) -> (Source, JudgeInput) {
    let mut source = Source {
        name: labels.judge.clone(),
        kind: SourceKind::Judge,
        labels: BTreeMap::new(),
        relevance: BTreeMap::new(),
        ambiguous: BTreeMap::new(),
        chances: BTreeMap::new(),
    };
    let mut counts = JudgeInput {
        name: labels.judge.clone(),
        ..JudgeInput::default()
    };
    for (asked, said) in rows.iter().zip(&labels.rows) {
        if let Some(label) = said.answers.likeliest().and_then(|at| asked.labels.get(at)) {
            source.labels.insert(asked.row, label.clone());
        }
        match &said.answers {
            Answered::Known(all) => {
                let mut chances: BTreeMap<String, f64> = BTreeMap::new();
                for (label, chance) in asked.labels.iter().zip(all) {
                    *chances.entry(label.clone()).or_default() += chance;
                }
                source.chances.insert(asked.row, chances);
            }
            Answered::Bounded(_) => counts.bounded += 1,
            Answered::Unknown(reason) => {
                *counts
                    .unknown
                    .entry(folded(&reason.to_string()))
                    .or_default() += 1;
            }
        }
        if !matches!(said.answers, Answered::Unknown(_)) {
            let method = said.method.as_str().to_owned();
            *counts.methods.entry(method).or_default() += 1;
        }
        if let Some(is_steady) = said.is_steady {
            counts.orders += 1;
            counts.steady += u64::from(is_steady);
        }
        match said
            .relevance
            .as_ref()
            .map(|one| (one.known(), one.likeliest()))
        {
            None => {}
            Some((Some(all), likeliest)) => {
                let steps = (1..).zip(all);
                let expected = steps.map(|(step, chance)| f64::from(step) * chance).sum();
                source.relevance.insert(asked.row, expected);
                // Two equal ones: the expected one tells.
                let step = likeliest.map_or(expected.round() as u8, |at| at as u8 + 1);
                *counts.relevance.entry(step).or_default() += 1;
            }
            Some((None, _)) => counts.relevance_unknown += 1,
        }
        match said.unclear.as_ref().map(Answered::likeliest) {
            None => {}
            Some(Some(at)) => {
                source.ambiguous.insert(asked.row, at == 0);
            }
            Some(None) => counts.unclear_unknown += 1,
        }
    }
    (source, counts)
}

/// A reason with its numbers left out, so that one trouble of many rows is one reason.
fn folded(reason: &str) -> String {
    let mut folded = String::with_capacity(reason.len());
    let mut is_number = false;
    for character in reason.chars() {
        if character.is_ascii_digit() {
            if !is_number {
                folded.push('#');
            }
        } else {
            folded.push(character);
        }
        is_number = character.is_ascii_digit();
    }
    folded
}

/// Prints what the judges would take.
fn show(
    estimate: &RelabelEstimate,
    prices: &BTreeMap<String, Price>,
    currency: Option<&str>,
    rows: usize,
    setting: &Setting<'_>,
) -> Result<(), Failure> {
    let (mut likely, mut at_most) = (Money::default(), Money::default());
    let mut is_paid = false;
    let (mut read, mut written) = (0, 0);
    for (name, tokens) in &estimate.models {
        read += tokens.prompt_tokens;
        written += tokens.completion_tokens;
        if let Some(price @ Price::Paid(_)) = prices.get(name) {
            is_paid = true;
            likely += price.worst(tokens.likely_prompt_tokens, tokens.completion_tokens);
            at_most += price.worst(tokens.prompt_tokens, tokens.completion_tokens);
        }
    }
    let currency = currency.filter(|_| is_paid);
    if setting.as_json {
        let amount = |money: &Money| currency.map(|_| money.amount());
        return setting.printer.json(&json!({
            "rows": rows,
            "sample_calls": estimate.sample_calls,
            "score_calls": estimate.score_calls,
            "prompt_tokens": read,
            "completion_tokens": written,
            "currency": currency,
            "likely_cost": amount(&likely),
            "cost_at_most": amount(&at_most),
        }));
    }
    let mut lines = vec![
        ("rows".to_owned(), rows.to_string()),
        ("sample calls".to_owned(), estimate.sample_calls.to_string()),
        ("score calls".to_owned(), estimate.score_calls.to_string()),
        ("prompt tokens".to_owned(), read.to_string()),
        ("completion tokens".to_owned(), written.to_string()),
    ];
    if let Some(currency) = currency {
        lines.push((format!("likely cost ({currency})"), likely.to_string()));
        lines.push((format!("cost at most ({currency})"), at_most.to_string()));
    }
    for (name, figure) in lines {
        setting.printer.data(&format!("{name:24}{figure:>14}"))?;
    }
    Ok(())
}

/// Tells now and then how far the judges are.
struct Told<'a> {
    printer: &'a Printer,
    state: Mutex<State>,
}

struct State {
    told: Instant,
    came: u64,
    model: String,
}

impl<'a> Told<'a> {
    fn new(printer: &'a Printer) -> Self {
        let state = State {
            told: Instant::now(),
            came: 0,
            model: String::new(),
        };
        Self {
            printer,
            state: Mutex::new(state),
        }
    }
}

impl Progress for Told<'_> {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Batch { model, to_send, .. } if *to_send > 0 && state.model != *model => {
                state.model.clone_from(model);
                self.printer.say(&format!("  judging: asking {model}"));
            }
            Event::Reply {
                from_store: false, ..
            } => {
                state.came += 1;
                if state.told.elapsed() >= PAUSE {
                    state.told = Instant::now();
                    self.printer
                        .say(&format!("  {} replies so far", state.came));
                }
            }
            _ => {}
        }
    }
}
