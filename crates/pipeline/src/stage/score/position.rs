//! How much it changes a rater's answer where the matching answer stands.
//!
//! Each candidate with lettered answers is asked about in both orders. Their mean is what counts; how far the two
//! lie apart is counted here and told.

use evalwright_core::Probability;
use evalwright_dataset::PositionRecord;

use super::reading::{LogOdds, Reading};

/// What was seen of one rater so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Position {
    pairs: u64,
    same: u64,
    /// The sum of P(matching answer) where it stands earlier, less where it stands later.
    shift: f64,
}

impl Position {
    /// Adds a candidate's readings with the place of the matching answer in each; neighbours are the two orders of
    /// one question. Orders that do not move it, and readings that are no single number, say nothing.
    pub(super) fn add(&mut self, readings: &[(Option<usize>, &Reading)]) {
        for pair in readings.chunks_exact(2) {
            let [(Some(one), first), (Some(other), second)] = pair else {
                continue;
            };
            let (Some(first), Some(second)) = (known(first), known(second)) else {
                continue;
            };
            let shift = match one.cmp(other) {
                std::cmp::Ordering::Less => first - second,
                std::cmp::Ordering::Equal => continue,
                std::cmp::Ordering::Greater => second - first,
            };
            self.pairs += 1;
            self.same += u64::from((first >= 0.5) == (second >= 0.5));
            self.shift += shift;
        }
    }

    /// What the manifest tells; `None` if nothing was seen.
    pub(crate) fn record(&self) -> Option<PositionRecord> {
        (self.pairs > 0).then(|| PositionRecord {
            pairs: self.pairs,
            same_answer: self.same,
            shift: self.shift / self.pairs as f64,
        })
    }
}

fn known(reading: &Reading) -> Option<f64> {
    let log_odds = reading
        .log_odds
        .as_ref()
        .ok()
        .filter(|one| one.is_known())?;
    Probability::from_log_odds(LogOdds::low(log_odds)).map(Probability::value)
}

#[cfg(test)]
mod tests {
    use evalwright_core::UnknownReason;

    use super::*;

    fn reading(matching: f64) -> Reading {
        Reading::known(Probability::new(matching).unwrap().log_odds())
    }

    #[test]
    fn a_habit_is_a_shift_and_a_preference_is_not() {
        let mut position = Position::default();
        assert_eq!(position.record(), None);
        // Leans to whatever stands first: 0.8 there, 0.4 later, in either order of asking.
        let (high, low) = (reading(0.8), reading(0.4));
        position.add(&[(Some(0), &high), (Some(1), &low)]);
        position.add(&[(Some(1), &low), (Some(0), &high)]);
        // Says the same in both orders.
        position.add(&[(Some(0), &high), (Some(1), &high)]);
        // Nothing can be said of these.
        let unknown = Reading::unknown(UnknownReason::NotAsked);
        position.add(&[(Some(0), &high), (Some(1), &unknown)]);
        position.add(&[(Some(1), &high), (Some(1), &low)]);
        position.add(&[(None, &high), (None, &low)]);
        position.add(&[(Some(0), &high)]);
        let record = position.record().unwrap();
        assert_eq!((record.pairs, record.same_answer), (3, 1));
        assert!((record.shift - 0.8 / 3.0).abs() < 1e-12);
    }
}
