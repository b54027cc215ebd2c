//! Finding a row or a candidate by its id, or the beginning of one, in the versions below some folders.
//!
//! An exact id goes before all that only begin with what was given. What several ids begin with is refused with their
//! names, and of the versions of one dataset that hold an id the newest is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use evalwright_dataset::{OpenVersion, read_manifest, versions};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Ids that are named where none or several fit.
const NAMED: usize = 6;

/// A version that holds what was looked for.
pub(super) struct Found {
    /// The version.
    pub(super) version: OpenVersion,
    /// The id in full.
    pub(super) id: String,
    /// Other versions of the dataset that hold it, oldest first.
    pub(super) also_in: Vec<String>,
}

/// The ids in one line of `data.jsonl`.
#[derive(Deserialize)]
struct RowIds {
    id: Option<String>,
    metadata: Option<CandidateId>,
}

#[derive(Deserialize)]
struct CandidateId {
    candidate: Option<String>,
}

/// The ids in one line of `rejected.jsonl`. Lines that could not be read when a dataset was imported have none.
#[derive(Deserialize)]
struct RejectIds {
    candidate: Option<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: Option<String>,
}

/// The one thing that an id, or the beginning of one, names.
pub(super) fn find(wanted: &str, folders: &[PathBuf], printer: &Printer) -> Result<Found, Failure> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return Err(Failure::new(Kind::Usage, "the id is empty"));
    }
    let mut seen = 0_usize;
    // Dataset and id to the versions that hold it, oldest first.
    let mut exact: BTreeMap<(String, String), Vec<OpenVersion>> = BTreeMap::new();
    let mut begun: BTreeMap<(String, String), Vec<OpenVersion>> = BTreeMap::new();
    let mut nearest: BTreeSet<(std::cmp::Reverse<usize>, String)> = BTreeSet::new();
    for version in versions_below(folders, printer)? {
        seen += 1;
        for id in ids(&version.folder)? {
            let held = if id == wanted {
                &mut exact
            } else if begins(&id, wanted) {
                &mut begun
            } else {
                nearest.insert((std::cmp::Reverse(likeness(&id, wanted)), id));
                if nearest.len() > NAMED {
                    nearest.pop_last();
                }
                continue;
            };
            // Datasets of one name in two folders are two.
            let dataset = version.folder.parent().unwrap_or(&version.folder);
            held.entry((dataset.display().to_string(), id))
                .or_default()
                .push(version.clone());
        }
    }
    if seen == 0 {
        return Err(Failure::new(
            Kind::Config,
            format!("there is no version below {}", listed(folders)),
        )
        .hint("name the folder that holds datasets, a dataset or a version with `--in`"));
    }
    let mut held = if exact.is_empty() { begun } else { exact };
    if held.len() > 1 {
        return Err(several(wanted, &held));
    }
    let Some(((_, id), mut versions)) = held.pop_first() else {
        return Err(none(wanted, seen, folders, &nearest));
    };
    let Some(version) = versions.pop() else {
        return Err(none(wanted, seen, folders, &nearest));
    };
    Ok(Found {
        version,
        id,
        also_in: versions
            .into_iter()
            .map(|version| version.manifest.version)
            .collect(),
    })
}

fn several(wanted: &str, held: &BTreeMap<(String, String), Vec<OpenVersion>>) -> Failure {
    let names: Vec<String> = held
        .keys()
        .take(NAMED)
        .map(|(dataset, id)| format!("{id} in {dataset}"))
        .collect();
    let more = held.len().saturating_sub(names.len());
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Failure::new(
        Kind::Usage,
        format!(
            "{wanted:?} names {} rows or candidates: {}{tail}",
            held.len(),
            names.join(", ")
        ),
    )
    .hint("give more of the id, or one folder with `--in`")
}

