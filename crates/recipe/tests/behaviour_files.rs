//! Behaviour files: defaults, and every way to be wrong with its place and its advice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

use std::path::Path;

use evalwright_core::Side;
use evalwright_recipe::{DEFAULT_MODEL, RecipeError, Subject, load_behaviour};
use proptest::prelude::*;

const SHORT: &str =
    "kind = \"statement\"\ndescription = \"one who is brave\"\ncontrast = \"one who is shy\"\n";

fn error(text: &str) -> RecipeError {
    load_behaviour(Path::new("brave.toml"), text).unwrap_err()
}

fn with(line: &str) -> String {
    format!("{SHORT}{line}\n")
}

#[test]
fn a_short_file_gets_every_default() {
    let behaviour = load_behaviour(Path::new("some/folder/is-brave.toml"), SHORT).unwrap();
    assert_eq!(behaviour.kind, "statement");
    assert_eq!(behaviour.preset, "default");
    assert_eq!(behaviour.name.as_str(), "is-brave");
    assert_eq!(behaviour.subject, Subject::Person);
    assert_eq!(behaviour.rows, 40);
    assert_eq!(behaviour.seed, 1);
    assert_eq!(behaviour.license, "cc-by-4.0");
    assert_eq!(behaviour.models.generator, DEFAULT_MODEL);
    assert_eq!(behaviour.models.judges, [DEFAULT_MODEL]);
    assert_eq!(behaviour.side(Side::NotMatching), "one who is shy");
    assert!(behaviour.examples.matching.is_empty());
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_read() {
    let text = format!("\u{feff}{}", SHORT.replace('\n', "\r\n"));
    let behaviour = load_behaviour(Path::new("brave.toml"), &text).unwrap();
    assert_eq!(behaviour.contrast, "one who is shy");
    let wrong = text.replace("contrast", "contrat");
    assert_eq!(error(&wrong).fault().unwrap().line, 3);
}

#[test]
fn a_full_file_is_read_as_written() {
    let text = r#"
kind = "statement"
preset = "published"
name = "brave.v2"
description = """
  one who is brave
"""
contrast = "one who is shy"
subject = "ai-system"
rows = 1_000
seed = 0x7f
license = "MIT"
[examples]
matching = ["I dare."]
not_matching = [" I hide. ", "I wait."]
[models]
generator = "a/b"
judges = ["c/d", "e/f"]
"#;
    let behaviour = load_behaviour(Path::new("x y.toml"), text).unwrap();
    assert_eq!(behaviour.name.as_str(), "brave.v2");
    assert_eq!(behaviour.description, "one who is brave");
    assert_eq!(behaviour.subject, Subject::AiSystem);
    assert_eq!((behaviour.rows, behaviour.seed), (1000, 127));
    assert_eq!(behaviour.examples.not_matching, ["I hide.", "I wait."]);
    assert_eq!(behaviour.models.judges, ["c/d", "e/f"]);
}

#[test]
fn a_misspelt_key_is_shown_with_its_place_and_the_right_one() {
    let text = SHORT.replace("description", "descripton");
    assert_eq!(
        error(&text).to_string(),
        "brave.toml:2:1: unknown key `descripton`; did you mean `description`?\n\
         2 | descripton = \"one who is brave\"\n  | ^"
    );
    let listed = error(&with("zebra = 1")).to_string();
    assert!(
        listed.contains("unknown key `zebra`; known keys: `kind`, `preset`,"),
        "{listed}"
    );
    let nested = error(&with("[models]\njudge = [\"a\"]")).to_string();
    assert!(
        nested
            .starts_with("brave.toml:5:1: unknown key `judge` in `models`; did you mean `judges`?"),
        "{nested}"
    );
}

#[test]
fn each_wrong_file_names_its_line_and_says_what_to_do() {
    let cases: &[(String, usize, &str)] = &[
        (with("rows = 0"), 4, "must be from 2 to 1000000"),
        (with("rows = -2"), 4, "must be from 2"),
        (with("rows = 41"), 4, "use an even number such as 42"),
        (
            with("rows = 4.0"),
            4,
            "`rows` must be a whole number, not a number with a point",
        ),
        (with("rows = \"40\""), 4, "not text"),
        (with("seed = -1"), 4, "must be from 0"),
        (with("seed = 99999999999999999999"), 4, "must be from 0"),
        (
            with("subject = \"robot\""),
            4,
            "must be one of `person`, `ai-system`",
        ),
        (with("name = \"../up\""), 4, "lower-case letters"),
        (with("name = \"a/b\""), 4, "holds '/'"),
        (
            with("name = 3"),
            4,
            "must be text in quotes, not a whole number",
        ),
        (with("license = \"\""), 4, "is empty"),
        (with("license = \"see <b>file</b>\""), 4, "SPDX"),
        (with("preset = \" \""), 4, "is empty"),
        (with("kind = \"other\""), 4, "key `kind` stands twice"),
        (with("models = \"a\""), 4, "must be a table"),
        (with("[models]\njudges = []"), 5, "name at least one model"),
        (
            with("[models]\njudges = [\"a\", \"a\"]"),
            5,
            "repeats \"a\"",
        ),
        (with("[models]\njudges = \"a\""), 5, "must be a list"),
        (
            with("[examples]\nmatching = [\"\"]"),
            5,
            "`examples.matching[0]` is empty",
        ),
        (
            with("[examples]\nmatching = [\"I dare.\", \"i  dare\"]"),
            5,
            "repeats another example",
        ),
        (
            with("[examples]\nmatching = [\"I dare.\"]\nnot_matching = [\"I dare.\"]"),
            6,
            "repeats another",
        ),
        (
            with("[examples]\nmatching = [1]"),
            5,
            "`examples.matching[0]` must be text",
        ),
        (with("[examples]\nboth = []"), 5, "unknown key `both`"),
        (
            SHORT.replace("one who is shy", "One  who is brave."),
            3,
            "says the same as `description`",
        ),
        (
            SHORT.replace("one who is brave", "  "),
            2,
            "`description` is empty",
        ),
        (
            SHORT.replace("kind = \"statement\"\n", ""),
            1,
            "missing key `kind`",
        ),
        (SHORT.replace("contrast", "#"), 1, "missing key `contrast`"),
        (with("rows = "), 4, "not valid TOML"),
        (with("[examples"), 4, "not valid TOML"),
        (String::new(), 1, "missing key `kind`"),
    ];
    for (text, line, mention) in cases {
        let error = error(text);
        let fault = error.fault().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(fault.line, *line, "{error}");
        assert!(fault.column > 0, "{error}");
        assert!(
            error.to_string().contains(mention),
            "{mention:?} is not in {error}"
        );
        assert!(error.to_string().contains(" | "), "{error}");
    }
}

#[test]
fn a_file_whose_name_is_no_dataset_name_is_told_how_to_say_one() {
    let error = load_behaviour(Path::new("My Behaviour.toml"), SHORT).unwrap_err();
    assert!(
        error.to_string().contains("cannot name the dataset"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("name ="), "{error:?}");
    assert!(load_behaviour(Path::new("My Behaviour.toml"), &with("name = \"mine\"")).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Err(error) = load_behaviour(Path::new("b.toml"), &text) {
            prop_assert!(error.to_string().starts_with("b.toml:"));
        }
    }

    #[test]
    fn any_description_is_kept_but_for_blanks_at_its_ends(text in "[^\\p{Cc}]{1,40}") {
        prop_assume!(!text.trim().is_empty());
        let quoted = toml::Value::String(text.clone());
        let file = format!("kind = \"statement\"\ndescription = {quoted}\ncontrast = \"~~~\"\n");
        let behaviour = load_behaviour(Path::new("b.toml"), &file).unwrap();
        prop_assert_eq!(behaviour.description, text.trim());
    }
}

/// The guide of a kind with one setting that has a default, one that has none, and a table.
fn guide() -> evalwright_recipe::Guide {
    evalwright_recipe::Guide {
        description: String::new(),
        contrast: String::new(),
        settings: vec![
            evalwright_recipe::SettingGuide {
                name: "tone".to_owned(),
                says: "how it is told".to_owned(),
                default: Some("plainly".to_owned()),
            },
            evalwright_recipe::SettingGuide {
                name: "marker".to_owned(),
                says: "a word".to_owned(),
                default: None,
            },
        ],
        tables: vec![evalwright_recipe::TableGuide {
            name: "gold".to_owned(),
            says: "examples".to_owned(),
            columns: vec!["stem".to_owned()],
            in_folder: false,
        }],
        labelled: false,
    }
}

#[test]
fn settings_and_tables_are_read_by_the_kinds_guide() {
    use evalwright_recipe::{RecipeError, load_behaviour_of};
    let path = std::path::Path::new("b.toml");
    let good = "kind = \"k\"\nrows = 7\n[settings]\nmarker = \"x\"\n[[tables.gold]]\nstem = \"s\"\noptions = [\"a\", \"b\"]";
    let behaviour = load_behaviour_of(path, good, &guide()).unwrap();
    assert_eq!(behaviour.settings["tone"], "plainly");
    assert_eq!(
        (behaviour.rows, behaviour.settings["marker"].as_str()),
        (7, "x"),
        "an odd number is fine without labels"
    );
    assert_eq!(behaviour.tables["gold"].rows[0]["options"][1], "b");
    for (from, to, mention) in [
        ("marker = \"x\"", "", "missing `settings.marker`: a word"),
        (
            "marker = \"x\"",
            "marker = \"x\"\ntune = \"y\"",
            "did you mean `tone`?",
        ),
        (
            "[[tables.gold]]\nstem = \"s\"",
            "[[tables.gold]]\nsten = \"s\"",
            "lacks `stem`",
        ),
        ("[[tables.gold]]", "[[tables.gald]]", "did you mean `gold`?"),
        (
            "kind = \"k\"",
            "kind = \"k\"\ndescription = \"d\"",
            "`description` is of no use to this kind",
        ),
    ] {
        let error = load_behaviour_of(path, &good.replace(from, to), &guide())
            .unwrap_err()
            .to_string();
        assert!(error.contains(mention), "{mention}: {error}");
    }
    // A table in a file is read by whoever can, and its columns are checked.
    let file = "kind = \"k\"\n[settings]\nmarker = \"x\"\n[tables]\ngold = \"gold.csv\"";
    let mut behaviour = load_behaviour_of(path, file, &guide()).unwrap();
    let read =
        |text: &'static str| move |_: &str| -> Result<String, RecipeError> { Ok(text.to_owned()) };
    behaviour
        .read_tables(&guide(), read("stem,other\none,1\ntwo,2\n"))
        .unwrap();
    assert_eq!(behaviour.tables["gold"].rows.len(), 2);
    let written = serde_json::to_value(&behaviour).unwrap();
    assert_eq!(written["tables"]["gold"]["file"], "gold.csv");
    assert_eq!(
        written["tables"]["gold"]["rows"], 2,
        "a file is told by its number of rows and a hash"
    );
    let error = behaviour
        .read_tables(&guide(), read("other\n1\n"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("gold.csv:1: the table lacks the column `stem`"),
        "{error}"
    );
}
