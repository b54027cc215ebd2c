//! `score`: asks every judge under every wording how likely each side is.
//!
//! Methods: *channel* compares how likely the text is in the voice of either side (noisy-channel prompting,
//! Min et al. 2022); *sequence* compares whole answers, *token* their first tokens, both renormalised over the
//! two sides. What cannot be known is *unknown*, never a made-up number.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{
    AnswerScore, Judgement, Method, Model, Probability, Prompt, RejectReason, ScoreMode,
    ScoreReply, ScoreRequest, Side, SlotFailure, UnknownReason, Verdict,
};
use evalwright_recipe::{AnswerForms, Rater, ScoreStage, Values};

use crate::calibrate::{JudgeCurves, average};
use crate::calls::Caller;
use crate::error::PipelineError;
use crate::judge::JudgedText;
use crate::ledger::Ledger;
use crate::plan::RunPlan;
use crate::progress::Progress;

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

/// One request of a judge with what it is for.
pub(crate) struct Question {
    /// What is asked.
    pub(crate) request: ScoreRequest,
    /// Position of the text in the list that was given.
    text: usize,
    /// Position of the rater in the stage.
    rater: usize,
}

/// What a rater read from the model.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading {
    log_odds: f64,
    covered: Option<Probability>,
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
            let answers = rater.answers.as_ref();
            let complete = answers
                .is_some_and(|forms| !forms.matching.is_empty() && !forms.not_matching.is_empty());
            if rater.method != Method::Channel && !complete {
                return Err(format!(
                    "rater `{}` reads answers by `{}` and needs `answers` with forms for both sides",
                    rater.name, rater.method
                ));
            }
        }
        Ok(Self { options })
    }

    /// The wordings.
    pub(crate) fn raters(&self) -> &'a [Rater] {
        &self.options.raters
    }

    /// Judges candidates; those that no rater can judge, or whose P(intended side) is below the minimum, fall.
    pub(crate) fn apply(
        &self,
        stage: &str,
        context: &ScoreContext<'_>,
        positions: &[usize],
        ledger: &mut Ledger,
        caller: &mut Caller<'_>,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let texts: Vec<String> = positions
            .iter()
            .filter_map(|position| ledger.entries().get(*position))
            .map(|entry| entry.candidate.text.clone())
            .collect();
        let judged =
            self.judge_all(context.run, Shown::HeldBack, context.curves, &texts, caller)?;
        for (position, judged) in positions.iter().zip(judged) {
            let Some(entry) = ledger.entry_mut(*position) else {
                continue;
            };
            let confidence =
                judged
                    .matching
                    .map(|matching| match entry.candidate.slot.cell.label {
                        Side::Matching => matching,
                        Side::NotMatching => matching.complement(),
                    });
            entry.candidate.judgements.extend(judged.judgements);
            entry.candidate.confidence = confidence;
            let reason = match confidence {
                None => Some(RejectReason::Unjudged {
                    detail: unknown_reasons(&entry.candidate.judgements),
                }),
                Some(confidence) if confidence < context.minimum => {
                    Some(RejectReason::BelowMinimum {
                        confidence,
                        minimum: context.minimum,
                    })
                }
                Some(_) => None,
            };
            if let Some(reason) = reason {
                ledger.reject(*position, stage, reason, progress);
            }
        }
        Ok(())
    }

    /// What every judge says about each text under every wording.
    pub(crate) fn judge_all(
        &self,
        run: &RunPlan<'_>,
        shown: Shown,
        curves: &[JudgeCurves],
        texts: &[String],
        caller: &mut Caller<'_>,
    ) -> Result<Vec<JudgedText>, PipelineError> {
        let questions = self.questions(run, shown, texts)?;
        let mut judged: Vec<Judged> = texts.iter().map(|_| Judged::default()).collect();
        for (judge, curves) in run.judges.iter().zip(curves) {
            self.ask(*judge, curves, &questions, &mut judged, caller)?;
        }
        Ok(judged.into_iter().map(Judged::settle).collect())
    }

    /// The requests for texts, the same for every judge. Those with the same prompt stand together.
    pub(crate) fn questions(
        &self,
        run: &RunPlan<'_>,
        shown: Shown,
        texts: &[String],
    ) -> Result<Vec<Question>, PipelineError> {
        let mut questions = Vec::new();
        for (rater, wording) in self.options.raters.iter().enumerate() {
            match (wording.method, &wording.answers) {
                (Method::Channel, _) => {
                    for side in Side::ALL {
                        let (prompt, lead) = voice(run, shown, wording, side)?;
                        questions.extend(texts.iter().enumerate().map(|(text, statement)| {
                            let request = ScoreRequest {
                                prompt: prompt.clone(),
                                // Nothing is not scored as the lead alone: the model says that it is empty.
                                continuations: vec![if statement.is_empty() {
                                    String::new()
                                } else {
                                    format!("{lead}{statement}")
                                }],
                                mode: ScoreMode::Whole,
                            };
                            Question {
                                request,
                                text,
                                rater,
                            }
                        }));
                    }
                }
                (Method::Sequence | Method::Token, Some(forms)) => {
                    for (text, statement) in texts.iter().enumerate() {
                        let request = asked(run, wording, forms, statement)?;
                        questions.push(Question {
                            request,
                            text,
                            rater,
                        });
                    }
                }
                // Checked in `new`.
                (Method::Sequence | Method::Token, None) | (Method::Votes, _) => {}
            }
        }
        Ok(questions)
    }

    /// Asks one judge and adds its verdicts.
    fn ask(
        &self,
        judge: &dyn Model,
        curves: &JudgeCurves,
        questions: &[Question],
        judged: &mut [Judged],
        caller: &mut Caller<'_>,
    ) -> Result<(), PipelineError> {
        let requests: Vec<ScoreRequest> = questions
            .iter()
            .map(|question| question.request.clone())
            .collect();
        let answers = caller.ask(judge, &requests)?;
        // A channel's two replies come in the order in which they were asked: matching first.
        let mut replies: BTreeMap<(usize, usize), Vec<Result<ScoreReply, SlotFailure>>> =
            BTreeMap::new();
        for (question, answer) in questions.iter().zip(answers) {
            replies
                .entry((question.text, question.rater))
                .or_default()
                .push(answer.reply);
        }
        let model = &judge.identity().name;
        for (text, judged) in judged.iter_mut().enumerate() {
            let mut log_odds = Vec::new();
            for ((number, rater), curve) in
                self.options.raters.iter().enumerate().zip(&curves.raters)
            {
                let reading = replies
                    .get(&(text, number))
                    .ok_or(UnknownReason::NotAsked)
                    .and_then(|replies| read(rater, replies));
                let verdict = match &reading {
                    Ok(reading) => curve.probability(reading.log_odds).map_or(
                        Verdict::Unknown {
                            reason: UnknownReason::NonFiniteLogits,
                        },
                        |matching| Verdict::Known { matching },
                    ),
                    Err(reason) => Verdict::Unknown {
                        reason: reason.clone(),
                    },
                };
                let known = reading
                    .as_ref()
                    .ok()
                    .filter(|_| verdict.matching().is_some());
                log_odds.push(known.map(|reading| reading.log_odds));
                judged.judgements.push(Judgement {
                    rater: rater_name(model, &rater.name),
                    requirement: self.options.requirement.clone(),
                    method: rater.method,
                    log_odds: known.map(|reading| reading.log_odds),
                    covered: reading.ok().and_then(|reading| reading.covered),
                    votes: None,
                    verdict,
                });
            }
            judged
                .matching
                .extend(curves.judge(&self.options.raters, &log_odds));
        }
        Ok(())
    }
}

