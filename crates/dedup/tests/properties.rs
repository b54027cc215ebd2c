//! What holds for every set of items: each is in one list, order does not matter, conflicts spare nobody.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its case must fail"
)]

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dedup::{
    DedupError, Form, Item, Layer, Layers, Near, Outcome, Shingle, find_duplicates, jaccard,
    normalise,
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Owned {
    id: String,
    text: String,
    label: u32,
    priority: f64,
}

fn find(items: &[Owned], layers: &Layers) -> Outcome {
    let items: Vec<Item<'_>> = items
        .iter()
        .map(|item| Item {
            id: &item.id,
            text: &item.text,
            label: item.label,
            priority: item.priority,
        })
        .collect();
    find_duplicates(&items, layers).unwrap()
}

fn items() -> impl Strategy<Value = Vec<Owned>> {
    let one = ("[abAB]{1,2}( [abc]){0,5}[.!]?| ?", 0_u32..2, 0_u8..3);
    proptest::collection::vec(one, 0..20).prop_map(|drawn| {
        drawn
            .into_iter()
            .enumerate()
            .map(|(index, (text, label, priority))| Owned {
                // Spread, so that the order of ids is not the order of positions.
                id: format!("{:03}", (index * 37 + 11) % 101),
                text,
                label,
                priority: f64::from(priority),
            })
            .collect()
    })
}

fn layers() -> impl Strategy<Value = Layers> {
    let near = (
        prop_oneof![Just(0.5), Just(0.7), Just(1.0)],
        prop_oneof![
            Just(Shingle::Words(1)),
            Just(Shingle::Words(2)),
            Just(Shingle::Characters(4))
        ],
    )
        .prop_map(|(threshold, shingle)| Near { threshold, shingle });
    (any::<bool>(), any::<bool>(), proptest::option::of(near)).prop_map(
        |(exact, normalised, near)| Layers {
            exact,
            normalised,
            near,
            form: Form::Sentence,
        },
    )
}

/// Whether two texts are linked directly, by the definition of the layers.
fn linked(left: &str, right: &str, layers: &Layers) -> bool {
    let (a, b) = (normalise(left), normalise(right));
    (layers.exact && left == right)
        || (layers.normalised && a == b)
        || layers
            .near
            .is_some_and(|near| jaccard(&a, &b, near.shingle) >= near.threshold)
}

proptest! {
    #[test]
    fn the_outcome_follows_from_its_definition(items in items(), layers in layers()) {
        let outcome = find(&items, &layers);
        let mut all: Vec<usize> = outcome.kept.iter().chain(&outcome.empty).copied()
            .chain(outcome.dropped.iter().map(|dropped| dropped.index)).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..items.len()).collect::<Vec<_>>());

        let present: Vec<usize> =
            (0..items.len()).filter(|index| !outcome.empty.contains(index)).collect();
        prop_assert!(present.iter().all(|&index| !items[index].text.trim().is_empty()));
        let conflicted: BTreeSet<usize> = present.iter().copied().filter(|&left| {
            present.iter().any(|&right| items[left].label != items[right].label
                && linked(&items[left].text, &items[right].text, &layers))
        }).collect();
        let said: BTreeSet<usize> =
            outcome.dropped.iter().filter(|dropped| dropped.conflict).map(|dropped| dropped.index).collect();
        prop_assert_eq!(&said, &conflicted);

        // Clusters of the rest by spreading from each item until nothing new is reached.
        let rest: Vec<usize> = present.iter().copied().filter(|index| !conflicted.contains(index)).collect();
        let mut survivors = BTreeSet::new();
        for &start in &rest {
            let mut cluster = BTreeSet::from([start]);
            loop {
                let reached: Vec<usize> = rest.iter().copied().filter(|&index| !cluster.contains(&index)
                    && cluster.iter().any(|&member| linked(&items[member].text, &items[index].text, &layers)))
                    .collect();
                if reached.is_empty() { break; }
                cluster.extend(reached);
            }
            let best = cluster.iter().copied().min_by(|&left, &right| {
                items[right].priority.total_cmp(&items[left].priority).then_with(|| items[left].id.cmp(&items[right].id))
            }).unwrap();
            survivors.insert(best);
            if let Some(dropped) = outcome.dropped.iter().find(|dropped| dropped.index == start) {
                prop_assert_eq!(dropped.of, best);
            }
        }
        prop_assert_eq!(outcome.kept.iter().copied().collect::<BTreeSet<_>>(), survivors);

        for dropped in &outcome.dropped {
            let (one, other) = (&items[dropped.index], &items[dropped.of]);
            prop_assert_eq!(dropped.conflict, one.label != other.label);
            prop_assert!((0.0..=1.0).contains(&dropped.similarity));
            match dropped.layer {
                Layer::Exact => prop_assert_eq!(&one.text, &other.text),
                Layer::Normalised => prop_assert_eq!(normalise(&one.text), normalise(&other.text)),
                Layer::Near => {
                    let near = layers.near.unwrap();
                    let similarity = jaccard(&normalise(&one.text), &normalise(&other.text), near.shingle);
                    prop_assert!((similarity - dropped.similarity).abs() < 1e-12);
                }
                Layer::Semantic => prop_assert!(false, "no vectors were given"),
            }
        }
    }

    #[test]
    fn order_does_not_matter(items in items(), layers in layers(), turn in 0_usize..20) {
        let by_id = |items: &[Owned], outcome: &Outcome| {
            let name = |index: usize| items[index].id.clone();
            let mut kept: Vec<String> = outcome.kept.iter().map(|&index| name(index)).collect();
            kept.sort();
            let dropped: BTreeMap<String, String> = outcome.dropped.iter()
                .map(|d| (name(d.index), format!("{} {} {} {}", name(d.of), d.layer, d.similarity, d.conflict)))
                .collect();
            (kept, dropped)
        };
        let mut turned: Vec<Owned> = items.iter().rev().cloned().collect();
        turned.rotate_left(turn.min(items.len()));
        prop_assert_eq!(
            by_id(&items, &find(&items, &layers)),
            by_id(&turned, &find(&turned, &layers))
        );
    }
}

