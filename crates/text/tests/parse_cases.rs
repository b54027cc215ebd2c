//! The parse cases under `tests/cases/parse`: each reads its reply and what must come out from the case's files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its case must fail"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use evalwright_core::Finish;
use evalwright_text::{ParseContext, Parsed, Parser, parse};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/parse")
}

/// The case whose folder begins with this id, and its reply.
fn load(id: &str) -> (Value, String) {
    let case = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split('-').next() == Some(id)
        })
        .unwrap_or_else(|| panic!("no case {id}"));
    let description = std::fs::read_to_string(case.join("case.json")).unwrap();
    let reply = std::fs::read_to_string(case.join("output.txt")).unwrap();
    (serde_json::from_str(&description).unwrap(), reply)
}

fn run(case: &Value, reply: &str) -> Parsed {
    let given = &case["given"];
    let text = |field: &str| given[field].as_str();
    let parser = match text("format").unwrap() {
        "json" => Parser::Json {
            item_field: text("item_field").unwrap().to_owned(),
            label_field: text("label_field").map(str::to_owned),
        },
        other => Parser::by_name(other).unwrap(),
    };
    let finish = match text("finish_reason") {
        Some("length") => Finish::Length,
        _ => Finish::Stop,
    };
    let opening = text("prompt_ends_with").unwrap_or("");
    parse(&parser, reply, &ParseContext { finish, opening })
}

fn items(parsed: &Parsed) -> Vec<&str> {
    parsed.items.iter().map(|item| item.text.as_str()).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// Whether the parsed reply is what one `expected` object says; every field the cases use is looked at.
fn check(expected: &Value, parsed: &Parsed) -> Result<(), String> {
    let fail = |what: &str| Err(format!("{what}: {parsed:#?}"));
    match expected["outcome"].as_str().unwrap() {
        "ok" => {
            if parsed.failure.is_some() {
                return fail("a failure");
            }
        }
        "item_failed" => {
            let Some(failure) = &parsed.failure else {
                return fail("no failure");
            };
            if Some(failure.reason.as_str()) != expected["reason"].as_str() {
                return fail("another reason");
            }
            for word in expected
                .get("must_mention")
                .map(strings)
                .unwrap_or_default()
            {
                if !failure.detail.contains(word) {
                    return fail("the detail lacks a word");
                }
            }
            if !parsed.items.is_empty() {
                return fail("items beside a failure");
            }
        }
        other => return Err(format!("unknown outcome {other}")),
    }
    // P14 lists the item that must never be lost; the other one has a check of its own.
    if let Some(wanted) = expected.get("items") {
        let found = items(parsed);
        let known = expected.get("second").map_or(found.len(), |_| 1);
        if found.get(..known) != Some(strings(wanted).as_slice()) {
            return fail("other items");
        }
    }
    if let Some(count) = expected.get("ignored_lines")
        && count.as_u64() != Some(u64::from(parsed.ignored_lines))
    {
        return fail("ignored_lines");
    }
    if let Some(groups) = expected.get("groups") {
        let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
        for item in &parsed.items {
            *sizes.entry(item.group).or_default() += 1;
        }
        let wanted: Vec<u64> = groups
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_u64)
            .collect();
        if sizes.into_values().collect::<Vec<_>>() != wanted {
            return fail("groups");
        }
    }
    if let Some(warning) = expected.get("warn")
        && !parsed
            .warnings
            .iter()
            .any(|known| Some(known.as_str()) == warning.as_str())
    {
        return fail("no warning");
    }
    if let Some(flag) = expected.get("flag") {
        let agrees = parsed.items.iter().all(|item| match flag.as_str() {
            Some(flag) => item.flags.iter().any(|known| known == flag),
            None => item.flags.is_empty(),
        });
        if !agrees {
            return fail("flags");
        }
    }
    if let Some(rejected) = expected.get("rejected") {
        let rejected = rejected.as_array().unwrap();
        if rejected.len() != parsed.rejected.len() {
            return fail("another number of rejects");
        }
        for (wanted, found) in rejected.iter().zip(&parsed.rejected) {
            let same = wanted["reason"].as_str() == Some(found.reason.as_str())
                && wanted
                    .get("line")
                    .is_none_or(|line| line.as_u64() == found.line.map(u64::from))
                && wanted
                    .get("key")
                    .is_none_or(|key| key.as_str() == found.key.as_deref());
            if !same {
                return fail("another reject");
            }
        }
    } else if expected["outcome"] == "ok" && !parsed.rejected.is_empty() {
        return fail("rejects");
    }
    if let Some(marker) = expected.get("cut_at")
        && marker.as_str() != parsed.cut_at.as_deref()
    {
        return fail("cut_at");
    }
    Ok(())
}

