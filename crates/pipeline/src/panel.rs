//! What one judge is asked: each rater's wording, by the first of its methods that the judge can do.
//!
//! A panel is a function of the plan and of what the judge can do; which methods were used is part of the
//! recipe and stands in the manifest.

use evalwright_core::model::WholeScores;
use evalwright_core::{Abilities, Method, Model, Probability, Prompt, Side, Verdict};
use evalwright_recipe::{CalibrationChoice, Curve, Rater, ScoreStage, Values, sample_fields};

use evalwright_recipe::calibration_file::MEAN;

use crate::calibrate::{Calibration, average};
use crate::error::PipelineError;
use crate::plan::RunPlan;
use crate::stage::score::LogOdds;

/// The requirement that says which side a text stands on.
pub(crate) const LABEL: &str = "label";
/// A statement that stands in for a real one where only a prompt's shape is wanted.
const STATEMENT: &str = "I am here.";

/// One rater of one judge.
#[derive(Debug, Clone)]
pub(crate) struct Seat<'a> {
    /// The wording.
    pub(crate) wording: &'a Rater,
    /// How its score is read from this judge.
    pub(crate) method: Method,
    /// What makes a probability of its log-odds.
    pub(crate) curve: Calibration,
}

/// One judge with its raters.
pub(crate) struct Panel<'a> {
    /// The judge.
    pub(crate) judge: &'a dyn Model,
    /// What it judges.
    pub(crate) requirement: &'a str,
    /// Its raters, in the order of the stage.
    pub(crate) seats: Vec<Seat<'a>>,
    /// The curve of the counting raters' mean probability, where there is one.
    pub(crate) mean: Option<Calibration>,
}

