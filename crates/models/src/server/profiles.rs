//! The servers there are, in the order in which messages name them.
//!
//! What stands here is what is assumed before the first request; `doctor` asks the server itself.

use super::profile::{
    Authorization, HeaderVariable, Opening, OutputLimit, Profile, Protocol, ReasoningModels,
    TokenLimitField, WholeText,
};

/// Raised with every change of a profile or of how requests are written, since both can change answers; part of every
/// remote model's identity.
pub const PROFILES_VERSION: u32 = 1;

/// All servers.
pub const PROFILES: &[Profile] = &[
    OPENAI,
    AZURE,
    VLLM,
    SGLANG,
    LLAMA_CPP,
    OLLAMA,
    LM_STUDIO,
    OPENROUTER,
    ANTHROPIC,
    OPENAI_COMPATIBLE,
];

/// The profile of this name.
pub(crate) fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|known| known.name == name)
}

/// All names, for messages.
pub(crate) fn server_names() -> String {
    let names: Vec<&str> = PROFILES.iter().map(|known| known.name).collect();
    names.join(", ")
}

/// The common denominator: what a server that only says "OpenAI-compatible" can be trusted with.
const OPENAI_COMPATIBLE: Profile = Profile {
    name: "openai-compatible",
    protocol: Protocol::Chat,
    base_url: None,
    version: "v1",
    base_url_variables: &["OPENAI_COMPATIBLE_BASE_URL"],
    // Never OPENAI_API_KEY: a key goes only to the server that it belongs to.
    key_variables: &["OPENAI_COMPATIBLE_API_KEY"],
    key_needed: false,
    authorization: Authorization::Bearer,
    headers: &[],
    header_variables: &[],
    token_limit: TokenLimitField::MaxTokens,
    text_prompts: true,
    seed: true,
    chat_candidates: 20,
    text_candidates: 5,
    output_limit: OutputLimit::Never,
    whole_text: WholeText::Never,
    stop_limit: 4,
    blank_stops: true,
    temperature_limit: 2.0,
    temperature_or_top_p: false,
    opening: Opening::Impossible,
    neutral: &[],
    reasoning_off: false,
    reasoning: None,
};

/// OpenAI's models that reason. Their names are the same wherever they are served.
const OPENAI_REASONING: ReasoningModels = ReasoningModels {
    prefixes: &["o1", "o3", "o4", "gpt-5"],
    except: &["gpt-5-chat"],
};

const OPENAI: Profile = Profile {
    name: "openai",
    base_url: Some("https://api.openai.com/v1"),
    base_url_variables: &["OPENAI_BASE_URL"],
    key_variables: &["OPENAI_API_KEY"],
    key_needed: true,
    header_variables: &[
        HeaderVariable {
            variable: "OPENAI_ORG_ID",
            header: "openai-organization",
        },
        HeaderVariable {
            variable: "OPENAI_PROJECT_ID",
            header: "openai-project",
        },
    ],
    token_limit: TokenLimitField::MaxCompletionTokens,
    // But for a few old ones, its models are chat models, and the endpoint for plain text does not know them.
    text_prompts: false,
    reasoning: Some(OPENAI_REASONING),
    ..OPENAI_COMPATIBLE
};

const AZURE: Profile = Profile {
    name: "azure",
    version: "openai/v1",
    base_url_variables: &["AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"],
    key_variables: &["AZURE_OPENAI_API_KEY"],
    key_needed: true,
    authorization: Authorization::Header("api-key"),
    token_limit: TokenLimitField::MaxCompletionTokens,
    text_prompts: false,
    reasoning: Some(OPENAI_REASONING),
    ..OPENAI_COMPATIBLE
};

const VLLM: Profile = Profile {
    name: "vllm",
    base_url: Some("http://localhost:8000/v1"),
    base_url_variables: &["VLLM_BASE_URL"],
    key_variables: &["VLLM_API_KEY"],
    text_candidates: 20,
    output_limit: OutputLimit::Choice,
    whole_text: WholeText::EchoAndChat,
    stop_limit: usize::MAX,
    opening: Opening::ContinueFinalMessage,
    // It would take the rest from the model's `generation_config.json`.
    neutral: &[("top_k", -1), ("min_p", 0), ("repetition_penalty", 1)],
    ..OPENAI_COMPATIBLE
};

const SGLANG: Profile = Profile {
    name: "sglang",
    base_url: Some("http://localhost:30000/v1"),
    base_url_variables: &["SGLANG_BASE_URL"],
    key_variables: &["SGLANG_API_KEY"],
    output_limit: OutputLimit::Pattern,
    whole_text: WholeText::Echo,
    ..VLLM
};

