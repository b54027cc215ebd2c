//! Reads a behaviour file: TOML in, a [`Behaviour`] with every default filled in out.
//!
//! Unknown keys are refused rather than ignored: a misspelt key would otherwise mean a run that was paid
//! for and does not do what its file says.

use std::path::Path;

use evalwright_core::DatasetName;

use crate::behaviour::{Behaviour, Examples, Models, Subject};
use crate::document::{Document, Entry, Section};
use crate::error::{RecipeError, Source};

/// The model that writes and judges when a behaviour names none.
pub const DEFAULT_MODEL: &str = "local/smollm2-135m-instruct";

const DEFAULT_PRESET: &str = "default";
const DEFAULT_ROWS: u32 = 40;
/// Far above any published set; a row count beyond it is a slip of the key.
const MOST_ROWS: u32 = 1_000_000;
const DEFAULT_SEED: u64 = 1;
const DEFAULT_LICENSE: &str = "cc-by-4.0";

const KEYS: [&str; 11] = [
    "kind",
    "preset",
    "name",
    "description",
    "contrast",
    "subject",
    "rows",
    "seed",
    "license",
    "examples",
    "models",
];

/// Reads a behaviour. `path` names the file in messages and, by its stem, the dataset; `text` is its text.
///
/// Defaults: preset `default`, the file's stem as name, subject `person`, 40 rows, seed 1, licence
/// `cc-by-4.0`, no examples, [`DEFAULT_MODEL`] as generator and judge. Blanks at both ends of
/// `description`, `contrast` and examples are taken off.
///
/// # Errors
/// [`RecipeError::Fault`] with the place of whatever is wrong: no TOML, an unknown or missing or repeated
/// key, a value of the wrong type or out of range, an odd number of rows, a name that is no folder name,
/// a description that equals its contrast, an empty or repeated example.
pub fn load_behaviour(path: &Path, text: &str) -> Result<Behaviour, RecipeError> {
    let shown = path.display().to_string();
    let source = Source { file: &shown, text };
    let document = Document::parse(source)?;
    let root = document.root();
    root.only(&KEYS)?;

    let kind = root.required("kind")?.filled()?.to_owned();
    let description = root.required("description")?;
    let contrast = root.required("contrast")?;
    if folded(description.filled()?) == folded(contrast.filled()?) {
        return Err(contrast.fault("says the same as `description`; say who shows the opposite"));
    }
    let subject = root
        .optional("subject")
        .map(|entry| {
            entry.choice(&[
                ("person", Subject::Person),
                ("ai-system", Subject::AiSystem),
            ])
        })
        .transpose()?
        .unwrap_or_default();
    let seed = root
        .optional("seed")
        .map(|entry| entry.whole(0, u64::MAX >> 1))
        .transpose()?
        .unwrap_or(DEFAULT_SEED);
    Ok(Behaviour {
        kind,
        preset: filled_or(&root, "preset", DEFAULT_PRESET)?,
        name: name(&root, path)?,
        description: description.filled()?.to_owned(),
        contrast: contrast.filled()?.to_owned(),
        subject,
        rows: rows(&root)?,
        seed,
        license: license(&root)?,
        examples: examples(&root)?,
        models: models(&root)?,
    })
}

fn filled_or(root: &Section<'_>, key: &str, default: &str) -> Result<String, RecipeError> {
    match root.optional(key) {
        Some(entry) => Ok(entry.filled()?.to_owned()),
        None => Ok(default.to_owned()),
    }
}

/// What two texts share when they differ in case, blanks and final punctuation alone.
fn folded(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").trim_end_matches(['.', '!']).to_owned()
}

fn name(root: &Section<'_>, path: &Path) -> Result<DatasetName, RecipeError> {
    if let Some(entry) = root.optional("name") {
        return DatasetName::new(entry.text()?)
            .map_err(|error| entry.fault(format!("is no name: {error}")));
    }
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    DatasetName::new(&stem).map_err(|error| {
        root.fault(format!(
            "the file's own name cannot name the dataset: {error}"
        ))
        .with_hint("rename the file, or add `name = \"…\"` to it")
    })
}

fn rows(root: &Section<'_>) -> Result<u32, RecipeError> {
    let Some(entry) = root.optional("rows") else {
        return Ok(DEFAULT_ROWS);
    };
    let rows = entry.whole_u32(2, MOST_ROWS)?;
    if !rows.is_multiple_of(2) {
        return Err(entry.fault(format!(
            "is {rows}, and half of the rows get each label; use an even number such as {}",
            rows + 1
        )));
    }
    Ok(rows)
}

fn license(root: &Section<'_>) -> Result<String, RecipeError> {
    let Some(entry) = root.optional("license") else {
        return Ok(DEFAULT_LICENSE.to_owned());
    };
    let license = entry.filled()?;
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+' | ' ' | '(' | ')');
    if !license.chars().all(allowed) {
        return Err(entry.fault("must be an SPDX identifier such as \"cc-by-4.0\" or \"mit\""));
    }
    Ok(license.to_owned())
}

fn examples(root: &Section<'_>) -> Result<Examples, RecipeError> {
    let Some(entry) = root.optional("examples") else {
        return Ok(Examples::default());
    };
    let section = entry.section()?;
    section.only(&["matching", "not_matching"])?;
    let mut seen = Vec::new();
    let mut side = |key: &str| -> Result<Vec<String>, RecipeError> {
        match section.optional(key) {
            Some(entry) => example_list(&entry, &mut seen),
            None => Ok(Vec::new()),
        }
    };
    Ok(Examples {
        matching: side("matching")?,
        not_matching: side("not_matching")?,
    })
}

/// One side's examples; `seen` holds the folded texts of both sides so far.
fn example_list(list: &Entry<'_>, seen: &mut Vec<String>) -> Result<Vec<String>, RecipeError> {
    let mut examples = Vec::new();
    for entry in list.entries()? {
        let text = entry.filled()?;
        let key = folded(text);
        if seen.contains(&key) {
            return Err(entry.fault("repeats another example; each may stand once, on one side"));
        }
        seen.push(key);
        examples.push(text.to_owned());
    }
    Ok(examples)
}

fn models(root: &Section<'_>) -> Result<Models, RecipeError> {
    let Some(entry) = root.optional("models") else {
        return Ok(Models {
            generator: DEFAULT_MODEL.to_owned(),
            judges: vec![DEFAULT_MODEL.to_owned()],
        });
    };
    let section = entry.section()?;
    section.only(&["generator", "judges"])?;
    let judges = match section.optional("judges") {
        None => vec![DEFAULT_MODEL.to_owned()],
        Some(entry) => {
            let judges = entry.distinct_texts()?;
            if judges.is_empty() {
                return Err(entry.fault("is empty; name at least one model"));
            }
            judges
        }
    };
    Ok(Models {
        generator: filled_or(&section, "generator", DEFAULT_MODEL)?,
        judges,
    })
}
