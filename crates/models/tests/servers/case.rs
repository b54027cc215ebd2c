//! A case of the shared folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One case.
pub(crate) struct Case {
    folder: PathBuf,
    pub(crate) description: Value,
}

impl Case {
    /// The case whose folder begins with this id; a loud word and none without the folder of cases.
    pub(crate) fn find(area: &str, id: &str) -> Option<Self> {
        let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
            eprintln!("SKIPPED case {id}: EVALWRIGHT_SHARED is not set");
            return None;
        };
        let area = Path::new(&shared).join("cases").join(area);
        let folder = std::fs::read_dir(area)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.split('-').next() == Some(id)
            })
            .unwrap_or_else(|| panic!("no case {id}"));
        let description = std::fs::read(folder.join("case.json")).unwrap();
        Some(Self {
            folder,
            description: serde_json::from_slice(&description).unwrap(),
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    pub(crate) fn expected(&self) -> &Value {
        &self.description["expected"]
    }
}

/// Whether every word is in the text.
pub(crate) fn mentions(words: &Value, text: &str) {
    for word in words.as_array().into_iter().flatten() {
        assert!(text.contains(word.as_str().unwrap()), "no {word} in {text}");
    }
}
