//! Fetches one pinned file, resumes what an earlier try left, and lets only the right bytes through.
//!
//! Bytes go to `<file>.part` and are hashed as they arrive; the file gets its name only when length and
//! SHA-256 are the pinned ones. Invariant: never more bytes on disk than the pin says, never more requests
//! than the bound on tries allows.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};
use reqwest::{Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalogue::PinnedFile;
use super::client::{Client, connection_error};
use super::error::WeightsError;
use super::event::PullEvent;
use super::folder::{io_error, put_in_place, remove_if_there, with_suffix};
use super::shown::shown;
use super::stamp::{bytes, feed, hex, sha256};

/// Failures are forgotten when a try brought at least this share of the file on top of all before, so a
/// large file over a bad line arrives and a server that always cuts is given up.
const PROGRESS_SHARE: u64 = 16;

/// Fetches `url` to `place`. The caller holds the model's lock.
///
/// # Errors
/// When the server does not have it, sends other bytes (they are removed), or fails too often (what has
/// arrived stays for the next time).
pub(crate) async fn download(
    client: &Client,
    url: &Url,
    pin: &PinnedFile,
    place: &Path,
    progress: &dyn Fn(PullEvent),
) -> Result<(), WeightsError> {
    let part = Part::beside(place);
    let mut retries = client.retries();
    let mut furthest = 0;
    let mut may_start_over = true;
    loop {
        let mut attempt = Attempt {
            client,
            url,
            pin,
            part: &part,
            progress,
            resumed: false,
        };
        let Err(failure) = attempt.run().await else {
            put_in_place(&part.path, place)?;
            return part.forget_tag();
        };
        let blames_old_bytes = matches!(
            failure,
            WeightsError::WrongDownload { .. }
                | WeightsError::OtherPart { .. }
                | WeightsError::Status { status: 416, .. }
        );
        if blames_old_bytes {
            part.remove()?;
            if attempt.resumed && may_start_over {
                may_start_over = false;
                continue;
            }
        }
        let length = part.length()?;
        if length >= furthest + (pin.bytes / PROGRESS_SHARE).max(1) {
            furthest = length;
            retries.note_progress();
        }
        retries.wait_after(failure, progress).await?;
    }
}

/// What an earlier try left.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    tag_path: PathBuf,
}

/// Which version of which address the part is of.
#[derive(Debug, Serialize, Deserialize)]
struct Tag {
    url: String,
    etag: String,
}

impl Part {
    fn beside(place: &Path) -> Self {
        Self {
            path: with_suffix(place, ".part"),
            tag_path: with_suffix(place, ".part.json"),
        }
    }

    fn length(&self) -> Result<u64, WeightsError> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(io_error("look at", &self.path)(error)),
        }
    }

    fn hash(&self) -> Result<Sha256, WeightsError> {
        let mut hasher = Sha256::new();
        let mut file = File::open(&self.path).map_err(io_error("open", &self.path))?;
        feed(&mut file, &mut hasher).map_err(io_error("read", &self.path))?;
        Ok(hasher)
    }

    fn remove(&self) -> Result<(), WeightsError> {
        remove_if_there(&self.path)?;
        self.forget_tag()
    }

    fn forget_tag(&self) -> Result<(), WeightsError> {
        remove_if_there(&self.tag_path)
    }

    /// The tag for `If-Range`, if the part came from this address.
    fn tag(&self, url: &Url) -> Option<HeaderValue> {
        let tag: Tag = serde_json::from_slice(&fs::read(&self.tag_path).ok()?).ok()?;
        (tag.url == shown(url))
            .then(|| HeaderValue::from_str(&tag.etag).ok())
            .flatten()
    }

    /// Keeps the answer's tag. Weak ones do not promise equal bytes, and a lost tag costs nothing but the
    /// condition, for the SHA-256 decides in the end.
    fn keep_tag(&self, url: &Url, headers: &HeaderMap) -> Result<(), WeightsError> {
        let etag = headers
            .get(ETAG)
            .and_then(|value| value.to_str().ok())
            .filter(|etag| etag.starts_with('"'));
        let Some(etag) = etag else {
            return self.forget_tag();
        };
        let tag = Tag {
            url: shown(url),
            etag: etag.to_owned(),
        };
        let write = || -> std::io::Result<()> {
            File::create(&self.tag_path)?.write_all(&serde_json::to_vec(&tag)?)
        };
        write().map_err(io_error("write", &self.tag_path))
    }
}

