//! `score`: asks every judge under every wording how likely each side is, or whether another requirement holds.
//!
//! Methods: *channel* compares how likely the text is in the voice of either side (noisy-channel prompting,
//! Min et al. 2022); *sequence* compares whole answers, *token* their first tokens, both renormalised over the
//! two sides; *votes* counts sampled answers. What cannot be known is *unknown* or *bounded*, never a made-up
//! number.

mod combine;
mod notes;
mod position;
mod question;
mod reading;
mod reasoning;
pub(crate) mod subject;
mod votes;

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{
    Judgement, Method, Probability, RejectReason, SampleRequest, ScoreRequest, Side, UnknownReason,
    Verdict,
};
use evalwright_recipe::{Rater, ScoreStage};

use crate::calibrate::{Calibration, average};
use crate::calls::Caller;
use crate::error::PipelineError;
use crate::judge::JudgedText;
use crate::ledger::Ledger;
use crate::panel::{LABEL, Panel};
use crate::plan::RunPlan;
use crate::progress::Progress;

pub(crate) use combine::{combined, combined_others};
pub(crate) use notes::NoteCounts;
pub(crate) use question::{Asked, Place, Question, questions};
pub(crate) use reading::{LogOdds, unknown as unknown_reason};
use reading::{Reading, Replies, clamped, read, together};
pub(crate) use reasoning::{Thoughts, reasonings};
use subject::{Subject, views};

/// The options of the stage, known to be complete.
#[derive(Debug)]
pub(crate) struct Scoring<'a> {
    options: &'a ScoreStage,
}

/// Which of the behaviour's examples the judges read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Those that the writer never sees: for statements that were written in the run.
    HeldBack,
    /// All: for texts that come from elsewhere.
    All,
}

/// What the stage needs beside the candidates.
pub(crate) struct ScoreContext<'a> {
    /// The plan.
    pub(crate) run: &'a RunPlan<'a>,
    /// One per requirement and judge.
    pub(crate) panels: &'a [Panel<'a>],
    /// The probability below which a candidate falls: of the intended side, or that the requirement holds.
    pub(crate) minimum: Probability,
}

impl<'a> Scoring<'a> {
    /// Checks the raters; the error is a sentence.
    pub(crate) fn new(options: &'a ScoreStage) -> Result<Self, String> {
        if !options.raters.iter().any(|rater| rater.counts) {
            return Err("no rater of stage `score` counts in the label confidence".to_owned());
        }
        let mut names = BTreeSet::new();
        for rater in &options.raters {
            if !names.insert(&rater.name) {
                return Err(format!("two raters are named `{}`", rater.name));
            }
            is_complete(rater, options.options.is_some())?;
        }
        Ok(Self { options })
    }

