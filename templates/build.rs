//! Writes the table of built-in kinds: every folder beside this file that holds a `kind.toml`.
//!
//! Adding a kind is adding a folder; no list is kept by hand. Names are sorted, so the table does not
//! depend on the order in which the file system gives them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    // The whole folder: a new kind has to be noticed too.
    println!("cargo::rerun-if-changed=.");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut table = String::from("pub(crate) static KINDS: &[EmbeddedKind] = &[\n");
    for folder in sorted_entries(&root)? {
        if !folder.join("kind.toml").is_file() {
            continue;
        }
        let name = file_name(&folder)?;
        writeln!(
            table,
            "    EmbeddedKind {{\n        name: {name:?},\n        files: &["
        )?;
        let mut files = Vec::new();
        collect(&folder, "", &mut files)?;
        for (relative, path) in files {
            let path = path.to_str().ok_or("a template path is not UTF-8")?;
            writeln!(table, "            ({relative:?}, include_str!({path:?})),")?;
        }
        table.push_str("        ],\n    },\n");
    }
    table.push_str("];\n");
    let target = PathBuf::from(env::var("OUT_DIR")?).join("kinds.rs");
    fs::write(target, table)?;
    Ok(())
}

/// The files below a folder as (name with `/`, path), sorted by name; hidden ones are left out.
fn collect(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), Box<dyn Error>> {
    for path in sorted_entries(folder)? {
        let name = format!("{prefix}{}", file_name(&path)?);
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !file_name(&path)?.starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> Result<&str, Box<dyn Error>> {
    path.file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| format!("{} has no UTF-8 name", path.display()).into())
}
