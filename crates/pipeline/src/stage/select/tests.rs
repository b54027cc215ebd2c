use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::first::bin_from_top;
use super::*;

const MATCHING: usize = 0;
const NOT_MATCHING: usize = 1;

fn rule<'a>(take: Take, order: Order, cells: &'a [CellRule]) -> Rule<'a> {
    Rule {
        take,
        order,
        clusters: None,
        balance: &[],
        length_ceiling: None,
        cells,
        seed: Seed(5),
    }
}

fn both(wanted: usize) -> [CellRule; 2] {
    [CellRule { wanted, group: 0 }; 2]
}

fn chosen(rule: &Rule<'_>, choices: &[Choice<'_>]) -> Vec<usize> {
    select(rule, choices).order
}

fn ids<'a>(choices: &[Choice<'a>], chosen: &[usize]) -> Vec<&'a str> {
    chosen.iter().map(|index| choices[*index].id).collect()
}

fn side(cell: usize) -> Side {
    Side::ALL[cell % 2]
}

#[derive(Debug, Clone)]
struct Item {
    id: String,
    cell: usize,
    confidence: f64,
    text: String,
}

fn view(items: &[Item]) -> Vec<Choice<'_>> {
    items
        .iter()
        .map(|item| Choice {
            id: &item.id,
            cell: item.cell,
            label: side(item.cell),
            score: item.confidence,
            confidence: Some(item.confidence),
            text: &item.text,
            cluster: None,
        })
        .collect()
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
    let items: Vec<Item> = std::fs::read_to_string(format!("{folder}/items.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<CaseItem>(line).unwrap())
        .map(|item| Item {
            id: item.id,
            cell: usize::from(item.label != "Yes"),
            confidence: item.p,
            text: String::new(),
        })
        .collect();
    let choices = view(&items);
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
        let chosen = chosen(&rule(Take::Top, Order::Confidence, &both(wanted)), &choices);
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

/// Matching texts are longer and use other words; a third of the candidates are not matching.
fn many(count: u32) -> Vec<Item> {
    (0..count)
        .map(|number| {
            let cell = usize::from(number % 3 == 0);
            let noise = number * 7919 % 1009;
            let words = 5 + noise as usize % 12 + if cell == 0 { 3 } else { 0 };
            let told = match (cell, noise % 4) {
                (0, 0..=2) => "gladly",
                (1, 0) => "gladly",
                _ => "rather",
            };
            let filler = (0..words).map(|word| format!("w{}", (noise as usize + word * 31) % 40));
            let text: Vec<String> = std::iter::once(told.to_owned()).chain(filler).collect();
            Item {
                id: format!("c{number:04}"),
                cell,
                confidence: f64::from(number * 37 % 101) / 100.0,
                text: text.join(" "),
            }
        })
        .collect()
}

#[test]
fn the_published_order_alternates_and_falls() {
    let items = many(120);
    let choices = view(&items);
    for take in [Take::Top, Take::Spread, Take::Clusters] {
        for balance in [&[][..], &[Balance::Length]] {
            let cells = both(15);
            let rule = Rule {
                balance,
                ..rule(take, Order::Confidence, &cells)
            };
            let chosen = chosen(&rule, &choices);
            assert_eq!(chosen.len(), 30);
            for (place, index) in chosen.iter().enumerate() {
                assert_eq!(choices[*index].cell, place % 2);
            }
            for pair in chosen.windows(3) {
                assert!(choices[pair[0]].score >= choices[pair[2]].score);
            }
        }
    }
}

#[test]
fn spread_covers_the_range_where_top_takes_its_end() {
    let items = many(120);
    let choices = view(&items);
    let cells = both(20);
    let lowest = |take| {
        chosen(&rule(take, Order::Confidence, &cells), &choices)
            .into_iter()
            .filter(|index| choices[*index].cell == MATCHING)
            .map(|index| choices[index].score)
            .fold(1.0, f64::min)
    };
    assert!(lowest(Take::Top) > 0.6);
    assert!(lowest(Take::Spread) < 0.2);
    let mut bins: BTreeMap<usize, usize> = BTreeMap::new();
    for index in chosen(&rule(Take::Spread, Order::Confidence, &cells), &choices) {
        let Choice { cell, score, .. } = choices[index];
        if cell == MATCHING {
            *bins.entry(bin_from_top(score, 0.01, 1.0)).or_default() += 1;
        }
    }
    assert_eq!(bins.len(), 10, "each tenth of the range is there: {bins:?}");
}

#[test]
fn known_clusters_are_all_covered() {
    let items = many(300);
    let mut choices = view(&items);
    for (number, choice) in choices.iter_mut().enumerate() {
        // One cluster has nearly all of them.
        choice.cluster = Some(if number % 30 < 4 {
            number as u32 % 30
        } else {
            7
        });
    }
    let cells = both(16);
    let clusters: BTreeSet<Option<u32>> =
        chosen(&rule(Take::Clusters, Order::Shuffled, &cells), &choices)
            .into_iter()
            .map(|index| choices[index].cluster)
            .collect();
    assert_eq!(clusters.len(), 5);
}

#[test]
fn nothing_to_choose_from_gives_nothing() {
    let cells = both(5);
    let none = select(&rule(Take::Spread, Order::Shuffled, &cells), &[]);
    assert!(none.order.is_empty());
    assert_eq!(none.record.chosen.mean_confidence, None);
    assert_eq!(none.record.chosen.length_area, None);
    let items = [Item {
        id: "a".to_owned(),
        cell: MATCHING,
        confidence: 0.9,
        text: "I".to_owned(),
    }];
    for balance in [&[][..], &[Balance::Length, Balance::Wording]] {
        let rule = Rule {
            balance,
            length_ceiling: Some(0.5),
            ..rule(Take::Top, Order::Shuffled, &cells)
        };
        assert!(chosen(&rule, &view(&items)).is_empty(), "no pair, no row");
    }
}

#[test]
fn equal_confidences_are_settled_by_name() {
    let items: Vec<Item> = ["b", "a", "d", "c", "n"]
        .iter()
        .map(|id| Item {
            id: (*id).to_owned(),
            cell: usize::from(*id == "n"),
            confidence: 0.5,
            text: "I".to_owned(),
        })
        .collect();
    let choices = view(&items);
    let chosen = chosen(&rule(Take::Top, Order::Confidence, &both(9)), &choices);
    assert_eq!(ids(&choices, &chosen), ["a", "n"]);
}

#[test]
fn cells_are_trimmed_within_their_group_alone() {
    let mut items = many(90);
    for (number, item) in items.iter_mut().enumerate() {
        // Groups 0 and 1; in group 1 few are not matching.
        item.cell += if number % 2 == 0 { 0 } else { 2 };
    }
    items.retain(|item| item.cell != 3 || item.id.as_str() < "c0030");
    let cells = [0, 0, 1, 1].map(|group| CellRule { wanted: 12, group });
    let choices = view(&items);
    let chosen = chosen(&rule(Take::Spread, Order::Shuffled, &cells), &choices);
    let counts = [0, 1, 2, 3].map(|cell| {
        chosen
            .iter()
            .filter(|index| choices[**index].cell == cell)
            .count()
    });
    assert_eq!(counts, [12, 12, 5, 5]);
}

#[test]
fn length_and_wording_are_evened_out_and_the_cost_is_told() {
    let items = many(1500);
    let choices = view(&items);
    let cells = both(200);
    let plain = rule(Take::Spread, Order::Shuffled, &cells);
    let record = |balance| select(&Rule { balance, ..plain }, &choices).record;
    let before = record(&[]).chosen;
    assert!(before.length_area.unwrap() > 0.65, "{before:?}");
    let length = record(&[Balance::Length]);
    assert_eq!(length.unbalanced, Some(before));
    assert_eq!((length.chosen.rows, length.candidates.rows), (400, 1500));
    for area in [length.chosen.length_area, length.chosen.character_area] {
        assert!((area.unwrap() - 0.5).abs() < 0.02, "{:?}", length.chosen);
    }
    let all = record(&[Balance::Length, Balance::Wording]);
    assert!((all.chosen.length_area.unwrap() - 0.5).abs() < 0.04);
    let (before, after) = (
        before.wording_accuracy.unwrap(),
        all.chosen.wording_accuracy.unwrap(),
    );
    assert!(before > 0.62 && after < 0.58, "{before} to {after}");
    // Spread means spread: the mean confidence stays about what it was.
    let lost = length.unbalanced.unwrap().mean_confidence.unwrap()
        - length.chosen.mean_confidence.unwrap();
    assert!(lost.abs() < 0.05, "{lost}");
}

#[test]
fn a_ceiling_gives_rows_up_and_says_how_many() {
    // Matching texts are nearly always longer: few pairs of one length exist.
    let items: Vec<Item> = (0..200)
        .map(|number| Item {
            id: format!("c{number:03}"),
            cell: number % 2,
            confidence: 0.8,
            text: "w ".repeat(match (number % 2, number / 2 % 5) {
                (0, 0) => 5 + number / 20,
                (0, _) => 30 + number / 10,
                _ => 5 + number / 20,
            }),
        })
        .collect();
    let choices = view(&items);
    let cells = both(100);
    let with = |length_ceiling| {
        let rule = Rule {
            clusters: None,
            balance: &[Balance::Length],
            length_ceiling,
            ..rule(Take::Spread, Order::Shuffled, &cells)
        };
        select(&rule, &choices)
    };
    let free = with(None);
    assert_eq!((free.order.len(), free.record.given_up), (200, 0));
    assert!(free.record.chosen.length_area.unwrap() > 0.8);
    let held = with(Some(0.55));
    let area = held.record.chosen.length_area.unwrap();
    assert!((area - 0.5).abs() <= 0.05, "{area}");
    assert_eq!(held.order.len() as u64, 200 - held.record.given_up);
    // Twenty of a hundred matching texts are as short as the others; a tenth more may be long at 0.55.
    assert!(
        (40..=60).contains(&held.order.len()),
        "{}",
        held.order.len()
    );
    let counts = [0, 1].map(|cell| {
        held.order
            .iter()
            .filter(|index| choices[**index].cell == cell)
            .count()
    });
    assert_eq!(counts[0], counts[1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_rows_do_not_depend_on_the_order_of_the_candidates(
        candidates in prop::collection::vec((0_u32..=20, 0_usize..4, 1_usize..9, 0_usize..6), 0..60),
        wanted in 1_usize..20, take in 0_usize..3, shuffled: bool, balanced in 0_usize..4, ceiling: bool,
        swaps in any::<u64>(),
    ) {
        let mut items: Vec<Item> = candidates
            .iter()
            .enumerate()
            .map(|(index, (twentieths, cell, words, word))| Item {
                id: format!("c{index}"),
                cell: *cell,
                confidence: f64::from(*twentieths) / 20.0,
                text: (0..*words).map(|place| format!("w{} ", (word + place * cell) % 6)).collect(),
            })
            .collect();
        let cells = [0, 0, 1, 1].map(|group| CellRule { wanted, group });
        let balances: [&[Balance]; 4] = [
            &[],
            &[Balance::Length],
            &[Balance::Wording],
            &[Balance::Length, Balance::Wording],
        ];
        let rule = Rule {
            clusters: None,
            balance: balances[balanced],
            length_ceiling: ceiling.then_some(0.6),
            ..rule(
                [Take::Top, Take::Spread, Take::Clusters][take],
                if shuffled { Order::Shuffled } else { Order::Confidence },
                &cells,
            )
        };
        let named = |items: &[Item]| -> (Vec<String>, SelectionRecord) {
            let choices = view(items);
            let selection = select(&rule, &choices);
            (
                ids(&choices, &selection.order).into_iter().map(str::to_owned).collect(),
                selection.record,
            )
        };
        let (before, record) = named(&items);
        Draw::new(Seed(swaps)).shuffle(&mut items);
        prop_assert_eq!((&before, &record), (&named(&items).0, &named(&items).1));
        prop_assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), before.len());
        let of = |cell: usize| items.iter().filter(|item| item.cell == cell).count();
        let most: usize = [(0, 1), (2, 3)]
            .into_iter()
            .map(|(one, other)| 2 * of(one).min(of(other)).min(wanted))
            .sum();
        prop_assert_eq!(before.len() as u64 + record.given_up, most as u64);
        prop_assert_eq!(record.chosen.rows, before.len() as u64);
        for (one, other) in [(0, 1), (2, 3)] {
            let got = |cell: usize| items.iter()
                .filter(|item| item.cell == cell && before.contains(&item.id)).count();
            prop_assert_eq!(got(one), got(other), "labels stay even");
        }
    }
}
