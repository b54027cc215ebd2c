//! Everything that is wrong with a published version, not only the first.
//!
//! A version can be checked from its folder alone: hashes and seal say whether a byte changed, rows and rejects
//! whether the counts are true, and a parent beside it whether it is still the one that the version came from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use evalwright_core::{ContentHash, Row};
use serde::Serialize;

use crate::error::DatasetError;
use crate::import::IMPORTED_KIND;
use crate::manifest::Manifest;
use crate::publish::{MANIFEST_FILE, RUN_FILE, content_hash};
use crate::rows::{read_records, read_rejects, read_rows};
use crate::verify::list_files;
use crate::version::read_manifest;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, relative to the version's folder.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a check of a version found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Findings {
    /// What is wrong, by file; empty for a version that is as it was published.
    pub faults: Vec<Fault>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
    /// Files whose hash was compared.
    pub files: u64,
    /// Rows that were read.
    pub rows: u64,
    /// Rejects that were read.
    pub rejects: u64,
    /// Whether all files were made again from stored replies and compared as well.
    pub rebuilt: bool,
}

impl Findings {
    fn add(&mut self, file: &str, problem: impl Into<String>) {
        self.faults.push(Fault {
            file: file.to_owned(),
            problem: problem.into(),
        });
    }
}

/// Checks a version's folder: manifest and seal, every file, every row, the counts, the parent. A manifest that
/// cannot be read is a fault, and then nothing else can be checked.
///
/// # Errors
/// When the folder itself is not there or cannot be listed.
pub fn find_faults(folder: &Path) -> Result<Findings, DatasetError> {
    let mut present = BTreeSet::new();
    list_files(folder, "", &mut present)?;
    let mut findings = Findings::default();
    let manifest = match read_manifest(folder) {
        Ok(manifest) => manifest,
        Err(error) => {
            findings.add(MANIFEST_FILE, sentence(&error));
            return Ok(findings);
        }
    };
    seal(folder, &manifest, &mut findings);
    place(folder, &manifest, &mut findings);
    files(folder, &manifest, present, &mut findings);
    rows(folder, &manifest, &mut findings);
    rejects(folder, &manifest, &mut findings);
    parent(folder, &manifest, &mut findings);
    canary(folder, &manifest, &mut findings);
    Ok(findings)
}

/// An error with its causes in one line.
pub(crate) fn sentence(error: &DatasetError) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

/// The card must tell the string by which the dataset is found in a training corpus.
fn canary(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    if !manifest.files.contains_key(CARD) {
        return;
    }
    let card = std::fs::read_to_string(folder.join(CARD)).unwrap_or_default();
    if manifest.canary.is_empty() || !card.contains(&manifest.canary) {
        findings.add(
            CARD,
            format!(
                "it does not hold the canary {:?} of the manifest, by which the dataset is found in other texts",
                manifest.canary
            ),
        );
    }
}

fn seal(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    let on_disk = std::fs::read(folder.join(MANIFEST_FILE)).unwrap_or_default();
    match (manifest.seal, manifest.sealed_by(), manifest.bytes()) {
        (None, _, _) => findings.unchecked.push(format!(
            "{MANIFEST_FILE} has no seal: only the hashes in it could be checked, not the rest of it"
        )),
        (Some(seal), Ok(expected), Ok(bytes)) => {
            if seal != expected {
                findings.add(
                    MANIFEST_FILE,
                    format!("its seal is {seal}, and what it says gives {expected}"),
                );
            } else if bytes != on_disk {
                findings.add(
                    MANIFEST_FILE,
                    "its bytes are not those that were published, though it says the same",
                );
            }
        }
        (_, Err(error), _) | (_, _, Err(error)) => findings.add(MANIFEST_FILE, sentence(&error)),
    }
}

fn place(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    let Ok(folder) = std::fs::canonicalize(folder) else {
        return;
    };
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned())
    };
    if let Some(number) = name(Some(&folder)).filter(|number| *number != manifest.version) {
        findings.add(
            MANIFEST_FILE,
            format!(
                "it states version {} and its folder is named {number}",
                manifest.version
            ),
        );
    }
}

fn files(
    folder: &Path,
    manifest: &Manifest,
    mut present: BTreeSet<String>,
    findings: &mut Findings,
) {
    for (name, record) in &manifest.files {
        if !present.remove(name) {
            findings.add(name, "the file is missing");
            continue;
        }
        match std::fs::read(folder.join(name)) {
            Ok(bytes) => {
                findings.files += 1;
                let hash = ContentHash::of(&bytes);
                if bytes.len() as u64 != record.bytes {
                    findings.add(
                        name,
                        format!(
                            "it has {} bytes and the manifest says {}",
                            bytes.len(),
                            record.bytes
                        ),
                    );
                } else if hash != record.sha256 {
                    let twin = manifest
                        .files
                        .iter()
                        .find(|(_, other)| other.sha256 == hash);
                    findings.add(
                        name,
                        match twin {
                            Some((twin, _)) => format!("it holds what {twin} should hold"),
                            None => "its SHA-256 is not the one in the manifest".to_owned(),
                        },
                    );
                }
            }
            Err(error) => findings.add(name, format!("it cannot be read: {error}")),
        }
    }
    present.remove(MANIFEST_FILE);
    present.remove(RUN_FILE);
    for name in present {
        findings.add(&name, "the manifest does not list this file");
    }
    let content = content_hash(&manifest.files);
    if manifest.content != Some(content) {
        findings.add(
            MANIFEST_FILE,
            format!("its content hash is not that of its files, {content}"),
        );
    }
}

