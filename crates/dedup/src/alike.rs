//! Which texts stay when others mean the same, by their vectors.
//!
//! Invariants: no two kept items of one label are alike, and each dropped item is alike to the very item that
//! it names. There are no chains: a likeness of meaning gets lost on the way along one, unlike a likeness of
//! words. Items with different labels are never settled: both stay and the pair is listed, because an encoder
//! finds a sentence and its opposite alike.

use crate::error::DedupError;
use crate::find::{Items, check_priorities};
use crate::item::{Dropped, Item, Layer};
use crate::semantic::{SimilarPair, Vectors, similar_pairs};
use crate::settle::Rows;

/// What stays and what falls, by position; each list in ascending order of position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alike {
    /// Items that stay.
    pub kept: Vec<usize>,
    /// Items that fall. `of` stays, has the same label, and of all those that stay has the highest cosine with
    /// the item; `similarity` is that cosine, at least the threshold.
    pub dropped: Vec<Dropped>,
    /// Pairs of kept items that are alike and have different labels.
    pub across: Vec<SimilarPair>,
}

/// Goes through the items by priority (ties: the smallest id, then text and label) and drops each that is alike
/// to one of its own label that stays: whose cosine with it is at least the threshold. Row `i` of the vectors
/// belongs to item `i`. The same items in another order give the same survivors.
///
/// # Errors
/// A threshold outside (0, 1], another number of vectors than of items, or a priority that is not a number.
pub fn drop_alike(
    items: &[Item<'_>],
    vectors: Vectors<'_>,
    threshold: f64,
) -> Result<Alike, DedupError> {
    check_priorities(items)?;
    if vectors.len() != items.len() {
        return Err(DedupError::Vectors {
            vectors: vectors.len(),
            items: items.len(),
        });
    }
    let pairs = similar_pairs(vectors, threshold)?;
    let label = |index: usize| items.get(index).map(|item| item.label);
    let mut neighbours: Vec<Vec<(usize, f64)>> = vec![Vec::new(); items.len()];
    for pair in pairs
        .iter()
        .filter(|pair| label(pair.left) == label(pair.right))
    {
        for (one, other) in [(pair.left, pair.right), (pair.right, pair.left)] {
            if let Some(list) = neighbours.get_mut(one) {
                list.push((other, pair.cosine));
            }
        }
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    // Vectors are fewer than 2³².
    let rank = |left: usize, right: usize| Items(items).rank(left as u32, right as u32);
    order.sort_by(|&left, &right| rank(left, right));
    let mut stays = vec![false; items.len()];
    for &index in &order {
        let near = neighbours.get(index).map_or(&[][..], Vec::as_slice);
        let is_alone = near
            .iter()
            .all(|(other, _)| stays.get(*other) != Some(&true));
        if let Some(flag) = stays.get_mut(index) {
            *flag = is_alone;
        }
    }
    let is_kept = |index: usize| stays.get(index) == Some(&true);
    let mut alike = Alike::default();
    for (index, near) in neighbours.iter().enumerate() {
        let survivor = near
            .iter()
            .filter(|(other, _)| is_kept(*other))
            .max_by(|left, right| {
                left.1
                    .total_cmp(&right.1)
                    .then_with(|| rank(right.0, left.0))
            });
        match survivor {
            Some((of, cosine)) if !is_kept(index) => alike.dropped.push(Dropped {
                index,
                of: *of,
                layer: Layer::Semantic,
                similarity: *cosine,
                conflict: false,
                reference: false,
            }),
            _ => alike.kept.push(index),
        }
    }
    alike.across = pairs
        .into_iter()
        .filter(|pair| label(pair.left) != label(pair.right))
        .filter(|pair| is_kept(pair.left) && is_kept(pair.right))
        .collect();
    Ok(alike)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A unit vector in a plane.
    fn at(degrees: f64) -> [f32; 2] {
        let angle = degrees.to_radians();
        [angle.cos() as f32, angle.sin() as f32]
    }

    fn item(id: &str, label: u32, priority: f64) -> Item<'_> {
        Item {
            id,
            text: id,
            label,
            priority,
        }
    }

    fn run(items: &[Item<'_>], degrees: &[f64], threshold: f64) -> Alike {
        let data: Vec<f32> = degrees.iter().flat_map(|angle| at(*angle)).collect();
        drop_alike(items, Vectors::new(&data, 2).unwrap(), threshold).unwrap()
    }

    #[test]
    fn a_chain_is_not_followed_to_its_end() {
        // 0°, 20° and 40°: neighbours are alike, the ends are not.
        let threshold = 25_f64.to_radians().cos();
        let items = [item("a", 0, 0.9), item("b", 0, 0.8), item("c", 0, 0.7)];
        let found = run(&items, &[0.0, 20.0, 40.0], threshold);
        assert_eq!(found.kept, [0, 2]);
        let [dropped] = found.dropped[..] else {
            panic!("{found:?}")
        };
        assert_eq!((dropped.index, dropped.layer), (1, Layer::Semantic));
        assert!((dropped.similarity - 20_f64.to_radians().cos()).abs() < 1e-6);
        // With the middle one surest, both ends are alike to it.
        let items = [item("a", 0, 0.7), item("b", 0, 0.8), item("c", 0, 0.7)];
        assert_eq!(run(&items, &[0.0, 20.0, 40.0], threshold).kept, [1]);
    }

    #[test]
    fn other_labels_are_listed_and_never_dropped() {
        let items = [item("a", 0, 0.9), item("b", 1, 0.8), item("c", 1, 0.7)];
        let found = run(&items, &[0.0, 5.0, 6.0], 0.9);
        assert_eq!(found.kept, [0, 1]);
        assert_eq!((found.dropped[0].index, found.dropped[0].of), (2, 1));
        let across: Vec<_> = found
            .across
            .iter()
            .map(|pair| (pair.left, pair.right))
            .collect();
        assert_eq!(
            across,
            [(0, 1)],
            "the pair of a dropped item is gone with it"
        );
    }

    #[test]
    fn nothing_and_wrong_input() {
        let none = Vectors::new(&[], 2).unwrap();
        assert_eq!(drop_alike(&[], none, 0.5).unwrap(), Alike::default());
        let items = [item("a", 0, 0.9)];
        assert!(matches!(
            drop_alike(&items, none, 0.5),
            Err(DedupError::Vectors { .. })
        ));
        let wrong = [item("a", 0, f64::NAN)];
        let one = Vectors::new(&[1.0, 0.0], 2).unwrap();
        assert!(matches!(
            drop_alike(&wrong, one, 0.5),
            Err(DedupError::Priority { .. })
        ));
        assert!(matches!(
            drop_alike(&items, one, 1.5),
            Err(DedupError::Cosine { .. })
        ));
    }

    proptest! {
        #[test]
        fn survivors_are_apart_and_do_not_depend_on_the_order(
            degrees in prop::collection::vec(0_u16..360, 0..30),
            turn in 0_usize..30,
        ) {
            let ids: Vec<String> = (0..degrees.len()).map(|number| format!("i{number:02}")).collect();
            let all: Vec<(Item<'_>, f64)> = degrees
                .iter()
                .zip(&ids)
                .map(|(angle, id)| {
                    let priority = f64::from(angle % 5) / 5.0;
                    (item(id, u32::from(angle % 2), priority), f64::from(*angle))
                })
                .collect();
            let split = |all: &[(Item<'_>, f64)]| {
                let items: Vec<Item<'_>> = all.iter().map(|(item, _)| *item).map(|i| Item { id: i.id, ..i }).collect();
                let found = run(&items, &all.iter().map(|(_, angle)| *angle).collect::<Vec<_>>(), 0.9);
                let mut kept: Vec<String> =
                    found.kept.iter().map(|index| items[*index].id.to_owned()).collect();
                kept.sort();
                let mut dropped: Vec<(String, String)> = found
                    .dropped
                    .iter()
                    .map(|drop| (items[drop.index].id.to_owned(), items[drop.of].id.to_owned()))
                    .collect();
                dropped.sort();
                (kept, dropped, found)
            };
            let (kept, dropped, found) = split(&all);
            prop_assert_eq!(kept.len() + dropped.len(), all.len());
            for drop in &found.dropped {
                prop_assert!(drop.similarity >= 0.9 && found.kept.contains(&drop.of));
                prop_assert_eq!(all[drop.index].0.label, all[drop.of].0.label);
            }
            for (number, left) in found.kept.iter().enumerate() {
                for right in &found.kept[number + 1..] {
                    let apart = (all[*left].1 - all[*right].1).to_radians().cos() < 0.9 + 1e-6;
                    prop_assert!(apart || all[*left].0.label != all[*right].0.label);
                }
            }
            let mut turned = all.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
                turned.reverse();
            }
            let (again, dropped_again, _) = split(&turned);
            prop_assert_eq!(kept, again);
            prop_assert_eq!(dropped, dropped_again);
        }
    }
}
