//! What holds for a search of rows in batches: threads, order, and whether it uses files change nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its case must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use evalwright_dedup::{
    Form, Layer, Layers, Near, Outcome, Row, Search, Shingle, jaccard, near_pairs,
};
use proptest::prelude::*;

/// Many texts of which about a third repeat another one with a word changed, and some with another case.
fn texts(count: usize, seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut texts: Vec<Vec<String>> = Vec::new();
    for _ in 0..count {
        let mut words: Vec<String> = match texts.len() {
            known if known > 0 && next(3) == 0 => texts[next(known)].clone(),
            _ => (0..6 + next(9))
                .map(|_| format!("w{:03x}", next(4096)))
                .collect(),
        };
        match next(4) {
            0 => words[0].make_ascii_uppercase(),
            1 => {
                let at = next(words.len());
                words[at] = format!("w{:03x}", next(4096));
            }
            _ => {}
        }
        texts.push(words);
    }
    texts.iter().map(|words| words.join(" ")).collect()
}

fn layers() -> Layers {
    Layers {
        exact: true,
        normalised: true,
        near: Some(Near {
            threshold: 0.7,
            shingle: Shingle::Characters(4),
        }),
        form: Form::Folded,
    }
}

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dedup-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn search(rows: &[Row<'_>], batch: usize, folder: Option<&std::path::Path>) -> Outcome {
    let mut search = Search::new(layers()).unwrap();
    if let Some(folder) = folder {
        search = search.with_scratch(folder, 0);
    }
    for part in rows.chunks(batch) {
        search.push(part).unwrap();
    }
    assert_eq!(search.len(), rows.len());
    search.finish().unwrap()
}

/// The kept texts, and for each that fell what it was held against.
fn by_text<'a>(rows: &[Row<'a>], outcome: &Outcome) -> (Vec<&'a str>, Vec<String>) {
    let mut kept: Vec<&str> = outcome.kept.iter().map(|&row| rows[row].text).collect();
    kept.sort_unstable();
    let mut fallen: Vec<String> = outcome
        .dropped
        .iter()
        .map(|dropped| {
            format!(
                "{} / {} / {} {} {} {}",
                rows[dropped.index].text,
                rows[dropped.of].text,
                dropped.layer,
                dropped.similarity,
                dropped.conflict,
                dropped.reference
            )
        })
        .collect();
    fallen.sort_unstable();
    (kept, fallen)
}

/// Enough texts that they are searched by bands, not by a join.
#[test]
fn threads_order_and_files_make_no_difference() {
    let texts = texts(60_000, 7);
    assert!(texts.iter().map(String::len).sum::<usize>() > 2_500_000);
    for labels in [1, 3] {
        let rows: Vec<Row<'_>> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| Row {
                // The same text has the same label and priority, or the order of rows would have to count.
                label: text.bytes().map(u32::from).sum::<u32>() % labels,
                priority: f64::from(text.bytes().map(u32::from).sum::<u32>() % 5),
                is_reference: index % 20 == 19 && labels > 1,
                ..Row::new(text)
            })
            .collect();
        let first = search(&rows, rows.len(), None);
        assert!(first.dropped.len() > 10_000, "{}", first.dropped.len());
        assert_eq!(first.dropped.iter().any(|d| d.conflict), labels > 1);
        assert_eq!(first.dropped.iter().any(|d| d.reference), labels > 1);

        let folder = scratch("files");
        let spilled = search(&rows, 777, Some(&folder));
        assert_eq!(spilled, first);
        if cfg!(unix) {
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        }
        std::fs::remove_dir_all(&folder).unwrap();

        for threads in [1, 5] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            assert_eq!(pool.install(|| search(&rows, 20_000, None)), first);
        }

        let turned: Vec<Row<'_>> = rows.iter().rev().copied().collect();
        let other = search(&turned, 4096, None);
        assert_eq!(by_text(&turned, &other), by_text(&rows, &first));
    }
}