const ROWS: &str = "data.jsonl";
const REJECTS: &str = "rejected.jsonl";
const CARD: &str = "README.md";

fn rows(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    if manifest.maps_fields() || manifest.kind.name == IMPORTED_KIND {
        records(folder, manifest, findings);
        return;
    }
    let rows = match read_rows(&folder.join(ROWS)) {
        Ok(rows) => rows,
        Err(error) => {
            findings.add(ROWS, sentence(&error));
            return;
        }
    };
    findings.rows = rows.len() as u64;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let line = index + 1;
        let expected = Row::identify(
            &row.question,
            &row.answer_matching_behavior,
            &row.answer_not_matching_behavior,
        );
        if row.id != expected {
            findings.add(
                ROWS,
                format!(
                    "line {line}: the id is {} and what the row says gives {expected}",
                    row.id
                ),
            );
        }
        if let Some(first) = seen.insert(&row.id, line) {
            findings.add(
                ROWS,
                format!("line {line}: the id {} stands in line {first} too", row.id),
            );
        }
    }
    let expected = manifest.funnel.accepted;
    if findings.rows != expected {
        findings.add(
            ROWS,
            format!(
                "it has {} rows and the manifest's funnel says {expected}",
                findings.rows
            ),
        );
    }
}

/// Rows with columns of their own: each is an object with an id that no other has. A kind may make several rows of one
/// candidate, always equally many.
fn records(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    let records = match read_records(&folder.join(ROWS)) {
        Ok(records) => records,
        Err(error) => {
            findings.add(ROWS, sentence(&error));
            return;
        }
    };
    findings.rows = records.len() as u64;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        let line = index + 1;
        let Some(id) = record.get("id").and_then(serde_json::Value::as_str) else {
            findings.add(ROWS, format!("line {line}: there is no id"));
            continue;
        };
        if let Some(first) = seen.insert(id, line) {
            findings.add(
                ROWS,
                format!("line {line}: the id {id} stands in line {first} too"),
            );
        }
        if let Some(column) = manifest
            .columns
            .iter()
            .find(|column| !record.contains_key(&column.name))
        {
            findings.add(
                ROWS,
                format!("line {line}: there is no column {:?}", column.name),
            );
        }
    }
    let accepted = manifest.funnel.accepted;
    let fits = if accepted == 0 {
        findings.rows == 0
    } else {
        findings.rows >= accepted && findings.rows.is_multiple_of(accepted)
    };
    if !fits {
        findings.add(
            ROWS,
            format!(
                "it has {} rows, which is no multiple of the {accepted} candidates of the manifest's funnel",
                findings.rows
            ),
        );
    }
}

fn rejects(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    let funnel = &manifest.funnel;
    // A version that was imported has no candidates that fell.
    if !manifest.files.contains_key(REJECTS) && funnel.rejected == 0 {
        return;
    }
    match read_rejects(&folder.join(REJECTS)) {
        Ok(rejects) => {
            findings.rejects = rejects.len() as u64;
            if findings.rejects != funnel.rejected {
                findings.add(
                    REJECTS,
                    format!(
                        "it has {} rejects and the manifest's funnel says {}",
                        findings.rejects, funnel.rejected
                    ),
                );
            }
        }
        Err(error) => findings.add(REJECTS, sentence(&error)),
    }
    if funnel.accepted + funnel.rejected + funnel.pending != funnel.asked {
        findings.add(
            MANIFEST_FILE,
            format!(
                "its funnel does not add up: {} accepted + {} rejected + {} pending is not {} asked",
                funnel.accepted, funnel.rejected, funnel.pending, funnel.asked
            ),
        );
    }
}

fn parent(folder: &Path, manifest: &Manifest, findings: &mut Findings) {
    let Some(parent) = &manifest.parent else {
        return;
    };
    let beside = folder.join("..").join(&parent.version);
    if !beside.is_dir() {
        findings.unchecked.push(format!(
            "the parent version {} is not beside this one",
            parent.version
        ));
        return;
    }
    match read_manifest(&beside) {
        Ok(found) => {
            // What the parent's files are now, not what its manifest says they are.
            let faults = crate::verify::verify_files(&beside, &found);
            if found.content != Some(parent.content) {
                findings.add(
                    MANIFEST_FILE,
                    format!(
                        "its parent {} had the content {}, and the version beside it has another",
                        parent.version, parent.content
                    ),
                );
            } else if let Err(error) = faults {
                findings.add(
                    MANIFEST_FILE,
                    format!(
                        "its parent {} was changed: {}",
                        parent.version,
                        sentence(&error)
                    ),
                );
            }
        }
        Err(error) => findings.add(
            MANIFEST_FILE,
            format!(
                "its parent {} cannot be read: {}",
                parent.version,
                sentence(&error)
            ),
        ),
    }
}
