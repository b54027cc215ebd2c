//! Which fields a candidate has at each stage of a kind that maps fields, and whether everything that a stage
//! looks at is there by then.
//!
//! A hole found here costs nothing; found at its stage it would have cost every call before it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{RecipeError, Source, did_you_mean};
use crate::item_stage::{
    Additions, DrawnRow, EmitItemStage, EmitValue, FollowStage, OptionsOf, RuleValue, TableStage,
};
use crate::kind::Stage;
use crate::kind_file::Guide;
use crate::prompts::{Known, Prompts, unknown_variables};

/// Fields that `emit` makes from `options`.
pub(crate) const MADE: [&str; 4] = ["choices", "answer", "others", "answer_place"];
/// The field that judges make.
pub(crate) const CONFIDENCE: &str = "confidence";
/// The field that rounds make: a list of objects, one for each round.
pub(crate) const ROUNDS: &str = "rounds";
/// The column that a drawn row is recorded by.
pub(crate) const ID: &str = "id";

/// What a template is for, in a kind that maps fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemPurpose {
    /// Asked of the writer for a slot: nothing that is judged is there yet.
    Slot,
    /// Asked of the writer about a candidate.
    Follow,
    /// Ends where the text begins, rendered for either side.
    Channel,
    /// Asked of a judge.
    Asked,
    /// A published column.
    Column,
}

/// One use of a template with the fields that are there.
#[derive(Debug, Clone)]
pub(crate) struct Use<'k> {
    pub(crate) template: &'k str,
    pub(crate) purpose: ItemPurpose,
    pub(crate) fields: Vec<String>,
    /// Whether it is given what the judge wrote before it was asked.
    pub(crate) reasoning: bool,
}

/// What the check needs beside the stages.
pub(crate) struct Parts<'k> {
    pub(crate) source: Source<'k>,
    pub(crate) cells: &'k [String],
    pub(crate) text: Option<&'k str>,
    pub(crate) guide: &'k Guide,
    pub(crate) files: &'k BTreeMap<String, String>,
}

/// The uses of all templates in the order of the stages.
///
/// # Errors
/// At the first thing that is looked at and not there, or set twice.
pub(crate) fn uses<'k>(
    stages: &'k [Stage],
    parts: &Parts<'_>,
) -> Result<Vec<Use<'k>>, RecipeError> {
    let mut flow = Flow {
        parts,
        fields: Vec::new(),
        uses: Vec::new(),
        base: Vec::new(),
        repeats: false,
        scores: false,
    };
    for stage in stages {
        flow.stage(stage)?;
    }
    flow.cells_and_text()?;
    Ok(flow.uses)
}

/// Refuses templates that look up what they will not have.
pub(crate) fn check_templates(
    stages: &[Stage],
    parts: &Parts<'_>,
    prompts: &Prompts,
) -> Result<(), RecipeError> {
    let settings: Vec<&str> = parts
        .guide
        .settings
        .iter()
        .map(|setting| setting.name.as_str())
        .collect();
    for used in uses(stages, parts)? {
        let known = Known {
            statement: !matches!(used.purpose, ItemPurpose::Slot | ItemPurpose::Channel),
            fields: Some(&used.fields),
            settings: &settings,
            reasoning: used.reasoning,
        };
        unknown_variables(prompts, used.template, &known)?;
    }
    Ok(())
}

struct Flow<'k, 'p> {
    parts: &'p Parts<'p>,
    fields: Vec<String>,
    /// Fields that are there before the first question.
    base: Vec<String>,
    uses: Vec<Use<'k>>,
    repeats: bool,
    scores: bool,
}

