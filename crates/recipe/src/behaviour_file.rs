//! Reads a behaviour file: TOML in, a [`Behaviour`] with every default filled in out.
//!
//! Unknown keys are refused rather than ignored: a misspelt key would otherwise mean a run that was paid
//! for and does not do what its file says.

use std::collections::BTreeMap;
use std::path::Path;

use evalwright_core::{DatasetName, Fields};

use crate::against::read_against;
use crate::behaviour::{Behaviour, CalibrationChoice, Examples, Models, Subject, UserTable};
use crate::document::{Document, Entry, Section};
use crate::error::{RecipeError, Source};
use crate::kind_file::{Guide, TableGuide};
use crate::table::{check_columns, read_table};

/// The model that writes and judges when a behaviour names none.
pub const DEFAULT_MODEL: &str = "local/smollm2-135m-instruct";

const DEFAULT_PRESET: &str = "default";
const DEFAULT_ROWS: u32 = 40;
/// Far above any published set; a row count beyond it is a slip of the key.
const MOST_ROWS: u32 = 1_000_000;
const DEFAULT_SEED: u64 = 1;
const DEFAULT_LICENSE: &str = "cc-by-4.0";

const KEYS: [&str; 15] = [
    "kind",
    "preset",
    "name",
    "description",
    "contrast",
    "subject",
    "settings",
    "tables",
    "rows",
    "seed",
    "license",
    "examples",
    "models",
    "against",
    "calibration",
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
    load_behaviour_of(path, text, &Guide::of_statements())
}

/// The kind that a behaviour names, so that the kind's guide can be had before the behaviour is read.
///
/// # Errors
/// When the text is no TOML, or names no kind.
pub fn kind_of_behaviour(path: &Path, text: &str) -> Result<String, RecipeError> {
    let shown = path.display().to_string();
    let document = Document::parse(Source { file: &shown, text })?;
    Ok(document.root().required("kind")?.filled()?.to_owned())
}

/// Reads a behaviour of any kind. Beside what [`load_behaviour`] reads there are the settings and tables that the
/// kind's guide names; `description` and `contrast` are read where the guide says what they must say.
///
/// Tables that are files are not read here: see [`Behaviour::read_tables`].
///
/// # Errors
/// As [`load_behaviour`]; also for a setting or table that the kind does not know or that is missing.
pub fn load_behaviour_of(path: &Path, text: &str, guide: &Guide) -> Result<Behaviour, RecipeError> {
    let shown = path.display().to_string();
    let source = Source { file: &shown, text };
    let document = Document::parse(source)?;
    let root = document.root();
    root.only(&KEYS)?;

    let kind = root.required("kind")?.filled()?.to_owned();
    let (description, contrast) = sides(&root, guide)?;
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
        description,
        contrast,
        subject,
        settings: settings(&root, guide)?,
        tables: tables(&root, guide)?,
        rows: rows(&root, guide)?,
        seed,
        license: license(&root)?,
        examples: examples(&root)?,
        models: models(&root)?,
        against: read_against(&root)?,
        calibration: calibration(&root)?,
        held: None,
    })
}

/// Description and contrast, as far as the kind has them.
fn sides(root: &Section<'_>, guide: &Guide) -> Result<(String, String), RecipeError> {
    let said = |key: &str, is_said: bool| -> Result<Option<Entry<'_>>, RecipeError> {
        match (is_said, root.optional(key)) {
            (true, _) => root.required(key).map(Some),
            (false, Some(entry)) => Err(entry.fault("is of no use to this kind; leave it out")),
            (false, None) => Ok(None),
        }
    };
    let description = said("description", !guide.description.is_empty())?;
    let contrast = said("contrast", !guide.contrast.is_empty())?;
    let text = |entry: &Option<Entry<'_>>| -> Result<String, RecipeError> {
        Ok(match entry {
            Some(entry) => entry.filled()?.to_owned(),
            None => String::new(),
        })
    };
    if let (Some(description), Some(contrast)) = (&description, &contrast)
        && folded(description.filled()?) == folded(contrast.filled()?)
    {
        return Err(contrast.fault("says the same as `description`; say who shows the opposite"));
    }
    Ok((text(&description)?, text(&contrast)?))
}

fn settings(root: &Section<'_>, guide: &Guide) -> Result<BTreeMap<String, String>, RecipeError> {
    let mut settings: BTreeMap<String, String> = guide
        .settings
        .iter()
        .filter_map(|setting| Some((setting.name.clone(), setting.default.clone()?)))
        .collect();
    if let Some(entry) = root.optional("settings") {
        let section = entry.section()?;
        let known: Vec<&str> = guide.settings.iter().map(|s| s.name.as_str()).collect();
        section.only(&known)?;
        for (name, entry) in section.members() {
            settings.insert(name.to_owned(), entry.filled()?.to_owned());
        }
    }
    match guide
        .settings
        .iter()
        .find(|setting| !settings.contains_key(&setting.name))
    {
        Some(setting) => Err(root
            .fault(format!(
                "missing `settings.{}`: {}",
                setting.name, setting.says
            ))
            .with_hint("add a table `[settings]` with it")),
        None => Ok(settings),
    }
}

