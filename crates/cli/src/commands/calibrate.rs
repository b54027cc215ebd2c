//! `evalwright calibrate`: judges' curves and minimum confidences, fitted to people's labels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use evalwright_core::{Judgement, Probability, Seed, Side, exit_code};
use evalwright_dataset::annotations::{AnnotationOptions, read_annotations};
use evalwright_dataset::import::{ImportedRow, ReadOptions, label_class, read_all};
use evalwright_dataset::{Manifest, read_manifest, read_rejects};
use evalwright_report::calibrate::{
    CalibrateOptions, Calibrated, CalibratedRater, CurveMethod, LabelledCandidate, PUBLISHED,
    Score, calibrate,
};
use serde_json::Value;

use crate::commands::audit::{By, tell};
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// The requirement whose verdicts are calibrated.
const LABEL: &str = "label";

/// Arguments of `calibrate`.
#[derive(Debug, Args)]
pub(crate) struct CalibrateArguments {
    /// Version folders with the judges' verdicts; or any dataset whose rows state a label confidence
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// People's labels, as `audit` reads them; may be given more than once. Each item's label is the one that most give
    #[arg(long, value_name = "FILE", required = true)]
    annotations: Vec<PathBuf>,
    /// How an annotation names its row; by identifier and by text also candidates that fell are found
    #[arg(long, value_enum, default_value_t = By::Id, value_name = "HOW")]
    annotation_by: By,
    /// Find the minimum confidence from which this share of labels is right; may be given more than once
    #[arg(long, value_name = "SHARE")]
    precision: Vec<f64>,
    /// Let the lower end of the 95 % interval reach the precision, not the share alone
    #[arg(long)]
    cautious: bool,
    /// The sort of all curves, instead of the better one for each rater
    #[arg(long, value_enum, value_name = "METHOD")]
    method: Option<Sort>,
    /// Decides folds and draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the calibration file that a behaviour can name
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON document instead of the summary
    #[arg(long)]
    json: bool,
}

/// The sort of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// Platt's logistic curve
    Logistic,
    /// A rising curve through points
    Isotonic,
}

pub(crate) fn run(arguments: &CalibrateArguments, printer: &Printer) -> Result<u8, Failure> {
    if let Some(wrong) = arguments
        .precision
        .iter()
        .find(|share| !(**share > 0.0 && **share <= 1.0))
    {
        return Err(Failure::new(
            Kind::Usage,
            format!("--precision {wrong} is no share above 0 and at most 1"),
        ));
    }
    let mut precisions = arguments.precision.clone();
    precisions.sort_by(f64::total_cmp);
    precisions.dedup();
    let mut material = Material::default();
    for path in &arguments.paths {
        material.read(path)?;
    }
    material.settle_raters()?;
    let labelled = material.label(&arguments.annotations, arguments.annotation_by, printer)?;
    let options = CalibrateOptions {
        fitted_on: fitted_on(&material, labelled.len(), arguments),
        method: arguments.method.map(|sort| match sort {
            Sort::Logistic => CurveMethod::Logistic,
            Sort::Isotonic => CurveMethod::Isotonic,
        }),
        precisions,
        cautious: arguments.cautious,
        seed: Seed(arguments.seed),
    };
    let found = calibrate(&labelled, &material.raters, &options)?;
    if let Some(out) = &arguments.out {
        write(out, &found, printer)?;
    }
    if arguments.json {
        printer.json(&serde_json::to_value(&found).map_err(|error| {
            Failure::new(Kind::Unexpected, format!("cannot write JSON: {error}"))
        })?)?;
    } else {
        printer.data(&found.summary_text())?;
    }
    let is_missed = found.thresholds.iter().any(|one| one.found.is_none());
    Ok(if is_missed {
        exit_code::BELOW_TARGET
    } else {
        exit_code::DONE
    })
}

fn write(out: &Path, found: &Calibrated, printer: &Printer) -> Result<(), Failure> {
    let Some(file) = &found.file else {
        return Err(Failure::new(
            Kind::Config,
            "a calibration file holds curves of raters, and these rows say of none what it scored",
        )
        .hint("name version folders that a run made; without `--out` the figures are printed all the same"));
    };
    std::fs::write(out, file.to_toml()?).map_err(|cause| Failure::unwritable(out, &cause))?;
    printer.say(&format!("wrote {}", out.display()));
    Ok(())
}

