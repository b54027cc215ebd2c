//! Writing files by relative path into a folder that the user named.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};

/// Writes each file below the folder, and the folders that it needs. What was written before a failure stays.
pub(crate) fn write_files(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for (name, bytes) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|cause| Failure::unwritable(parent, &cause))?;
        }
        std::fs::write(&path, bytes).map_err(|cause| Failure::unwritable(&path, &cause))?;
    }
    Ok(())
}

/// Writes a folder whole or not at all: everything is written and synced beside it under another name, which then
/// becomes its name. What stood there before stays until the new one is complete, and comes back if that fails.
///
/// What writers that were killed left beside it is cleared away: a folder that one of them had moved aside comes back first
/// where nothing has its name. A folder at work is locked by its process, so what can be locked belongs to nobody.
///
/// Whoever calls has made sure that what stands there may go.
pub(crate) fn replace_folder(
    folder: &Path,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(), Failure> {
    // A name that is a link stays one: what it leads to is replaced.
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let name = real.file_name().ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("{} is no name of a folder", folder.display()),
        )
    })?;
    let above = match real.parent() {
        Some(above) if !above.as_os_str().is_empty() => above.to_path_buf(),
        _ => PathBuf::from("."),
    };
    std::fs::create_dir_all(&above).map_err(|cause| Failure::unwritable(&above, &cause))?;
    clear_leftovers(&above, name, &real)?;
    let beside = |word: &str| {
        let mut hidden = OsString::from(format!(".{word}-{}-", std::process::id()));
        hidden.push(name);
        above.join(hidden)
    };
    let (new, old) = (beside(WRITING), beside(REPLACED));
    std::fs::create_dir_all(&new).map_err(|cause| Failure::unwritable(&new, &cause))?;
    let _at_work = (locked(&new), locked(&real));
    write_files(&new, files)
        .and_then(|()| sync(&new, files))
        .and_then(|()| exchange(&new, &real, &old))
        .inspect_err(|_| {
            // The first failure is the one to report.
            std::fs::remove_dir_all(&new).ok();
        })
}

const WRITING: &str = "writing";
const REPLACED: &str = "replaced";

/// The folder, locked as long as the value lives; nothing where another process holds it, or where the system does not
/// lock folders.
fn locked(folder: &Path) -> Option<std::fs::File> {
    let file = std::fs::File::open(folder).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// Removes what was being written, and what was moved aside, for the folder `place` called `name` by processes that are
/// gone.
fn clear_leftovers(above: &Path, name: &OsStr, place: &Path) -> Result<(), Failure> {
    let unreadable = |cause| Failure::unreadable(above, &cause);
    for entry in std::fs::read_dir(above).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(word) = path.file_name().and_then(|hidden| leftover(hidden, name)) else {
            continue;
        };
        let Some(_of_nobody) = locked(&path) else {
            continue;
        };
        let is_only_copy = word == REPLACED && std::fs::symlink_metadata(place).is_err();
        let cleared = if is_only_copy {
            std::fs::rename(&path, place)
        } else {
            std::fs::remove_dir_all(&path)
        };
        cleared.map_err(|cause| Failure::unwritable(&path, &cause))?;
    }
    Ok(())
}

/// Whether a name is that of a folder which [`replace_folder`] had in work for `name`, and in which part of its work.
fn leftover(hidden: &OsStr, name: &OsStr) -> Option<&'static str> {
    let (hidden, name) = (hidden.to_str()?, name.to_str()?);
    [WRITING, REPLACED].into_iter().find(|word| {
        hidden
            .strip_prefix(&format!(".{word}-"))
            .and_then(|rest| rest.split_once('-'))
            .is_some_and(|(process, rest)| process.parse::<u32>().is_ok() && rest == name)
    })
}

fn sync(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for name in files.keys() {
        let path = folder.join(name);
        std::fs::File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|cause| Failure::unwritable(&path, &cause))?;
    }
    Ok(())
}

/// Gives `new` the name `place`. What has that name gets the name `old` first, and is removed in the end.
fn exchange(new: &Path, place: &Path, old: &Path) -> Result<(), Failure> {
    let is_there = std::fs::symlink_metadata(place).is_ok();
    if is_there {
        std::fs::rename(place, old).map_err(|cause| Failure::unwritable(place, &cause))?;
    }
    if let Err(cause) = std::fs::rename(new, place) {
        if is_there {
            std::fs::rename(old, place).ok();
        }
        return Err(Failure::unwritable(place, &cause));
    }
    if is_there {
        std::fs::remove_dir_all(old).map_err(|cause| Failure::unwritable(old, &cause))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::from([("page.html".to_owned(), text.as_bytes().to_vec())])
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_killed_writers_left_goes_and_what_lives_or_belongs_to_others_stays() {
        let above = tempfile::tempdir().unwrap();
        let above = above.path();
        for name in [
            ".writing-7-site",
            ".replaced-7-site",
            ".writing-8-site",
            ".writing-7-other",
            ".writing-x-site",
            ".writing-7",
            "site",
        ] {
            std::fs::create_dir(above.join(name)).unwrap();
            std::fs::write(above.join(name).join("page.html"), name).unwrap();
        }
        let at_work = locked(&above.join(".writing-8-site"));
        assert!(at_work.is_some());
        replace_folder(&above.join("site"), &files("new")).unwrap();
        assert_eq!(
            names(above),
            [
                ".writing-7",
                ".writing-7-other",
                ".writing-8-site",
                ".writing-x-site",
                "site"
            ]
        );
        let page = std::fs::read_to_string(above.join("site/page.html")).unwrap();
        assert_eq!(page, "new");
    }

    #[test]
    fn a_folder_that_was_moved_aside_by_a_killed_writer_comes_back_where_the_next_one_fails() {
        let above = tempfile::tempdir().unwrap();
        let above = above.path();
        let aside = above.join(".replaced-7-site");
        std::fs::create_dir(&aside).unwrap();
        std::fs::write(aside.join("page.html"), "old").unwrap();
        // A file below a file cannot be written.
        let mut wrong = files("new");
        wrong.insert("page.html/below".to_owned(), Vec::new());
        assert!(replace_folder(&above.join("site"), &wrong).is_err());
        assert_eq!(names(above), ["site"]);
        let page = std::fs::read_to_string(above.join("site/page.html")).unwrap();
        assert_eq!(page, "old");
    }
}
