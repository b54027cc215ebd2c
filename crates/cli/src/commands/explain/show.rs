//! An explanation as text for a terminal: one section for each step of the way.

use evalwright_core::show::visible;
use evalwright_core::{Candidate, Judgement, Prompt, Side, Verdict};
use evalwright_pipeline::TracedRequest;
use serde_json::Value;

use super::way::{Call, Explanation, Reply, Twin};

/// The whole text.
pub(super) fn text(explanation: &Explanation) -> String {
    let mut out = Out::default();
    out.head(explanation);
    if let Some(candidate) = &explanation.candidate {
        out.plan(explanation, candidate);
        out.asked(explanation, candidate);
        out.stages(explanation, candidate);
        out.judged(explanation, candidate);
        out.duplicates(explanation);
        out.selected(explanation);
    }
    out.published(explanation);
    if !explanation.not_shown.is_empty() {
        out.section("Not shown");
        for line in &explanation.not_shown {
            out.line(format!("  - {line}"));
        }
    }
    visible(&out.0)
}

#[derive(Default)]
struct Out(String);

impl Out {
    fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.line(format!("\n{title}"));
    }

    fn fact(&mut self, name: &str, value: impl AsRef<str>) {
        self.line(format!("  {name:<12}{}", value.as_ref()));
    }

    /// A text of several lines, each behind a bar, so that none can be taken for a line of ours.
    fn quoted(&mut self, text: &str) {
        for line in text.split('\n') {
            self.line(format!("    | {line}"));
        }
    }

    fn head(&mut self, explanation: &Explanation) {
        let what = if explanation.is_row {
            "a row"
        } else {
            "a candidate that fell"
        };
        self.line(format!("{}: {what}", explanation.id));
        if let Some(fallen) = &explanation.rejected {
            self.fact("why", format!("{} ({})", fallen.reason, fallen.code));
        }
        self.fact(
            "version",
            format!(
                "{} {} ({})",
                explanation.dataset, explanation.version, explanation.folder
            ),
        );
        if let Some(status) = &explanation.status {
            self.fact("status", status);
        }
        if !explanation.also_in.is_empty() {
            self.fact("also in", explanation.also_in.join(", "));
        }
        for name in ["description", "contrast"] {
            let said = explanation.behaviour.get(name).and_then(Value::as_str);
            if let Some(said) = said.filter(|said| !said.is_empty()) {
                self.fact(name, said);
            }
        }
        self.fact(
            "kind",
            format!("{}, preset {}", explanation.kind, explanation.preset),
        );
    }

    fn plan(&mut self, explanation: &Explanation, candidate: &Candidate) {
        self.section("Plan");
        let slot = &candidate.slot;
        self.fact("slot", slot.to_string());
        let mut cell = slot.cell.to_string();
        if !slot.group.is_empty() {
            cell.push_str(&format!(",{}", slot.group));
        }
        self.fact("cell", cell);
        let planned = explanation.slot.as_ref();
        if let Some(seed) = planned.and_then(|planned| planned.get("seed")) {
            self.fact(
                "seed",
                format!("{seed}, from the run's seed {}", explanation.run_seed),
            );
        }
        let begun = planned.and_then(|planned| planned.get("begun"));
        for (name, value) in begun.and_then(Value::as_object).into_iter().flatten() {
            self.line(format!("  begins with {name} = {}", plain(value)));
        }
    }

    fn asked(&mut self, explanation: &Explanation, candidate: &Candidate) {
        for call in writing(explanation) {
            let round = call
                .asked
                .round
                .map_or_else(String::new, |round| format!(", round {round}"));
            self.section(&format!(
                "Stage {}{round}: the writer is asked",
                call.asked.stage
            ));
            self.call(call);
        }
        self.section("Candidate");
        self.fact("id", &candidate.id);
        if let Some(parser) = &explanation.parser {
            self.fact(
                "parsed",
                format!(
                    "by `{parser}`, item {} of its reply",
                    candidate.position + 1
                ),
            );
        }
        self.quoted(&candidate.text);
        for (name, value) in &candidate.fields {
            self.line(format!("  {name}: {}", plain(value)));
        }
    }

    fn call(&mut self, call: &Call) {
        let asked = &call.asked;
        self.fact("model", &asked.model);
        self.fact("template", &asked.template);
        self.fact("key", format!("{} ({})", asked.key, call.known_by));
        match &asked.request {
            TracedRequest::Sample(request) => {
                let sampling = &request.sampling;
                self.fact(
                    "sampling",
                    format!(
                        "temperature {}, top-p {}, at most {} tokens, seed {}",
                        sampling.temperature, sampling.top_p, sampling.max_tokens, request.seed.0
                    ),
                );
                self.prompt(&request.prompt);
            }
            TracedRequest::Score(request) => {
                self.prompt(&request.prompt);
                for (place, continuation) in request.continuations.iter().enumerate() {
                    let score = match &call.reply {
                        Some(Reply::Scores(reply)) => reply.scores.get(place),
                        _ => None,
                    };
                    self.line(format!(
                        "  scored      {continuation:?}{}",
                        score.map_or_else(String::new, |score| format!(
                            ": log-probability {}{:.4} over {}",
                            if score.at_most { "at most " } else { "" },
                            score.log_probability,
                            counted(u64::from(score.tokens), "token")
                        ))
                    ));
                }
            }
        }
        match &call.reply {
            Some(Reply::Text(reply)) => {
                self.fact(
                    "reply",
                    format!(
                        "ended by {}, {} read and {} written",
                        match reply.finish {
                            evalwright_core::Finish::Stop => "the model or a stop string",
                            evalwright_core::Finish::Length => "the token limit",
                        },
                        counted(reply.usage.prompt_tokens, "token"),
                        reply.usage.completion_tokens
                    ),
                );
                self.quoted(&reply.text);
            }
            Some(Reply::Failed(problem)) => self.fact("reply", format!("none: {problem}")),
            Some(Reply::Scores(_)) | None => {}
        }
    }

    fn prompt(&mut self, prompt: &Prompt) {
        match prompt {
            Prompt::Text(text) => {
                self.line("  prompt, as plain text");
                self.quoted(text);
            }
            Prompt::Chat { messages, opening } => {
                for message in messages {
                    self.line(format!("  prompt, {}", message.role.as_str()));
                    self.quoted(&message.content);
                }
                if !opening.is_empty() {
                    self.line("  prompt, the reply as it was opened");
                    self.quoted(opening);
                }
            }
        }
    }

    fn stages(&mut self, explanation: &Explanation, candidate: &Candidate) {
        self.section("Stages");
        for stage in &explanation.stages {
            let why = match (&explanation.rejected, stage.result) {
                (Some(fallen), "fell") => format!(": {} ({})", fallen.reason, fallen.code),
                _ => String::new(),
            };
            self.line(format!("  {:<12}{}{why}", stage.stage, stage.result));
        }
        if !candidate.flags.is_empty() {
            self.fact("flags", candidate.flags.join(", "));
        }
    }

    fn judged(&mut self, explanation: &Explanation, candidate: &Candidate) {
        for judgement in &candidate.judgements {
            self.section(&format!("Rater {}", judgement.rater));
            self.judgement(judgement);
            let own = explanation.calls.iter().filter(|call| {
                call.asked.rater.as_ref() == Some(&judgement.rater)
                    && call.asked.requirement.as_ref() == Some(&judgement.requirement)
            });
            for call in own {
                self.line("  asked");
                self.call(call);
            }
        }
        if let Some(confidence) = candidate.confidence {
            let judges_label = candidate
                .judgements
                .iter()
                .any(|judgement| judgement.requirement == "label");
            self.section("Confidence");
            self.line(if judges_label {
                format!(
                    "  {confidence} that the intended label ({}) is right, over all counting raters",
                    candidate.slot.cell.label
                )
            } else {
                format!("  {confidence} over all that was judged")
            });
        }
    }

    fn judgement(&mut self, judgement: &Judgement) {
        self.fact("judged", &judgement.requirement);
        self.fact("method", judgement.method.as_str());
        if let Some(log_odds) = judgement.log_odds {
            self.fact(
                "log-odds",
                format!("{log_odds:.4} nats for {}", Side::Matching),
            );
        }
        if let Some(covered) = judgement.covered {
            self.fact("covered", format!("{covered} of the probability mass"));
        }
        if let Some(votes) = &judgement.votes {
            self.fact(
                "votes",
                format!(
                    "{} for, {} against, {} unreadable (95 % interval {} to {})",
                    votes.matching, votes.not_matching, votes.unreadable, votes.low, votes.high
                ),
            );
        }
        let verdict = match &judgement.verdict {
            Verdict::Known { matching } => format!("P(matching) = {matching}"),
            Verdict::Bounded { low, high } => format!("P(matching) from {low} to {high}"),
            Verdict::Unknown { reason } => format!("unknown: {reason}"),
        };
        self.fact("verdict", verdict);
    }

    fn duplicates(&mut self, explanation: &Explanation) {
        let found = &explanation.duplicates;
        if found.repeats.is_none() && found.repeated_by.is_empty() {
            return;
        }
        self.section("Duplicates");
        if let Some(twin) = &found.repeats {
            self.twin(
                if twin.is_conflict {
                    "conflicts with"
                } else {
                    "repeats"
                },
                twin,
            );
        }
        for twin in &found.repeated_by {
            self.twin(
                if twin.is_conflict {
                    "conflicts with"
                } else {
                    "repeated by"
                },
                twin,
            );
        }
    }

    fn twin(&mut self, word: &str, twin: &Twin) {
        let row = twin
            .row
            .as_ref()
            .map_or_else(String::new, |row| format!(", published as {row}"));
        self.line(format!(
            "  {word} {} ({}, similarity {:.3}{row})",
            twin.candidate, twin.layer, twin.similarity
        ));
        if let Some(text) = &twin.text {
            self.quoted(text);
        }
    }

    fn selected(&mut self, explanation: &Explanation) {
        let reached = explanation
            .stages
            .iter()
            .any(|stage| stage.stage.starts_with("select") && stage.result != "not reached");
        if !reached {
            return;
        }
        self.section("Selection");
        let of = |name: &str| explanation.selection.get(name).map(plain);
        for (name, value) in [
            ("minimum", of("minimum")),
            ("choice", of("take")),
            (
                "made even",
                of("balance").filter(|even| even != "null" && even != "[]"),
            ),
            ("order", of("order")),
        ] {
            if let Some(value) = value {
                self.fact(name, value);
            }
        }
        if let Some(cell) = explanation
            .selection
            .get("cell")
            .filter(|cell| cell.is_object())
        {
            let count = |name: &str| cell.get(name).map(plain).unwrap_or_default();
            self.fact(
                "its cell",
                format!(
                    "{} wanted, {} published, {} asked for",
                    count("wanted"),
                    count("got"),
                    count("asked")
                ),
            );
        }
    }

    fn published(&mut self, explanation: &Explanation) {
        for row in &explanation.rows {
            self.section(&format!("Row {}, line {} of data.jsonl", row.id, row.line));
            for (name, value) in &row.columns {
                if name == "id" {
                    continue;
                }
                let from = explanation
                    .emit
                    .as_ref()
                    .and_then(|emit| emit.get(name))
                    .map_or_else(String::new, |from| format!(" (from {})", plain(from)));
                self.line(format!("  {name}{from}"));
                self.quoted(&plain(value));
            }
        }
    }
}

/// The calls that wrote, not those that judged.
fn writing(explanation: &Explanation) -> impl Iterator<Item = &Call> {
    explanation
        .calls
        .iter()
        .filter(|call| call.asked.rater.is_none())
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn counted(number: u64, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
