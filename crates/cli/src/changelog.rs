//! `CHANGELOG.md` beside the versions of a dataset: what each one has otherwise than the one it was made from.
//!
//! A section is written once, when its version is published, and kept as it is from then on; a version without one gets
//! it the next time. The head, with what was dropped or renamed, is written anew each time.

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::Seed;
use evalwright_dataset::card::escaped;
use evalwright_dataset::import::{ReadOptions, read_all};
use evalwright_dataset::{
    DatasetLock, OpenVersion, StatusLog, Version, utc_date, versions, write_beside,
};
use evalwright_report::{Compared, DiffRow, Difference, compare};

use crate::commands::diff::row;
use crate::failure::Failure;

/// The file's name in the dataset's folder.
pub(crate) const CHANGELOG_FILE: &str = "CHANGELOG.md";

/// Brings the changelog of a dataset up to date; `notes` are further lines for the section of the newest version.
/// A dataset whose versions have no parents has none, unless one of them was dropped or renamed.
pub(crate) fn update(lock: &DatasetLock, dataset: &Path, notes: &[String]) -> Result<(), Failure> {
    let published = versions(dataset)?;
    let log = StatusLog::read(dataset)?;
    let has_news = published
        .iter()
        .any(|version| version.manifest.parent.is_some())
        || !log.changes.is_empty();
    let Some(newest) = published.last().filter(|_| has_news) else {
        return Ok(());
    };
    let path = dataset.join(CHANGELOG_FILE);
    let existing = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(cause) => return Err(Failure::unreadable(&path, &cause)),
    };
    let kept = sections(&existing);
    let mut text = head(&newest.manifest.dataset, &log);
    for (place, version) in published.iter().enumerate().rev() {
        let number = &version.manifest.version;
        text.push_str(&format!("\n## {number}\n"));
        if let Some(body) = kept.get(number.as_str()) {
            text.push_str(body);
            continue;
        }
        let notes = if place + 1 == published.len() {
            notes
        } else {
            &[]
        };
        text.push_str(&section(version, &published, notes)?);
    }
    write_beside(lock, dataset, CHANGELOG_FILE, text.as_bytes())?;
    Ok(())
}

fn head(dataset: &str, log: &StatusLog) -> String {
    let mut text = format!(
        "# Changes of {}\n\nWritten when a version is published. MAJOR: a row means something else; MINOR: other rows; \
         PATCH: other words about them.\n",
        escaped(dataset)
    );
    if !log.changes.is_empty() {
        text.push('\n');
    }
    for change in &log.changes {
        let to = change
            .to
            .as_ref()
            .map_or_else(String::new, |to| format!(" to {}", escaped(to)));
        text.push_str(&format!(
            "- {}: {} **{}**{to}: {}\n",
            utc_date(change.at_unix_seconds),
            escaped(&change.version),
            change.status,
            escaped(&change.reason)
        ));
    }
    text
}

/// The bodies of the sections that are there, by version, from the line after the heading to the blank line before the
/// next one.
fn sections(text: &str) -> BTreeMap<&str, String> {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    let mut current: Option<&str> = None;
    for line in text.lines() {
        let heading = line
            .strip_prefix("## ")
            .filter(|number| Version::parse(number).is_some());
        if let Some(number) = heading {
            current = Some(number);
            found.insert(number, String::new());
        } else if let Some(body) = current.and_then(|number| found.get_mut(number)) {
            body.push_str(line);
            body.push('\n');
        }
    }
    for body in found.values_mut() {
        *body = format!("{}\n", body.trim_end());
    }
    found
}

fn section(
    version: &OpenVersion,
    published: &[OpenVersion],
    notes: &[String],
) -> Result<String, Failure> {
    let manifest = &version.manifest;
    let Some(parent) = &manifest.parent else {
        return Ok(format!(
            "\nThe first version: {} rows.\n",
            rows(version)?.len()
        ));
    };
    let mut text = format!("\nMade from {}.\n", escaped(&parent.version));
    if let Some(fix) = manifest
        .fixes
        .last()
        .filter(|fix| fix.version == manifest.version)
    {
        text.push_str(&format!("\nA fix: {}\n", escaped(&fix.reason)));
    }
    let before = published
        .iter()
        .find(|other| other.manifest.content == Some(parent.content));
    let Some(before) = before else {
        text.push_str("\nThat version is not here, so what changed is not known.\n");
        return Ok(text);
    };
    text.push('\n');
    text.push_str(&between(before, version)?.changelog(notes));
    Ok(text)
}

/// What two versions of a dataset have otherwise.
pub(crate) fn between(before: &OpenVersion, after: &OpenVersion) -> Result<Difference, Failure> {
    let (old, new) = (rows(before)?, rows(after)?);
    Ok(compare(
        Compared {
            name: &before.manifest.version,
            rows: &old,
            manifest: Some(&before.manifest),
        },
        Compared {
            name: &after.manifest.version,
            rows: &new,
            manifest: Some(&after.manifest),
        },
        Seed(1),
    ))
}

fn rows(version: &OpenVersion) -> Result<Vec<DiffRow>, Failure> {
    let imported = read_all(
        std::slice::from_ref(&version.folder),
        &ReadOptions::default(),
    )?;
    Ok(imported.rows.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::sections;

    #[test]
    fn sections_are_found_by_their_version_and_keep_their_lines() {
        let text =
            "# Changes\n\n- a\n\n## 1.1.0\n\none\n\n## no version\ntwo\n\n## 1.0.0\n\nthree\n";
        let found = sections(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found["1.1.0"], "\none\n\n## no version\ntwo\n");
        assert_eq!(found["1.0.0"], "\nthree\n");
    }
}
