//! Files that a behaviour names besides its tables: rows that none may repeat, and a calibration.

use std::path::Path;

use evalwright_dataset::manifest::CalibrationUse;
use evalwright_dataset::{read_rows, versions};
use evalwright_recipe::{Behaviour, CalibrationChoice, CalibrationFile, Reference};

use crate::commands::dedup;
use crate::failure::{Failure, Kind};

/// The word that takes a behaviour's calibration away.
const NONE: &str = "none";

/// Reads what rows must not repeat: the files that a behaviour names, beside it, and its earlier versions.
pub(crate) fn references(
    behaviour: &mut Behaviour,
    beside: &Path,
    out: &Path,
) -> Result<(), Failure> {
    let against = &mut behaviour.against;
    for name in &against.files {
        let path = beside.join(name);
        let (hash, texts) = dedup::texts_of(&path, &against.field)?;
        against.hashes.push(hash);
        against
            .texts
            .extend(texts.into_iter().map(|(line, text)| Reference {
                place: format!("{name}:{line}"),
                text,
            }));
    }
    if against.versions {
        for version in versions(&out.join(behaviour.name.as_str()))? {
            for row in read_rows(&version.folder.join("data.jsonl"))? {
                against.texts.push(Reference {
                    place: format!("{}:{}", version.manifest.version, row.id),
                    text: row.statement,
                });
            }
        }
    }
    Ok(())
}

/// Reads the calibration file that a behaviour names, beside it, or the one that the command line names, where the
/// command was called. What is there already, from a manifest, stays.
pub(crate) fn calibration(
    behaviour: &mut Behaviour,
    beside: &Path,
    instead: Option<&str>,
) -> Result<(), Failure> {
    let path = match instead {
        Some(NONE) => {
            behaviour.calibration = None;
            return Ok(());
        }
        Some(file) => {
            behaviour.calibration = Some(CalibrationChoice {
                file: file.to_owned(),
                precision: behaviour
                    .calibration
                    .as_ref()
                    .and_then(|choice| choice.precision),
                sha256: None,
                minimum: None,
                content: None,
            });
            Path::new(file).to_path_buf()
        }
        None => match &behaviour.calibration {
            None => return Ok(()),
            Some(choice) if choice.content.is_some() => return Ok(()),
            Some(choice) => beside.join(&choice.file),
        },
    };
    let text =
        std::fs::read_to_string(&path).map_err(|cause| Failure::unreadable(&path, &cause))?;
    let shown = path.display().to_string();
    take(behaviour, CalibrationFile::parse(&shown, &text)?, &shown)
}

/// Gives a behaviour of a manifest the calibration that the manifest holds; `shown` names the manifest.
pub(crate) fn recorded_calibration(
    behaviour: &mut Behaviour,
    recorded: Option<&CalibrationUse>,
    shown: &str,
) -> Result<(), Failure> {
    let Some(recorded) = recorded else {
        return Ok(());
    };
    let content: CalibrationFile =
        serde_json::from_value(recorded.content.clone()).map_err(|error| {
            Failure::new(
                Kind::Config,
                format!("{shown}: its calibration cannot be read back: {error}"),
            )
        })?;
    take(behaviour, content, shown)
}

fn take(behaviour: &mut Behaviour, content: CalibrationFile, shown: &str) -> Result<(), Failure> {
    behaviour
        .calibrate(content)
        .map_err(|problem| Failure::new(Kind::Config, format!("{shown}: it {problem}")))
}