/// What the stage needs beside the candidates.
pub(crate) struct ScoreContext<'a> {
    /// The plan.
    pub(crate) run: &'a RunPlan<'a>,
    /// One per judge.
    pub(crate) curves: &'a [JudgeCurves],
    /// P(intended side) below which a candidate falls.
    pub(crate) minimum: Probability,
}

/// What all judges say about one text.
#[derive(Debug, Default)]
struct Judged {
    judgements: Vec<Judgement>,
    /// P(matching) of each judge that knows.
    matching: Vec<Probability>,
}

impl Judged {
    /// The mean over the judges that know; `None` when none does.
    fn settle(self) -> JudgedText {
        let numbers: Vec<f64> = self
            .matching
            .iter()
            .map(|matching| matching.value())
            .collect();
        // A mean of probabilities is one; rounding could carry it past an end.
        let matching =
            average(&numbers).and_then(|mean| Probability::new(mean.clamp(0.0, 1.0)).ok());
        JudgedText {
            judgements: self.judgements,
            matching,
        }
    }
}

/// A rater's name in rows and manifests: model and wording.
pub(crate) fn rater_name(model: &str, wording: &str) -> String {
    format!("{model}#{wording}")
}

/// The prompt of a channel rater for one side, and the blanks that move from its end to the text: models
/// read a blank as the beginning of the word after it, so a prompt that ends with one misleads them.
fn voice(
    run: &RunPlan<'_>,
    shown: Shown,
    rater: &Rater,
    side: Side,
) -> Result<(Prompt, String), PipelineError> {
    let values = Values {
        behaviour: run.behaviour,
        label: side,
        examples: match shown {
            Shown::HeldBack => run.behaviour.examples.for_judges(side),
            Shown::All => run.behaviour.examples.side(side),
        },
        statement: None,
    };
    let mut prompt = run.kind.prompts.render_prompt(&rater.prompt, &values)?;
    let end = match &mut prompt {
        Prompt::Text(text) => text,
        Prompt::Chat { opening, .. } => opening,
    };
    let kept = end.trim_end_matches(' ').len();
    let lead = end.split_off(kept);
    Ok((prompt, lead))
}

