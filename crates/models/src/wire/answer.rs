//! What a server's answer means: a good reply, or what follows from one that is none.
//!
//! The same for all protocols. Only here is it decided that a text is complete, cut, refused, filtered or missing; what
//! cannot be told is never called complete.

use std::collections::BTreeSet;

use evalwright_core::{
    Finish, Prompt, ReplyNote, SampleRequest, ScoreReply, ScoreRequest, SlotFailure, TextReply,
    TokenUsage,
};
use serde_json::Value;

use super::malformed::{again, empty, quoted};
use super::{Asked, Got, PromptEstimate, estimate, no_log_probabilities};
use crate::probability::sent::SentToken;
use crate::probability::table::Table;
use crate::probability::{read, sent};
use crate::remote::trouble::Trouble;
use crate::server::{Opening, Profile};

/// Below this many tokens an estimate is too coarse to say that a prompt was cut.
const CUT_FROM: u64 = 64;

/// Bytes of a text at most. Nothing that is asked for comes near it.
const TEXT_LIMIT: usize = 8 << 20;

/// What a server sent, in the words of no protocol.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// The text, where the field is there.
    pub(super) text: Option<String>,
    /// What the model said when it declined.
    pub(super) refusal: Option<String>,
    /// Bytes of reasoning that came beside the text.
    pub(super) reasoning: usize,
    /// Why it ended.
    pub(super) end: End,
    /// Tokens, as far as the server says.
    pub(super) usage: Reported,
    /// The tokens written, with log-probabilities.
    pub(super) table: Option<Table>,
    /// The tokens sent, with log-probabilities.
    pub(super) sent: Option<Vec<SentToken>>,
    /// The body had to be repaired.
    pub(super) repaired: bool,
}

/// Why an answer ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum End {
    /// The server does not say. The body is whole, so only its length can tell.
    #[default]
    Unsaid,
    /// By itself, or at a stop string.
    Stop,
    /// At the token limit, or at the end of the window.
    Length,
    /// At the end of the window, by the server's word.
    WindowFull,
    /// A filter held it back.
    Filtered,
    /// The model declined.
    Refused,
}

impl End {
    /// The word of any protocol.
    ///
    /// # Errors
    /// For words that mean trouble, and for unknown ones: what ended in an unknown way is not known to be whole.
    pub(super) fn read(word: &Value) -> Result<Self, Trouble> {
        Self::of(word.as_str())
    }

    /// The same for a word that has been read; none and an empty one say nothing.
    ///
    /// # Errors
    /// As [`End::read`].
    pub(super) fn of(word: Option<&str>) -> Result<Self, Trouble> {
        let Some(word) = word.filter(|word| !word.is_empty()) else {
            return Ok(Self::Unsaid);
        };
        Ok(match word {
            "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "completed"
            | "tool_calls" | "function_call" | "tool_use" => Self::Stop,
            "length" | "max_tokens" | "max_output_tokens" | "limit" => Self::Length,
            "model_context_window_exceeded" => Self::WindowFull,
            "content_filter" => Self::Filtered,
            "refusal" => Self::Refused,
            other => {
                return Err(again(format!(
                    "the reply ended in a way that does not make it whole: {:?}",
                    quoted(other)
                )));
            }
        })
    }
}

/// Tokens as the server counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reported {
    pub(super) prompt: Option<u64>,
    pub(super) completion: Option<u64>,
    pub(super) cached: u64,
    pub(super) reasoning: u64,
}

/// What is needed to judge an answer beside itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) profile: &'a Profile,
    pub(super) model: &'a str,
    pub(super) asked: Asked<'a>,
    pub(super) prompt_estimate: PromptEstimate,
}

