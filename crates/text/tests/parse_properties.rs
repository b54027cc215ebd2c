//! What holds for every reply: no panic, nothing lost without a trace, clean items, bounded work.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its case must fail"
)]

use std::time::{Duration, Instant};

use evalwright_core::Finish;
use evalwright_text::{ParseContext, Parsed, Parser, parse};
use proptest::prelude::*;

fn read(parser: &str, reply: &str, finish: Finish) -> Parsed {
    let parser = Parser::by_name(parser).unwrap();
    parse(
        &parser,
        reply,
        &ParseContext {
            finish,
            opening: "",
        },
    )
}

fn json(reply: &str) -> Parsed {
    read("json", reply, Finish::Stop)
}

fn texts(parsed: &Parsed) -> Vec<&str> {
    parsed.items.iter().map(|item| item.text.as_str()).collect()
}

fn reasons(parsed: &Parsed) -> Vec<&str> {
    parsed
        .rejected
        .iter()
        .map(|rejected| rejected.reason.as_str())
        .collect()
}

#[test]
fn names_and_parsers_agree() {
    assert!(
        Parser::names()
            .iter()
            .all(|name| Parser::by_name(name).is_some())
    );
    assert_eq!(Parser::by_name("yaml"), None);
}

#[test]
fn a_list_of_objects_in_one_field_is_read() {
    let parsed =
        json(r#"{"topic": "tea", "statements": [{"statement": "a"}, {"statement": "b"}]}"#);
    assert_eq!(texts(&parsed), ["a", "b"]);
}

#[test]
fn a_broken_object_in_one_line_costs_only_itself() {
    let parsed = json(r#"[{"statement":"a"},{"statement":"b "x""},{"statement":"c"}]"#);
    assert_eq!(texts(&parsed), ["a", "c"]);
    assert_eq!(reasons(&parsed), ["invalid_json"]);
    assert_eq!(parsed.warnings, ["salvaged_objects"]);
}

#[test]
fn a_broken_object_deep_in_another_costs_only_itself() {
    let reply = "{\"statements\": [\n{\"statement\": \"a\"},\n{\"statement\": b},\n{\"statement\": \"c\"}\n]}";
    let parsed = json(reply);
    assert_eq!(texts(&parsed), ["a", "c"]);
    assert_eq!(reasons(&parsed), ["invalid_json"]);
    assert_eq!(parsed.rejected[0].line, Some(3));
}

#[test]
fn a_reply_cut_in_an_object_keeps_the_whole_ones() {
    let parsed = read(
        "json",
        "[{\"statement\": \"a\"}, {\"statement\": \"b",
        Finish::Length,
    );
    assert_eq!(texts(&parsed), ["a"]);
    assert_eq!(reasons(&parsed), ["cut_off"]);
    assert!(parsed.truncated);
    let whole = read("json", "[{\"statement\": \"a\"}]", Finish::Length);
    assert!(!whole.truncated && whole.rejected.is_empty());
}

#[test]
fn wrong_fields_are_named() {
    let parsed =
        json(r#"[{"text": "a"}, {"statement": 1}, {"statement": " "}, 5, {"statement": "b"}]"#);
    assert_eq!(texts(&parsed), ["b"]);
    assert_eq!(
        reasons(&parsed),
        ["missing_field", "wrong_shape", "empty_text", "wrong_shape"]
    );
    assert_eq!(parsed.rejected[0].key.as_deref(), Some("statement"));
}

#[test]
fn the_label_is_read_and_needed() {
    let parser = Parser::Json {
        item_field: "statement".to_owned(),
        label_field: Some("label".to_owned()),
    };
    let context = ParseContext {
        finish: Finish::Stop,
        opening: "[{\"statement\": \"",
    };
    let parsed = parse(
        &parser,
        r#"a", "label": " Yes"}, {"statement": "b"}]"#,
        &context,
    );
    assert_eq!(parsed.items[0].label.as_deref(), Some(" Yes"));
    assert_eq!(reasons(&parsed), ["missing_field"]);
    assert_eq!(parsed.rejected[0].key.as_deref(), Some("label"));
}

#[test]
fn hostile_replies_cost_little() {
    let hostile = [
        "{".repeat(100_000),
        "{\"a\":".repeat(50_000),
        "[{\"a\":".repeat(50_000),
        "{\"a\":{\"b\":1},x}".repeat(10_000),
        "{\"statement\":\"a\"}{x}".repeat(10_000),
        "{\"a\":\"".repeat(30_000),
        format!("{}{}", "{\"a\":".repeat(100), "[1,".repeat(20_000)),
        "<think>".repeat(20_000),
        "</think>".repeat(20_000),
        "</think>\n".repeat(20_000),
        "<think></think>".repeat(20_000),
        "Human:".repeat(30_000),
        "1. ".repeat(50_000),
        "\n- a".repeat(50_000),
        "\"".repeat(100_000),
        "```json\n".repeat(20_000),
    ];
    for reply in &hostile {
        for parser in Parser::names() {
            let start = Instant::now();
            let parsed = read(parser, reply, Finish::Length);
            // Linear work takes milliseconds; the bound leaves room for a busy machine and none for n².
            let shown: String = reply.chars().take(20).collect();
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{parser} on {shown}"
            );
            let kept: usize = parsed
                .rejected
                .iter()
                .map(|rejected| rejected.raw.len())
                .sum();
            assert!(kept <= 4_000_000, "{parser} on {shown} keeps {kept} bytes");
        }
    }
}

/// Pieces out of which replies go wrong.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        proptest::sample::select(vec![
            "1. ",
            "2) ",
            "- ",
            "\n",
            "\n\n",
            "  ",
            "{\"statement\": \"a\"}",
            "{",
            "}",
            "[",
            "]",
            ",",
            "\"",
            "```json\n",
            "```",
            "<think>",
            "</think>",
            "Human:",
            "\n\nHuman: ",
            "\\ud83c",
            "I like tea.",
            "“x”",
            "\u{feff}",
            "\u{1b}[31m",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn every_reply_is_accounted_for(
        parts in proptest::collection::vec(fragment(), 0..12),
        opening in proptest::sample::select(vec!["", "1.", "I", "[{\"statement\": \"", "- \"", "Statement:"]),
        cut: bool,
    ) {
        let reply = parts.concat();
        let finish = if cut { Finish::Length } else { Finish::Stop };
        for name in Parser::names() {
            let parser = Parser::by_name(name).unwrap();
            let parsed = parse(&parser, &reply, &ParseContext { finish, opening });
            let has_parts = !parsed.items.is_empty() || !parsed.rejected.is_empty();
            prop_assert_eq!(parsed.failure.is_none(), has_parts, "{} {:?}", name, parsed);
            for item in &parsed.items {
                prop_assert!(!item.text.trim().is_empty());
                prop_assert!(item.text.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", item);
                let is_hidden = item.text.contains(['\u{202e}', '\u{200b}', '\u{feff}']);
                prop_assert!(!is_hidden, "{:?}", item);
            }
        }
    }

    #[test]
    fn what_is_written_as_json_is_read_back(
        wanted in proptest::collection::vec("[a-zA-Z\"{}\\[\\],:\\\\'é “”`]{1,30}", 1..6),
        chatter in proptest::sample::select(vec![("", ""), ("Here:\n```json\n", "\n```\nBye."), ("Sure! ", " (end)")]),
    ) {
        let objects: Vec<serde_json::Value> =
            wanted.iter().map(|text| serde_json::json!({ "statement": text })).collect();
        let reply = format!("{}{}{}", chatter.0, serde_json::to_string(&objects).unwrap(), chatter.1);
        let parsed = json(&reply);
        let expected: Vec<&str> = wanted.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
        prop_assert_eq!(texts(&parsed), expected);
    }

    #[test]
    fn what_is_written_as_a_list_is_read_back(
        wanted in proptest::collection::vec("I [a-z]{1,8}( [a-z0-9.,]{1,8}){0,8}[.!?]", 1..8),
        style in 0_usize..4,
    ) {
        let reply: String = wanted.iter().enumerate().map(|(index, text)| match style {
            0 => format!("{}. {text}\n", index + 1),
            1 => format!("- {text}\n\n"),
            2 => format!("({}) \"{text}\"\n", index + 1),
            _ => format!("**{}.** {text}\r\n", index + 1),
        }).collect();
        let parsed = read("list", &reply, Finish::Stop);
        prop_assert_eq!(texts(&parsed), wanted.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert!(parsed.warnings.is_empty());
    }
}
