//! The scores of answers, from the tokens that a server shows where the answer begins.
//!
//! An answer that is not shown has an upper bound, never 0: the mass that the shown tokens leave over, and that of those
//! it may begin with. Numbers that cannot be log-probabilities are a failure and are never made to look like some.

use std::collections::BTreeSet;

use evalwright_core::{AnswerScore, ReplyNote, SlotFailure};

use super::forms::{is_answer, is_before_the_answer, rest_of};
use super::table::{Candidate, Position, Table};
use super::{FLOOR, ROUNDING, SHOWN_ROUNDING};

/// The scores of the answers, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scores {
    /// One per answer.
    pub(crate) scores: Vec<AnswerScore>,
    /// What a reader should know.
    pub(crate) notes: BTreeSet<ReplyNote>,
    /// Which token of the reply was read, from 0.
    pub(crate) position: usize,
}

/// Reads the score of each answer at the position where the answer begins.
///
/// # Errors
/// [`SlotFailure::InvalidProbabilities`] when the numbers are no log-probabilities, [`SlotFailure::AnswersMissing`]
/// when no answer is shown there.
pub(crate) fn answers(table: &Table, answers: &[String]) -> Result<Scores, SlotFailure> {
    let mut before = String::new();
    for (number, position) in table.positions.iter().enumerate() {
        check(position)?;
        let token = &position.written.text;
        if !is_before_the_answer(token, &before, answers) {
            return at(table, number, position, answers, &before);
        }
        before.push_str(token);
    }
    let detail = if table.positions.is_empty() {
        "the server shows no token".to_owned()
    } else {
        format!("the reply {before:?} ends before an answer begins")
    };
    Err(SlotFailure::AnswersMissing { detail })
}

fn at(
    table: &Table,
    number: usize,
    position: &Position,
    answers: &[String],
    before: &str,
) -> Result<Scores, SlotFailure> {
    let mut notes = BTreeSet::new();
    if table.post_sampling {
        notes.insert(ReplyNote::PostSampling);
    }
    let mut masses: Vec<Option<f64>> = vec![None; answers.len()];
    let mut without_value = vec![false; answers.len()];
    let mut shown = 0.0;
    for candidate in &position.candidates {
        let mass = candidate.log_probability.map(f64::exp);
        shown += mass.unwrap_or(0.0);
        let Some(place) = candidate
            .whole_text()
            .and_then(|token| place(token, answers, before))
        else {
            continue;
        };
        match mass {
            Some(mass) => {
                if candidate.log_probability <= Some(FLOOR) && !table.post_sampling {
                    notes.insert(ReplyNote::FloorValue);
                }
                if let Some(sum) = masses.get_mut(place) {
                    *sum = Some(sum.unwrap_or(0.0) + mass);
                }
            }
            None => {
                notes.insert(ReplyNote::ValueMissing);
                if let Some(missing) = without_value.get_mut(place) {
                    *missing = true;
                }
            }
        }
    }
    if masses.iter().all(Option::is_none) {
        return Err(missing(position));
    }
    let sum: f64 = masses.iter().flatten().sum();
    if sum > 1.0 + ROUNDING {
        return Err(invalid(position, "", sum));
    }
    let rest = (1.0 - shown).max(0.0);
    let scores = answers
        .iter()
        .zip(masses.into_iter().zip(without_value))
        .map(|(answer, (mass, without_value))| match mass {
            Some(mass) => AnswerScore::known(logarithm(mass), 1),
            None => {
                if !without_value {
                    notes.insert(ReplyNote::FormNotShown);
                }
                let begun: f64 = position
                    .candidates
                    .iter()
                    .filter(|candidate| may_begin(candidate, answer, before))
                    .filter_map(|candidate| candidate.log_probability)
                    .map(f64::exp)
                    .sum();
                AnswerScore {
                    log_probability: logarithm(rest + begun),
                    tokens: 1,
                    at_most: true,
                }
            }
        })
        .collect();
    Ok(Scores {
        scores,
        notes,
        position: number,
    })
}

/// Which answer a token counts for: the one that it is exactly, or else the first whose form it is. It counts once.
fn place(token: &str, answers: &[String], before: &str) -> Option<usize> {
    answers
        .iter()
        .position(|answer| answer == token)
        .or_else(|| {
            answers
                .iter()
                .position(|answer| is_answer(token, answer, before))
        })
}

/// Whether a token can be the first of several that are the answer.
fn may_begin(candidate: &Candidate, answer: &str, before: &str) -> bool {
    let begins = |bytes: &[u8]| {
        [answer, rest_of(answer, before)].iter().any(|answer| {
            answer.len() > bytes.len() && !bytes.is_empty() && answer.as_bytes().starts_with(bytes)
        })
    };
    match (&candidate.bytes, candidate.whole_text()) {
        (Some(bytes), _) => begins(bytes),
        (None, Some(text)) => begins(text.as_bytes()),
        // Part of some character, the server does not say which.
        (None, None) => !answer.is_ascii(),
    }
}

