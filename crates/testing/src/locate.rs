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

    /// The package that makes it.
    fn manifest(self) -> &'static str {
        match self {
            Self::ScriptedServer => concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            Self::Evalwright => concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/Cargo.toml"),
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
        .args(["build", "--quiet", "--bin", program.name()])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--manifest-path", program.manifest()])
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
        .filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .next_back();
    match path {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(TestingError::Build {
            program: program.name(),
            detail: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}
