//! `evalwright status`: what versions are worth today, and marking one as a draft, dropped or renamed.
//!
//! The versions themselves are sealed and stay as they are; the mark stands beside them, with its reason and date.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use evalwright_core::{DatasetName, exit_code, show::visible};
use evalwright_dataset::{
    DatasetLock, OpenVersion, Status, StatusChange, StatusLog, lock, utc_date, versions,
};
use serde_json::json;

use crate::changelog;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// A version's folder (generated/<dataset>/<version>), or a dataset's: all its versions
    folder: PathBuf,
    /// Mark the version, or all versions of the dataset, as this
    #[arg(long, value_name = "STATUS", value_parser = statuses(), requires = "reason")]
    set: Option<String>,
    /// Why
    #[arg(long, value_name = "WORDS")]
    reason: Option<String>,
    /// Mark as renamed: the dataset that is to be used instead
    #[arg(
        long,
        value_name = "DATASET",
        requires = "reason",
        conflicts_with = "set"
    )]
    renamed_to: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn statuses() -> PossibleValuesParser {
    PossibleValuesParser::new([
        PossibleValue::new("draft").help("To be looked at before anybody uses it"),
        PossibleValue::new("published").help("For use, as every version is at first"),
        PossibleValue::new("dropped").help("Not to be used any more"),
    ])
}

pub(crate) fn run(
    arguments: &StatusArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let (dataset, chosen) = chosen(&arguments.folder)?;
    if let Some(change) = wanted(arguments, &dataset)? {
        let lock = lock(&dataset)?;
        let mut log = StatusLog::read(&dataset)?;
        for version in &chosen {
            log.add(
                &lock,
                &dataset,
                StatusChange {
                    version: version.manifest.version.clone(),
                    at_unix_seconds: environment.unix_seconds(),
                    ..change.clone()
                },
            )?;
        }
        changelog::update(&lock, &dataset, &[])?;
    }
    let log = StatusLog::read(&dataset)?;
    if arguments.json {
        let versions: Vec<_> = chosen
            .iter()
            .map(|version| {
                let number = &version.manifest.version;
                json!({
                    "version": number,
                    "folder": version.folder,
                    "status": log.status(number),
                    "change": log.of(number),
                })
            })
            .collect();
        printer.json(&json!({
            "schema": "evalwright.status-of/1",
            "dataset": dataset,
            "versions": versions,
        }))?;
        return Ok(exit_code::DONE);
    }
    for version in &chosen {
        let number = &version.manifest.version;
        let since = log.of(number).map_or_else(String::new, |change| {
            let to = change
                .to
                .as_ref()
                .map_or_else(String::new, |to| format!(" to {to}"));
            format!(
                "{to} since {}: {}",
                utc_date(change.at_unix_seconds),
                change.reason
            )
        });
        printer.data(&visible(&format!(
            "{}: {}{since}",
            version.folder.display(),
            log.status(number)
        )))?;
    }
    Ok(exit_code::DONE)
}

/// The change that the arguments ask for, without version and time.
fn wanted(arguments: &StatusArguments, dataset: &Path) -> Result<Option<StatusChange>, Failure> {
    let reason = arguments.reason.as_deref().unwrap_or_default().trim();
    let (status, to) = match (&arguments.set, &arguments.renamed_to) {
        (Some(word), _) => {
            let status = Status::ALL
                .into_iter()
                .find(|status| status.as_str() == word)
                .ok_or_else(|| Failure::new(Kind::Usage, format!("there is no status {word:?}")))?;
            (status, None)
        }
        (None, Some(to)) => {
            let name = DatasetName::new(to)
                .map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
            if dataset.file_name().is_some_and(|own| own == name.as_str()) {
                return Err(Failure::new(
                    Kind::Usage,
                    format!("{to:?} is the dataset's own name"),
                ));
            }
            (Status::Renamed, Some(to.clone()))
        }
        (None, None) if arguments.reason.is_some() => {
            return Err(Failure::new(Kind::Usage, "a reason for what?")
                .hint("name the status with `--set`, or the new name with `--renamed-to`"));
        }
        (None, None) => return Ok(None),
    };
    if reason.is_empty() {
        return Err(Failure::new(Kind::Usage, "`--reason` is empty")
            .hint("say in a few words why; the changelog keeps them"));
    }
    Ok(Some(StatusChange {
        version: String::new(),
        status,
        reason: reason.to_owned(),
        to,
        at_unix_seconds: 0,
    }))
}

/// The dataset's folder, and the versions that are meant, the oldest first; at least one.
pub(crate) fn chosen(path: &Path) -> Result<(PathBuf, Vec<OpenVersion>), Failure> {
    let nothing = || {
        Failure::new(
            Kind::Config,
            format!(
                "{}: neither a dataset with versions nor a version",
                path.display()
            ),
        )
        .hint("name a folder such as generated/<dataset> or generated/<dataset>/<version>")
    };
    // A relative path of one part has an empty parent.
    let folder = std::fs::canonicalize(path).map_err(|_| nothing())?;
    if folder.join("manifest.json").is_file() {
        let dataset = folder.parent().ok_or_else(nothing)?.to_path_buf();
        let mut own = versions(&dataset)?;
        own.retain(|version| version.folder == folder);
        return if own.is_empty() {
            Err(nothing())
        } else {
            Ok((dataset, own))
        };
    }
    let all = versions(&folder)?;
    if all.is_empty() {
        return Err(nothing());
    }
    Ok((folder, all))
}

/// Warns of a version that is no plain published one. What cannot be read is an error: a warning that is silently not
/// there would be taken for a good sign. Gives the words.
pub(crate) fn warn(
    folder: &Path,
    version: &str,
    printer: &Printer,
) -> Result<Option<String>, Failure> {
    let words = StatusLog::beside(folder)?
        .of(version)
        .and_then(StatusChange::warning);
    if let Some(words) = &words {
        printer.say(&format!("warning: {}: {words}", folder.display()));
    }
    Ok(words)
}

/// Says beside a version that was just made that it is a draft.
pub(crate) fn mark_draft(
    lock: &DatasetLock,
    dataset: &Path,
    version: &str,
    environment: &Environment,
) -> Result<(), Failure> {
    let change = StatusChange {
        version: version.to_owned(),
        status: Status::Draft,
        reason: "made with --draft".to_owned(),
        to: None,
        at_unix_seconds: environment.unix_seconds(),
    };
    Ok(StatusLog::read(dataset)?.add(lock, dataset, change)?)
}
