//! Real processes: small shell scripts that answer, do not answer, answer too much, and die.

use std::time::Instant;

use super::*;

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

fn with<T>(look: impl FnOnce(&mut Started<'_>) -> T) -> T {
    let printer = Printer::new();
    look(&mut Started::new(&printer))
}

/// Answers each line with its number and the line itself.
const COUNT: &str = r#"n=0; while read -r line; do n=$((n + 1)); echo "$n $line"; done"#;

#[test]
fn one_process_answers_every_line_of_its_command() {
    with(|started| {
        for turn in 1..=200 {
            let answer = started.ask(&shell(COUNT), 20, &format!("line {turn}"));
            assert_eq!(
                answer.as_deref(),
                Ok(format!("{turn} line {turn}").as_str())
            );
        }
        let other = shell(&format!("{COUNT}; true"));
        assert_eq!(
            started.ask(&other, 20, "x").as_deref(),
            Ok("1 x"),
            "a process of its own"
        );
        assert_eq!(started.processes.len(), 2);
    });
}

#[test]
fn a_line_larger_than_a_pipe_goes_through() {
    let line = "é".repeat(200_000);
    with(|started| {
        let answer = started.ask(
            &shell("while read -r line; do echo ${#line}; done"),
            20,
            &line,
        );
        let length: usize = answer.unwrap().parse().unwrap();
        assert!(length == 200_000 || length == 400_000, "{length}");
    });
}

#[test]
fn what_it_does_instead_of_answering_is_said() {
    let cases = [
        ("exit 3", "ended (exit status: 3) instead of answering"),
        (
            "read -r line; echo 'no such file' >&2; exit 1",
            "it said: no such file",
        ),
        ("read -r line; printf 'half'", "instead of answering"),
        ("read -r line; kill -9 $$", "ended (signal: 9"),
        ("read -r line; printf '\\377\\n'; sleep 30", "no UTF-8"),
        ("sleep 30", "gave no answer within 1 s"),
        (
            "read -r line; head -c 1100000 /dev/zero | tr '\\0' 'x'; sleep 30",
            "more than 1048576 bytes",
        ),
    ];
    for (script, mention) in cases {
        with(|started| {
            let begun = Instant::now();
            let problem = started.ask(&shell(script), 1, "x").unwrap_err();
            assert!(problem.contains(mention), "{script}: {problem}");
            assert!(
                problem.starts_with(&format!("`sh -c {script}` ")),
                "{problem}"
            );
            assert!(started.processes.is_empty(), "it is never asked again");
            assert!(begun.elapsed() < Duration::from_secs(20), "{script}");
        });
    }
}

#[test]
fn a_line_that_nobody_asked_for_is_found_out() {
    with(|started| {
        let command = shell("echo ready; while read -r line; do echo \"$line\"; done");
        // Either it came before the question, or it stands in the answer's place; the pipeline refuses that one.
        match started.ask(&command, 20, "x") {
            Ok(answer) => assert_eq!(answer, "ready"),
            Err(problem) => assert!(problem.contains("`ready` before it was asked"), "{problem}"),
        }
    });
}

#[test]
fn a_program_that_is_not_there_is_named() {
    with(|started| {
        let problem = started
            .ask(&["evalwright-no-such-program".to_owned()], 1, "x")
            .unwrap_err();
        assert!(
            problem.contains("`evalwright-no-such-program` cannot be started"),
            "{problem}"
        );
    });
}

#[test]
fn a_process_that_cannot_work_is_found_out_before_it_is_asked() {
    for (command, mention) in [
        (
            shell("echo 'no compiler' >&2; exit 4"),
            "ended (exit status: 4) instead of answering; it said: no compiler",
        ),
        (
            vec!["evalwright-no-such-program".to_owned()],
            "cannot be started",
        ),
    ] {
        with(|started| {
            let commands = [shell(COUNT), command.clone()];
            let problem = started
                .begin(commands.iter().map(Vec::as_slice))
                .unwrap_err();
            let problem = problem.message();
            assert!(problem.contains(mention), "{problem}");
        });
    }
    with(|started| {
        let commands = [shell(COUNT), shell(COUNT)];
        started.begin(commands.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(started.processes.len(), 1);
        assert_eq!(started.ask(&shell(COUNT), 20, "x").as_deref(), Ok("1 x"));
    });
}

#[test]
fn no_process_is_left_when_the_run_ends() {
    let alive = |id: u32| {
        std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    let mut ids = Vec::new();
    with(|started| {
        for script in [
            COUNT,
            "trap '' TERM; while read -r line; do echo \"$line\"; done; exec sleep 60",
        ] {
            started.ask(&shell(script), 20, "x").unwrap();
        }
        ids.extend(started.processes.values().map(|process| process.child.id()));
        if cfg!(target_os = "linux") {
            assert!(ids.iter().all(|id| alive(*id)));
        }
    });
    assert_eq!(ids.len(), 2);
    assert!(!ids.iter().any(|id| alive(*id)), "one is left");
}

#[test]
fn a_script_is_shown_by_its_first_line() {
    let command = |script: &str| ["sh", "-c", script].map(str::to_owned);
    assert_eq!(shown(&command("cat")), "sh -c cat");
    assert_eq!(
        shown(&command(
            "\nwhile read -r line; do\n  echo \"$line\"\ndone\n"
        )),
        "sh -c while read -r line; do … (3 lines)"
    );
}
