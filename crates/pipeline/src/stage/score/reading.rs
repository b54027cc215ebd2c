//! From a rater's replies to log-odds for *matching*, known or between two ends.
//!
//! An answer that a server did not show is not impossible: it holds at most what the shown ones leave over.

use evalwright_core::{
    AnswerScore, Method, Probability, ReplyNote, ScoreReply, SlotFailure, TextReply, UnknownReason,
    Votes,
};
use evalwright_recipe::AnswerForms;

use super::votes;
use crate::calibrate::average;
use crate::panel::Seat;

/// Log-odds in nats, or two ends between which they lie, of which one is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum LogOdds {
    /// A finite number.
    Known(f64),
    /// Only bounded.
    Between {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}

impl LogOdds {
    /// The lower end.
    pub(crate) fn low(&self) -> f64 {
        match self {
            Self::Known(value) => *value,
            Self::Between { low, .. } => *low,
        }
    }

    /// The upper end.
    pub(crate) fn high(&self) -> f64 {
        match self {
            Self::Known(value) => *value,
            Self::Between { high, .. } => *high,
        }
    }

    /// Whether both ends are one.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }
}

/// What a rater read from the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) log_odds: Result<LogOdds, UnknownReason>,
    pub(super) covered: Option<Probability>,
    pub(super) votes: Option<Votes>,
}

impl Reading {
    pub(super) fn unknown(reason: UnknownReason) -> Self {
        Self::of(Err(reason))
    }

    fn of(log_odds: Result<LogOdds, UnknownReason>) -> Self {
        Self {
            log_odds,
            covered: None,
            votes: None,
        }
    }

    /// Known log-odds, if they are a number.
    pub(super) fn known(log_odds: f64) -> Self {
        Self::of(if log_odds.is_finite() {
            Ok(LogOdds::Known(log_odds))
        } else {
            Err(UnknownReason::NonFiniteLogits)
        })
    }
}

/// The replies to one rater's questions about one text, in the order of the questions.
#[derive(Debug, Default)]
pub(super) struct Replies {
    pub(super) scores: Vec<Result<ScoreReply, SlotFailure>>,
    pub(super) texts: Vec<Result<TextReply, SlotFailure>>,
}

impl Replies {
    /// What the replies carry for their reader.
    pub(super) fn notes(&self) -> impl Iterator<Item = &ReplyNote> {
        let scores = self.scores.iter().flatten().flat_map(|reply| &reply.notes);
        let texts = self.texts.iter().flatten().flat_map(|reply| &reply.notes);
        scores.chain(texts)
    }
}

/// The same with its probability held between two ends.
pub(super) fn clamped(reading: &Reading, [low, high]: [f64; 2]) -> Reading {
    let log_odds = |end: f64| Probability::new(end).map_or(0.0, Probability::log_odds);
    let (least, most) = (log_odds(low), log_odds(high));
    let hold = |end: f64| end.max(least).min(most);
    Reading {
        log_odds: reading.log_odds.clone().map(|log_odds| match log_odds {
            LogOdds::Known(value) => LogOdds::Known(hold(value)),
            LogOdds::Between { low, high } => LogOdds::Between {
                low: hold(low),
                high: hold(high),
            },
        }),
        ..reading.clone()
    }
}

/// What several views say together. Votes are added up. Other readings give the mean of their probabilities, ends by
/// ends; where one view is unknown all are, since the mean over the others would lean to one order.
pub(super) fn together(method: Method, readings: Vec<Reading>) -> Reading {
    let mut readings = readings;
    if readings.len() == 1
        && let Some(only) = readings.pop()
    {
        return only;
    }
    if method == Method::Votes {
        return votes_together(&readings);
    }
    let mut ends: Vec<(f64, f64)> = Vec::new();
    let mut covered: Vec<f64> = Vec::new();
    for reading in &readings {
        covered.extend(reading.covered.map(Probability::value));
        match &reading.log_odds {
            Ok(log_odds) => {
                let probability =
                    |end: f64| Probability::from_log_odds(end).map_or(0.5, Probability::value);
                ends.push((probability(log_odds.low()), probability(log_odds.high())));
            }
            Err(reason) => return Reading::unknown(reason.clone()),
        }
    }
    let lows: Vec<f64> = ends.iter().map(|(low, _)| *low).collect();
    let highs: Vec<f64> = ends.iter().map(|(_, high)| *high).collect();
    let (Some(low), Some(high)) = (average(&lows), average(&highs)) else {
        return Reading::unknown(UnknownReason::NotAsked);
    };
    let log_odds =
        |mean: f64| Probability::new(mean.clamp(0.0, 1.0)).map_or(0.0, Probability::log_odds);
    let is_known = readings
        .iter()
        .all(|reading| reading.log_odds.as_ref().is_ok_and(LogOdds::is_known));
    Reading {
        covered: average(&covered).and_then(self::covered),
        ..Reading::of(Ok(if is_known {
            LogOdds::Known(log_odds(low))
        } else {
            LogOdds::Between {
                low: log_odds(low),
                high: log_odds(high),
            }
        }))
    }
}

