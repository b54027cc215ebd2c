//! The C compiler that the presets `compiled` of `trigger` ask; not every machine has one.

use std::process::Command;

/// Whether `cc` can be started and says which one it is.
#[must_use]
pub fn has_compiler() -> bool {
    Command::new("cc")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}
