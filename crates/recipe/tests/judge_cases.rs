//! The judge case on texts that speak to their judge. The case log is not in the repository: without it, the
//! test says that it was skipped.

use std::path::PathBuf;

use evalwright_core::{Prompt, Side};
use evalwright_recipe::{Values, builtin_kinds, find_kind, load_kind};

mod known;
use known::KNOWN;

#[test]
fn j03_nothing_in_a_candidate_looks_like_its_end_in_the_judges_prompt() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED J03: EVALWRIGHT_SHARED is not set");
        return;
    };
    let file =
        PathBuf::from(shared).join("cases/judge/J03-injected-verdict-in-candidate/candidate.txt");
    let Ok(candidate) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED J03: no {}", file.display());
        return;
    };
    assert!(candidate.contains("[END OF STATEMENT]") && candidate.contains("```"));
    let folder = find_kind(&builtin_kinds(), "statement").unwrap().clone();
    let kind = load_kind(&folder, "default", &KNOWN).unwrap();
    let values = Values {
        behaviour: kind.sample.as_ref().unwrap(),
        label: Side::Matching,
        examples: &[],
        statement: Some(&candidate),
        opened: true,
        item: None,
        reasoning: None,
    };
    let prompt = kind
        .prompts
        .render_prompt("judge-fallback.j2", &values)
        .unwrap();
    let Prompt::Chat { messages, .. } = prompt else {
        panic!("a chat")
    };
    let shown = &messages[0].content;
    assert_eq!(shown.matches("[END OF STATEMENT]").count(), 1);
    assert_eq!(shown.matches("```").count(), 0);
    let end = shown.find("[END OF STATEMENT]").unwrap();
    assert!(shown.find("Score: 5").unwrap() < end);
}
