//! What `score` and `select` of a kind file may say about requirements, balance and parts, and what is refused.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;

use evalwright_recipe::{
    Balance, ClusterBy, Clustering, Combine, KindFolder, LoadedKind, RecipeError, SelectStage,
    Stage, Take, builtin_kinds, find_kind, load_kind,
};

mod known;
use known::KNOWN;

const SELECT: &str = "minimum = 0.7\ntake = \"spread\"\norder = \"shuffled\"\n";
const RELEVANT: &str = "[[stage]]
use = \"score\"
requirement = \"relevant\"

[[stage.raters]]
name = \"topic\"
method = \"token\"
prompt = \"judge-fallback.j2\"
answers = { matching = [\"Yes\"], not_matching = [\"No\"] }

[[stage]]
use = \"dedup\"
";

fn folder(select: &str, more: &str) -> KindFolder {
    let mut folder = find_kind(&builtin_kinds(), "statement").unwrap().clone();
    let text = folder.files.get_mut("kind.toml").unwrap();
    let start = text.find("minimum = ").unwrap();
    let end = start + text.get(start..).unwrap().find("\n\n").unwrap() + 1;
    text.replace_range(start..end, select);
    *text = text.replace("[[stage]]\nuse = \"dedup\"\n", more);
    folder
}

fn load(select: &str, more: &str) -> Result<LoadedKind, RecipeError> {
    load_kind(&folder(select, more), "default", &KNOWN)
}

fn select(text: &str) -> SelectStage {
    load(text, RELEVANT).unwrap().kind.select().unwrap().clone()
}

#[test]
fn what_is_left_out_has_its_old_meaning() {
    let stage = select(SELECT);
    assert_eq!(stage.combine, Combine::Mean);
    assert!(stage.minimums.is_empty() && stage.balance.is_empty() && stage.split.is_empty());
    assert_eq!(stage.length_ceiling, None);
    // And it leaves no trace in the recipe.
    let json = serde_json::to_value(&stage).unwrap();
    let keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, ["minimum", "take", "order"]);
}

#[test]
fn everything_can_be_said() {
    let stage = select(
        "minimum = { relevant = 0.4, label = 0.7 }
combine = \"geometric-mean\"
take = \"clusters\"
order = \"shuffled\"
balance = [\"wording\", \"length\"]
length_ceiling = 0.55
split = { validation = 0.1, test = 0.2 }
",
    );
    assert!((stage.minimum - 0.7).abs() < 1e-12);
    assert_eq!(
        stage.minimums,
        BTreeMap::from([("relevant".to_owned(), 0.4)])
    );
    assert_eq!(
        (stage.combine, stage.take),
        (Combine::GeometricMean, Take::Clusters)
    );
    assert_eq!(stage.balance, [Balance::Length, Balance::Wording]);
    assert_eq!(stage.length_ceiling, Some(0.55));
    let parts: Vec<(&str, f64)> = stage
        .split
        .iter()
        .map(|part| (part.name.as_str(), part.share))
        .collect();
    assert_eq!(parts, [("test", 0.2), ("validation", 0.1)]);
    let kind = load(SELECT, RELEVANT).unwrap().kind;
    assert_eq!(kind.score().unwrap().requirement, "label");
    let scores = kind
        .stages
        .iter()
        .filter(|stage| matches!(stage, Stage::Score(_)));
    assert_eq!(scores.count(), 2);
}

#[test]
fn each_fault_is_shown_where_it_is() {
    let say = |select: &str, more: &str| load(select, more).unwrap_err().to_string();
    let with = |line: &str| format!("{SELECT}{line}\n");
    for (line, expected) in [
        ("balance = [\"lenght\"]", "length"),
        ("balance = [\"length\", \"length\"]", "repeats `length`"),
        ("length_ceiling = 0.55", "of no use without"),
        (
            "balance = [\"length\"]\nlength_ceiling = 0.4",
            "from 0.5 to 1",
        ),
        ("combine = \"median\"", "geometric-mean"),
        ("split = { }", "names no part"),
        ("split = { train = 0.2 }", "names the part"),
        ("split = { \"te st\" = 0.2 }", "names the part"),
        ("split = { test = 1.0 }", "above 0 and below 1"),
        ("split = { test = 0.6, validation = 0.4 }", "leaves nothing"),
    ] {
        let said = say(&with(line), RELEVANT);
        assert!(said.contains(expected), "{line}: {said}");
        assert!(said.contains("kind.toml"), "{said}");
    }
    let minimum = |value: &str| SELECT.replace("0.7", value);
    for (value, expected) in [
        ("{ relevant = 0.4 }", "missing key `label`"),
        ("{ label = 0.7, clear = 0.4 }", "unknown key `clear`"),
        ("{ label = 0.7, relevant = 1.4 }", "from 0 to 1"),
    ] {
        let said = say(&minimum(value), RELEVANT);
        assert!(said.contains(expected), "{value}: {said}");
    }
    for (from, to, expected) in [
        ("\"relevant\"", "\"label\"", "repeats"),
        ("\"relevant\"", "\"Relevant!\"", "lower-case"),
        ("\"topic\"", "\"profile\"", "repeats the rater name"),
        (
            "method = \"token\"\nprompt = \"judge-fallback.j2\"\nanswers = { matching = [\"Yes\"], not_matching = [\"No\"] }",
            "method = \"channel\"\nprompt = \"judge-profile.j2\"",
            "voices",
        ),
    ] {
        let said = say(SELECT, &RELEVANT.replace(from, to));
        assert!(said.contains(expected), "{to}: {said}");
    }
    let mut none = folder(SELECT, RELEVANT);
    let text = none.files.get_mut("kind.toml").unwrap();
    let start = text
        .find("[[stage]]\nuse = \"score\"\nrequirement = \"label\"")
        .unwrap();
    let end = text
        .find("[[stage]]\nuse = \"score\"\nrequirement = \"relevant\"")
        .unwrap();
    text.replace_range(start..end, "");
    let said = load_kind(&none, "default", &KNOWN).unwrap_err().to_string();
    assert!(said.contains("judges no `label`"), "{said}");
}

#[test]
fn clusters_are_of_words_or_of_meaning() {
    let clusters = |value: &str| {
        let text = format!(
            "minimum = 0.7\ntake = \"clusters\"\norder = \"shuffled\"\nclusters = {value}\n"
        );
        load(&text, RELEVANT).map(|loaded| loaded.kind.select().unwrap().clusters.unwrap())
    };
    let meaning = |count| Clustering {
        by: ClusterBy::Meaning,
        count,
    };
    assert_eq!(clusters("12").unwrap(), meaning(Some(12)));
    assert_eq!(clusters("\"meaning\"").unwrap(), meaning(None));
    assert_eq!(clusters("\"words\"").unwrap().by, ClusterBy::Words);
    assert_eq!(
        clusters("{ by = \"words\", count = 3 }").unwrap().count,
        Some(3)
    );
    for wrong in [
        "1",
        "\"sense\"",
        "{ count = 3 }",
        "true",
        "{ by = \"meaning\", k = 3 }",
    ] {
        let error = clusters(wrong).unwrap_err().to_string();
        assert!(
            error.contains("clusters") || error.contains("by"),
            "{wrong}: {error}"
        );
    }
    let error = load(&format!("{SELECT}clusters = 12\n"), RELEVANT).unwrap_err();
    assert!(error.to_string().contains("no use without"), "{error}");
}
