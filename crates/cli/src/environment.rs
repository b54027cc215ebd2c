//! The one place that reads the process's environment and clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use evalwright_models::Surroundings;
use evalwright_models::weights::{index_in_pip_configuration, pip_configuration_paths};

use crate::failure::{Failure, Kind};

/// What a command may know of the world around it.
pub(crate) struct Environment {
    /// Variables of `.env` in the working folder.
    file: BTreeMap<String, String>,
    clock: fn() -> u64,
}

impl Environment {
    /// The real one. A line of `.env` that cannot be read is an error: a key that is silently not there would
    /// look like one that the server refuses.
    pub(crate) fn of_process() -> Result<Self, Failure> {
        Ok(Self {
            file: env_file(Path::new(".env"))?,
            clock: unix_seconds,
        })
    }

    /// A variable: the process's own before that of `.env`. None where it is not set.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name)
            .ok()
            .or_else(|| self.file.get(name).cloned())
    }

    /// Seconds since 1970, UTC.
    pub(crate) fn unix_seconds(&self) -> u64 {
        (self.clock)()
    }

    /// The clock itself, for those that write down when something came.
    pub(crate) fn clock(&self) -> fn() -> u64 {
        self.clock
    }

    /// Where model weights may come from.
    pub(crate) fn surroundings(&self) -> Result<Surroundings, Failure> {
        let variable = |name: &str| self.variable(name);
        let configuration = pip_configuration_paths(&variable)
            .iter()
            .filter_map(|path: &PathBuf| std::fs::read_to_string(path).ok())
            .find(|text| index_in_pip_configuration(text).is_some());
        Ok(Surroundings::from_variables(
            &variable,
            configuration.as_deref(),
        )?)
    }
}

/// The variables of an environment file; none where there is no file.
fn env_file(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    lines
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(path, &error))
}

/// What is wrong with the file, without the line itself: it may hold a key.
fn unreadable(path: &Path, error: &dotenvy::Error) -> Failure {
    let problem = match error {
        dotenvy::Error::LineParse(line, _) => match line_number(path, line) {
            Some(number) => format!("{number}: this line cannot be read"),
            None => " a line cannot be read".to_owned(),
        },
        dotenvy::Error::Io(cause) => format!(" {cause}"),
        _ => " cannot be read".to_owned(),
    };
    Failure::new(Kind::Config, format!("{}:{problem}", path.display()))
        .hint("each line is NAME=value; a value with blanks or `#` stands in quotes")
}

/// Where a line, or several that a quote holds together, begins in a file.
fn line_number(path: &Path, line: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let (before, _) = text.split_once(line.trim_end())?;
    Some(before.matches('\n').count() + 1)
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

/// The most memory that this process has held, in bytes, where the system tells.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
