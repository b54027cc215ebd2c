//! Whether two models are of one family, by their names.
//!
//! A name says little: this finds what should make a reader look twice, and proves nothing.

/// Words in names and the family that they tell. The first that is found counts.
const FAMILIES: [(&str, &str); 28] = [
    ("smollm", "smollm"),
    ("chatgpt", "gpt"),
    ("gpt", "gpt"),
    ("davinci", "gpt"),
    ("o1-", "gpt"),
    ("o3-", "gpt"),
    ("o4-", "gpt"),
    ("claude", "claude"),
    ("opus", "claude"),
    ("sonnet", "claude"),
    ("haiku", "claude"),
    ("llama", "llama"),
    ("vicuna", "llama"),
    ("qwen", "qwen"),
    ("qwq", "qwen"),
    ("mixtral", "mistral"),
    ("mistral", "mistral"),
    ("ministral", "mistral"),
    ("magistral", "mistral"),
    ("gemini", "gemini"),
    ("gemma", "gemini"),
    ("deepseek", "deepseek"),
    ("phi-", "phi"),
    ("command", "command"),
    ("grok", "grok"),
    ("olmo", "olmo"),
    ("granite", "granite"),
    ("glm", "glm"),
];

/// Whether the names are equal, or tell one family.
pub(super) fn are_of_one(one: &str, other: &str) -> bool {
    let (one, other) = (family(one), family(other));
    !one.is_empty() && one == other
}

/// The family: a known one, else the letters with which the name's last part begins.
fn family(name: &str) -> String {
    let plain = name.split("@http").next().unwrap_or(name).to_lowercase();
    let last = plain.rsplit('/').next().unwrap_or_default();
    for (word, family) in FAMILIES {
        if last.contains(word) {
            return family.to_owned();
        }
    }
    last.chars()
        .take_while(|character| character.is_alphabetic())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::are_of_one;

    #[test]
    fn families_by_names() {
        for (one, other) in [
            (
                "local/smollm2-135m-instruct",
                "vllm/HuggingFaceTB/SmolLM2-1.7B@http://a/v1",
            ),
            ("openai/gpt-4o", "azure/gpt-35-turbo"),
            ("anthropic/claude-x", "openrouter/anthropic/claude-y"),
            ("vllm/mistralai/Mixtral-8x7B", "ollama/mistral:7b"),
            ("vllm/house-model-2", "vllm/house-model-1"),
        ] {
            assert!(are_of_one(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("openai/gpt-4o", "anthropic/claude-x"),
            ("vllm/mock", "vllm/other"),
            ("", ""),
        ] {
            assert!(!are_of_one(one, other), "{one} {other}");
        }
    }
}
