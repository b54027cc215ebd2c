//! `use = "lint"`: which lints drop or flag, and a kind's own rules beside them.
//!
//! A rule of one's own is a regular expression or a process that is asked about every candidate. Both are part of the
//! stage as written, and with it of the recipe: another pattern or command line is another recipe. What a process's
//! program says is not; whoever changes it gives its command line a version.

use std::ops::Range;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::document::{Entry, Section};
use crate::error::RecipeError;
use crate::stage_file::Names;

/// `use = "lint"`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LintStage {
    /// Codes of lints whose finding drops the candidate.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Codes of lints whose finding is noted on the row.
    #[serde(default)]
    pub flag: Vec<String>,
    /// What kind of text the candidates are.
    #[serde(default, skip_serializing_if = "is_statement")]
    pub form: TextForm,
    /// Two letters of the language that texts must be in; `en` where the kind says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How many options a question must have; any number from two on where the kind says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<u32>,
    /// Words that name what is tested outright, for the lint `attribute-named`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// The kind's own rules, in order; they look after the lints, at what those left.
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<LintRule>,
}

/// What kind of text lints look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextForm {
    /// A statement.
    #[default]
    Statement,
    /// A question with lettered options.
    MultipleChoice,
    /// A sentence with a blank for a pronoun.
    Sentence,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over by reference"
)]
fn is_statement(form: &TextForm) -> bool {
    *form == TextForm::Statement
}

/// A rule of the kind's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LintRule {
    /// Its code in reports: small letters, digits and `-`; no lint's code.
    pub name: String,
    /// What a text that it finds does, to follow `the text`.
    pub sentence: String,
    /// What becomes of a candidate that it finds.
    pub action: RuleAction,
    /// How it finds.
    #[serde(flatten)]
    pub finder: RuleFinder,
}

/// What becomes of a candidate that a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAction {
    /// It falls.
    Drop,
    /// It keeps the rule's name as a flag.
    Flag,
}

/// How a rule finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RuleFinder {
    /// By a regular expression that [`Pattern::compile`] takes.
    Pattern {
        /// The expression.
        pattern: String,
        /// What it looks at.
        field: RuleField,
    },
    /// By a process: one line of JSON about a candidate in, one out.
    Command {
        /// The program and its arguments, files of the folder as their texts; no shell reads them.
        command: Vec<String>,
        /// Seconds that one answer may take, from 1 to 600.
        seconds: u32,
    },
}

/// What a pattern looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleField {
    /// The whole text.
    #[default]
    Text,
    /// What a question asks; the whole text of what is no question.
    Stem,
    /// Each option by itself; nothing in what is no question.
    Options,
}

/// The most memory that a compiled pattern may take, in bytes: far more than any sensible one needs. Matching is
/// linear in the text whatever the pattern.
const PATTERN_BYTES: usize = 1 << 20;

/// How deep groups of a pattern may lie in each other.
const PATTERN_DEPTH: u32 = 50;

const DEFAULT_SECONDS: u32 = 10;
const MOST_SECONDS: u32 = 600;

/// A compiled pattern. It has no look-around and no references back, so that matching takes time in proportion to the
/// text, whatever pattern and text say.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a rule's pattern.
    ///
    /// # Errors
    /// What is wrong with it, as one line: it is no regular expression, needs too much memory, or matches the empty
    /// text and with it every candidate.
    pub fn compile(pattern: &str) -> Result<Self, String> {
        let compiled = RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .nest_limit(PATTERN_DEPTH)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => {
                    format!("it needs more than {limit} bytes when compiled")
                }
                // The message draws the place below the pattern; its last line says what is wrong.
                error => {
                    let message = error.to_string();
                    let last = message.lines().last().unwrap_or_default();
                    last.trim_start_matches("error: ").to_owned()
                }
            })?;
        if compiled.is_match("") {
            return Err("it matches the empty text, so it would find every candidate".to_owned());
        }
        Ok(Self(compiled))
    }

    /// The bytes of the first match.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        self.0.find(text).map(|found| found.range())
    }
}

/// Reads the stage.
pub(crate) fn read(section: &Section<'_>, names: &Names<'_>) -> Result<LintStage, RecipeError> {
    section.only(&[
        "use",
        "drop",
        "flag",
        "form",
        "language",
        "options",
        "attributes",
        "rule",
    ])?;
    let mut seen: Vec<String> = Vec::new();
    let mut codes = |key: &str| -> Result<Vec<String>, RecipeError> {
        let mut codes = Vec::new();
        let Some(list) = section.optional(key) else {
            return Ok(codes);
        };
        for entry in list.entries()? {
            let code = entry.known("lint", names.known.lints)?;
            if seen.contains(&code) {
                return Err(entry.fault(format!("repeats {code:?}; a lint either drops or flags")));
            }
            seen.push(code.clone());
            codes.push(code);
        }
        Ok(codes)
    };
    let (drop, flag) = (codes("drop")?, codes("flag")?);
    Ok(LintStage {
        drop,
        flag,
        form: match section.optional("form") {
            Some(entry) => entry.choice(&[
                ("statement", TextForm::Statement),
                ("multiple-choice", TextForm::MultipleChoice),
                ("sentence", TextForm::Sentence),
            ])?,
            None => TextForm::default(),
        },
        language: section
            .optional("language")
            .map(|entry| language(&entry))
            .transpose()?,
        options: section
            .optional("options")
            .map(|entry| entry.whole_u32(2, 26))
            .transpose()?,
        attributes: match section.optional("attributes") {
            Some(entry) => entry.distinct_texts()?,
            None => Vec::new(),
        },
        rules: rules(section, names)?,
    })
}

