//! `evalwright dedup`: finds what repeats what in any JSONL files.
//!
//! The files are read once to compare and, for `--out` and the texts shown, once more; their rows are never all in memory.

mod lines;
mod places;
mod semantic;
mod show;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::{ContentHash, exit_code};
use evalwright_dedup::{
    DedupError, Form, Layers, Near, Row, Search, Shingle, Vectors, similar_pairs,
};

use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::models::{LOCAL, ModelArguments};
use crate::output::Printer;

use lines::{Damaged, Fields, Found};
use places::Places;
use semantic::Semantic;

/// Arguments of `dedup`.
#[derive(Debug, Args)]
pub(crate) struct DedupArguments {
    /// JSONL files; their rows are compared with each other
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The field that holds the text
    #[arg(long, value_name = "NAME")]
    field: String,
    /// The Jaccard similarity from which two texts are near, above 0 and at most 1
    #[arg(long, value_name = "X", default_value_t = 0.7)]
    threshold: f64,
    /// What texts are cut into to be compared: `word-N` or `char-N`
    #[arg(long, value_name = "UNIT-N", default_value = "word-3")]
    shingle: String,
    /// What does not count: `folded` case and blanks, `sentence` also final signs, `words` any sign [default: `words`
    /// with word shingles, `folded` with characters]
    #[arg(long, value_name = "FORM")]
    form: Option<String>,
    /// Which samenesses count: some of exact, normalised, near
    #[arg(
        long,
        value_name = "LAYER",
        value_delimiter = ',',
        default_value = "exact,normalised,near"
    )]
    layers: Vec<String>,
    /// Also drop rows that mean the same as a better one of their label: the cosine of their texts' vectors from which,
    /// such as 0.75. Rows with different labels both stay and are listed; files of `--against` are not looked at
    #[arg(long, value_name = "X")]
    semantic: Option<f64>,
    /// What turns texts into vectors for `--semantic`: `local`, or a model behind a server
    #[arg(long, env = "EVALWRIGHT_EMBEDDER", value_name = "MODEL", default_value = LOCAL)]
    embedder: String,
    /// Files whose texts no row may repeat (contamination); their own rows are neither kept nor dropped
    #[arg(long, value_name = "FILE", num_args = 1..)]
    against: Vec<PathBuf>,
    /// A field with a label: the same or a near text under two labels is a conflict, and neither row stays
    #[arg(long, value_name = "FIELD")]
    label: Option<String>,
    /// A field with a number: of a cluster the row with the highest stays [default: the longest text]
    #[arg(long, value_name = "FIELD")]
    prefer: Option<String>,
    /// Write survivors.jsonl and dropped.jsonl into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// One JSON document with every cluster, conflict and damaged line
    #[arg(long)]
    json: bool,
    /// The folder for temporary files of sets larger than memory [default: that of the system]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// MiB that texts and their hashes may take before they go to temporary files
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    memory: u64,
    #[command(flatten)]
    models: ModelArguments,
}

/// The texts of a field with their lines, and the hash of the whole file.
pub(crate) fn texts_of(
    path: &Path,
    field: &str,
) -> Result<(ContentHash, Vec<(u64, String)>), Failure> {
    let bytes = std::fs::read(path).map_err(|cause| Failure::unreadable(path, &cause))?;
    let fields = Fields {
        text: field,
        label: None,
        prefer: None,
    };
    let mut texts = Vec::new();
    lines::each_batch(path, |batch| {
        for (line, found) in batch.iter().zip(lines::parse(batch, fields)) {
            let text = found.map(|found| found.text.unwrap_or_default());
            // Here a line that cannot be read would let a repeated text through unseen.
            let text = text.map_err(|why| {
                Failure::new(
                    Kind::Config,
                    format!(
                        "{}:{} {}",
                        path.display(),
                        line.number,
                        lines::because(&why)
                    ),
                )
            })?;
            texts.push((line.number, text));
        }
        Ok(())
    })?;
    Ok((ContentHash::of(&bytes), texts))
}