#[test]
fn bands_find_the_pairs_of_a_comparison_of_all_and_no_others() {
    let texts = texts(40_000, 3);
    let near = Near {
        threshold: 0.7,
        shingle: Shingle::Characters(4),
    };
    let found = near_pairs(&texts, near).unwrap();
    assert!(found.len() > 5_000, "{}", found.len());
    for pair in &found {
        let (left, right) = (&texts[pair.left as usize], &texts[pair.right as usize]);
        let truth = jaccard(left, right, near.shingle);
        assert!((truth - pair.similarity).abs() < 1e-12 && truth >= 0.7);
    }
    // All pairs within a part that is small enough to be joined exactly.
    let part = &texts[..8_000];
    assert!(part.iter().map(String::len).sum::<usize>() < 1_000_000);
    let exact: BTreeSet<(u32, u32)> = near_pairs(part, near)
        .unwrap()
        .iter()
        .map(|pair| (pair.left, pair.right))
        .collect();
    let banded: BTreeSet<(u32, u32)> = found
        .iter()
        .map(|pair| (pair.left, pair.right))
        .filter(|pair| (pair.1 as usize) < part.len())
        .collect();
    assert!(banded.is_subset(&exact));
    let missed = exact.len() - banded.len();
    assert!(
        missed * 200 <= exact.len(),
        "{missed} of {} missed",
        exact.len()
    );
}

#[test]
fn a_crowd_of_texts_that_are_all_alike_is_one_cluster() {
    // 30,000 texts that differ in one number: each pair is near, and looking at all of them would take minutes.
    let texts: Vec<String> = (0..30_000)
        .map(|number| format!("the quick brown fox {number:05} jumps over the lazy dog by the river bank at noon while the band plays on and on"))
        .collect();
    let rows: Vec<Row<'_>> = texts.iter().map(|text| Row::new(text)).collect();
    let outcome = search(&rows, rows.len(), None);
    assert_eq!(outcome.kept.len(), 1);
    assert_eq!(outcome.dropped.len(), 29_999);
}

#[test]
fn references_take_rows_away_and_are_in_no_list() {
    let row = |text, is_reference| Row {
        is_reference,
        ..Row::new(text)
    };
    let rows = [
        row("I would rather ask a person before I act on it", false),
        row("I would rather ask a person before I act on that", true),
        row("i would rather ask a person before i act on THAT", false),
        row("Rain is better than sun", false),
        row("Rain is better than sun", false),
        row("", true),
        row("", false),
    ];
    let outcome = search(&rows, 2, None);
    assert_eq!(outcome.kept, [3]);
    assert_eq!(outcome.empty, [6]);
    let said: Vec<(usize, usize, Layer, bool)> = outcome
        .dropped
        .iter()
        .map(|d| (d.index, d.of, d.layer, d.reference))
        .collect();
    assert_eq!(
        said,
        [
            (0, 1, Layer::Near, true),
            (2, 1, Layer::Normalised, true),
            (4, 3, Layer::Exact, false)
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_search_says_the_same_in_any_order_and_in_files(
        drawn in proptest::collection::vec(("[ab]{1,2}( [abc]{1,2}){0,7}[.!]?| ?", 0_u32..2, 0_u8..3, 0_u8..6), 0..24),
        batch in 1_usize..9,
        turn in 0_usize..24,
    ) {
        // The same text always comes with the same rest.
        let mut rest: BTreeMap<String, (u32, u8, u8)> = BTreeMap::new();
        let drawn: Vec<(String, (u32, u8, u8))> = drawn.into_iter().map(|(text, label, priority, kind)| {
            let rest = *rest.entry(text.clone()).or_insert((label, priority, kind));
            (text, rest)
        }).collect();
        let rows: Vec<Row<'_>> = drawn.iter().map(|(text, (label, priority, kind))| Row {
            text, label: *label, priority: f64::from(*priority), is_reference: *kind == 0,
        }).collect();
        let first = search(&rows, batch, None);
        let folder = scratch("property");
        let spilled = search(&rows, batch, Some(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        // Small sets are joined exactly in memory and searched by bands in files, and a band can miss a pair; what is the
        // same byte for byte, none can.
        let kept: BTreeSet<&str> = spilled.kept.iter().map(|&row| rows[row].text).collect();
        prop_assert_eq!(kept.len(), spilled.kept.len());

        let mut turned = rows.clone();
        turned.rotate_left(turn.min(rows.len()));
        turned.reverse();
        let other = search(&turned, batch, None);
        prop_assert_eq!(by_text(&turned, &other), by_text(&rows, &first));

        let own = rows.iter().filter(|row| !row.is_reference).count();
        prop_assert_eq!(first.kept.len() + first.dropped.len() + first.empty.len(), own);
        for dropped in &first.dropped {
            prop_assert!(!rows[dropped.index].is_reference);
            prop_assert_eq!(dropped.reference, rows[dropped.of].is_reference);
            prop_assert_eq!(dropped.conflict, !dropped.reference && rows[dropped.index].label != rows[dropped.of].label);
        }
    }
}
