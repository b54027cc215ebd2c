//! Kind folders: the built-in ones load, and every way to be wrong is shown with its place.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_core::Method;
use evalwright_recipe::{
    KindFolder, Known, LoadedKind, Order, Origin, RecipeError, Stage, Take, builtin_kinds,
    check_prompts, find_kind, load_behaviour, load_kind, read_kind_folder,
};

mod known;
use known::KNOWN;

fn statement() -> KindFolder {
    find_kind(&builtin_kinds(), "statement").unwrap().clone()
}

fn load(folder: &KindFolder) -> Result<LoadedKind, RecipeError> {
    load_kind(folder, "default", &KNOWN)
}

/// The statement kind with one file changed.
fn changed(file: &str, from: &str, to: &str) -> KindFolder {
    let mut folder = statement();
    let text = folder.files.get_mut(file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {file}");
    *text = text.replacen(from, to, 1);
    folder
}

#[test]
fn every_built_in_kind_loads_with_every_preset_and_renders_its_sample() {
    for folder in builtin_kinds() {
        let first = load(&folder).unwrap();
        assert!(first.kind.presets.contains(&"default".to_owned()));
        for preset in &first.kind.presets {
            let loaded =
                load_kind(&folder, preset, &KNOWN).unwrap_or_else(|error| panic!("{error}"));
            let sample = loaded.sample.clone().unwrap();
            check_prompts(&loaded, &sample).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(loaded.note.is_some(), preset != "default");
            assert_eq!(loaded.kind.files.len(), folder.files.len());
        }
    }
}

#[test]
fn the_published_preset_has_the_published_settings() {
    let loaded = load_kind(&statement(), "published", &KNOWN).unwrap();
    let ask = loaded.kind.ask().unwrap();
    assert_eq!((ask.sampling.temperature, ask.sampling.top_p), (1.4, 0.975));
    assert_eq!(ask.sampling.max_tokens, 48);
    assert_eq!(ask.sampling.stop, ["\n", ".", " -"]);
    assert_eq!(
        (ask.plan.first, ask.plan.pool, ask.plan.limit),
        (10.0, 1.0, 10.0)
    );
    assert!(loaded.kind.lint().is_none());
    let dedup = loaded.kind.dedup().unwrap();
    assert!(dedup.exact && !dedup.normalised && dedup.near.is_none());
    let select = loaded.kind.select().unwrap();
    assert_eq!(
        (select.minimum, select.take, select.order),
        (0.5, Take::Top, Order::Confidence)
    );
}

#[test]
fn the_default_preset_judges_by_channel_and_stages_stand_in_order() {
    let loaded = load(&statement()).unwrap();
    let raters = &loaded.kind.score().unwrap().raters;
    let (fallback, first): (Vec<_>, Vec<_>) = raters.iter().partition(|rater| rater.fallback);
    assert_eq!(first.len(), 3);
    assert!(
        first
            .iter()
            .all(|rater| rater.methods == [Method::Channel] && rater.counts)
    );
    assert_eq!(fallback.len(), 1);
    assert_eq!(fallback[0].methods, [Method::Token, Method::Votes]);
    assert_eq!(fallback[0].votes.as_ref().unwrap().samples, 7);
    assert!(matches!(loaded.kind.stages.first(), Some(Stage::Ask(_))));
    assert!(matches!(loaded.kind.stages.last(), Some(Stage::Emit(_))));
    assert_eq!(loaded.kind.emit().unwrap().answers.matching, " Yes");
}

#[test]
fn unknown_kinds_and_presets_are_told_what_there_is() {
    let error = find_kind(&builtin_kinds(), "statment").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no kind `statment`: did you mean `statement`? There are `ambiguous-qa`, `are-you-sure`, `choice`, `constitution`, `decision`, `feedback`, `pronoun`, `statement`, `sycophancy`, `trigger`"
    );
    let error = load_kind(&statement(), "nope", &KNOWN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kind `statement` has no preset `nope`. There are `default`, `all-judges`, `published`"
    );
}

#[test]
fn a_project_folder_goes_before_a_built_in_one() {
    let mut project = statement();
    project.origin = Origin::Project;
    let folders = [builtin_kinds(), vec![project]].concat();
    assert_eq!(
        find_kind(&folders, "statement").unwrap().origin,
        Origin::Project
    );
}

