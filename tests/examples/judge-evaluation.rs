//! How good is the judge inside? Measured on real, published rows.
//!
//! Takes rows of the published persona sets (a seeded sample, half of each label), judges them under every
//! wording of kind `statement` and prints, per behaviour and method, the area under the curve and the
//! accuracy, then the calibration error on behaviours that were not used to fit the curves. With `--write`
//! it writes the curves fitted on all behaviours into the kind's `calibration.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use evalwright_core::{ContentHash, Interrupt, Model, Probability, Seed, Side};
use evalwright_local::{LocalModel, OpenOptions};
use evalwright_pipeline::{RunPlan, Silent, judge};
use evalwright_recipe::{
    Behaviour, Known, LoadedKind, builtin_kinds, find_kind, load_behaviour, load_kind,
};
use evalwright_stats::{Calibration, area_under_curve, expected_calibration_error, fit_logistic};
use evalwright_store::ReplyStore;
use evalwright_text::{LINTS, Parser};
use serde_json::Value;

/// Bins of the calibration error.
const BINS: usize = 10;
/// Parts of the behaviours; each is measured with curves fitted on the others.
const FOLDS: usize = 5;
const MODEL: &str = "local/smollm2-135m-instruct";
const SHIPPED_CURVES: &str = "templates/statement/calibration.toml";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| -> Result<u64, Box<dyn Error>> {
        match arguments.iter().position(|argument| argument == name) {
            Some(place) => Ok(arguments
                .get(place + 1)
                .ok_or("a number is missing")?
                .parse()?),
            None => Ok(default),
        }
    };
    let rows = number("--rows", 20)?;
    let seed = number("--seed", 1)?;
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED").map(PathBuf::from) else {
        return Err(
            "set EVALWRIGHT_SHARED to the folder that holds data/model-written-evals".into(),
        );
    };
    let model = open_model()?;
    let store = ReplyStore::open(Path::new(".evalwright/judge-evaluation.db"))?;
    let kind = load()?;
    let mut scored: Vec<Scored> = Vec::new();
    for behaviour in behaviours()? {
        let items = sample(&shared, &behaviour, usize::try_from(rows)?, Seed(seed))?;
        let texts: Vec<String> = items.iter().map(|(text, _)| text.clone()).collect();
        let model: &dyn Model = &model;
        let plan = RunPlan {
            behaviour: &behaviour,
            kind: &kind,
            generator: model,
            judges: &[model],
            embedder: None,
            limit: None,
        };
        for (judged, (_, matching)) in judge(&plan, &texts, &store, &Interrupt::default(), &Silent)?
            .iter()
            .zip(&items)
        {
            let log_odds: BTreeMap<String, f64> = judged
                .judgements
                .iter()
                .filter_map(|judgement| {
                    let wording = judgement.rater.rsplit('#').next()?.to_owned();
                    Some((wording, judgement.log_odds?))
                })
                .collect();
            scored.push(Scored {
                row: scored.len(),
                behaviour: behaviour.name.to_string(),
                matching: *matching,
                log_odds,
            });
        }
    }
    let counting: Vec<String> = kind
        .kind
        .score()
        .map(|stage| {
            stage
                .raters
                .iter()
                .filter(|rater| rater.counts)
                .map(|rater| rater.name.clone())
                .collect()
        })
        .unwrap_or_default();
    let mut out = std::io::stdout().lock();
    let curves = print_tables(&mut out, &scored, &counting)?;
    if arguments.iter().any(|argument| argument == "--write") {
        let file = curves_file(&model, &curves, &counting, rows, seed);
        std::fs::write(SHIPPED_CURVES, file)?;
        writeln!(out, "\nwrote {SHIPPED_CURVES}")?;
    }
    Ok(())
}

/// One row with every rater's score.
#[derive(Clone)]
struct Scored {
    row: usize,
    behaviour: String,
    matching: bool,
    log_odds: BTreeMap<String, f64>,
}

/// A method's curve over all behaviours and its error on behaviours left out.
struct Curve {
    method: String,
    fitted: Calibration,
    error: f64,
}

