use evalwright_core::Seed;
use proptest::prelude::*;

use super::*;

fn row(id: usize, text: &str, label: &str) -> DiffRow {
    DiffRow {
        id: format!("row {id}"),
        text: text.to_owned(),
        label: label.to_owned(),
        confidence: Some(0.75),
    }
}

/// 200 texts that share few words, with labels in turn; every tenth is about gardens.
fn sample() -> Vec<DiffRow> {
    (0..200)
        .map(|number| {
            let topic = if number % 10 == 0 {
                "the garden of"
            } else {
                "a matter of"
            };
            let text = format!(
                "I keep {topic} alpha{number} beta{} gamma{} delta{number} in mind{number}",
                number * 7,
                number * 13
            );
            row(number, &text, if number % 2 == 0 { " Yes" } else { " No" })
        })
        .collect()
}

fn between(before: &[DiffRow], after: &[DiffRow]) -> Difference {
    let side = |name: &'static str| {
        move |rows| Compared {
            name,
            rows,
            manifest: None,
        }
    };
    compare(side("a")(before), side("b")(after), Seed(1))
}

#[test]
fn a_set_and_itself_do_not_differ() {
    let rows = sample();
    let found = between(&rows, &rows);
    assert!(found.is_empty);
    assert_eq!(found.verdict.len(), 1);
    assert!(
        found
            .shifts
            .iter()
            .all(|shift| shift.verdict == Verdict::Same)
    );
    assert!(found.topics.is_empty());
    assert!(found.summary_text().lines().count() <= 4);
}

#[test]
fn rewording_flips_and_a_lost_topic_are_told_apart() {
    let before = sample();
    let mut after: Vec<DiffRow> = before
        .iter()
        .filter(|row| !row.text.contains("garden"))
        .cloned()
        .collect();
    for place in [5, 50, 100, 150] {
        after[place].label = if after[place].label == " Yes" {
            " No"
        } else {
            " Yes"
        }
        .to_owned();
    }
    for place in (3..180).step_by(20) {
        after[place].text = after[place].text.replace("I keep", "I always keep");
    }
    let found = between(&before, &after);
    assert_eq!(found.counts.flipped.count, 4);
    assert_eq!(found.flips_by_label.values().sum::<u64>(), 4);
    assert_eq!(found.counts.reworded.count, 9);
    assert_eq!(found.counts.dropped.count, 20);
    assert_eq!(found.counts.added.count, 0);
    let garden = found
        .topics
        .iter()
        .find(|topic| topic.word == "garden")
        .unwrap();
    assert_eq!((garden.before, garden.after), (20, 0));
    assert_eq!(garden.verdict, Verdict::Lower);
    assert!(garden.interval.high < 0.0);
    let html = String::from_utf8(found.html().unwrap()).unwrap();
    assert!(html.contains("garden") && html.contains("with another label"));
}

#[test]
fn a_label_whose_meaning_changed_is_called_that() {
    let before = sample();
    let after: Vec<DiffRow> = before
        .iter()
        .map(|row| DiffRow {
            label: if row.label == " Yes" { " No" } else { " Yes" }.to_owned(),
            ..row.clone()
        })
        .collect();
    let found = between(&before, &after);
    assert_eq!(found.counts.flipped.count, 200);
    assert!(
        found
            .verdict
            .iter()
            .any(|line| line.contains("meaning of the label")),
        "{:?}",
        found.verdict
    );
}

#[test]
fn order_and_confidence_are_seen() {
    let before = sample();
    let mut after = before.clone();
    after.reverse();
    let found = between(&before, &after);
    assert!(!found.is_empty && !found.counts.same_order);
    let mut after = before.clone();
    after[7].confidence = Some(0.25);
    after[8].confidence = Some(0.7);
    let found = between(&before, &after);
    assert_eq!(found.counts.rescored.count, 2);
    assert_eq!(found.rescored[0].before.id, "row 7");
}

#[test]
fn the_interval_of_two_shares_is_newcombes() {
    // Newcombe 1998, table II, example (a): 56/70 − 48/80 has 0.0524 to 0.3339 by method 10.
    let (difference, interval) = shift::share_difference((48, 80), (56, 70)).unwrap();
    assert!((difference - 0.2).abs() < 1e-12);
    assert!((interval.low - 0.0524).abs() < 5e-5, "{interval:?}");
    assert!((interval.high - 0.3339).abs() < 5e-5, "{interval:?}");
    assert_eq!(shift::share_difference((0, 0), (1, 2)), None);
}

#[test]
fn empty_sides_and_hostile_text_are_no_trouble() {
    let nothing = between(&[], &[]);
    assert!(nothing.is_empty);
    let rows = [row(0, "<script>alert(1)</script>\u{1b}[2J", " Yes")];
    let found = between(&[], &rows);
    assert_eq!(found.counts.added.count, 1);
    let html = String::from_utf8(found.html().unwrap()).unwrap();
    assert!(!html.contains("<script") && !html.contains('\u{1b}'));
    assert!(!found.summary_text().contains('\u{1b}'));
}

proptest! {
    #[test]
    fn every_row_is_in_one_place(
        before in prop::collection::vec(("[ab ]{1,6}", "[YN]"), 0..20),
        after in prop::collection::vec(("[ab ]{1,6}", "[YN]"), 0..20),
    ) {
        let rows = |list: &[(String, String)]| -> Vec<DiffRow> {
            list.iter().enumerate().map(|(id, (text, label))| row(id, text, label)).collect()
        };
        let (before, after) = (rows(&before), rows(&after));
        let found = between(&before, &after);
        let both = found.counts.unchanged + found.counts.rescored.count + found.counts.flipped.count
            + found.counts.reworded.count;
        prop_assert_eq!(both + found.counts.dropped.count, before.len() as u64);
        prop_assert_eq!(both + found.counts.added.count, after.len() as u64);
        let mirrored = between(&after, &before);
        prop_assert_eq!(mirrored.counts.flipped.count, found.counts.flipped.count);
    }
}
