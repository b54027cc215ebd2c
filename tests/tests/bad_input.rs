//! What a user can do wrong, or a machine can be: one clear error each, with its exit code, and nothing
//! half written.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Finished, Project};
use evalwright_tests::BEHAVIOUR;

const RUN: [&str; 2] = ["run", "promises.toml"];
const UNREACHABLE: &str = "http://127.0.0.1:1";

/// A project with one behaviour, in which one text was replaced.
fn project_with(from: &str, to: &str) -> Project {
    assert!(BEHAVIOUR.contains(from), "{from:?} is not in the behaviour");
    let project = Project::new().unwrap();
    project
        .write("promises.toml", BEHAVIOUR.replacen(from, to, 1))
        .unwrap();
    project
}

fn project() -> Project {
    project_with("rows", "rows")
}

/// Runs the behaviour without any model at hand: what is wrong with a file is found before.
fn refuse(from: &str, to: &str) -> String {
    let project = project_with(from, to);
    let finished = project.run(&RUN).unwrap();
    assert!(!project.path().join("generated").exists());
    assert!(!project.path().join(".evalwright").exists());
    project.transcript(&finished)
}

#[test]
fn a_misspelt_key() {
    insta::assert_snapshot!(refuse("contrast =", "contrst ="), @"");
}

#[test]
fn a_key_twice() {
    insta::assert_snapshot!(refuse("seed = 1", "seed = 1\nseed = 2"), @"");
}

#[test]
fn a_side_of_the_label_twice() {
    insta::assert_snapshot!(refuse("not_matching = [", "matching = ["), @"");
}

#[test]
fn one_example_on_both_sides() {
    let same = "I do what I said I would do.";
    insta::assert_snapshot!(refuse("I say yes and then I do not turn up.", same), @"");
}

#[test]
fn zero_rows() {
    insta::assert_snapshot!(refuse("rows = 4", "rows = 0"), @"");
}

#[test]
fn names_that_lead_out_of_the_folder() {
    insta::assert_snapshot!(refuse("rows = 4", "rows = 4\nname = \"a/b\""), @"");
    insta::assert_snapshot!(refuse("rows = 4", "rows = 4\nname = \"..\""), @"");
}

#[test]
fn a_key_that_would_turn_the_text_on_the_terminal_around() {
    insta::assert_snapshot!(refuse("rows = 4", "\"ro\u{202e}ws\" = 4"), @"");
}

#[test]
fn a_kind_that_does_not_exist() {
    insta::assert_snapshot!(refuse("\"statement\"", "\"statment\""), @"");
}

#[test]
fn a_behaviour_file_that_is_not_there() {
    let project = Project::new().unwrap();
    let finished = project.run(&RUN).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @"");
}

#[test]
fn a_template_that_names_an_unknown_variable() {
    let project = project_with("\"statement\"", "\"quick\"");
    for (name, text) in evalwright_tests::QUICK_KIND {
        project
            .write(name, text.replace("{{ example }}", "{{ exmaple }}"))
            .unwrap();
    }
    let finished = project.run(&RUN).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @"");
}

#[test]
fn a_model_that_no_one_knows() {
    let models = "seed = 1\n[models]\ngenerator = \"local/smollm3\"";
    insta::assert_snapshot!(refuse("seed = 1", models), @"");
    let models = "seed = 1\n[models]\ngenerator = \"elsewhere/model\"";
    insta::assert_snapshot!(refuse("seed = 1", models), @"");
}

/// Runs with a file of the user's as the model.
fn run_with_model_file(bytes: &[u8]) -> String {
    let models = "seed = 1\n[models]\ngenerator = \"local/x.gguf\"\njudges = [\"local/x.gguf\"]";
    let project = project_with("seed = 1", models);
    project.write("x.gguf", bytes).unwrap();
    let finished = project.run(&RUN).unwrap();
    assert!(!project.path().join("generated").exists());
    project.transcript(&finished)
}

/// The real weights.
fn weights() -> Vec<u8> {
    std::fs::read(evalwright_testing::weights().unwrap()).unwrap()
}

#[test]
fn a_model_file_that_is_none() {
    insta::assert_snapshot!(run_with_model_file(b"<html>not found</html>"), @"");
    insta::assert_snapshot!(run_with_model_file(b""), @"");
}

#[test]
fn a_truncated_model_file() {
    let whole = weights();
    // In the description, and in the last tensor.
    insta::assert_snapshot!(run_with_model_file(&whole[..100_000]), @"");
    insta::assert_snapshot!(run_with_model_file(&whole[..whole.len() - 1]), @"");
}

#[test]
fn a_damaged_model_file() {
    // The first length in the description becomes absurd.
    let mut bytes = weights();
    bytes[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    insta::assert_snapshot!(run_with_model_file(&bytes), @"");
}

#[test]
fn a_file_with_another_checksum() {
    let project = project();
    let mut bytes = weights();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    project.write("other.gguf", &bytes).unwrap();
    let run = ["run", "promises.toml", "--model-path", "other.gguf"];
    let finished = project.run(&run).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @"");

    project.write("other.gguf", &bytes[..1000]).unwrap();
    let finished = project.run(&run).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @"");
}

#[test]
fn no_weights_and_no_network() {
    let project = project();
    let output = project
        .command(&RUN)
        .unwrap()
        .env("EVALWRIGHT_PACKAGE_INDEX", format!("{UNREACHABLE}/simple"))
        .env("HF_ENDPOINT", UNREACHABLE)
        .output();
    let finished = Finished::from(output.unwrap());
    assert!(!project.path().join("generated").exists());
    // Waits between tries are drawn anew by no one, but how often each source is asked is not the point.
    let shown = project.transcript(&finished);
    let lines: Vec<&str> = shown
        .lines()
        .filter(|line| !line.contains("trying again"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"");
}

#[test]
fn an_output_folder_under_a_file() {
    let project = project();
    project.write("occupied", "a file").unwrap();
    let finished = project
        .run_with_weights(&["run", "promises.toml", "--out", "occupied/generated"])
        .unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @"");
}

/// Not even the superuser can make a folder there, with permissions or without.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_output_folder() {
    let project = project();
    let finished = project
        .run_with_weights(&["run", "promises.toml", "--out", "/sys/evalwright"])
        .unwrap();
    assert!(
        !project.path().join(".evalwright").exists(),
        "a model was asked"
    );
    // What the system calls it depends on how the file system is mounted.
    let shown = project.transcript(&finished);
    let (shown, cause) = shown.split_once("  because: ").unwrap();
    assert!(cause.contains("os error"), "{cause}");
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn an_output_folder_that_another_run_holds() {
    let project = project();
    let path = project.write("generated/promises/.lock", "4242\n").unwrap();
    // This process stands for the other run.
    let held = std::fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let finished = project.run_with_weights(&RUN).unwrap();
    assert!(
        !project.path().join(".evalwright").exists(),
        "a model was asked"
    );
    insta::assert_snapshot!(project.transcript(&finished), @"");
}
