//! Puts the right answer of multiple-choice items at letters that give nothing away.
//!
//! Models like one letter and one length. Here each letter holds the right answer equally often, whatever the
//! item's place in the file, its label, and however long its options are.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Seed};

use crate::draw::Draw;

/// One item with options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options<'a> {
    /// An identifier that does not depend on the item's place.
    pub id: &'a str,
    /// The options' texts.
    pub texts: &'a [String],
    /// The position of the answer that matters among them.
    pub answer: usize,
    /// Items of one group (a label, a topic) are balanced among themselves too.
    pub group: u32,
}

/// For each item the positions of its options in their new order: the first is what stands at letter A. An item
/// without options, or whose answer is not among them, keeps its order.
///
/// - Among the items with the same number of options, the answer stands at each letter equally often, give or
///   take one; so it does within each group.
/// - Within a group, items whose answer is about equally much longer than the other options share the letters
///   out among them, so that neither the length of the answer nor that of the others goes with a letter.
/// - The other options are shuffled.
/// - The same seed and items give the same result, in whatever order the items come.
#[must_use]
pub fn place_answers(items: &[Options<'_>], seed: Seed) -> Vec<Vec<usize>> {
    let lot = |item: usize| {
        let id = items.get(item).map_or("", |item| item.id);
        ContentHash::of_parts(&[&seed.0.to_le_bytes()[..], id.as_bytes()])
    };
    let mut groups: BTreeMap<usize, BTreeMap<u32, Vec<usize>>> = BTreeMap::new();
    for (item, options) in items.iter().enumerate() {
        if options.answer < options.texts.len() {
            groups
                .entry(options.texts.len())
                .or_default()
                .entry(options.group)
                .or_default()
                .push(item);
        }
    }
    let mut letters: Vec<Option<usize>> = vec![None; items.len()];
    let mut set = |item: usize, letter: usize| {
        if let Some(place) = letters.get_mut(item) {
            *place = Some(letter);
        }
    };
    for (count, groups) in groups {
        let mut draw = Draw::new(seed.derive(&format!("letters {count}")));
        // Groups deal what is left over from one deck, so that the leftovers of all groups are even as well.
        let mut deck: Vec<usize> = (0..count).collect();
        draw.shuffle(&mut deck);
        let mut deck = deck.into_iter().cycle();
        for (_, mut members) in groups {
            members.sort_by_cached_key(|item| lot(*item));
            // Which items are left over is up to chance, not to their length.
            let blocks = members.split_off(members.len() % count);
            for item in members {
                set(item, deck.next().unwrap_or(0));
            }
            let mut blocks = blocks;
            blocks.sort_by_cached_key(|item| (items.get(*item).map(excess), lot(*item)));
            for block in blocks.chunks(count) {
                let mut places: Vec<usize> = (0..count).collect();
                draw.shuffle(&mut places);
                for (item, letter) in block.iter().zip(places) {
                    set(*item, letter);
                }
            }
        }
    }
    items
        .iter()
        .zip(letters)
        .map(|(options, letter)| arrange(options, letter, seed))
        .collect()
}

/// How much longer the answer is than the others, in characters, times the number of the others.
fn excess(options: &Options<'_>) -> i64 {
    let length = |text: &String| i64::try_from(text.chars().count()).unwrap_or(i64::MAX / 4);
    let all: i64 = options.texts.iter().map(length).sum();
    let others = i64::try_from(options.texts.len()).unwrap_or(1) - 1;
    let answer = options.texts.get(options.answer).map_or(0, length);
    answer * others - (all - answer)
}

fn arrange(options: &Options<'_>, letter: Option<usize>, seed: Seed) -> Vec<usize> {
    let Some(letter) = letter else {
        return (0..options.texts.len()).collect();
    };
    let mut order: Vec<usize> = (0..options.texts.len())
        .filter(|option| *option != options.answer)
        .collect();
    Draw::new(seed.derive(&format!("options {}", options.id))).shuffle(&mut order);
    order.insert(letter.min(order.len()), options.answer);
    order
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use evalwright_stats::area_under_curve;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    struct Item {
        id: String,
        texts: Vec<String>,
        answer: usize,
        group: u32,
    }

    fn place(items: &[Item], seed: u64) -> Vec<Vec<usize>> {
        let options: Vec<Options<'_>> = items
            .iter()
            .map(|item| Options {
                id: &item.id,
                texts: &item.texts,
                answer: item.answer,
                group: item.group,
            })
            .collect();
        place_answers(&options, Seed(seed))
    }

    /// The letter at which an item's answer stands.
    fn letter(item: &Item, order: &[usize]) -> usize {
        order
            .iter()
            .position(|option| *option == item.answer)
            .unwrap()
    }

    /// Case A01: all answers at B.
    #[test]
    fn answers_that_all_stand_at_one_letter_are_shared_out() {
        #[derive(serde::Deserialize)]
        struct CaseItem {
            id: u32,
            options: Vec<String>,
            answer: String,
        }
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases/balance/A01-all-answers-at-b");
        let case: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        let items: Vec<Item> = std::fs::read_to_string(folder.join("items.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<CaseItem>(line).unwrap())
            .map(|item| Item {
                id: item.id.to_string(),
                texts: item.options,
                answer: usize::from(item.answer == "B"),
                group: 0,
            })
            .collect();
        assert!(items.iter().all(|item| item.answer == 1));
        let placed = place(&items, 7);
        let expected = &case["expected"]["positions"];
        for (number, name) in ["A", "B"].into_iter().enumerate() {
            let count = items
                .iter()
                .zip(&placed)
                .filter(|(item, order)| letter(item, order) == number)
                .count();
            assert_eq!(expected[name].as_u64(), u64::try_from(count).ok());
        }
        for (item, order) in items.iter().zip(&placed) {
            // The text at the answer's new letter is the text that was right.
            let texts: Vec<&str> = order
                .iter()
                .map(|option| item.texts[*option].as_str())
                .collect();
            assert_eq!(texts[letter(item, order)], item.texts[1]);
            assert_eq!(texts.len(), 2);
        }
        assert_eq!(placed, place(&items, 7), "the same seed, the same order");
        assert_ne!(placed, place(&items, 8));
    }

    /// The right answer is always the longest, and more so in every further item.
    #[test]
    fn letters_do_not_go_with_length_or_place() {
        let items: Vec<Item> = (0..400)
            .map(|number| Item {
                id: format!("item{number}"),
                texts: (0..4)
                    .map(|option| {
                        "x".repeat(if option == 2 {
                            20 + number * 37 % 400
                        } else {
                            10 + option
                        })
                    })
                    .collect(),
                answer: 2,
                group: 0,
            })
            .collect();
        let placed = place(&items, 3);
        let of = |wanted: usize, value: fn(usize) -> f64| -> (Vec<f64>, Vec<f64>) {
            let (mut at, mut elsewhere) = (Vec::new(), Vec::new());
            for (number, (item, order)) in items.iter().zip(&placed).enumerate() {
                let side = if letter(item, order) == wanted {
                    &mut at
                } else {
                    &mut elsewhere
                };
                side.push(value(number));
            }
            (at, elsewhere)
        };
        for wanted in 0..4 {
            let (at, elsewhere) = of(wanted, |number| (number * 37 % 400) as f64);
            assert_eq!(at.len(), 100);
            let area = area_under_curve(&at, &elsewhere).unwrap();
            // Each block of four neighbours holds the letter once, so it cannot drift.
            assert!((area - 0.5).abs() < 0.01, "{area}");
        }
        // Runs of one letter in the file's order are as long as chance makes them, not regular.
        let repeats = placed
            .windows(2)
            .zip(items.windows(2))
            .filter(|(orders, items)| {
                letter(&items[0], &orders[0]) == letter(&items[1], &orders[1])
            })
            .count();
        assert!((50..=130).contains(&repeats), "{repeats}");
    }

    #[test]
    fn an_item_without_its_answer_keeps_its_order() {
        let items = [
            Item {
                id: "a".to_owned(),
                texts: vec!["x".to_owned(), "y".to_owned()],
                answer: 2,
                group: 0,
            },
            Item {
                id: "b".to_owned(),
                texts: Vec::new(),
                answer: 0,
                group: 0,
            },
        ];
        assert_eq!(place(&items, 1), [vec![0, 1], vec![]]);
    }

    proptest! {
        #[test]
        fn letters_are_even_in_all_and_in_each_group_and_owe_nothing_to_the_order(
            shapes in prop::collection::vec((2_usize..6, 0_usize..6, 0_u32..3, 1_usize..30), 0..80),
            seed: u64, swaps: u64,
        ) {
            let mut items: Vec<Item> = shapes.iter().enumerate().map(|(number, (count, answer, group, length))| Item {
                id: format!("i{number}"),
                texts: (0..*count).map(|option| "y".repeat(length * option % 13 + option)).collect(),
                answer: answer % count,
                group: *group,
            }).collect();
            let placed = place(&items, seed);
            for (item, order) in items.iter().zip(&placed) {
                let mut sorted = order.clone();
                sorted.sort_unstable();
                prop_assert_eq!(sorted, (0..item.texts.len()).collect::<Vec<_>>());
            }
            for count in 2..6 {
                for group in [None, Some(0), Some(1), Some(2)] {
                    let mut letters = vec![0_usize; count];
                    for (item, order) in items.iter().zip(&placed) {
                        if item.texts.len() == count && group.is_none_or(|group| group == item.group) {
                            letters[letter(item, order)] += 1;
                        }
                    }
                    let spread = letters.iter().max().unwrap() - letters.iter().min().unwrap();
                    prop_assert!(spread <= 1, "{letters:?}");
                }
            }
            let before: BTreeMap<String, Vec<usize>> =
                items.iter().map(|item| item.id.clone()).zip(placed).collect();
            Draw::new(Seed(swaps)).shuffle(&mut items);
            let again = place(&items, seed);
            let after: BTreeMap<String, Vec<usize>> =
                items.iter().map(|item| item.id.clone()).zip(again).collect();
            prop_assert_eq!(before, after);
        }
    }
}
