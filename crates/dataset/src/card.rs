//! `README.md`: the dataset card, with the front matter that dataset hubs read.
//!
//! A function of manifest, rows and summary alone. No model text stands in it; texts of the user's
//! behaviour file are escaped.

use std::fmt::Write;

use evalwright_core::{ModelIdentity, Row, Side};

use crate::features::{ROW_FEATURES, as_yaml};
use crate::manifest::Manifest;

/// What the report says, in the card's words: one sentence each, as Markdown without line breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardSummary {
    /// How far raters agree.
    pub agreement_lines: Vec<String>,
    /// What a reader should know before using the rows.
    pub warnings: Vec<String>,
    /// What the dataset cannot be used for, and why.
    pub limits: Vec<String>,
}

/// Licence words that hubs know, which are the SPDX identifiers in lower case.
const HUB_LICENSES: [&str; 17] = [
    "afl-3.0",
    "apache-2.0",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc-by-2.0",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "cc-by-sa-3.0",
    "cc-by-sa-4.0",
    "cc0-1.0",
    "gpl-3.0",
    "mit",
    "odbl",
    "pddl",
    "unlicense",
];

/// The card of a version. Works the same for no rows at all.
#[must_use]
pub fn card(manifest: &Manifest, rows: &[Row], summary: &CardSummary) -> String {
    let mut text = front_matter(manifest, rows.len());
    what_it_is(&mut text, manifest, rows);
    how_it_was_made(&mut text, manifest);
    what_was_mended(&mut text, manifest);
    list(
        &mut text,
        "Agreement of the raters",
        &summary.agreement_lines,
        "No two raters judged the same rows, so their agreement is not known.",
    );
    if !summary.warnings.is_empty() {
        list(&mut text, "Warnings", &summary.warnings, "");
    }
    let mut limits = vec![
        "Statements and labels come from language models. No person has checked them, unless \
         *Agreement of the raters* says so."
            .to_owned(),
        "`label_confidence` is the judges' own estimate that the label is right, not a measured share \
         of right labels."
            .to_owned(),
    ];
    limits.extend(summary.limits.iter().cloned());
    list(&mut text, "Known limits", &limits, "");
    closing(&mut text, manifest);
    text
}

/// The card of a version of a kind that maps fields. Works the same for no rows at all.
#[must_use]
pub fn card_of_items(manifest: &Manifest, rows: usize, summary: &CardSummary) -> String {
    let mut text = front_matter(manifest, rows);
    line(
        &mut text,
        format_args!(
            "# {} {}\n",
            escaped(&manifest.dataset),
            escaped(&manifest.version)
        ),
    );
    line(
        &mut text,
        format_args!("{rows} rows of kind `{}`.\n", code(&manifest.kind.name)),
    );
    for (key, title) in [("description", "Behaviour"), ("contrast", "Opposite")] {
        let said = manifest.behaviour.get(key).and_then(|value| value.as_str());
        if let Some(said) = said.filter(|said| !said.is_empty()) {
            line(&mut text, format_args!("- {title}: {}", escaped(said)));
        }
    }
    let names: Vec<String> = manifest
        .columns
        .iter()
        .map(|column| format!("`{}`", code(&column.name)))
        .collect();
    line(
        &mut text,
        format_args!(
            "\nEach line of `data.jsonl` is a row with {}, its `id`, and `metadata` that says where it comes from; \
             `schema.json` describes it. Rows with one `metadata.pair_id` come from one candidate. `rejected.jsonl` holds \
             every candidate that fell, with the reason.\n",
            names.join(", ")
        ),
    );
    line(&mut text, format_args!("## How it was made\n"));
    how_items_were_made(&mut text, manifest);
    what_was_mended(&mut text, manifest);
    if !summary.warnings.is_empty() {
        list(&mut text, "Warnings", &summary.warnings, "");
    }
    let mut limits = Vec::new();
    if manifest.funnel.sample_calls > 0 {
        limits.push("Texts come from language models. No person has checked them.".to_owned());
    }
    limits.extend(summary.limits.iter().cloned());
    list(
        &mut text,
        "Known limits",
        &limits,
        "The kind's own README names its weaknesses.",
    );
    closing(&mut text, manifest);
    text
}

