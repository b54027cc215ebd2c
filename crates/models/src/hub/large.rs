//! Files for large file storage: asked about together, sent whole or in parts, and only those that are not there.

use serde_json::{Value, json};

use super::HubFile;
use super::answer::{Action, Batch};
use super::client::{Client, LFS, Repeat, headers};
use super::error::HubError;

/// Files that are asked about in one request.
const AT_ONCE: usize = 256;

/// Sends what the hub does not hold; gives how many those were.
pub(super) async fn send(
    client: &Client<'_>,
    repository: &str,
    branch: &str,
    files: &[(String, HubFile<'_>)],
) -> Result<usize, HubError> {
    let path = format!("/datasets/{repository}.git/info/lfs/objects/batch");
    let mut sent = 0;
    for some in files.chunks(AT_ONCE) {
        let objects: Vec<Value> = some
            .iter()
            .map(|(oid, file)| json!({ "oid": oid, "size": file.bytes.len() }))
            .collect();
        let body = json!({
            "operation": "upload",
            "transfers": ["basic", "multipart"],
            "objects": objects,
            "hash_algo": "sha256",
            "ref": { "name": branch },
        });
        let batch: Batch = client
            .post(&path, LFS, body.to_string(), Repeat::Always)
            .await?;
        for (oid, file) in some {
            let bad = |problem: String| HubError::Answer {
                path: path.clone(),
                problem: format!("{}: {problem}", file.path),
            };
            let object = batch
                .objects
                .iter()
                .find(|object| object.oid == *oid)
                .ok_or_else(|| bad("it says nothing about this file".to_owned()))?;
            if let Some(error) = &object.error {
                return Err(bad(error.message.clone()));
            }
            let Some(actions) = &object.actions else {
                continue;
            };
            if let Some(action) = &actions.upload {
                upload(client, action, oid, file.bytes).await?;
                sent += 1;
            }
            if let Some(action) = &actions.verify {
                let body = json!({ "oid": oid, "size": file.bytes.len() });
                client.post_to(&action.href, body.to_string()).await?;
            }
        }
    }
    Ok(sent)
}

async fn upload(
    client: &Client<'_>,
    action: &Action,
    oid: &str,
    bytes: &[u8],
) -> Result<(), HubError> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let Some(size) = action.header.get("chunk_size") else {
        let given: Vec<(String, String)> = action
            .header
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
        client.put(&action.href, &headers(&given)?, bytes).await?;
        return Ok(());
    };
    let bad = |problem: &str| HubError::Answer {
        path: "a file in parts".to_owned(),
        problem: problem.to_owned(),
    };
    let size: usize = text(size)
        .parse()
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| bad("the size of a part is no number"))?;
    let mut places: Vec<(u32, String)> = action
        .header
        .iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, text(value))))
        .collect();
    places.sort();
    if places.len() != bytes.len().div_ceil(size) {
        return Err(bad("there are not as many addresses as parts"));
    }
    let mut parts = Vec::new();
    for (part, (number, href)) in bytes.chunks(size).zip(&places) {
        let answer = client.put(href, &headers(&[])?, part).await?;
        let etag = answer
            .get("etag")
            .and_then(|etag| etag.to_str().ok())
            .filter(|etag| !etag.is_empty())
            .ok_or_else(|| bad("a part was stored without an `etag`"))?;
        parts.push(json!({ "partNumber": number, "etag": etag }));
    }
    let body = json!({ "oid": oid, "parts": parts });
    client.post_to(&action.href, body.to_string()).await
}