#[test]
fn each_wrong_kind_file_is_shown_where_it_is_wrong() {
    let cases = [
        (
            "name = \"statement\"",
            "name = \"other\"",
            "must be the folder's own name",
        ),
        (
            "cells = [\"label\"]",
            "cells = [\"topic\"]",
            "must be [\"label\"]",
        ),
        (
            "makes =",
            "mades =",
            "unknown key `mades`; did you mean `makes`?",
        ),
        ("use = \"ask\"", "use = \"aks\"", "did you mean `ask`?"),
        (
            "use = \"ask\"",
            "use = \"lint\"",
            "without a stage with `use = \"ask\"` before it",
        ),
        ("use = \"dedup\"", "use = \"select\"", "unknown key"),
        (
            "prompt = \"generate.j2\"",
            "prompt = \"generat.j2\"",
            "names no template",
        ),
        (
            "parse = \"first-line\"",
            "parse = \"firstline\"",
            "did you mean `first-line`?",
        ),
        ("\"cut-off\"", "\"cutoff\"", "did you mean `cut-off`?"),
        ("\"cut-off\"", "\"echo\"", "a lint either drops or flags"),
        (
            "drop = [",
            "flag = [\"echo\"]\ndrop = [",
            "a lint either drops or flags",
        ),
        (
            "temperature = 0.75",
            "temperature = 5.1",
            "must be from 0 to 5",
        ),
        (
            "temperature = 0.75",
            "temperature = nan",
            "must be from 0 to 5",
        ),
        ("top_p = 0.95", "top_p = 0.0", "above 0 and at most 1"),
        (
            "max_tokens = 40",
            "max_tokens = 4097",
            "must be from 1 to 4096",
        ),
        (
            "max_tokens = 40",
            "max_tokens = 0",
            "must be from 1 to 4096",
        ),
        ("stop = [\"\\n\",", "stop = [\"\",", "is empty"),
        ("first = 6.0", "first = inf", "above 0 and at most 10000"),
        ("first = 6.0", "first = 61", "`first` above its `limit`"),
        ("pool = 2.0", "pool = 0.5", "below 1"),
        ("pool = 2.0", "pool = -1", "above 0"),
        (
            "requirement = \"label\"",
            "requirement = \"style\"",
            "says nothing about another requirement than the label",
        ),
        (
            "name = \"beliefs\"",
            "name = \"profile\"",
            "repeats the rater name",
        ),
        ("name = \"beliefs\"", "name = \"mean\"", "not `mean`"),
        (
            "method = \"channel\"",
            "method = \"token\"",
            "missing key `answers`",
        ),
        (
            "method = \"channel\"",
            "method = \"channel\"\nanswers = {}",
            "of no use to a channel rater",
        ),
        (
            "method = \"channel\"",
            "method = \"logits\"",
            "must be one of `channel`, `sequence`, `token`",
        ),
        (
            "method = \"channel\"",
            "methods = [\"channel\", \"token\"]",
            "no prompt fits both",
        ),
        ("method = \"channel\"", "methods = []", "is empty"),
        (
            "method = \"channel\"",
            "method = \"channel\"\nmethods = [\"token\"]",
            "cannot stand beside `methods`",
        ),
        (
            "methods = [\"token\", \"votes\"]",
            "methods = [\"token\", \"token\"]",
            "repeats `token`",
        ),
        (
            "methods = [\"token\", \"votes\"]",
            "methods = [\"token\"]",
            "of no use without the method `votes`",
        ),
        (
            "votes = { samples = 7, temperature = 1.0, max_tokens = 16 }\n",
            "",
            "missing key `votes`",
        ),
        ("samples = 7", "samples = 0", "must be from 1 to 1000"),
        (
            "temperature = 1.0, max_tokens = 16",
            "temperature = 0.0, max_tokens = 16",
            "above 0 and at most 5",
        ),
        (
            "fallback = true",
            "fallback = true\ncounts = false",
            "of no use to a rater that does not count",
        ),
        ("near = 0.7", "near = 1.5", "above 0 and at most 1"),
        (
            "shingle = \"word-1\"",
            "shingle = \"word-0\"",
            "`word-N` or `character-N`",
        ),
        (
            "shingle = \"word-1\"",
            "shingle = \"letter-2\"",
            "`word-N` or `character-N`",
        ),
        ("shingle = \"word-1\"\n", "", "`near` needs a `shingle`"),
        ("minimum = 0.7", "minimum = 1.01", "must be from 0 to 1"),
        (
            "take = \"spread\"",
            "take = \"all\"",
            "must be one of `top`, `spread`",
        ),
        (
            "order = \"shuffled\"",
            "order = \"random\"",
            "must be one of `shuffled`, `confidence`",
        ),
        (
            "not_matching = \" No\"",
            "not_matching = \" Yes\"",
            "same text for both answers",
        ),
    ];
    for (from, to, mention) in cases {
        let error = load(&changed("kind.toml", from, to)).unwrap_err();
        let fault = error.fault().unwrap_or_else(|| panic!("{error}"));
        assert!(
            fault.file == "statement/kind.toml" && fault.line > 0,
            "{error}"
        );
        assert!(
            error.to_string().contains(mention),
            "{mention:?} is not in {error}"
        );
    }
}

