//! What a reply tells about several answers: a probability for each, bounds, or nothing with the reason.
//!
//! An answer that a server did not show is not impossible: all that were not shown share at most what is left over.

use evalwright_core::{ScoreReply, SlotFailure, TextReply, UnknownReason};
use evalwright_text::read_answer;

use crate::stage::score::unknown_reason;

/// P(each of several answers).
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// They sum to 1.
    Known(Vec<f64>),
    /// The lowest and highest that each can be.
    Bounded(Vec<(f64, f64)>),
    /// Nothing is known.
    Unknown(UnknownReason),
}

impl Answered {
    /// The probabilities, where they are known.
    #[must_use]
    pub fn known(&self) -> Option<&[f64]> {
        match self {
            Self::Known(all) => Some(all),
            Self::Bounded(_) | Self::Unknown(_) => None,
        }
    }

    /// The likeliest answer, where there is one whatever lies between the bounds. Equal ones are none.
    #[must_use]
    pub fn likeliest(&self) -> Option<usize> {
        let ends = self.ends()?;
        let (place, (low, _)) = ends
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
        let is_above = |(other, (_, high)): (usize, &(f64, f64))| other == place || *low > *high;
        ends.iter().enumerate().all(is_above).then_some(place)
    }

    fn ends(&self) -> Option<Vec<(f64, f64)>> {
        match self {
            Self::Known(all) => Some(all.iter().map(|one| (*one, *one)).collect()),
            Self::Bounded(ends) => Some(ends.clone()),
            Self::Unknown(_) => None,
        }
    }

    /// The answers in another order: the one at `order[place]` comes to stand at `place`.
    pub(super) fn reordered(self, order: &[usize]) -> Self {
        fn moved<T: Copy>(all: &[T], order: &[usize]) -> Vec<T> {
            order
                .iter()
                .filter_map(|at| all.get(*at))
                .copied()
                .collect()
        }
        match self {
            Self::Known(all) => Self::Known(moved(&all, order)),
            Self::Bounded(ends) => Self::Bounded(moved(&ends, order)),
            unknown @ Self::Unknown(_) => unknown,
        }
    }

    /// The mean of several readings of the same answers, ends by ends. Where one is unknown all are: the mean over the
    /// others would lean to one order of asking.
    pub(super) fn mean(readings: &[Self]) -> Self {
        let mut all = Vec::new();
        for reading in readings {
            match (reading, reading.ends()) {
                (Self::Unknown(reason), _) => return Self::Unknown(reason.clone()),
                (_, Some(ends)) => all.push(ends),
                (_, None) => {}
            }
        }
        let Some(first) = all.first() else {
            return Self::Unknown(UnknownReason::NotAsked);
        };
        let count = all.len() as f64;
        let of = |place: usize, end: fn(&(f64, f64)) -> f64| {
            let sum: f64 = all.iter().filter_map(|ends| ends.get(place)).map(end).sum();
            sum / count
        };
        let places = 0..first.len();
        if readings.iter().all(|reading| reading.known().is_some()) {
            return Self::Known(places.map(|place| of(place, |ends| ends.0)).collect());
        }
        Self::Bounded(
            places
                .map(|place| (of(place, |ends| ends.0), of(place, |ends| ends.1)))
                .collect(),
        )
    }

    /// From log-probabilities of the forms of all answers, one answer's after the other's.
    pub(super) fn of_scores(
        reply: &Result<ScoreReply, SlotFailure>,
        forms: &[Vec<String>],
    ) -> Self {
        let reply = match reply {
            Ok(reply) => reply,
            Err(failure) => return Self::Unknown(unknown_reason(failure)),
        };
        let mut scores = reply.scores.as_slice();
        let highest = scores
            .iter()
            .map(|score| score.log_probability)
            .fold(f64::NEG_INFINITY, f64::max);
        // Relative to the highest, so that no mass is too small for a number.
        let part = |log: f64| (log - highest).exp();
        let mut shown: Vec<Option<f64>> = Vec::new();
        let mut rest: f64 = 0.0;
        for forms in forms {
            let Some((own, others)) = scores.split_at_checked(forms.len()) else {
                return Self::Unknown(UnknownReason::NotAsked);
            };
            scores = others;
            let known: Vec<f64> = own
                .iter()
                .filter(|score| !score.at_most)
                .map(|score| part(score.log_probability))
                .collect();
            if known.is_empty() {
                // Every bound is the whole rest, which all that were not shown share.
                for score in own {
                    rest = rest.max(part(score.log_probability));
                }
            }
            shown.push((!known.is_empty()).then(|| known.iter().sum()));
        }
        let sum: f64 = shown.iter().flatten().sum();
        if shown.iter().all(Option::is_none) {
            return Self::Unknown(UnknownReason::AnswersMissing);
        }
        if !sum.is_finite() || sum <= 0.0 || !rest.is_finite() {
            return Self::Unknown(UnknownReason::NonFiniteLogits);
        }
        if shown.iter().all(Option::is_some) {
            return Self::Known(shown.iter().flatten().map(|mass| mass / sum).collect());
        }
        Self::Bounded(
            shown
                .iter()
                .map(|mass| match mass {
                    Some(mass) => (mass / (sum + rest), mass / sum),
                    None => (0.0, rest / (sum + rest)),
                })
                .collect(),
        )
    }

    /// From sampled replies. Half a vote is added to each answer, so that no number of votes is certainty (the mean of
    /// Jeffreys's prior after the votes).
    pub(super) fn of_votes(
        replies: &[Result<TextReply, SlotFailure>],
        forms: &[Vec<String>],
    ) -> Self {
        let forms: Vec<&[String]> = forms.iter().map(Vec::as_slice).collect();
        let mut votes = vec![0.0; forms.len()];
        let mut read = 0_u32;
        for reply in replies.iter().flatten() {
            let answer = read_answer(&reply.text, &forms)
                .ok()
                .filter(|read| read.contradiction.is_none());
            if let Some(own) = answer.and_then(|answer| votes.get_mut(answer.answer)) {
                *own += 1.0;
                read += 1;
            }
        }
        if read == 0 {
            // Where nothing came at all, the failure says more than that nothing could be read.
            return Self::Unknown(match replies.first() {
                None => UnknownReason::NotAsked,
                Some(Err(failure)) if replies.iter().all(Result::is_err) => unknown_reason(failure),
                Some(_) => UnknownReason::Unreadable,
            });
        }
        let all = f64::from(read) + 0.5 * votes.len() as f64;
        Self::Known(votes.iter().map(|own| (own + 0.5) / all).collect())
    }
}