impl<'a> Panel<'a> {
    /// Seats the raters that the judge can be. Those with `fallback` only where none of the others counts.
    ///
    /// # Errors
    /// When the judge can be no rater that counts, or a prompt cannot be rendered.
    pub(crate) fn new(
        run: &RunPlan<'_>,
        judge: &'a dyn Model,
        stage: &'a ScoreStage,
    ) -> Result<Self, PipelineError> {
        let raters = &stage.raters;
        let mut seated: Vec<(&'a Rater, Method)> = Vec::new();
        for wording in raters {
            let prompt = shape(run, wording)?;
            let method = wording
                .methods
                .iter()
                .find(|method| is_able(judge.abilities(), **method, &prompt));
            seated.extend(method.map(|method| (wording, *method)));
        }
        if seated
            .iter()
            .any(|(wording, _)| wording.counts && !wording.fallback)
        {
            seated.retain(|(wording, _)| !wording.fallback);
        }
        if !seated.iter().any(|(wording, _)| wording.counts) {
            return Err(PipelineError::NoMethod {
                judge: judge.identity().name.clone(),
                methods: methods(raters),
            });
        }
        let panel = Self::seat(
            &run.kind.kind.calibration,
            judge,
            &stage.requirement,
            seated,
        );
        match &run.behaviour.calibration {
            Some(choice) if stage.requirement == LABEL => panel.fitted(choice),
            _ => Ok(panel),
        }
    }

    /// The same panel with the curves of the behaviour's calibration file. Raters that do not count may have none
    /// there; all others must.
    fn fitted(mut self, choice: &CalibrationChoice) -> Result<Self, PipelineError> {
        let refuse = |problem| PipelineError::Calibration {
            file: choice.file.clone(),
            problem,
        };
        let Some(content) = &choice.content else {
            return Err(refuse("it was not read".to_owned()));
        };
        let identity = self.judge.identity();
        for seat in &mut self.seats {
            let own = Calibration::own(
                &content.curves,
                identity,
                &seat.wording.name,
                Some(seat.method),
            );
            match own {
                Ok(curve) => seat.curve = curve,
                Err(problem) if seat.wording.counts => return Err(refuse(problem)),
                Err(_) => {}
            }
        }
        let counting = self.seats.iter().filter(|seat| seat.wording.counts).count();
        self.mean = match counting {
            0 | 1 => None,
            _ => Some(Calibration::own(&content.curves, identity, MEAN, None).map_err(refuse)?),
        };
        Ok(self)
    }

    fn seat(
        curves: &[Curve],
        judge: &'a dyn Model,
        requirement: &'a str,
        seated: Vec<(&'a Rater, Method)>,
    ) -> Self {
        let identity = judge.identity();
        let counting = seated.iter().filter(|(wording, _)| wording.counts).count();
        let is_clamped = seated.iter().any(|(wording, _)| wording.clamp.is_some());
        let mean = if is_clamped {
            Calibration::NONE
        } else {
            Calibration::find(curves, identity, MEAN)
        };
        Self {
            judge,
            requirement,
            seats: seated
                .into_iter()
                .map(|(wording, method)| Seat {
                    wording,
                    method,
                    // A curve is fitted on a rater's first method; numbers read otherwise have another spread.
                    // A clamped probability says little of how sure the judge is, so no curve fits it.
                    curve: if wording.methods.first() == Some(&method) && wording.clamp.is_none() {
                        Calibration::find(curves, identity, &wording.name)
                    } else {
                        Calibration::NONE
                    },
                })
                .collect(),
            // The curve named `mean` belongs to a mean: one counting rater uses its own.
            mean: (requirement == LABEL && counting > 1 && mean != Calibration::NONE)
                .then_some(mean),
        }
    }

    /// The judge's P(matching) from the log-odds of its raters, in their order: the mean, over those that count
    /// and know, of the probability that each one's own curve gives; then its log-odds under the curve `mean`,
    /// where there is one. Probabilities are averaged and not log-odds, so that one rater that is very sure does
    /// not outvote the others. Bounds where one of them is bounded; `None` when no counting rater knows.
    pub(crate) fn settle(&self, log_odds: &[Option<LogOdds>]) -> Option<Verdict> {
        let known: Vec<(&Calibration, LogOdds)> = self
            .seats
            .iter()
            .zip(log_odds)
            .filter(|(seat, _)| seat.wording.counts)
            .filter_map(|(seat, log_odds)| log_odds.map(|log_odds| (&seat.curve, log_odds)))
            .collect();
        let end = |of: fn(&LogOdds) -> f64| -> Option<Probability> {
            let probabilities: Option<Vec<f64>> = known
                .iter()
                .map(|(curve, log_odds)| Some(curve.probability(of(log_odds))?.value()))
                .collect();
            let mean = average(&probabilities?)?;
            // A mean of probabilities is one; rounding could carry it past an end.
            let mean = Probability::new(mean.clamp(0.0, 1.0)).ok()?;
            match &self.mean {
                Some(curve) => curve.probability(mean.log_odds()),
                None => Some(mean),
            }
        };
        let (low, high) = (end(LogOdds::low)?, end(LogOdds::high)?);
        Some(if known.iter().all(|(_, log_odds)| log_odds.is_known()) {
            Verdict::Known { matching: low }
        } else {
            Verdict::Bounded { low, high }
        })
    }
}

/// A rater's prompt, for its shape alone.
fn shape(run: &RunPlan<'_>, wording: &Rater) -> Result<Prompt, PipelineError> {
    let is_channel = wording.methods.contains(&Method::Channel);
    let item = if run.kind.kind.maps_fields() {
        Some(sample_fields(run.kind, run.behaviour)?)
    } else {
        None
    };
    let values = Values {
        behaviour: run.behaviour,
        label: Side::Matching,
        examples: &[],
        statement: (!is_channel).then_some(STATEMENT),
        opened: true,
        item: item.as_ref(),
        reasoning: wording.reasons.as_ref().map(|_| STATEMENT),
    };
    Ok(run.kind.prompts.render_prompt(&wording.prompt, &values)?)
}

/// Whether a model can be asked by a method under a prompt of this shape.
fn is_able(abilities: Abilities, method: Method, prompt: &Prompt) -> bool {
    let is_text = matches!(prompt, Prompt::Text(_));
    if is_text && !abilities.text_prompts {
        return false;
    }
    match method {
        Method::Channel | Method::Sequence => match abilities.whole_scores {
            WholeScores::Never => false,
            WholeScores::AfterText => is_text,
            WholeScores::Always => true,
        },
        Method::Token => abilities.first_token,
        Method::Constrained => abilities.constrained,
        Method::Votes => true,
    }
}

/// The methods of all counting raters, each once, in words.
fn methods(raters: &[Rater]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for method in raters
        .iter()
        .filter(|rater| rater.counts)
        .flat_map(|rater| &rater.methods)
    {
        if !words.contains(&method.as_str()) {
            words.push(method.as_str());
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests;