impl Reader<'_> {
    /// The reply.
    ///
    /// # Errors
    /// When the answer is not good.
    pub(super) fn settle(&self, answer: Answer) -> Result<Got, Trouble> {
        self.refused(&answer)?;
        self.prompt_cut(&answer)?;
        let mut notes = BTreeSet::new();
        if answer.repaired {
            notes.insert(ReplyNote::Repaired);
        }
        let usage = self.usage(&answer, &mut notes);
        match self.asked {
            Asked::Sample(request) => self.text(request, answer, usage, notes).map(Got::Text),
            Asked::FirstToken(request) => {
                self.first_token(request, &answer, &mut notes)
                    .map(|scores| {
                        Got::Scores(ScoreReply {
                            scores,
                            usage,
                            notes: notes.into_iter().collect(),
                        })
                    })
            }
            Asked::Whole {
                prompt,
                continuation,
            } => {
                let tokens = answer.sent.as_deref().ok_or_else(|| {
                    no_log_probabilities("the server sends no logprobs of the prompt back")
                })?;
                let (before, count) = match prompt {
                    Prompt::Text(text) => (Some(text.as_str()), answer.usage.prompt),
                    // Its list holds the tokens of the prompt alone.
                    Prompt::Chat { .. } => (None, None),
                };
                let score =
                    sent::score(tokens, before, continuation, count).map_err(Trouble::Fail)?;
                Ok(Got::Scores(ScoreReply {
                    scores: vec![score],
                    usage,
                    notes: notes.into_iter().collect(),
                }))
            }
        }
    }

    fn refused(&self, answer: &Answer) -> Result<(), Trouble> {
        let text = answer.text.as_deref().unwrap_or_default();
        let said = answer.refusal.as_deref().filter(|said| !said.is_empty());
        if said.is_some() || answer.end == End::Refused {
            return Err(Trouble::Fail(SlotFailure::Refused {
                text: said.unwrap_or(text).to_owned(),
            }));
        }
        if answer.end == End::Filtered {
            return Err(Trouble::Fail(SlotFailure::Filtered {
                detail: "the reply ended with content_filter".to_owned(),
            }));
        }
        Ok(())
    }

    /// Whether the server read far less than was sent: then the answer is one to half a prompt.
    fn prompt_cut(&self, answer: &Answer) -> Result<(), Trouble> {
        let estimated = self.prompt_estimate.at_least;
        match answer.usage.prompt {
            Some(reported)
                if estimated >= CUT_FROM && reported > 0 && reported * 10 < estimated * 8 =>
            {
                Err(Trouble::Fail(SlotFailure::PromptCut {
                    reported,
                    estimated,
                }))
            }
            _ => Ok(()),
        }
    }

    /// The server's counts; upper estimates for those that it does not give.
    fn usage(&self, answer: &Answer, notes: &mut BTreeSet<ReplyNote>) -> TokenUsage {
        let reported = answer.usage;
        // No prompt has no token: a server that says 0 did not count.
        let prompt = reported.prompt.filter(|&count| count > 0);
        let wrote = answer.text.as_ref().is_some_and(|text| !text.is_empty());
        let completion = reported.completion.filter(|&count| count > 0 || !wrote);
        if prompt.is_none() || completion.is_none() {
            notes.insert(ReplyNote::UsageEstimated);
        }
        TokenUsage {
            prompt_tokens: prompt.unwrap_or(self.prompt_estimate.at_most),
            completion_tokens: completion.unwrap_or_else(|| self.most_written(answer)),
            cached_tokens: reported.cached,
            reasoning_tokens: reported.reasoning,
        }
    }

    /// The most that can have been written: the limit, or less where all that was written can be seen.
    fn most_written(&self, answer: &Answer) -> u64 {
        let limit = u64::from(self.asked.max_tokens());
        let seen = estimate::at_most(answer.text.as_deref().unwrap_or_default())
            + answer.reasoning as u64
            // The token that ended it.
            + 1;
        let hidden = self.profile.is_reasoning(self.model) || answer.end == End::Length;
        if hidden { limit } else { seen.min(limit) }
    }

    fn text(
        &self,
        request: &SampleRequest,
        answer: Answer,
        usage: TokenUsage,
        mut notes: BTreeSet<ReplyNote>,
    ) -> Result<TextReply, Trouble> {
        let limit = request.sampling.max_tokens;
        let mut finish = match answer.end {
            End::Length | End::WindowFull => Finish::Length,
            End::Unsaid if usage.completion_tokens >= u64::from(limit) => Finish::Length,
            _ => Finish::Stop,
        };
        let mut text = answer.text.clone().unwrap_or_default();
        if text.is_empty() {
            self.nothing_visible(&answer, finish, limit)?;
        }
        if text.len() > TEXT_LIMIT {
            return Err(Trouble::Fail(SlotFailure::ResponseTooLarge {
                limit: TEXT_LIMIT as u64,
            }));
        }
        let counted = !notes.contains(&ReplyNote::UsageEstimated);
        let below_limit = usage.completion_tokens < u64::from(limit);
        if finish == Finish::Length && counted && (below_limit || answer.end == End::WindowFull) {
            notes.insert(ReplyNote::ContextFull {
                tokens: usage.prompt_tokens + usage.completion_tokens,
            });
        }
        if let Prompt::Chat { opening, .. } = &request.prompt
            && self.profile.opening == Opening::TrimmedLastMessage
        {
            let blanks = opening.strip_prefix(opening.trim_end()).unwrap_or_default();
            text = text.strip_prefix(blanks).unwrap_or(&text).to_owned();
        }
        // Not every server knows every stop string.
        let stop = request
            .sampling
            .stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| text.find(stop.as_str()))
            .min();
        if let Some(stop) = stop {
            text.truncate(stop);
            finish = Finish::Stop;
            notes.retain(|note| !matches!(note, ReplyNote::ContextFull { .. }));
        }
        Ok(TextReply {
            text,
            finish,
            usage,
            notes: notes.into_iter().collect(),
        })
    }

    /// What follows from an answer without a text. A stop string that came at once leaves a good reply of no length.
    fn nothing_visible(&self, answer: &Answer, finish: Finish, limit: u32) -> Result<(), Trouble> {
        let visible_stop = match self.asked {
            Asked::Sample(request) => !request.sampling.stop.is_empty(),
            Asked::FirstToken(_) | Asked::Whole { .. } => false,
        };
        let reasoned = answer.reasoning > 0 || answer.usage.reasoning > 0;
        if reasoned || finish == Finish::Length {
            let went = if reasoned {
                "all tokens went into hidden reasoning"
            } else {
                "the token limit was reached before any text; hidden reasoning may have taken all"
            };
            return Err(Trouble::Fail(SlotFailure::NoVisibleAnswer {
                detail: format!("{went}: raise max_tokens (now {limit}) or turn reasoning off"),
            }));
        }
        if answer.text.is_some() && visible_stop {
            return Ok(());
        }
        Err(empty(
            "the reply ended by itself and its content is empty".to_owned(),
        ))
    }

    fn first_token(
        &self,
        request: &ScoreRequest,
        answer: &Answer,
        notes: &mut BTreeSet<ReplyNote>,
    ) -> Result<Vec<evalwright_core::AnswerScore>, Trouble> {
        let written = answer.text.as_deref().is_some_and(|text| !text.is_empty());
        if !written && answer.table.is_none() {
            // It shows that nothing came, not what the server can do.
            let finish = match answer.end {
                End::Length | End::WindowFull => Finish::Length,
                _ => Finish::Stop,
            };
            self.nothing_visible(answer, finish, self.asked.max_tokens())?;
        }
        let table = answer
            .table
            .as_ref()
            .filter(|table| !table.positions.is_empty() || !written)
            .ok_or_else(|| {
                no_log_probabilities(&format!(
                    "{} gave no logprobs for {}",
                    self.profile.name,
                    quoted(self.model)
                ))
            })?;
        let scores = read::answers(table, &request.continuations).map_err(Trouble::Fail)?;
        notes.extend(scores.notes);
        Ok(scores.scores)
    }
}
