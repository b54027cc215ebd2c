//! The judge case on the order of a pair. The case log is not in the repository: without it, the test says that
//! it was skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use evalwright_stats::position::{Comparison, Preference, first_place_wins, preference};
use serde_json::{Value, json};

#[test]
fn j06_a_winner_that_changes_with_the_order_is_a_tie() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED J06: EVALWRIGHT_SHARED is not set");
        return;
    };
    let folder = PathBuf::from(shared).join("cases/judge/J06-position-swap-disagreement");
    let Ok(case) = std::fs::read_to_string(folder.join("case.json")) else {
        eprintln!("SKIPPED J06: no {}", folder.display());
        return;
    };
    let case: Value = serde_json::from_str(&case).unwrap();
    let mut pairs: BTreeMap<String, Vec<Comparison>> = BTreeMap::new();
    let mut all = Vec::new();
    for line in std::fs::read_to_string(folder.join("verdicts.jsonl"))
        .unwrap()
        .lines()
    {
        let verdict: Value = serde_json::from_str(line).unwrap();
        let comparison = Comparison {
            is_swapped: verdict["order"] == "BA",
            first_place_won: verdict["choice"] == "A",
        };
        all.push(comparison);
        let pair = pairs.entry(verdict["id"].to_string()).or_default();
        pair.push(comparison);
    }
    let (mut consistent, mut ties) = (BTreeMap::new(), Vec::new());
    for (pair, comparisons) in &pairs {
        match preference(comparisons).unwrap() {
            Preference::First => drop(consistent.insert(pair, "first-candidate")),
            Preference::Second => drop(consistent.insert(pair, "second-candidate")),
            Preference::Tie => ties.push(pair.parse::<u64>().unwrap()),
        }
    }
    let expected = &case["expected"];
    assert_eq!(expected["consistent"], json!(consistent));
    assert_eq!(expected["tie"], json!(ties));
    let (wins, of) = first_place_wins(&all);
    assert_eq!(
        expected["position_bias"],
        json!({ "first_slot_wins": wins, "of": of })
    );
}
