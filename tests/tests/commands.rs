//! The commands around a run: what they print, and how they end.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Finished, Project, read_tree};
use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};
use serde_json::Value;

fn quick_project() -> Project {
    let project = Project::new().unwrap();
    for (name, text) in QUICK_KIND {
        project.write(name, text).unwrap();
    }
    project.write("promises.toml", QUICK_BEHAVIOUR).unwrap();
    project
}

fn done(finished: Finished) -> Finished {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

fn document(finished: Finished) -> Value {
    serde_json::from_str(&done(finished).stdout).unwrap()
}

#[test]
fn kinds_are_listed_shown_and_rendered() {
    let project = quick_project();
    let list = document(project.run(&["kinds", "list", "--json"]).unwrap());
    let kinds = list["kinds"].as_array().unwrap();
    let kind = |name: &str| kinds.iter().find(|kind| kind["name"] == name).unwrap();
    assert_eq!(kind("statement")["origin"], "built-in");
    assert!(
        kind("statement")["presets"]
            .as_array()
            .unwrap()
            .contains(&"published".into())
    );
    assert_eq!(kind("quick")["origin"], "project");
    assert!(!kind("quick")["makes"].as_str().unwrap().is_empty());

    let lines = done(project.run(&["kinds", "list"]).unwrap()).stdout;
    assert_eq!(lines.lines().count(), kinds.len());

    let shown = done(project.run(&["kinds", "show", "quick"]).unwrap()).stdout;
    assert!(shown.contains("who shows the opposite"), "{shown}");
    let shown = document(
        project
            .run(&["kinds", "show", "statement", "--json"])
            .unwrap(),
    );
    assert!(shown["stages"].as_array().unwrap().len() > 4);

    let rendered = done(
        project
            .run(&["kinds", "render", "quick", "--template", "ask.j2"])
            .unwrap(),
    );
    assert!(
        rendered
            .stdout
            .contains("Write one more sentence in this voice.")
    );
    assert!(rendered.stdout.contains("someone who breaks promises"));
    assert!(!rendered.stdout.contains("{{"));
    let all = done(project.run(&["kinds", "render", "statement"]).unwrap());
    assert!(
        all.stdout.contains("=== generate.j2 (matching)"),
        "{}",
        all.stdout
    );
}

#[test]
fn a_name_of_a_kind_or_template_that_is_wrong() {
    let project = quick_project();
    let finished = project.run(&["kinds", "show", "quik"]).unwrap();
    // The list of all kinds follows, and it grows.
    let shown = project.transcript(&finished);
    let (start, _) = shown.split_once("? There are ").unwrap();
    insta::assert_snapshot!(start, @r#"
    exit code: 3
    --- stderr
    error: there is no kind `quik`: did you mean `quick`
    "#);
    let finished = project
        .run(&["kinds", "show", "quick", "--preset", "publishd"])
        .unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 3
    --- stderr
    error: kind `quick` has no preset `publishd`. There are `default`
    "#);
    let finished = project
        .run(&["kinds", "render", "quick", "--template", "no.j2"])
        .unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 2
    --- stderr
    error: kind `quick` uses no template `no.j2` in this preset
    "#);
}

#[test]
fn a_new_project_can_be_run_and_is_never_overwritten() {
    let project = Project::new().unwrap();
    let init = ["init", "study", "--name", "says-sorry"];
    let finished = done(project.run(&init).unwrap());
    assert_eq!(finished.stdout, "evalwright run study/says-sorry.toml\n");
    let before = read_tree(project.path()).unwrap();
    let names: Vec<&String> = before.keys().collect();
    assert_eq!(
        names,
        [
            "study/.gitignore",
            "study/README.md",
            "study/says-sorry.toml"
        ]
    );

    let run = ["run", "study/says-sorry.toml", "--dry-run", "--json"];
    let estimate = document(project.run_with_weights(&run).unwrap());
    assert_eq!(estimate["rows"], 40);
    assert!(estimate["sample_calls"]["first_wave"].as_u64().unwrap() >= 40);

    let finished = project.run(&init).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 2
    --- stderr
    error: study/says-sorry.toml is there already; nothing was written

    hint: name another folder, or another behaviour with `--name`
    "#);
    let finished = project
        .run(&["init", "study", "--name", "../elsewhere"])
        .unwrap();
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(before == read_tree(project.path()).unwrap());
}

#[test]
fn models_are_listed_with_or_without_weights() {
    let project = Project::new().unwrap();
    let list = document(project.run(&["model", "list", "--json"]).unwrap());
    let model = &list["models"][0];
    assert_eq!(model["name"], "local/smollm2-135m-instruct");
    assert_eq!(model["bytes"], 98_362_432);
    assert_eq!(model["licence"], "Apache-2.0");
    assert_eq!(model["path"], Value::Null);
    assert_eq!(model["verified"], false);
    let lines = done(project.run(&["model", "list"]).unwrap()).stdout;
    assert!(lines.contains("not fetched"), "{lines}");

    let finished = project.run(&["model", "path"]).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 4
    --- stderr
    error: the weights of local/smollm2-135m-instruct are not on this machine

    hint: `evalwright model pull local/smollm2-135m-instruct` fetches them
    "#);

    let weights = evalwright_testing::weights().unwrap();
    let pull = ["model", "pull", "--model-path", weights.to_str().unwrap()];
    let pulled = done(project.run(&pull).unwrap());
    assert!(
        std::path::Path::new(pulled.stdout.trim_end()).is_file(),
        "{}",
        pulled.stdout
    );
}

#[test]
fn the_report_of_a_version_is_built_again_byte_for_byte() {
    let project = quick_project();
    let run = done(project.run_with_weights(&["run", "promises.toml"]).unwrap());
    let version = run.stdout.trim_end();
    let before = read_tree(&project.path().join(version)).unwrap();

    let report = done(project.run(&["report", version, "--out", "again"]).unwrap());
    assert!(
        report.stdout.contains("promises 1.0.0: 2 rows"),
        "{}",
        report.stdout
    );
    let again = read_tree(&project.path().join("again")).unwrap();
    assert!(again.contains_key("report.html") && again.contains_key("report.json"));
    assert!(again.keys().any(|name| name.starts_with("charts/")));
    for (name, bytes) in &again {
        assert!(before.get(name) == Some(bytes), "{name} differs");
    }

    let printed = done(project.run(&["report", version, "--json"]).unwrap());
    assert_eq!(
        printed.stdout.trim_end().as_bytes(),
        before.get("report.json").unwrap().trim_ascii_end()
    );

    let finished = project.run(&["report", version, "--out", version]).unwrap();
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(before == read_tree(&project.path().join(version)).unwrap());

    let finished = project
        .run(&["report", "generated/promises/9.9.9"])
        .unwrap();
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    assert!(finished.stderr.contains("9.9.9"), "{}", finished.stderr);
}

#[test]
fn completions_name_every_command() {
    let project = Project::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let text = done(project.run(&["completions", shell]).unwrap()).stdout;
        for command in ["run", "model", "report", "kinds", "init", "completions"] {
            assert!(text.contains(command), "{shell} {command}");
        }
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let project = Project::new().unwrap();
    for arguments in [
        &["completions", "bash"][..],
        &["kinds", "list"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = project.command(arguments).unwrap().stdout(writer).output();
        let finished = Finished::from(output.unwrap());
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
        assert_eq!(finished.stderr, "", "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2_and_help_with_0() {
    let project = Project::new().unwrap();
    let finished = project.run(&["rnu", "x.toml"]).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 2
    --- stderr
    error: unrecognized subcommand 'rnu'

    Usage: evalwright <COMMAND>

    For more information, try '--help'.
    "#);
    for wrong in [
        &["run"][..],
        &["run", "x.toml", "--threads", "0"],
        &["kinds", "shew"],
        &[],
    ] {
        let finished = project.run(wrong).unwrap();
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (Some(2), ""),
            "{wrong:?}"
        );
    }
    let help = done(project.run(&["--help"]).unwrap()).stdout;
    assert!(help.contains("Exit codes: 0 done;"), "{help}");
    let version = done(project.run(&["--version"]).unwrap()).stdout;
    assert!(version.starts_with("evalwright "), "{version}");
}