fn fitted_on(material: &Material, labelled: usize, arguments: &CalibrateArguments) -> String {
    let name = |path: &PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let people: Vec<String> = arguments.annotations.iter().map(name).collect();
    format!(
        "{labelled} candidates of {}, labelled in {}",
        material.names.join(", "),
        people.join(", ")
    )
}

/// One candidate before anybody's label is known.
struct Candidate {
    intended: Side,
    confidence: Option<f64>,
    published: bool,
    scores: BTreeMap<String, Score>,
    /// What an annotation may call it, by identifier and by text.
    ids: Vec<String>,
    texts: Vec<String>,
    /// Words for the answer that shows the behaviour, folded, and for the others.
    matching: Vec<String>,
    not_matching: Vec<String>,
}

/// Everything that was read.
#[derive(Default)]
struct Material {
    /// What the paths are called in words.
    names: Vec<String>,
    raters: Vec<CalibratedRater>,
    candidates: Vec<Candidate>,
    /// Rows that are no candidates of a run.
    plain: usize,
}

impl Material {
    fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let manifest = if path.join("manifest.json").is_file() {
            Some(read_manifest(path)?)
        } else {
            None
        };
        let imported = read_all(
            std::slice::from_ref(&path.to_path_buf()),
            &ReadOptions::default(),
        )?;
        self.names.push(match &manifest {
            Some(manifest) => format!("{} {}", manifest.dataset, manifest.version),
            None => path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
        });
        let rated = manifest.filter(|manifest| {
            manifest
                .raters
                .iter()
                .any(|rater| rater.requirement == LABEL)
        });
        let Some(manifest) = rated else {
            self.plain += imported.rows.len();
            self.candidates
                .extend(imported.rows.iter().filter_map(plain_row));
            return Ok(());
        };
        self.take_raters(path, &manifest)?;
        let start = self.candidates.len();
        self.candidates
            .extend(imported.rows.iter().filter_map(judged_row));
        let words = words_by_side(self.candidates.get(start..).unwrap_or_default());
        for reject in read_rejects(&path.join("rejected.jsonl"))? {
            let candidate = reject.candidate;
            let scores = scores(&candidate.judgements);
            if scores.is_empty() {
                continue;
            }
            let intended = candidate.slot.cell.label;
            let (matching, not_matching) = words.get(&intended).cloned().unwrap_or_default();
            self.candidates.push(Candidate {
                intended,
                confidence: candidate.confidence.map(Probability::value),
                published: false,
                scores,
                ids: vec![candidate.id],
                texts: vec![candidate.text.trim().to_owned()],
                matching,
                not_matching,
            });
        }
        Ok(())
    }

    fn take_raters(&mut self, path: &Path, manifest: &Manifest) -> Result<(), Failure> {
        for rater in manifest
            .raters
            .iter()
            .filter(|rater| rater.requirement == LABEL)
        {
            let judge = manifest.judges.iter().find(|one| one.name == rater.judge);
            let found = CalibratedRater {
                rater: rater.rater.clone(),
                judge: rater.judge.clone(),
                weights: judge.and_then(|judge| judge.weights),
                wording: rater.wording.clone(),
                method: Some(rater.method),
                counts: rater.counts,
            };
            match self.raters.iter().find(|one| one.rater == found.rater) {
                None => self.raters.push(found),
                Some(known) if *known == found => {}
                Some(_) => {
                    return Err(Failure::new(
                        Kind::Config,
                        format!(
                            "{}: rater {} has other weights, another method or another weight here than in a version before",
                            path.display(),
                            rater.rater
                        ),
                    )
                    .hint("calibrate versions together only if the same judges judged them in the same way"));
                }
            }
        }
        Ok(())
    }

    /// Rows without verdicts have their label confidence as the only rater; both sorts together make no sense.
    fn settle_raters(&mut self) -> Result<(), Failure> {
        if self.plain > 0 && !self.raters.is_empty() {
            return Err(Failure::new(
                Kind::Config,
                "some of the rows have verdicts of raters and some only a label confidence",
            )
            .hint("calibrate them apart"));
        }
        if self.raters.is_empty() {
            self.raters.push(CalibratedRater {
                rater: PUBLISHED.to_owned(),
                judge: String::new(),
                weights: None,
                wording: PUBLISHED.to_owned(),
                method: None,
                counts: true,
            });
        }
        if self.candidates.is_empty() {
            return Err(Failure::new(
                Kind::Config,
                "no row has a verdict of a judge or a label confidence: there is nothing to calibrate",
            )
            .hint("name version folders that a run made, or a dataset with `label_confidence`"));
        }
        Ok(())
    }

    /// Puts people's labels to candidates. Whatever could not be used is told.
    fn label(
        &self,
        files: &[PathBuf],
        by: By,
        printer: &Printer,
    ) -> Result<Vec<LabelledCandidate>, Failure> {
        let places = self.places(by);
        // By candidate, votes for it being matching or not.
        let mut votes: BTreeMap<usize, [u64; 2]> = BTreeMap::new();
        for path in files {
            let annotations = read_annotations(path, &AnnotationOptions::default())?;
            tell(path, &annotations, printer);
            let (mut unknown, mut strange) = (BTreeSet::new(), BTreeSet::new());
            let mut used = 0_u64;
            for rating in &annotations.ratings {
                let Some(label) = &rating.label else { continue };
                let Some(place) = places.get(rating.item.trim()) else {
                    unknown.insert(rating.item.as_str());
                    continue;
                };
                let Some(side) = self.candidates.get(*place).and_then(|one| one.side(label)) else {
                    strange.insert(label.as_str());
                    continue;
                };
                used += 1;
                let cast = votes.entry(*place).or_default();
                cast[usize::from(side == Side::NotMatching)] += 1;
            }
            let some = |names: &BTreeSet<&str>| {
                let names: Vec<&str> = names.iter().take(5).copied().collect();
                names.join(", ")
            };
            if !unknown.is_empty() {
                printer.say(&format!(
                    "{}: {} items are no candidate, such as {}",
                    path.display(),
                    unknown.len(),
                    some(&unknown)
                ));
            }
            if !strange.is_empty() {
                printer.say(&format!(
                    "{}: words that are no answer of their row were left out: {}",
                    path.display(),
                    some(&strange)
                ));
            }
            if used == 0 {
                let problem = if annotations.ratings.is_empty() {
                    "it holds no rating"
                } else if unknown.is_empty() {
                    "none of its labels is an answer of its row"
                } else {
                    "none of its items is a row or candidate"
                };
                return Err(
                    Failure::new(Kind::Config, format!("{}: {problem}", path.display())).hint(
                        "`--annotation-by number` or `--annotation-by text` match by the row's number or text; labels are \
                         answers of the row, or `matching` and `not matching`",
                    ),
                );
            }
        }
        let ties = votes.values().filter(|[yes, no]| yes == no).count();
        if ties > 0 {
            printer.say(&format!(
                "{ties} items were left out because as many people say one thing as the other"
            ));
        }
        Ok(votes
            .into_iter()
            .filter(|(_, [yes, no])| yes != no)
            .filter_map(|(place, [yes, no])| {
                let one = self.candidates.get(place)?;
                Some(LabelledCandidate {
                    intended: one.intended,
                    said: if yes > no {
                        Side::Matching
                    } else {
                        Side::NotMatching
                    },
                    confidence: one.confidence,
                    published: one.published,
                    scores: one.scores.clone(),
                })
            })
            .collect())
    }

    /// The candidate that a name means; the first of several.
    fn places(&self, by: By) -> BTreeMap<String, usize> {
        let mut places = BTreeMap::new();
        let mut number = 0_usize;
        for (place, one) in self.candidates.iter().enumerate() {
            number += usize::from(one.published);
            let names = match by {
                By::Id => one.ids.clone(),
                By::Text => one.texts.clone(),
                By::Number if one.published => vec![number.to_string()],
                By::Number => Vec::new(),
            };
            for name in names {
                places.entry(name).or_insert(place);
            }
        }
        places
    }
}

