//! `ask`: renders a prompt for each slot, lets the generator write, and takes the reply apart.
//!
//! A slot's request is a function of the plan and the slot's name alone, so it can be asked again at any time.

use std::collections::BTreeMap;

use evalwright_core::{
    Candidate, ContentHash, Fields, Finish, Prompt, RejectReason, SampleRequest, Seed, SlotFailure,
    SlotName, TextReply, field_text,
};
use evalwright_recipe::choices::with_choices;
use evalwright_recipe::{AskStage, Gold, Values};
use evalwright_text::{ParseContext, Parser, parse};
use serde_json::Value;

use crate::draw::Draw;
use crate::error::PipelineError;
use crate::ledger::{Entry, State};
use crate::plan::RunPlan;
use crate::stage::reading::{ReadItem, Reading};

/// The options of the stage with its parser.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    options: &'a AskStage,
    taking: Taking<'a>,
}

/// How replies are taken apart.
#[derive(Debug)]
enum Taking<'a> {
    /// Into statements.
    Statements(Parser),
    /// Into items with named parts.
    Items(Reading<'a>),
}

impl<'a> Asking<'a> {
    /// Looks the parser up; the error is a sentence.
    pub(crate) fn new(options: &'a AskStage) -> Result<Self, String> {
        if !options.gives.is_empty() {
            let reading = Reading::new(&options.parse, &options.gives)?;
            return Ok(Self {
                options,
                taking: Taking::Items(reading),
            });
        }
        let parser = Parser::by_name(&options.parse).ok_or_else(|| {
            format!(
                "there is no parser `{}`; parsers: {}",
                options.parse,
                Parser::names().join(", ")
            )
        })?;
        Ok(Self {
            options,
            taking: Taking::Statements(parser),
        })
    }

    /// What the kind file says.
    pub(crate) fn options(&self) -> &'a AskStage {
        self.options
    }

    /// The request of a slot; `begun` is what its item begins as.
    pub(crate) fn request(
        &self,
        run: &RunPlan<'_>,
        slot: &SlotName,
        begun: &Fields,
    ) -> Result<SampleRequest, PipelineError> {
        let seed = slot.seed(run.seed());
        let side = slot.cell.label;
        let examples = drawn(
            run.behaviour.examples.for_writer(side),
            self.options.examples,
            seed.derive("examples"),
        );
        let item = run.kind.kind.maps_fields().then(|| {
            let mut item = begun.clone();
            if let Some(gold) = &self.options.gold {
                let shown = gold_examples(run, gold, begun, seed.derive("gold"));
                item.insert(gold.table.clone(), shown);
            }
            item
        });
        let values = Values {
            behaviour: run.behaviour,
            label: side,
            examples: &examples,
            statement: None,
            opened: run.generator.abilities().opened_replies,
            item: item.as_ref(),
            reasoning: None,
        };
        Ok(SampleRequest {
            prompt: run
                .kind
                .prompts
                .render_prompt(&self.options.prompt, &values)?,
            sampling: self.options.sampling.clone(),
            seed,
        })
    }

    /// The candidates of a reply, in the order of its items; at least one. What could not be used has fallen
    /// already, with the text it came from.
    pub(crate) fn candidates(
        &self,
        stage: &str,
        slot: &SlotName,
        request: &SampleRequest,
        key: ContentHash,
        reply: &Result<TextReply, SlotFailure>,
        begun: &Begun<'_>,
    ) -> Vec<Entry> {
        let mut book = Items {
            stage,
            slot,
            key,
            begun,
            entries: Vec::new(),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(failure) => {
                book.reject(
                    "",
                    RejectReason::NoReply {
                        detail: failure.to_string(),
                    },
                );
                return book.entries;
            }
        };
        let parser = match &self.taking {
            Taking::Statements(parser) => parser,
            Taking::Items(reading) => {
                match reading.items(&request.prompt, reply) {
                    Ok(items) => items.into_iter().for_each(|item| book.add_item(item)),
                    Err(reason) => book.reject(&reply.text, reason),
                }
                if book.entries.is_empty() {
                    let detail = "no_item: the reply holds no item".to_owned();
                    book.reject(&reply.text, RejectReason::Unparsable { detail });
                }
                return book.entries;
            }
        };
        let opening = match &request.prompt {
            Prompt::Chat { opening, .. } => opening.as_str(),
            Prompt::Text(_) => "",
        };
        let parsed = parse(
            parser,
            &reply.text,
            &ParseContext {
                finish: reply.finish,
                opening,
            },
        );
        // A cut item that the parser rejected leaves whole ones before it.
        let cut = parsed.truncated && !parsed.rejected.iter().any(|item| item.reason == "cut_off");
        let last = parsed.items.len().checked_sub(1);
        for (index, item) in parsed.items.into_iter().enumerate() {
            let finish = if cut && Some(index) == last {
                Finish::Length
            } else {
                Finish::Stop
            };
            book.add(item.text, item.flags, Fields::new(), finish, State::Pending);
        }
        for item in parsed.rejected {
            book.reject(
                &item.raw,
                RejectReason::Unparsable {
                    detail: item.reason,
                },
            );
        }
        if let Some(failure) = parsed.failure {
            let detail = if failure.detail.is_empty() {
                failure.reason
            } else {
                format!("{}: {}", failure.reason, failure.detail)
            };
            book.reject(&reply.text, RejectReason::Unparsable { detail });
        }
        if book.entries.is_empty() {
            let detail = "no_item: the reply holds no item".to_owned();
            book.reject(&reply.text, RejectReason::Unparsable { detail });
        }
        book.entries
    }
}