fn how_items_were_made(text: &mut String, manifest: &Manifest) {
    line(
        text,
        format_args!("Made by {}.\n", escaped(&manifest.made_by)),
    );
    if manifest.funnel.sample_calls > 0 {
        line(
            text,
            format_args!(
                "- Writer: {}, temperature {}, top-p {}, at most {} tokens",
                model(&manifest.generator),
                manifest.sampling.temperature,
                manifest.sampling.top_p,
                manifest.sampling.max_tokens
            ),
        );
    }
    for judge in &manifest.judges {
        line(text, format_args!("- Judge: {}", model(judge)));
    }
    line(
        text,
        format_args!(
            "- Kind: `{}`, preset `{}`, {}",
            code(&manifest.kind.name),
            code(&manifest.kind.preset),
            escaped(&manifest.kind.origin)
        ),
    );
    line(
        text,
        format_args!(
            "- Seed: {}; order: {}",
            manifest.seed.0,
            escaped(&manifest.order)
        ),
    );
    let funnel = &manifest.funnel;
    line(
        text,
        format_args!(
            "- Candidates: {} asked for, {} published, {} rejected",
            funnel.asked, funnel.accepted, funnel.rejected
        ),
    );
    line(text, format_args!("- Recipe: `{}`\n", manifest.recipe));
}

fn front_matter(manifest: &Manifest, rows: usize) -> String {
    let mut text = "---\n".to_owned();
    text.push_str(&license_lines(&manifest.license));
    line(&mut text, format_args!("language:\n- en"));
    line(
        &mut text,
        format_args!("pretty_name: {}", yaml_string(&manifest.dataset)),
    );
    line(
        &mut text,
        format_args!("tags:\n- synthetic\n- evalwright\n- evaluation\n- model-written-evals"),
    );
    line(
        &mut text,
        format_args!("task_categories:\n- multiple-choice\n- question-answering"),
    );
    line(
        &mut text,
        format_args!("size_categories:\n- {}", size_category(rows)),
    );
    line(
        &mut text,
        format_args!(
            "configs:\n- config_name: default\n  data_files:\n  - split: validation\n    path: data.jsonl"
        ),
    );
    // The columns of kinds that map fields are told by the version's own `schema.json`.
    if !manifest.maps_fields() {
        line(
            &mut text,
            format_args!("dataset_info:\n- config_name: default\n  features:"),
        );
        text.push_str(&as_yaml(ROW_FEATURES, 2));
    }
    text.push_str("---\n\n");
    text
}

/// The licence as hubs know it; under its own name where they do not.
pub(crate) fn license_lines(license: &str) -> String {
    let word = license.to_lowercase();
    if HUB_LICENSES.contains(&word.as_str()) {
        format!("license: {word}\n")
    } else {
        format!("license: other\nlicense_name: {}\n", yaml_string(license))
    }
}

/// The hub's word for a number of rows; each class holds its lower end.
pub(crate) fn size_category(rows: usize) -> &'static str {
    match rows {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        _ => "n>10M",
    }
}

fn what_it_is(text: &mut String, manifest: &Manifest, rows: &[Row]) {
    line(
        text,
        format_args!(
            "# {} {}\n",
            escaped(&manifest.dataset),
            escaped(&manifest.version)
        ),
    );
    let count = |side: Side| rows.iter().filter(|row| row.metadata.label == side).count();
    line(
        text,
        format_args!(
            "{} rows of kind `{}`: {} whose statement was written to match the behaviour and {} written \
             to match its opposite.\n",
            rows.len(),
            code(&manifest.kind.name),
            count(Side::Matching),
            count(Side::NotMatching),
        ),
    );
    for (key, title) in [("description", "Behaviour"), ("contrast", "Opposite")] {
        let said = manifest.behaviour.get(key).and_then(|value| value.as_str());
        if let Some(said) = said {
            line(text, format_args!("- {title}: {}", escaped(said)));
        }
    }
    line(
        text,
        format_args!(
            "\nEach line of `data.jsonl` is a row: `question` is what a model under test is asked, \
             `answer_matching_behavior` the answer that shows the behaviour and \
             `answer_not_matching_behavior` the one that does not. Both answers start with a space, because \
             they continue the question. `rejected.jsonl` holds every candidate that fell, with the \
             reason.\n"
        ),
    );
}

