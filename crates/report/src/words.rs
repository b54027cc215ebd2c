//! Sentences: what the figures say, what to be careful about, and reason codes in plain words.
//!
//! Every sentence is computed from the figures; none is fixed praise.

use std::collections::BTreeMap;

use evalwright_core::{ModelIdentity, Side};
use evalwright_dataset::Manifest;
use evalwright_stats::giveaway::Guesser;
use serde::Serialize;

use crate::agreement::{Agreement, Population, TOGETHER};
use crate::balance::{CellBalance, Length};
use crate::giveaways::GiveAways;
use crate::number::{counted, share, share_interval, two_digit_interval, two_digits};
use crate::report::{Figures, Report};

/// Share of unknown judgements above which a warning is given.
const MUCH_UNKNOWN: f64 = 0.05;
/// Distance from the minimum confidence within which a candidate is borderline.
pub(crate) const BORDERLINE: f64 = 0.005;
/// Distance of the length-only area from one half above which length gives labels away.
const LENGTH_TELLS: f64 = 0.15;
/// Absolute prevalence index above which kappa is pulled down by skew.
const SKEWED: f64 = 0.5;
/// Fewer scored candidates than this make wide intervals.
const FEW: u64 = 30;

/// Something that a user of the dataset should know before trusting it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable code.
    pub code: &'static str,
    /// A sentence.
    pub text: String,
}

/// How many candidates fell for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// The reason's code.
    pub code: String,
    /// The reason in plain words.
    pub words: String,
    /// Candidates.
    pub count: u64,
}

/// A label in words.
pub(crate) fn label(side: Side) -> &'static str {
    match side {
        Side::Matching => "matching",
        Side::NotMatching => "not matching",
    }
}

/// A reason code in plain words.
pub(crate) fn reason(code: &str) -> String {
    let (stem, detail) = code.split_once(':').unwrap_or((code, ""));
    match (stem, detail) {
        ("no_reply", _) => "the model gave no reply".to_owned(),
        ("unparsable", _) => "the reply held no item that could be taken".to_owned(),
        ("lint", lint) => format!("a rule on the text found a fault: {lint}"),
        ("below_minimum", "") => "the raters were not sure enough of the intended label".to_owned(),
        ("below_minimum", requirement) => {
            format!("the raters were not sure enough that a requirement holds: {requirement}")
        }
        ("unjudged", _) => "no rater could tell the label".to_owned(),
        ("duplicate", "exact") => "the same text as another candidate".to_owned(),
        ("duplicate", "normalised") => {
            "the same as another but for case, blanks or final signs".to_owned()
        }
        ("duplicate", _) => "nearly the same words as another candidate".to_owned(),
        ("conflict", _) => "the same text stood under both labels; neither was kept".to_owned(),
        ("surplus", _) => "good, but its label already had its rows".to_owned(),
        _ => code.to_owned(),
    }
}

/// Whether a model is small enough to say so: it runs inside the program, or has 135 million parameters.
fn is_small(model: &ModelIdentity) -> bool {
    model.name.starts_with("local/")
        || model.engine.contains("in-process")
        || model.name.to_lowercase().contains("135m")
}

/// The sentence on small models, if one took part.
pub(crate) fn small_model_sentence(manifest: &Manifest) -> Option<String> {
    let wrote = is_small(&manifest.generator);
    let judges: Vec<&ModelIdentity> = manifest
        .judges
        .iter()
        .filter(|judge| is_small(judge))
        .collect();
    let part = match (wrote, judges.is_empty()) {
        (false, true) => return None,
        (true, true) => "written by",
        (false, false) => "judged by",
        (true, false) => "written and judged by",
    };
    let mut names: Vec<String> = judges
        .into_iter()
        .chain(wrote.then_some(&manifest.generator))
        .map(|model| {
            if model.name.to_lowercase().contains("135m") {
                format!("{} (135 million parameters)", model.name)
            } else {
                model.name.clone()
            }
        })
        .collect();
    names.sort();
    names.dedup();
    Some(format!(
        "These rows were {part} {}: small enough to run inside this program, and good for trying a behaviour out. \
         Have a larger model write and judge the real thing.",
        names.join(" and ")
    ))
}

