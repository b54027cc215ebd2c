//! What the rows of a run must not repeat beside each other: earlier versions and files that the user names.

use evalwright_core::ContentHash;
use serde::Serialize;

use crate::document::Section;
use crate::error::RecipeError;

/// The field that holds the text where a behaviour names none; rows of ours have it.
const DEFAULT_FIELD: &str = "statement";

/// `[against]` of a behaviour file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Against {
    /// JSONL files, as the behaviour names them; relative to the behaviour file.
    pub files: Vec<String>,
    /// The field of their rows that holds the text.
    pub field: String,
    /// Whether the earlier versions of the dataset count too.
    pub versions: bool,
    /// The hash of each file's bytes, in the order of `files`. Filled in by who reads them, so that a file that
    /// changed makes another recipe. Earlier versions have no part in the recipe: what was just published is one.
    pub hashes: Vec<ContentHash>,
    /// The texts of all of them. Filled in by who reads them; no part of a manifest.
    #[serde(skip)]
    pub texts: Vec<Reference>,
}

impl Against {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.versions
    }
}

/// A text that no row may repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it stands: `old.jsonl:12`, `1.0.0:row_…`.
    pub place: String,
    /// The text.
    pub text: String,
}

/// Reads the section; `root` may have none.
pub(crate) fn read_against(root: &Section<'_>) -> Result<Against, RecipeError> {
    let Some(entry) = root.optional("against") else {
        return Ok(Against::default());
    };
    let section = entry.section()?;
    section.only(&["files", "field", "versions"])?;
    let files = match section.optional("files") {
        Some(files) => files.distinct_texts()?,
        None => Vec::new(),
    };
    let field = match section.optional("field") {
        Some(field) => field.filled()?.to_owned(),
        None => DEFAULT_FIELD.to_owned(),
    };
    let versions = section
        .optional("versions")
        .map_or(Ok(false), |versions| versions.truth())?;
    if files.is_empty() && !versions {
        return Err(entry.fault("names nothing: give `files`, or `versions = true`"));
    }
    Ok(Against {
        files,
        field,
        versions,
        ..Against::default()
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::load_behaviour;

    fn behaviour(against: &str) -> String {
        format!(
            "kind = \"statement\"\ndescription = \"someone who asks\"\ncontrast = \"someone who does not\"\n{against}"
        )
    }

    #[test]
    fn files_field_and_versions_are_read() {
        let load = |text: &str| load_behaviour(Path::new("asks.toml"), &behaviour(text)).unwrap();
        let plain = load("").against;
        assert!(plain.is_empty());
        let named =
            load("[against]\nfiles = [\"old.jsonl\", \"b.jsonl\"]\nversions = true\n").against;
        assert_eq!(named.files, ["old.jsonl", "b.jsonl"]);
        assert_eq!(named.field, "statement");
        assert!(named.versions && !named.is_empty());
        let other = load("[against]\nfiles = [\"old.jsonl\"]\nfield = \"text\"\n").against;
        assert_eq!(other.field, "text");
        // What names nothing is in no manifest, so that no recipe changes because of it.
        let json = serde_json::to_string(&load("")).unwrap();
        assert!(!json.contains("against"), "{json}");
    }

    #[test]
    fn a_section_that_names_nothing_or_something_unknown_is_refused() {
        for (wrong, part) in [
            ("[against]\n", "names nothing"),
            ("[against]\nversions = false\n", "names nothing"),
            ("[against]\nfile = [\"a\"]\n", "file"),
            ("[against]\nfiles = [\"a\", \"a\"]\n", "a"),
            ("[against]\nfiles = \"a\"\n", "files"),
        ] {
            let error = load_behaviour(Path::new("asks.toml"), &behaviour(wrong)).unwrap_err();
            assert!(error.to_string().contains(part), "{wrong}: {error}");
        }
    }
}
