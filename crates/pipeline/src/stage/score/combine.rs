//! How the probabilities of several requirements become the score that candidates are ranked by.

use std::collections::BTreeMap;

use evalwright_core::Probability;
use evalwright_recipe::Combine;

/// The score of a candidate from P(its label is right) and the probability of each other requirement. With no
/// other requirement it is the former, whatever the rule. In [0, 1].
///
/// The mean over all requirements, the label among them, is how the published method ranks (Perez et al. 2022,
/// section 2). Worked numbers: 0.9 and 0.4 give a mean of 0.65, a minimum of 0.4, a product of 0.36 and a
/// geometric mean of 0.6.
pub(crate) fn combined(
    rule: Combine,
    label: Probability,
    others: &BTreeMap<String, Probability>,
) -> f64 {
    let all = || std::iter::once(label.value()).chain(others.values().map(|one| one.value()));
    let count = (others.len() + 1) as f64;
    if others.is_empty() {
        return label.value();
    }
    match rule {
        Combine::Mean => all().sum::<f64>() / count,
        Combine::Minimum => all().fold(1.0, f64::min),
        Combine::Product => all().product(),
        Combine::GeometricMean => all().product::<f64>().powf(1.0 / count),
    }
}

/// The same for a kind that judges no label: of all requirements together; `None` where none was judged.
pub(crate) fn combined_others(
    rule: Combine,
    others: &BTreeMap<String, Probability>,
) -> Option<Probability> {
    let mut rest = others.clone();
    let (_, first) = rest.pop_first()?;
    // A combination of probabilities is one; rounding could carry it past an end.
    Probability::new(combined(rule, first, &rest).clamp(0.0, 1.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_numbers_come_out() {
        let probability = |value| Probability::new(value).unwrap();
        let others = BTreeMap::from([("relevant".to_owned(), probability(0.4))]);
        for (rule, expected) in [
            (Combine::Mean, 0.65),
            (Combine::Minimum, 0.4),
            (Combine::Product, 0.36),
            (Combine::GeometricMean, 0.6),
        ] {
            let score = combined(rule, probability(0.9), &others);
            assert!((score - expected).abs() < 1e-12, "{rule:?}: {score}");
            let alone = combined(rule, probability(0.9), &BTreeMap::new());
            assert!((alone - 0.9).abs() < 1e-12);
        }
    }
}