fn language(entry: &Entry<'_>) -> Result<String, RecipeError> {
    let code = entry.text()?;
    if code.len() == 2 && code.chars().all(|letter| letter.is_ascii_lowercase()) {
        return Ok(code.to_owned());
    }
    Err(entry.fault(format!(
        "is {code:?}; it must be two letters such as \"en\""
    )))
}

fn rules(section: &Section<'_>, names: &Names<'_>) -> Result<Vec<LintRule>, RecipeError> {
    let mut rules: Vec<LintRule> = Vec::new();
    let Some(list) = section.optional("rule") else {
        return Ok(rules);
    };
    for entry in list.entries()? {
        let section = entry.section()?;
        let rule = rule(&section, names)?;
        if rules.iter().any(|other| other.name == rule.name) {
            return Err(section
                .required("name")?
                .fault(format!("repeats the rule name {:?}", rule.name)));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(section: &Section<'_>, names: &Names<'_>) -> Result<LintRule, RecipeError> {
    section.only(&[
        "name", "sentence", "action", "pattern", "field", "command", "seconds",
    ])?;
    let entry = section.required("name")?;
    let name = entry.filled()?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(plain) {
        return Err(entry.fault("must be lower-case letters, digits and `-`"));
    }
    if names.known.lints.contains(&name) {
        return Err(entry.fault(format!(
            "is {name:?}, which is a lint's code; name the rule otherwise"
        )));
    }
    Ok(LintRule {
        name: name.to_owned(),
        sentence: section.required("sentence")?.filled()?.to_owned(),
        action: section
            .required("action")?
            .choice(&[("drop", RuleAction::Drop), ("flag", RuleAction::Flag)])?,
        finder: finder(section, names)?,
    })
}

fn finder(section: &Section<'_>, names: &Names<'_>) -> Result<RuleFinder, RecipeError> {
    match (section.optional("pattern"), section.optional("command")) {
        (Some(_), Some(command)) => {
            Err(command.fault("cannot stand beside `pattern`; make them two rules"))
        }
        (None, None) => Err(section.fault("a rule needs a `pattern` or a `command`")),
        (Some(pattern), None) => {
            if let Some(seconds) = section.optional("seconds") {
                return Err(seconds.fault("is of no use without `command`"));
            }
            let text = pattern.text()?;
            Pattern::compile(text)
                .map_err(|problem| pattern.fault(format!("is of no use: {problem}")))?;
            Ok(RuleFinder::Pattern {
                pattern: text.to_owned(),
                field: match section.optional("field") {
                    Some(entry) => entry.choice(&[
                        ("text", RuleField::Text),
                        ("stem", RuleField::Stem),
                        ("options", RuleField::Options),
                    ])?,
                    None => RuleField::default(),
                },
            })
        }
        (None, Some(command)) => {
            if let Some(field) = section.optional("field") {
                return Err(field.fault("is of no use without `pattern`; a process is shown all"));
            }
            let (command, seconds) = process(section, &command, names)?;
            Ok(RuleFinder::Command { command, seconds })
        }
    }
}

/// A rule's command line, and the seconds that one answer may take.
pub(crate) fn process(
    section: &Section<'_>,
    command: &Entry<'_>,
    names: &Names<'_>,
) -> Result<(Vec<String>, u32), RecipeError> {
    let seconds = match section.optional("seconds") {
        Some(entry) => entry.whole_u32(1, MOST_SECONDS)?,
        None => DEFAULT_SECONDS,
    };
    Ok((command_line(command, names)?, seconds))
}

/// The words of a command line. `{ file = "…" }` stands for the text of a file of the folder: a program that takes a
/// script as a word needs no file on the disk, and several rules can share one.
fn command_line(entry: &Entry<'_>, names: &Names<'_>) -> Result<Vec<String>, RecipeError> {
    let mut words = Vec::new();
    for word in entry.entries()? {
        let text = match word.section() {
            Ok(section) if !words.is_empty() => {
                section.only(&["file"])?;
                let files: Vec<&str> = names.files.keys().map(String::as_str).collect();
                let file = section.required("file")?.known("file", &files)?;
                names.files.get(&file).map_or("", String::as_str)
            }
            _ => word.text()?,
        };
        if text.contains('\0') || (words.is_empty() && text.trim().is_empty()) {
            return Err(word.fault("is no word of a command line"));
        }
        words.push(text.to_owned());
    }
    if words.is_empty() {
        return Err(entry.fault("is empty; name at least the program"));
    }
    Ok(words)
}
