//! Reads the `[[stage]]` list of a kind or preset file.
//!
//! Here are those of statements: they stand in one fixed order; each stands at most once, but for `score`, which may stand once for each
//! requirement. Kinds that map fields to columns are read in [`crate::item_stage_file`]. What a stage's words mean is in
//! [`crate::kind`]; here they are only checked.

use std::collections::BTreeMap;

use evalwright_core::{Method, Sampling};

use crate::document::{Entry, Section};
use crate::error::RecipeError;
use crate::kind::{
    AnswerForms, AskPlan, AskStage, DedupStage, EmitAnswers, EmitStage, Rater, Reasons, ScoreStage,
    Stage, VoteDraws,
};
use crate::kind_file::Known;
use crate::lint_stage;
use crate::select_file::select;

/// The stages in the order in which they must stand, and whether each is needed.
const ORDER: [(&str, bool); 6] = [
    ("ask", true),
    ("lint", false),
    ("score", true),
    ("dedup", false),
    ("select", true),
    ("emit", true),
];

/// The stage that may stand more than once.
const SCORE: &str = "score";
/// The requirement that every kind judges: which side a text stands on.
pub(crate) const LABEL: &str = "label";

/// What the names in a kind file may refer to.
pub(crate) struct Names<'a> {
    /// Lints and parsers.
    pub(crate) known: &'a Known<'a>,
    /// The folder's templates.
    pub(crate) templates: &'a [&'a str],
    /// All files of the folder, by name: scripts stand whole in the stages that run them.
    pub(crate) files: &'a BTreeMap<String, String>,
}

/// Reads all stages.
pub(crate) fn read_stages(
    root: &Section<'_>,
    names: &Names<'_>,
) -> Result<Vec<Stage>, RecipeError> {
    let list = root.required("stage")?;
    if crate::item_stage_file::maps_fields(&list)? {
        return crate::item_stage_file::read_item_stages(&list, names);
    }
    let mut stages = Vec::new();
    let mut next = 0;
    for entry in list.entries()? {
        let section = entry.section()?;
        let word = section.required("use")?;
        let uses: Vec<&str> = ORDER.iter().map(|(word, _)| *word).collect();
        let found = word.known("stage", &uses)?;
        let place = uses.iter().position(|word| *word == found).unwrap_or(0);
        let is_next_score = found == SCORE && next == place + 1;
        if place < next && !is_next_score {
            return Err(word.fault(format!(
                "is {found:?}, which stands too late or twice; the order is {}",
                uses.join(", ")
            )));
        }
        refuse_gap(&word, next, place)?;
        next = place + 1;
        stages.push(match found.as_str() {
            "ask" => Stage::Ask(ask(&section, names)?),
            "lint" => Stage::Lint(lint_stage::read(&section, names)?),
            SCORE => Stage::Score(score(&section, names, &stages)?),
            "dedup" => Stage::Dedup(dedup(&section)?),
            "select" => Stage::Select(select(&section, &requirements(&stages))?),
            _ => Stage::Emit(emit(&section, names)?),
        });
    }
    refuse_gap(&list, next, ORDER.len())?;
    if !requirements(&stages).contains(&LABEL) {
        return Err(list.fault("judges no `label`, so no row could get a confidence"));
    }
    Ok(stages)
}

/// What the stages so far judge.
pub(crate) fn requirements(stages: &[Stage]) -> Vec<&str> {
    stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::Score(score) => Some(score.requirement.as_str()),
            _ => None,
        })
        .collect()
}

/// Refuses to leave out a needed stage between two places in the order.
fn refuse_gap(at: &Entry<'_>, from: usize, to: usize) -> Result<(), RecipeError> {
    let missing = ORDER.iter().take(to).skip(from).find(|(_, needed)| *needed);
    match missing {
        Some((word, _)) => Err(at.fault(format!(
            "comes without a stage with `use = \"{word}\"` before it"
        ))),
        None => Ok(()),
    }
}

fn ask(section: &Section<'_>, names: &Names<'_>) -> Result<AskStage, RecipeError> {
    section.only(&["use", "prompt", "parse", "sampling", "examples", "plan"])?;
    Ok(AskStage {
        prompt: template(section, "prompt", names)?,
        parse: section
            .required("parse")?
            .known("parser", names.known.parsers)?,
        sampling: sampling(&section.required("sampling")?.section()?)?,
        examples: match section.optional("examples") {
            Some(entry) => usize::try_from(entry.whole(0, 100)?).unwrap_or(0),
            None => 0,
        },
        gold: None,
        gives: Vec::new(),
        plan: plan(&section.required("plan")?)?,
    })
}