impl<'k> Flow<'k, '_> {
    fn stage(&mut self, stage: &'k Stage) -> Result<(), RecipeError> {
        match stage {
            Stage::Table(table) => self.table(table),
            Stage::Cross(cross) => match &cross.with {
                Additions::Table(table) => self.table(table),
                Additions::Variants(variants) => {
                    let keys: Vec<String> = variants
                        .first()
                        .map(|first| first.keys().cloned().collect())
                        .unwrap_or_default();
                    self.begin(&keys)
                }
            },
            Stage::Ask(ask) => {
                let mut fields = self.fields.clone();
                if let Some(gold) = &ask.gold {
                    self.has_table(&gold.table)?;
                    fields.push(gold.table.clone());
                }
                self.use_template(&ask.prompt, ItemPurpose::Slot, fields);
                for field in &ask.gives {
                    if self.fields.contains(field) {
                        return Err(
                            self.fault(field, "is given by a question, and was there before")
                        );
                    }
                }
                self.fields.extend(ask.gives.iter().cloned());
                Ok(())
            }
            Stage::Follow(follow) => self.follow(follow, None),
            Stage::Repeat(repeat) => {
                self.repeats = true;
                if let Some(start) = &repeat.start {
                    self.needs(&start.from)?;
                    self.fields.push(start.field.clone());
                }
                if let Some(draw) = &repeat.draw {
                    self.drawn(draw)?;
                }
                for follow in &repeat.ask {
                    self.follow(follow, repeat.draw.as_ref())?;
                }
                Ok(())
            }
            Stage::Check(check) => {
                for rule in &check.rules {
                    self.needs(&rule.field)?;
                    for value in &rule.values {
                        match value {
                            RuleValue::Field(field) => self.needs(field)?,
                            RuleValue::Setting(setting) => self.has_setting(setting)?,
                            RuleValue::Text(_) => {}
                        }
                    }
                }
                Ok(())
            }
            Stage::Score(score) => {
                self.scores = true;
                let mut fields = self.fields.clone();
                if let Some(options) = &score.options {
                    self.has_options(options)?;
                    fields.push("choices".to_owned());
                }
                if let Some(draw) = &score.draw {
                    self.drawn(draw)?;
                    fields.push(draw.field.clone());
                }
                for rater in &score.raters {
                    if let Some(reasons) = &rater.reasons {
                        self.use_template(&reasons.prompt, ItemPurpose::Asked, fields.clone());
                    }
                    let purpose = if rater.methods.contains(&evalwright_core::Method::Channel) {
                        ItemPurpose::Channel
                    } else {
                        ItemPurpose::Asked
                    };
                    self.use_template(&rater.prompt, purpose, fields.clone());
                    if let Some(used) = self.uses.last_mut() {
                        used.reasoning = rater.reasons.is_some();
                    }
                }
                Ok(())
            }
            Stage::Lint(_) | Stage::Dedup(_) | Stage::Select(_) | Stage::Emit(_) => Ok(()),
            Stage::EmitItem(emit) => self.emit(emit),
        }
    }

    fn emit(&mut self, emit: &'k EmitItemStage) -> Result<(), RecipeError> {
        if let Some(options) = &emit.options {
            self.has_options(options)?;
            self.fields.extend(MADE.map(str::to_owned));
        }
        if self.repeats {
            self.fields.push(ROUNDS.to_owned());
        }
        if self.scores {
            self.fields.push(CONFIDENCE.to_owned());
        }
        for field in &emit.fields {
            match &field.value {
                EmitValue::Template(template) => {
                    self.use_template(template, ItemPurpose::Column, self.fields.clone());
                }
                EmitValue::From(from) => self.needs(from)?,
                EmitValue::Index => {}
            }
        }
        let names: Vec<&str> = emit
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        schema_fits(self.parts, &emit.schema, &names)
    }

    fn follow(
        &mut self,
        follow: &'k FollowStage,
        draw: Option<&DrawnRow>,
    ) -> Result<(), RecipeError> {
        let mut fields = self.fields.clone();
        fields.extend(draw.map(|draw| draw.field.clone()));
        self.use_template(&follow.prompt, ItemPurpose::Follow, fields);
        for field in &follow.gives {
            if self.base.contains(field) {
                return Err(self.fault(
                    field,
                    "is given by a question, and comes from a table or cross",
                ));
            }
            if !self.fields.contains(field) {
                self.fields.push(field.clone());
            }
        }
        Ok(())
    }

    fn table(&mut self, table: &TableStage) -> Result<(), RecipeError> {
        self.has_table(&table.name)?;
        self.begin(&table.columns)
    }

    /// Fields of a table or cross, before the first question or after the rows are chosen.
    fn begin(&mut self, fields: &[String]) -> Result<(), RecipeError> {
        for field in fields {
            if self.fields.contains(field) {
                return Err(self.fault(field, "is there already; name it otherwise"));
            }
            if MADE.contains(&field.as_str()) || [CONFIDENCE, ROUNDS].contains(&field.as_str()) {
                return Err(self.fault(field, "is a field that `emit` makes; name it otherwise"));
            }
        }
        self.fields.extend(fields.iter().cloned());
        if self.uses.is_empty() {
            self.base.extend(fields.iter().cloned());
        }
        Ok(())
    }

    fn use_template(&mut self, template: &'k str, purpose: ItemPurpose, fields: Vec<String>) {
        self.uses.push(Use {
            template,
            purpose,
            fields,
            reasoning: false,
        });
    }

    fn cells_and_text(&self) -> Result<(), RecipeError> {
        for cell in self.parts.cells {
            if cell != "label" && !self.base.contains(cell) {
                return Err(self.fault(
                    cell,
                    "is held balanced and must be a field that `table` or `cross` sets before the first question",
                ));
            }
        }
        match self.parts.text {
            Some(text) => self.needs(text),
            None => Err(self.parts.source.fault_of_file(
                "missing key `text`: the field that lints, judges and duplicates look at",
            )),
        }
    }

    fn has_options(&self, options: &OptionsOf) -> Result<(), RecipeError> {
        options
            .fields()
            .into_iter()
            .try_for_each(|field| self.needs(field))
    }

    fn drawn(&self, draw: &DrawnRow) -> Result<(), RecipeError> {
        self.has_table(&draw.table)?;
        if self.fields.contains(&draw.field) {
            return Err(self.fault(
                &draw.field,
                "is there already; name the drawn row otherwise",
            ));
        }
        Ok(())
    }

    fn needs(&self, field: &str) -> Result<(), RecipeError> {
        if self.fields.iter().any(|known| known == field) {
            return Ok(());
        }
        let known: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        let help = did_you_mean(field, "fields there by then", &known);
        Err(self.fault(
            field,
            &format!("is no field that an earlier stage sets; {help}"),
        ))
    }

    fn has_setting(&self, name: &str) -> Result<(), RecipeError> {
        let known: Vec<&str> = self
            .parts
            .guide
            .settings
            .iter()
            .map(|s| s.name.as_str())
            .collect();
        if known.contains(&name) {
            return Ok(());
        }
        let help = did_you_mean(name, "settings", &known);
        Err(self.fault(name, &format!("is no setting of the kind; {help}")))
    }

    /// A table is there when the folder has it or the behaviour must bring it.
    fn has_table(&self, name: &str) -> Result<(), RecipeError> {
        let in_folder = |ending: &str| {
            self.parts
                .files
                .contains_key(&format!("tables/{name}.{ending}"))
        };
        let is_brought = self
            .parts
            .guide
            .tables
            .iter()
            .any(|table| table.name == name);
        if is_brought || in_folder("jsonl") || in_folder("csv") {
            return Ok(());
        }
        Err(self.fault(
            name,
            &format!(
                "is no table: there is no `tables/{name}.jsonl` or `.csv` in the folder, and `[tables.{name}]` does \
                 not say that a behaviour brings it"
            ),
        ))
    }

    fn fault(&self, name: &str, problem: &str) -> RecipeError {
        at_name(self.parts.source, name, &format!("`{name}` {problem}"))
    }
}