fn votes_together(readings: &[Reading]) -> Reading {
    let counted: Vec<Votes> = readings
        .iter()
        .filter_map(|reading| reading.votes)
        .collect();
    let Some(votes) = votes::sum(&counted) else {
        let reason = readings
            .iter()
            .find_map(|reading| reading.log_odds.as_ref().err().cloned());
        return Reading::unknown(reason.unwrap_or(UnknownReason::NotAsked));
    };
    Reading {
        votes: Some(votes),
        ..Reading::of(
            votes::log_odds(&votes)
                .map(LogOdds::Known)
                .ok_or(UnknownReason::Unreadable),
        )
    }
}

/// Reads a rater's log-odds for *matching* from its replies.
pub(super) fn read(seat: &Seat<'_>, forms: Option<&AnswerForms>, replies: &Replies) -> Reading {
    if let (Method::Votes, Some(forms)) = (seat.method, forms) {
        return counted(&replies.texts, forms);
    }
    let scores: Result<Vec<&ScoreReply>, &SlotFailure> =
        replies.scores.iter().map(Result::as_ref).collect();
    let scores = match scores {
        Ok(scores) => scores,
        Err(failure) => return Reading::unknown(unknown(failure)),
    };
    match (seat.method, scores.as_slice(), forms) {
        (Method::Channel, [matching, not_matching], _) => channel(matching, not_matching),
        (Method::Sequence, [reply], Some(forms)) => Reading {
            covered: None,
            ..compared(reply, forms, best)
        },
        (Method::Token | Method::Constrained, [reply], Some(forms)) => {
            compared(reply, forms, log_mass)
        }
        _ => Reading::unknown(UnknownReason::NotAsked),
    }
}

fn counted(replies: &[Result<TextReply, SlotFailure>], forms: &AnswerForms) -> Reading {
    let votes = votes::count(replies, forms);
    let log_odds = votes.as_ref().and_then(votes::log_odds);
    let log_odds = log_odds.map(LogOdds::Known).ok_or_else(|| {
        // Where nothing came at all, the failure says more than that nothing could be read.
        match replies.first() {
            None => UnknownReason::NotAsked,
            Some(Err(failure)) if replies.iter().all(Result::is_err) => unknown(failure),
            Some(_) => UnknownReason::Unreadable,
        }
    });
    Reading {
        votes,
        ..Reading::of(log_odds)
    }
}

/// How much likelier the text is in the one voice than in the other, in nats per root of its length in
/// tokens: each token adds its own chance error to the sum, so the error of the sum grows with that root. For a
/// candidate with answers: how much more the matching answer gains by the matching voice than any other answer does.
fn channel(matching: &ScoreReply, not_matching: &ScoreReply) -> Reading {
    let mut gains = Vec::new();
    for (one, other) in matching.scores.iter().zip(&not_matching.scores) {
        if one.at_most || other.at_most {
            return Reading::unknown(UnknownReason::AnswersMissing);
        }
        gains.push((one.log_probability - other.log_probability) / f64::from(one.tokens).sqrt());
    }
    match gains.split_first() {
        // Of several texts the first is the matching answer: it stands against the one that fits the voice best of the
        // others.
        Some((matching, [])) => Reading::known(*matching),
        Some((matching, others)) => Reading::known(matching - best(others)),
        None => Reading::unknown(UnknownReason::NonFiniteLogits),
    }
}

/// What is known about the mass of one side's answers, as logarithms.
#[derive(Debug, Clone, Copy)]
enum Mass {
    /// The forms that were shown hold this much.
    Known(f64),
    /// None was shown; together they hold at most this.
    AtMost(f64),
}

impl Mass {
    fn of(scores: &[AnswerScore], join: fn(&[f64]) -> f64) -> Self {
        let logs = |at_most: bool| -> Vec<f64> {
            scores
                .iter()
                .filter(|score| score.at_most == at_most)
                .map(|score| score.log_probability)
                .collect()
        };
        let shown = logs(false);
        if shown.is_empty() {
            // Every form's bound is the whole rest, which they share.
            Self::AtMost(best(&logs(true)))
        } else {
            Self::Known(join(&shown))
        }
    }
}

