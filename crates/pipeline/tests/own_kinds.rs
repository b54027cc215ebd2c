//! Kinds that a user adds as a folder: the one that `kinds new` writes, and kinds that are wrong in every way.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is a failed test"
)]

#[path = "support/scripted.rs"]
mod scripted;
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::{Finish, Interrupt, Model};
use evalwright_pipeline::{RunPlan, Silent, UNUSED, advice, estimate, run};
use evalwright_recipe::{
    Known, LoadedKind, RecipeError, Stage, builtin_kinds, find_kind, load_behaviour_of, load_kind,
    read_kind_folder, sample_prompts,
};
use evalwright_text::{LINTS, Parser};
use support::{FakeModel, TempStore, load, text};

/// The files that `kinds new` writes.
fn scaffold(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let kind = folder.path().join(name);
    std::fs::create_dir(&kind).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/src/project/kind");
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path)
            .unwrap()
            .replace("NAME", name);
        std::fs::write(kind.join(path.file_name().unwrap()), text).unwrap();
    }
    folder
}

fn try_load(folder: &Path) -> Result<LoadedKind, RecipeError> {
    let lints: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let known = Known {
        lints: &lints,
        parsers: Parser::names(),
    };
    load_kind(&read_kind_folder(folder)?, "default", &known)
}

/// A ninth kind: a folder and no line of Rust.
#[test]
fn a_new_kind_runs_as_it_is_written() {
    let folder = scaffold("waits-a-day");
    let kind = try_load(&folder.path().join("waits-a-day")).unwrap();
    assert_eq!(sample_prompts(&kind).unwrap().len(), 3);
    assert_eq!(
        advice(&kind, kind.sample.as_ref().unwrap()).unwrap(),
        Vec::<String>::new()
    );
    let behaviour = load_behaviour_of(
        Path::new("waits.toml"),
        "kind = \"waits-a-day\"\nrows = 11\n[settings]\ntone = \"dryly\"",
        &kind.guide,
    )
    .unwrap();
    let writer = FakeModel::new("writer").writing(|request, chance| {
        let prompt = serde_json::to_string(&request.prompt).unwrap();
        let place = if prompt.contains("situation at work") {
            "work"
        } else {
            "home"
        };
        assert!(prompt.contains("Describe, dryly"));
        text(
            &format!(
                "At {place} someone asks for number {} of the {} lists.",
                chance % 99_991,
                chance % 9973
            ),
            Finish::Stop,
        )
    });
    let judge = FakeModel::new("judge").rating(scripted::agree);
    let judges: [&dyn Model; 1] = [&judge];
    let plan = RunPlan {
        behaviour: &behaviour,
        kind: &kind,
        generator: &writer,
        judges: &judges,
        embedder: None,
        limit: None,
    };
    let bound = estimate(&plan).unwrap();
    assert_eq!(bound.rows, 11);
    assert_eq!(
        bound.sample_calls.first_wave, 22,
        "two slots for each row wanted"
    );
    let outcome = run(
        &plan,
        &TempStore::new().store,
        &Interrupt::default(),
        &Silent,
    )
    .unwrap();
    assert_eq!(outcome.records.len(), 11);
    let mut by_topic: BTreeMap<&str, u32> = BTreeMap::new();
    for row in &outcome.records {
        *by_topic.entry(row["topic"].as_str().unwrap()).or_default() += 1;
        let topic = row["topic"].as_str().unwrap();
        assert!(
            row["question"]
                .as_str()
                .unwrap()
                .contains(&format!("At {topic} "))
        );
    }
    let mut counts: Vec<u32> = by_topic.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [5, 6]);
}

/// Presets whose examples the kind's own stages serve as well. The others hang on a model that follows instructions, or on
/// a command, and are tested by themselves.
const PLAIN_PRESETS: [&str; 3] = ["default", "given", "small"];

/// Every example runs with the scripted model and gives its rows.
#[test]
fn every_example_of_a_kind_gives_its_rows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/kinds");
    let mut kinds: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let toml = std::fs::read_to_string(&path).unwrap();
        let name = evalwright_recipe::kind_of_behaviour(&path, &toml).unwrap();
        let kind = load(find_kind(&builtin_kinds(), &name).unwrap(), "default");
        let behaviour = load_behaviour_of(&path, &toml, &kind.guide).unwrap();
        if !PLAIN_PRESETS.contains(&behaviour.preset.as_str()) {
            continue;
        }
        let writer = FakeModel::new("writer").writing(scripted::write);
        let judge = FakeModel::new("judge").rating(scripted::agree);
        let judges: [&dyn Model; 1] = [&judge];
        let plan = RunPlan {
            behaviour: &behaviour,
            kind: &kind,
            generator: &writer,
            judges: &judges,
            embedder: None,
            limit: None,
        };
        let outcome = run(
            &plan,
            &TempStore::new().store,
            &Interrupt::default(),
            &Silent,
        )
        .unwrap();
        assert_eq!(
            outcome.records.len(),
            behaviour.rows as usize,
            "{}",
            path.display()
        );
        kinds.push(name);
    }
    kinds.sort();
    let all: Vec<String> = builtin_kinds()
        .into_iter()
        .map(|kind| kind.name)
        .filter(|name| name != "statement")
        .collect();
    assert_eq!(kinds, all, "one example for each kind");
}

