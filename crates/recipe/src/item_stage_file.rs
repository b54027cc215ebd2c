//! Reads the `[[stage]]` list of a kind whose `emit` maps fields to columns.
//!
//! Stages stand in the order of their places; between the first question and `dedup` they stand in any order. Which
//! fields are there at each place is checked in [`crate::flow`].

use evalwright_core::Fields;

use crate::document::{Entry, Section};
use crate::error::RecipeError;
use crate::item_stage::{
    Additions, AnswerPlace, CheckStage, CrossStage, DrawnRow, EmitField, EmitItemStage, EmitValue,
    FollowStage, Gold, OptionsOf, Placing, RepeatStage, Rule, RuleCommand, RuleValue, StartField,
    TableStage, Test,
};
use crate::kind::{AskStage, ScoreStage, SelectStage, Stage};
use crate::lint_stage;
use crate::select_file::select;
use crate::stage_file::{
    Answers, LABEL, Names, dedup, plan, raters, requirement, requirements, sampling, template,
};

/// Parsers that give several fields at once, beside those that give one text.
pub const FIELD_PARSERS: [&str; 3] = ["fields", "lines", "choice"];
/// What the parser `choice` gives.
pub(crate) const CHOICE_FIELDS: [&str; 2] = ["stem", "options"];

/// Each word with the places where it may stand.
const PLACES: [(&str, &[u8]); 10] = [
    ("table", &[0]),
    ("cross", &[0, 5]),
    ("ask", &[1, 2]),
    ("lint", &[2]),
    ("score", &[2]),
    ("check", &[2]),
    ("repeat", &[2]),
    ("dedup", &[3]),
    ("select", &[4]),
    ("emit", &[6]),
];