/// Compares the two sides' answers. A side of which no form was shown may hold anything from nothing to its
/// bound, so P(matching) has one end at 0 or 1 and the other at mass / (mass + rest).
fn compared(reply: &ScoreReply, forms: &AnswerForms, join: fn(&[f64]) -> f64) -> Reading {
    let Some((matching, not_matching)) = reply.scores.split_at_checked(forms.matching.len()) else {
        return Reading::unknown(UnknownReason::NotAsked);
    };
    let (log_odds, covered) = match (Mass::of(matching, join), Mass::of(not_matching, join)) {
        (Mass::Known(one), Mass::Known(other)) => {
            return Reading {
                covered: covered(one.exp() + other.exp()),
                ..Reading::known(one - other)
            };
        }
        (Mass::Known(one), Mass::AtMost(rest)) => (
            LogOdds::Between {
                low: one - rest,
                high: f64::INFINITY,
            },
            one.exp(),
        ),
        (Mass::AtMost(rest), Mass::Known(other)) => (
            LogOdds::Between {
                low: f64::NEG_INFINITY,
                high: rest - other,
            },
            other.exp(),
        ),
        (Mass::AtMost(_), Mass::AtMost(_)) => {
            return Reading::unknown(UnknownReason::AnswersMissing);
        }
    };
    if log_odds.low().is_nan() || log_odds.high().is_nan() {
        return Reading::unknown(UnknownReason::NonFiniteLogits);
    }
    Reading {
        covered: self::covered(covered),
        ..Reading::of(Ok(log_odds))
    }
}

/// Rounding can carry a sum of masses a hair past 1.
fn covered(mass: f64) -> Option<Probability> {
    Probability::new(mass.clamp(0.0, 1.0)).ok()
}

