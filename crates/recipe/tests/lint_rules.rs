//! The lint stage: its own rules, and every way to be wrong in them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_recipe::{
    KindFolder, LintStage, Pattern, RecipeError, RuleAction, RuleField, RuleFinder, TextForm,
    builtin_kinds, find_kind, load_kind,
};

mod known;
use known::KNOWN;

const RULES: &str = r#"form = "multiple-choice"
language = "de"
options = 4
attributes = ["liberal"]

[[stage.rule]]
name = "no-brand"
sentence = "names a brand"
action = "drop"
pattern = '(?i)\bacme\b'
field = "options"

[[stage.rule]]
name = "house-style"
sentence = "breaks the house style"
action = "flag"
command = ["python3", "style.py", "--version=2"]
"#;

/// The statement kind with more at the end of its lint stage.
fn with_rules(rules: &str) -> KindFolder {
    let mut folder = find_kind(&builtin_kinds(), "statement").unwrap().clone();
    let text = folder.files.get_mut("kind.toml").unwrap();
    let next = "[[stage]]\nuse = \"score\"";
    assert_eq!(text.matches(next).count(), 1);
    *text = text.replace(next, &format!("{rules}\n{next}"));
    folder
}

fn lint(rules: &str) -> Result<LintStage, RecipeError> {
    let loaded = load_kind(&with_rules(rules), "default", &KNOWN)?;
    Ok(loaded.kind.lint().unwrap().clone())
}

#[test]
fn rules_are_read_in_order_with_their_defaults() {
    let stage = lint(RULES).unwrap();
    assert_eq!(stage.form, TextForm::MultipleChoice);
    assert_eq!(stage.language.as_deref(), Some("de"));
    assert_eq!(stage.options, Some(4));
    assert_eq!(stage.attributes, ["liberal"]);
    let [brand, style] = stage.rules.as_slice() else {
        panic!("{stage:?}");
    };
    assert_eq!(
        (brand.name.as_str(), brand.action),
        ("no-brand", RuleAction::Drop)
    );
    assert_eq!(
        brand.finder,
        RuleFinder::Pattern {
            pattern: r"(?i)\bacme\b".to_owned(),
            field: RuleField::Options
        }
    );
    assert_eq!(style.action, RuleAction::Flag);
    assert_eq!(
        style.finder,
        RuleFinder::Command {
            command: ["python3", "style.py", "--version=2"]
                .map(str::to_owned)
                .to_vec(),
            seconds: 10
        }
    );
    let bare = lint("").unwrap();
    let written = serde_json::to_string(&bare).unwrap();
    assert!(
        !written.contains("form") && !written.contains("rule"),
        "{written}"
    );
    let again: LintStage = serde_json::from_str(&serde_json::to_string(&stage).unwrap()).unwrap();
    assert_eq!(again, stage);
}

#[test]
fn each_wrong_rule_is_shown_where_it_is_wrong() {
    let cases = [
        (
            "form = \"multiple-choice\"",
            "form = \"poem\"",
            "must be one of `statement`",
        ),
        (
            "language = \"de\"",
            "language = \"German\"",
            "two letters such as",
        ),
        ("options = 4", "options = 1", "must be from 2 to 26"),
        (
            "attributes = [\"liberal\"]",
            "attributes = [\"\"]",
            "is empty",
        ),
        (
            "name = \"no-brand\"",
            "name = \"No Brand\"",
            "lower-case letters",
        ),
        (
            "name = \"no-brand\"",
            "name = \"cut-off\"",
            "which is a lint's code",
        ),
        (
            "name = \"no-brand\"",
            "name = \"house-style\"",
            "repeats the rule name",
        ),
        (
            "sentence = \"names a brand\"",
            "sentence = \" \"",
            "is empty",
        ),
        (
            "action = \"drop\"",
            "action = \"warn\"",
            "must be one of `drop`, `flag`",
        ),
        ("action = \"drop\"\n", "", "missing key `action`"),
        ("acme\\b'", "acme('", "unclosed group"),
        ("(?i)\\bacme\\b", "(\\w{1000}){1000}", "needs more than"),
        ("(?i)\\bacme\\b", "(?=acme)", "look-around"),
        ("(?i)\\bacme\\b", "(acme)?", "matches the empty text"),
        (
            "field = \"options\"",
            "field = \"options\"\nseconds = 1",
            "of no use without `command`",
        ),
        (
            "field = \"options\"",
            "field = \"title\"",
            "must be one of `text`, `stem`, `options`",
        ),
        (
            "field = \"options\"",
            "command = [\"x\"]",
            "cannot stand beside `pattern`",
        ),
        (
            "pattern = '(?i)\\bacme\\b'\nfield = \"options\"\n",
            "",
            "a `pattern` or a `command`",
        ),
        (
            "command = [\"python3\", \"style.py\", \"--version=2\"]",
            "command = []",
            "name at least the program",
        ),
        (
            "command = [\"python3\"",
            "command = [\"\"",
            "no word of a command line",
        ),
        (
            "command = [\"python3\", \"style.py\", \"--version=2\"]",
            "command = \"python3\"",
            "must be a list",
        ),
        (
            "--version=2\"]",
            "--version=2\"]\nseconds = 601",
            "must be from 1 to 600",
        ),
        (
            "--version=2\"]",
            "--version=2\"]\nfield = \"text\"",
            "of no use without `pattern`",
        ),
        (
            "--version=2\"]",
            "--version=2\"]\nshell = true",
            "unknown key `shell`",
        ),
    ];
    for (from, to, mention) in cases {
        assert!(RULES.contains(from), "{from}");
        let error = lint(&RULES.replacen(from, to, 1)).unwrap_err();
        let fault = error.fault().unwrap_or_else(|| panic!("{error}"));
        assert!(fault.line > 0, "{error}");
        assert!(
            error.to_string().contains(mention),
            "{mention:?} is not in {error}"
        );
    }
}

#[test]
fn matching_is_linear_in_the_text() {
    // Exponential in a machine that tries one way after the other.
    let pattern = Pattern::compile("(a|aa)+$").unwrap();
    let text = format!("{}b", "a".repeat(100_000));
    assert_eq!(pattern.find(&text), None);
    assert_eq!(pattern.find("baa"), Some(1..3));
}