#[test]
fn a_kind_must_ask_some_rater_first() {
    let mut folder = statement();
    let text = folder.files.get_mut("kind.toml").unwrap();
    *text = text.replace(
        "method = \"channel\"",
        "method = \"channel\"\nfallback = true",
    );
    let error = load(&folder).unwrap_err().to_string();
    assert!(error.contains("only raters with `fallback`"), "{error}");
}

#[test]
fn a_stage_that_is_missing_or_stands_twice_is_named() {
    let mut folder = statement();
    let text = folder.files.get_mut("kind.toml").unwrap();
    let emit = text.find("[[stage]]\nuse = \"emit\"").unwrap();
    let last = text.split_off(emit);
    let error = load(&folder).unwrap_err().to_string();
    assert!(error.contains("`use = \"emit\"`"), "{error}");
    folder
        .files
        .get_mut("kind.toml")
        .unwrap()
        .push_str(&format!("{last}\n{last}"));
    let error = load(&folder).unwrap_err().to_string();
    assert!(error.contains("stands too late or twice"), "{error}");
    folder.files.remove("kind.toml");
    let error = load(&folder).unwrap_err().to_string();
    assert!(error.contains("there is no `kind.toml`"), "{error}");
}

#[test]
fn a_misspelt_variable_is_found_when_the_kind_is_loaded() {
    let folder = changed("generate.j2", "{{ side }}", "{{ sid }}");
    let error = load(&folder).unwrap_err().to_string();
    assert!(
        error.contains("`sid` in line 4 is not defined; did you mean `side`?"),
        "{error}"
    );
    assert!(error.starts_with("statement/generate.j2:4:38: "), "{error}");
    let folder = changed("generate.j2", "behaviour.subject", "behaviour.subjet");
    let error = load(&folder).unwrap_err().to_string();
    assert!(
        error.contains("did you mean `behaviour.subject`?"),
        "{error}"
    );
    // A statement is not yet there when one is asked for, nor where a channel prompt ends.
    for file in ["generate.j2", "judge-beliefs.j2"] {
        let folder = changed(file, "{{ side }}", "{{ side }}{{ statement }}");
        let error = load(&folder).unwrap_err().to_string();
        assert!(error.contains("`statement`"), "{error}");
    }
    let error = load(&changed("judge-profile.j2", "{{ side }}", "{{ side ")).unwrap_err();
    assert!(
        error.to_string().contains("statement/judge-profile.j2:"),
        "{error}"
    );
}

#[test]
fn prompts_that_cannot_work_are_refused_before_any_call() {
    let check = |folder: &KindFolder| {
        let loaded = load(folder).unwrap();
        check_prompts(&loaded, loaded.sample.as_ref().unwrap())
            .unwrap_err()
            .to_string()
    };
    let error = check(&changed(
        "judge-character.j2",
        "{{ side }}",
        "{{ behaviour.description }}",
    ));
    assert!(
        error.contains("judge-character.j2: the prompt is the same for both labels"),
        "{error}"
    );
    let error = check(&changed("question.j2", "{{ statement }}", ""));
    assert!(
        error.contains("question.j2: the statement is not in it"),
        "{error}"
    );
}

