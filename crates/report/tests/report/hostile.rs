//! Text that tries to be markup, an escape sequence or a formula stays text.

use std::fs;
use std::path::PathBuf;

use evalwright_core::{RejectReason, Side};
use evalwright_report::build;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::fixture::{self, Version};

/// The texts of a case's `records.jsonl`.
fn texts(case: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(case);
    let records = fs::read_to_string(path.join("records.jsonl")).unwrap();
    records
        .lines()
        .filter_map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["text"].as_str().map(str::to_owned)
        })
        .collect()
}

/// A version in which the given texts stand everywhere a model's text can stand.
fn version(texts: &[String]) -> Version {
    let mut rows = Vec::new();
    let mut rejects = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let index = u32::try_from(place).unwrap();
        let label = Side::ALL[place % 2];
        let row = fixture::row(text, label, index, 0.7);
        let duplicate = RejectReason::Duplicate {
            of: row.metadata.candidate.clone(),
            layer: "near".to_owned(),
            similarity: 0.8,
        };
        rejects.push(fixture::reject(
            text,
            label,
            index + 10_000,
            Some(0.7),
            duplicate,
        ));
        let lint = RejectReason::Lint {
            lint: "refusal".to_owned(),
            detail: text.clone(),
        };
        rejects.push(fixture::reject(text, label, index + 20_000, None, lint));
        rows.push(row);
    }
    fixture::assemble(rows, rejects)
}

fn page(version: &Version) -> String {
    let report = build(&version.manifest, &version.rows, &version.rejects).unwrap();
    String::from_utf8(report.html().unwrap()).unwrap()
}

fn tags(html: &str) -> usize {
    let bytes = html.as_bytes();
    bytes
        .iter()
        .zip(bytes.iter().skip(1))
        .filter(|(first, second)| **first == b'<' && !second.is_ascii_whitespace())
        .count()
}

/// What a browser shows of text that was escaped.
fn unescaped(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#x2f;", "/")
        .replace("&amp;", "&")
}

#[test]
fn x02_tags_are_shown_and_make_no_element() {
    let texts = texts("X02-html-report-escapes");
    assert_eq!(texts.len(), 4);
    let html = page(&version(&texts));
    assert_eq!(html.matches("<script").count(), 0);
    assert_eq!(html.matches("onmouseover=\"").count(), 0);
    let shown = unescaped(&html);
    for text in &texts {
        assert!(shown.contains(text), "{text}");
    }
}

#[test]
fn x03_escapes_reach_neither_terminal_nor_page() {
    let texts = texts("X03-terminal-escapes");
    assert_eq!(texts.len(), 3);
    let mut version = version(&texts);
    // Names are data too: a rater's, a stage's, a reason's, the dataset's.
    version.manifest.raters[0].rater.push_str(&texts[0]);
    version.manifest.funnel.stages[0].stage.push_str(&texts[1]);
    version.manifest.funnel.reasons.insert(texts[2].clone(), 99);
    version.manifest.dataset.push_str(&texts[0]);
    version.manifest.behaviour["description"] = Value::from(texts[1].as_str());
    let report = build(&version.manifest, &version.rows, &version.rejects).unwrap();
    let html = String::from_utf8(report.html().unwrap()).unwrap();
    for text in [report.summary_text(), html.clone()] {
        let hidden = text
            .chars()
            .filter(|c| *c != '\n' && *c != '\t' && c.is_control())
            .count();
        assert_eq!(hidden, 0);
    }
    for word in ["ok", "all tests passed", "a", "b", "link"] {
        assert!(html.contains(word), "{word}");
    }
    assert!(unescaped(&html).contains("a\\u{1b}]0;title\\u{7}b"));
}

#[test]
fn x01_no_cell_of_a_chart_starts_a_formula() {
    let texts = texts("X01-csv-formula");
    assert_eq!(texts.len(), 6);
    let mut version = version(&texts);
    for text in &texts {
        version.manifest.funnel.reasons.insert(text.clone(), 1);
    }
    let report = build(&version.manifest, &version.rows, &version.rejects).unwrap();
    let csv = String::from_utf8(report.charts()["charts/reasons.csv"].clone()).unwrap();
    assert!(csv.contains("1+1"));
    for line in csv.lines() {
        let start = line.trim_start_matches('"').trim_start();
        assert!(!start.starts_with(['=', '+', '-', '@']), "{line}");
    }
}

#[test]
fn a_thousand_hostile_texts_make_as_many_elements_as_plain_ones() {
    let piece = prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("</td></table><img/src=x/onerror=alert(1)>".to_owned()),
        Just("</style></svg><iframe>".to_owned()),
        Just("\"><b>".to_owned()),
        Just("'onclick='x".to_owned()),
        Just("{{7*7}}{%raw%}".to_owned()),
        Just("<!--".to_owned()),
        Just("]]><![CDATA[".to_owned()),
        Just("\u{1b}[2J\u{202e}\u{200b}\u{0}".to_owned()),
        Just("&lt;b&gt;".to_owned()),
        "\\PC{1,12}".prop_map(|text| text.replace(char::is_whitespace, "_")),
    ];
    // Four words each, so that the charts of lengths have the same bars.
    let text = prop::collection::vec(piece, 4).prop_map(|words| words.join(" "));
    let mut runner = TestRunner::new(Config {
        cases: 4,
        ..Config::default()
    });
    let plain: Vec<String> = (0..250)
        .map(|index| format!("plain text number {index}"))
        .collect();
    let expected = tags(&page(&version(&plain)));
    runner
        .run(&prop::collection::vec(text, 250), |texts| {
            let html = page(&version(&texts));
            prop_assert_eq!(tags(&html), expected);
            prop_assert!(!html.contains("<script") && !html.contains("<iframe"));
            prop_assert!(
                html.chars()
                    .all(|c| c == '\n' || c == '\t' || !evalwright_core::show::is_hidden(c))
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_page_asks_for_nothing_from_outside() {
    let html = page(&fixture::version());
    assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    for address in [
        "http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", " onload",
    ] {
        assert!(!html.contains(address), "{address}");
    }
}
