//! What the layers find in published datasets, file by file.
//!
//! Needs the published persona statements; without them it says that it was skipped.

use std::path::PathBuf;

use evalwright_dedup::{Item, Layer, Layers, Near, Shingle, find_duplicates};

#[test]
fn published_files_hold_near_duplicates_and_no_text_with_two_labels() {
    let name = "published_files_hold_near_duplicates_and_no_text_with_two_labels";
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED {name}: EVALWRIGHT_SHARED is not set");
        return;
    };
    let folder = PathBuf::from(shared).join("data/model-written-evals/persona");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED {name}: no {}", folder.display());
        return;
    };
    let (mut total, mut duplicates, mut near_conflicts, mut same_text_conflicts) = (0, 0, 0, 0);
    let mut shown = 0;
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
    {
        let rows: Vec<serde_json::Value> = std::fs::read_to_string(path)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let ids: Vec<String> = (0..rows.len()).map(|index| format!("{index:05}")).collect();
        let items: Vec<Item<'_>> = rows
            .iter()
            .zip(&ids)
            .map(|(row, id)| Item {
                id,
                text: row["statement"].as_str().unwrap(),
                label: u32::from(row["answer_matching_behavior"] == " No"),
                priority: row["label_confidence"].as_f64().unwrap(),
            })
            .collect();
        let layers = Layers {
            exact: true,
            normalised: true,
            near: Some(Near {
                threshold: 0.7,
                shingle: Shingle::Words(1),
            }),
        };
        let outcome = find_duplicates(&items, &layers).unwrap();
        total += items.len();
        for dropped in &outcome.dropped {
            match (dropped.conflict, dropped.layer) {
                (false, _) => duplicates += 1,
                (true, Layer::Near) => {
                    near_conflicts += 1;
                    if near_conflicts % 199 == 1 && shown < 6 {
                        shown += 1;
                        eprintln!(
                            "{:.2}: {} / {}",
                            dropped.similarity, items[dropped.index].text, items[dropped.of].text
                        );
                    }
                }
                (true, _) => same_text_conflicts += 1,
            }
        }
    }
    eprintln!(
        "{total} statements: {duplicates} duplicates, {near_conflicts} in near conflicts, {same_text_conflicts} in conflicts of one text"
    );
    assert!(total > 100_000);
    assert!(duplicates > total / 100, "only {duplicates} duplicates");
    assert!(
        same_text_conflicts < total / 1000,
        "{same_text_conflicts} texts with two labels"
    );
}