/// What was compared and what came out.
struct Compared {
    places: Places,
    damaged: Vec<Damaged>,
    labels: Vec<String>,
    row_labels: Vec<u32>,
    layers: Layers,
    semantic: Option<Semantic>,
}

pub(crate) fn run(
    arguments: &DedupArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let layers = layers(arguments)?;
    if let Some(threshold) = arguments.semantic {
        // Looking among nothing checks it before any file is read.
        let none = Vectors::new(&[], 1).map_err(|error| failure(&error))?;
        similar_pairs(none, threshold).map_err(|error| failure(&error))?;
    }
    refuse_repeated(arguments)?;
    if let Some(out) = &arguments.out {
        write::refuse_input(out, arguments.files.iter().chain(&arguments.against))?;
    }
    let scratch = Scratch::new(arguments)?;
    let search = Search::new(layers)
        .map_err(|error| failure(&error))?
        .with_scratch(&scratch.folder, arguments.memory << 20);
    let (search, mut compared) = read_all(arguments, layers, search)?;
    for damaged in compared.damaged.iter().take(show::NAMED_LINES) {
        printer.say(&format!(
            "warning: {}:{} {}; it is left out",
            damaged.file.display(),
            damaged.line,
            lines::because(&damaged.why)
        ));
    }
    if compared.damaged.len() > show::NAMED_LINES {
        let more = compared.damaged.len() - show::NAMED_LINES;
        printer.say(&format!(
            "warning: {more} more lines are left out (`--json` names all)"
        ));
    }
    let mut outcome = search.finish().map_err(|error| failure(&error))?;
    drop(scratch);
    if let Some(threshold) = arguments.semantic {
        compared.semantic = Some(semantic::look(
            arguments,
            threshold,
            &compared,
            &mut outcome,
            printer,
            environment,
        )?);
    }
    if let Some(out) = &arguments.out {
        write::write(out, &compared, &outcome)?;
        printer.say(&format!(
            "wrote {} and {}",
            out.join(write::SURVIVORS).display(),
            out.join(write::DROPPED).display()
        ));
    }
    if arguments.json {
        printer.json(&show::document(&compared, &outcome))?;
    } else {
        let fields = fields(arguments);
        printer.data(&show::summary(&compared, &outcome, fields)?)?;
    }
    Ok(exit_code::DONE)
}

fn fields(arguments: &DedupArguments) -> Fields<'_> {
    Fields {
        text: &arguments.field,
        label: arguments.label.as_deref(),
        prefer: arguments.prefer.as_deref(),
    }
}

/// What a text of another set is labelled or worth does not matter.
fn reference_fields(arguments: &DedupArguments) -> Fields<'_> {
    Fields {
        label: None,
        prefer: None,
        ..fields(arguments)
    }
}

fn layers(arguments: &DedupArguments) -> Result<Layers, Failure> {
    let shingle: Shingle = arguments.shingle.parse().map_err(|error| failure(&error))?;
    let form = match arguments.form.as_deref() {
        None => match shingle {
            Shingle::Words(_) => Form::Words,
            Shingle::Characters(_) => Form::Folded,
        },
        Some(name) => [Form::Folded, Form::Sentence, Form::Words]
            .into_iter()
            .find(|form| form.as_str() == name)
            .ok_or_else(|| {
                usage(format!(
                    "form `{name}` is unknown: use folded, sentence or words"
                ))
            })?,
    };
    let mut layers = Layers {
        form,
        ..Layers::default()
    };
    for name in &arguments.layers {
        match name.as_str() {
            "exact" => layers.exact = true,
            "normalised" => layers.normalised = true,
            "near" => {
                layers.near = Some(Near {
                    threshold: arguments.threshold,
                    shingle,
                });
            }
            other => {
                return Err(usage(format!(
                    "layer `{other}` is unknown: use exact, normalised or near"
                )));
            }
        }
    }
    Ok(layers)
}

fn usage(message: String) -> Failure {
    Failure::new(Kind::Usage, message)
}