#[test]
fn the_built_in_kinds_give_no_cause_for_advice_but_templates_of_other_presets() {
    for folder in builtin_kinds() {
        let kind = load(&folder, "default");
        let said = advice(&kind, kind.sample.as_ref().unwrap()).unwrap();
        assert!(
            said.iter().all(|sentence| sentence.starts_with(UNUSED)),
            "{}: {said:?}",
            folder.name
        );
    }
}

/// Each way to be wrong is refused when the kind is loaded, with file, line and cause.
#[test]
fn a_wrong_kind_is_refused_with_file_line_and_cause() {
    for (file, from, to, place, mention) in [
        (
            "kind.toml",
            "cells = [\"topic\"]",
            "cells = [\"subject\"]",
            "k/kind.toml:",
            "`subject` is held balanced and must be a field",
        ),
        (
            "kind.toml",
            "text = \"situation\"",
            "text = \"scene\"",
            "k/kind.toml:",
            "`scene` is no field that an earlier stage sets",
        ),
        (
            "kind.toml",
            "text = \"situation\"",
            "",
            "k/kind.toml: ",
            "missing key `text`",
        ),
        (
            "kind.toml",
            "from = \"topic\"",
            "from = \"topc\"",
            "k/kind.toml:",
            "did you mean `topic`?",
        ),
        (
            "kind.toml",
            "gives = [\"situation\"]",
            "gives = [\"situation\", \"more\"]",
            "k/kind.toml:",
            "must hold one name",
        ),
        (
            "kind.toml",
            "gives = [\"situation\"]",
            "gives = [\"topic\"]",
            "k/kind.toml:",
            "`topic` is given by a question, and was there before",
        ),
        (
            "kind.toml",
            "use = \"dedup\"",
            "use = \"table\"\nname = \"x\"\ncolumns = []\n[[stage]]\nuse = \"dedup\"",
            "k/kind.toml:",
            "stands too late or twice",
        ),
        (
            "kind.toml",
            "use = \"cross\"\nvariants",
            "use = \"cross\"\ntable = \"towns\"\ncolumns = [\"town\"]\n\n[[stage]]\nuse = \"cross\"\nvariants",
            "k/kind.toml:",
            "`towns` is no table",
        ),
        (
            "kind.toml",
            "{ topic = \"work\" }, { topic = \"home\" }",
            "{ topic = \"work\" }, { tpic = \"home\" }",
            "k/kind.toml:",
            "does not fit the others",
        ),
        (
            "kind.toml",
            "use = \"cross\"\nvariants",
            "use = \"cross\"\ndeal = 1\ndraw = 1\nvariants",
            "k/kind.toml:",
            "stands beside `draw`; keep one of them",
        ),
        (
            "kind.toml",
            "[[stage]]\nuse = \"emit\"",
            "[[stage]]\nuse = \"cross\"\ndeal = 1\nvariants = [{ late = true }]\n\n[[stage]]\nuse = \"emit\"",
            "k/kind.toml:",
            "use `draw` here",
        ),
        (
            "kind.toml",
            "[[stage]]\nuse = \"dedup\"",
            "[[stage]]\nuse = \"check\"\nrule = [{ name = \"long\", field = \"situation\", sentence = \"is long\", \
             command = [\"sh\", \"-c\", { file = \"ask.sh\" }] }]\n\n[[stage]]\nuse = \"dedup\"",
            "k/kind.toml:",
            "names no file: \"ask.sh\"; did you mean `ask.j2`?",
        ),
        (
            "kind.toml",
            "[[stage]]\nuse = \"dedup\"",
            "[[stage]]\nuse = \"check\"\nrule = [{ name = \"long\", field = \"situation\", sentence = \"is long\", \
             command = [{ file = \"ask.j2\" }] }]\n\n[[stage]]\nuse = \"dedup\"",
            "k/kind.toml:",
            "must be text in quotes, not a table",
        ),
        (
            "kind.toml",
            "schema = \"row.schema.json\"",
            "schema = \"rows.json\"",
            "k/kind.toml:",
            "no file `rows.json`",
        ),
        (
            "row.schema.json",
            "\"topic\", \"id\"",
            "\"id\"",
            "row.schema.json: ",
            "the column `topic` must stand",
        ),
        (
            "row.schema.json",
            "\"question\": { \"type\": \"string\"",
            "\"question\": { \"format\": \"string\"",
            "row.schema.json: ",
            "`format` is not checked here",
        ),
        (
            "ask.j2",
            "item.topic",
            "item.topik",
            "k/ask.j2:2:",
            "did you mean `item.topic`?",
        ),
        (
            "ask.j2",
            "behaviour.settings.tone",
            "behaviour.settings.tune",
            "k/ask.j2:2:",
            "did you mean `behaviour.settings.tone`?",
        ),
        (
            "ask.j2",
            "item.topic",
            "item.situation",
            "k/ask.j2:2:",
            "`item.situation`",
        ),
        (
            "judge.j2",
            "item.topic",
            "item.choices",
            "k/judge.j2:",
            "`item.choices`",
        ),
        (
            "sample-item.json",
            "{\n",
            "{\n,",
            "sample-item.json:2",
            "not valid JSON",
        ),
        (
            "sample.toml",
            "rows = 10",
            "rows = 10\n[settings]\ntune = \"x\"",
            "k/sample.toml:",
            "did you mean `tone`?",
        ),
    ] {
        let folder = scaffold("k");
        let path = folder.path().join("k").join(file);
        let before = std::fs::read_to_string(&path).unwrap();
        assert!(before.contains(from), "{from:?} is not in {file}");
        std::fs::write(&path, before.replacen(from, to, 1)).unwrap();
        let error = try_load(&folder.path().join("k")).unwrap_err().to_string();
        assert!(
            error.contains(place) && error.contains(mention),
            "{mention:?}: {error}"
        );
    }
}

