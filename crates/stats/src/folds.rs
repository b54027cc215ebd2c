//! Seeded, stratified folds: each class is dealt out evenly, so that every fold looks like the whole.

use evalwright_core::Seed;

use crate::random::Stream;
use crate::undefined::Undefined;

/// The fold of each row, below `folds`: each class is shuffled and dealt in turn, every class going on where the one
/// before it stopped, so that fold sizes differ by at most one and so do those of each class.
///
/// # Errors
///
/// [`Undefined::TooFewExamples`] for fewer than two folds or a class with fewer rows than folds,
/// [`Undefined::NoItems`] for no rows.
pub fn stratified_folds(
    classes: &[usize],
    folds: usize,
    seed: Seed,
) -> Result<Vec<usize>, Undefined> {
    if classes.is_empty() {
        return Err(Undefined::NoItems);
    }
    if folds < 2 {
        return Err(Undefined::TooFewExamples);
    }
    let mut order: Vec<usize> = (0..classes.len()).collect();
    Stream::new(seed.derive("folds")).shuffle(&mut order);
    // Stable: within a class the shuffled order stays.
    order.sort_by_key(|row| classes[*row]);
    let fewest = order
        .chunk_by(|a, b| classes[*a] == classes[*b])
        .map(<[usize]>::len)
        .min();
    if fewest.is_none_or(|fewest| fewest < folds) {
        return Err(Undefined::TooFewExamples);
    }
    let mut fold_of = vec![0; classes.len()];
    for (place, row) in order.into_iter().enumerate() {
        fold_of[row] = place % folds;
    }
    Ok(fold_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn folds_are_even_in_every_class(classes in prop::collection::vec(0_usize..3, 30..90), folds in 2_usize..5, seed in any::<u64>()) {
            let Ok(fold_of) = stratified_folds(&classes, folds, Seed(seed)) else {
                let fewest = (0..3).map(|class| classes.iter().filter(|c| **c == class).count()).filter(|count| *count > 0).min();
                prop_assert!(fewest < Some(folds));
                return Ok(());
            };
            prop_assert_eq!(&fold_of, &stratified_folds(&classes, folds, Seed(seed)).unwrap());
            for class in [Some(0), Some(1), Some(2), None] {
                let counts: Vec<usize> = (0..folds).map(|fold| classes.iter().zip(&fold_of)
                    .filter(|(c, f)| **f == fold && class.is_none_or(|class| class == **c)).count()).collect();
                let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                prop_assert!(most - least <= 1, "{:?}", counts);
            }
        }
    }
}
