//! The real weights of the small model, for tests that ask it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use crate::error::TestingError;
use crate::locate::{Program, program};

/// Names a file with the weights.
pub(crate) const PATH_VARIABLE: &str = "EVALWRIGHT_MODEL_PATH";

static FOUND: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The file with the weights: the one that `EVALWRIGHT_MODEL_PATH` names, else the one in the user's
/// cache, to which it is fetched if it is not there. Asked once per test process; other processes that
/// fetch at the same time wait for each other.
///
/// # Errors
/// [`TestingError::NoWeights`] when there are none to be had. A test that needs the model fails then: it
/// is not skipped.
pub fn weights() -> Result<PathBuf, TestingError> {
    let mut found = FOUND
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = found.as_ref() {
        return Ok(path.clone());
    }
    let path = match std::env::var_os(PATH_VARIABLE).filter(|path| !path.is_empty()) {
        // A project's commands run in another folder, where a relative path would not hold.
        Some(path) => std::path::absolute(&path).map_err(|source| TestingError::File {
            action: "find",
            path: path.into(),
            source,
        })?,
        None => fetch()?,
    };
    *found = Some(path.clone());
    Ok(path)
}

fn fetch() -> Result<PathBuf, TestingError> {
    let known = ask("path")?;
    let answer = if known.status.success() {
        known
    } else {
        ask("pull")?
    };
    if !answer.status.success() {
        return Err(TestingError::NoWeights {
            said: String::from_utf8_lossy(&answer.stderr).trim().to_owned(),
        });
    }
    Ok(PathBuf::from(
        String::from_utf8_lossy(&answer.stdout).trim_end(),
    ))
}

fn ask(action: &str) -> Result<Output, TestingError> {
    Command::new(program(Program::Evalwright)?)
        .args(["model", action])
        .stdin(Stdio::null())
        .output()
        .map_err(|source| TestingError::System {
            action: "start evalwright to find the weights",
            source,
        })
}