const LLAMA_CPP: Profile = Profile {
    name: "llama-cpp",
    base_url: Some("http://localhost:8080/v1"),
    base_url_variables: &["LLAMA_CPP_BASE_URL"],
    key_variables: &["LLAMA_API_KEY"],
    text_candidates: 20,
    output_limit: OutputLimit::Grammar,
    stop_limit: usize::MAX,
    opening: Opening::LastMessage,
    // Its own defaults keep 40 candidates above 5 % of the likeliest one.
    neutral: &[("top_k", 0), ("min_p", 0), ("repeat_penalty", 1)],
    reasoning_off: true,
    ..OPENAI_COMPATIBLE
};

const OLLAMA: Profile = Profile {
    name: "ollama",
    protocol: Protocol::Ollama,
    base_url: Some("http://localhost:11434"),
    version: "",
    base_url_variables: &["OLLAMA_HOST"],
    key_variables: &["OLLAMA_API_KEY"],
    text_candidates: 20,
    stop_limit: usize::MAX,
    opening: Opening::LastMessage,
    neutral: &[("top_k", 0), ("min_p", 0), ("repeat_penalty", 1)],
    reasoning_off: true,
    ..OPENAI_COMPATIBLE
};

const LM_STUDIO: Profile = Profile {
    name: "lm-studio",
    base_url: Some("http://localhost:1234/v1"),
    base_url_variables: &["LM_STUDIO_BASE_URL"],
    key_variables: &["LM_STUDIO_API_KEY"],
    chat_candidates: 0,
    text_candidates: 0,
    ..OPENAI_COMPATIBLE
};

const OPENROUTER: Profile = Profile {
    name: "openrouter",
    base_url: Some("https://openrouter.ai/api/v1"),
    base_url_variables: &["OPENROUTER_BASE_URL"],
    key_variables: &["OPENROUTER_API_KEY"],
    key_needed: true,
    opening: Opening::LastMessage,
    reasoning: Some(OPENAI_REASONING),
    ..OPENAI_COMPATIBLE
};

const ANTHROPIC: Profile = Profile {
    name: "anthropic",
    protocol: Protocol::Messages,
    base_url: Some("https://api.anthropic.com"),
    base_url_variables: &["ANTHROPIC_BASE_URL"],
    key_variables: &["ANTHROPIC_API_KEY"],
    key_needed: true,
    authorization: Authorization::Header("x-api-key"),
    headers: &[("anthropic-version", "2023-06-01")],
    text_prompts: false,
    seed: false,
    chat_candidates: 0,
    text_candidates: 0,
    stop_limit: usize::MAX,
    blank_stops: false,
    temperature_limit: 1.0,
    temperature_or_top_p: true,
    opening: Opening::TrimmedLastMessage,
    ..OPENAI_COMPATIBLE
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Address;
    use evalwright_core::model::WholeScores;

    #[test]
    fn names_are_single_and_addresses_are_addresses() {
        for (number, profile) in PROFILES.iter().enumerate() {
            assert!(
                PROFILES[..number]
                    .iter()
                    .all(|other| other.name != profile.name)
            );
            if let Some(base_url) = profile.base_url {
                Address::parse(base_url).unwrap();
            }
            // Without an address of its own a server can be reached through a variable.
            assert!(!profile.base_url_variables.is_empty());
            assert!(!profile.key_variables.is_empty());
        }
    }

    #[test]
    fn reasoning_models_are_known_by_their_names() {
        assert!(OPENAI.is_reasoning("o3-mini") && OPENAI.is_reasoning("gpt-5.1"));
        assert!(OPENROUTER.is_reasoning("openai/o1"));
        assert!(!OPENAI.is_reasoning("gpt-5-chat-latest") && !OPENAI.is_reasoning("gpt-4o"));
        assert!(!VLLM.is_reasoning("o3-mini"));
        assert!(!OPENAI.abilities("o3-mini").first_token);
    }

    #[test]
    fn abilities_follow_from_the_profile() {
        assert_eq!(VLLM.abilities("m").whole_scores, WholeScores::Always);
        assert_eq!(SGLANG.abilities("m").whole_scores, WholeScores::AfterText);
        assert!(!ANTHROPIC.abilities("m").first_token);
        assert!(!ANTHROPIC.abilities("m").text_prompts);
        assert!(LLAMA_CPP.abilities("m").first_token);
        assert!(LLAMA_CPP.abilities("m").constrained && VLLM.abilities("m").constrained);
        assert!(!OPENAI.abilities("m").constrained && !OLLAMA.abilities("m").constrained);
    }
}