/// Agreement in one sentence for each population, for the dataset card.
pub(crate) fn agreement_lines(report: &Report) -> Vec<String> {
    Population::ALL
        .iter()
        .filter_map(|population| {
            let one = together(&report.figures.agreement, *population)?;
            let over = match population {
                Population::AllScored => "scored candidates, before selection",
                Population::Rows => "published rows, chosen by these ratings and so optimistic",
            };
            Some(format!(
                "The raters together agree with the intended label on {} (95 % interval {}); Cohen's kappa {} ({}), \
                 Gwet's AC1 {}; n = {} {over}.",
                share(one.raw),
                share_interval(one.raw_interval),
                two_digits(one.kappa),
                two_digit_interval(one.kappa_interval),
                two_digits(one.ac1),
                one.n
            ))
        })
        .collect()
}

/// The agreement of all counting raters together with the intended label, over one population.
pub(crate) fn together(agreement: &[Agreement], population: Population) -> Option<&Agreement> {
    agreement
        .iter()
        .find(|one| one.second == TOGETHER && one.population == population)
}

/// What the figures say.
pub(crate) fn verdict(manifest: &Manifest, figures: &Figures) -> Vec<String> {
    let mut sentences = vec![size_sentence(manifest, &figures.balance)];
    match together(&figures.agreement, Population::AllScored) {
        Some(all) if all.n > 0 => {
            let kappa = all.kappa_undefined.as_ref().map_or_else(
                || {
                    format!(
                        "Cohen's kappa is {} (95 % interval {}), where 0 is chance and 1 is full agreement.",
                        two_digits(all.kappa),
                        two_digit_interval(all.kappa_interval)
                    )
                },
                |reason| format!("Cohen's kappa is undefined: {reason}."),
            );
            sentences.push(format!(
                "Before any selection, the raters agree with the intended label on {} of {} \
                 (95 % interval {}). {kappa}",
                share(all.raw),
                counted(all.n, "scored candidate", "scored candidates"),
                share_interval(all.raw_interval)
            ));
            if let Some(rows) = together(&figures.agreement, Population::Rows).filter(|rows| rows.n > 0) {
                sentences.push(format!(
                    "Over the published rows alone it is {}; rows are chosen by these very ratings, so that \
                     figure flatters.",
                    share(rows.raw)
                ));
            }
        }
        _ => sentences.push(
            "No candidate has a known score, so nothing can be said about how well the labels hold.".to_owned(),
        ),
    }
    sentences.extend(rater_sentence(&figures.rater_pairs));
    sentences.push(
        "No person has labelled these rows: this is agreement between an instruction to one model and the \
         judgement of models, not accuracy."
            .to_owned(),
    );
    sentences.extend(small_model_sentence(manifest));
    sentences
}

fn size_sentence(manifest: &Manifest, balance: &[CellBalance]) -> String {
    let parts: Vec<String> = balance
        .iter()
        .map(|cell| format!("{} {}", cell.got, label(cell.label)))
        .collect();
    format!(
        "{} from {}: {}.",
        counted(manifest.funnel.accepted, "row", "rows"),
        counted(manifest.funnel.asked, "candidate", "candidates"),
        parts.join(", ")
    )
}

