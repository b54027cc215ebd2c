//! The variables that templates are given, in one place: what is set here is what may be used there.

use std::collections::BTreeMap;

use evalwright_core::{Fields, Side};
use minijinja::value::{Serde, Value};

use super::Prompts;
use super::failure::undefined;
use crate::behaviour::Behaviour;
use crate::error::{RecipeError, Source};

/// What a rendering knows.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// `behaviour`: the whole behaviour, by its file's keys.
    pub behaviour: &'a Behaviour,
    /// `label` (`matching` or `not_matching`), `side` (that side's description) and `other_side`.
    pub label: Side,
    /// `examples`: the statements to show, in this order.
    pub examples: &'a [String],
    /// `statement`, where there is one; else the variable is not defined.
    pub statement: Option<&'a str>,
    /// `opened`: whether the model can go on from an opened reply. Where it cannot, the template leaves its
    /// block `opening` empty and says in words how the reply is to begin.
    pub opened: bool,
    /// `item`: the candidate's named parts, where the kind has them; else the variable is not defined.
    pub item: Option<&'a Fields>,
    /// `reasoning`: what a judge wrote before it was asked, where it reasons first; else the variable is not defined.
    pub reasoning: Option<&'a str>,
}

/// What a template may look up beside what every rendering has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    /// Whether there is a `statement`.
    pub(crate) statement: bool,
    /// The members of `item`; none where there is no item.
    pub(crate) fields: Option<&'a [String]>,
    /// The members of `behaviour.settings`.
    pub(crate) settings: &'a [&'a str],
    /// Whether there is a `reasoning`.
    pub(crate) reasoning: bool,
}

/// Variables that every rendering has.
const ALWAYS: [&str; 6] = [
    "behaviour",
    "label",
    "side",
    "other_side",
    "examples",
    "opened",
];
/// The variable of templates that are about one statement.
const STATEMENT: &str = "statement";
/// The variable of kinds whose candidates have named parts.
const ITEM: &str = "item";
/// The variable of a judge that reasons before it is asked.
const REASONING: &str = "reasoning";
/// Functions of the engine that stay available.
const FUNCTIONS: [&str; 2] = ["range", "dict"];
/// What a behaviour has; deeper keys after the dot.
const BEHAVIOUR: [&str; 15] = [
    "behaviour.kind",
    "behaviour.preset",
    "behaviour.name",
    "behaviour.description",
    "behaviour.contrast",
    "behaviour.subject",
    "behaviour.rows",
    "behaviour.seed",
    "behaviour.license",
    "behaviour.examples",
    "behaviour.examples.matching",
    "behaviour.examples.not_matching",
    "behaviour.models",
    "behaviour.models.generator",
    "behaviour.models.judges",
];

/// A behaviour as a variable. All prompts of a stage speak of one behaviour, and taking it apart for each of them costs more
/// than rendering one.
pub(super) struct Shared<'a> {
    behaviour: &'a Behaviour,
    value: Value,
}

impl<'a> Values<'a> {
    /// The variables by name. `shared` is what was taken apart last.
    pub(super) fn variables(
        &self,
        shared: &mut Option<Shared<'a>>,
    ) -> BTreeMap<&'static str, Value> {
        let behaviour = match shared {
            Some(shared) if std::ptr::eq(shared.behaviour, self.behaviour) => &*shared,
            _ => shared.insert(Shared {
                behaviour: self.behaviour,
                value: Value::from(Serde(self.behaviour)),
            }),
        };
        let mut variables = BTreeMap::from([
            ("behaviour", behaviour.value.clone()),
            ("label", Value::from(self.label.as_str())),
            ("opened", Value::from(self.opened)),
            ("side", Value::from(self.behaviour.side(self.label))),
            (
                "other_side",
                Value::from(self.behaviour.side(self.label.opposite())),
            ),
            (
                "examples",
                self.examples.iter().map(String::as_str).collect(),
            ),
        ]);
        if let Some(statement) = self.statement {
            variables.insert(STATEMENT, Value::from(statement));
        }
        if let Some(item) = self.item {
            variables.insert(ITEM, Value::from(Serde(item)));
        }
        if let Some(reasoning) = self.reasoning {
            variables.insert(REASONING, Value::from(reasoning));
        }
        variables
    }
}

