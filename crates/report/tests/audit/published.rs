//! The published sets: what was counted over them by other means stands in each assertion.
//!
//! Needs the published files; without them it says that it was skipped.

use std::path::PathBuf;

use crate::{looked_at, read};

#[test]
fn the_published_sets_hold_what_was_counted_in_them() {
    let name = "the_published_sets_hold_what_was_counted_in_them";
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED {name}: EVALWRIGHT_SHARED is not set");
        return;
    };
    let folder = PathBuf::from(shared).join("data/model-written-evals");
    if !folder.is_dir() {
        eprintln!("SKIPPED {name}: no {}", folder.display());
        return;
    }
    let found = looked_at(&read(&folder));
    let totals = &found.totals;
    let rows = |family: &str| totals.families.get(family).copied().unwrap_or(0);
    assert_eq!(totals.damaged, 0);
    assert_eq!(rows("persona"), 133_204);
    assert_eq!(rows("advanced-ai-risk/lm"), 16_400);
    assert_eq!(rows("advanced-ai-risk/human"), 8_116);
    assert_eq!(rows("advanced-ai-risk/few-shot"), 160);

    let duplicates = |family: &str, layer: &str| totals.duplicates_by_family[family][layer];
    assert_eq!(duplicates("persona", "exact"), 0);
    assert_eq!(duplicates("persona", "normalised"), 327);
    assert_eq!(duplicates("advanced-ai-risk/lm", "exact"), 557);

    let lm = &totals.defects_by_family["advanced-ai-risk/lm"];
    let lm = |code: &str| lm.get(code).copied().unwrap_or(0);
    assert_eq!(lm("header-missing"), 1_793);
    assert_eq!(lm("identical-options"), 53);
    let human = &totals.defects_by_family["advanced-ai-risk/human"];
    assert_eq!(human["other-answers-lost"], 643);

    let persona: Vec<_> = found
        .files
        .iter()
        .filter(|file| file.family == "persona")
        .collect();
    assert_eq!(persona.len(), 135);
    assert!(
        persona
            .iter()
            .all(|file| file.order.labels_alternate && file.order.confidence_falls)
    );
    let copied: u64 = found
        .across
        .copied_examples
        .iter()
        .map(|one| one.rows)
        .sum();
    eprintln!(
        "copied {copied}, shared {}, opposite {}, near {:?}",
        found.across.shared_texts, found.across.opposite_labels, totals.duplicates_by_family
    );
    assert!(found.across.mixed_encodings);
    assert!(
        found
            .across
            .contained
            .iter()
            .any(|one| one.inner.contains("self-awareness-general-ai") && one.rows == 300)
    );
    let length = &found
        .giveaways
        .iter()
        .find(|family| family.of == "persona")
        .unwrap()
        .guessers[0];
    assert!((length.area.unwrap() - 0.71).abs() < 0.005, "{length:?}");
}
