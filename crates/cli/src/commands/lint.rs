//! `evalwright lint`: looks at the rows of any JSONL file with all lints, and changes nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use evalwright_core::exit_code;
use evalwright_core::show::visible;
use evalwright_recipe::error::closest;
use evalwright_text::lint::{Part, check};
use evalwright_text::{
    Finding, Form, LANGUAGES, LINTS, Language, Lint, MultipleChoice, Severity, Subject,
    language_by_code, lint_by_code,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Arguments of `lint`.
#[derive(Debug, Args)]
pub(crate) struct LintArguments {
    /// The files: one JSON object a line
    #[arg(required_unless_present = "list")]
    files: Vec<PathBuf>,
    /// The field that holds the text; else the first of statement, sentence_with_blank, question, text
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// What kind of text it is; else a sentence if it came with a blank, a question if it has lettered options
    #[arg(long, value_enum)]
    form: Option<FormName>,
    /// Only these lints, by code
    #[arg(long, value_name = "CODE,…", value_delimiter = ',')]
    rules: Vec<String>,
    /// How many options a question must have
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    options: usize,
    /// The language that texts must be in
    #[arg(long, value_name = "CODE", default_value = "en")]
    language: String,
    /// A word that names what is tested outright; may be given more than once
    #[arg(long = "attribute", value_name = "WORD")]
    attributes: Vec<String>,
    /// A file with the examples of the prompt, rows as in the files; may be given more than once
    #[arg(long = "examples", value_name = "FILE")]
    examples: Vec<PathBuf>,
    /// Write every finding into this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// End with exit code 5 when a finding is this bad or worse
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,
    /// List all lints
    #[arg(long)]
    list: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormName {
    Statement,
    MultipleChoice,
    Sentence,
}

impl FormName {
    fn form(self) -> Form {
        match self {
            Self::Statement => Form::Statement,
            Self::MultipleChoice => Form::MultipleChoice,
            Self::Sentence => Form::Sentence,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SeverityName {
    Broken,
    Suspect,
    Style,
}

impl SeverityName {
    fn severity(self) -> Severity {
        match self {
            Self::Broken => Severity::Broken,
            Self::Suspect => Severity::Suspect,
            Self::Style => Severity::Style,
        }
    }
}

/// Findings of each lint that are shown, and damaged lines of each file that are named.
const SHOWN: usize = 3;

/// The fields in which a text may stand, in the order in which they are tried. Published statements stand before
/// their `question`, which is always the same sentence around them.
const TEXT_FIELDS: [&str; 4] = ["statement", "sentence_with_blank", "question", "text"];

pub(crate) fn run(arguments: &LintArguments, printer: &Printer) -> Result<u8, Failure> {
    if arguments.list {
        list(arguments.json, printer)?;
        return Ok(exit_code::DONE);
    }
    let linting = Linting::new(arguments)?;
    let mut all = match &arguments.findings {
        Some(path) => Some((path, create(path)?)),
        None => None,
    };
    let mut tally = Tally::default();
    for path in &arguments.files {
        linting.look_at(path, &mut tally, &mut all)?;
    }
    if let Some((path, file)) = &mut all {
        file.flush()
            .map_err(|cause| Failure::unwritable(path, &cause))?;
    }
    for file in &tally.files {
        name_damage(file, printer);
    }
    if arguments.json {
        printer.json(&tally.document(&linting.lints))?;
    } else {
        printer.data(&tally.table(&linting.lints))?;
    }
    if tally.files.iter().any(|file| file.damaged > 0) {
        return Ok(exit_code::CONFIG);
    }
    let limit = arguments.fail_on.map(SeverityName::severity);
    // The worst stands first.
    let fails = tally
        .found
        .iter()
        .any(|(code, _)| limit.is_some_and(|limit| severity(code) <= Some(limit)));
    Ok(if fails {
        exit_code::BELOW_TARGET
    } else {
        exit_code::DONE
    })
}

fn severity(code: &str) -> Option<Severity> {
    lint_by_code(code).map(|lint| lint.severity)
}

fn list(as_json: bool, printer: &Printer) -> Result<(), Failure> {
    let forms =
        |lint: &Lint| -> Vec<&str> { lint.forms.iter().map(|form| form.as_str()).collect() };
    if as_json {
        let lints: Vec<Value> = LINTS
            .iter()
            .map(|lint| {
                json!({
                    "code": lint.code,
                    "severity": lint.severity.as_str(),
                    "forms": forms(lint),
                    "sentence": format!("The text {}.", lint.sentence),
                    "found_in": lint.found_in,
                    "clean": lint.clean,
                })
            })
            .collect();
        return printer.json(&json!({ "lints": lints }));
    }
    let mut text = String::new();
    for lint in LINTS {
        text.push_str(&format!(
            "{:20}{:9}The text {} ({}).\n",
            lint.code,
            lint.severity.as_str(),
            lint.sentence,
            forms(lint).join(", ")
        ));
    }
    printer.data(&text)
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    File::create(path)
        .map(BufWriter::new)
        .map_err(|cause| Failure::unwritable(path, &cause))
}

fn name_damage(file: &FileTally, printer: &Printer) {
    for (line, problem) in &file.named {
        printer.say(&format!(
            "warning: {}:{line}: the line {problem}",
            file.path
        ));
    }
    let more = file.damaged.saturating_sub(file.named.len() as u64);
    if more > 0 {
        printer.say(&format!(
            "warning: {}: {more} more damaged lines",
            file.path
        ));
    }
}

/// What is looked for.
struct Linting<'a> {
    arguments: &'a LintArguments,
    lints: Vec<&'static Lint>,
    language: &'static Language,
    examples: Vec<String>,
}

impl<'a> Linting<'a> {
    fn new(arguments: &'a LintArguments) -> Result<Self, Failure> {
        let lints = if arguments.rules.is_empty() {
            LINTS.to_vec()
        } else {
            let codes = arguments.rules.iter().map(|code| code.trim());
            codes.map(lint).collect::<Result<_, _>>()?
        };
        let language = language_by_code(&arguments.language).ok_or_else(|| {
            let codes: Vec<&str> = LANGUAGES.iter().map(|language| language.code).collect();
            let message = format!("no language `{}` is known", arguments.language);
            Failure::new(Kind::Usage, message).hint(format!("there are {}", codes.join(", ")))
        })?;
        let mut linting = Self {
            arguments,
            lints,
            language,
            examples: Vec::new(),
        };
        for path in &arguments.examples {
            let mut examples = Vec::new();
            each_line(path, |number, line| {
                let row = line.and_then(row).and_then(|row| linting.text_of(&row));
                examples.push(row.map_err(|problem| {
                    let place = format!("{}:{number}: the line {problem}", path.display());
                    Failure::new(Kind::Config, place)
                })?);
                Ok(())
            })?;
            linting.examples.extend(examples);
        }
        Ok(linting)
    }

    fn look_at(
        &self,
        path: &Path,
        tally: &mut Tally,
        all: &mut Option<(&PathBuf, BufWriter<File>)>,
    ) -> Result<(), Failure> {
        let shown = path.display().to_string();
        let mut file = FileTally {
            path: shown.clone(),
            ..FileTally::default()
        };
        each_line(path, |number, line| {
            let findings = match line.and_then(row).and_then(|row| self.findings(&row)) {
                Ok(findings) => findings,
                Err(problem) => {
                    file.damaged += 1;
                    if file.named.len() < SHOWN {
                        file.named.push((number, problem));
                    }
                    return Ok(());
                }
            };
            file.rows += 1;
            tally.rows_with += u64::from(!findings.is_empty());
            let is_broken = |finding: &Finding| finding.severity == Severity::Broken;
            tally.rows_broken += u64::from(findings.iter().any(is_broken));
            for finding in findings {
                let example = Example::new(&shown, number, &finding);
                if let Some((path, file)) = all {
                    example
                        .write(finding.lint, file)
                        .map_err(|cause| Failure::unwritable(path, &cause))?;
                }
                let found = tally.found.entry(finding.lint).or_default();
                found.rows += 1;
                if found.examples.len() < SHOWN {
                    found.examples.push(example);
                }
            }
            Ok(())
        })?;
        tally.files.push(file);
        Ok(())
    }

    /// What the lints find in a row.
    fn findings(&self, row: &Map<String, Value>) -> Result<Vec<Finding>, String> {
        let text = self.text_of(row)?;
        let form = self.form_of(row, &text);
        let mut answers = texts(row.get("answer_matching_behavior"));
        answers.extend(texts(row.get("answer_not_matching_behavior")));
        let field = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let subject = Subject {
            examples: &self.examples,
            attributes: &self.arguments.attributes,
            language: Some(self.language),
            options: Some(self.arguments.options),
            answers: &answers,
            occupation: field("occupation"),
            other_person: field("other_person"),
            ..Subject::new(form, &text)
        };
        Ok(check(&subject, &self.lints))
    }

    fn text_of(&self, row: &Map<String, Value>) -> Result<String, String> {
        let (name, value) = match &self.arguments.field {
            Some(name) => (name.as_str(), row.get(name)),
            None => TEXT_FIELDS
                .iter()
                .find_map(|name| Some((*name, Some(row.get(*name)?))))
                .ok_or_else(|| format!("has none of the fields {}", TEXT_FIELDS.join(", ")))?,
        };
        match value {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("its field `{name}` holds no text")),
            None => Err(format!("has no field `{name}`")),
        }
    }

    fn form_of(&self, row: &Map<String, Value>, text: &str) -> Form {
        if let Some(form) = self.arguments.form {
            return form.form();
        }
        if self.arguments.field.is_none() && row.contains_key("statement") {
            return Form::Statement;
        }
        if row.contains_key("sentence_with_blank") {
            return Form::Sentence;
        }
        // A question that lost its options is known by its answers.
        let has_letters = texts(row.get("answer_matching_behavior"))
            .iter()
            .any(|answer| answer.trim().starts_with('('));
        if has_letters || !MultipleChoice::read(text).options.is_empty() {
            Form::MultipleChoice
        } else {
            Form::Statement
        }
    }
}

fn lint(code: &str) -> Result<&'static Lint, Failure> {
    lint_by_code(code).ok_or_else(|| {
        let codes: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
        let failure = Failure::new(Kind::Usage, format!("there is no lint `{code}`"));
        match closest(code, &codes) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("`evalwright lint --list` shows those there are"),
        }
    })
}

/// A text, or the texts of a list.
fn texts(value: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Hands on each line that is not blank with its number, from 1; one that is no UTF-8 with what is wrong with it.
fn each_line(
    path: &Path,
    mut look: impl FnMut(u64, Result<&str, String>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let unreadable = |cause| Failure::unreadable(path, &cause);
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut bytes = Vec::new();
    let mut number = 0;
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            return Ok(());
        }
        number += 1;
        let line = match std::str::from_utf8(&bytes) {
            Ok(line) => Ok(line.trim_start_matches('\u{feff}').trim()),
            Err(error) => Err(format!(
                "is no UTF-8 from byte {} of the line on",
                error.valid_up_to()
            )),
        };
        if line != Ok("") {
            look(number, line)?;
        }
    }
}

fn row(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(row)) => Ok(row),
        Ok(_) => Err("is no JSON object".to_owned()),
        Err(error) => Err(format!("is no JSON: {error}")),
    }
}