fn rater_sentence(pairs: &[Agreement]) -> Option<String> {
    let known: Vec<&Agreement> = pairs
        .iter()
        .filter(|pair| pair.population == Population::AllScored && pair.raw.is_some())
        .collect();
    let lowest = known.iter().copied().min_by(|a, b| compare(a.raw, b.raw))?;
    let highest = known.iter().copied().max_by(|a, b| compare(a.raw, b.raw))?;
    Some(if known.len() == 1 {
        format!(
            "The two raters give the same label to {} of candidates (kappa {}).",
            share(lowest.raw),
            two_digits(lowest.kappa)
        )
    } else {
        format!(
            "Two raters give the same label to {} to {} of candidates (kappa {} to {}).",
            share(lowest.raw),
            share(highest.raw),
            two_digits(lowest.kappa),
            two_digits(highest.kappa)
        )
    })
}

fn compare(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0))
}

/// What to be careful about, most serious first.
pub(crate) fn warnings(manifest: &Manifest, figures: &Figures) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &'static str, text: String| warnings.push(Warning { code, text });
    for cell in figures.balance.iter().filter(|cell| cell.missing > 0) {
        warn(
            "shortfall",
            format!(
                "Label {}: {} of {} wanted rows; {} are missing after {} candidates.",
                label(cell.label),
                cell.got,
                cell.wanted,
                cell.missing,
                cell.asked
            ),
        );
    }
    for (code, name, counted, found) in [
        ("row_count", "rows", manifest.funnel.accepted, figures.rows),
        (
            "reject_count",
            "rejects",
            manifest.funnel.rejected,
            figures.rejects,
        ),
    ] {
        if counted != found {
            warn(
                code,
                format!(
                    "The manifest counts {counted} {name} and the version's file holds {found}: verify the version."
                ),
            );
        }
    }
    for one in &figures.agreement {
        let much = one.unknown_share.filter(|share| *share > MUCH_UNKNOWN);
        if let (Population::AllScored, Some(much)) = (one.population, much) {
            warn(
                "unknown",
                format!(
                    "{}: {} of judgements are unknown ({} of {}); the figures are over the rest.",
                    one.second,
                    share(Some(much)),
                    one.unknown,
                    one.n + one.unknown
                ),
            );
        }
    }
    for (rater, count) in &figures.bounded {
        warn(
            "bounded",
            format!(
                "{rater}: {}, because an answer was not among those that the server showed. Such a verdict counts \
                 for a label where both its ends do, and `label_confidence` is the lower one.",
                counted(
                    *count,
                    "verdict is only a range",
                    "verdicts are only ranges"
                )
            ),
        );
    }
    for (who, notes) in replies(manifest) {
        for (code, count) in notes {
            warn("reply_note", note_sentence(who, code, *count));
        }
    }
    if let Some(all) = together(&figures.agreement, Population::AllScored) {
        if all.n > 0 && all.n < FEW {
            warn(
                "few_scored",
                format!(
                    "Only {} scored: every interval here is wide.",
                    counted(all.n, "candidate is", "candidates are")
                ),
            );
        }
        if all
            .prevalence_index
            .is_some_and(|index| index.abs() > SKEWED)
        {
            warn(
                "skew",
                format!(
                    "The scored candidates are skewed towards one label (prevalence index {}): kappa is low however \
                     often raters agree; read the raw share and AC1 ({}).",
                    two_digits(all.prevalence_index),
                    two_digits(all.ac1)
                ),
            );
        }
    }
    if figures.borderline > 0 {
        warn(
            "borderline",
            format!(
                "{} within {BORDERLINE} of the minimum confidence {}: another machine or build may decide otherwise.",
                counted(figures.borderline, "candidate lies", "candidates lie"),
                manifest.minimum_confidence
            ),
        );
    }
    let conflicts = figures
        .duplicates
        .iter()
        .filter(|duplicate| duplicate.conflict)
        .count() as u64;
    if conflicts > 0 {
        warn(
            "label_conflict",
            format!(
                "{} stood under both labels; all were dropped.",
                counted(
                    conflicts,
                    "candidate repeats a text that",
                    "candidates repeat texts that"
                )
            ),
        );
    }
    let length = length_sentence(&figures.length);
    let tells_length = length.is_some();
    if let Some(sentence) = length {
        warn("length", sentence);
    }
    for (guesser, sentence) in figures.giveaways.iter().flat_map(GiveAways::warnings) {
        // Said already, by how it ranks.
        if guesser != Guesser::Length || !tells_length {
            warn("giveaway", sentence);
        }
    }
    for sentence in crate::position::sentences(&manifest.raters) {
        warn("position", sentence);
    }
    for (origin, words) in [
        (
            "borrowed",
            "uses a calibration curve fitted on another model, so its probabilities may be too sure or too timid",
        ),
        (
            "none",
            "has no calibration curve, so its probabilities are raw scores",
        ),
    ] {
        for rater in manifest
            .raters
            .iter()
            .filter(|rater| rater.calibration.origin == origin)
        {
            warn(
                if origin == "none" {
                    "uncalibrated"
                } else {
                    "borrowed_calibration"
                },
                format!("Rater {} {words}.", rater.rater),
            );
        }
    }
    if manifest
        .judges
        .iter()
        .any(|judge| judge.name == manifest.generator.name)
    {
        warn(
            "self_judged",
            format!(
                "{} wrote the rows and judged them; a model tends to prefer its own words.",
                manifest.generator.name
            ),
        );
    }
    warnings
}

