//! Every prompt of every built-in kind, rendered with the kind's sample, as a snapshot with its hash: a
//! changed wording is seen in review.

use evalwright_recipe::{builtin_kinds, load_kind, sample_prompts};

mod known;
use known::KNOWN;

#[test]
fn every_template_with_its_sample() {
    let mut shown = 0;
    for folder in builtin_kinds() {
        let presets = load_kind(&folder, "default", &KNOWN).unwrap().kind.presets;
        for preset in presets {
            let loaded = load_kind(&folder, &preset, &KNOWN).unwrap();
            for sample in sample_prompts(&loaded).unwrap() {
                let stem = sample.template.trim_end_matches(".j2");
                let form = if sample.opened { "" } else { "-whole" };
                let name = format!("{}-{preset}-{stem}{form}-{}", folder.name, sample.label);
                let text = format!("{}\nhash {}", sample.shown(), sample.prompt.hash());
                insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                    insta::assert_snapshot!(name, text);
                });
                shown += 1;
            }
        }
    }
    assert!(shown >= 2);
}
