//! A folder's files as values, so that a test can say that not one byte differs.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::TestingError;

/// Every file below a folder: its path from there, with `/` between parts, and its bytes. Folders
/// without a file in them don't show.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn read_tree(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, TestingError> {
    let mut files = BTreeMap::new();
    read_below(folder, "", &mut files)?;
    Ok(files)
}

fn read_below(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), TestingError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| TestingError::File {
            action: "read",
            path,
            source,
        }
    };
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            read_below(&path, &format!("{name}/"), files)?;
        } else {
            files.insert(name, std::fs::read(&path).map_err(failed(&path))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::read_tree;

    #[test]
    fn files_of_inner_folders_come_with_their_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/empty")).unwrap();
        std::fs::write(folder.path().join("a/b"), "1").unwrap();
        std::fs::write(folder.path().join("c"), "2").unwrap();
        let tree = read_tree(folder.path()).unwrap();
        let expected = [("a/b", b"1"), ("c", b"2")];
        assert!(
            tree.iter()
                .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
                .eq(expected.map(|(name, bytes)| (name, bytes.as_slice())))
        );
        assert!(read_tree(&folder.path().join("none")).is_err());
    }
}
