//! What a path stands for: a file, a version of ours, a hub folder with its card, or a folder of any of these.
//!
//! Files come in the order of their names. What the path tells (family, behaviour, split) goes with each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::DatasetError;
use crate::import::card_configs::{Config, card_configs, matches};
use crate::version::read_manifest;

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub path: PathBuf,
    /// How rows name it.
    pub name: Arc<str>,
    /// The ending of its name, in lower case, without that of its packing.
    pub ending: String,
    /// The family, where the path tells.
    pub family: Option<Arc<str>>,
    /// The behaviour.
    pub behaviour: Arc<str>,
    /// The split, where name or card tell.
    pub split: Option<Arc<str>>,
}

/// Endings of files that hold rows.
const ENDINGS: [&str; 6] = ["jsonl", "ndjson", "json", "csv", "tsv", "parquet"];
/// Endings of packed files.
const PACKED: [&str; 4] = ["gz", "gzip", "zst", "zstd"];
/// Files that stand beside data and hold none.
const NO_DATA: [&str; 9] = [
    "manifest.json",
    "status.json",
    "run.json",
    "report.json",
    "croissant.json",
    "dataset_infos.json",
    "dataset_info.json",
    "state.json",
    "package.json",
];
/// How the schema of each of our manifests begins.
const OUR_SCHEMA: &str = "evalwright.manifest/";
/// Names of files that hubs take for splits, with the split.
const SPLITS: [(&str, &str); 6] = [
    ("train", "train"),
    ("test", "test"),
    ("validation", "validation"),
    ("valid", "validation"),
    ("val", "validation"),
    ("dev", "validation"),
];
/// How deep folders are looked into.
pub(crate) const DEPTH: usize = 16;

/// The files behind some paths.
///
/// # Errors
/// When a path is not there or cannot be read, or no file with data is found under it.
pub(crate) fn targets(paths: &[PathBuf]) -> Result<Vec<Target>, DatasetError> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        let metadata =
            std::fs::metadata(path).map_err(|source| DatasetError::from_read(path, source))?;
        if metadata.is_dir() {
            folder(path, 0, &mut found)?;
        } else {
            found.push(file(path, None, None));
        }
        if found.len() == before {
            return Err(DatasetError::NoData { path: path.clone() });
        }
    }
    Ok(found)
}

fn folder(path: &Path, depth: usize, found: &mut Vec<Target>) -> Result<(), DatasetError> {
    if is_version(path) {
        let manifest = read_manifest(path)?;
        let mut target = file(&path.join("data.jsonl"), Some(&manifest.dataset), None);
        target.family = Some(Arc::from(manifest.kind.name.as_str()));
        found.push(target);
        return Ok(());
    }
    let unreadable = |source| DatasetError::from_read(path, source);
    let card = std::fs::read_to_string(path.join("README.md")).unwrap_or_default();
    let configs = card_configs(&card);
    if !configs.is_empty() {
        return hub(path, &configs, found);
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?);
    }
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link to a folder could lead around in a circle; a link to a file is one.
        let kind = entry.file_type().map_err(unreadable)?;
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            if depth < DEPTH {
                folder(&entry.path(), depth + 1, found)?;
            }
        } else if is_data(&name) && entry.path().is_file() {
            found.push(file(&entry.path(), None, None));
        }
    }
    Ok(())
}

