//! How unevenly one measure of texts, such as their length, is spread over the two labels among chosen ones.
//!
//! Whole numbers alone are kept and changed, so adding and removing a text leaves no rounding behind.

/// Bins that values are sorted into, each with about as many candidates.
const BINS: usize = 32;

/// The state of one measure (the number of words, say) over the chosen texts.
///
/// For each bin `b`, the lead `D(b)` is how many more of the chosen texts up to that value are written for the
/// one label than for the other. The unevenness is the sum of its squares: the two-sample Cramér–von Mises
/// criterion (Anderson 1962, Annals of Mathematical Statistics 33: 1148–1159), up to a factor. It is 0 when both
/// labels have the same values, and grows with how far texts would have to be moved to get there.
#[derive(Debug)]
pub(super) struct Spread {
    /// The bin of each candidate.
    bins: Vec<usize>,
    /// `D(b)`.
    leads: Vec<i64>,
    /// The sum of `D` from a bin on.
    from: Vec<i64>,
    uneven: i64,
    /// What `uneven` would be on average if labels were dealt out by chance; 0 if all values are in one bin.
    chance: f64,
}

impl Spread {
    /// No text is chosen yet; `chosen` is how many will be, over both labels.
    pub(super) fn new(values: &[usize], chosen: usize) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let count = values.len().max(1);
        // Equal values share a bin; a bin that stays empty repeats the lead of the one before it, so that each
        // value weighs as much as there are candidates of it.
        let bins: Vec<usize> = values
            .iter()
            .map(|value| sorted.partition_point(|other| other < value) * BINS / count)
            .collect();
        let mut sizes = [0_usize; BINS];
        for bin in &bins {
            if let Some(size) = sizes.get_mut(*bin) {
                *size += 1;
            }
        }
        let mut below = 0_usize;
        let mut chance = 0.0;
        for size in sizes {
            below += size;
            let share = below as f64 / count as f64;
            // The lead is the difference of two counts out of `chosen / 2` texts each.
            chance += chosen as f64 * share * (1.0 - share);
        }
        Self {
            bins,
            leads: vec![0; BINS],
            from: vec![0; BINS],
            uneven: 0,
            chance,
        }
    }

    /// Adds a text for one label (`sign` 1 or −1), or removes one for the other.
    pub(super) fn add(&mut self, item: usize, sign: i64) {
        let bin = self.bins.get(item).copied().unwrap_or(0);
        for lead in self.leads.iter_mut().skip(bin) {
            *lead += sign;
        }
        let mut sum = 0;
        self.uneven = 0;
        for (from, lead) in self.from.iter_mut().zip(&self.leads).rev() {
            sum += lead;
            *from = sum;
            self.uneven += lead * lead;
        }
    }

    /// The unevenness with one more text, in multiples of what chance alone gives.
    pub(super) fn with(&self, item: usize, sign: i64) -> f64 {
        let bin = self.bins.get(item).copied().unwrap_or(0);
        let rest = i64::try_from(BINS - bin).unwrap_or(0);
        let from = self.from.get(bin).copied().unwrap_or(0);
        self.ratio(self.uneven + 2 * sign * from + rest)
    }

    fn ratio(&self, uneven: i64) -> f64 {
        if self.chance > 0.0 {
            uneven as f64 / self.chance
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unevenness_counts_how_far_values_lie_apart() {
        let mut spread = Spread::new(&[1, 2, 3, 4], 4);
        // One short text ahead in bins 0 to 7: the lead is 1 there until a text of the other label joins it.
        spread.add(0, 1);
        assert_eq!(spread.uneven, 32);
        assert!((spread.with(1, -1) * spread.chance - 8.0).abs() < 1e-9);
        assert!((spread.with(3, -1) * spread.chance - 24.0).abs() < 1e-9);
        spread.add(3, -1);
        assert_eq!(spread.uneven, 24);
        spread.add(3, 1);
        spread.add(0, -1);
        assert_eq!(spread.uneven, 0);
    }

    #[test]
    fn what_a_look_ahead_says_comes_true() {
        let values: Vec<usize> = (0..100).map(|number| number * 37 % 41).collect();
        let mut spread = Spread::new(&values, 50);
        for item in 0..50 {
            let sign = if item % 3 == 0 { 1 } else { -1 };
            let said = spread.with(item, sign);
            spread.add(item, sign);
            assert!((said - spread.ratio(spread.uneven)).abs() < 1e-9);
        }
    }

    #[test]
    fn one_length_is_never_uneven() {
        let spread = Spread::new(&[7, 7, 7], 2);
        assert!(spread.with(0, 1).abs() < 1e-12);
        assert!(Spread::new(&[], 0).ratio(5).abs() < 1e-12);
    }
}