/// The text of a script is read into each rule that names its file, and so into the recipe.
#[test]
fn rules_share_a_script_of_the_folder() {
    let folder = scaffold("k");
    let path = folder.path().join("k/kind.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let rule = |name: &str| {
        format!(
            "[[stage.rule]]\nname = \"{name}\"\nfield = \"situation\"\nsentence = \"is {name}\"\n\
             command = [\"sh\", \"-c\", {{ file = \"tools/length.sh\" }}]\n\n"
        )
    };
    let stage = format!(
        "[[stage]]\nuse = \"check\"\n\n{}{}[[stage]]\nuse = \"dedup\"",
        rule("long"),
        rule("short")
    );
    std::fs::write(
        &path,
        text.replacen("[[stage]]\nuse = \"dedup\"", &stage, 1),
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("k/tools")).unwrap();
    let script = "while read -r line; do\n  echo \"$line\"\ndone\n";
    std::fs::write(folder.path().join("k/tools/length.sh"), script).unwrap();
    let kind = try_load(&folder.path().join("k")).unwrap();
    let commands: Vec<&[String]> = kind
        .kind
        .stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::Check(check) => Some(&check.rules),
            _ => None,
        })
        .flatten()
        .filter_map(|rule| Some(rule.command.as_ref()?.command.as_slice()))
        .collect();
    assert_eq!(commands, [["sh", "-c", script], ["sh", "-c", script]]);
}

#[test]
fn advice_names_what_may_not_be_meant() {
    let folder = scaffold("k");
    let path = folder.path().join("k/kind.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text
        .replace(
            "[[stage]]\nuse = \"score\"",
            "[[stage]]\nuse = \"check\"\n\n[[stage.rule]]\nname = \"says\"\nfield = \"situation\"\ncontains = \"door\"\n\n\
             [[stage.rule]]\nname = \"says-not\"\nfield = \"situation\"\nlacks = \"door\"\n\n[[stage]]\nuse = \"score\"",
        )
        .replace(
            "variants = [{ topic = \"work\" }, { topic = \"home\" }]",
            "variants = [{ topic = \"work\", mood = 1 }, { topic = \"work\", mood = 2 }, { topic = \"home\", mood = 1 }]",
        );
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("k/unused.j2"), "x").unwrap();
    let kind = try_load(&folder.path().join("k")).unwrap();
    let said = advice(&kind, kind.sample.as_ref().unwrap())
        .unwrap()
        .join("\n");
    for mention in [
        "cells are unbalanced: they begin with 1 to 2 items each",
        "nothing reads the field `mood`",
        "no candidate can keep both rules `says` and `says-not`, so every stage after them is unreachable",
        "no stage uses the template `unused.j2`",
    ] {
        assert!(said.contains(mention), "{mention}: {said}");
    }
}
