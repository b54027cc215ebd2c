//! `select`: chooses equally many rows for each label and puts them in order.
//!
//! Labels are always balanced: when one label has fewer candidates than wanted, the other is trimmed to as
//! many, its surest first (or spread, as the kind says). The rows do not depend on the candidates' order.

use evalwright_core::{Cell, ContentHash, Seed};
use evalwright_recipe::{Order, Take};

use crate::draw::Draw;

/// Confidence bins of `spread`.
const BINS: u32 = 10;

/// A candidate that may become a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choice<'a> {
    /// Its identifier, which breaks ties.
    pub(crate) id: &'a str,
    /// Its cell.
    pub(crate) cell: Cell,
    /// P(intended side).
    pub(crate) confidence: f64,
}

/// How rows are chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Which of them.
    pub(crate) take: Take,
    /// In which order.
    pub(crate) order: Order,
    /// Rows per cell at the most.
    pub(crate) wanted: usize,
    /// The run's seed.
    pub(crate) seed: Seed,
}

/// The positions of the chosen ones in the order of publication.
pub(crate) fn select(rule: &Rule, choices: &[Choice<'_>]) -> Vec<usize> {
    let mut cells: Vec<Vec<usize>> = Cell::ALL
        .iter()
        .map(|cell| {
            let mut surest: Vec<(usize, &Choice<'_>)> = choices
                .iter()
                .enumerate()
                .filter(|(_, choice)| choice.cell == *cell)
                .collect();
            surest.sort_by(|(_, one), (_, other)| surer(one, other));
            surest.into_iter().map(|(index, _)| index).collect()
        })
        .collect();
    let size = cells
        .iter()
        .map(Vec::len)
        .min()
        .unwrap_or(0)
        .min(rule.wanted);
    for cell in &mut cells {
        match rule.take {
            Take::Top => cell.truncate(size),
            Take::Spread => *cell = spread(cell, choices, size, rule.seed.derive("spread")),
        }
    }
    match rule.order {
        Order::Confidence => alternate(&cells, size),
        Order::Shuffled => {
            let mut rows = cells.concat();
            // Each cell stands in the order of confidence and name, so the draw owes nothing to the input.
            Draw::new(rule.seed.derive("order")).shuffle(&mut rows);
            rows
        }
    }
}

/// Falling confidence; ties: the smaller identifier first.
fn surer(one: &Choice<'_>, other: &Choice<'_>) -> std::cmp::Ordering {
    other
        .confidence
        .total_cmp(&one.confidence)
        .then_with(|| one.id.cmp(other.id))
}

/// Chooses evenly over a cell's range of confidence: the range is cut into ten bins of equal width, and the
/// bins give one each in turn, the surest bin first, until there are enough. Inside a bin the seed and the
/// identifier decide. `surest` holds positions by falling confidence, and so does the result.
fn spread(surest: &[usize], choices: &[Choice<'_>], size: usize, seed: Seed) -> Vec<usize> {
    let confidence = |index: &usize| choices.get(*index).map_or(0.0, |choice| choice.confidence);
    let high = surest.first().map_or(0.0, confidence);
    let low = surest.last().map_or(0.0, confidence);
    // The turn in which a candidate's bin would give it; within a turn bins follow each other.
    let mut bins: Vec<Vec<(ContentHash, usize)>> = (0..BINS).map(|_| Vec::new()).collect();
    for index in surest {
        let from_top = bin_from_top(confidence(index), low, high);
        let id = choices.get(*index).map_or("", |choice| choice.id);
        let lot = ContentHash::of_parts(&[&seed.0.to_le_bytes()[..], id.as_bytes()]);
        if let Some(bin) = bins.get_mut(from_top) {
            bin.push((lot, *index));
        }
    }
    let mut turns: Vec<(usize, usize, usize)> = Vec::new();
    for (from_top, bin) in bins.iter_mut().enumerate() {
        bin.sort_unstable();
        turns.extend(
            bin.iter()
                .enumerate()
                .map(|(turn, (_, index))| (turn, from_top, *index)),
        );
    }
    turns.sort_unstable();
    let mut chosen: Vec<usize> = turns
        .into_iter()
        .take(size)
        .map(|(_, _, index)| index)
        .collect();
    chosen.sort_by(
        |one, other| match (choices.get(*one), choices.get(*other)) {
            (Some(one), Some(other)) => surer(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        },
    );
    chosen
}

/// The bin of a confidence between `low` and `high`, 0 for the surest; all are in bin 0 when there is no range.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is from 0 to the number of bins; `as` maps a number that is none to 0"
)]
fn bin_from_top(confidence: f64, low: f64, high: f64) -> usize {
    let range = high - low;
    if range <= 0.0 {
        return 0;
    }
    let bins = f64::from(BINS);
    ((high - confidence) / range * bins)
        .floor()
        .clamp(0.0, bins - 1.0) as usize
}

/// Takes one of each cell in turn.
fn alternate(cells: &[Vec<usize>], size: usize) -> Vec<usize> {
    (0..size)
        .flat_map(|turn| cells.iter().filter_map(move |cell| cell.get(turn).copied()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use evalwright_core::Side;
    use proptest::prelude::*;

    use super::*;

    const MATCHING: Cell = Cell {
        label: Side::Matching,
    };
    const NOT_MATCHING: Cell = Cell {
        label: Side::NotMatching,
    };

    fn rule(take: Take, order: Order, wanted: usize) -> Rule {
        Rule {
            take,
            order,
            wanted,
            seed: Seed(5),
        }
    }

    fn ids<'a>(choices: &[Choice<'a>], chosen: &[usize]) -> Vec<&'a str> {
        chosen.iter().map(|index| choices[*index].id).collect()
    }

    /// Case A02: the surest of the larger label are kept, as many as the smaller one has.
    #[test]
    fn labels_are_balanced_by_confidence() {
        #[derive(serde::Deserialize)]
        struct CaseItem {
            id: String,
            label: String,
            p: f64,
        }
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/cases/balance/A02-label-balance-by-confidence"
        );
        let case: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(format!("{folder}/case.json")).unwrap())
                .unwrap();
        let items: Vec<CaseItem> = std::fs::read_to_string(format!("{folder}/items.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let choices: Vec<Choice<'_>> = items
            .iter()
            .map(|item| Choice {
                id: &item.id,
                cell: if item.label == "Yes" {
                    MATCHING
                } else {
                    NOT_MATCHING
                },
                confidence: item.p,
            })
            .collect();
        let expected = &case["expected"];
        let names = |key: &str| -> BTreeSet<&str> {
            expected[key]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| id.as_str().unwrap())
                .collect()
        };
        // Three wanted by demand, and three because the smaller label has no more.
        let target = usize::try_from(expected["target_per_label"].as_u64().unwrap()).unwrap();
        for wanted in [target, 100] {
            let chosen = select(&rule(Take::Top, Order::Confidence, wanted), &choices);
            let kept: BTreeSet<&str> = ids(&choices, &chosen).into_iter().collect();
            assert_eq!(kept, names("kept"));
            let dropped: BTreeSet<&str> = choices
                .iter()
                .map(|choice| choice.id)
                .filter(|id| !kept.contains(id))
                .collect();
            assert_eq!(dropped, names("dropped"));
            for (label, cell) in [("Yes", MATCHING), ("No", NOT_MATCHING)] {
                let counts = &expected["report"][label];
                let before = choices.iter().filter(|choice| choice.cell == cell).count();
                let after = chosen
                    .iter()
                    .filter(|index| choices[**index].cell == cell)
                    .count();
                assert_eq!(counts["before"].as_u64(), u64::try_from(before).ok());
                assert_eq!(counts["after"].as_u64(), u64::try_from(after).ok());
            }
        }
    }

    fn many() -> Vec<(String, Cell, f64)> {
        (0..120_u32)
            .map(|number| {
                let cell = if number % 3 == 0 {
                    NOT_MATCHING
                } else {
                    MATCHING
                };
                (
                    format!("c{number:03}"),
                    cell,
                    f64::from(number * 37 % 101) / 100.0,
                )
            })
            .collect()
    }

    fn view(items: &[(String, Cell, f64)]) -> Vec<Choice<'_>> {
        items
            .iter()
            .map(|(id, cell, confidence)| Choice {
                id,
                cell: *cell,
                confidence: *confidence,
            })
            .collect()
    }

    #[test]
    fn the_published_order_alternates_and_falls() {
        let items = many();
        let choices = view(&items);
        for take in [Take::Top, Take::Spread] {
            let chosen = select(&rule(take, Order::Confidence, 15), &choices);
            assert_eq!(chosen.len(), 30);
            for (place, index) in chosen.iter().enumerate() {
                let expected = if place % 2 == 0 {
                    MATCHING
                } else {
                    NOT_MATCHING
                };
                assert_eq!(choices[*index].cell, expected);
            }
            for pair in chosen.windows(3) {
                assert!(choices[pair[0]].confidence >= choices[pair[2]].confidence);
            }
        }
    }

    #[test]
    fn spread_covers_the_range_where_top_takes_its_end() {
        let items = many();
        let choices = view(&items);
        let lowest = |take| {
            select(&rule(take, Order::Confidence, 20), &choices)
                .into_iter()
                .filter(|index| choices[*index].cell == MATCHING)
                .map(|index| choices[index].confidence)
                .fold(1.0, f64::min)
        };
        assert!(lowest(Take::Top) > 0.6);
        assert!(lowest(Take::Spread) < 0.2);
        let mut bins: BTreeMap<usize, usize> = BTreeMap::new();
        for index in select(&rule(Take::Spread, Order::Confidence, 20), &choices) {
            let Choice {
                cell, confidence, ..
            } = choices[index];
            if cell == MATCHING {
                *bins.entry(bin_from_top(confidence, 0.01, 1.0)).or_default() += 1;
            }
        }
        assert_eq!(bins.len(), 10, "each tenth of the range is there: {bins:?}");
    }

    #[test]
    fn nothing_to_choose_from_gives_nothing() {
        assert!(select(&rule(Take::Spread, Order::Shuffled, 5), &[]).is_empty());
        let one = [Choice {
            id: "a",
            cell: MATCHING,
            confidence: 0.9,
        }];
        assert!(
            select(&rule(Take::Top, Order::Shuffled, 5), &one).is_empty(),
            "no pair, no row"
        );
    }

    #[test]
    fn equal_confidences_are_settled_by_name() {
        let items: Vec<(String, Cell, f64)> = ["b", "a", "d", "c"]
            .iter()
            .map(|id| ((*id).to_owned(), MATCHING, 0.5))
            .chain([("n".to_owned(), NOT_MATCHING, 0.5)])
            .collect();
        let choices = view(&items);
        let chosen = select(&rule(Take::Top, Order::Confidence, 9), &choices);
        assert_eq!(ids(&choices, &chosen), ["a", "n"]);
    }

    proptest! {
        #[test]
        fn the_rows_do_not_depend_on_the_order_of_the_candidates(
            confidences in prop::collection::vec((0_u32..=20, any::<bool>()), 0..60),
            wanted in 1_usize..20, take_top: bool, shuffled: bool, swaps in any::<u64>(),
        ) {
            let mut items: Vec<(String, Cell, f64)> = confidences
                .iter()
                .enumerate()
                .map(|(index, (twentieths, matching))| {
                    let cell = if *matching { MATCHING } else { NOT_MATCHING };
                    (format!("c{index}"), cell, f64::from(*twentieths) / 20.0)
                })
                .collect();
            let rule = rule(
                if take_top { Take::Top } else { Take::Spread },
                if shuffled { Order::Shuffled } else { Order::Confidence },
                wanted,
            );
            let named = |items: &[(String, Cell, f64)]| -> Vec<String> {
                let choices = view(items);
                ids(&choices, &select(&rule, &choices)).into_iter().map(str::to_owned).collect()
            };
            let before = named(&items);
            Draw::new(Seed(swaps)).shuffle(&mut items);
            let after = named(&items);
            prop_assert_eq!(&before, &after);
            prop_assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), before.len());
            let smaller = [MATCHING, NOT_MATCHING]
                .iter()
                .map(|cell| items.iter().filter(|item| item.1 == *cell).count())
                .min()
                .unwrap();
            prop_assert_eq!(before.len(), 2 * smaller.min(wanted));
        }
    }
}
