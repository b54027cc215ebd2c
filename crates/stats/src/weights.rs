//! How much two different labels agree.
//!
//! A weight is 1 for equal labels and below 1 for different ones; identity weights make a coefficient the plain
//! one.

use crate::error::StatsError;

/// Agreement weights for every pair of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementWeights {
    labels: usize,
    cells: Vec<f64>,
}

/// The usual schemes. Where labels have numbers they are those handed over; otherwise 0, 1, 2, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightScheme {
    /// 1 for equal labels, 0 for others.
    Identity,
    /// 1 − |a − b| / range (Cicchetti and Allison 1971).
    Linear,
    /// 1 − (a − b)² / range² (Fleiss and Cohen 1973).
    Quadratic,
    /// 1 − the number of pairs of labels between the two, over the largest such number (Gwet 2014, Handbook of
    /// Inter-Rater Reliability, ordinal weights). Uses the order of the labels alone.
    Ordinal,
}

impl AgreementWeights {
    /// Weights of a scheme for labels that stand for the numbers `values`, rising, one a label.
    ///
    /// # Errors
    ///
    /// No labels, a value that is not finite, or values that do not rise.
    pub fn of(scheme: WeightScheme, values: &[f64]) -> Result<Self, StatsError> {
        let rising = values.windows(2).all(|pair| pair[0] < pair[1]);
        if values.is_empty() || !rising || values.iter().any(|value| !value.is_finite()) {
            return Err(StatsError::Range {
                what: "numbers of labels",
                expected: "finite and rising, at least one",
            });
        }
        let labels = values.len();
        let range = values[labels - 1] - values[0];
        let pairs_between = |steps: usize| (steps * (steps + 1)) as f64 / 2.0;
        let mut cells = Vec::with_capacity(labels * labels);
        for a in 0..labels {
            for b in 0..labels {
                let distance = (values[a] - values[b]).abs();
                cells.push(if a == b {
                    1.0
                } else {
                    match scheme {
                        WeightScheme::Identity => 0.0,
                        WeightScheme::Linear => 1.0 - distance / range,
                        WeightScheme::Quadratic => 1.0 - (distance / range).powi(2),
                        WeightScheme::Ordinal => {
                            1.0 - pairs_between(a.abs_diff(b)) / pairs_between(labels - 1)
                        }
                    }
                });
            }
        }
        Ok(Self { labels, cells })
    }

    /// Weights of a scheme for `labels` labels that stand for 0, 1, 2, ….
    ///
    /// # Errors
    ///
    /// No labels.
    pub fn by_place(scheme: WeightScheme, labels: usize) -> Result<Self, StatsError> {
        let values: Vec<f64> = (0..labels).map(|label| label as f64).collect();
        Self::of(scheme, &values)
    }

    /// 1 for equal labels, 0 for others.
    #[must_use]
    pub fn identity(labels: usize) -> Self {
        let cells = (0..labels * labels)
            .map(|cell| f64::from(u8::from(cell / labels == cell % labels)))
            .collect();
        Self { labels, cells }
    }

    /// Labels.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// The weight of two labels; 0 for a label that does not exist.
    #[must_use]
    pub fn weight(&self, first: usize, second: usize) -> f64 {
        if first < self.labels && second < self.labels {
            self.cells[first * self.labels + second]
        } else {
            0.0
        }
    }

    /// The weights of one label with every other.
    pub(crate) fn row(&self, label: usize) -> &[f64] {
        &self.cells[label * self.labels..(label + 1) * self.labels]
    }

    /// The sum of all weights.
    pub(crate) fn sum(&self) -> f64 {
        self.cells.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_by_hand() {
        let linear = AgreementWeights::by_place(WeightScheme::Linear, 3).unwrap();
        assert!((linear.weight(0, 1) - 0.5).abs() < 1e-15);
        let quadratic = AgreementWeights::of(WeightScheme::Quadratic, &[1.0, 2.0, 5.0]).unwrap();
        assert!((quadratic.weight(1, 2) - (1.0 - 9.0 / 16.0)).abs() < 1e-15);
        // Five labels: 10 pairs from end to end, 3 pairs across two steps.
        let ordinal = AgreementWeights::by_place(WeightScheme::Ordinal, 5).unwrap();
        assert!((ordinal.weight(1, 3) - 0.7).abs() < 1e-15);
        assert_eq!(
            AgreementWeights::by_place(WeightScheme::Identity, 4),
            Ok(AgreementWeights::identity(4))
        );
        assert!(AgreementWeights::of(WeightScheme::Linear, &[1.0, 1.0]).is_err());
        assert!(AgreementWeights::of(WeightScheme::Linear, &[]).is_err());
        assert!(AgreementWeights::of(WeightScheme::Linear, &[f64::NAN]).is_err());
        assert!(linear.weight(3, 0).abs() < 1e-15);
    }
}
