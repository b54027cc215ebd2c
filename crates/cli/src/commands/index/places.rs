//! What stands under the named folders, each thing once, named the same on every machine.
//!
//! A place begins with the name of the folder that was named. Where two have one name, so much of the path above goes
//! before it that they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evalwright_dataset::import::{Listed, list};
use evalwright_report::index::{INDEX_FILE, Problem};
use serde_json::Value;

use crate::failure::Failure;

/// How the schema of each of our sites begins.
const SITE_SCHEMA: &str = "evalwright.index/";

/// Something with rows and its name.
pub(super) struct Place {
    /// How it is shown.
    pub(super) name: String,
    /// The folder that holds it: the same for the versions of one dataset. It is shown nowhere.
    pub(super) home: String,
    /// What it is.
    pub(super) listed: Listed,
}

/// Everything with rows under the paths, in the order of names, and what could not be looked at.
///
/// # Errors
/// When a path is not there.
pub(super) fn places(paths: &[PathBuf]) -> Result<(Vec<Place>, Vec<Problem>), Failure> {
    let mut roots = BTreeSet::new();
    for path in paths {
        let root =
            std::fs::canonicalize(path).map_err(|cause| Failure::unreadable(path, &cause))?;
        roots.insert(root);
    }
    let roots: Vec<PathBuf> = roots.into_iter().collect();
    let names = root_names(&roots);
    let mut found: BTreeMap<(String, String), Place> = BTreeMap::new();
    let mut seen: BTreeSet<(PathBuf, Option<String>)> = BTreeSet::new();
    let mut problems = Vec::new();
    // An outer folder comes before those inside it, so what both hold is named from the outer one.
    for (root, name) in roots.iter().zip(&names) {
        let listing = list(root, &is_passed_over);
        if listing.found.is_empty() && listing.unlisted.is_empty() {
            problems.push(Problem {
                place: name.clone(),
                line: None,
                problem: "no version and no file with rows in it".to_owned(),
            });
        }
        for one in listing.unlisted {
            problems.push(Problem {
                place: below(root, name, &one.path),
                line: None,
                // The place says where, and a message must not show the machine's own paths.
                problem: one.problem.replace(&root.display().to_string(), name),
            });
        }
        for mut listed in listing.found {
            let path = listed.path().to_path_buf();
            let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            let behaviour = match &listed {
                Listed::File(target) => Some(target.behaviour.to_string()),
                Listed::Version(_) => None,
            };
            if !seen.insert((real.clone(), behaviour.clone())) {
                continue;
            }
            let place = below(root, name, &path);
            if let Listed::File(target) = &mut listed {
                target.name = Arc::from(place.as_str());
            }
            let home = real.parent().map(|home| home.display().to_string());
            found.insert(
                (place.clone(), behaviour.clone().unwrap_or_default()),
                Place {
                    name: place,
                    home: home.unwrap_or_default(),
                    listed,
                },
            );
        }
    }
    Ok((named_apart(found), problems))
}

/// One file may stand for several datasets of a hub's card; then the dataset's name goes behind the place.
fn named_apart(found: BTreeMap<(String, String), Place>) -> Vec<Place> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in found.keys() {
        *times.entry(name.clone()).or_default() += 1;
    }
    found
        .into_iter()
        .map(|((name, behaviour), place)| {
            if times.get(&name).is_some_and(|times| *times > 1) {
                Place {
                    name: format!("{name} ({behaviour})"),
                    ..place
                }
            } else {
                place
            }
        })
        .collect()
}

/// The last parts of each root, as many as it takes for no two to be alike.
fn root_names(roots: &[PathBuf]) -> Vec<String> {
    let parts: Vec<Vec<String>> = roots
        .iter()
        .map(|root| {
            root.iter()
                .map(|part| part.to_string_lossy().into_owned())
                .filter(|part| part != "/")
                .collect()
        })
        .collect();
    let last = |parts: &[String], count: usize| {
        let from = parts.len().saturating_sub(count);
        parts
            .iter()
            .skip(from)
            .cloned()
            .collect::<Vec<_>>()
            .join("/")
    };
    parts
        .iter()
        .enumerate()
        .map(|(place, mine)| {
            let is_alone = |count: usize| {
                let name = last(mine, count);
                parts
                    .iter()
                    .enumerate()
                    .all(|(other, theirs)| other == place || last(theirs, count) != name)
            };
            let count = (1..=mine.len()).find(|count| is_alone(*count));
            last(mine, count.unwrap_or(mine.len()))
        })
        .collect()
}

fn below(root: &Path, name: &str, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.iter().fold(name.to_owned(), |mut place, part| {
        if !place.is_empty() {
            place.push('/');
        }
        place.push_str(&part.to_string_lossy());
        place
    })
}

/// Sites of this command, and the charts beside a report: tables that are no datasets.
fn is_passed_over(folder: &Path) -> bool {
    let is_charts = folder.file_name().is_some_and(|name| name == "charts");
    let has_report = folder
        .parent()
        .is_some_and(|above| above.join("report.json").is_file());
    (is_charts && has_report) || site(folder).is_some()
}

/// The document of a site of ours in a folder.
pub(super) fn site(folder: &Path) -> Option<Value> {
    let bytes = std::fs::read(folder.join(INDEX_FILE)).ok()?;
    let document: Value = serde_json::from_slice(&bytes).ok()?;
    let is_ours = document
        .get("schema")
        .and_then(Value::as_str)
        .is_some_and(|schema| schema.starts_with(SITE_SCHEMA));
    is_ours.then_some(document)
}

/// All files below a folder as relative names with `/`. An empty folder counts as a file, so that none goes unseen.
pub(super) fn files_below(folder: &Path, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
    let mut is_empty = true;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        is_empty = false;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files_below(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push(name);
        }
    }
    if is_empty && !prefix.is_empty() {
        found.push(prefix.to_owned());
    }
    found.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::root_names;
    use std::path::PathBuf;

    #[test]
    fn roots_are_named_by_as_little_as_tells_them_apart() {
        let names =
            |roots: &[&str]| root_names(&roots.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["/home/me/generated"]), ["generated"]);
        assert_eq!(
            names(&["/a/one/generated", "/a/two/generated", "/b/rows"]),
            ["one/generated", "two/generated", "rows"]
        );
        assert_eq!(names(&["/a", "/b/a"]), ["a", "b/a"]);
    }
}