    /// What the kind file says.
    pub(crate) fn options(&self) -> &'a ScoreStage {
        self.options
    }

    /// Judges candidates. Those that no rater can judge fall, and those whose P(intended side) is below the
    /// minimum or whose bounds leave that open. `confidence` of a candidate whose probability is only bounded is
    /// the low end of P(intended side): it is at least that. Another requirement than the label holds or not
    /// whatever side the candidate was written for; its probability is kept beside the confidence.
    pub(crate) fn apply(
        &self,
        stage: &str,
        context: &ScoreContext<'_>,
        positions: &[usize],
        ledger: &mut Ledger,
        asking: &mut Asking<'_, '_>,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let maps_fields = context.run.kind.kind.maps_fields();
        let subjects: Vec<Subject<'_>> = positions
            .iter()
            .filter_map(|position| ledger.entries().get(*position))
            .map(|entry| Subject::of_candidate(&entry.candidate, maps_fields))
            .collect();
        let judged = self.judge_all(
            context.run,
            context.panels,
            Shown::HeldBack,
            &subjects,
            asking,
        )?;
        for (position, judged) in positions.iter().zip(judged) {
            let Some(entry) = ledger.entry_mut(*position) else {
                continue;
            };
            let requirement = &self.options.requirement;
            let is_label = requirement == LABEL;
            let candidate = &mut entry.candidate;
            let decision = decide(
                judged.verdict.as_ref(),
                if is_label {
                    candidate.slot.cell.label
                } else {
                    Side::Matching
                },
                context.minimum,
                (!is_label).then_some(requirement.as_str()),
                &judged.judgements,
            );
            candidate.judgements.extend(judged.judgements);
            if is_label {
                candidate.confidence = decision.confidence;
            } else if let Some(probability) = decision.confidence {
                entry.scores.insert(requirement.clone(), probability);
            }
            if let Some(reason) = decision.reason {
                ledger.reject(*position, stage, reason, progress);
            }
        }
        Ok(())
    }

    /// What every judge says about each text under every wording.
    pub(crate) fn judge_all(
        &self,
        run: &RunPlan<'_>,
        panels: &[Panel<'_>],
        shown: Shown,
        subjects: &[Subject<'_>],
        asking: &mut Asking<'_, '_>,
    ) -> Result<Vec<JudgedText>, PipelineError> {
        let mut judged: Vec<Judged> = subjects.iter().map(|_| Judged::default()).collect();
        let own = |panel: &&Panel<'_>| panel.requirement == self.options.requirement;
        for panel in panels.iter().filter(own) {
            let texts = QUESTIONS_AT_ONCE.div_ceil(panel.seats.len().max(1));
            for (subjects, judged) in subjects.chunks(texts).zip(judged.chunks_mut(texts)) {
                let thoughts = reasoning::think(run, self.options, panel, subjects, asking)?;
                let questions = questions(run, self.options, panel, shown, subjects, &thoughts)?;
                let replies = replies(panel, questions, asking.caller)?;
                let told = (&thoughts, &replies);
                self.read(run, panel, subjects, told, judged, asking.notes);
            }
        }
        Ok(judged.into_iter().map(Judged::settle).collect())
    }

    /// Adds the verdicts of one judge that follow from its replies.
    fn read(
        &self,
        run: &RunPlan<'_>,
        panel: &Panel<'_>,
        subjects: &[Subject<'_>],
        (thoughts, replies): (&Thoughts, &BTreeMap<Place, Replies>),
        judged: &mut [Judged],
        notes: &mut NoteCounts,
    ) {
        let model = &panel.judge.identity().name;
        let raters: Vec<String> = panel
            .seats
            .iter()
            .map(|seat| rater_name(model, &seat.wording.name))
            .collect();
        for (text, (judged, subject)) in judged.iter_mut().zip(subjects).enumerate() {
            let mut log_odds = Vec::new();
            for (number, (seat, rater)) in panel.seats.iter().zip(&raters).enumerate() {
                let mut readings = Vec::new();
                let seen = views(run, self.options, seat, subject);
                let mut reasoning = Vec::new();
                for (view, seen) in seen.iter().enumerate() {
                    let place = (text, number, view);
                    reasoning.extend(thoughts.reply(place));
                    readings.push(match replies.get(&place) {
                        Some(replies) => {
                            notes.add(rater, replies.notes());
                            read(seat, seen.forms.as_deref(), replies)
                        }
                        None => Reading::unknown(thoughts.failure(place)),
                    });
                }
                if self.options.options.is_some() {
                    let placed: Vec<_> =
                        seen.iter().map(|view| view.place).zip(&readings).collect();
                    notes.position(rater).add(&placed);
                }
                let held = seat.wording.clamp.map(|ends| {
                    let readings = readings.iter().map(|one| clamped(one, ends)).collect();
                    clamped(&together(seat.method, readings), ends)
                });
                let reading = together(seat.method, readings);
                let score = reading.log_odds.clone();
                let is_held = held.as_ref().is_some_and(|held| held.log_odds != score);
                let counted = held.map_or_else(|| score.clone(), |held| held.log_odds);
                let verdict = match &counted {
                    Ok(log_odds) => verdict(&seat.curve, *log_odds),
                    Err(reason) => Verdict::Unknown {
                        reason: reason.clone(),
                    },
                };
                let known = counted.ok();
                judged.judgements.push(Judgement {
                    rater: rater.clone(),
                    requirement: self.options.requirement.clone(),
                    method: seat.method,
                    log_odds: score
                        .ok()
                        .filter(LogOdds::is_known)
                        .map(|known| known.low()),
                    covered: reading.covered,
                    votes: reading.votes,
                    reasoning,
                    clamped: is_held,
                    verdict,
                });
                log_odds.push(known);
            }
            judged.verdicts.extend(panel.settle(&log_odds));
        }
    }
}

/// Prompts that are held in memory for one judge, about: at two or three kilobytes each, a hundred megabytes. So many
/// keep every connection busy for all but the last few of them.
const QUESTIONS_AT_ONCE: usize = 32_768;

/// Who carries questions to the judges, and what is noted about their replies.
pub(crate) struct Asking<'c, 's> {
    /// Asks through the store.
    pub(crate) caller: &'c mut Caller<'s>,
    /// Counts notes by rater.
    pub(crate) notes: &'c mut NoteCounts,
}

fn is_complete(rater: &Rater, asks_for_own: bool) -> Result<(), String> {
    if let Some([low, high]) = rater.clamp
        && !((0.0..0.5).contains(&low) && high > 0.5 && high <= 1.0)
    {
        return Err(format!(
            "rater `{}` is clamped to {low} and {high}, which must lie on either side of 0.5",
            rater.name
        ));
    }
    if rater.reasons.is_some() && rater.methods.contains(&Method::Channel) {
        return Err(format!(
            "rater `{}` reasons first, and a channel's prompt holds no reasoning",
            rater.name
        ));
    }
    let asked = rater
        .methods
        .iter()
        .find(|method| **method != Method::Channel);
    let Some(asked) = asked else {
        return if rater.methods.is_empty() {
            Err(format!("rater `{}` has no method", rater.name))
        } else {
            Ok(())
        };
    };
    if rater.methods.contains(&Method::Channel) {
        return Err(format!(
            "rater `{}` has `channel` beside another method",
            rater.name
        ));
    }
    let has_answers = rater
        .answers
        .as_ref()
        .is_some_and(|forms| !forms.matching.is_empty() && !forms.not_matching.is_empty());
    if !has_answers && !asks_for_own {
        return Err(format!(
            "rater `{}` reads answers by `{asked}` and needs `answers` with forms for both sides",
            rater.name
        ));
    }
    let draws = rater.votes.as_ref().map_or(0, |votes| votes.samples);
    if rater.methods.contains(&Method::Votes) && draws == 0 {
        return Err(format!(
            "rater `{}` counts votes and needs `votes` with at least one sample",
            rater.name
        ));
    }
    Ok(())
}

/// The replies to all questions by what they are about.
fn replies(
    panel: &Panel<'_>,
    questions: Vec<Question>,
    caller: &mut Caller<'_>,
) -> Result<BTreeMap<Place, Replies>, PipelineError> {
    let (mut scores, mut samples) = (Vec::new(), Vec::new());
    for question in questions {
        let place = question.place;
        match question.asked {
            Asked::Score(request) => scores.push((place, request)),
            Asked::Sample(request) => samples.push((place, request)),
        }
    }
    // Replies come in the order of their questions: a channel's for matching first, votes by their number.
    let mut replies: BTreeMap<Place, Replies> = BTreeMap::new();
    if !scores.is_empty() {
        let (places, requests): (Vec<_>, Vec<ScoreRequest>) = scores.into_iter().unzip();
        let answers = caller.ask_scattered(panel.judge, requests)?;
        for (place, answer) in places.into_iter().zip(answers) {
            replies.entry(place).or_default().scores.push(answer.reply);
        }
    }
    if !samples.is_empty() {
        let (places, requests): (Vec<_>, Vec<SampleRequest>) = samples.into_iter().unzip();
        for (place, answer) in places.into_iter().zip(caller.ask(panel.judge, &requests)?) {
            replies.entry(place).or_default().texts.push(answer.reply);
        }
    }
    Ok(replies)
}

/// What a curve makes of log-odds.
fn verdict(curve: &Calibration, log_odds: LogOdds) -> Verdict {
    let ends = (
        curve.probability(log_odds.low()),
        curve.probability(log_odds.high()),
    );
    match ends {
        (Some(matching), Some(_)) if log_odds.is_known() => Verdict::Known { matching },
        (Some(low), Some(high)) => Verdict::Bounded { low, high },
        _ => Verdict::Unknown {
            reason: UnknownReason::NonFiniteLogits,
        },
    }
}

/// What becomes of a candidate.
struct Decision {
    confidence: Option<Probability>,
    reason: Option<RejectReason>,
}

/// Settles a candidate written for `label`. Bounds settle it only if both ends lie on one side of the minimum.
/// `requirement` names what is judged where it is not the label.
fn decide(
    verdict: Option<&Verdict>,
    label: Side,
    minimum: Probability,
    requirement: Option<&str>,
    judgements: &[Judgement],
) -> Decision {
    let (low, high) = match (verdict, label) {
        (Some(Verdict::Known { matching }), Side::Matching) => (*matching, *matching),
        (Some(Verdict::Known { matching }), Side::NotMatching) => {
            (matching.complement(), matching.complement())
        }
        (Some(Verdict::Bounded { low, high }), Side::Matching) => (*low, *high),
        (Some(Verdict::Bounded { low, high }), Side::NotMatching) => {
            (high.complement(), low.complement())
        }
        (Some(Verdict::Unknown { .. }) | None, _) => {
            return Decision {
                confidence: None,
                reason: Some(RejectReason::Unjudged {
                    detail: unknown_reasons(judgements),
                }),
            };
        }
    };
    let reason = if low >= minimum {
        None
    } else if high < minimum {
        Some(RejectReason::BelowMinimum {
            confidence: low,
            minimum,
            requirement: requirement.map(str::to_owned),
        })
    } else {
        return Decision {
            confidence: None,
            reason: Some(RejectReason::Unjudged {
                detail: format!(
                    "undecided: {} with a probability from {low} to {high}, \
                     and the minimum {minimum} lies between",
                    match requirement {
                        None => "the label is right".to_owned(),
                        Some(requirement) => format!("`{requirement}` holds"),
                    }
                ),
            }),
        };
    };
    Decision {
        confidence: Some(low),
        reason,
    }
}

/// What all judges say about one text.
#[derive(Debug, Default)]
struct Judged {
    judgements: Vec<Judgement>,
    /// The verdict of each judge that knows.
    verdicts: Vec<Verdict>,
}

impl Judged {
    /// The mean over the judges that know, end by end; `None` when none does.
    fn settle(self) -> JudgedText {
        let mut lows = Vec::new();
        let mut highs = Vec::new();
        for verdict in &self.verdicts {
            match verdict {
                Verdict::Known { matching } => {
                    lows.push(matching.value());
                    highs.push(matching.value());
                }
                Verdict::Bounded { low, high } => {
                    lows.push(low.value());
                    highs.push(high.value());
                }
                Verdict::Unknown { .. } => {}
            }
        }
        // A mean of probabilities is one; rounding could carry it past an end.
        let mean = |ends: &[f64]| {
            average(ends).and_then(|mean| Probability::new(mean.clamp(0.0, 1.0)).ok())
        };
        let is_bounded = self
            .verdicts
            .iter()
            .any(|verdict| matches!(verdict, Verdict::Bounded { .. }));
        JudgedText {
            judgements: self.judgements,
            verdict: mean(&lows)
                .zip(mean(&highs))
                .map(|(low, high)| match is_bounded {
                    true => Verdict::Bounded { low, high },
                    false => Verdict::Known { matching: low },
                }),
        }
    }
}

/// A rater's name in rows and manifests: model and wording.
pub(crate) fn rater_name(model: &str, wording: &str) -> String {
    format!("{model}#{wording}")
}

/// The reasons of all raters, each once, in the order of the raters.
fn unknown_reasons(judgements: &[Judgement]) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for judgement in judgements {
        if let Verdict::Unknown { reason } = &judgement.verdict {
            let reason = reason.to_string();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probability(value: f64) -> Probability {
        Probability::new(value).unwrap()
    }

    #[test]
    fn bounds_decide_only_when_both_ends_do() {
        let bounds = Verdict::Bounded {
            low: probability(0.6),
            high: probability(0.9),
        };
        let decision =
            |label, minimum| decide(Some(&bounds), label, probability(minimum), None, &[]);
        let kept = decision(Side::Matching, 0.6);
        assert_eq!(kept.confidence, Some(probability(0.6)));
        assert_eq!(kept.reason, None);
        let open = decision(Side::Matching, 0.7);
        assert_eq!(open.confidence, None);
        let Some(RejectReason::Unjudged { detail }) = open.reason else {
            panic!("undecided");
        };
        assert!(detail.contains("from 0.600 to 0.900"), "{detail}");
        // P(not matching) lies between 0.1 and 0.4.
        let fallen = decision(Side::NotMatching, 0.5);
        assert!(matches!(
            fallen.reason,
            Some(RejectReason::BelowMinimum { .. })
        ));
        assert!((fallen.confidence.unwrap().value() - 0.1).abs() < 1e-12);
    }
}