/// Whether the list's `emit` maps fields.
pub(crate) fn maps_fields(list: &Entry<'_>) -> Result<bool, RecipeError> {
    for entry in list.entries()? {
        let section = entry.section()?;
        let is_emit = section
            .optional("use")
            .is_some_and(|word| word.text().is_ok_and(|word| word == "emit"));
        if is_emit && section.optional("field").is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads all stages.
pub(crate) fn read_item_stages(
    list: &Entry<'_>,
    names: &Names<'_>,
) -> Result<Vec<Stage>, RecipeError> {
    let mut stages = Vec::new();
    let mut place = 0;
    let mut asked = false;
    for entry in list.entries()? {
        let section = entry.section()?;
        let word = section.required("use")?;
        let uses: Vec<&str> = PLACES.iter().map(|(word, _)| *word).collect();
        let found = word.known("stage", &uses)?;
        let places = PLACES
            .iter()
            .find(|(word, _)| *word == found)
            .map_or(&[][..], |(_, places)| places);
        let once = matches!(found.as_str(), "dedup" | "select" | "emit");
        let next = places
            .iter()
            .copied()
            .find(|next| *next >= place && !(once && *next == place && has(&stages, &found)));
        let Some(next) = next else {
            return Err(word.fault(format!(
                "is {found:?}, which stands too late or twice; the order is table and cross, ask, then ask, \
                 lint, score, check and repeat as needed, then dedup, select, cross, emit"
            )));
        };
        // The first question makes the candidates; those after it are about them.
        place = if found == "ask" && asked {
            next.max(2)
        } else {
            next
        };
        stages.push(match found.as_str() {
            "table" => Stage::Table(table(&section)?),
            "cross" => Stage::Cross(cross(&section, has(&stages, "select"))?),
            "ask" if !asked && !is_filtered(&stages) => {
                asked = true;
                Stage::Ask(first_ask(&section, names)?)
            }
            "ask" => Stage::Follow(follow(&section, names, true)?),
            "lint" => Stage::Lint(lint_stage::read(&section, names)?),
            "score" => Stage::Score(score(&section, names, &stages)?),
            "check" => Stage::Check(check(&section, names)?),
            "repeat" => Stage::Repeat(repeat(&section, names)?),
            "dedup" => Stage::Dedup(dedup(&section)?),
            "select" => Stage::Select(choosing(&section, &stages)?),
            _ => Stage::EmitItem(emit(&section, names)?),
        });
    }
    let begins = matches!(
        stages.first(),
        Some(Stage::Ask(_) | Stage::Table(_) | Stage::Cross(_))
    );
    if !begins {
        return Err(
            list.fault("begins without a stage that makes items: `table`, `cross` or `ask`")
        );
    }
    for needed in ["select", "emit"] {
        if !has(&stages, needed) {
            return Err(list.fault(format!("holds no stage with `use = \"{needed}\"`")));
        }
    }
    Ok(stages)
}

/// Whether a stage of this word is there.
fn has(stages: &[Stage], word: &str) -> bool {
    stages.iter().any(|stage| match stage {
        Stage::Dedup(_) => word == "dedup",
        Stage::Select(_) => word == "select",
        Stage::EmitItem(_) => word == "emit",
        _ => false,
    })
}

/// Whether a stage that looks at candidates is there: then items were made without a question.
fn is_filtered(stages: &[Stage]) -> bool {
    stages
        .iter()
        .any(|stage| !matches!(stage, Stage::Table(_) | Stage::Cross(_)))
}

fn table(section: &Section<'_>) -> Result<TableStage, RecipeError> {
    section.only(&["use", "name", "columns"])?;
    Ok(TableStage {
        name: field_name(&section.required("name")?)?,
        columns: field_names(&section.required("columns")?)?,
    })
}

fn cross(section: &Section<'_>, late: bool) -> Result<CrossStage, RecipeError> {
    section.only(&["use", "table", "columns", "variants", "draw", "deal"])?;
    let with = match (section.optional("table"), section.optional("variants")) {
        (Some(name), None) => Additions::Table(TableStage {
            name: field_name(&name)?,
            columns: field_names(&section.required("columns")?)?,
        }),
        (None, Some(list)) => Additions::Variants(variants(&list)?),
        _ => return Err(section.fault("needs one of `table` and `variants`")),
    };
    let number = |key: &str| -> Result<Option<usize>, RecipeError> {
        let number = section
            .optional(key)
            .map(|entry| entry.whole(1, 100_000))
            .transpose()?;
        Ok(number.and_then(|number| usize::try_from(number).ok()))
    };
    let (draw, deal) = (number("draw")?, number("deal")?);
    if let (Some(_), Some(entry)) = (draw, section.optional("deal")) {
        return Err(entry.fault("stands beside `draw`; keep one of them"));
    }
    if let (true, Some(entry)) = (late, section.optional("deal")) {
        return Err(entry.fault("deals to what comes before the first question; use `draw` here"));
    }
    Ok(CrossStage { with, draw, deal })
}

fn variants(list: &Entry<'_>) -> Result<Vec<Fields>, RecipeError> {
    let mut variants: Vec<Fields> = Vec::new();
    for entry in list.entries()? {
        let variant = entry.section()?.json()?;
        if let Some(first) = variants.first() {
            crate::table::check_columns(first, &variant)
                .map_err(|problem| entry.fault(format!("does not fit the others: {problem}")))?;
        }
        if variants.contains(&variant) {
            return Err(entry.fault("repeats another variant"));
        }
        variants.push(variant);
    }
    if variants.is_empty() {
        return Err(list.fault("is empty; give at least one set of fields"));
    }
    Ok(variants)
}

fn first_ask(section: &Section<'_>, names: &Names<'_>) -> Result<AskStage, RecipeError> {
    section.only(&[
        "use", "prompt", "parse", "gives", "sampling", "examples", "gold", "plan",
    ])?;
    let follow = follow(section, names, false)?;
    let gold = match section.optional("gold") {
        None => None,
        Some(entry) => {
            let section = entry.section()?;
            section.only(&["table", "count"])?;
            Some(Gold {
                table: field_name(&section.required("table")?)?,
                count: count(&section.required("count")?)?,
            })
        }
    };
    Ok(AskStage {
        prompt: follow.prompt,
        parse: follow.parse,
        sampling: follow.sampling,
        examples: section
            .optional("examples")
            .map_or(Ok(0), |entry| count(&entry))?,
        gold,
        gives: follow.gives,
        plan: plan(&section.required("plan")?)?,
    })
}

fn count(entry: &Entry<'_>) -> Result<usize, RecipeError> {
    Ok(usize::try_from(entry.whole(0, 100)?).unwrap_or(0))
}

fn follow(
    section: &Section<'_>,
    names: &Names<'_>,
    alone: bool,
) -> Result<FollowStage, RecipeError> {
    if alone {
        section.only(&["use", "prompt", "parse", "gives", "sampling"])?;
    }
    let parsers: Vec<&str> = names
        .known
        .parsers
        .iter()
        .chain(&FIELD_PARSERS)
        .copied()
        .collect();
    let parse = section.required("parse")?.known("parser", &parsers)?;
    let entry = section.required("gives")?;
    let gives = field_names(&entry)?;
    let fits = match parse.as_str() {
        "fields" | "lines" => !gives.is_empty(),
        "choice" => {
            CHOICE_FIELDS
                .iter()
                .all(|name| gives.iter().any(|g| g == name))
                && gives.len() == 2
        }
        _ => gives.len() == 1,
    };
    if !fits {
        return Err(entry.fault(match parse.as_str() {
            "lines" => "is empty; name the lines that the reply holds".to_owned(),
            "fields" => "is empty; name the members of the object that the reply holds".to_owned(),
            "choice" => "must be [\"stem\", \"options\"] for the parser `choice`".to_owned(),
            parse => format!("must hold one name: the parser `{parse}` gives one text"),
        }));
    }
    Ok(FollowStage {
        prompt: template(section, "prompt", names)?,
        parse,
        gives,
        sampling: sampling(&section.required("sampling")?.section()?)?,
    })
}

fn repeat(section: &Section<'_>, names: &Names<'_>) -> Result<RepeatStage, RecipeError> {
    section.only(&["use", "rounds", "draw", "start", "ask"])?;
    let list = section.required("ask")?;
    let mut ask = Vec::new();
    for entry in list.entries()? {
        ask.push(follow(&entry.section()?, names, true)?);
    }
    if ask.is_empty() {
        return Err(list.fault("is empty; a round needs a question"));
    }
    Ok(RepeatStage {
        rounds: section.required("rounds")?.whole_u32(1, 16)?,
        draw: section
            .optional("draw")
            .map(|entry| drawn(&entry, false))
            .transpose()?,
        start: section
            .optional("start")
            .map(|entry| {
                let section = entry.section()?;
                section.only(&["field", "from"])?;
                Ok::<_, RecipeError>(StartField {
                    field: field_name(&section.required("field")?)?,
                    from: field_name(&section.required("from")?)?,
                })
            })
            .transpose()?,
        ask,
    })
}

fn drawn(entry: &Entry<'_>, several: bool) -> Result<DrawnRow, RecipeError> {
    let section = entry.section()?;
    section.only(if several {
        &["table", "field", "count"]
    } else {
        &["table", "field"]
    })?;
    Ok(DrawnRow {
        table: field_name(&section.required("table")?)?,
        field: field_name(&section.required("field")?)?,
        count: match section.optional("count") {
            Some(entry) => usize::try_from(entry.whole(1, 100)?).unwrap_or(1),
            None => 1,
        },
    })
}

fn check(section: &Section<'_>, names: &Names<'_>) -> Result<CheckStage, RecipeError> {
    section.only(&["use", "rule"])?;
    let list = section.required("rule")?;
    let mut rules: Vec<Rule> = Vec::new();
    for entry in list.entries()? {
        let section = entry.section()?;
        let words: Vec<&str> = Test::ALL.iter().map(|(word, _)| *word).collect();
        section.only(&[&["name", "field", "seconds", "sentence"][..], &words].concat())?;
        let said: Vec<(Test, Entry<'_>)> = Test::ALL
            .iter()
            .filter_map(|(word, test)| Some((*test, section.optional(word)?)))
            .collect();
        let [(test, value)] = said.as_slice() else {
            return Err(section.fault(format!("needs exactly one of {}", words.join(", "))));
        };
        let name = field_name(&section.required("name")?)?;
        if rules.iter().any(|rule| rule.name == name) {
            return Err(entry.fault(format!("repeats the rule name {name:?}")));
        }
        let command = match test {
            Test::Command => {
                let (command, seconds) = lint_stage::process(&section, value, names)?;
                Some(RuleCommand {
                    command,
                    seconds,
                    sentence: section.required("sentence")?.filled()?.to_owned(),
                })
            }
            _ => {
                for key in ["seconds", "sentence"] {
                    if let Some(entry) = section.optional(key) {
                        return Err(entry.fault("is of no use without `command`"));
                    }
                }
                None
            }
        };
        let values = match test {
            Test::Command => Vec::new(),
            Test::Matches | Test::MatchesNot => patterns(value)?,
            _ => rule_values(value)?,
        };
        rules.push(Rule {
            name,
            field: field_name(&section.required("field")?)?,
            test: *test,
            values,
            command,
        });
    }
    if rules.is_empty() {
        return Err(list.fault("is empty; name at least one rule"));
    }
    Ok(CheckStage { rules })
}

/// A pattern or a list of them, each known to compile.
fn patterns(entry: &Entry<'_>) -> Result<Vec<RuleValue>, RecipeError> {
    let values = rule_values(entry)?;
    for value in &values {
        let problem = match value {
            RuleValue::Text(pattern) => lint_stage::Pattern::compile(pattern).err(),
            RuleValue::Field(_) | RuleValue::Setting(_) => {
                Some("a pattern stands in the kind file, and in no field or setting".to_owned())
            }
        };
        if let Some(problem) = problem {
            return Err(entry.fault(format!("is of no use: {problem}")));
        }
    }
    Ok(values)
}

/// A text, `{ field = "…" }`, `{ setting = "…" }`, or a list of them.
fn rule_values(entry: &Entry<'_>) -> Result<Vec<RuleValue>, RecipeError> {
    if let Ok(entries) = entry.entries() {
        let values: Vec<Vec<RuleValue>> =
            entries.iter().map(rule_values).collect::<Result<_, _>>()?;
        let values = values.concat();
        return if values.is_empty() {
            Err(entry.fault("is empty; give at least one text"))
        } else {
            Ok(values)
        };
    }
    if let Ok(section) = entry.section() {
        section.only(&["field", "setting"])?;
        return match (section.optional("field"), section.optional("setting")) {
            (Some(field), None) => Ok(vec![RuleValue::Field(field_name(&field)?)]),
            (None, Some(setting)) => Ok(vec![RuleValue::Setting(field_name(&setting)?)]),
            _ => Err(entry.fault("needs one of `field` and `setting`")),
        };
    }
    let text = entry.text()?;
    if text.is_empty() {
        return Err(entry.fault("is empty"));
    }
    Ok(vec![RuleValue::Text(text.to_owned())])
}

fn score(
    section: &Section<'_>,
    names: &Names<'_>,
    before: &[Stage],
) -> Result<ScoreStage, RecipeError> {
    section.only(&["use", "requirement", "options", "draw", "raters"])?;
    let options = section
        .optional("options")
        .map(|entry| options_of(&entry))
        .transpose()?;
    let answers = if options.is_some() {
        Answers::Own
    } else {
        Answers::Needed
    };
    let requirement = requirement(section, before)?;
    let raters = raters(section, names, &requirement, answers, before)?;
    Ok(ScoreStage {
        requirement,
        options,
        draw: section
            .optional("draw")
            .map(|entry| drawn(&entry, true))
            .transpose()?,
        raters,
    })
}

/// The stage `select`. Where no label is judged, one minimum is that of every requirement.
fn choosing(section: &Section<'_>, before: &[Stage]) -> Result<SelectStage, RecipeError> {
    let known = requirements(before);
    let mut options = select(section, &known)?;
    if !known.contains(&LABEL) && options.minimums.is_empty() && options.minimum > 0.0 {
        options.minimums = known
            .iter()
            .map(|name| ((*name).to_owned(), options.minimum))
            .collect();
    }
    Ok(options)
}

fn options_of(entry: &Entry<'_>) -> Result<OptionsOf, RecipeError> {
    let section = entry.section()?;
    section.only(&["options", "matching", "contrast"])?;
    let options = section.required("options")?;
    let names = match options.entries() {
        Ok(_) => field_names(&options)?,
        Err(_) => vec![field_name(&options)?],
    };
    if options.entries().is_ok() && !crate::choices::COUNTS.contains(&names.len()) {
        return Err(options.fault("must name one field with a list, or two to eight fields"));
    }
    Ok(OptionsOf {
        options: names,
        matching: answer_place(&section.required("matching")?)?,
        contrast: section
            .optional("contrast")
            .map(|entry| answer_place(&entry))
            .transpose()?,
    })
}

fn answer_place(entry: &Entry<'_>) -> Result<AnswerPlace, RecipeError> {
    match entry.text() {
        Ok(_) => Ok(AnswerPlace::Field(field_name(entry)?)),
        Err(_) => Ok(AnswerPlace::Number(
            usize::try_from(entry.whole(0, 7)?).unwrap_or(0),
        )),
    }
}

fn emit(section: &Section<'_>, names: &Names<'_>) -> Result<EmitItemStage, RecipeError> {
    section.only(&["use", "schema", "options", "place", "field"])?;
    let options = section
        .optional("options")
        .map(|entry| options_of(&entry))
        .transpose()?;
    let place = match (section.optional("place"), &options) {
        (Some(entry), None) => return Err(entry.fault("is of no use without `options`")),
        (Some(entry), Some(_)) => entry.choice(&[
            ("balanced", Placing::Balanced),
            ("as-written", Placing::AsWritten),
        ])?,
        (None, _) => Placing::Balanced,
    };
    let mut fields: Vec<EmitField> = Vec::new();
    for entry in section.required("field")?.entries()? {
        let section = entry.section()?;
        section.only(&["name", "template", "from", "index"])?;
        let name = section.required("name")?.filled()?.to_owned();
        if ["id", "metadata"].contains(&name.as_str()) {
            return Err(entry.fault(format!(
                "names the column `{name}`, which every row has anyway"
            )));
        }
        if fields.iter().any(|field| field.name == name) {
            return Err(entry.fault(format!("repeats the column `{name}`")));
        }
        let said = (
            section.optional("template"),
            section.optional("from"),
            section.optional("index"),
        );
        let value = match said {
            (Some(_), None, None) => EmitValue::Template(template(&section, "template", names)?),
            (None, Some(from), None) => EmitValue::From(field_name(&from)?),
            (None, None, Some(index)) if index.truth()? => EmitValue::Index,
            _ => return Err(entry.fault("needs one of `template`, `from` and `index = true`")),
        };
        fields.push(EmitField { name, value });
    }
    Ok(EmitItemStage {
        schema: section.required("schema")?.filled()?.to_owned(),
        options,
        place,
        fields,
    })
}

/// A name as fields, tables and rules have it: small letters, digits, `_` and `-`, a letter first.
fn field_name(entry: &Entry<'_>) -> Result<String, RecipeError> {
    let name = entry.filled()?;
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
    if fits {
        Ok(name.to_owned())
    } else {
        Err(entry.fault(format!(
            "is {name:?}; names are small letters, digits, `_` and `-`, a letter first"
        )))
    }
}

fn field_names(entry: &Entry<'_>) -> Result<Vec<String>, RecipeError> {
    let mut names: Vec<String> = Vec::new();
    for entry in entry.entries()? {
        let name = field_name(&entry)?;
        if names.contains(&name) {
            return Err(entry.fault(format!("repeats {name:?}")));
        }
        names.push(name);
    }
    Ok(names)
}
