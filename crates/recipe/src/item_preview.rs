//! Renders every template of a kind that maps fields, with a sample candidate, before any model is asked.

use std::collections::BTreeSet;

use evalwright_core::{Fields, Prompt, Side, field_text};
use serde_json::Value;

use crate::behaviour::Behaviour;
use crate::choices::arranged;
use crate::error::{RecipeError, Source};
use crate::flow::{CONFIDENCE, ItemPurpose, MADE, Parts, ROUNDS, Use, uses};
use crate::item_stage::{Additions, OptionsOf};
use crate::kind::Stage;
use crate::kind_file::LoadedKind;
use crate::preview::{NO_REASONING, REASONING, SamplePrompt};
use crate::prompts::Values;

/// Renders each template once, in the order of the stages; for both labels where the kind has them.
pub(crate) fn rendered(
    kind: &LoadedKind,
    behaviour: &Behaviour,
) -> Result<Vec<SamplePrompt>, RecipeError> {
    let no_files = std::collections::BTreeMap::new();
    let parts = Parts {
        source: Source {
            file: &kind.kind.name,
            text: "",
        },
        cells: &kind.kind.cells,
        text: kind.kind.text.as_deref(),
        guide: &kind.guide,
        files: &no_files,
    };
    let all = sample_fields(kind, behaviour)?;
    let mut seen = BTreeSet::new();
    let mut prompts = Vec::new();
    for used in uses(
        &kind.kind.stages,
        &Parts {
            files: &kind_files(kind),
            ..parts
        },
    )? {
        if !seen.insert(used.template) {
            continue;
        }
        let labels: &[Side] = if kind.kind.is_labelled() {
            &Side::ALL
        } else {
            &Side::ALL[..1]
        };
        let mut forms = vec![true];
        if used.purpose != ItemPurpose::Column {
            forms.push(false);
        }
        let mut first_form: Vec<SamplePrompt> = Vec::new();
        for opened in forms {
            let form = labels
                .iter()
                .map(|label| render(kind, behaviour, &all, &used, *label, opened))
                .collect::<Result<Vec<_>, _>>()?;
            if opened {
                tells_apart(kind, &used, &form)?;
                first_form.clone_from(&form);
                prompts.extend(form);
            } else if form
                .iter()
                .zip(&first_form)
                .any(|(whole, opened)| whole.prompt != opened.prompt)
            {
                prompts.extend(form);
            }
        }
    }
    Ok(prompts)
}

/// The folder's files were checked when it was loaded; here only the schema's name is looked up again.
fn kind_files(kind: &LoadedKind) -> std::collections::BTreeMap<String, String> {
    kind.schema_text
        .iter()
        .map(|(file, text)| (file.clone(), text.clone()))
        .chain(
            kind.tables
                .keys()
                .map(|name| (format!("tables/{name}.jsonl"), String::new())),
        )
        .collect()
}

/// A prompt that asks for a side's item must differ between the sides.
fn tells_apart(
    kind: &LoadedKind,
    used: &Use<'_>,
    form: &[SamplePrompt],
) -> Result<(), RecipeError> {
    let must = matches!(used.purpose, ItemPurpose::Slot | ItemPurpose::Channel);
    match form {
        [matching, not_matching] if must && matching.prompt == not_matching.prompt => {
            Err(kind.prompts.source_fault(
                used.template,
                "the prompt is the same for both labels; use `side`, `other_side` or `label` in it",
            ))
        }
        _ => Ok(()),
    }
}