fn holds(id: &str) {
    let (case, reply) = load(id);
    let parsed = run(&case, &reply);
    let expected = &case["expected"];
    let result = if expected["outcome"] == "one_of" {
        let accepted = expected["accept"].as_array().unwrap();
        let failures: Vec<String> = accepted
            .iter()
            .filter_map(|one| check(one, &parsed).err())
            .collect();
        if failures.len() < accepted.len() {
            Ok(())
        } else {
            Err(failures.join("\n"))
        }
    } else {
        check(expected, &parsed)
    };
    if let Err(message) = result {
        panic!("{id}: {message}");
    }
}

macro_rules! cases {
    ($($name:ident $id:literal)*) => {
        $(#[test] fn $name() { holds($id); })*

        #[test]
        fn every_case_in_the_folder_is_a_test() {
            let named = [$($id),*];
            let mut found: Vec<String> = std::fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .map(|name| name.split('-').next().unwrap().to_owned())
                .collect();
            found.sort();
            assert_eq!(found, named);
        }
    };
}

cases! {
    p01_mixed_markers_and_chatter "P01"
    p02_numbers_in_the_middle_of_lines "P02"
    p03_numbering_restarts_under_headings "P03"
    p04_wrapped_and_multi_paragraph_items "P04"
    p05_fenced_json_with_chatter "P05"
    p06_valid_json_holding_backticks "P06"
    p07_other_fence_before_json_fence "P07"
    p08_trailing_comma_but_text_kept "P08"
    p09_braces_inside_strings "P09"
    p10_scalar_instead_of_object "P10"
    p11_smart_quotes_inside_good_json "P11"
    p12_list_inside_think_block "P12"
    p13_unclosed_think "P13"
    p14_lone_and_paired_surrogates "P14"
    p15_one_bad_object_among_good "P15"
    p16_duplicate_keys "P16"
    p17_bom_crlf_nbsp "P17"
    p18_control_and_bidi_characters "P18"
    p19_outer_quotes_only "P19"
    p20_python_style_literal "P20"
    p21_empty_and_whitespace_outputs "P21"
    p22_hundred_thousand_nested_brackets "P22"
    p23_answer_echoes_the_prompt "P23"
    p24_smart_quotes_as_delimiters "P24"
    p25_close_tag_only "P25"
    p26_tilde_fence_and_no_language "P26"
}

#[test]
fn p14_the_lone_half_is_replaced_and_flagged() {
    let (case, reply) = load("P14");
    let parsed = run(&case, &reply);
    let accepted = strings(&case["expected"]["second"]["one_of"]);
    let second = &parsed.items[1];
    let shown = format!("{} (flag {})", second.text, second.flags.join(", "));
    assert!(accepted.contains(&shown.as_str()), "{shown}");
    assert!(parsed.items[0].flags.is_empty());
}

#[test]
fn p18_no_control_byte_is_left_and_the_three_are_flagged() {
    let (case, reply) = load("P18");
    let parsed = run(&case, &reply);
    for wanted in strings(&case["expected"]["items_must_include"]) {
        assert!(items(&parsed).contains(&wanted));
    }
    let flagged = parsed
        .items
        .iter()
        .filter(|item| !item.flags.is_empty())
        .count();
    let noticed = (flagged + parsed.rejected.len()) as u64;
    assert_eq!(Some(noticed), case["expected"]["flagged"].as_u64());
    assert!(
        items(&parsed)
            .iter()
            .all(|text| !text.chars().any(char::is_control))
    );
}

#[test]
fn p24_no_item_holds_a_key_or_outer_quotes() {
    let (case, reply) = load("P24");
    let parsed = run(&case, &reply);
    assert!(
        items(&parsed)
            .iter()
            .all(|text| !text.contains("statement") && !text.contains('“'))
    );
}