/// What a slot's item begins as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun<'a> {
    /// Its fields; none for a statement.
    pub(crate) fields: &'a Fields,
    /// The field that becomes the candidate's text.
    pub(crate) text: Option<&'a str>,
}

impl Begun<'_> {
    fn with(&self, gave: Fields) -> Fields {
        let mut fields = self.fields.clone();
        fields.extend(gave);
        fields
    }

    /// The candidate of a slot for which no model is asked.
    pub(crate) fn candidate(&self, slot: &SlotName) -> Result<Entry, serde_json::Error> {
        let text = self
            .text
            .and_then(|name| self.fields.get(name))
            .and_then(field_text)
            .unwrap_or_default();
        let item = ContentHash::of_json(self.fields)?;
        Ok(Entry {
            candidate: Candidate {
                id: Candidate::identify(slot, 0, &item.to_string()),
                slot: slot.clone(),
                position: 0,
                text,
                reply: item,
                fields: self.fields.clone(),
                history: Vec::new(),
                flags: Vec::new(),
                judgements: Vec::new(),
                confidence: None,
            },
            finish: Finish::Stop,
            state: State::Pending,
            scores: BTreeMap::new(),
        })
    }
}

/// Examples from a table for one slot, drawn and ordered by the seed. Those with options are turned so that the
/// matching one stands where it is to stand in the slot's own item.
fn gold_examples(run: &RunPlan<'_>, gold: &Gold, begun: &Fields, seed: Seed) -> Value {
    let mut rows: Vec<&Fields> = run
        .kind
        .table(run.behaviour, &gold.table)
        .unwrap_or_default()
        .iter()
        .collect();
    Draw::new(seed).shuffle(&mut rows);
    let place = begun
        .get("matching")
        .and_then(Value::as_u64)
        .and_then(|place| usize::try_from(place).ok());
    rows.into_iter()
        .take(gold.count)
        .map(|row| Value::Object(with_choices(row, place)))
        .collect()
}

/// The candidates of one reply so far.
struct Items<'a> {
    stage: &'a str,
    slot: &'a SlotName,
    key: ContentHash,
    begun: &'a Begun<'a>,
    entries: Vec<Entry>,
}

impl Items<'_> {
    fn reject(&mut self, raw: &str, reason: RejectReason) {
        let state = State::Rejected {
            stage: self.stage.to_owned(),
            reason,
        };
        self.add(
            raw.to_owned(),
            Vec::new(),
            Fields::new(),
            Finish::Stop,
            state,
        );
    }

    fn add_item(&mut self, item: ReadItem) {
        let named = self.begun.text.and_then(|name| item.fields.get(name));
        // Until a later stage gives the text there is what this one gave first.
        let text = named
            .or_else(|| item.fields.values().next())
            .and_then(field_text)
            .unwrap_or_default();
        self.add(text, item.flags, item.fields, item.finish, State::Pending);
    }

    fn add(
        &mut self,
        text: String,
        flags: Vec<String>,
        gave: Fields,
        finish: Finish,
        state: State,
    ) {
        let position = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let candidate = Candidate {
            id: Candidate::identify(self.slot, position, &text),
            slot: self.slot.clone(),
            position,
            text,
            reply: self.key,
            fields: self.begun.with(gave),
            history: Vec::new(),
            flags,
            judgements: Vec::new(),
            confidence: None,
        };
        self.entries.push(Entry {
            candidate,
            finish,
            state,
            scores: BTreeMap::new(),
        });
    }
}

/// `count` of the examples (all of them when there are fewer), drawn and ordered by the seed.
fn drawn(examples: &[String], count: usize, seed: Seed) -> Vec<String> {
    let mut order: Vec<&String> = examples.iter().collect();
    Draw::new(seed).shuffle(&mut order);
    order.into_iter().take(count).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_drawn_without_repeats_and_differ_by_slot() {
        let examples: Vec<String> = (0..6).map(|number| number.to_string()).collect();
        let first = drawn(&examples, 3, Seed(1));
        assert_eq!(first, drawn(&examples, 3, Seed(1)));
        assert_eq!(
            first
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            3
        );
        assert!((2..20).any(|seed| drawn(&examples, 3, Seed(seed)) != first));
        assert_eq!(drawn(&examples, 9, Seed(1)).len(), 6);
        assert!(drawn(&examples, 0, Seed(1)).is_empty());
        assert!(drawn(&[], 3, Seed(1)).is_empty());
    }
}
