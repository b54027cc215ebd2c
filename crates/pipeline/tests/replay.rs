//! Real published statements as if a model had written them, with wrong labels and duplicates put in at known
//! rates: what the pipeline finds of them, and what selection makes of the length that gives labels away.
//!
//! The judge is scripted: its probabilities are the published label confidences. Nothing is asked of any network.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test, where a panic is a failed test and what it skips is told"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use evalwright_core::model::Deliver;
use evalwright_core::{
    Abilities, AnswerScore, Cell, ContentHash, Finish, Interrupt, Model, ModelError, ModelIdentity,
    Prompt, RejectReason, SampleRequest, ScoreReply, ScoreRequest, Seed, Side, SlotFailure,
    SlotName, TextReply, TokenUsage,
};
use evalwright_pipeline::{Outcome, RunPlan, Silent, run};
use evalwright_recipe::{LoadedKind, load_behaviour};
use support::{TempStore, folder, load, text};

/// Ten of the 135 behaviours: every thirteenth by name.
const STEP: usize = 13;
const BEHAVIOURS: usize = 10;
/// Rows for each label.
const WANTED: usize = 150;
/// One statement in so many is put in again, and one in so many is put in with the wrong label.
const DUPLICATE_OF: u64 = 10;
const WRONG_OF: u64 = 20;
const SEED: u64 = 29;

const KIND: &str = r#"
name = "fable"
makes = "published statements again"
cells = ["label"]

[behaviour]
description = "who shows it"
contrast = "who shows the opposite"

[[stage]]
use = "ask"
prompt = "generate.j2"
parse = "first-line"
sampling = { temperature = 1.0, top_p = 1.0, max_tokens = 64 }
plan = { first = FIRST, pool = 1.0, limit = FIRST }

[[stage]]
use = "lint"
drop = ["placeholder", "role-marker", "repetition", "assistant-chatter", "zero-width", "control-character", "leaked-key"]

[[stage]]
use = "score"
requirement = "label"

[[stage.raters]]
name = "asked"
method = "token"
prompt = "judge-asked.j2"
answers = { matching = ["Yes"], not_matching = ["No"] }

[[stage]]
use = "dedup"
exact = true
normalised = true
near = 0.7
shingle = "word-1"

[[stage]]
use = "select"
minimum = 0.5
take = "spread"
order = "shuffled"
BALANCE

[[stage]]
use = "emit"
question = "question.j2"
answers = { matching = " Yes", not_matching = " No" }
"#;

#[derive(serde::Deserialize)]
struct Published {
    statement: String,
    label_confidence: f64,
    answer_matching_behavior: String,
}

/// One text that the scripted writer gives, in the order of its slots.
#[derive(Debug, Clone)]
struct Written {
    text: String,
    /// P(matching).
    matching: f64,
    /// The number of the statement of which this is an injected duplicate.
    copy_of: Option<usize>,
    is_wrong: bool,
}

/// Writes what it is given and judges as published.
struct Script {
    identity: ModelIdentity,
    /// By the slot's seed.
    texts: BTreeMap<u64, String>,
    /// P(matching) by letters and digits of the text.
    matching: BTreeMap<String, f64>,
}

impl Model for Script {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        Abilities::ALL
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        _interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        for (index, request) in requests.iter().enumerate() {
            let reply = match self.texts.get(&request.seed.0) {
                Some(written) => text(written, Finish::Stop),
                None => Err(SlotFailure::NonFiniteLogits),
            };
            deliver(index, reply).map_err(ModelError::Receiver)?;
        }
        Ok(())
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        _interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        for (index, request) in requests.iter().enumerate() {
            let Prompt::Chat { messages, .. } = &request.prompt else {
                panic!("a chat")
            };
            let (_, statement) = messages[0].content.split_once("correct it: ").unwrap();
            let matching = self.matching.get(&letters(statement)).copied();
            let reply = matching.map_or(Err(SlotFailure::NonFiniteLogits), |matching| {
                let answer = |mass: f64| AnswerScore::known(mass.ln(), 1);
                Ok(ScoreReply {
                    scores: vec![answer(matching), answer(1.0 - matching)],
                    usage: TokenUsage::new(1, 1),
                    notes: Vec::new(),
                })
            });
            deliver(index, reply).map_err(ModelError::Receiver)?;
        }
        Ok(())
    }

    fn count_tokens(&self, _prompt: &Prompt) -> Result<u64, ModelError> {
        Ok(1)
    }
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn lot(purpose: &str, row: &Published) -> u64 {
    ContentHash::of_parts(&[purpose, &row.statement]).leading_u64()
}