/// Refuses a template that looks up a variable which it will not have, whichever branch it stands in.
/// Templates that it includes are not followed here; they fail when they are rendered.
///
/// # Errors
/// At the variable, with a suggestion.
pub(crate) fn unknown_variables(
    prompts: &Prompts,
    template: &str,
    given: &Known<'_>,
) -> Result<(), RecipeError> {
    let mut known: Vec<&str> = ALWAYS.to_vec();
    if given.statement {
        known.push(STATEMENT);
    }
    if given.reasoning {
        known.push(REASONING);
    }
    let members: Vec<String> = given
        .fields
        .unwrap_or_default()
        .iter()
        .map(|field| format!("{ITEM}.{field}"))
        .collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    if given.fields.is_some() {
        known.push(ITEM);
    }
    let settings: Vec<String> = given
        .settings
        .iter()
        .map(|setting| format!("{SETTINGS}.{setting}"))
        .collect();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    for path in prompts.variables(template) {
        let root = path.split('.').next().unwrap_or(path);
        let (wrong, candidates) = if path.starts_with(SETTINGS) {
            if path == SETTINGS || is_below(path, &settings) {
                continue;
            }
            (path, &settings[..])
        } else if root == ITEM && given.fields.is_some() {
            if path == ITEM || is_below(path, &members) {
                continue;
            }
            (path, &members[..])
        } else if root == "behaviour" {
            match known_field(path) {
                true => continue,
                false => (path, &BEHAVIOUR[..]),
            }
        } else if known.contains(&root) || FUNCTIONS.contains(&root) {
            continue;
        } else {
            (root, &known[..])
        };
        let file = prompts.shown(template);
        let text = prompts.source(template);
        let source = Source { file: &file, text };
        return Err(match find_in_tags(text, wrong) {
            Some(at) => {
                let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
                let message = undefined(wrong, &format!(" in line {line}"), candidates);
                source.fault(at..at + wrong.len(), message)
            }
            None => source.fault_of_file(undefined(wrong, "", candidates)),
        });
    }
    Ok(())
}

/// The variable of a kind's own settings.
const SETTINGS: &str = "behaviour.settings";

/// Whether a dotted path is one of these, or goes on from one.
fn is_below(path: &str, known: &[&str]) -> bool {
    known.iter().any(|field| {
        path.strip_prefix(field)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whether a dotted path is `behaviour`, one of its keys, or goes into a list below one.
fn known_field(path: &str) -> bool {
    if path == "behaviour" || BEHAVIOUR.contains(&path) {
        return true;
    }
    let lists = ["matching", "not_matching", "judges"];
    BEHAVIOUR.iter().any(|field| {
        lists
            .iter()
            .any(|list| field.ends_with(&format!(".{list}")))
            && path
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// The first place inside a `{{ }}` or `{% %}` tag where a name stands as a whole word.
fn find_in_tags(text: &str, name: &str) -> Option<usize> {
    let inside = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        let opened = before.rfind("{{").max(before.rfind("{%"));
        let closed = before.rfind("}}").max(before.rfind("%}"));
        opened.is_some() && opened > closed
    };
    let is_word =
        |character: char| character.is_alphanumeric() || character == '_' || character == '.';
    text.match_indices(name)
        .find(|(at, _)| {
            let before = text.get(..*at).and_then(|head| head.chars().next_back());
            let after = text
                .get(at + name.len()..)
                .and_then(|tail| tail.chars().next());
            inside(*at)
                && !before.is_some_and(is_word)
                && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
        .map(|(at, _)| at)
}