/// Everyone whose replies may carry notes: the generator, then the raters.
fn replies(manifest: &Manifest) -> impl Iterator<Item = (&str, &BTreeMap<String, u64>)> {
    let raters = manifest.raters.iter();
    std::iter::once((manifest.generator.name.as_str(), &manifest.notes))
        .chain(raters.map(|rater| (rater.rater.as_str(), &rater.notes)))
}

/// What a note on so many replies means.
fn note_sentence(who: &str, code: &str, count: u64) -> String {
    let what = match code {
        "usage_estimated" => "came without token counts; theirs are our upper estimate",
        "context_full" => "ended early because the model's context was full",
        "floor_value" => {
            "held log-probabilities at a floor that stands for no value; they count as no mass"
        }
        "post_sampling" => {
            "gave probabilities from after sampling, which say what won and not how surely"
        }
        "form_not_shown" => {
            "did not show a form of an answer; no more than an upper bound of its mass is known"
        }
        "value_missing" => {
            "gave no value for a form of an answer; no more than an upper bound of its mass is known"
        }
        "repaired" => "were read from text that had to be repaired",
        _ => {
            return format!(
                "{who}: {} `{code}`.",
                counted(count, "reply is noted", "replies are noted")
            );
        }
    };
    format!("{who}: {} {what}.", counted(count, "reply", "replies"))
}

/// Whether length gives labels away, as a sentence.
fn length_sentence(length: &Length) -> Option<String> {
    let area = length.area_under_curve?;
    if (area - 0.5).abs() < LENGTH_TELLS {
        return None;
    }
    let longer = if area > 0.5 {
        Side::Matching
    } else {
        Side::NotMatching
    };
    Some(format!(
        "Length gives the label away: statements labelled {} are longer, and the number of words alone ranks the \
         labels with an area under the curve of {} (0.50 would be no sign).",
        label(longer),
        two_digits(Some(area))
    ))
}

/// Known limits, for the dataset card.
pub(crate) fn limits(manifest: &Manifest) -> Vec<String> {
    let mut limits = vec![
        "No person has labelled these rows; agreement is between models, not accuracy.".to_owned(),
        "Rows were chosen by the same ratings that are reported; figures over all scored candidates are the honest ones."
            .to_owned(),
    ];
    limits.extend(small_model_sentence(manifest));
    limits
}

/// A sentence that Markdown shows as it is written.
pub(crate) fn markdown_safe(sentence: &str) -> String {
    let mut safe = String::with_capacity(sentence.len());
    for character in evalwright_core::show::visible(sentence).chars() {
        match character {
            '\n' | '\t' => safe.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' => {
                safe.push('\\');
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}
