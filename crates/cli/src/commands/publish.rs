//! `evalwright publish`: a version as a dataset repository of a hub, all files in one commit.
//!
//! What goes out is what was published here, byte for byte: a version that does not verify, or is marked as a draft,
//! dropped or renamed, stays here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::exit_code;
use evalwright_dataset::{OpenVersion, RUN_FILE, Status, StatusLog, find_faults, read_manifest};
use evalwright_models::Patience;
use evalwright_models::hub::{HubFile, HubUpload, PUBLIC_HUB, publish_to_hub};
use evalwright_models::server::Secret;
use serde_json::json;

use crate::changelog::CHANGELOG_FILE;
use crate::commands::status::chosen;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// The longest name of an owner or a repository.
const LONGEST_NAME: usize = 96;

/// Arguments of `publish`.
#[derive(Debug, Args)]
pub(crate) struct PublishArguments {
    /// The version's folder (generated/<dataset>/<version>), or the dataset's: its newest version
    folder: PathBuf,
    /// The dataset repository: OWNER/NAME; made where it is not there
    #[arg(long, value_name = "OWNER/NAME")]
    to: String,
    /// The hub's address
    #[arg(long, value_name = "URL", env = "HF_ENDPOINT", default_value = PUBLIC_HUB)]
    hub: String,
    /// Make a repository that is not there yet private
    #[arg(long)]
    private: bool,
    /// List what would go out, with sizes, and send nothing; needs no token
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(
    arguments: &PublishArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let (owner, name) = repository(&arguments.to)?;
    let (dataset, versions) = chosen(&arguments.folder)?;
    let Some(version) = versions.last() else {
        return Err(Failure::new(Kind::Config, "the dataset has no version"));
    };
    refuse_unfit(&dataset, version)?;
    let files = files(&dataset, &version.folder)?;
    let bytes: usize = files.values().map(Vec::len).sum();
    if arguments.dry_run {
        return show_plan(arguments, version, &files, bytes, printer);
    }
    let token = environment
        .variable("HF_TOKEN")
        .filter(|token| !token.trim().is_empty())
        .ok_or_else(|| {
            Failure::new(Kind::Usage, "there is no token: `HF_TOKEN` is not set").hint(
                "make one with write access on the hub and set HF_TOKEN, or see what would go out with `--dry-run`",
            )
        })?;
    let token = Secret::new(token.trim().to_owned());
    let manifest = &version.manifest;
    let content = manifest
        .content
        .map_or_else(String::new, |content| content.to_string());
    let tag = format!("v{}", manifest.version);
    let list: Vec<HubFile<'_>> = files
        .iter()
        .map(|(path, bytes)| HubFile { path, bytes })
        .collect();
    printer.say(&format!(
        "publishing {} {}: {} files, {bytes} bytes",
        manifest.dataset,
        manifest.version,
        files.len()
    ));
    let done = publish_to_hub(&HubUpload {
        endpoint: &arguments.hub,
        owner,
        name,
        private: arguments.private,
        token: &token,
        summary: &format!("{} {}", manifest.dataset, manifest.version),
        description: &format!("Content hash {content}, made by {}", manifest.made_by),
        tag: Some(&tag),
        files: &list,
        patience: Patience::default(),
    })?;
    if !done.tagged {
        printer.say(&format!(
            "note: the tag {tag} was there already and stays where it is"
        ));
    }
    if arguments.json {
        printer.json(&json!({
            "schema": "evalwright.publish/1",
            "repository": arguments.to,
            "version": manifest.version,
            "tag": tag,
            "files": files.len(),
            "bytes": bytes,
            "done": done,
        }))?;
    } else {
        let page = format!(
            "{}/datasets/{}",
            arguments.hub.trim_end_matches('/'),
            arguments.to
        );
        printer.data(&evalwright_core::show::visible(&done.url.unwrap_or(page)))?;
    }
    Ok(exit_code::DONE)
}

/// Owner and name, by the hub's rules: they become part of addresses.
fn repository(text: &str) -> Result<(&str, &str), Failure> {
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.chars().all(fits)
            && !name.starts_with(['-', '.'])
            && !name.ends_with(['-', '.'])
            && !name.contains("..")
            && !name.contains("--")
    };
    text.split_once('/')
        .filter(|(owner, name)| is_name(owner) && is_name(name))
        .ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("{text:?} is no name of a repository"),
            )
            .hint("OWNER/NAME, each of letters, digits, `-`, `_` and `.`, and neither of `-` and `.` at an end")
        })
}

fn refuse_unfit(dataset: &Path, version: &OpenVersion) -> Result<(), Failure> {
    let number = &version.manifest.version;
    let log = StatusLog::read(dataset)?;
    if log.status(number) != Status::Published {
        let words = log.of(number).and_then(|change| change.warning());
        return Err(Failure::new(Kind::Config, words.unwrap_or_default()).hint(
            "only a published version goes out; `evalwright status FOLDER --set published --reason …` makes it one again",
        ));
    }
    let found = find_faults(&version.folder)?;
    match found.faults.first() {
        None => Ok(()),
        Some(fault) => Err(Failure::new(
            Kind::Config,
            format!(
                "{}: {}; it is not as it was published",
                version.folder.join(&fault.file).display(),
                fault.problem
            ),
        )
        .hint("`evalwright verify` names everything that differs")),
    }
}

/// What goes out: the version's files with its manifest, and the dataset's changelog. Not what is only of this machine.
fn files(dataset: &Path, folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let manifest = read_manifest(folder)?;
    let mut files = BTreeMap::new();
    let names = manifest.files.keys().map(String::as_str);
    for name in names
        .chain(["manifest.json"])
        .filter(|name| *name != RUN_FILE)
    {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).map_err(|cause| Failure::unreadable(&path, &cause))?;
        files.insert(name.to_owned(), bytes);
    }
    let changes = dataset.join(CHANGELOG_FILE);
    if let Ok(bytes) = std::fs::read(&changes) {
        files.insert(CHANGELOG_FILE.to_owned(), bytes);
    }
    Ok(files)
}

fn show_plan(
    arguments: &PublishArguments,
    version: &OpenVersion,
    files: &BTreeMap<String, Vec<u8>>,
    bytes: usize,
    printer: &Printer,
) -> Result<u8, Failure> {
    if arguments.json {
        let list: BTreeMap<&String, usize> = files
            .iter()
            .map(|(name, bytes)| (name, bytes.len()))
            .collect();
        printer.json(&json!({
            "schema": "evalwright.publish-plan/1",
            "repository": arguments.to,
            "version": version.manifest.version,
            "bytes": bytes,
            "files": list,
        }))?;
        return Ok(exit_code::DONE);
    }
    for (name, bytes) in files {
        printer.data(&format!("{:>12}  {name}", bytes.len()))?;
    }
    printer.say(&format!(
        "{} files, {bytes} bytes would go to {}; nothing was sent",
        files.len(),
        arguments.to
    ));
    Ok(exit_code::DONE)
}