fn none(
    wanted: &str,
    seen: usize,
    folders: &[PathBuf],
    nearest: &BTreeSet<(std::cmp::Reverse<usize>, String)>,
) -> Failure {
    let names: Vec<&str> = nearest.iter().take(3).map(|(_, id)| id.as_str()).collect();
    let failure = Failure::new(
        Kind::Usage,
        format!(
            "no row and no candidate is or begins with {wanted:?} in {seen} {} below {}",
            if seen == 1 { "version" } else { "versions" },
            listed(folders)
        ),
    );
    if names.is_empty() {
        failure
    } else {
        failure.hint(format!("the nearest ids are {}", names.join(", ")))
    }
}

fn listed(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    names.join(", ")
}

/// Whether an id begins so, with or without its `row_` or `cand_`.
fn begins(id: &str, wanted: &str) -> bool {
    id.starts_with(wanted)
        || id
            .split_once('_')
            .is_some_and(|(_, digits)| digits.starts_with(wanted))
}

/// How much of two ids is the same at the same place.
fn likeness(id: &str, wanted: &str) -> usize {
    let same = |id: &str| {
        id.chars()
            .zip(wanted.chars())
            .filter(|(one, other)| one == other)
            .count()
    };
    let digits = id.split_once('_').map_or(id, |(_, digits)| digits);
    same(id).max(same(digits))
}

/// All versions below folders: folders of versions, of datasets, or of several datasets. Each once.
pub(crate) fn versions_below(
    folders: &[PathBuf],
    printer: &Printer,
) -> Result<Vec<OpenVersion>, Failure> {
    let mut found: Vec<OpenVersion> = Vec::new();
    for folder in folders {
        if !folder.is_dir() {
            return Err(Failure::new(
                Kind::Config,
                format!("{}: there is no such folder", folder.display()),
            )
            .hint("name the folder that holds datasets, a dataset or a version with `--in`"));
        }
        if folder.join("manifest.json").is_file() {
            found.push(OpenVersion {
                manifest: read_manifest(folder)?,
                folder: folder.clone(),
            });
            continue;
        }
        let own = versions(folder)?;
        if !own.is_empty() {
            found.extend(own);
            continue;
        }
        for dataset in folders_in(folder)? {
            // One broken dataset must not hide the others.
            match versions(&dataset) {
                Ok(versions) => found.extend(versions),
                Err(error) => printer.say(&format!("passed over: {error}")),
            }
        }
    }
    let mut places = BTreeSet::new();
    found.retain(|version| places.insert(version.folder.clone()));
    Ok(found)
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |cause| Failure::unreadable(folder, &cause);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Every id in a version, rows first, each once.
fn ids(folder: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut found = BTreeSet::new();
    for_lines(&folder.join("data.jsonl"), |_, line| {
        if let Ok(row) = serde_json::from_str::<RowIds>(line) {
            found.extend(row.id);
            found.extend(row.metadata.and_then(|metadata| metadata.candidate));
        }
    })?;
    for_lines(&folder.join("rejected.jsonl"), |_, line| {
        if let Ok(reject) = serde_json::from_str::<RejectIds>(line) {
            found.extend(reject.candidate.and_then(|candidate| candidate.id));
        }
    })?;
    Ok(found)
}

/// Each line of a file with its number from 1, one at a time; nothing where there is no file.
pub(super) fn for_lines(path: &Path, mut act: impl FnMut(usize, &str)) -> Result<(), Failure> {
    let unreadable = |cause: std::io::Error| Failure::unreadable(path, &cause);
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(unreadable(cause)),
    };
    for (index, line) in BufReader::new(file).lines().enumerate() {
        act(index + 1, &line.map_err(unreadable)?);
    }
    Ok(())
}

/// A text in a JSON object, by the names that lead to it.
pub(super) fn text_at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter()
        .try_fold(value, |value, name| value.get(name))
        .and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_be_begun_with_or_without_their_word() {
        assert!(begins("row_0123abc", "row_01") && begins("row_0123abc", "0123"));
        assert!(!begins("row_0123abc", "123") && !begins("row_0123abc", "cand_0"));
        assert!(likeness("row_0123", "0124") > likeness("row_9923", "0124"));
    }
}