fn how_it_was_made(text: &mut String, manifest: &Manifest) {
    line(text, format_args!("## How it was made\n"));
    line(
        text,
        format_args!(
            "Made by {}. A model wrote statements for both sides of the behaviour, judges \
         estimated how likely each label is right, repeats were removed, and rows were chosen from what was \
         left. The method follows *Discovering Language Model Behaviors with Model-Written Evaluations* \
         (Perez et al. 2022).\n",
            escaped(&manifest.made_by)
        ),
    );
    line(
        text,
        format_args!(
            "- Writer: {}, temperature {}, top-p {}, at most {} tokens",
            model(&manifest.generator),
            manifest.sampling.temperature,
            manifest.sampling.top_p,
            manifest.sampling.max_tokens
        ),
    );
    for judge in &manifest.judges {
        line(text, format_args!("- Judge: {}", model(judge)));
    }
    for rater in &manifest.raters {
        line(
            text,
            format_args!(
                "- Rater: `{}`, method {}{}, calibration {}{}",
                code(&rater.rater),
                rater.method,
                rater.samples.map_or_else(String::new, |samples| format!(
                    " ({samples} for each candidate)"
                )),
                escaped(&rater.calibration.origin),
                if rater.counts {
                    ""
                } else {
                    ", not counted in `label_confidence`"
                }
            ),
        );
    }
    line(
        text,
        format_args!(
            "- Kind: `{}`, preset `{}`, {}",
            code(&manifest.kind.name),
            code(&manifest.kind.preset),
            escaped(&manifest.kind.origin)
        ),
    );
    line(
        text,
        format_args!(
            "- Seed: {}; least label confidence: {}; choice: {}; order: {}",
            manifest.seed.0,
            manifest.minimum_confidence,
            escaped(&manifest.take),
            escaped(&manifest.order)
        ),
    );
    let layers = if manifest.dedup.layers.is_empty() {
        "none".to_owned()
    } else {
        manifest.dedup.layers.join(", ")
    };
    line(
        text,
        format_args!("- Duplicates looked for: {}", escaped(&layers)),
    );
    let funnel = &manifest.funnel;
    line(
        text,
        format_args!(
            "- Candidates: {} asked for, {} published, {} rejected",
            funnel.asked, funnel.accepted, funnel.rejected
        ),
    );
    line(text, format_args!("- Recipe: `{}`\n", manifest.recipe));
}

/// Nothing for rows that are as the run made them.
fn what_was_mended(text: &mut String, manifest: &Manifest) {
    let points: Vec<String> = manifest
        .fixes
        .iter()
        .map(|fix| {
            format!(
                "Version {}: rows taken out: {}; rows edited: {}. {}",
                escaped(&fix.version),
                fix.dropped.len(),
                fix.mended.len(),
                escaped(&fix.reason)
            )
        })
        .collect();
    if !points.is_empty() {
        list(text, "Mended by hand", &points, "");
    }
}

fn closing(text: &mut String, manifest: &Manifest) {
    line(text, format_args!("## Intended use\n"));
    line(
        text,
        format_args!(
            "Measuring how often a language model gives the answers that show the behaviour. Not meant for \
             training: rows that a model was trained on say nothing about it any more.\n"
        ),
    );
    line(text, format_args!("## Licence and canary\n"));
    line(
        text,
        format_args!(
            "The rows are published under `{}`.\n",
            code(&manifest.license)
        ),
    );
    line(
        text,
        format_args!(
            "Canary, to find and leave out this dataset in a training corpus: `{}`",
            code(&manifest.canary)
        ),
    );
}

fn list(text: &mut String, title: &str, points: &[String], when_empty: &str) {
    line(text, format_args!("## {title}\n"));
    if points.is_empty() {
        line(text, format_args!("{when_empty}"));
    }
    for point in points {
        line(text, format_args!("- {}", one_line(point)));
    }
    text.push('\n');
}

fn model(identity: &ModelIdentity) -> String {
    let weights = identity.weights.map_or_else(
        || "weights unknown".to_owned(),
        |weights| format!("weights `{}`", weights.short(16)),
    );
    format!(
        "`{}` ({weights}, {}, {})",
        code(&identity.name),
        escaped(&identity.engine),
        escaped(&identity.precision)
    )
}

/// A YAML string in double quotes; JSON's are all valid there.
pub(crate) fn yaml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text for a code span, which a backtick or a line break would end.
#[must_use]
pub fn code(text: &str) -> String {
    one_line(text).replace('`', "'")
}

/// Text that Markdown shows as it is: no element, link, emphasis or heading comes of it.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        match character {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                shown.push('\\');
                shown.push(character);
            }
            hidden if evalwright_core::show::is_hidden(hidden) => {
                shown.push_str(&evalwright_core::show::visible(&hidden.to_string()));
            }
            plain => shown.push(plain),
        }
    }
    shown
}

pub(crate) fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(arguments).ok();
    text.push('\n');
}