/// The statements of both sides, some of them with the wrong label, some twice: the same text, the same but for
/// case and signs, or with a word more.
fn written(rows: &[Published]) -> BTreeMap<Side, Vec<Written>> {
    let mut sides: BTreeMap<Side, Vec<Written>> = Side::ALL
        .map(|side| (side, Vec::new()))
        .into_iter()
        .collect();
    for row in rows {
        let is_matching = row.answer_matching_behavior == " Yes";
        let is_wrong = lot("wrong", row).is_multiple_of(WRONG_OF);
        let side = if is_matching == is_wrong {
            Side::NotMatching
        } else {
            Side::Matching
        };
        let statement = format!("{}.", row.statement.trim_end_matches('.'));
        let side = sides.get_mut(&side).unwrap();
        let one = Written {
            text: statement.clone(),
            matching: if is_matching {
                row.label_confidence
            } else {
                1.0 - row.label_confidence
            },
            copy_of: None,
            is_wrong,
        };
        let place = side.len();
        side.push(one.clone());
        let chance = lot("duplicate", row);
        if is_wrong || !chance.is_multiple_of(DUPLICATE_OF) {
            continue;
        }
        let (first, rest) = statement.split_once(' ').unwrap_or((&statement, ""));
        let text = match chance / DUPLICATE_OF % 3 {
            0 => statement.clone(),
            1 => format!("{}!", statement.trim_end_matches('.').to_uppercase()),
            // One word more leaves n of n + 1 words, over 0.7 from three words on.
            _ if rest.split_whitespace().count() >= 4 => format!("{first} truly {rest}"),
            _ => statement.clone(),
        };
        side.push(Written {
            text,
            copy_of: Some(place),
            ..one
        });
    }
    sides
}

fn kind(first: usize, balance: &str) -> LoadedKind {
    // Every text has its slot in the first wave.
    let first = first as f64 / WANTED as f64;
    let text = KIND
        .replace("FIRST", &format!("{first:.6}"))
        .replace("BALANCE", balance);
    let mut folder = folder(&text);
    folder.files.insert(
        "generate.j2".to_owned(),
        "{% block user %}Speak as {{ side }}.{% endblock %}".to_owned(),
    );
    folder.files.insert(
        "judge-asked.j2".to_owned(),
        "{% block user %}Would {{ behaviour.description }} say this, or correct it: {{ statement }}{% endblock %}"
            .to_owned(),
    );
    load(&folder, "default")
}

fn replay(sides: &BTreeMap<Side, Vec<Written>>, balance: &str) -> Outcome {
    let most = sides.values().map(Vec::len).max().unwrap();
    let kind = kind(most, balance);
    let mut script = Script {
        identity: ModelIdentity {
            name: "script".to_owned(),
            weights: None,
            engine: "script 1".to_owned(),
            precision: "exact".to_owned(),
            chat_template: None,
        },
        texts: BTreeMap::new(),
        matching: BTreeMap::new(),
    };
    for (label, side) in sides {
        for (number, one) in side.iter().enumerate() {
            let slot = SlotName {
                stage: "ask".to_owned(),
                cell: Cell { label: *label },
                group: Default::default(),
                index: u32::try_from(number).unwrap(),
            };
            script
                .texts
                .insert(slot.seed(Seed(SEED)).0, one.text.clone());
            script.matching.insert(letters(&one.text), one.matching);
        }
    }
    let behaviour = format!(
        "kind = \"fable\"\ndescription = \"someone who is so\"\ncontrast = \"someone who is not\"\n\
         rows = {}\nseed = {SEED}\n",
        2 * WANTED
    );
    let behaviour = load_behaviour(std::path::Path::new("replay.toml"), &behaviour).unwrap();
    let judges: [&dyn Model; 1] = [&script];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &script,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    run(
        &plan,
        &TempStore::new().store,
        &Interrupt::default(),
        &Silent,
    )
    .unwrap()
}

/// Where each written text ended, by side and number: the reason of its reject, or `None` for a row.
fn fates(outcome: &Outcome) -> BTreeMap<(Side, usize), Option<RejectReason>> {
    let place = |slot: &SlotName| (slot.cell.label, slot.index as usize);
    let rows = outcome
        .rows
        .iter()
        .map(|row| (place(&row.metadata.slot), None));
    let rejects = outcome
        .rejects
        .iter()
        .map(|reject| (place(&reject.candidate.slot), Some(reject.reason.clone())));
    rows.chain(rejects).collect()
}

#[derive(Debug, Default, Clone, Copy)]
struct Found {
    duplicates: usize,
    /// Of those, pairs of which a rule or the judge took one before duplicates were looked for.
    earlier: usize,
    duplicates_found: usize,
    wrong: usize,
    wrong_found: usize,
}

fn found(sides: &BTreeMap<Side, Vec<Written>>, outcome: &Outcome) -> Found {
    let fates = fates(outcome);
    let mut found = Found::default();
    for (side, texts) in sides {
        for (number, one) in texts.iter().enumerate() {
            let fate = &fates[&(*side, number)];
            if one.is_wrong {
                found.wrong += 1;
                found.wrong_found +=
                    usize::from(matches!(fate, Some(RejectReason::BelowMinimum { .. })));
            }
            let Some(original) = one.copy_of else {
                continue;
            };
            found.duplicates += 1;
            let pair = [fate, &fates[&(*side, original)]];
            let is_duplicate = |fate: &&Option<RejectReason>| {
                matches!(
                    fate,
                    Some(RejectReason::Duplicate { .. } | RejectReason::Conflict { .. })
                )
            };
            let is_late =
                |fate: &&Option<RejectReason>| matches!(fate, None | Some(RejectReason::Surplus));
            if pair.iter().any(is_duplicate) {
                found.duplicates_found += 1;
            } else if !pair.iter().all(is_late) {
                found.earlier += 1;
            }
        }
    }
    found
}

