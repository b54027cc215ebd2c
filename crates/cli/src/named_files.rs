//! Files that a behaviour names besides its tables: rows that none may repeat, and a calibration.

use std::path::Path;

use evalwright_core::ContentHash;
use evalwright_dataset::manifest::CalibrationUse;
use evalwright_dataset::{Manifest, OpenVersion, Version, read_records, versions};
use evalwright_recipe::{Against, Behaviour, CalibrationChoice, CalibrationFile, Reference};
use serde::Deserialize;
use serde_json::Value;

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
    read_files(&mut behaviour.against, beside)?;
    if behaviour.against.versions {
        let earlier = versions(&out.join(behaviour.name.as_str()))?;
        read_versions(&mut behaviour.against, &earlier)?;
    }
    Ok(())
}

/// Gives a behaviour of a manifest what the rows of that run must not repeat. The files are looked for in the project's
/// folder and must be those of the run; the versions are those in the dataset's folder that came before this one.
pub(crate) fn recorded_references(
    behaviour: &mut Behaviour,
    recorded: &Manifest,
    manifest: &Path,
    project: &Path,
) -> Result<(), Failure> {
    let against = &mut behaviour.against;
    read_files(against, project)?;
    let wanted = recorded
        .behaviour
        .get("against")
        .and_then(|against| against.get("hashes"))
        .and_then(|hashes| Vec::<ContentHash>::deserialize(hashes).ok())
        .unwrap_or_default();
    for (number, name) in against.files.iter().enumerate() {
        if against.hashes.get(number) != wanted.get(number) {
            return Err(Failure::new(
                Kind::Config,
                format!(
                    "{}: it is not the file that no row of {} may repeat: it has changed since",
                    project.join(name).display(),
                    recorded.version
                ),
            )
            .hint("put the file back as it was, or name the project's folder that holds it: --project FOLDER"));
        }
    }
    if against.versions {
        let dataset = manifest.parent().and_then(Path::parent).unwrap_or(project);
        let own = Version::parse(&recorded.version);
        let mut earlier = versions(dataset)?;
        earlier.retain(|version| Version::parse(&version.manifest.version) < own);
        read_versions(against, &earlier)?;
    }
    Ok(())
}

fn read_files(against: &mut Against, beside: &Path) -> Result<(), Failure> {
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
    Ok(())
}

/// The texts of versions: their statements, or what candidates of a kind with columns were compared by.
fn read_versions(against: &mut Against, versions: &[OpenVersion]) -> Result<(), Failure> {
    for version in versions {
        let path = version.folder.join("data.jsonl");
        for (number, record) in read_records(&path)?.iter().enumerate() {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            let id = text(record.get("id")).unwrap_or_else(|| format!("line {}", number + 1));
            let found = match version.manifest.maps_fields() {
                true => text(record.get("metadata").and_then(|data| data.get("text"))),
                false => text(record.get("statement")),
            };
            let Some(text) = found else {
                return Err(Failure::new(
                    Kind::Config,
                    format!(
                        "{}:{}: the row has no text to compare with",
                        path.display(),
                        number + 1
                    ),
                ));
            };
            against.texts.push(Reference {
                place: format!("{}:{id}", version.manifest.version),
                text,
            });
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
