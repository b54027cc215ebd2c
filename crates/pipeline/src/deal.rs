//! Additions dealt out to items: whatever number of items is used, from the first one on, each addition stands equally
//! often, give or take one or two, and no item has one of them twice.
//!
//! A draw that moves along a deck is even over whole rounds alone, and ties what goes along with it: there a name would
//! always meet the same interest.

use std::collections::BTreeSet;

use evalwright_core::{Fields, Seed};

use crate::draw::Draw;

/// Each item with `each` additions (all of them where there are fewer), in laps: all items with one, then all with the
/// next one. Cards come from one shuffled deck after another; a card that an item has had waits for the next item that
/// has not. Nothing is dealt without additions.
pub(crate) fn dealt(
    items: &[Fields],
    each: usize,
    additions: &[Fields],
    seed: Seed,
) -> Vec<Fields> {
    let each = each.min(additions.len());
    let mut draw = Draw::new(seed);
    let mut waiting: Vec<usize> = Vec::new();
    let mut had: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); items.len()];
    let mut all = Vec::with_capacity(items.len().saturating_mul(each));
    for _ in 0..each {
        for (item, had) in items.iter().zip(&mut had) {
            let new = |waiting: &[usize]| waiting.iter().position(|card| !had.contains(card));
            let at = new(&waiting).unwrap_or_else(|| {
                let mut deck: Vec<usize> = (0..additions.len()).collect();
                draw.shuffle(&mut deck);
                waiting.append(&mut deck);
                // A whole deck holds a card that the item has not had: it has had fewer than there are.
                new(&waiting).unwrap_or(0)
            });
            let card = waiting.remove(at);
            had.insert(card);
            let mut item = item.clone();
            if let Some(addition) = additions.get(card) {
                item.extend(addition.clone());
            }
            all.push(item);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fields(name: &str, count: usize) -> Vec<Fields> {
        (0..count)
            .map(|number| {
                let mut fields = Fields::new();
                fields.insert(name.to_owned(), number.into());
                fields
            })
            .collect()
    }

    fn counts(rows: &[Fields], name: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in rows {
            *counts.entry(row[name].to_string()).or_default() += 1;
        }
        counts
    }

    proptest! {
        #[test]
        fn any_first_part_is_even_and_no_item_has_an_addition_twice(
            items in 1_usize..40, additions in 1_usize..20, each in 1_usize..25, seed: u64,
        ) {
            let all = dealt(&fields("a", items), each, &fields("b", additions), Seed(seed));
            let each = each.min(additions);
            prop_assert_eq!(all.len(), items * each);
            let pairs: BTreeSet<String> = all.iter().map(|row| format!("{} {}", row["a"], row["b"])).collect();
            prop_assert_eq!(pairs.len(), all.len());
            // With fewer cards than half of a deck for each item, a card seldom has to wait.
            if each * 2 <= additions {
                for end in 1..=all.len() {
                    let counts = counts(&all[..end], "b");
                    let most = counts.values().max().copied().unwrap_or(0);
                    let least = if counts.len() < additions { 0 } else { counts.values().min().copied().unwrap_or(0) };
                    prop_assert!(most - least <= 2, "{} of {}: {:?}", end, all.len(), counts);
                }
            }
            prop_assert_eq!(&all, &dealt(&fields("a", items), each, &fields("b", additions), Seed(seed)));
        }
    }

    #[test]
    fn what_is_dealt_later_is_not_tied_to_what_was_dealt_before() {
        // Sixty names, forty places for each ten times, then one of thirty interests for each of the 600.
        let people = dealt(&fields("name", 60), 10, &fields("place", 40), Seed(7));
        let people = dealt(&people, 1, &fields("interest", 30), Seed(8));
        let half = &people[..300];
        for (name, values, least, most) in [
            ("name", 60, 5, 5),
            ("place", 40, 7, 8),
            ("interest", 30, 10, 10),
        ] {
            let counts = counts(half, name);
            assert_eq!(counts.len(), values, "{name}");
            assert!(
                counts.values().all(|count| (least..=most).contains(count)),
                "{name}: {counts:?}"
            );
        }
        let pairs: BTreeSet<String> = half
            .iter()
            .map(|row| format!("{} {}", row["name"], row["interest"]))
            .collect();
        assert!(
            pairs.len() > 200,
            "a name meets many interests: {}",
            pairs.len()
        );
    }

    #[test]
    fn nothing_is_dealt_of_nothing() {
        assert!(dealt(&fields("a", 3), 2, &[], Seed(1)).is_empty());
        assert!(dealt(&[], 2, &fields("b", 2), Seed(1)).is_empty());
    }
}
