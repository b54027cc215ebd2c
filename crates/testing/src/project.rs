//! A project folder in which a test runs the real program.
//!
//! Invariant: what a command sees of the machine is the project alone. Settings of the program, of
//! package managers, model hubs and proxies are taken out of its environment, and its home is a folder
//! of the project.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::error::TestingError;
use crate::locate::{Program, program};
use crate::weights::{PATH_VARIABLE, weights};

/// The starts of names of variables that commands must not see, in upper case.
const HIDDEN_PREFIXES: [&str; 6] = ["EVALWRIGHT_", "HF_", "PIP_", "UV_", "XDG_", "VIRTUAL_ENV"];
const HIDDEN_SUFFIX: &str = "_PROXY";

/// A temporary folder with a home of its own. Dropping it removes it.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    home: PathBuf,
    _outer: TempDir,
}

/// A command that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// What it wrote to standard output. Bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// What it wrote to standard error. Bytes that are no UTF-8 are replaced.
    pub stderr: String,
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

impl Project {
    /// An empty project.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn new() -> Result<Self, TestingError> {
        let failed = |source| TestingError::System {
            action: "make a folder for a project",
            source,
        };
        let outer = tempfile::tempdir().map_err(failed)?;
        // The program may print paths with links followed; so are the ones that tests compare with.
        let root = std::fs::canonicalize(outer.path()).map_err(failed)?;
        let folder = root.join("project");
        std::fs::create_dir(&folder).map_err(failed)?;
        Ok(Self {
            folder,
            home: root.join("home"),
            _outer: outer,
        })
    }

    /// The project's folder, in which commands run.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes a file, with the folders it needs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf, TestingError> {
        let path = self.folder.join(name);
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, bytes))
            .map_err(|source| TestingError::File {
                action: "write",
                path: path.clone(),
                source,
            })?;
        Ok(path)
    }

    /// The program with these arguments, ready to start in the project, its three streams captured or
    /// closed. It knows of no weights: see [`Project::command_with_weights`].
    ///
    /// # Errors
    /// When the program cannot be built.
    pub fn command(&self, arguments: &[&str]) -> Result<Command, TestingError> {
        let mut command = Command::new(program(Program::Evalwright)?);
        self.prepare(&mut command);
        command.args(arguments);
        Ok(command)
    }

    /// As [`Project::command`], with the real small model at hand.
    ///
    /// # Errors
    /// As [`Project::command`], and when there are no weights.
    pub fn command_with_weights(&self, arguments: &[&str]) -> Result<Command, TestingError> {
        let mut command = self.command(arguments)?;
        command.env(PATH_VARIABLE, weights()?);
        Ok(command)
    }

    /// A shell that runs a script in the project. The script's `"$@"` is the program with these
    /// arguments, and it has the real small model at hand. For limits that only a shell can set.
    ///
    /// # Errors
    /// As [`Project::command_with_weights`].
    pub fn shell(&self, script: &str, arguments: &[&str]) -> Result<Command, TestingError> {
        let mut command = Command::new("sh");
        self.prepare(&mut command);
        command
            .args(["-c", script, "sh"])
            .arg(program(Program::Evalwright)?)
            .args(arguments)
            .env(PATH_VARIABLE, weights()?);
        Ok(command)
    }

    /// Runs the program and waits for its end.
    ///
    /// # Errors
    /// As [`Project::command`], and when it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished, TestingError> {
        finish(&mut self.command(arguments)?)
    }

    /// Runs the program with the real small model at hand and waits for its end.
    ///
    /// # Errors
    /// As [`Project::command_with_weights`], and when it cannot be started.
    pub fn run_with_weights(&self, arguments: &[&str]) -> Result<Finished, TestingError> {
        finish(&mut self.command_with_weights(arguments)?)
    }

    /// What a command wrote and how it ended, as one text without what differs between machines: the
    /// project's folder reads `[project]`, and the home folder `[home]`.
    #[must_use]
    pub fn transcript(&self, finished: &Finished) -> String {
        let code = finished
            .code
            .map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        let mut text = format!("exit code: {code}\n");
        for (name, stream) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{stream}"));
            }
        }
        text.replace(&self.folder.display().to_string(), "[project]")
            .replace(&self.home.display().to_string(), "[home]")
    }

    fn prepare(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let shown = name.to_string_lossy().to_ascii_uppercase();
            let is_prefixed = HIDDEN_PREFIXES
                .iter()
                .any(|prefix| shown.starts_with(prefix));
            if is_prefixed || shown.ends_with(HIDDEN_SUFFIX) {
                command.env_remove(&name);
            }
        }
        command
            .current_dir(&self.folder)
            .env("HOME", &self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }
}

fn finish(command: &mut Command) -> Result<Finished, TestingError> {
    command
        .output()
        .map(Finished::from)
        .map_err(|source| TestingError::System {
            action: "start evalwright",
            source,
        })
}