/// Whether a folder is a version of ours. Manifests of other tools bear the same name, so what it says counts.
fn is_version(path: &Path) -> bool {
    let manifest = std::fs::read(path.join("manifest.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    says_version(&manifest) && path.join("data.jsonl").is_file()
}

/// Whether a manifest calls itself one of ours.
pub(crate) fn says_version(manifest: &serde_json::Value) -> bool {
    let schema = manifest.get("schema").and_then(serde_json::Value::as_str);
    schema.is_some_and(|schema| schema.starts_with(OUR_SCHEMA))
}

/// The files that a card lists, each under its configuration's name and split.
pub(crate) fn hub(
    path: &Path,
    configs: &[Config],
    found: &mut Vec<Target>,
) -> Result<(), DatasetError> {
    let mut files = Vec::new();
    all_files(path, "", 0, &mut files)?;
    let before = found.len();
    for config in configs {
        for (split, pattern) in &config.files {
            let pattern = pattern.trim_start_matches("./");
            for name in files.iter().filter(|name| matches(pattern, name)) {
                let behaviour =
                    (configs.len() > 1 || config.name != "default").then_some(config.name.as_str());
                found.push(file(&path.join(name), behaviour, split.as_deref()));
            }
        }
    }
    if found.len() == before {
        return Err(DatasetError::CardWithoutFiles {
            path: path.join("README.md"),
        });
    }
    Ok(())
}

/// All files below a folder by relative name with `/`, sorted.
fn all_files(
    path: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<String>,
) -> Result<(), DatasetError> {
    let unreadable = |source| DatasetError::from_read(path, source);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?);
    }
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if depth < DEPTH {
                all_files(&entry.path(), &format!("{relative}/"), depth + 1, files)?;
            }
        } else if relative != "README.md" {
            files.push(relative);
        }
    }
    Ok(())
}

pub(crate) fn is_data(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !NO_DATA.contains(&name.as_str()) && ENDINGS.contains(&ending(&name).as_str())
}

/// The ending of a name without that of its packing.
fn ending(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let mut parts = name.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let chosen = if PACKED.contains(&last) {
        parts.next().unwrap_or_default()
    } else {
        last
    };
    chosen.to_owned()
}

/// The name of a file without its endings.
fn stem(name: &str) -> &str {
    let mut stem = name;
    while let Some((rest, last)) = stem.rsplit_once('.') {
        let last = last.to_ascii_lowercase();
        if rest.is_empty() || !(PACKED.contains(&last.as_str()) || ENDINGS.contains(&last.as_str()))
        {
            break;
        }
        stem = rest;
    }
    stem
}

pub(crate) fn file(path: &Path, behaviour: Option<&str>, split: Option<&str>) -> Target {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let behaviour = behaviour.unwrap_or_else(|| stem(&name));
    Target {
        path: path.to_path_buf(),
        name: Arc::from(path.to_string_lossy()),
        ending: ending(&name),
        family: family(path).map(Arc::from),
        behaviour: Arc::from(behaviour),
        split: split.or_else(|| split_of(&name)).map(Arc::from),
    }
}

/// The split that a name stands for: `train.jsonl`, `test-00000-of-00003.parquet`.
fn split_of(name: &str) -> Option<&'static str> {
    let word = stem(name).split('-').next()?;
    SPLITS
        .iter()
        .find_map(|(known, split)| (*known == word).then_some(*split))
}

/// The family of a published file, by its folder or name; none for any other.
fn family(path: &Path) -> Option<&'static str> {
    let name = path.file_stem()?.to_str()?;
    if name.starts_with("winogenerated_examples") {
        return Some("winogenerated/examples");
    }
    if name.starts_with("winogenerated_occupations") {
        return Some("winogenerated/occupations");
    }
    match path.parent()?.file_name()?.to_str()? {
        "persona" => Some("persona"),
        "lm_generated_evals" => Some("advanced-ai-risk/lm"),
        "human_generated_evals" => Some("advanced-ai-risk/human"),
        "prompts_for_few_shot_generation" => Some("advanced-ai-risk/few-shot"),
        "sycophancy" => Some("sycophancy"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ending, family, is_data, split_of, stem};
    use std::path::Path;

    #[test]
    fn names_tell_endings_families_and_behaviours() {
        assert_eq!(ending("a.b.JSONL.gz"), "jsonl");
        assert_eq!(ending("a"), "a");
        assert_eq!(stem("a.b.jsonl.zst"), "a.b");
        assert_eq!(stem(".jsonl"), ".jsonl");
        assert!(is_data("x.csv") && !is_data("manifest.json") && !is_data("README.md"));
        assert_eq!(family(Path::new("x/persona/a.jsonl")), Some("persona"));
        assert_eq!(family(Path::new("a.jsonl")), None);
        assert_eq!(split_of("test-00000-of-00003.parquet"), Some("test"));
        assert_eq!(
            (split_of("dev.jsonl"), split_of("tested.csv")),
            (Some("validation"), None)
        );
    }
}