/// One request and its body.
struct Attempt<'a> {
    client: &'a Client,
    url: &'a Url,
    pin: &'a PinnedFile,
    part: &'a Part,
    progress: &'a dyn Fn(PullEvent),
    /// Whether bytes of an earlier try are in use.
    resumed: bool,
}

impl Attempt<'_> {
    /// Leaves the whole, right file at the part's path.
    async fn run(&mut self) -> Result<(), WeightsError> {
        let mut have = self.part.length()?;
        if have > self.pin.bytes {
            self.part.remove()?;
            have = 0;
        }
        self.resumed = have > 0;
        if have == self.pin.bytes {
            return self.finish(self.part.hash()?);
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if self.resumed {
            let range = HeaderValue::from_str(&format!("bytes={have}-"));
            headers.insert(RANGE, range.map_err(|_| self.other_part())?);
            if let Some(tag) = self.part.tag(self.url) {
                headers.insert(IF_RANGE, tag);
            }
        }
        let (_, response) = self.client.get(self.url, &headers).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                if self.resumed && !starts_at(&response, have, self.pin.bytes) {
                    return Err(self.other_part());
                }
            }
            StatusCode::OK => {
                self.resumed = false;
                have = 0;
            }
            other => {
                return Err(WeightsError::Status {
                    url: shown(self.url),
                    status: other.as_u16(),
                    retry_after: None,
                });
            }
        }
        if let Some(length) = response.content_length()
            && have.checked_add(length) != Some(self.pin.bytes)
        {
            return Err(self.wrong(bytes(self.pin.bytes), bytes(have.saturating_add(length))));
        }
        self.receive(response, have).await
    }

    async fn receive(&self, mut response: Response, have: u64) -> Result<(), WeightsError> {
        let path = &self.part.path;
        let (mut file, mut hasher) = if have > 0 {
            let file = File::options().append(true).open(path);
            (file.map_err(io_error("open", path))?, self.part.hash()?)
        } else {
            self.part.keep_tag(self.url, response.headers())?;
            let file = File::create(path).map_err(io_error("make", path))?;
            (file, Sha256::new())
        };
        let mut done = have;
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| connection_error(self.url, error))?
        {
            let more = done.saturating_add(chunk.len() as u64);
            if more > self.pin.bytes {
                return Err(self.wrong(
                    bytes(self.pin.bytes),
                    format!("more than {}", bytes(self.pin.bytes)),
                ));
            }
            file.write_all(&chunk).map_err(io_error("write", path))?;
            hasher.update(&chunk);
            done = more;
            (self.progress)(PullEvent::Received {
                done,
                total: self.pin.bytes,
            });
        }
        if done < self.pin.bytes {
            return Err(WeightsError::ShortBody {
                url: shown(self.url),
                received: done,
                expected: self.pin.bytes,
            });
        }
        self.finish(hasher)
    }

    fn finish(&self, hasher: Sha256) -> Result<(), WeightsError> {
        let found = hex(hasher);
        if found == self.pin.sha256 {
            return Ok(());
        }
        Err(self.wrong(sha256(&self.pin.sha256), sha256(&found)))
    }

    fn wrong(&self, expected: String, found: String) -> WeightsError {
        WeightsError::WrongDownload {
            url: shown(self.url),
            expected,
            found,
        }
    }

    fn other_part(&self) -> WeightsError {
        WeightsError::OtherPart {
            url: shown(self.url),
        }
    }
}

/// Whether an answer holds the bytes from `first` on, of a file with `total` bytes (or unknown).
fn starts_at(response: &Response, first: u64, total: u64) -> bool {
    let range = response
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().strip_prefix("bytes"))
        .and_then(|value| value.trim().split_once('/'));
    let Some((span, whole)) = range else {
        return false;
    };
    let start = span.split_once('-').map(|(start, _)| start.trim().parse());
    start == Some(Ok(first)) && (whole.trim() == "*" || whole.trim().parse() == Ok(total))
}
