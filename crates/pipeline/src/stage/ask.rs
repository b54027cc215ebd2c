//! `ask`: renders a prompt for each slot, lets the generator write, and takes the reply apart.
//!
//! A slot's request is a function of the plan and the slot's name alone, so it can be asked again at any time.

use evalwright_core::{
    Candidate, ContentHash, Finish, Prompt, RejectReason, SampleRequest, Seed, SlotFailure,
    SlotName, TextReply,
};
use evalwright_recipe::{AskStage, Values};
use evalwright_text::{ParseContext, Parser, parse};

use crate::draw::Draw;
use crate::error::PipelineError;
use crate::ledger::{Entry, State};
use crate::plan::RunPlan;

/// The options of the stage with its parser.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    options: &'a AskStage,
    parser: Parser,
}

impl<'a> Asking<'a> {
    /// Looks the parser up; the error is a sentence.
    pub(crate) fn new(options: &'a AskStage) -> Result<Self, String> {
        let parser = Parser::by_name(&options.parse).ok_or_else(|| {
            format!(
                "there is no parser `{}`; parsers: {}",
                options.parse,
                Parser::names().join(", ")
            )
        })?;
        Ok(Self { options, parser })
    }

    /// What the kind file says.
    pub(crate) fn options(&self) -> &'a AskStage {
        self.options
    }

    /// The request of a slot.
    pub(crate) fn request(
        &self,
        run: &RunPlan<'_>,
        slot: &SlotName,
    ) -> Result<SampleRequest, PipelineError> {
        let seed = slot.seed(run.seed());
        let side = slot.cell.label;
        let examples = drawn(
            run.behaviour.examples.for_writer(side),
            self.options.examples,
            seed.derive("examples"),
        );
        let values = Values {
            behaviour: run.behaviour,
            label: side,
            examples: &examples,
            statement: None,
            opened: run.generator.abilities().opened_replies,
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
    ) -> Vec<Entry> {
        let mut book = Items {
            stage,
            slot,
            key,
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
        let opening = match &request.prompt {
            Prompt::Chat { opening, .. } => opening.as_str(),
            Prompt::Text(_) => "",
        };
        let parsed = parse(
            &self.parser,
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
            book.add(item.text, item.flags, finish, State::Pending);
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

/// The candidates of one reply so far.
struct Items<'a> {
    stage: &'a str,
    slot: &'a SlotName,
    key: ContentHash,
    entries: Vec<Entry>,
}

impl Items<'_> {
    fn reject(&mut self, raw: &str, reason: RejectReason) {
        let state = State::Rejected {
            stage: self.stage.to_owned(),
            reason,
        };
        self.add(raw.to_owned(), Vec::new(), Finish::Stop, state);
    }

    fn add(&mut self, text: String, flags: Vec<String>, finish: Finish, state: State) {
        let position = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let candidate = Candidate {
            id: Candidate::identify(self.slot, position, &text),
            slot: self.slot.clone(),
            position,
            text,
            reply: self.key,
            flags,
            judgements: Vec::new(),
            confidence: None,
        };
        self.entries.push(Entry {
            candidate,
            finish,
            state,
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