pub(crate) fn template(
    section: &Section<'_>,
    key: &str,
    names: &Names<'_>,
) -> Result<String, RecipeError> {
    section.required(key)?.known("template", names.templates)
}

pub(crate) fn sampling(section: &Section<'_>) -> Result<Sampling, RecipeError> {
    section.only(&["temperature", "top_p", "max_tokens", "stop"])?;
    Ok(Sampling {
        temperature: section
            .required("temperature")?
            .number(|value| (0.0..=5.0).contains(&value), "from 0 to 5")?,
        top_p: section
            .required("top_p")?
            .number(|value| value > 0.0 && value <= 1.0, "above 0 and at most 1")?,
        max_tokens: section.required("max_tokens")?.whole_u32(1, 4096)?,
        stop: match section.optional("stop") {
            Some(entry) => entry.distinct_texts()?,
            None => Vec::new(),
        },
    })
}

pub(crate) fn plan(entry: &Entry<'_>) -> Result<AskPlan, RecipeError> {
    let section = entry.section()?;
    section.only(&["first", "pool", "limit"])?;
    // The upper end keeps rows × limit within a slot's 32-bit index for any sensible number of rows.
    let number = |key: &str| {
        section.required(key)?.number(
            |value| value > 0.0 && value <= 10_000.0,
            "above 0 and at most 10000",
        )
    };
    let plan = AskPlan {
        first: number("first")?,
        pool: number("pool")?,
        limit: number("limit")?,
    };
    if plan.first > plan.limit {
        return Err(entry.fault("has a `first` above its `limit`"));
    }
    if plan.pool > plan.limit {
        return Err(entry.fault("has a `pool` above its `limit`, which no run could fill"));
    }
    if plan.pool < 1.0 {
        return Err(entry.fault("has a `pool` below 1, which is fewer candidates than rows"));
    }
    Ok(plan)
}

fn score(
    section: &Section<'_>,
    names: &Names<'_>,
    before: &[Stage],
) -> Result<ScoreStage, RecipeError> {
    section.only(&["use", "requirement", "raters"])?;
    let requirement = requirement(section, before)?;
    let raters = raters(section, names, &requirement, Answers::Needed, before)?;
    Ok(ScoreStage {
        requirement,
        options: None,
        draw: None,
        raters,
    })
}

/// What a stage judges; each requirement stands once.
pub(crate) fn requirement(section: &Section<'_>, before: &[Stage]) -> Result<String, RecipeError> {
    let entry = section.required("requirement")?;
    let requirement = entry.filled()?;
    if !is_plain(requirement) {
        return Err(entry.fault("must be lower-case letters, digits and `-`"));
    }
    if requirements(before).contains(&requirement) {
        return Err(entry.fault(format!("repeats {requirement:?}; judge it in one stage")));
    }
    Ok(requirement.to_owned())
}

/// Where the forms of a rater's answers come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// From the kind file.
    Needed,
    /// From each candidate's own answers.
    Own,
}

/// The raters of a score stage; their names are unique among all stages.
pub(crate) fn raters(
    section: &Section<'_>,
    names: &Names<'_>,
    requirement: &str,
    answers: Answers,
    before: &[Stage],
) -> Result<Vec<Rater>, RecipeError> {
    let list = section.required("raters")?;
    let mut raters: Vec<Rater> = Vec::new();
    for entry in list.entries()? {
        let rater = rater(&entry.section()?, names, answers)?;
        let others = before.iter().filter_map(|stage| match stage {
            Stage::Score(score) => Some(&score.raters),
            _ => None,
        });
        if others
            .flatten()
            .chain(&raters)
            .any(|other| other.name == rater.name)
        {
            return Err(entry.fault(format!("repeats the rater name {:?}", rater.name)));
        }
        if requirement != LABEL && rater.methods.contains(&Method::Channel) {
            return Err(entry.fault(
                "compares the voices of the two sides by `channel`, which says nothing about another \
                 requirement than the label",
            ));
        }
        raters.push(rater);
    }
    if !raters.iter().any(|rater| rater.counts) {
        return Err(list.fault("holds no rater that counts, so no row could get a confidence"));
    }
    if raters.iter().all(|rater| rater.fallback) {
        return Err(list.fault("holds only raters with `fallback`; one must be asked first"));
    }
    Ok(raters)
}

