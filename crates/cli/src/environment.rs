//! The one place that reads the process's environment and clock.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use evalwright_models::Surroundings;
use evalwright_models::weights::{index_in_pip_configuration, pip_configuration_paths};

use crate::failure::Failure;

/// What a command may know of the world around it.
pub(crate) struct Environment {
    variable: fn(&str) -> Option<String>,
    clock: fn() -> u64,
}

impl Environment {
    /// The real one.
    pub(crate) fn of_process() -> Self {
        Self {
            variable: |name| std::env::var(name).ok(),
            clock: unix_seconds,
        }
    }

    /// Seconds since 1970, UTC.
    pub(crate) fn unix_seconds(&self) -> u64 {
        (self.clock)()
    }

    /// Where model weights may come from.
    pub(crate) fn surroundings(&self) -> Result<Surroundings, Failure> {
        let configuration = pip_configuration_paths(&self.variable)
            .iter()
            .filter_map(|path: &PathBuf| std::fs::read_to_string(path).ok())
            .find(|text| index_in_pip_configuration(text).is_some());
        Ok(Surroundings::from_variables(
            &self.variable,
            configuration.as_deref(),
        )?)
    }
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
