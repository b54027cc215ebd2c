//! What a hub answers, as far as it is read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A new repository.
#[derive(Debug, Deserialize)]
pub(super) struct Created {}

/// How files are to be stored.
#[derive(Debug, Deserialize)]
pub(super) struct Preupload {
    pub(super) files: Vec<PreuploadFile>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PreuploadFile {
    pub(super) path: String,
    #[serde(rename = "uploadMode")]
    pub(super) upload_mode: String,
}

/// A commit.
#[derive(Debug, Deserialize)]
pub(super) struct Committed {
    #[serde(rename = "commitOid")]
    pub(super) commit_oid: String,
    #[serde(rename = "commitUrl", default)]
    pub(super) commit_url: Option<String>,
}

/// Where large files go (git's large file storage, batch API).
#[derive(Debug, Deserialize)]
pub(super) struct Batch {
    pub(super) objects: Vec<BatchObject>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BatchObject {
    pub(super) oid: String,
    /// None where the file is there already.
    #[serde(default)]
    pub(super) actions: Option<Actions>,
    #[serde(default)]
    pub(super) error: Option<BatchError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BatchError {
    #[serde(default)]
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Actions {
    #[serde(default)]
    pub(super) upload: Option<Action>,
    #[serde(default)]
    pub(super) verify: Option<Action>,
}

/// An address. For a file in parts its `header` holds the size of a part and the address of each, by its number.
#[derive(Debug, Deserialize)]
pub(super) struct Action {
    pub(super) href: String,
    #[serde(default)]
    pub(super) header: BTreeMap<String, Value>,
}
