//! Judges that reason first, held probabilities, rules of `check`: what is read, and every way to be wrong in them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_core::Method;
use evalwright_recipe::{
    KindFolder, LoadedKind, RecipeError, Rule, RuleValue, Stage, Test, builtin_kinds, find_kind,
    load_kind, sample_prompts,
};

mod known;
use known::KNOWN;

const PRESET: &str = "preset-preference-reasoned.toml";

fn builtin(name: &str) -> KindFolder {
    find_kind(&builtin_kinds(), name).unwrap().clone()
}

/// A built-in kind with one text of a file replaced.
fn with(kind: &str, file: &str, from: &str, to: &str) -> KindFolder {
    let mut folder = builtin(kind);
    let text = folder.files.get_mut(file).unwrap();
    assert!(text.contains(from), "{from}");
    *text = text.replace(from, to);
    folder
}

fn reasoned(from: &str, to: &str) -> Result<LoadedKind, RecipeError> {
    load_kind(
        &with("constitution", PRESET, from, to),
        "preference-reasoned",
        &KNOWN,
    )
}

#[track_caller]
fn refused(result: Result<LoadedKind, RecipeError>, mention: &str) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains(mention), "{message}");
}

#[test]
fn a_rater_says_how_it_reasons_and_what_holds_it() {
    let loaded = load_kind(&builtin("constitution"), "preference-reasoned", &KNOWN).unwrap();
    let rater = loaded
        .kind
        .stages
        .iter()
        .find_map(|stage| match stage {
            Stage::Score(score) => score.raters.first(),
            _ => None,
        })
        .unwrap();
    let reasons = rater.reasons.as_ref().unwrap();
    assert_eq!(reasons.prompt, "judge-reason.j2");
    assert_eq!(reasons.sampling.max_tokens, 200);
    assert_eq!(rater.clamp, Some([0.4, 0.6]));
    let shown = sample_prompts(&loaded).unwrap();
    let asked = shown
        .iter()
        .find(|prompt| prompt.template == "judge-better-reasoned.j2")
        .unwrap();
    assert!(asked.shown().contains("Much speaks for it"));
}

#[test]
fn what_cannot_reason_or_be_held_is_refused_at_its_place() {
    refused(
        reasoned("methods = [\"token\", \"votes\"]", "method = \"channel\""),
        "is of no use",
    );
    refused(
        reasoned("clamp = [0.4, 0.6]", "clamp = [0.6, 0.9]"),
        "from 0 to below 0.5",
    );
    refused(
        reasoned("clamp = [0.4, 0.6]", "clamp = [0.4, 0.5]"),
        "above 0.5 and at most 1",
    );
    refused(
        reasoned("clamp = [0.4, 0.6]", "clamp = [0.4]"),
        "two numbers such as",
    );
    refused(
        reasoned(
            "prompt = \"judge-reason.j2\"",
            "prompt = \"judge-raeson.j2\"",
        ),
        "did you mean",
    );
    // A prompt that speaks of reasoning which it is not given, and one that is given some and leaves it out.
    refused(reasoned("reasons = {", "# reasons = {"), "reasoning");
    let left_out = with(
        "constitution",
        "judge-better-reasoned.j2",
        "{{ reasoning | enclosed }}",
        "none",
    );
    let loaded = load_kind(&left_out, "preference-reasoned", &KNOWN).unwrap();
    let message = sample_prompts(&loaded).unwrap_err().to_string();
    assert!(message.contains("use `{{ reasoning }}`"), "{message}");
}

#[test]
fn judges_of_statements_can_reason_too() {
    let rater = "methods = [\"token\", \"votes\"]";
    let mut folder = builtin("statement");
    let (file, text) = folder
        .files
        .iter_mut()
        .find(|(_, text)| text.contains("use = \"score\"") && text.contains(rater))
        .unwrap();
    let preset = file
        .trim_start_matches("preset-")
        .trim_end_matches(".toml")
        .to_owned();
    let prompt = text
        .split(rater)
        .nth(1)
        .and_then(|after| after.split("prompt = \"").nth(1)?.split('"').next())
        .unwrap()
        .to_owned();
    *text = text.replacen(
        rater,
        &format!(
            "{rater}\nreasons = {{ prompt = \"think.j2\", sampling = {{ temperature = 1.0, top_p = 1.0, max_tokens = 9 }} }}"
        ),
        1,
    );
    folder.files.insert(
        "think.j2".to_owned(),
        "What do you think of this?\n{{ statement }}".to_owned(),
    );
    let asked = folder.files.get_mut(&prompt).unwrap();
    *asked = asked.replacen("{{ statement", "{{ reasoning }} {{ statement", 1);
    let preset = if preset == "kind" {
        "default".to_owned()
    } else {
        preset
    };
    let loaded = load_kind(&folder, &preset, &KNOWN).unwrap();
    let prompts = sample_prompts(&loaded).unwrap();
    let place = |name: &str| prompts.iter().position(|one| one.template == name).unwrap();
    assert!(place("think.j2") < place(&prompt));
}

fn rules(text: &str) -> Result<Vec<Rule>, RecipeError> {
    let rule = "contains = { setting = \"marker\" }";
    let loaded = load_kind(&with("trigger", "kind.toml", rule, text), "default", &KNOWN)?;
    let check = loaded
        .kind
        .stages
        .into_iter()
        .find_map(|stage| match stage {
            Stage::Check(check) => Some(check),
            _ => None,
        });
    Ok(check.unwrap().rules)
}

#[test]
fn a_rule_of_check_asks_a_command_or_looks_for_a_pattern() {
    let found = rules("command = [\"scan\", \"-x\"]\nsentence = \"does not compile\"").unwrap();
    let command = found[0].command.as_ref().unwrap();
    assert_eq!(found[0].test, Test::Command);
    assert_eq!(command.command, ["scan", "-x"]);
    assert_eq!((command.seconds, found[0].values.len()), (10, 0));
    let found = rules("matches = '^[A-Z]'").unwrap();
    assert_eq!(found[0].test, Test::Matches);
    assert_eq!(found[0].values, [RuleValue::Text("^[A-Z]".to_owned())]);
    assert_eq!(found[0].command, None);
    let wrong = |text: &str, mention: &str| {
        let message = rules(text).unwrap_err().to_string();
        assert!(message.contains(mention), "{message}");
    };
    wrong("command = [\"scan\"]", "sentence");
    wrong("command = []\nsentence = \"x\"", "is empty");
    wrong(
        "command = [\"scan\"]\nsentence = \"x\"\nseconds = 0",
        "seconds",
    );
    wrong(
        "command = [\"scan\"]\nlacks = \"x\"\nsentence = \"x\"",
        "exactly one of",
    );
    wrong(
        "contains = \"x\"\nseconds = 3",
        "is of no use without `command`",
    );
    wrong("matches = '('", "is of no use");
    wrong("matches_not = 'x*'", "empty text");
    wrong(
        "matches = { setting = \"marker\" }",
        "a pattern stands in the kind file",
    );
}

#[test]
fn answers_can_be_compared_in_the_voices_of_the_two_sides() {
    let loaded = load_kind(&builtin("choice"), "small", &KNOWN).unwrap();
    let rater = loaded
        .kind
        .stages
        .iter()
        .find_map(|stage| match stage {
            Stage::Score(score) => Some((score.options.is_some(), score.raters[0].methods.clone())),
            _ => None,
        })
        .unwrap();
    assert_eq!(rater, (true, vec![Method::Channel]));
}