fn render(
    kind: &LoadedKind,
    behaviour: &Behaviour,
    all: &Fields,
    used: &Use<'_>,
    label: Side,
    opened: bool,
) -> Result<SamplePrompt, RecipeError> {
    let mut item = Fields::new();
    for field in &used.fields {
        let Some(value) = all.get(field) else {
            return Err(RecipeError::Folder {
                folder: kind.kind.name.clone(),
                problem: format!(
                    "`sample-item.json` lacks `{field}`, so `{}` cannot be shown before there is a candidate",
                    used.template
                ),
            });
        };
        item.insert(field.clone(), value.clone());
    }
    let statement = kind
        .kind
        .text
        .as_deref()
        .and_then(|text| all.get(text))
        .and_then(field_text)
        .unwrap_or_default();
    let examples = match used.purpose {
        ItemPurpose::Slot => behaviour.examples.for_writer(label),
        ItemPurpose::Channel => behaviour.examples.for_judges(label),
        _ => &[],
    };
    let has_statement = !matches!(used.purpose, ItemPurpose::Slot | ItemPurpose::Channel);
    let values = Values {
        behaviour,
        label,
        examples,
        statement: has_statement.then_some(statement.as_str()),
        opened,
        item: Some(&item),
        reasoning: used.reasoning.then_some(REASONING),
    };
    let prompt = match used.purpose {
        ItemPurpose::Column => Prompt::Text(kind.prompts.render_text(used.template, &values)?),
        _ => kind.prompts.render_prompt(used.template, &values)?,
    };
    let shown = SamplePrompt {
        template: used.template.to_owned(),
        label,
        opened,
        prompt,
    };
    if used.reasoning && !shown.shown().contains(REASONING) {
        return Err(kind.prompts.source_fault(used.template, NO_REASONING));
    }
    Ok(shown)
}

/// A value for every field that any stage of a kind sets: from the tables' first rows, the first variants and the
/// folder's `sample-item.json`. Stands in for a candidate where only a prompt's shape is wanted.
///
/// # Errors
/// When the sample's answers cannot be told apart.
pub fn sample_fields(kind: &LoadedKind, behaviour: &Behaviour) -> Result<Fields, RecipeError> {
    let mut fields = Fields::new();
    let rows = |name: &str| kind.table(behaviour, name).unwrap_or_default();
    let mut options: Option<&OptionsOf> = None;
    for stage in &kind.kind.stages {
        match stage {
            Stage::Table(table) => {
                fields.extend(rows(&table.name).first().cloned().unwrap_or_default())
            }
            Stage::Cross(cross) => match &cross.with {
                Additions::Table(table) => {
                    fields.extend(rows(&table.name).first().cloned().unwrap_or_default());
                }
                Additions::Variants(variants) => {
                    fields.extend(variants.first().cloned().unwrap_or_default());
                }
            },
            Stage::Ask(ask) => {
                if let Some(gold) = &ask.gold {
                    let shown: Vec<Value> = rows(&gold.table)
                        .iter()
                        .take(gold.count)
                        .map(|row| Value::Object(crate::choices::with_choices(row, None)))
                        .collect();
                    fields.insert(gold.table.clone(), Value::Array(shown));
                }
            }
            Stage::Repeat(repeat) => {
                if let Some(start) = &repeat.start
                    && let Some(value) = kind.sample_item.get(&start.from)
                {
                    fields.insert(start.field.clone(), value.clone());
                }
                if let Some(draw) = &repeat.draw {
                    let row = rows(&draw.table).first().cloned().unwrap_or_default();
                    fields.insert(draw.field.clone(), Value::Object(row));
                }
            }
            Stage::Score(score) => {
                options = score.options.as_ref().or(options);
                if let Some(draw) = &score.draw {
                    let row = rows(&draw.table).first().cloned().unwrap_or_default();
                    fields.insert(draw.field.clone(), Value::Object(row));
                }
            }
            Stage::EmitItem(emit) => options = emit.options.as_ref().or(options),
            _ => {}
        }
    }
    for (name, value) in &kind.sample_item {
        if !fields.contains_key(name) {
            fields.insert(name.clone(), value.clone());
        }
    }
    if let Some(options) = options {
        let arranged = arranged(&fields, options, Side::Matching, None).map_err(|problem| {
            RecipeError::Folder {
                folder: kind.kind.name.clone(),
                problem: format!("the sample candidate's answers: {problem}"),
            }
        })?;
        let place = Value::from(arranged.place);
        let made = [arranged.choices, arranged.answer, arranged.others, place];
        for (name, value) in MADE.iter().zip(made) {
            fields.insert((*name).to_owned(), value);
        }
    }
    fields.insert(CONFIDENCE.to_owned(), Value::from(0.9));
    fields.insert(ROUNDS.to_owned(), Value::Array(Vec::new()));
    Ok(fields)
}
