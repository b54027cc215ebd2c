//! Publishing files to a dataset repository of a hub, all of them in one commit.
//!
//! A reader of the repository sees all files of a version or none: large ones are stored first and belong to nothing until
//! the commit names them. The token goes to the hub's own origin alone, never after a redirect and never into a message.

mod answer;
mod client;
mod error;
mod large;

use evalwright_core::ContentHash;
use serde::Serialize;
use serde_json::{Value, json};

use crate::server::Secret;
use crate::weights::Patience;
use answer::{Committed, Created, Preupload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{Client, Repeat};

pub use error::HubError;

/// The public hub.
pub const PUBLIC_HUB: &str = "https://huggingface.co";
/// The branch that is committed to.
const BRANCH: &str = "main";
/// Bytes of a file by which the hub tells how to store it.
const SAMPLE: usize = 512;
/// Files that are asked about in one request.
const AT_ONCE: usize = 256;

/// A file to publish.
#[derive(Debug, Clone, Copy)]
pub struct HubFile<'a> {
    /// Its path in the repository.
    pub path: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What to publish, and where.
#[derive(Debug)]
pub struct HubUpload<'a> {
    /// The hub's address.
    pub endpoint: &'a str,
    /// Who owns the repository: an organisation or a user.
    pub owner: &'a str,
    /// The repository's name.
    pub name: &'a str,
    /// Whether a repository that is not there yet is made private.
    pub private: bool,
    /// What opens the hub.
    pub token: &'a Secret,
    /// The commit's first line.
    pub summary: &'a str,
    /// The rest of it.
    pub description: &'a str,
    /// The tag of the commit; none where none is wanted.
    pub tag: Option<&'a str>,
    /// The files.
    pub files: &'a [HubFile<'a>],
    /// How long to wait and how often to try.
    pub patience: Patience,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HubCommit {
    /// The commit.
    pub commit: String,
    /// Its page, as far as the hub tells.
    pub url: Option<String>,
    /// Whether the repository was made now.
    pub created: bool,
    /// Files in the commit itself.
    pub regular: usize,
    /// Files in large file storage.
    pub large: usize,
    /// Of those, files that were sent now; the others were there.
    pub sent: usize,
    /// Whether the tag was set now; it stays where it is, where it was there before.
    pub tagged: bool,
}

/// Publishes. Blocks.
///
/// # Errors
/// [`HubError`] says what the hub did; nothing is visible in the repository unless the commit came through.
pub fn publish_to_hub(upload: &HubUpload<'_>) -> Result<HubCommit, HubError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(HubError::Runtime)?;
    runtime.block_on(publish(upload))
}

async fn publish(upload: &HubUpload<'_>) -> Result<HubCommit, HubError> {
    let client = Client::new(upload.endpoint, upload.token, &upload.patience)?;
    let repository = format!("{}/{}", upload.owner, upload.name);
    let created = create(&client, upload).await?;
    let modes = modes(&client, &repository, upload.files).await?;
    let mut committed = String::new();
    line(
        &mut committed,
        &json!({ "key": "header", "value": { "summary": upload.summary, "description": upload.description } }),
    );
    let mut large = Vec::new();
    let mut regular = 0;
    for (file, mode) in upload.files.iter().zip(modes) {
        // Storage for large files takes no empty one.
        if mode == Mode::Large && !file.bytes.is_empty() {
            let oid = ContentHash::of(file.bytes).to_string();
            line(
                &mut committed,
                &json!({ "key": "lfsFile", "value": {
                    "path": file.path, "algo": "sha256", "oid": oid, "size": file.bytes.len(),
                } }),
            );
            large.push((oid, *file));
        } else {
            regular += 1;
            line(
                &mut committed,
                &json!({ "key": "file", "value": {
                    "content": STANDARD.encode(file.bytes), "path": file.path, "encoding": "base64",
                } }),
            );
        }
    }
    let sent = large::send(&client, &repository, BRANCH, &large).await?;
    let path = format!("/api/datasets/{repository}/commit/{BRANCH}");
    // A commit whose answer was lost may have come through: only one that the hub declined is sent again.
    let answer: Committed = client
        .post(
            &path,
            "application/x-ndjson",
            committed,
            Repeat::WhenDeclined,
        )
        .await?;
    let tagged = match upload.tag {
        Some(tag) => tag_commit(&client, &repository, tag, &answer.commit_oid).await?,
        None => false,
    };
    Ok(HubCommit {
        commit: answer.commit_oid,
        url: answer.commit_url,
        created,
        regular,
        large: large.len(),
        sent,
        tagged,
    })
}

/// Makes the repository; `false` where it is there.
async fn create(client: &Client<'_>, upload: &HubUpload<'_>) -> Result<bool, HubError> {
    let body = json!({
        "type": "dataset",
        "name": upload.name,
        "organization": upload.owner,
        "private": upload.private,
    });
    let made: Result<Created, HubError> = client
        .post("/api/repos/create", JSON, body.to_string(), Repeat::Always)
        .await;
    match made {
        Ok(_) => Ok(true),
        Err(HubError::Status { status: 409, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn tag_commit(
    client: &Client<'_>,
    repository: &str,
    tag: &str,
    commit: &str,
) -> Result<bool, HubError> {
    let path = format!("/api/datasets/{repository}/tag/{commit}");
    let body = json!({ "tag": tag }).to_string();
    let set: Result<Value, HubError> = client.post(&path, JSON, body, Repeat::Always).await;
    match set {
        Ok(_) => Ok(true),
        Err(HubError::Status { status: 409, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

const JSON: &str = "application/json";

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Regular,
    Large,
}

/// How the hub wants each file, in their order.
async fn modes(
    client: &Client<'_>,
    repository: &str,
    files: &[HubFile<'_>],
) -> Result<Vec<Mode>, HubError> {
    let path = format!("/api/datasets/{repository}/preupload/{BRANCH}");
    let mut modes = Vec::with_capacity(files.len());
    for some in files.chunks(AT_ONCE) {
        let asked: Vec<Value> = some
            .iter()
            .map(|file| {
                let sample = file.bytes.get(..SAMPLE).unwrap_or(file.bytes);
                json!({ "path": file.path, "sample": STANDARD.encode(sample), "size": file.bytes.len() })
            })
            .collect();
        let body = json!({ "files": asked }).to_string();
        let answer: Preupload = client.post(&path, JSON, body, Repeat::Always).await?;
        for file in some {
            let told = answer.files.iter().find(|told| told.path == file.path);
            modes.push(match told.map(|told| told.upload_mode.as_str()) {
                Some("regular") => Mode::Regular,
                Some("lfs") => Mode::Large,
                _ => {
                    return Err(HubError::Answer {
                        path,
                        problem: format!("it does not say how {} is to be stored", file.path),
                    });
                }
            });
        }
    }
    Ok(modes)
}

fn line(text: &mut String, value: &Value) {
    text.push_str(&value.to_string());
    text.push('\n');
}
