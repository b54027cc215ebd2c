//! Multinomial naive Bayes over small sets of features, cross-validated: the counts of the rest are the counts of all
//! less those of the fold, so each row is counted twice whatever the number of folds.

use evalwright_core::Seed;
use rayon::prelude::*;

use crate::random::Stream;

/// A guess for one row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct RowGuess {
    /// The likeliest label; among equally likely ones, the seed decides.
    pub(super) label: usize,
    /// ln P(label 1) − ln P(label 0), up to rounding.
    pub(super) score: f64,
}

struct Counts {
    classes: usize,
    /// By feature, then class.
    cells: Vec<u32>,
    /// Features counted, by class.
    features: Vec<u64>,
    /// Rows, by class.
    rows: Vec<u64>,
}

impl Counts {
    fn new(vocabulary: usize, classes: usize) -> Self {
        Self {
            classes,
            cells: vec![0; vocabulary * classes],
            features: vec![0; classes],
            rows: vec![0; classes],
        }
    }

    fn add(&mut self, features: &[u32], class: usize) {
        for feature in features {
            self.cells[*feature as usize * self.classes + class] += 1;
        }
        self.features[class] += features.len() as u64;
        self.rows[class] += 1;
    }
}

/// Guesses every row by the rows of the other folds (McCallum and Nigam 1998, AAAI workshop on learning for text
/// categorisation: 41–48), one added to every count.
pub(super) fn cross_guess(
    features: &[Vec<u32>],
    labels: &[usize],
    classes: usize,
    fold_of: &[usize],
    folds: usize,
    seed: Seed,
) -> Vec<RowGuess> {
    let vocabulary = features
        .iter()
        .flatten()
        .max()
        .map_or(0, |most| *most as usize + 1);
    let mut all = Counts::new(vocabulary, classes);
    for (features, label) in features.iter().zip(labels) {
        all.add(features, *label);
    }
    let by_fold: Vec<Vec<(usize, RowGuess)>> = (0..folds)
        .into_par_iter()
        .map(|fold| {
            let mut own = Counts::new(vocabulary, classes);
            let rows = || (0..labels.len()).filter(|row| fold_of[*row] == fold);
            for row in rows() {
                own.add(&features[row], labels[row]);
            }
            let rest = Logarithms::of(&all, &own, vocabulary);
            let mut stream = Stream::new(seed.derive(&format!("ties {fold}")));
            rows()
                .map(|row| (row, rest.guess(&features[row], &mut stream)))
                .collect()
        })
        .collect();
    let mut guesses = vec![RowGuess::default(); labels.len()];
    for (row, guess) in by_fold.into_iter().flatten() {
        guesses[row] = guess;
    }
    guesses
}

/// Logarithms of the probabilities that the rest of the rows give.
struct Logarithms {
    classes: usize,
    cells: Vec<f64>,
    shares: Vec<f64>,
}

impl Logarithms {
    fn of(all: &Counts, own: &Counts, vocabulary: usize) -> Self {
        let classes = all.classes;
        let totals: Vec<f64> = (0..classes)
            .map(|class| {
                ((all.features[class] - own.features[class]) as f64 + vocabulary as f64).ln()
            })
            .collect();
        let rows = |class: usize| (all.rows[class] - own.rows[class]) as f64;
        let sum: f64 = (0..classes).map(rows).sum();
        Self {
            classes,
            cells: all
                .cells
                .iter()
                .zip(&own.cells)
                .enumerate()
                .map(|(place, (all, own))| f64::from(all - own + 1).ln() - totals[place % classes])
                .collect(),
            // A label without rows has the logarithm of 0 and is never guessed.
            shares: (0..classes).map(|class| (rows(class) / sum).ln()).collect(),
        }
    }

    fn guess(&self, features: &[u32], stream: &mut Stream) -> RowGuess {
        let mut scores = self.shares.clone();
        for feature in features {
            let start = *feature as usize * self.classes;
            for (score, cell) in scores
                .iter_mut()
                .zip(&self.cells[start..start + self.classes])
            {
                *score += cell;
            }
        }
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let tied: Vec<usize> = (0..self.classes)
            .filter(|class| best - scores[*class] < 1e-9)
            .collect();
        let label = match tied.as_slice() {
            [only] => *only,
            several => several
                .get(stream.below(several.len()))
                .copied()
                .unwrap_or_default(),
        };
        let score = match scores.as_slice() {
            [zero, one] => one - zero,
            _ => 0.0,
        };
        RowGuess { label, score }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_worked_guess() {
        // Fold 1 holds the last row. The rest: label 0 has features {0}, {0, 1}; label 1 has {1}, {1}.
        let features = [vec![0], vec![0, 1], vec![1], vec![1], vec![1]];
        let labels = [0, 0, 1, 1, 0];
        let guesses = cross_guess(&features, &labels, 2, &[0, 0, 0, 0, 1], 2, Seed(1));
        // P(1 | label 0) = (1+1)/(3+2), P(1 | label 1) = (2+1)/(2+2), shares equal.
        let expected = (0.75_f64 / 0.4).ln();
        assert!((guesses[4].score - expected).abs() < 1e-12);
        assert_eq!(guesses[4].label, 1);
    }
}