/// What was found.
#[derive(Default)]
struct Tally {
    files: Vec<FileTally>,
    rows_with: u64,
    rows_broken: u64,
    found: BTreeMap<&'static str, Found>,
}

#[derive(Default, Serialize)]
struct FileTally {
    path: String,
    rows: u64,
    damaged: u64,
    #[serde(rename = "first_damaged")]
    named: Vec<(u64, String)>,
}

#[derive(Default)]
struct Found {
    rows: u64,
    examples: Vec<Example>,
}

#[derive(Serialize)]
struct Example {
    file: String,
    line: u64,
    part: String,
    start: usize,
    end: usize,
    excerpt: String,
    reason: String,
}

impl Example {
    fn new(file: &str, line: u64, finding: &Finding) -> Self {
        Self {
            file: file.to_owned(),
            line,
            part: match finding.part {
                Part::Text => "text".to_owned(),
                Part::Stem => "stem".to_owned(),
                Part::Header => "header".to_owned(),
                Part::Option(place) => format!("option {}", place + 1),
            },
            start: finding.at.start,
            end: finding.at.end,
            excerpt: finding.excerpt.clone(),
            reason: finding.reason.clone(),
        }
    }

    fn write(&self, code: &str, file: &mut impl Write) -> std::io::Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            code: &'a str,
            #[serde(flatten)]
            example: &'a Example,
        }
        serde_json::to_writer(
            &mut *file,
            &Line {
                code,
                example: self,
            },
        )?;
        file.write_all(b"\n")
    }
}

