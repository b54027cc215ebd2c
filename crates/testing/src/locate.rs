//! Where the server's program is.
//!
//! Cargo tells the path of a program to the tests of its own package only. So cargo itself is asked to
//! build it, which does nothing when it is up to date: a stale program can never be used, and a clean
//! checkout needs no preparation.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::error::TestingError;

/// Set to the path of a ready program to keep cargo out of it, for test archives that run elsewhere.
const PROGRAM_VARIABLE: &str = "EVALWRIGHT_SCRIPTED_SERVER";

static PROGRAM: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The path of the server's program, built once per test process.
pub(crate) fn server_program() -> Result<PathBuf, TestingError> {
    let mut known = PROGRAM
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = known.as_ref() {
        return Ok(path.clone());
    }
    let path = match std::env::var_os(PROGRAM_VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    *known = Some(path.clone());
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

fn build() -> Result<PathBuf, TestingError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--bin", "scripted-server"])
        .args(["--message-format", "json-render-diagnostics"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .stdin(Stdio::null());
    if let Some((target, profile)) = surroundings_of_this_program() {
        command.arg("--target-dir").arg(target);
        command.args(["--profile", &profile]);
    }
    let output = command.output().map_err(|source| TestingError::System {
        action: "start cargo to build the scripted server",
        source,
    })?;
    let program = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .next_back();
    match program {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(TestingError::Build {
            detail: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}