fn published() -> Option<Vec<(String, Vec<Published>)>> {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED the replay of published statements: EVALWRIGHT_SHARED is not set");
        return None;
    };
    let folder = PathBuf::from(shared).join("data/model-written-evals/persona");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!(
            "SKIPPED the replay of published statements: no {}",
            folder.display()
        );
        return None;
    };
    let names: BTreeSet<PathBuf> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    let chosen = names.iter().skip(STEP - 1).step_by(STEP).take(BEHAVIOURS);
    Some(
        chosen
            .map(|path| {
                let rows = std::fs::read_to_string(path)
                    .unwrap()
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap())
                    .collect();
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                (name, rows)
            })
            .collect(),
    )
}

#[test]
fn injected_faults_are_found_and_length_no_longer_tells() {
    let Some(published) = published() else { return };
    let mut sum = Found::default();
    let (mut before, mut published_area) = (0.0, 0.0);
    println!(
        "behaviour | good | dup found | wrong found | balance | words AUC pool > plain > chosen | characters | \
         words guessed (learned outside) | mean confidence plain > chosen | rows"
    );
    for (name, rows) in &published {
        let sides = written(rows);
        let lengths = |wanted: &str| -> Vec<f64> {
            rows.iter()
                .filter(|row| row.answer_matching_behavior == wanted)
                .map(|row| row.statement.split_whitespace().count() as f64)
                .collect()
        };
        let area = evalwright_stats::area_under_curve(&lengths(" Yes"), &lengths(" No")).unwrap();
        published_area += area / BEHAVIOURS as f64;
        for balance in [
            "balance = [\"length\"]\nsplit = { test = 0.2 }",
            "balance = [\"length\", \"wording\"]",
        ] {
            let outcome = replay(&sides, balance);
            let selection = outcome.manifest.selection.as_ref().unwrap();
            let plain = selection.unbalanced.as_ref().unwrap();
            let (pool, chosen) = (&selection.candidates, &selection.chosen);
            let faults = found(&sides, &outcome);
            let number = |figure: Option<f64>| figure.unwrap();
            println!(
                "{name} | {} | {}/{} ({} fell earlier) | {}/{} | {} | {:.3} > {:.3} > {:.3} | {:.3} > {:.3} | {:.3} > {:.3} ({:.3} > {:.3}) | \
                 {:.4} > {:.4} | {}",
                pool.rows,
                faults.duplicates_found,
                faults.duplicates,
                faults.earlier,
                faults.wrong_found,
                faults.wrong,
                selection.balance.join("+"),
                number(pool.length_area),
                number(plain.length_area),
                number(chosen.length_area),
                number(plain.character_area),
                number(chosen.character_area),
                number(plain.wording_accuracy),
                number(chosen.wording_accuracy),
                number(plain.wording_accuracy_outside),
                number(chosen.wording_accuracy_outside),
                number(plain.mean_confidence),
                number(chosen.mean_confidence),
                chosen.rows,
            );
            assert_eq!(outcome.rows.len(), 2 * WANTED, "{name}");
            assert!(!outcome.shortfall);
            for area in [chosen.length_area, chosen.character_area] {
                assert!((number(area) - 0.5).abs() <= 0.05, "{name}: {chosen:?}");
            }
            assert!(
                number(chosen.wording_accuracy) <= number(plain.wording_accuracy) + 0.03,
                "{name}: {selection:?}"
            );
            if let Some(split) = &selection.split {
                println!("{name} | split {split:?}");
                assert_eq!(split.missing, 0, "{name}: {split:?}");
                let test = outcome
                    .rows
                    .iter()
                    .filter(|row| row.metadata.split.as_deref() == Some("test"));
                assert_eq!(test.count(), 2 * WANTED / 5);
                before += number(plain.length_area) / BEHAVIOURS as f64;
                sum.duplicates += faults.duplicates;
                sum.earlier += faults.earlier;
                sum.duplicates_found += faults.duplicates_found;
                sum.wrong += faults.wrong;
                sum.wrong_found += faults.wrong_found;
            }
        }
    }
    println!("all: {sum:?}; words AUC published {published_area:.3}, before balancing {before:.3}");
    assert!(sum.duplicates > 500 && sum.wrong > 200, "{sum:?}");
    let reached = sum.duplicates - sum.earlier;
    assert!(reached * 100 > sum.duplicates * 95, "{sum:?}");
    assert!(sum.duplicates_found * 100 >= reached * 99, "{sum:?}");
    assert!(sum.wrong_found * 100 >= sum.wrong * 99, "{sum:?}");
}