/// A fault at the last place where a name stands in quotes or as a key; of the whole file where it stands nowhere.
pub(crate) fn at_name(source: Source<'_>, name: &str, message: &str) -> RecipeError {
    let quoted = format!("\"{name}\"");
    let at = source
        .text
        .rfind(&quoted)
        .map(|at| at + 1)
        .or_else(|| source.text.rfind(name));
    match at {
        Some(at) => source.fault(at..at + name.len(), message),
        None => source.fault_of_file(message),
    }
}

/// The schema's columns must be those of the map, each required, so that no row lacks one.
fn schema_fits(parts: &Parts<'_>, file: &str, names: &[&str]) -> Result<(), RecipeError> {
    let Some(text) = parts.files.get(file) else {
        return Err(at_name(
            parts.source,
            file,
            &format!(
                "there is no file `{file}` in the folder; it must hold the JSON schema of a row"
            ),
        ));
    };
    let source = Source { file, text };
    let schema: Value = serde_json::from_str(text)
        .map_err(|error| source.fault_on_line(error.line(), format!("not valid JSON: {error}")))?;
    crate::schema::check_schema(&schema).map_err(|problem| source.fault_of_file(problem))?;
    let properties = schema.get("properties").and_then(Value::as_object);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    for name in names.iter().copied().chain([ID, "metadata"]) {
        let is_there = properties.is_some_and(|properties| properties.contains_key(name));
        if !is_there || !required.contains(&name) {
            return Err(source.fault_of_file(format!(
                "the column `{name}` must stand under `properties` and in `required`"
            )));
        }
    }
    let more = properties
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .find(|name| !names.contains(&name.as_str()) && *name != ID && *name != "metadata");
    match more {
        Some(name) => Err(source.fault_of_file(format!(
            "the property `{name}` is no column of the stage `emit`; add it there or take it out here"
        ))),
        None => Ok(()),
    }
}
