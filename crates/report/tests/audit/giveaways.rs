//! Give-aways that were planted are found; clean sets raise no alarm.

use evalwright_core::Seed;
use evalwright_stats::giveaway::Guesser;

use crate::{choice, line, looked_at, read};

/// Pseudo-random words: no two of them go together.
fn word(seed: Seed, what: &str) -> String {
    format!("w{}", seed.derive(what).0 % 60)
}

fn statements(seed: Seed, count: usize, planted: bool) -> Vec<String> {
    (0..count)
        .map(|number| {
            let length = 6 + seed.derive(&format!("length {number}")).0 % 8;
            let mut words: Vec<String> = (0..length)
                .map(|place| word(seed, &format!("{number} {place}")))
                .collect();
            let is_yes = seed.derive(&format!("label {number}")).0.is_multiple_of(2);
            if planted && is_yes && number % 3 == 0 {
                words.push("marvellous".to_owned());
            }
            line(&words.join(" "), if is_yes { " Yes" } else { " No" }, 0.9)
        })
        .collect()
}

fn alarms(lines: &[String]) -> Vec<Guesser> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), lines.concat()).unwrap();
    let found = looked_at(&read(folder.path()));
    found.giveaways[0]
        .guessers
        .iter()
        .filter(|one| one.giveaways > 0)
        .map(|one| one.guesser)
        .collect()
}

#[test]
fn a_word_of_one_label_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let lines = statements(Seed(1), 600, true);
    std::fs::write(folder.path().join("a.jsonl"), lines.concat()).unwrap();
    let found = looked_at(&read(folder.path()));
    let first = &found.giveaways[0].words[0];
    assert_eq!(
        (first.word.as_str(), first.label.as_str()),
        ("marvellous", "Yes")
    );
    assert_eq!(first.rows_without, 0);
}

#[test]
fn the_longest_option_and_the_first_letter_are_found() {
    let seed = Seed(5);
    let lines: Vec<String> = (0..300)
        .map(|number| {
            let short = word(seed, &format!("short {number}"));
            let long = format!(
                "{short} {} {}",
                word(seed, &format!("b {number}")),
                word(seed, &format!("c {number}"))
            );
            let is_first = seed.derive(&format!("side {number}")).0.is_multiple_of(2);
            let options = if is_first {
                [&*long, &*short]
            } else {
                [&*short, &*long]
            };
            choice(
                &format!("What of q{number}?"),
                &options,
                if is_first { 'A' } else { 'B' },
            )
        })
        .collect();
    let found = alarms(&lines);
    assert!(found.contains(&Guesser::Length), "{found:?}");
    assert!(!found.contains(&Guesser::Letter), "{found:?}");

    let lines: Vec<String> = (0..300)
        .map(|number| {
            let options = [
                word(seed, &format!("d {number}")),
                word(seed, &format!("e {number}")),
            ];
            choice(
                &format!("What of q{number}?"),
                &[&options[0], &options[1]],
                'A',
            )
        })
        .collect();
    let found = alarms(&lines);
    assert!(found.contains(&Guesser::Letter), "{found:?}");
    assert!(!found.contains(&Guesser::Length), "{found:?}");
}

#[test]
fn clean_sets_raise_an_alarm_at_most_five_times_in_a_hundred() {
    let raised = (0..100)
        .filter(|trial| !alarms(&statements(Seed(1000 + trial), 200, false)).is_empty())
        .count();
    assert!(raised <= 5, "{raised} of 100");
}