/// The mean over counting raters of their calibrated probabilities, as log-odds: what a judge says.
const MEAN: &str = "mean";

fn print_tables(
    out: &mut impl Write,
    scored: &[Scored],
    counting: &[String],
) -> Result<Vec<Curve>, Box<dyn Error>> {
    let mut names: Vec<&str> = scored.iter().map(|item| item.behaviour.as_str()).collect();
    names.dedup();
    let part = |name: &str| {
        names
            .iter()
            .position(|known| *known == name)
            .map_or(0, |place| place % FOLDS)
    };
    // Each behaviour is judged with curves that were fitted on the others.
    let mut unseen: Vec<Scored> = Vec::new();
    let mut held_out_mean = BTreeMap::new();
    for fold in 0..FOLDS {
        let others: Vec<Scored> = scored
            .iter()
            .filter(|item| part(&item.behaviour) != fold)
            .cloned()
            .collect();
        let raters = rater_curves(&others, counting);
        let curve = fit_logistic(&points_of(&with_mean(&others, &raters), MEAN, |_| true));
        for (index, item) in scored.iter().enumerate() {
            if part(&item.behaviour) == fold {
                let judged = with_mean(std::slice::from_ref(item), &raters);
                if let (Some(curve), Some(log_odds)) = (&curve, judged[0].log_odds.get(MEAN)) {
                    held_out_mean.insert(index, curve.probability(*log_odds));
                }
                unseen.extend(judged);
            }
        }
    }
    // In the order of the rows again: the folds took them out of it.
    unseen.sort_by_key(|item| item.row);
    let everything = with_mean(scored, &rater_curves(scored, counting));
    let scored = &unseen[..];
    let methods: Vec<&String> = scored
        .first()
        .map(|item| item.log_odds.keys().collect())
        .unwrap_or_default();
    writeln!(out, "area under the curve (accuracy) within each behaviour")?;
    write!(out, "{:40}", "behaviour")?;
    for method in &methods {
        write!(out, "{method:>16}")?;
    }
    writeln!(out)?;
    let mut sums = vec![(0.0, 0.0); methods.len()];
    let held_out: Vec<BTreeMap<usize, f64>> = methods
        .iter()
        .map(|method| match method.as_str() {
            MEAN => held_out_mean.clone(),
            method => probabilities_held_out(scored, method, &names),
        })
        .collect();
    for name in &names {
        write!(out, "{name:40}")?;
        for ((method, held_out), sum) in methods.iter().zip(&held_out).zip(&mut sums) {
            let of = |side: bool| -> Vec<f64> {
                scored
                    .iter()
                    .filter(|item| item.behaviour == *name && item.matching == side)
                    .filter_map(|item| item.log_odds.get(*method).copied())
                    .collect()
            };
            let area = area_under_curve(&of(true), &of(false)).unwrap_or(f64::NAN);
            let own: Vec<bool> = scored
                .iter()
                .enumerate()
                .filter(|(_, item)| item.behaviour == *name)
                .filter_map(|(index, item)| {
                    held_out.get(&index).map(|p| (*p >= 0.5) == item.matching)
                })
                .collect();
            let accuracy = own.iter().filter(|right| **right).count() as f64 / own.len() as f64;
            sum.0 += area;
            sum.1 += accuracy;
            write!(out, "{:>16}", format!("{area:.2} ({accuracy:.2})"))?;
        }
        writeln!(out)?;
    }
    let count = names.len() as f64;
    write!(out, "{:40}", format!("mean of {} behaviours", names.len()))?;
    for (area, accuracy) in &sums {
        write!(
            out,
            "{:>16}",
            format!("{:.3} ({:.3})", area / count, accuracy / count)
        )?;
    }
    writeln!(out)?;
    let mut curves = Vec::new();
    writeln!(
        out,
        "\n{:20}{:>10}{:>12}{:>24}",
        "method", "slope", "intercept", "calibration error*"
    )?;
    for (method, held_out) in methods.iter().zip(&held_out) {
        let points: Vec<(f64, bool)> = held_out
            .iter()
            .map(|(index, p)| (*p, scored[*index].matching))
            .collect();
        let error = expected_calibration_error(&points, BINS).unwrap_or(f64::NAN);
        let Some(fitted) = fit_logistic(&points_of(&everything, method, |_| true)) else {
            continue;
        };
        writeln!(
            out,
            "{method:20}{:>10.4}{:>12.4}{error:>24.4}",
            fitted.slope, fitted.intercept
        )?;
        curves.push(Curve {
            method: (*method).clone(),
            fitted,
            error,
        });
    }
    writeln!(
        out,
        "* on behaviours not used to fit the curve, {FOLDS} parts, {BINS} bins, {} rows",
        scored.len()
    )?;
    Ok(curves)
}

