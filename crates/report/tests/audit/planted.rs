//! Each finding, planted in files of its own.

use evalwright_report::audit::{AuditInput, AuditOptions, Gate, audit};

use crate::{choice, line, looked_at, read};

fn write(folder: &std::path::Path, name: &str, lines: &[String]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, lines.concat()).unwrap();
}

/// Statements that share few words, labels in turn.
fn clean(count: usize, salt: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let label = if number % 2 == 0 { " Yes" } else { " No" };
            let text = format!(
                "I met x{salt}a{number} and saw y{salt}b{number} near z{salt}c{number} today"
            );
            line(&text, label, 0.9)
        })
        .collect()
}

#[test]
fn duplicates_are_counted_by_layer_and_conflicts_besides() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = clean(20, 1);
    lines.push(line(
        "I like to swim in the cold sea every single morning",
        " Yes",
        0.9,
    ));
    lines.push(line(
        "I like to swim in the cold sea every single morning",
        " No",
        0.9,
    ));
    lines.push(line(
        "i like to swim in the cold sea, every single morning!",
        " Yes",
        0.9,
    ));
    lines.push(line(
        "I like to swim in the cold sea every single morning again",
        " Yes",
        0.9,
    ));
    write(folder.path(), "persona/a.jsonl", &lines);
    let found = looked_at(&read(folder.path()));
    let of = |layer: &str| found.totals.duplicates[layer];
    assert_eq!((of("exact"), of("normalised"), of("near")), (1, 1, 1));
    assert_eq!(found.totals.conflicts, 2);
    assert_eq!(found.totals.families["persona"], 24);
    assert!(found.duplicates.iter().any(|one| one.layer == "near"));
}

#[test]
fn twins_sets_inside_others_and_opposite_labels_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let lines = clean(30, 2);
    write(folder.path(), "persona/a.jsonl", &lines);
    write(folder.path(), "persona/b.jsonl", &lines);
    write(folder.path(), "persona/c.jsonl", &lines[..12]);
    let mut other = clean(20, 3);
    other.push(line("I met x2a0 and saw y2b0 near z2c0 today", " No", 0.9));
    write(folder.path(), "persona/d.jsonl", &other);
    let found = looked_at(&read(folder.path()));
    assert_eq!(found.across.identical.len(), 1);
    let twins = &found.across.identical[0];
    assert!(twins.same_bytes);
    assert_eq!(twins.files.len(), 2);
    assert!(
        found
            .across
            .contained
            .iter()
            .all(|one| one.inner.contains('c'))
    );
    assert_eq!(found.across.contained.len(), 2);
    assert_eq!(found.across.opposite_labels, 1);
    assert!(
        found
            .verdict
            .iter()
            .any(|line| line.contains("one and the same"))
    );
}

#[test]
fn order_that_misleads_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..20)
        .map(|number| {
            let label = if number % 2 == 0 { " Yes" } else { " No" };
            line(
                &format!("I own q{number} and w{number}"),
                label,
                0.99 - 0.01 * f64::from(number),
            )
        })
        .collect();
    write(folder.path(), "persona/a.jsonl", &lines);
    let found = looked_at(&read(folder.path()));
    assert_eq!(
        (found.across.alternating_files, found.across.falling_files),
        (1, 1)
    );
    assert!(
        found
            .verdict
            .iter()
            .any(|line| line.contains("sorted by confidence"))
    );
}

#[test]
fn options_that_were_lost_lists_and_damage_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = vec![
        choice("Which do you want?", &["power", "rest", "both"], 'C'),
        choice("Which is it?", &["this", "that"], 'A'),
    ];
    lines.push("{\"question\": \"cut".to_owned());
    write(folder.path(), "human_generated_evals/a.jsonl", &lines);
    let list = serde_json::json!({
        "question": "What do you say?\n (A) yes\n (B) no",
        "answer_matching_behavior": " (A)",
        "answer_not_matching_behavior": [" (B)"],
    });
    write(
        folder.path(),
        "human_generated_evals/b.jsonl",
        &[format!("{list}\n")],
    );
    let found = looked_at(&read(folder.path()));
    assert_eq!(found.totals.defects["other-answers-lost"], 1);
    assert_eq!(found.totals.damaged, 1);
    assert_eq!(found.damage.len(), 1);
    let lists = &found.across.list_differences[0];
    assert_eq!((lists.lists.len(), lists.texts), (1, 1));
    assert!(found.verdict[0].contains("could not be read"));
}

#[test]
fn conditions_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = clean(9, 4);
    lines.push(lines[0].clone());
    write(folder.path(), "persona/a.jsonl", &lines);
    let imported = read(folder.path());
    let gates = Gate::parse_all("duplicates=0.05, rows=10,kappa=0.5").unwrap();
    let input = AuditInput {
        imported: &imported,
        sources: &[],
        versions: &[],
        judging: None,
        gates: &gates,
    };
    let found = audit(input, &AuditOptions::default());
    let met: Vec<bool> = found.gates.iter().map(|gate| gate.met).collect();
    assert_eq!(met, [false, true, false]);
    assert_eq!(found.gates[0].measured, Some(0.1));
    assert_eq!(found.gates[2].measured, None);
    assert!(!found.gates_are_met());
    for bad in ["kappa", "kapa=1", "kappa=much", "kappa=-1", "kappa=NaN"] {
        assert!(Gate::parse_all(bad).is_err(), "{bad}");
    }
}

#[test]
fn nothing_read_and_hostile_text_are_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "</script><script>alert(1)</script>\u{1b}[2J\u{202e}=1+1 <img src=x>";
    write(
        folder.path(),
        "persona/a.jsonl",
        &[line(hostile, " Yes", 0.9)],
    );
    let found = looked_at(&read(folder.path()));
    let html = String::from_utf8(found.html().unwrap()).unwrap();
    assert!(!html.contains("alert(1)</script>") && !html.contains("<img"));
    assert!(!html.contains('\u{1b}') && !html.contains('\u{202e}'));
    assert!(!found.summary_text().contains('\u{1b}'));
    assert_eq!(html.matches("<script").count(), 2);

    write(folder.path(), "persona/a.jsonl", &["\n".to_owned()]);
    let found = looked_at(&read(folder.path()));
    assert_eq!(found.totals.rows, 0);
    found.html().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&found.json().unwrap()).unwrap();
    assert_eq!(json["totals"]["rows"], 0);
}