fn is_plain(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn rater(section: &Section<'_>, names: &Names<'_>, own: Answers) -> Result<Rater, RecipeError> {
    section.only(&[
        "name", "method", "methods", "prompt", "answers", "votes", "counts", "fallback", "reasons",
        "clamp",
    ])?;
    let name = section.required("name")?;
    if name.filled()? == "mean" || !is_plain(name.text()?) {
        return Err(name.fault("must be lower-case letters, digits and `-`, and not `mean`"));
    }
    let methods = methods(section)?;
    let is_channel = methods.contains(&Method::Channel);
    let answers = match (is_channel, section.optional("answers")) {
        (true, Some(entry)) => {
            return Err(entry.fault("is of no use to a channel rater; leave it out"));
        }
        (true, None) => None,
        (false, Some(entry)) if own == Answers::Own => {
            return Err(
                entry.fault("is of no use here; the candidate's own answers are asked about")
            );
        }
        (false, None) if own == Answers::Own => None,
        _ => Some(answer_forms(&section.required("answers")?.section()?)?),
    };
    let votes = match (methods.contains(&Method::Votes), section.optional("votes")) {
        (false, Some(entry)) => {
            return Err(entry.fault("is of no use without the method `votes`; leave it out"));
        }
        (false, None) => None,
        _ => Some(vote_draws(&section.required("votes")?.section()?)?),
    };
    let counts = section
        .optional("counts")
        .map_or(Ok(true), |entry| entry.truth())?;
    let fallback = match section.optional("fallback") {
        Some(entry) if entry.truth()? && !counts => {
            return Err(entry.fault("is of no use to a rater that does not count"));
        }
        Some(entry) => entry.truth()?,
        None => false,
    };
    Ok(Rater {
        name: name.text()?.to_owned(),
        methods,
        prompt: template(section, "prompt", names)?,
        answers,
        votes,
        counts,
        fallback,
        reasons: reasons(section, names, is_channel)?,
        clamp: section
            .optional("clamp")
            .map(|entry| clamp(&entry))
            .transpose()?,
    })
}

/// What the judge writes before it is asked.
fn reasons(
    section: &Section<'_>,
    names: &Names<'_>,
    is_channel: bool,
) -> Result<Option<Reasons>, RecipeError> {
    let Some(entry) = section.optional("reasons") else {
        return Ok(None);
    };
    if is_channel {
        return Err(entry.fault(
            "is of no use to a channel rater: its prompt ends where the text begins and holds no reasoning",
        ));
    }
    let section = entry.section()?;
    section.only(&["prompt", "sampling"])?;
    Ok(Some(Reasons {
        prompt: template(&section, "prompt", names)?,
        sampling: sampling(&section.required("sampling")?.section()?)?,
    }))
}

/// Two ends with 0.5 between them.
fn clamp(entry: &Entry<'_>) -> Result<[f64; 2], RecipeError> {
    let entries = entry.entries()?;
    let [low, high] = entries.as_slice() else {
        return Err(entry.fault("must be two numbers such as [0.4, 0.6]"));
    };
    Ok([
        low.number(|value| (0.0..0.5).contains(&value), "from 0 to below 0.5")?,
        high.number(
            |value| value > 0.5 && value <= 1.0,
            "above 0.5 and at most 1",
        )?,
    ])
}

/// `method = "…"` for one, or `methods = […]` for several, the best first.
fn methods(section: &Section<'_>) -> Result<Vec<Method>, RecipeError> {
    let choices = [
        Method::Channel,
        Method::Sequence,
        Method::Token,
        Method::Constrained,
        Method::Votes,
    ]
    .map(|method| (method.as_str(), method));
    let Some(list) = section.optional("methods") else {
        return Ok(vec![section.required("method")?.choice(&choices)?]);
    };
    if let Some(one) = section.optional("method") {
        return Err(one.fault("cannot stand beside `methods`; keep one of the two"));
    }
    let mut methods: Vec<Method> = Vec::new();
    for entry in list.entries()? {
        let method = entry.choice(&choices)?;
        if methods.contains(&method) {
            return Err(entry.fault(format!("repeats `{method}`")));
        }
        methods.push(method);
    }
    if methods.is_empty() {
        return Err(list.fault("is empty; name at least one method"));
    }
    // A channel's prompt ends where the statement begins; the others' prompts ask about it.
    if methods.contains(&Method::Channel) && methods.len() > 1 {
        return Err(list.fault(
            "holds `channel` beside another method, and no prompt fits both; make them two raters",
        ));
    }
    Ok(methods)
}

fn vote_draws(section: &Section<'_>) -> Result<VoteDraws, RecipeError> {
    section.only(&["samples", "temperature", "max_tokens"])?;
    Ok(VoteDraws {
        samples: section.required("samples")?.whole_u32(1, 1000)?,
        temperature: section
            .required("temperature")?
            .number(|value| value > 0.0 && value <= 5.0, "above 0 and at most 5")?,
        max_tokens: section.required("max_tokens")?.whole_u32(1, 4096)?,
    })
}

fn answer_forms(section: &Section<'_>) -> Result<AnswerForms, RecipeError> {
    section.only(&["matching", "not_matching"])?;
    let forms = |key: &str| -> Result<Vec<String>, RecipeError> {
        let entry = section.required(key)?;
        let forms = entry.distinct_texts()?;
        if forms.is_empty() {
            return Err(entry.fault("is empty; give at least one form"));
        }
        Ok(forms)
    };
    let answers = AnswerForms {
        matching: forms("matching")?,
        not_matching: forms("not_matching")?,
    };
    match answers
        .matching
        .iter()
        .find(|form| answers.not_matching.contains(form))
    {
        Some(both) => Err(section.fault(format!("the form {both:?} stands for both answers"))),
        None => Ok(answers),
    }
}

pub(crate) fn dedup(section: &Section<'_>) -> Result<DedupStage, RecipeError> {
    section.only(&[
        "use",
        "exact",
        "normalised",
        "near",
        "shingle",
        "examples",
        "semantic",
    ])?;
    let truth = |key: &str| {
        section
            .optional(key)
            .map_or(Ok(false), |entry| entry.truth())
    };
    let similarity = |key: &str| {
        section
            .optional(key)
            .map(|entry| entry.number(|value| value > 0.0 && value <= 1.0, "above 0 and at most 1"))
            .transpose()
    };
    let near = similarity("near")?;
    let shingle = section
        .optional("shingle")
        .map(|entry| shingle(&entry))
        .transpose()?;
    match (near, &shingle) {
        (Some(_), None) => Err(section.fault("`near` needs a `shingle` such as \"word-1\"")),
        (None, Some(_)) => Err(section.fault("`shingle` is of no use without `near`")),
        _ => Ok(DedupStage {
            exact: truth("exact")?,
            normalised: truth("normalised")?,
            near,
            shingle,
            examples: truth("examples")?,
            semantic: similarity("semantic")?,
        }),
    }
}

/// `word-N` or `character-N` with N from 1 to 32.
fn shingle(entry: &Entry<'_>) -> Result<String, RecipeError> {
    let text = entry.text()?;
    let size = text
        .strip_prefix("word-")
        .or_else(|| text.strip_prefix("character-"));
    let fits = size.is_some_and(|size| {
        !size.starts_with(['0', '+'])
            && size
                .parse::<u32>()
                .is_ok_and(|size| (1..=32).contains(&size))
    });
    if fits {
        Ok(text.to_owned())
    } else {
        Err(entry.fault(format!(
            "is {text:?}; it must be `word-N` or `character-N` with N from 1 to 32"
        )))
    }
}

fn emit(section: &Section<'_>, names: &Names<'_>) -> Result<EmitStage, RecipeError> {
    section.only(&["use", "question", "answers"])?;
    let entry = section.required("answers")?;
    let table = entry.section()?;
    table.only(&["matching", "not_matching"])?;
    let answer = |key: &str| -> Result<String, RecipeError> {
        let entry = table.required(key)?;
        entry.filled()?;
        Ok(entry.text()?.to_owned())
    };
    let answers = EmitAnswers {
        matching: answer("matching")?,
        not_matching: answer("not_matching")?,
    };
    if answers.matching == answers.not_matching {
        return Err(entry.fault("has the same text for both answers"));
    }
    Ok(EmitStage {
        question: template(section, "question", names)?,
        answers,
    })
}