/// Each counting rater's curve.
fn rater_curves(scored: &[Scored], counting: &[String]) -> BTreeMap<String, Calibration> {
    counting
        .iter()
        .filter_map(|rater| {
            let curve = fit_logistic(&points_of(scored, rater, |_| true))?;
            Some((rater.clone(), curve))
        })
        .collect()
}

/// The rows with the log-odds of the raters' mean probability beside the raters' own.
fn with_mean(scored: &[Scored], raters: &BTreeMap<String, Calibration>) -> Vec<Scored> {
    let mut scored = scored.to_vec();
    for item in &mut scored {
        let known: Vec<f64> = raters
            .iter()
            .filter_map(|(rater, curve)| Some(curve.probability(*item.log_odds.get(rater)?)))
            .collect();
        if known.is_empty() {
            continue;
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        if let Ok(mean) = Probability::new(mean.clamp(0.0, 1.0)) {
            item.log_odds.insert(MEAN.to_owned(), mean.log_odds());
        }
    }
    scored
}

fn points_of(scored: &[Scored], method: &str, keep: impl Fn(&str) -> bool) -> Vec<(f64, bool)> {
    scored
        .iter()
        .filter(|item| keep(&item.behaviour))
        .filter_map(|item| Some((*item.log_odds.get(method)?, item.matching)))
        .collect()
}

/// P(matching) of each row, from a curve fitted on the other parts' behaviours; by position.
fn probabilities_held_out(scored: &[Scored], method: &str, names: &[&str]) -> BTreeMap<usize, f64> {
    let part = |name: &str| {
        names
            .iter()
            .position(|known| *known == name)
            .map_or(0, |place| place % FOLDS)
    };
    let mut probabilities = BTreeMap::new();
    for fold in 0..FOLDS {
        let Some(curve) = fit_logistic(&points_of(scored, method, |name| part(name) != fold))
        else {
            continue;
        };
        for (index, item) in scored
            .iter()
            .enumerate()
            .filter(|(_, item)| part(&item.behaviour) == fold)
        {
            if let Some(log_odds) = item.log_odds.get(method) {
                probabilities.insert(index, curve.probability(*log_odds));
            }
        }
    }
    probabilities
}

/// `calibration.toml`: the counting raters and their mean.
fn curves_file(
    model: &LocalModel,
    curves: &[Curve],
    counting: &[String],
    rows: u64,
    seed: u64,
) -> String {
    let mut text =
        "# Written by the evaluation of judges over published rows; see CONTRIBUTING.md.\n"
            .to_owned();
    let weights = model
        .identity()
        .weights
        .map_or_else(String::new, |hash| format!("weights = \"{hash}\"\n"));
    for curve in curves
        .iter()
        .filter(|curve| curve.method == MEAN || counting.contains(&curve.method))
    {
        text.push_str(&format!(
            "\n[[curve]]\nmodel = \"{MODEL}\"\n{weights}rater = \"{}\"\nslope = {:.6}\nintercept = {:.6}\n\
             fitted_on = \"{rows} rows of each behaviour in tests/evaluation/persona.toml, seed {seed}\"\n\
             expected_calibration_error = {:.4}\n",
            curve.method, curve.fitted.slope, curve.fitted.intercept, curve.error
        ));
    }
    text
}

fn open_model() -> Result<LocalModel, Box<dyn Error>> {
    let path = match std::env::var_os("EVALWRIGHT_MODEL_PATH") {
        Some(path) => PathBuf::from(path),
        None => {
            let surroundings = evalwright_models::Surroundings::from_variables(
                &|name| std::env::var(name).ok(),
                None,
            )?;
            evalwright_models::pull(
                &evalwright_models::PullRequest::named(MODEL),
                &surroundings,
                &|_| (),
            )?
        }
    };
    let weights = ContentHash::of_reader(std::fs::File::open(&path)?)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    Ok(LocalModel::open(
        &path,
        OpenOptions {
            name: MODEL.to_owned(),
            weights,
            threads,
            chat_template: None,
        },
    )?)
}

fn load() -> Result<LoadedKind, Box<dyn Error>> {
    let lints: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let folders = builtin_kinds();
    let known = Known {
        lints: &lints,
        parsers: Parser::names(),
    };
    Ok(load_kind(
        find_kind(&folders, "statement")?,
        "all-judges",
        &known,
    )?)
}

/// The behaviours of `evaluation/persona.toml`.
fn behaviours() -> Result<Vec<Behaviour>, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("evaluation/persona.toml");
    let table: toml::Table = std::fs::read_to_string(&path)?.parse()?;
    let mut behaviours = Vec::new();
    for entry in table
        .get("behaviour")
        .and_then(toml::Value::as_array)
        .ok_or("no behaviours")?
    {
        let text = |key: &str| {
            entry
                .get(key)
                .and_then(toml::Value::as_str)
                .ok_or("a key is missing")
        };
        let list = |key: &str| {
            entry
                .get(key)
                .cloned()
                .unwrap_or_else(|| toml::Value::Array(Vec::new()))
        };
        let mut file = toml::Table::new();
        file.insert("kind".to_owned(), "statement".into());
        file.insert("preset".to_owned(), "all-judges".into());
        file.insert("name".to_owned(), text("name")?.to_lowercase().into());
        file.insert("description".to_owned(), text("description")?.into());
        file.insert("contrast".to_owned(), text("contrast")?.into());
        let mut examples = toml::Table::new();
        examples.insert("matching".to_owned(), list("matching"));
        examples.insert("not_matching".to_owned(), list("not_matching"));
        file.insert("examples".to_owned(), toml::Value::Table(examples));
        behaviours.push(load_behaviour(&path, &toml::to_string(&file)?)?);
    }
    Ok(behaviours)
}

