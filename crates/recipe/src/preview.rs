//! Renders every template of a kind before any model is asked.
//!
//! A hole in a prompt costs a whole run: what can fail at rendering fails here.

use evalwright_core::{Method, Prompt, Role, Side};

use crate::behaviour::Behaviour;
use crate::error::RecipeError;
use crate::kind::Stage;
use crate::kind_file::LoadedKind;
use crate::prompts::{Known, Prompts, Values, unknown_variables};

/// A statement that stands in for a real one.
const STATEMENT: &str = "I keep the promises that I make.";
/// What stands in for a judge's reasoning.
pub(crate) const REASONING: &str = "Much speaks for it, and little against it.";
/// What is wrong with a prompt that leaves the reasoning out.
pub(crate) const NO_REASONING: &str =
    "the judge reasons before it is asked, and what it wrote is not in it; use `{{ reasoning }}`";

/// What a stage uses a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Asks for a statement of one side, with that many examples.
    Ask { examples: usize },
    /// Ends where a statement of one side begins.
    Channel,
    /// Asks about a statement, after the judge's reasoning where there is one.
    Asked { reasoning: bool },
    /// The published question.
    Question,
}

impl Purpose {
    fn has_statement(self) -> bool {
        matches!(self, Self::Asked { .. } | Self::Question)
    }
}

/// One template rendered for one side, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplePrompt {
    /// The template.
    pub template: String,
    /// The side it was rendered for.
    pub label: Side,
    /// Whether it is for a model that can go on from an opened reply.
    pub opened: bool,
    /// What came out: a prompt, or text for the published question.
    pub prompt: Prompt,
}

impl SamplePrompt {
    /// The prompt with each role's name in brackets above its text.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.prompt {
            Prompt::Text(text) => format!("[text]\n{text}\n"),
            Prompt::Chat { messages, opening } => {
                let mut shown = String::new();
                for message in messages {
                    shown.push_str(&format!(
                        "[{}]\n{}\n",
                        message.role.as_str(),
                        message.content
                    ));
                }
                if !opening.is_empty() {
                    shown.push_str(&format!(
                        "[{}, opened]\n{opening}\n",
                        Role::Assistant.as_str()
                    ));
                }
                shown
            }
        }
    }
}

/// Renders every template that the kind's stages name, for both labels, with a behaviour.
///
/// # Errors
/// When a template cannot be rendered; when a prompt that must tell the two sides apart is the same for
/// both; when a template about a statement leaves the statement out.
pub fn check_prompts(kind: &LoadedKind, behaviour: &Behaviour) -> Result<(), RecipeError> {
    rendered(kind, behaviour).map(|_| ())
}

/// Renders every template that the kind's stages name, for both labels, with the kind's own sample, in the
/// order of the stages. No sample: an empty list.
///
/// # Errors
/// As [`check_prompts`].
pub fn sample_prompts(kind: &LoadedKind) -> Result<Vec<SamplePrompt>, RecipeError> {
    match &kind.sample {
        Some(sample) => rendered(kind, sample),
        None => Ok(Vec::new()),
    }
}

/// Refuses templates that look up variables which their stage does not give them.
pub(crate) fn check_templates(stages: &[Stage], prompts: &Prompts) -> Result<(), RecipeError> {
    for (template, purpose) in uses(stages) {
        let known = Known {
            statement: purpose.has_statement(),
            reasoning: purpose == Purpose::Asked { reasoning: true },
            ..Known::default()
        };
        unknown_variables(prompts, template, &known)?;
    }
    Ok(())
}

