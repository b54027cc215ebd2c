//! P(label) from the scores of its forms: mass over the masses of all labels, with the mass covered.
//!
//! A label of which no form is shown is known only to lie between nothing and what is left over, so shares are pairs of
//! ends. Both ends are equal where everything is known.

use evalwright_core::AnswerScore;

/// The share of each label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shares {
    /// Lowest and highest possible share of each label, in their order.
    pub(crate) ends: Vec<(f64, f64)>,
    /// The mass that the labels hold for certain.
    pub(crate) covered: f64,
}

/// The shares of labels, each given by the positions of its forms among the scores. `None` if no label holds any mass.
pub(crate) fn shares(scores: &[AnswerScore], labels: &[&[usize]]) -> Option<Shares> {
    let masses: Vec<(f64, f64)> = labels.iter().map(|forms| mass(scores, forms)).collect();
    let low: f64 = masses.iter().map(|(low, _)| low).sum();
    if low <= 0.0 {
        return None;
    }
    // What is left over is one mass, however many labels could hold it.
    let spread: f64 = masses.iter().map(|(low, high)| high - low).sum();
    let spread = spread.min((1.0 - low).max(0.0));
    let ends = masses
        .iter()
        .map(|&(own, own_high)| {
            // A known label's share is least when another one takes what is left over.
            let lowest = if own < own_high {
                0.0
            } else {
                own / (low + spread)
            };
            (lowest, own_high / (low + (own_high - own)))
        })
        .collect();
    Some(Shares { ends, covered: low })
}

/// The least and the most that a label's forms can hold. A form that is not shown adds nothing to forms that are: what
/// is left over is known to be small only where a label has nothing else.
fn mass(scores: &[AnswerScore], forms: &[usize]) -> (f64, f64) {
    let of = |at_most: bool| {
        forms
            .iter()
            .filter_map(|form| scores.get(*form))
            .filter(move |score| score.at_most == at_most)
            .map(|score| score.log_probability.exp())
    };
    if of(false).next().is_some() {
        let known = of(false).sum();
        (known, known)
    } else {
        (0.0, of(true).fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unknown(mass: f64) -> AnswerScore {
        AnswerScore {
            log_probability: mass.ln(),
            tokens: 1,
            at_most: true,
        }
    }

    #[test]
    fn what_is_left_over_is_one_mass() {
        let scores = [
            AnswerScore::known(0.8_f64.ln(), 1),
            unknown(0.2),
            unknown(0.2),
        ];
        let shares = shares(&scores, &[&[0], &[1], &[2]]).unwrap();
        let near = |(low, high): (f64, f64), wanted: (f64, f64)| {
            (low - wanted.0).abs() < 1e-12 && (high - wanted.1).abs() < 1e-12
        };
        assert!(near(shares.ends[0], (0.8, 1.0)), "{shares:?}");
        assert!(near(shares.ends[1], (0.0, 0.2)), "{shares:?}");
        assert!((shares.covered - 0.8).abs() < 1e-12);
    }

    #[test]
    fn nothing_shown_is_nothing_known() {
        assert_eq!(shares(&[unknown(0.5), unknown(0.5)], &[&[0], &[1]]), None);
        assert_eq!(shares(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn shares_lie_between_0_and_1_and_known_ones_add_up_to_1(
            masses in proptest::collection::vec(1e-6_f64..0.2, 1..5),
            hidden in any::<bool>(),
        ) {
            let rest = 1.0 - masses.iter().sum::<f64>();
            let mut scores: Vec<AnswerScore> =
                masses.iter().map(|mass| AnswerScore::known(mass.ln(), 1)).collect();
            if hidden {
                scores.push(unknown(rest));
            }
            let places: Vec<[usize; 1]> = (0..scores.len()).map(|place| [place]).collect();
            let labels: Vec<&[usize]> = places.iter().map(|place| &place[..]).collect();
            let shares = shares(&scores, &labels).unwrap();
            for (low, high) in &shares.ends {
                prop_assert!(0.0 <= *low && low <= high && *high <= 1.0 + 1e-12);
            }
            if !hidden {
                let sum: f64 = shares.ends.iter().map(|(low, _)| low).sum();
                prop_assert!((sum - 1.0).abs() < 1e-9);
            }
        }
    }
}
