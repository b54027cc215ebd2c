//! A kind's folder as texts by name, from the binary or from the disk.
//!
//! A folder is read whole and once; afterwards nothing can reach a file outside it, since nothing that
//! renders or checks a kind ever opens a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use evalwright_templates::KINDS;

use crate::error::RecipeError;
use crate::kind::Origin;

/// A kind's folder: file names (`gold/examples.jsonl` for a subfolder) and their texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindFolder {
    /// Where the files came from.
    pub origin: Origin,
    /// The folder's name.
    pub name: String,
    /// The texts by file name.
    pub files: BTreeMap<String, String>,
}

/// The kinds inside the binary, sorted by name.
#[must_use]
pub fn builtin_kinds() -> Vec<KindFolder> {
    KINDS
        .iter()
        .map(|kind| KindFolder {
            origin: Origin::BuiltIn,
            name: kind.name.to_owned(),
            files: kind
                .files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
        })
        .collect()
}

/// The folder of a kind by name. A project's folder goes before a built-in one of the same name.
///
/// # Errors
/// [`RecipeError::UnknownKind`] with the names of all kinds.
pub fn find_kind<'f>(folders: &'f [KindFolder], name: &str) -> Result<&'f KindFolder, RecipeError> {
    folders
        .iter()
        .filter(|folder| folder.name == name)
        .min_by_key(|folder| folder.origin == Origin::BuiltIn)
        .ok_or_else(|| {
            let mut known: Vec<String> = folders.iter().map(|folder| folder.name.clone()).collect();
            known.sort();
            known.dedup();
            RecipeError::UnknownKind {
                name: name.to_owned(),
                known,
            }
        })
}

/// The largest file of a kind, in bytes.
const LARGEST_FILE: u64 = 4 << 20;
/// The most files of a kind.
const MOST_FILES: usize = 1000;
/// The deepest subfolder.
const DEEPEST: usize = 8;

/// Reads a project's kind folder. Hidden files are left out.
///
/// # Errors
/// When something cannot be read, is not UTF-8, is a link that leaves the folder, or when the folder holds
/// more than 1,000 files, a file over 4 MiB or subfolders more than 8 deep.
pub fn read_kind_folder(path: &Path) -> Result<KindFolder, RecipeError> {
    let root = fs::canonicalize(path).map_err(|cause| unreadable(path, cause))?;
    let name = root
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| problem(path, "the folder has no name in UTF-8"))?
        .to_owned();
    let mut files = BTreeMap::new();
    collect(&root, path, "", 0, &mut files)?;
    Ok(KindFolder {
        origin: Origin::Project,
        name,
        files,
    })
}

fn collect(
    root: &Path,
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, String>,
) -> Result<(), RecipeError> {
    if depth > DEEPEST {
        return Err(problem(
            folder,
            &format!("subfolders are more than {DEEPEST} deep"),
        ));
    }
    for entry in fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))? {
        let path = entry.map_err(|cause| unreadable(folder, cause))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(problem(folder, "a file name is not UTF-8; rename it"));
        };
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        let target = fs::canonicalize(&path).map_err(|cause| unreadable(&path, cause))?;
        if !target.starts_with(root) {
            return Err(problem(
                folder,
                &format!("`{name}` is a link that leaves the kind's folder; copy the file instead"),
            ));
        }
        if target.is_dir() {
            collect(root, &path, &format!("{name}/"), depth + 1, files)?;
            continue;
        }
        let facts = fs::metadata(&target).map_err(|cause| unreadable(&path, cause))?;
        if !facts.is_file() {
            return Err(problem(folder, &format!("`{name}` is no regular file")));
        }
        if facts.len() > LARGEST_FILE {
            return Err(problem(folder, &format!("`{name}` is larger than 4 MiB")));
        }
        if files.len() >= MOST_FILES {
            return Err(problem(
                folder,
                &format!("there are more than {MOST_FILES} files"),
            ));
        }
        let bytes = fs::read(&target).map_err(|cause| unreadable(&path, cause))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| problem(folder, &format!("`{name}` is not UTF-8; save it as UTF-8")))?;
        files.insert(name, text);
    }
    Ok(())
}

fn unreadable(path: &Path, cause: std::io::Error) -> RecipeError {
    RecipeError::Unreadable {
        path: path.to_owned(),
        cause,
    }
}

fn problem(folder: &Path, problem: &str) -> RecipeError {
    RecipeError::Folder {
        folder: folder.display().to_string(),
        problem: problem.to_owned(),
    }
}
