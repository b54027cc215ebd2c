//! A model that answers from a file of replies, as `evalwright replies export` writes it: a run is made again
//! without any server.
//!
//! Invariant: an answer is the recorded one to the very same request, or the run ends; nothing is made up. The
//! model has the identity of the one that was recorded, so what is made from its answers is what was made then.

mod file;

use evalwright_core::model::Deliver;
use evalwright_core::{
    Abilities, ContentHash, Interrupt, Model, ModelError, ModelIdentity, Prompt, SampleRequest,
    ScoreReply, ScoreRequest, SlotFailure, TextReply,
};
use serde::Serialize;

pub use file::{ReplayError, Replies};

use crate::money::prompt_tokens;
use crate::server::ModelName;

/// What was recorded of one model.
#[derive(Debug)]
pub struct ReplayModel {
    identity: ModelIdentity,
    abilities: Abilities,
    source: String,
    texts: file::Answers<TextReply>,
    scores: file::Answers<ScoreReply>,
}

impl ReplayModel {
    /// What it could do is known by its name: models inside the process everything, those behind servers what
    /// their server can.
    fn new(source: String, recorded: file::Recorded) -> Self {
        let name = &recorded.identity.name;
        let abilities = ModelName::parse(name)
            .map_or(Abilities::ALL, |name| name.profile().abilities(&name.model));
        Self {
            identity: recorded.identity,
            abilities,
            source,
            texts: recorded.texts,
            scores: recorded.scores,
        }
    }

    fn answer<Request: Serialize, Reply: Clone>(
        &self,
        answers: &file::Answers<Reply>,
        requests: &[Request],
        interrupt: &Interrupt,
        deliver: Deliver<'_, Reply>,
    ) -> Result<(), ModelError> {
        let ended = |cause| ModelError::Engine {
            model: self.identity.name.clone(),
            cause,
        };
        for (index, request) in requests.iter().enumerate() {
            if interrupt.is_asked() {
                return Err(ModelError::Interrupted);
            }
            let asked = ContentHash::of_json(request).map_err(|error| ended(error.to_string()))?;
            let Some((_, reply)) = answers.get(&asked) else {
                return Err(ended(format!(
                    "{} holds no answer to request {} of {}: it is from another recipe, or from a run that did \
                     not end",
                    self.source,
                    index + 1,
                    requests.len()
                )));
            };
            deliver(index, reply.clone()).map_err(ModelError::Receiver)?;
        }
        Ok(())
    }
}

impl Model for ReplayModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        self.answer(&self.texts, requests, interrupt, deliver)
    }

    fn score(
        &self,
        requests: &[ScoreRequest],
        interrupt: &Interrupt,
        deliver: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        self.answer(&self.scores, requests, interrupt, deliver)
    }

    /// The most that the prompt can have, as for any model behind a server.
    fn count_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        Ok(prompt_tokens(prompt).at_most)
    }

    fn likely_tokens(&self, prompt: &Prompt) -> Result<u64, ModelError> {
        Ok(prompt_tokens(prompt).likely)
    }
}

/// A reply as it was recorded.
type Recorded<Reply> = Result<Reply, SlotFailure>;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use evalwright_core::{Finish, Sampling, Seed, TokenUsage};
    use serde_json::json;

    use super::*;

    fn identity(name: &str) -> ModelIdentity {
        ModelIdentity {
            name: name.to_owned(),
            weights: None,
            engine: "e".to_owned(),
            precision: "p".to_owned(),
            chat_template: None,
        }
    }

    fn request(seed: u64) -> SampleRequest {
        SampleRequest {
            prompt: Prompt::Text("P".to_owned()),
            sampling: Sampling {
                temperature: 0.7,
                top_p: 1.0,
                max_tokens: 8,
                stop: vec!["\n".to_owned()],
            },
            seed: Seed(seed),
        }
    }

    fn reply(text: &str) -> TextReply {
        TextReply {
            text: text.to_owned(),
            finish: Finish::Stop,
            usage: TokenUsage::new(3, 2),
            notes: Vec::new(),
        }
    }

    fn line(model: &str, seed: u64, reply: Recorded<TextReply>) -> String {
        let (status, reply) = match reply {
            Ok(reply) => ("ok", json!(reply)),
            Err(failure) => ("failed", json!(failure)),
        };
        json!({
            "key": "k", "kind": "sample", "model": model, "model_hash": "h", "identity": identity(model),
            "status": status, "finish": null, "request": request(seed), "reply": reply, "raw": null,
        })
        .to_string()
    }

    fn ask(model: &ReplayModel, seeds: &[u64]) -> (Vec<Recorded<TextReply>>, Option<String>) {
        let got = Mutex::new(Vec::new());
        let requests: Vec<SampleRequest> = seeds.iter().map(|seed| request(*seed)).collect();
        let end = model.sample(&requests, &Interrupt::default(), &|_, reply| {
            got.lock().unwrap().push(reply);
            Ok(())
        });
        (
            got.into_inner().unwrap(),
            end.err().map(|error| error.to_string()),
        )
    }

    #[test]
    fn it_answers_what_was_recorded_and_nothing_else() {
        let text = [
            line("vllm/m", 1, Ok(reply("a"))),
            line("vllm/m", 2, Err(SlotFailure::NonFiniteLogits)),
            line("vllm/m", 1, Ok(reply("a"))),
        ]
        .join("\n");
        let replies = Replies::read("r.jsonl", text.as_bytes()).unwrap();
        let model = replies.model(None).unwrap();
        assert_eq!(model.identity(), &identity("vllm/m"));
        assert!(model.abilities().opened_replies);
        let (got, end) = ask(&model, &[2, 1]);
        assert_eq!(got, [Err(SlotFailure::NonFiniteLogits), Ok(reply("a"))]);
        assert_eq!(end, None);
        let (got, end) = ask(&model, &[1, 3]);
        assert_eq!(got.len(), 1);
        let words = end.unwrap();
        assert!(
            words.contains("r.jsonl") && words.contains("request 2 of 2"),
            "{words}"
        );
    }

    #[test]
    fn the_model_is_named_where_a_file_holds_several() {
        let text = [
            line("vllm/m", 1, Ok(reply("a"))),
            line("openai/n", 1, Ok(reply("b"))),
        ]
        .join("\n");
        let replies = Replies::read("r.jsonl", text.as_bytes()).unwrap();
        let words = replies.model(None).unwrap_err().to_string();
        assert!(words.contains("replay/r.jsonl#openai/n"), "{words}");
        let words = replies.model(Some("vllm/x")).unwrap_err().to_string();
        assert!(
            words.contains("vllm/x") && words.contains("vllm/m"),
            "{words}"
        );
        let model = replies.model(Some("openai/n")).unwrap();
        assert_eq!(ask(&model, &[1]).0, [Ok(reply("b"))]);
        assert!(!model.abilities().text_prompts);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        let good = line("vllm/m", 1, Ok(reply("a")));
        for (text, words) in [
            (format!("{good}\n{{"), "line 2"),
            (
                format!("{good}\n{}", line("vllm/m", 1, Ok(reply("b")))),
                "line 1",
            ),
            (good.replace("\"sample\"", "\"other\""), "other"),
            (
                good.replace("\"identity\":{", "\"identity\":null,\"x\":{"),
                "identity",
            ),
            (String::new(), "no replies"),
        ] {
            let error = Replies::read("r.jsonl", text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("r.jsonl") && error.contains(words),
                "{error}"
            );
        }
    }
}