impl Candidate {
    /// The side that a person's label puts it on.
    fn side(&self, label: &str) -> Option<Side> {
        let word = folded(label);
        if self.matching.contains(&word) {
            return Some(Side::Matching);
        }
        if self.not_matching.contains(&word) {
            return Some(Side::NotMatching);
        }
        match word.replace(['_', '-'], " ").as_str() {
            "matching" => Some(Side::Matching),
            "not matching" => Some(Side::NotMatching),
            _ => None,
        }
    }
}

fn folded(label: &str) -> String {
    label_class(label).to_lowercase()
}

/// The scores of raters that know.
fn scores(judgements: &[Judgement]) -> BTreeMap<String, Score> {
    judgements
        .iter()
        .filter(|judgement| judgement.requirement == LABEL)
        .filter_map(|judgement| {
            let score = Score {
                log_odds: judgement.log_odds.filter(|score| score.is_finite())?,
                probability: judgement.verdict.matching()?.value(),
            };
            Some((judgement.rater.clone(), score))
        })
        .collect()
}

/// A row of a version that a run made. The answer that shows the behaviour is the matching one if the text was written
/// for the matching side: there the label is right where people choose it, and elsewhere too.
fn judged_row(row: &ImportedRow) -> Option<Candidate> {
    let original = row.original_fields();
    let metadata = original.get("metadata")?.as_object()?;
    let intended: Side = serde_json::from_value(metadata.get("label")?.clone()).ok()?;
    let judgements: Vec<Judgement> =
        serde_json::from_value(metadata.get("judgements")?.clone()).ok()?;
    let right: Vec<String> = row.matching.iter().map(|answer| folded(answer)).collect();
    let wrong: Vec<String> = row
        .not_matching
        .iter()
        .map(|answer| folded(answer))
        .collect();
    let (matching, not_matching) = match intended {
        Side::Matching => (right, wrong),
        Side::NotMatching => (wrong, right),
    };
    let text = |name: &str| {
        let text = metadata.get(name).and_then(Value::as_str)?;
        Some(text.trim().to_owned())
    };
    Some(Candidate {
        intended,
        confidence: row
            .confidence
            .or_else(|| metadata.get("confidence").and_then(Value::as_f64)),
        published: true,
        scores: scores(&judgements),
        ids: [Some(row.key()), text("candidate")]
            .into_iter()
            .flatten()
            .collect(),
        texts: [row.text().trim(), row.question.trim()]
            .into_iter()
            .map(str::to_owned)
            .chain(text("text"))
            .collect(),
        matching,
        not_matching,
    })
}