fn tables(root: &Section<'_>, guide: &Guide) -> Result<BTreeMap<String, UserTable>, RecipeError> {
    let mut tables = BTreeMap::new();
    if let Some(entry) = root.optional("tables") {
        let section = entry.section()?;
        let known: Vec<&str> = guide
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .collect();
        section.only(&known)?;
        for (name, entry) in section.members() {
            let columns = guide.tables.iter().find(|table| table.name == name);
            tables.insert(name.to_owned(), user_table(&entry, columns)?);
        }
    }
    let missing = guide
        .tables
        .iter()
        .find(|table| !table.in_folder && !tables.contains_key(&table.name));
    match missing {
        Some(table) => Err(root
            .fault(format!("missing `tables.{}`: {}", table.name, table.says))
            .with_hint("write its rows as `[[tables.NAME]]`, or name a file: `[tables]` with `NAME = \"rows.jsonl\"`")),
        None => Ok(tables),
    }
}

/// A file's name, or the rows themselves.
fn user_table(entry: &Entry<'_>, guide: Option<&TableGuide>) -> Result<UserTable, RecipeError> {
    let Ok(list) = entry.entries() else {
        let file = entry.filled()?;
        if !file.ends_with(".jsonl") && !file.ends_with(".csv") {
            return Err(entry.fault("must be rows, or a file that ends in `.jsonl` or `.csv`"));
        }
        return Ok(UserTable {
            file: Some(file.to_owned()),
            rows: Vec::new(),
        });
    };
    let mut rows: Vec<Fields> = Vec::new();
    for row in list {
        let fields = row.section()?.json()?;
        if let Some(column) = guide
            .into_iter()
            .flat_map(|guide| &guide.columns)
            .find(|column| !fields.contains_key(*column))
        {
            return Err(row.fault(format!("lacks `{column}`")));
        }
        if let Some(first) = rows.first() {
            check_columns(first, &fields)
                .map_err(|problem| row.fault(format!("does not fit: {problem}")))?;
        }
        rows.push(fields);
    }
    if rows.is_empty() {
        return Err(entry.fault("has no rows"));
    }
    Ok(UserTable { file: None, rows })
}

impl Behaviour {
    /// Reads the tables that are files; `read` gives a file's text by the name that the behaviour has for it.
    ///
    /// # Errors
    /// What `read` says; [`RecipeError::Fault`] at a line that is no row, or where a column is missing.
    pub fn read_tables(
        &mut self,
        guide: &Guide,
        read: impl Fn(&str) -> Result<String, RecipeError>,
    ) -> Result<(), RecipeError> {
        for (name, table) in &mut self.tables {
            let Some(file) = &table.file else { continue };
            let text = read(file)?;
            table.rows = read_table(file, &text)?;
            let columns = guide.tables.iter().find(|known| known.name == *name);
            let missing = columns
                .into_iter()
                .flat_map(|guide| &guide.columns)
                .find(|column| {
                    table
                        .rows
                        .first()
                        .is_some_and(|row| !row.contains_key(*column))
                });
            if let Some(column) = missing {
                let source = Source { file, text: &text };
                return Err(
                    source.fault_on_line(1, format!("the table lacks the column `{column}`"))
                );
            }
        }
        Ok(())
    }
}

/// A file's name, or a table with it and a precision.
fn calibration(root: &Section<'_>) -> Result<Option<CalibrationChoice>, RecipeError> {
    let Some(entry) = root.optional("calibration") else {
        return Ok(None);
    };
    let choice = |file: &str, precision| CalibrationChoice {
        file: file.to_owned(),
        precision,
        sha256: None,
        minimum: None,
        content: None,
    };
    let Ok(section) = entry.section() else {
        return Ok(Some(choice(entry.filled()?, None)));
    };
    section.only(&["file", "precision"])?;
    let precision = section
        .optional("precision")
        .map(|entry| entry.number(|value| value > 0.0 && value <= 1.0, "above 0 and at most 1"))
        .transpose()?;
    Ok(Some(choice(section.required("file")?.filled()?, precision)))
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

fn rows(root: &Section<'_>, guide: &Guide) -> Result<u32, RecipeError> {
    let Some(entry) = root.optional("rows") else {
        return Ok(DEFAULT_ROWS);
    };
    let rows = entry.whole_u32(2, MOST_ROWS)?;
    if guide.labelled && !rows.is_multiple_of(2) {
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
