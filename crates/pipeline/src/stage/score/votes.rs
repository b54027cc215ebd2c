//! Counting sampled answers.
//!
//! A vote that cannot be read for certain, and one that never came, counts for neither side.

use evalwright_core::{Probability, SlotFailure, TextReply, Votes};
use evalwright_recipe::AnswerForms;
use evalwright_stats::wilson;
use evalwright_text::read_answer;

/// The confidence of the interval of a share of votes.
const CONFIDENCE: f64 = 0.95;

/// Counts the votes of one rater on one text; an interval always has ends in [0, 1], so it is never `None`.
pub(super) fn count(
    replies: &[Result<TextReply, SlotFailure>],
    forms: &AnswerForms,
) -> Option<Votes> {
    let (mut matching, mut not_matching, mut unreadable) = (0_u32, 0_u32, 0_u32);
    for reply in replies {
        let read = reply
            .as_ref()
            .ok()
            .and_then(|reply| {
                read_answer(&reply.text, &[&forms.matching, &forms.not_matching]).ok()
            })
            .filter(|read| read.contradiction.is_none());
        match read.map(|read| read.answer) {
            Some(0) => matching += 1,
            Some(_) => not_matching += 1,
            None => unreadable += 1,
        }
    }
    with_interval(matching, not_matching, unreadable)
}

/// Several counts as one; `None` of none.
pub(super) fn sum(counts: &[Votes]) -> Option<Votes> {
    if counts.is_empty() {
        return None;
    }
    with_interval(
        counts.iter().map(|votes| votes.matching).sum(),
        counts.iter().map(|votes| votes.not_matching).sum(),
        counts.iter().map(|votes| votes.unreadable).sum(),
    )
}

fn with_interval(matching: u32, not_matching: u32, unreadable: u32) -> Option<Votes> {
    let interval = wilson(
        u64::from(matching),
        u64::from(matching) + u64::from(not_matching),
        CONFIDENCE,
    );
    // Without a vote nothing is known about the share.
    let (low, high) = interval.map_or((0.0, 1.0), |interval| (interval.low, interval.high));
    Some(Votes {
        matching,
        not_matching,
        unreadable,
        low: Probability::new(low).ok()?,
        high: Probability::new(high).ok()?,
    })
}

/// The log-odds of votes; `None` without any that could be read.
///
/// Half a vote is added to each side (the mean of Jeffreys' prior after the votes): no finite number of votes is
/// certainty, and log-odds stay finite. Worked number: 7 of 7 give ln 15, P = 0.9375.
pub(super) fn log_odds(votes: &Votes) -> Option<f64> {
    let (matching, not_matching) = (f64::from(votes.matching), f64::from(votes.not_matching));
    (matching + not_matching > 0.0).then(|| ((matching + 0.5) / (not_matching + 0.5)).ln())
}

#[cfg(test)]
mod tests {
    use evalwright_core::{Finish, TokenUsage};

    use super::*;

    fn replies(texts: &[&str]) -> Vec<Result<TextReply, SlotFailure>> {
        texts
            .iter()
            .map(|text| {
                Ok(TextReply {
                    text: (*text).to_owned(),
                    finish: Finish::Stop,
                    usage: TokenUsage::default(),
                    notes: Vec::new(),
                })
            })
            .collect()
    }

    fn forms() -> AnswerForms {
        AnswerForms {
            matching: vec!["Yes".to_owned()],
            not_matching: vec!["No".to_owned()],
        }
    }

    #[test]
    fn votes_are_counted_with_their_interval() {
        let votes = count(
            &replies(&["Yes.", "no", "Yes and no.", "**Yes**", "", "yes"]),
            &forms(),
        )
        .unwrap();
        assert_eq!(
            (votes.matching, votes.not_matching, votes.unreadable),
            (3, 1, 2)
        );
        // Wilson's interval of 3 of 4: (0.75 + z²/8 ± z·√(0.1875/4 + z²/64)) / (1 + z²/4), z = 1.959964.
        assert!((votes.low.value() - 0.300_642).abs() < 1e-6, "{votes:?}");
        assert!((votes.high.value() - 0.954_413).abs() < 1e-6, "{votes:?}");
        assert!((log_odds(&votes).unwrap() - (3.5_f64 / 1.5).ln()).abs() < 1e-12);
    }

    #[test]
    fn seven_of_seven_are_sure_and_not_certain() {
        let votes = count(&replies(&["Yes"; 7]), &forms()).unwrap();
        let matching = Probability::from_log_odds(log_odds(&votes).unwrap()).unwrap();
        assert!((matching.value() - 0.9375).abs() < 1e-12);
    }

    #[test]
    fn votes_that_cannot_be_read_say_nothing() {
        let mut all = replies(&["I cannot judge this."]);
        all.push(Err(SlotFailure::Refused {
            text: "no".to_owned(),
        }));
        let votes = count(&all, &forms()).unwrap();
        assert_eq!(votes.unreadable, 2);
        assert_eq!(log_odds(&votes), None);
        assert!(votes.low.value() < 1e-12 && votes.high.value() > 1.0 - 1e-12);
    }
}