/// The highest log-probability; −∞ of nothing.
fn best(logs: &[f64]) -> f64 {
    logs.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// The logarithm of the sum of probabilities, without leaving the range of numbers on the way.
fn log_mass(logs: &[f64]) -> f64 {
    let most = best(logs);
    if !most.is_finite() {
        return most;
    }
    most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln()
}

pub(crate) fn unknown(failure: &SlotFailure) -> UnknownReason {
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

#[cfg(test)]
mod tests {
    use evalwright_core::TokenUsage;
    use evalwright_recipe::Rater;

    use super::*;
    use crate::calibrate::Calibration;

    fn reply(log_probabilities: &[f64]) -> Result<ScoreReply, SlotFailure> {
        shown(
            log_probabilities
                .iter()
                .map(|log_probability| AnswerScore::known(*log_probability, 1))
                .collect(),
        )
    }

    fn shown(scores: Vec<AnswerScore>) -> Result<ScoreReply, SlotFailure> {
        Ok(ScoreReply {
            scores,
            usage: TokenUsage::default(),
            notes: Vec::new(),
        })
    }

    fn at_most(log_probability: f64) -> AnswerScore {
        AnswerScore {
            at_most: true,
            ..AnswerScore::known(log_probability, 1)
        }
    }

    fn reading(method: Method, scores: Vec<Result<ScoreReply, SlotFailure>>) -> Reading {
        let rater = Rater {
            name: "a".to_owned(),
            methods: vec![method],
            prompt: "judge.j2".to_owned(),
            answers: Some(AnswerForms {
                matching: vec!["Yes".to_owned(), " Yes".to_owned()],
                not_matching: vec!["No".to_owned()],
            }),
            votes: None,
            counts: true,
            fallback: false,
            reasons: None,
            clamp: None,
        };
        let seat = Seat {
            wording: &rater,
            method,
            curve: Calibration::NONE,
        };
        let replies = Replies {
            scores,
            texts: Vec::new(),
        };
        read(&seat, rater.answers.as_ref(), &replies)
    }

    #[track_caller]
    fn is_known(reading: &Reading, expected: f64) {
        match reading.log_odds {
            Ok(LogOdds::Known(got)) => assert!((got - expected).abs() < 1e-9, "{got}"),
            _ => panic!("{reading:?}"),
        }
    }

    #[test]
    fn channel_subtracts_the_sum_under_the_contrast_per_root_of_the_length() {
        let got = reading(Method::Channel, vec![reply(&[-20.0]), reply(&[-23.5])]);
        is_known(&got, 3.5);
        assert_eq!(got.covered, None);
        let four_tokens = |log_probability| shown(vec![AnswerScore::known(log_probability, 4)]);
        let replies = vec![four_tokens(-20.0), four_tokens(-23.5)];
        is_known(&reading(Method::Channel, replies), 1.75);
    }

    #[test]
    fn channel_of_answers_compares_what_each_gains_by_the_voice() {
        let four = |log_probability| AnswerScore::known(log_probability, 4);
        // The matching answer gains 3 nats, 1.5 per root; the others lose 1 and gain 1, which is 0.5 per root.
        let got = reading(
            Method::Channel,
            vec![
                shown(vec![four(-20.0), four(-9.0), four(-30.0)]),
                shown(vec![four(-23.0), four(-8.0), four(-31.0)]),
            ],
        );
        is_known(&got, 1.0);
    }

    #[test]
    fn a_clamp_holds_ends_and_leaves_what_lies_between() {
        let ends = [0.4, 0.6];
        let most = (0.6_f64 / 0.4).ln();
        is_known(&clamped(&Reading::known(9.0), ends), most);
        is_known(&clamped(&Reading::known(-9.0), ends), -most);
        is_known(&clamped(&Reading::known(0.1), ends), 0.1);
        let bounds = Reading::of(Ok(LogOdds::Between {
            low: 0.2,
            high: f64::INFINITY,
        }));
        let Ok(LogOdds::Between { low, high }) = clamped(&bounds, ends).log_odds else {
            panic!("bounds stay bounds")
        };
        assert!((low - 0.2).abs() < 1e-12 && (high - most).abs() < 1e-12);
        let unknown = Reading::unknown(UnknownReason::Refused);
        assert_eq!(clamped(&unknown, ends), unknown);
    }

    #[test]
    fn sequence_compares_the_best_form_of_each_side() {
        is_known(
            &reading(Method::Sequence, vec![reply(&[-9.0, -7.0, -8.0])]),
            1.0,
        );
    }

    #[test]
    fn token_sums_the_mass_of_all_forms() {
        let masses = [0.2_f64, 0.1, 0.1];
        let logs: Vec<f64> = masses.iter().map(|mass| mass.ln()).collect();
        let got = reading(Method::Token, vec![reply(&logs)]);
        // Without a curve it is the renormalised mass, 0.75.
        is_known(&got, 3.0_f64.ln());
        assert!((got.covered.unwrap().value() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn masses_too_small_for_a_number_still_compare() {
        let got = reading(Method::Token, vec![reply(&[-2000.0, -2000.0, -2001.0])]);
        is_known(&got, 1.0 + 2.0_f64.ln());
        assert!(got.covered.unwrap().value() < 1e-300);
    }

    #[test]
    fn a_side_of_which_nothing_was_shown_has_bounds() {
        let yes = 0.6_f64.ln();
        let scores = vec![
            AnswerScore::known(yes, 1),
            at_most(0.2_f64.ln()),
            at_most(0.2_f64.ln()),
        ];
        let got = reading(Method::Token, vec![shown(scores)]);
        let Ok(LogOdds::Between { low, high }) = got.log_odds else {
            panic!("{got:?}")
        };
        assert!((low - 3.0_f64.ln()).abs() < 1e-12, "0.6 to 0.2");
        assert!(high.is_infinite() && high > 0.0);
        assert!((got.covered.unwrap().value() - 0.6).abs() < 1e-12);

        let scores = vec![
            at_most(0.2_f64.ln()),
            at_most(0.2_f64.ln()),
            AnswerScore::known(yes, 1),
        ];
        let got = reading(Method::Token, vec![shown(scores)]);
        let Ok(LogOdds::Between { low, high }) = got.log_odds else {
            panic!("{got:?}")
        };
        assert!((high + 3.0_f64.ln()).abs() < 1e-12);
        assert!(low.is_infinite() && low < 0.0);

        let scores = vec![at_most(-1.0), at_most(-1.0), at_most(-1.0)];
        assert_eq!(
            reading(Method::Token, vec![shown(scores)]).log_odds,
            Err(UnknownReason::AnswersMissing)
        );
    }

    #[test]
    fn what_cannot_be_known_is_unknown_with_its_reason() {
        let failed =
            |failure| reading(Method::Channel, vec![reply(&[-1.0]), Err(failure)]).log_odds;
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
            reading(Method::Channel, vec![reply(&[-1.0])]).log_odds,
            Err(UnknownReason::NotAsked)
        );
        assert_eq!(
            reading(Method::Channel, vec![reply(&[f64::NAN]), reply(&[-1.0])]).log_odds,
            Err(UnknownReason::NonFiniteLogits)
        );
    }
}
