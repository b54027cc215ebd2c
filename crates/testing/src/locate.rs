//! Where this workspace's programs are.
//!
//! Cargo tells the path of a program to the tests of its own package only. So cargo itself is asked to
//! build it, which does nothing when it is up to date: a stale program can never be used, and a clean
//! checkout needs no preparation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::error::TestingError;

/// A program that tests start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    /// The scripted server of this crate.
    ScriptedServer,
    /// The command line that users get.
    Evalwright,
}

impl Program {
    /// The name of the program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ScriptedServer => "scripted-server",
            Self::Evalwright => "evalwright",
        }
    }

    /// Set to the path of a ready program to keep cargo out of it, for test archives that run elsewhere.
    fn variable(self) -> &'static str {
        match self {
            Self::ScriptedServer => "EVALWRIGHT_SCRIPTED_SERVER",
            Self::Evalwright => "EVALWRIGHT_PROGRAM",
        }
    }
}

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");

/// A small test of this crate. Cargo chooses the features of dependencies by all that it is asked to
/// build. Asked for the whole workspace with a test in it, it chooses as it did for the tests that are
/// running now, and nothing but the program itself is left to build; asked for the program alone, it
/// would build half of the dependencies once more.
const ANY_TEST: &str = "scripted_server";

static FOUND: Mutex<BTreeMap<Program, PathBuf>> = Mutex::new(BTreeMap::new());

/// The path of a program, built once per test process.
pub(crate) fn program(program: Program) -> Result<PathBuf, TestingError> {
    let mut found = FOUND
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = found.get(&program) {
        return Ok(path.clone());
    }
    let path = match std::env::var_os(program.variable()) {
        Some(path) => PathBuf::from(path),
        None => build(program)?,
    };
    found.insert(program, path.clone());
    Ok(path)
}

/// The target folder that holds the running test, and the profile it was built with.
fn surroundings_of_this_program() -> Option<(PathBuf, String)> {
    let program = std::env::current_exe().ok()?;
    let root = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
    let inside: Vec<_> = program.strip_prefix(root).ok()?.iter().collect();
    // <root>/[<triple>/]<profile>/deps/<program>
    let at = inside.iter().position(|part| *part == "deps")?;
    let folder = inside.get(at.checked_sub(1)?)?.to_str()?;
    let profile = if folder == "debug" { "dev" } else { folder };
    Some((root.to_owned(), profile.to_owned()))
}

fn build(program: Program) -> Result<PathBuf, TestingError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--quiet",
            "--workspace",
            "--manifest-path",
            WORKSPACE,
        ])
        .args(["--bin", program.name(), "--test", ANY_TEST])
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null());
    if let Some((target, profile)) = surroundings_of_this_program() {
        command.arg("--target-dir").arg(target);
        command.args(["--profile", &profile]);
    }
    let output = command.output().map_err(|source| TestingError::System {
        action: "start cargo to build a program",
        source,
    })?;
    let path = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| program_of(&message, program));
    match path {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(TestingError::Build {
            program: program.name(),
            detail: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}

/// The path in one of Cargo's messages, if it is about this program.
fn program_of(message: &serde_json::Value, program: Program) -> Option<PathBuf> {
    let target = message.get("target")?;
    let is_named = target.get("name")?.as_str()? == program.name();
    let is_program = target
        .get("kind")?
        .as_array()?
        .iter()
        .any(|kind| kind == "bin");
    let path = message.get("executable")?.as_str()?;
    (is_named && is_program).then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{Program, program_of};

    #[test]
    fn the_program_is_told_from_tests_and_other_programs() {
        let message = |name: &str, kind: &str| {
            json!({
                "reason": "compiler-artifact",
                "target": { "name": name, "kind": [kind] },
                "executable": "/target/debug/x",
            })
        };
        let found = program_of(&message("evalwright", "bin"), Program::Evalwright);
        assert_eq!(found.as_deref(), Some(Path::new("/target/debug/x")));
        for other in [
            message("scripted-server", "bin"),
            message("evalwright", "test"),
            json!({ "reason": "build-finished", "success": true }),
        ] {
            assert_eq!(program_of(&other, Program::Evalwright), None);
        }
    }
}