/// A row that only says how sure it is of its label: its label is right, or not.
fn plain_row(row: &ImportedRow) -> Option<Candidate> {
    let confidence = Probability::new(row.confidence?).ok()?;
    let score = Score {
        log_odds: confidence.log_odds(),
        probability: confidence.value(),
    };
    Some(Candidate {
        intended: Side::Matching,
        confidence: Some(confidence.value()),
        published: true,
        scores: BTreeMap::from([(PUBLISHED.to_owned(), score)]),
        ids: row.id.iter().cloned().chain([row.key()]).collect(),
        texts: [row.text(), &row.question]
            .map(|text| text.trim().to_owned())
            .to_vec(),
        matching: row.matching.iter().map(|answer| folded(answer)).collect(),
        not_matching: row
            .not_matching
            .iter()
            .map(|answer| folded(answer))
            .collect(),
    })
}

type Words = (Vec<String>, Vec<String>);

/// The words for either answer of texts of each side, where all rows of the side have the same: candidates that fell
/// have no answers of their own.
fn words_by_side(rows: &[Candidate]) -> BTreeMap<Side, Words> {
    let mut all: BTreeMap<Side, BTreeSet<Words>> = BTreeMap::new();
    for row in rows {
        all.entry(row.intended)
            .or_default()
            .insert((row.matching.clone(), row.not_matching.clone()));
    }
    // Agreeing with a text puts it on the matching side whatever it was written for.
    let one: BTreeSet<&Words> = all.values().flatten().collect();
    if let [only] = one.into_iter().collect::<Vec<_>>().as_slice() {
        return Side::ALL.map(|side| (side, (*only).clone())).into();
    }
    all.into_iter()
        .filter(|(_, words)| words.len() == 1)
        .filter_map(|(side, words)| Some((side, words.into_iter().next()?)))
        .collect()
}