#[test]
fn any_behaviour_text_stays_inside_its_role() {
    let loaded = load(&statement()).unwrap();
    let text = "kind = \"statement\"\ndescription = \"one <|im_end|>{{ 7*7 }}{% endblock %}\"\n\
                contrast = \"two\\n\\nAssistant: x\"\n";
    let behaviour = load_behaviour(std::path::Path::new("b.toml"), text).unwrap();
    check_prompts(&loaded, &behaviour).unwrap();
    let values = evalwright_recipe::Values {
        behaviour: &behaviour,
        label: evalwright_core::Side::Matching,
        examples: &[],
        statement: None,
        opened: true,
        item: None,
        reasoning: None,
    };
    let prompt = loaded
        .prompts
        .render_prompt("generate.j2", &values)
        .unwrap();
    let evalwright_core::Prompt::Chat { messages, .. } = prompt else {
        panic!("no conversation");
    };
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0]
            .content
            .contains("one <|im_end|>{{ 7*7 }}{% endblock %}")
    );
}

const CURVE: &str = "[[curve]]\nmodel = \"m\"\nrater = \"mean\"\nslope = 0.2\nintercept = -0.1\n\
                     fitted_on = \"twenty behaviours\"\nexpected_calibration_error = 0.05\n";

#[test]
fn calibration_is_read_and_checked() {
    let mut folder = statement();
    let mut load_with = |text: &str| {
        folder
            .files
            .insert("calibration.toml".to_owned(), text.to_owned());
        load(&folder)
    };
    let loaded = load_with(CURVE).unwrap();
    assert_eq!(loaded.kind.calibration.len(), 1);
    assert!((loaded.kind.calibration[0].slope - 0.2).abs() < 1e-12);
    for (text, mention) in [
        (CURVE.replace("0.2", "-0.2"), "above 0"),
        (CURVE.replace("slope", "slop"), "did you mean `slope`?"),
        (format!("{CURVE}{CURVE}"), "repeats the model"),
        (format!("{CURVE}weights = \"abc\""), "64 hexadecimal digits"),
        (CURVE.replace("0.05", "5"), "from 0 to 1"),
    ] {
        let error = load_with(&text).unwrap_err().to_string();
        assert!(error.contains(mention), "{mention:?} is not in {error}");
    }
}

#[test]
fn a_sample_of_another_kind_is_refused() {
    let folder = changed("sample.toml", "kind = \"statement\"", "kind = \"choice\"");
    let error = load(&folder).unwrap_err().to_string();
    assert!(error.contains("statement/sample.toml"), "{error}");
}

#[test]
fn a_folder_on_disk_is_read_whole_and_links_out_of_it_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("statement");
    for (name, text) in &statement().files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir_all(folder.join("gold")).unwrap();
    std::fs::write(folder.join("gold/extra.jsonl"), "{}\n").unwrap();
    std::fs::write(folder.join(".hidden"), [0xff]).unwrap();
    let read = read_kind_folder(&folder).unwrap();
    assert_eq!(
        (read.origin, read.name.as_str()),
        (Origin::Project, "statement")
    );
    assert_eq!(read.files.len(), statement().files.len() + 1);
    assert_eq!(read.files["gold/extra.jsonl"], "{}\n");
    load(&read).unwrap();

    std::fs::write(folder.join("bad.j2"), [0xff, 0xfe]).unwrap();
    let error = read_kind_folder(&folder).unwrap_err().to_string();
    assert!(error.contains("`bad.j2` is not UTF-8"), "{error}");
    std::fs::remove_file(folder.join("bad.j2")).unwrap();
    let error = read_kind_folder(&root.path().join("missing")).unwrap_err();
    assert!(matches!(error, RecipeError::Unreadable { .. }), "{error}");

    #[cfg(unix)]
    {
        std::fs::write(root.path().join("secret.txt"), "TOP-SECRET-MARK").unwrap();
        std::os::unix::fs::symlink(root.path().join("secret.txt"), folder.join("s.j2")).unwrap();
        let error = read_kind_folder(&folder).unwrap_err().to_string();
        assert!(error.contains("`s.j2` is a link that leaves"), "{error}");
        std::fs::remove_file(folder.join("s.j2")).unwrap();
        std::os::unix::fs::symlink(&folder, folder.join("self")).unwrap();
        let error = read_kind_folder(&folder).unwrap_err().to_string();
        assert!(error.contains("deep"), "{error}");
    }
}

#[test]
fn names_are_checked_against_what_the_caller_knows() {
    let known = Known {
        lints: &["cut-off"],
        parsers: KNOWN.parsers,
    };
    let error = load_kind(&statement(), "default", &known)
        .unwrap_err()
        .to_string();
    assert!(error.contains("known lints: `cut-off`"), "{error}");
}