/// Rows of a published set: the first of each label in the order of a seeded hash. A judge must not have
/// read what it judges, so an example that is one of the set's statements is an error.
fn sample(
    shared: &Path,
    behaviour: &Behaviour,
    rows: usize,
    seed: Seed,
) -> Result<Vec<(String, bool)>, Box<dyn Error>> {
    let name = behaviour.name.as_str();
    let shown: BTreeSet<String> = Side::ALL
        .into_iter()
        .flat_map(|side| behaviour.examples.side(side))
        .map(|example| words(example))
        .collect();
    let folder = shared.join("data/model-written-evals/persona");
    let file = std::fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| {
            path.file_stem()
                .is_some_and(|stem| stem.to_string_lossy().to_lowercase() == name)
        })
        .ok_or_else(|| format!("no persona set named {name} in {}", folder.display()))?;
    let mut items: Vec<(u64, String, bool)> = Vec::new();
    for line in std::fs::read_to_string(&file)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let statement = row["statement"]
            .as_str()
            .ok_or("a row without statement")?
            .to_owned();
        if shown.contains(&words(&statement)) {
            return Err(
                format!("an example of {name} is a published statement: {statement}").into(),
            );
        }
        let order = seed.derive(&format!("{name} {statement}")).0;
        items.push((order, statement, row["answer_matching_behavior"] == " Yes"));
    }
    items.sort();
    let mut chosen = Vec::new();
    for side in [true, false] {
        chosen.extend(
            items
                .iter()
                .filter(|item| item.2 == side)
                .take(rows / 2)
                .map(|(_, text, side)| (text.clone(), *side)),
        );
    }
    Ok(chosen)
}

/// A statement without case and punctuation.
fn words(statement: &str) -> String {
    statement
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