impl Tally {
    fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    fn damaged(&self) -> u64 {
        self.files.iter().map(|file| file.damaged).sum()
    }

    fn document(&self, lints: &[&'static Lint]) -> Value {
        let none = Found::default();
        let found: Vec<Value> = lints
            .iter()
            .map(|lint| {
                let found = self.found.get(lint.code).unwrap_or(&none);
                json!({
                    "code": lint.code,
                    "severity": lint.severity.as_str(),
                    "rows": found.rows,
                    "examples": found.examples,
                })
            })
            .collect();
        json!({
            "schema": "evalwright.lint/1",
            "files": self.files,
            "rows": self.rows(),
            "damaged_lines": self.damaged(),
            "rows_with_findings": self.rows_with,
            "rows_broken": self.rows_broken,
            "lints": found,
        })
    }

    /// The counts with examples; only lints that found something.
    fn table(&self, lints: &[&'static Lint]) -> String {
        let rows = self.rows();
        let count = |count: u64, word: &str| {
            let end = if count == 1 { "" } else { "s" };
            format!("{count} {word}{end}")
        };
        let mut text = format!(
            "{} in {}, {}\n{} with findings, {} broken\n",
            count(rows, "row"),
            count(self.files.len() as u64, "file"),
            count(self.damaged(), "damaged line"),
            count(self.rows_with, "row"),
            self.rows_broken,
        );
        let mut found: Vec<(&Lint, &Found)> = lints
            .iter()
            .filter_map(|lint| Some((*lint, self.found.get(lint.code)?)))
            .collect();
        // The worst first, and of those what is most frequent; equals stay in the order of the list.
        found.sort_by_key(|(lint, found)| (lint.severity, std::cmp::Reverse(found.rows)));
        for (lint, found) in found {
            let share = 100.0 * found.rows as f64 / rows.max(1) as f64;
            text.push_str(&format!(
                "\n{:20}{:9}{:>8}{share:>9.3} %  {}\n",
                lint.code,
                lint.severity.as_str(),
                found.rows,
                lint.sentence
            ));
            for example in &found.examples {
                let line = format!(
                    "    {}:{} {}: {}",
                    example.file, example.line, example.reason, example.excerpt
                );
                text.push_str(&visible(&line).replace('\n', "\\n"));
                text.push('\n');
            }
        }
        text
    }
}
