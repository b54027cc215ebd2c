//! An output that is limited to the answers, where a request wants that.

use evalwright_core::{ScoreMode, ScoreRequest};
use serde_json::json;

use super::body::Body;
use super::unsupported;
use crate::remote::trouble::Trouble;
use crate::server::{OutputLimit, Profile};

/// Adds to a body what keeps the model from writing anything but one of the continuations; nothing, where the request
/// does not ask for it. Blanks around an answer are no part of it: a reply begins with the first letter.
///
/// # Errors
/// When the server has no such limit.
pub(super) fn put(profile: &Profile, request: &ScoreRequest, body: Body) -> Result<Body, Trouble> {
    if request.mode != ScoreMode::Constrained {
        return Ok(body);
    }
    let mut answers: Vec<&str> = Vec::new();
    for answer in request.continuations.iter().map(|answer| answer.trim()) {
        if !answer.is_empty() && !answers.contains(&answer) {
            answers.push(answer);
        }
    }
    let joined = |written: fn(&str) -> String| {
        let written: Vec<String> = answers.iter().map(|answer| written(answer)).collect();
        written.join("|")
    };
    Ok(match profile.output_limit {
        OutputLimit::Never => {
            return Err(unsupported(format!(
                "{} cannot limit an output to the answers (method `constrained`): take `token` or `votes`",
                profile.name
            )));
        }
        OutputLimit::Choice => body.put("structured_outputs", json!({ "choice": answers })),
        OutputLimit::Pattern => body.put("regex", format!("({})", joined(escaped))),
        OutputLimit::Grammar => body.put("grammar", format!("root ::= {}", joined(quoted))),
    })
}

/// An answer as a regular expression that nothing else matches.
fn escaped(answer: &str) -> String {
    let mut pattern = String::with_capacity(answer.len());
    for character in answer.chars() {
        if character.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// An answer as a literal of a grammar.
fn quoted(answer: &str) -> String {
    let mut literal = String::from("\"");
    for character in answer.chars() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            other => literal.push(other),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use evalwright_core::Prompt;
    use serde_json::Value;

    use super::*;
    use crate::server::PROFILES;

    fn body(server: &str, mode: ScoreMode) -> Result<Value, Trouble> {
        let profile = PROFILES.iter().find(|profile| profile.name == server);
        let request = ScoreRequest {
            prompt: Prompt::Text("Q".to_owned()),
            continuations: [" Yes", "Yes", "(A)", "say \"no\"", " "]
                .map(str::to_owned)
                .to_vec(),
            mode,
        };
        let body = put(
            profile.unwrap(),
            &request,
            Body::default().put("model", "m"),
        )?;
        Ok(serde_json::from_slice(&body.into_bytes()).unwrap())
    }

    #[test]
    fn each_server_is_told_in_its_own_way() {
        let limited = |server| body(server, ScoreMode::Constrained).unwrap();
        assert_eq!(
            limited("vllm"),
            json!({"model": "m", "structured_outputs": {"choice": ["Yes", "(A)", "say \"no\""]}})
        );
        assert_eq!(limited("sglang")["regex"], "(Yes|\\(A\\)|say \\\"no\\\")");
        assert_eq!(
            limited("llama-cpp")["grammar"],
            "root ::= \"Yes\"|\"(A)\"|\"say \\\"no\\\"\""
        );
        assert_eq!(
            body("vllm", ScoreMode::FirstToken).unwrap(),
            json!({"model": "m"})
        );
    }

    #[test]
    fn a_server_without_limits_says_so() {
        assert!(matches!(
            body("openai", ScoreMode::Constrained),
            Err(Trouble::Stop { .. })
        ));
    }
}