/// The request of a rater that is asked about one statement. The prompt is rendered for the matching side
/// whatever the statement was written for, so that it cannot give the intended label away.
fn asked(
    run: &RunPlan<'_>,
    rater: &Rater,
    forms: &AnswerForms,
    statement: &str,
) -> Result<ScoreRequest, PipelineError> {
    let values = Values {
        behaviour: run.behaviour,
        label: Side::Matching,
        examples: &[],
        statement: Some(statement),
    };
    Ok(ScoreRequest {
        prompt: run.kind.prompts.render_prompt(&rater.prompt, &values)?,
        continuations: forms
            .matching
            .iter()
            .chain(&forms.not_matching)
            .cloned()
            .collect(),
        mode: match rater.method {
            Method::Token => ScoreMode::FirstToken,
            Method::Channel | Method::Sequence | Method::Votes => ScoreMode::Whole,
        },
    })
}

/// Reads a rater's log-odds for *matching* from its replies.
fn read(
    rater: &Rater,
    replies: &[Result<ScoreReply, SlotFailure>],
) -> Result<Reading, UnknownReason> {
    let replies: Vec<&ScoreReply> = replies
        .iter()
        .map(|reply| reply.as_ref().map_err(unknown))
        .collect::<Result<_, _>>()?;
    let forms = rater.answers.as_ref();
    let reading = match (rater.method, replies.as_slice(), forms) {
        (Method::Channel, [matching, not_matching], _) => Reading {
            log_odds: channel(matching, not_matching),
            covered: None,
        },
        (Method::Sequence, [reply], Some(forms)) => {
            let (matching, not_matching) = sides(reply, forms)?;
            Reading {
                log_odds: best(matching) - best(not_matching),
                covered: None,
            }
        }
        (Method::Token, [reply], Some(forms)) => {
            let (matching, not_matching) = sides(reply, forms)?;
            let (matching, not_matching) = (log_mass(matching), log_mass(not_matching));
            // Rounding can carry the sum of the two masses a hair past 1.
            let covered = (matching.exp() + not_matching.exp()).clamp(0.0, 1.0);
            Reading {
                log_odds: matching - not_matching,
                covered: Probability::new(covered).ok(),
            }
        }
        _ => return Err(UnknownReason::NotAsked),
    };
    if reading.log_odds.is_finite() {
        Ok(reading)
    } else {
        Err(UnknownReason::NonFiniteLogits)
    }
}

/// How much likelier the text is in the one voice than in the other, in nats per root of its length in
/// tokens: each token adds its own chance error to the sum, so the error of the sum grows with that root.
/// NaN when a score is missing or a length is 0.
fn channel(matching: &ScoreReply, not_matching: &ScoreReply) -> f64 {
    match (matching.scores.first(), not_matching.scores.first()) {
        (Some(one), Some(other)) => {
            (one.log_probability - other.log_probability) / f64::from(one.tokens).sqrt()
        }
        _ => f64::NAN,
    }
}

/// The scores of the forms of each side.
fn sides<'a>(
    reply: &'a ScoreReply,
    forms: &AnswerForms,
) -> Result<(&'a [AnswerScore], &'a [AnswerScore]), UnknownReason> {
    reply
        .scores
        .split_at_checked(forms.matching.len())
        .ok_or(UnknownReason::NotAsked)
}

/// The highest log-probability; −∞ of nothing.
fn best(scores: &[AnswerScore]) -> f64 {
    scores
        .iter()
        .map(|score| score.log_probability)
        .fold(f64::NEG_INFINITY, f64::max)
}

/// The logarithm of the sum of probabilities, without leaving the range of numbers on the way.
fn log_mass(scores: &[AnswerScore]) -> f64 {
    let most = best(scores);
    if !most.is_finite() {
        return most;
    }
    most + scores
        .iter()
        .map(|score| (score.log_probability - most).exp())
        .sum::<f64>()
        .ln()
}

