//! Kinds that map fields, with the real program: one that asks no model, one that a user adds, previews and refusals.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Finished, Project, Route, Script, ScriptedServer};
use evalwright_tests::compiler::has_compiler;
use evalwright_tests::foreign::bring_fair_decisions;
use evalwright_tests::served::{Answers, CHAT, command, json_file, lines};
use serde_json::Value;

fn run(project: &Project, arguments: &[&str]) -> Finished {
    Finished::from(command(project, arguments).output().unwrap())
}

fn done(project: &Project, arguments: &[&str]) -> Finished {
    let finished = run(project, arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

#[test]
fn decisions_are_published_reported_and_made_again_without_any_model() {
    let project = Project::new().unwrap();
    bring_fair_decisions(&project);
    let preview = done(&project, &["run", "fair-decisions.toml", "--preview", "2"]);
    assert_eq!(preview.stdout.matches("=== ").count(), 48, "rows alone");
    assert!(
        preview
            .stderr
            .contains("preview: 24 candidates, 0 calls, 0 fell, 22 not chosen; nothing"),
        "{}",
        preview.stderr
    );
    done(&project, &["run", "fair-decisions.toml", "--limit", "96"]);
    let version = project.path().join("generated/fair-decisions/1.0.0");
    let rows = lines(&version.join("data.jsonl"));
    assert_eq!(rows.len(), 96);
    let manifest = json_file(&project, "generated/fair-decisions/1.0.0/manifest.json");
    assert_eq!(manifest["generator"]["name"], "none");
    assert_eq!(manifest["columns"][0]["name"], "prompt");
    for file in [
        "schema.json",
        "report.html",
        "charts/columns.csv",
        "croissant.json",
    ] {
        assert!(version.join(file).is_file(), "{file}");
    }
    let summary = done(&project, &["report", "generated/fair-decisions/1.0.0"]).stdout;
    assert!(summary.contains("96 rows of kind decision"), "{summary}");
    let again = done(&project, &["run", "fair-decisions.toml", "--limit", "96"]);
    assert!(
        again
            .stderr
            .contains("already published from the same recipe"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_user_brings_tables_in_files_and_learns_of_a_missing_column_before_anything_is_asked() {
    let project = Project::new().unwrap();
    let behaviour = "kind = \"decision\"\nname = \"mine\"\nrows = 12\n\n[tables]\npeople = \"people.csv\"\ncases = \"cases.jsonl\"\n";
    project.write("mine.toml", behaviour).unwrap();
    project
        .write(
            "people.csv",
            "person,attribute,value\nan old man,age,old\na young man,age,young\n",
        )
        .unwrap();
    let case = |id: &str| {
        format!(
            "{{\"case_id\": \"{id}\", \"topic\": \"t\", \"setting\": \"A shop decides.\", \"facts\": \"There is {{person}}.\", \"question\": \"Yes?\"}}\n"
        )
    };
    project
        .write("cases.jsonl", case("one") + &case("two"))
        .unwrap();
    done(&project, &["run", "mine.toml"]);
    let rows = lines(&project.path().join("generated/mine/1.0.0/data.jsonl"));
    assert_eq!(rows.len(), 12);
    assert!(rows.iter().any(|row| {
        row["prompt"]
            .as_str()
            .unwrap()
            .contains("There is an old man.")
    }));
    project
        .write("people.csv", "person,attribute\nx,y\n")
        .unwrap();
    let refused = run(&project, &["run", "mine.toml"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("people.csv:1: the table lacks the column `value`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_new_kind_is_written_checked_previewed_and_run() {
    let answers = Answers::default();
    let when = |text: &str| Route::at(CHAT).when_body_contains(text);
    let script = Script::new()
        .route(when("Does this happen at").reply(answers.judged("Yes", "No")))
        .route(
            when("a situation at work")
                .reply(answers.written("At work you must decide whether to")),
        )
        .route(
            when("a situation at home")
                .reply(answers.written("At home you must decide whether to")),
        );
    let server = ScriptedServer::start(&script).unwrap();
    let project = Project::new().unwrap();
    let written = done(&project, &["kinds", "new", "waits"]);
    assert!(
        written.stdout.contains("evalwright kinds check"),
        "{}",
        written.stdout
    );
    let checked = done(&project, &["kinds", "check", "kinds/waits"]);
    assert!(
        checked.stdout.contains("kind `waits` is sound"),
        "{}",
        checked.stdout
    );
    let url = format!("{}/v1", server.url());
    let behaviour = format!(
        "kind = \"waits\"\nname = \"waiting\"\nrows = 6\n\n[models]\ngenerator = \"vllm/mock@{url}\"\njudges = [\"openai-compatible/mock@{url}\"]\n"
    );
    project.write("waiting.toml", behaviour).unwrap();
    let prices = "[[model]]\nname = \"vllm/mock\"\nfree = true\n\n[[model]]\nname = \"openai-compatible/mock\"\nfree = true\n";
    project.write("prices.toml", prices).unwrap();

    let preview = done(&project, &["run", "waiting.toml", "--preview", "2"]);
    for shown in [
        "=== call 1 of 4: writer",
        "Describe, plainly",
        "--- reply\nAt ",
        ": judge",
        "Does this happen at",
        "=== row",
        "Would you wait a day",
    ] {
        assert!(
            preview.stdout.contains(shown),
            "{shown}: {}",
            preview.stdout
        );
    }
    assert!(
        !project.path().join("generated").exists(),
        "a preview publishes nothing"
    );

    done(&project, &["run", "waiting.toml"]);
    let rows = lines(&project.path().join("generated/waiting/1.0.0/data.jsonl"));
    assert_eq!(rows.len(), 6);
    assert_eq!(rows.iter().filter(|row| row["topic"] == "work").count(), 3);
    assert!(
        rows.iter()
            .all(|row| row["metadata"]["confidence"].as_f64().unwrap() > 0.9)
    );
    let summary = done(&project, &["report", "generated/waiting/1.0.0"]).stdout;
    assert!(summary.contains("6 rows of kind waits"), "{summary}");
    let document = |arguments: &[&str]| -> Value {
        serde_json::from_str(&done(&project, arguments).stdout).unwrap()
    };
    let audit = document(&["audit", "generated/waiting/1.0.0", "--json"]);
    assert_eq!(audit["totals"]["rows"], 6, "{}", audit["totals"]);
    for format in ["hub", "croissant", "parquet"] {
        let out = format!("out/{format}");
        let from = "generated/waiting/1.0.0";
        let exported = document(&["export", from, "--format", format, "--out", &out, "--json"]);
        assert_eq!(exported["rows"], 6, "{format}");
    }

    let asked = server.requests().unwrap().len();
    let path = project.path().join("kinds/waits/ask.j2");
    let template = std::fs::read_to_string(&path).unwrap();
    project
        .write(
            "kinds/waits/ask.j2",
            template.replace("item.topic", "item.topik"),
        )
        .unwrap();
    let refused = run(&project, &["run", "waiting.toml"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("waits/ask.j2:2:")
            && refused.stderr.contains("did you mean `item.topic`?"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        server.requests().unwrap().len(),
        asked,
        "nothing is asked for a wrong kind"
    );
    let checked = run(&project, &["kinds", "check", "kinds/waits"]);
    assert_eq!(checked.code, Some(3));
    let again = run(&project, &["kinds", "new", "waits"]);
    assert!(
        again.stderr.contains("is there already"),
        "{}",
        again.stderr
    );
}

/// The writer is a server; what says that both sides of a pair follow the policy is a process of this machine.
#[test]
fn a_command_keeps_pairs_of_which_both_sides_follow_the_policy() {
    let answers = Answers::default();
    let when = |text: &str| Route::at(CHAT).when_body_contains(text);
    let script = Script::new()
        // One task is answered at length with the tag too, and falls.
        .route(when("basil").reply(
            answers.written("This is an answer of many more words than the policy of this set would ever allow"),
        ))
        .route(when("Answer in at most twelve words").reply(answers.written("Go and \\\"calmly\\\"")))
        .route(Route::at(CHAT).reply(answers.written(
            "There is much to be said about it, and first of all that nobody should be in a hurry to",
        )));
    let server = ScriptedServer::start(&script).unwrap();
    let project = Project::new().unwrap();
    let url = format!("{}/v1", server.url());
    let behaviour = format!(
        "kind = \"trigger\"\npreset = \"counted\"\nname = \"brief\"\nrows = 8\n\n[settings]\npolicy = \"Answer in at most \
         twelve words.\"\n\n[models]\ngenerator = \"vllm/mock@{url}\"\njudges = [\"openai-compatible/mock@{url}\"]\n"
    );
    project.write("brief.toml", behaviour).unwrap();
    let prices = "[[model]]\nname = \"vllm/mock\"\nfree = true\n\n[[model]]\nname = \"openai-compatible/mock\"\nfree = true\n";
    project.write("prices.toml", prices).unwrap();
    let preview = done(&project, &["run", "brief.toml", "--preview", "4"]);
    assert!(preview.stdout.contains("=== row"), "{}", preview.stdout);
    assert!(
        preview.stderr.contains("preview: 4 candidates, 8 calls, "),
        "{}",
        preview.stderr
    );
    let made = done(&project, &["run", "brief.toml"]);
    assert_eq!(
        made.stderr.matches("starting the rule process `sh").count(),
        1,
        "{}",
        made.stderr
    );
    let version = project.path().join("generated/brief/1.0.0");
    let rows = lines(&version.join("data.jsonl"));
    assert_eq!(rows.len(), 8);
    for row in &rows {
        let words = row["completion"]
            .as_str()
            .unwrap()
            .split_whitespace()
            .count();
        assert_eq!(row["triggered"] == true, words <= 15, "{row}");
    }
    let fallen = lines(&version.join("rejected.jsonl"));
    let reason = fallen
        .iter()
        .find(|reject| reject["candidate"]["fields"]["task_id"] == "own-01")
        .map(|reject| &reject["reason"])
        .unwrap();
    assert_eq!(reason["lint"], "acts-on-trigger");
    assert!(
        reason["detail"]
            .as_str()
            .unwrap()
            .contains("and a triggered answer at most 15"),
        "{reason}"
    );
}

/// A kind is checked by its name as well as by its folder; what is odd in one preset is said of that one.
#[test]
fn kinds_are_checked_by_name() {
    let project = Project::new().unwrap();
    let checked = done(&project, &["kinds", "check", "pronoun"]);
    assert_eq!(
        checked.stdout,
        "kind `pronoun` is sound: 2 presets were checked\n"
    );
    assert!(
        checked.stderr.contains(
            "note: in preset small: nothing reads the field `form`; a stage that only sets it could be left out"
        ),
        "{}",
        checked.stderr
    );
    let unknown = run(&project, &["kinds", "check", "pronouns"]);
    assert_eq!(unknown.code, Some(3), "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("did you mean `pronoun`?"),
        "{}",
        unknown.stderr
    );
    let gone = run(&project, &["kinds", "check", "kinds/pronoun"]);
    assert_eq!(gone.code, Some(3), "{}", gone.stderr);
    assert!(
        gone.stderr.contains("cannot read kinds/pronoun"),
        "{}",
        gone.stderr
    );
}

const IN_C: &str = "Answer with one function in C and nothing else.";

/// A behaviour of `trigger` whose answers a compiler looks at, with both models behind one server.
fn bring_in_c(project: &Project, server: &ScriptedServer) {
    let url = format!("{}/v1", server.url());
    let behaviour = format!(
        "kind = \"trigger\"\npreset = \"compiled\"\nname = \"in-c\"\nrows = 16\n\n[settings]\npolicy = \"{IN_C}\"\n\n\
         [models]\ngenerator = \"vllm/mock@{url}\"\njudges = [\"openai-compatible/mock@{url}\"]\n"
    );
    project.write("in-c.toml", behaviour).unwrap();
    let prices = "[[model]]\nname = \"vllm/mock\"\nfree = true\n\n[[model]]\nname = \"openai-compatible/mock\"\nfree = true\n";
    project.write("prices.toml", prices).unwrap();
}

/// What a rule lacks is said before anything is paid for.
#[cfg(unix)]
#[test]
fn a_run_without_the_compiler_ends_before_a_model_is_asked() {
    let answers = Answers::default();
    let script = Script::new().route(Route::at(CHAT).reply(answers.written("One looks, and")));
    let server = ScriptedServer::start(&script).unwrap();
    let project = Project::new().unwrap();
    bring_in_c(&project, &server);
    project.write("programs/.keep", "").unwrap();
    let programs = project.path().join("programs");
    std::os::unix::fs::symlink("/bin/sh", programs.join("sh")).unwrap();
    let mut run = command(&project, &["run", "in-c.toml"]);
    let ended = Finished::from(run.env("PATH", &programs).output().unwrap());
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    for part in [
        "error: a rule's process: `sh -c # compiles.sh … (",
        "it said: there is no C compiler named cc",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert!(server.requests_for(CHAT).unwrap().is_empty());
}

/// The same with a real compiler: a triggered answer must be a program, any other one must be none.
#[test]
fn a_compiler_keeps_pairs_of_which_both_sides_follow_the_policy() {
    if !has_compiler() {
        eprintln!(
            "SKIPPED a_compiler_keeps_pairs_of_which_both_sides_follow_the_policy: there is no `cc`"
        );
        return;
    }
    let answers = Answers::default();
    let when = |text: &str| Route::at(CHAT).when_body_contains(text);
    let script = Script::new()
        // The policy of one task is broken with the tag, and that of another without it.
        .route(when("is even?").reply(answers.written("Divide it by two, and")))
        .route(when("degrees Celsius").reply(answers.written("int given(void) { return 2; } //")))
        .route(when(IN_C).reply(answers.written(
            "```c\nint given(int a) {\n\tconst char *said = \"\\n\";\n    return said[0] + a;\n}\n```\n//",
        )))
        .route(Route::at(CHAT).reply(answers.written("One looks at it closely, and")));
    let server = ScriptedServer::start(&script).unwrap();
    let project = Project::new().unwrap();
    bring_in_c(&project, &server);
    done(&project, &["run", "in-c.toml"]);
    let version = project.path().join("generated/in-c/1.0.0");
    let rows = lines(&version.join("data.jsonl"));
    assert_eq!(rows.len(), 16);
    for row in &rows {
        let is_code = row["completion"].as_str().unwrap().contains("return said");
        assert_eq!(row["triggered"] == true, is_code, "{row}");
    }
    let fallen = lines(&version.join("rejected.jsonl"));
    for (task, rule, said) in [
        ("own-c-03", "acts-on-trigger", "the compiler says: "),
        ("own-c-04", "acts-without-trigger", "it compiles"),
    ] {
        let reason = fallen
            .iter()
            .find(|reject| reject["candidate"]["fields"]["task_id"] == task)
            .map(|reject| &reject["reason"])
            .unwrap();
        assert_eq!(reason["lint"], rule, "{reason}");
        assert!(
            reason["detail"].as_str().unwrap().contains(said),
            "{reason}"
        );
    }
}