#[test]
fn a_chain_through_a_conflict_does_not_reach_further() {
    let one = |id: &str, text: &str, label| Owned {
        id: id.to_owned(),
        text: text.to_owned(),
        label,
        priority: 0.0,
    };
    // a–b–c–d is a chain of near texts; only b and c, of different labels, are in conflict.
    let items = [
        one("a", "k l m n o p q r s t", 0),
        one("b", "k l m n o p q r s u", 0),
        one("c", "k l m n o p q r v u", 1),
        one("d", "k l m n o p q w v u", 1),
    ];
    let near = Near {
        threshold: 0.8,
        shingle: Shingle::Words(1),
    };
    let outcome = find(
        &items,
        &Layers {
            near: Some(near),
            ..Layers::default()
        },
    );
    assert_eq!(outcome.kept, [0, 3]);
    assert_eq!(
        outcome
            .dropped
            .iter()
            .map(|d| (d.index, d.of))
            .collect::<Vec<_>>(),
        [(1, 2), (2, 1)]
    );
}

#[test]
fn wrong_requests_are_named() {
    let items = [Item {
        id: "a",
        text: "x",
        label: 0,
        priority: f64::NAN,
    }];
    let near = |threshold, shingle| Layers {
        near: Some(Near { threshold, shingle }),
        ..Layers::default()
    };
    for threshold in [0.0, -0.1, 1.000_001, f64::NAN] {
        let error = find_duplicates(&[], &near(threshold, Shingle::Words(1))).unwrap_err();
        assert!(error.to_string().contains("(0, 1]"), "{error}");
    }
    assert!(matches!(
        find_duplicates(&[], &near(0.5, Shingle::Characters(0))),
        Err(DedupError::EmptyShingle { unit: "character" })
    ));
    let error = find_duplicates(&items, &Layers::default()).unwrap_err();
    assert!(error.to_string().contains("item 0 (`a`)"), "{error}");
}

#[test]
fn no_items_give_an_empty_outcome() {
    assert_eq!(find(&[], &Layers::default()), Outcome::default());
}