fn unknown(failure: &SlotFailure) -> UnknownReason {
    match failure {
        SlotFailure::NonFiniteLogits => UnknownReason::NonFiniteLogits,
        SlotFailure::TooLong { .. } => UnknownReason::TooLong,
        SlotFailure::EmptyContinuation => UnknownReason::EmptyText,
        SlotFailure::AnswersMissing { .. } => UnknownReason::AnswersMissing,
        SlotFailure::InvalidProbabilities { .. } => UnknownReason::InvalidProbabilities,
        SlotFailure::Refused { .. } | SlotFailure::Filtered { .. } => UnknownReason::Refused,
        failure => UnknownReason::NoReply {
            detail: failure.to_string(),
        },
    }
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
    use evalwright_core::TokenUsage;

    use super::*;

    fn reply(log_probabilities: &[f64]) -> Result<ScoreReply, SlotFailure> {
        let scores = log_probabilities
            .iter()
            .map(|log_probability| AnswerScore::known(*log_probability, 1))
            .collect();
        Ok(ScoreReply {
            scores,
            usage: TokenUsage::default(),
            notes: Vec::new(),
        })
    }

    fn rater(method: Method) -> Rater {
        Rater {
            name: "a".to_owned(),
            method,
            prompt: "judge.j2".to_owned(),
            answers: Some(AnswerForms {
                matching: vec!["Yes".to_owned(), " Yes".to_owned()],
                not_matching: vec!["No".to_owned()],
            }),
            counts: true,
        }
    }

    #[test]
    fn channel_subtracts_the_sum_under_the_contrast_per_root_of_the_length() {
        let got = read(&rater(Method::Channel), &[reply(&[-20.0]), reply(&[-23.5])]).unwrap();
        assert!((got.log_odds - 3.5).abs() < 1e-12);
        assert_eq!(got.covered, None);
        let four_tokens = |log_probability| {
            reply(&[log_probability]).map(|mut reply| {
                reply.scores[0].tokens = 4;
                reply
            })
        };
        let replies = [four_tokens(-20.0), four_tokens(-23.5)];
        let got = read(&rater(Method::Channel), &replies).unwrap();
        assert!((got.log_odds - 1.75).abs() < 1e-12);
    }

    #[test]
    fn sequence_compares_the_best_form_of_each_side() {
        let got = read(&rater(Method::Sequence), &[reply(&[-9.0, -7.0, -8.0])]).unwrap();
        assert!((got.log_odds - 1.0).abs() < 1e-12);
    }

    #[test]
    fn token_sums_the_mass_of_all_forms() {
        let masses = [0.2_f64, 0.1, 0.1];
        let logs: Vec<f64> = masses.iter().map(|mass| mass.ln()).collect();
        let got = read(&rater(Method::Token), &[reply(&logs)]).unwrap();
        assert!((got.log_odds - 3.0_f64.ln()).abs() < 1e-12);
        assert!((got.covered.unwrap().value() - 0.4).abs() < 1e-12);
        let matching = Probability::from_log_odds(got.log_odds).unwrap().value();
        assert!(
            (matching - 0.75).abs() < 1e-12,
            "without a curve it is the renormalised mass"
        );
    }

    #[test]
    fn masses_too_small_for_a_number_still_compare() {
        let got = read(
            &rater(Method::Token),
            &[reply(&[-2000.0, -2000.0, -2001.0])],
        )
        .unwrap();
        assert!((got.log_odds - (1.0 + 2.0_f64.ln())).abs() < 1e-9);
        assert!(got.covered.unwrap().value() < 1e-300);
    }

    #[test]
    fn what_cannot_be_known_is_unknown_with_its_reason() {
        let channel = rater(Method::Channel);
        let failed = |failure| read(&channel, &[reply(&[-1.0]), Err(failure)]);
        assert_eq!(
            failed(SlotFailure::NonFiniteLogits),
            Err(UnknownReason::NonFiniteLogits)
        );
        assert_eq!(
            failed(SlotFailure::EmptyContinuation),
            Err(UnknownReason::EmptyText)
        );
        assert_eq!(
            failed(SlotFailure::TooLong {
                needed: 9,
                window: 8
            }),
            Err(UnknownReason::TooLong)
        );
        assert_eq!(
            read(&channel, &[reply(&[-1.0])]),
            Err(UnknownReason::NotAsked)
        );
        assert_eq!(
            read(&channel, &[reply(&[f64::NAN]), reply(&[-1.0])]),
            Err(UnknownReason::NonFiniteLogits)
        );
    }
}