/// The templates in the order of the stages, with what they are for.
fn uses(stages: &[Stage]) -> Vec<(&str, Purpose)> {
    let mut uses = Vec::new();
    for stage in stages {
        match stage {
            Stage::Ask(ask) => uses.push((
                ask.prompt.as_str(),
                Purpose::Ask {
                    examples: ask.examples,
                },
            )),
            Stage::Score(score) => uses.extend(score.raters.iter().flat_map(|rater| {
                let purpose = if rater.methods.contains(&Method::Channel) {
                    Purpose::Channel
                } else {
                    Purpose::Asked {
                        reasoning: rater.reasons.is_some(),
                    }
                };
                let first = rater
                    .reasons
                    .as_ref()
                    .map(|reasons| (reasons.prompt.as_str(), Purpose::Asked { reasoning: false }));
                first.into_iter().chain([(rater.prompt.as_str(), purpose)])
            })),
            Stage::Emit(emit) => uses.push((emit.question.as_str(), Purpose::Question)),
            Stage::Lint(_) | Stage::Dedup(_) | Stage::Select(_) => {}
            // Kinds with these map fields: see `item_preview`.
            Stage::Table(_)
            | Stage::Cross(_)
            | Stage::Follow(_)
            | Stage::Repeat(_)
            | Stage::Check(_)
            | Stage::EmitItem(_) => {}
        }
    }
    uses
}

fn rendered(kind: &LoadedKind, behaviour: &Behaviour) -> Result<Vec<SamplePrompt>, RecipeError> {
    if kind.kind.maps_fields() {
        return crate::item_preview::rendered(kind, behaviour);
    }
    let mut all = Vec::new();
    for (template, purpose) in uses(&kind.kind.stages) {
        let both = |opened| -> Result<[SamplePrompt; 2], RecipeError> {
            let [matching, not_matching] = Side::ALL
                .map(|label| render(&kind.prompts, template, purpose, behaviour, label, opened));
            Ok([matching?, not_matching?])
        };
        let opened = both(true)?;
        let mut pairs = vec![opened.clone()];
        if matches!(purpose, Purpose::Ask { .. }) {
            let whole = both(false)?;
            // A template that does not look at `opened` has one form.
            if whole
                .iter()
                .zip(&opened)
                .any(|(whole, opened)| whole.prompt != opened.prompt)
            {
                pairs.push(whole);
            }
        }
        for [matching, not_matching] in pairs {
            let tells_apart = matches!(purpose, Purpose::Ask { .. } | Purpose::Channel);
            if tells_apart && matching.prompt == not_matching.prompt {
                return Err(kind.prompts.source_fault(
                template,
                "the prompt is the same for both labels; use `side`, `other_side` or `label` in it",
            ));
            }
            for sample in [matching, not_matching] {
                if purpose.has_statement() && !sample.shown().contains(STATEMENT) {
                    return Err(kind.prompts.source_fault(
                        template,
                        "the statement is not in it; use `{{ statement }}`",
                    ));
                }
                let reasoned = purpose == Purpose::Asked { reasoning: true };
                if reasoned && !sample.shown().contains(REASONING) {
                    return Err(kind.prompts.source_fault(template, NO_REASONING));
                }
                all.push(sample);
            }
        }
    }
    Ok(all)
}

fn render(
    prompts: &Prompts,
    template: &str,
    purpose: Purpose,
    behaviour: &Behaviour,
    label: Side,
    opened: bool,
) -> Result<SamplePrompt, RecipeError> {
    let examples = match purpose {
        Purpose::Ask { examples: wanted } => {
            let writers = behaviour.examples.for_writer(label);
            writers.get(..wanted).unwrap_or(writers)
        }
        Purpose::Channel => behaviour.examples.for_judges(label),
        Purpose::Asked { .. } | Purpose::Question => &[],
    };
    let values = Values {
        behaviour,
        label,
        examples,
        statement: purpose.has_statement().then_some(STATEMENT),
        opened,
        item: None,
        reasoning: (purpose == Purpose::Asked { reasoning: true }).then_some(REASONING),
    };
    let prompt = match purpose {
        Purpose::Question => Prompt::Text(prompts.render_text(template, &values)?),
        _ => prompts.render_prompt(template, &values)?,
    };
    Ok(SamplePrompt {
        template: template.to_owned(),
        label,
        opened,
        prompt,
    })
}