/// The logarithm of a mass. Rounding can leave a sum a little above 1, or nothing at all.
fn logarithm(mass: f64) -> f64 {
    if mass > 0.0 {
        mass.ln().clamp(FLOOR, 0.0)
    } else {
        FLOOR
    }
}

/// Whether the numbers of a position can be log-probabilities.
fn check(position: &Position) -> Result<(), SlotFailure> {
    let values = || {
        position
            .candidates
            .iter()
            .filter_map(|candidate| candidate.log_probability)
    };
    let sum: f64 = values().map(f64::exp).sum();
    let fault = if values().any(|value| value > ROUNDING) {
        "one is above 0, and "
    } else if sum > 1.0 + SHOWN_ROUNDING || sum.is_nan() {
        ""
    } else {
        return Ok(());
    };
    Err(invalid(position, fault, sum))
}

fn invalid(position: &Position, fault: &str, sum: f64) -> SlotFailure {
    SlotFailure::InvalidProbabilities {
        detail: format!(
            "{fault}the sum of the probabilities at token {:?} is {sum:.4}",
            position.written.text
        ),
    }
}

fn missing(position: &Position) -> SlotFailure {
    let mut detail = format!(
        "the answer begins with {:?}, and no form of any answer is among the {} tokens shown",
        position.written.text,
        position.candidates.len()
    );
    if position
        .candidates
        .iter()
        .any(|candidate| candidate.whole_text().is_none())
    {
        detail.push_str(
            "; some are parts of characters: the answers may be several tokens for this model",
        );
    }
    SlotFailure::AnswersMissing { detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(candidates: &[(&str, Option<f64>)]) -> Position {
        let candidates: Vec<Candidate> = candidates
            .iter()
            .map(|(text, log_probability)| Candidate {
                text: (*text).to_owned(),
                bytes: None,
                log_probability: *log_probability,
            })
            .collect();
        Position {
            written: candidates[0].clone(),
            candidates,
        }
    }

    fn table(positions: Vec<Position>) -> Table {
        Table {
            positions,
            post_sampling: false,
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_token_counts_for_one_answer_only() {
        let table = table(vec![position(&[
            ("Yes", Some(0.5_f64.ln())),
            (" Yes", Some(0.2_f64.ln())),
            (" Yes", Some(0.1_f64.ln())),
        ])]);
        let scores = answers(&table, &owned(&["Yes", " Yes"])).unwrap();
        let masses: Vec<f64> = scores
            .scores
            .iter()
            .map(|score| score.log_probability.exp())
            .collect();
        assert!((masses[0] - 0.5).abs() < 1e-12 && (masses[1] - 0.3).abs() < 1e-12);
    }

    #[test]
    fn a_reply_without_an_answer_is_a_failure() {
        for positions in [
            vec![],
            vec![position(&[("\n", Some(-0.1))])],
            vec![position(&[("Maybe", Some(-0.1))])],
        ] {
            let failure = answers(&table(positions), &owned(&["Yes"])).unwrap_err();
            assert!(
                matches!(failure, SlotFailure::AnswersMissing { .. }),
                "{failure}"
            );
        }
    }

    #[test]
    fn the_bound_is_finite_where_nothing_is_left_over() {
        let table = table(vec![position(&[("Yes", Some(0.0005))])]);
        let scores = answers(&table, &owned(&["Yes", "No"])).unwrap();
        assert_eq!(scores.scores[0], AnswerScore::known(0.0, 1));
        assert!(scores.scores[1].at_most && scores.scores[1].log_probability == FLOOR);
    }

    #[test]
    fn a_token_that_an_answer_may_begin_with_is_within_its_bound() {
        let shown = [
            ("Yes", Some(0.5_f64.ln())),
            ("N", Some(0.25_f64.ln())),
            ("Sure", Some(0.125_f64.ln())),
            ("\u{fffd}", Some(0.0625_f64.ln())),
        ];
        let table = table(vec![position(&shown)]);
        let scores = answers(&table, &owned(&["Yes", "No", "Né"])).unwrap();
        let bound = |place: usize| scores.scores[place].log_probability.exp();
        assert!((bound(1) - 0.3125).abs() < 1e-12, "{}", bound(1));
        assert!((bound(2) - 0.375).abs() < 1e-12, "{}", bound(2));
    }

    proptest! {
        #[test]
        fn scores_are_log_probabilities_whatever_is_shown(
            shown in proptest::collection::vec(
                ("[ YesNo(A)]{0,4}", proptest::option::of(-20.0_f64..0.5)), 1..8),
        ) {
            let shown: Vec<(&str, Option<f64>)> =
                shown.iter().map(|(text, value)| (&**text, *value)).collect();
            let wanted = owned(&["Yes", " Yes", "No", "(A)"]);
            if let Ok(scores) = answers(&table(vec![position(&shown)]), &wanted) {
                prop_assert_eq!(scores.scores.len(), wanted.len());
                for score in &scores.scores {
                    prop_assert!((FLOOR..=0.0).contains(&score.log_probability));
                }
                let known: f64 = scores.scores.iter().filter(|score| !score.at_most)
                    .map(|score| score.log_probability.exp()).sum();
                prop_assert!(known <= 1.0 + 2.0 * ROUNDING);
            }
        }
    }
}