fn failure(error: &DedupError) -> Failure {
    let mut message = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        message.push_str(&format!(": {cause}"));
    }
    let kind = match error {
        DedupError::Scratch { .. } | DedupError::TooMany { .. } => Kind::Unexpected,
        _ => Kind::Usage,
    };
    let failure = Failure::new(kind, message);
    match error {
        DedupError::Scratch { .. } => failure.hint(
            "`--scratch` names another folder for temporary files; `--memory` lets more stay in memory",
        ),
        _ => failure,
    }
}

/// A file named twice would be all duplicates of itself.
fn refuse_repeated(arguments: &DedupArguments) -> Result<(), Failure> {
    let mut seen: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for path in arguments.files.iter().chain(&arguments.against) {
        let real =
            std::fs::canonicalize(path).map_err(|cause| Failure::unreadable(path, &cause))?;
        if real.is_dir() {
            return Err(Failure::new(
                Kind::Config,
                format!("{} is a folder; name its files", path.display()),
            ));
        }
        if let Some(first) = seen.insert(real, path) {
            return Err(usage(format!(
                "{} and {} are one file; name it once",
                first.display(),
                path.display()
            )));
        }
    }
    Ok(())
}

/// Gives every row of every file to the search.
fn read_all(
    arguments: &DedupArguments,
    layers: Layers,
    mut search: Search,
) -> Result<(Search, Compared), Failure> {
    let fields = fields(arguments);
    let mut compared = Compared {
        places: Places::default(),
        damaged: Vec::new(),
        labels: Vec::new(),
        row_labels: Vec::new(),
        layers,
        semantic: None,
    };
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let own = arguments.files.iter().map(|path| (path, false));
    let against = arguments.against.iter().map(|path| (path, true));
    for (path, is_reference) in own.chain(against) {
        let fields = if is_reference {
            reference_fields(arguments)
        } else {
            fields
        };
        compared.places.begin(path, is_reference);
        let before = (search.len(), compared.damaged.len());
        let count = lines::each_batch(path, |batch| {
            let found = lines::parse(batch, fields);
            let mut good: Vec<(Found, u32)> = Vec::with_capacity(found.len());
            for (line, found) in batch.iter().zip(found) {
                match found {
                    Ok(found) => {
                        let label = match &found.label {
                            None => 0,
                            Some(label) => number(&mut numbers, &mut compared.labels, label),
                        };
                        compared.places.push(line.number)?;
                        if fields.label.is_some() {
                            compared.row_labels.push(label);
                        }
                        good.push((found, label));
                    }
                    Err(why) => compared.damaged.push(Damaged {
                        file: path.clone(),
                        line: line.number,
                        why,
                    }),
                }
            }
            let rows: Vec<Row<'_>> = good
                .iter()
                .map(|(found, label)| Row {
                    text: found.text.as_deref().unwrap_or_default(),
                    label: *label,
                    priority: found.prefer.unwrap_or(0.0),
                    is_reference,
                })
                .collect();
            search.push(&rows).map_err(|error| failure(&error))
        })?;
        compared.places.end(count);
        if search.len() == before.0 {
            let first = compared.damaged.get(before.1);
            return Err(lines::no_rows(path, fields.text, count, first));
        }
    }
    Ok((search, compared))
}

/// The number that stands for a label.
fn number(numbers: &mut HashMap<String, u32>, labels: &mut Vec<String>, label: &str) -> u32 {
    if let Some(&number) = numbers.get(label) {
        return number;
    }
    let number = labels.len() as u32;
    numbers.insert(label.to_owned(), number);
    labels.push(label.to_owned());
    number
}

/// A folder for temporary files that goes when the command ends.
struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    fn new(arguments: &DedupArguments) -> Result<Self, Failure> {
        let parent = arguments.scratch.clone().unwrap_or_else(std::env::temp_dir);
        let folder = parent.join(format!("evalwright-dedup-{}", std::process::id()));
        std::fs::create_dir(&folder).map_err(|cause| Failure::unwritable(&folder, &cause))?;
        Ok(Self { folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is a temporary folder's own affair.
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
