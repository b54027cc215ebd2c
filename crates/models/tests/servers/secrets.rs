//! A key that servers send back in every way they can is in nothing that comes of it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use evalwright_core::StopReason;
use evalwright_models::remote::RemoteModel;
use evalwright_testing::Response;

use crate::ask::{Asking, fine, server, texts, with_key};

/// A new key of 48 bytes; among them are all that the ways of writing it treat in their own ways.
fn key() -> String {
    const LETTERS: &[u8] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\"\\%&<>_-";
    let mut key: String = (0..42_u32)
        .map(|place| {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u32(place);
            let letter = hasher.finish() % LETTERS.len() as u64;
            char::from(LETTERS[usize::try_from(letter).unwrap()])
        })
        .collect();
    key.push_str("/+\"\\%=");
    assert_eq!(key.len(), 48);
    key
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three
            .iter()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            let six = number >> (18 - 6 * place) & 63;
            text.push(char::from(LETTERS[six as usize]));
        }
    }
    text
}

fn percent(key: &str) -> String {
    key.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The ways of writing a key that servers and proxies use.
fn forms(key: &str) -> Vec<String> {
    let escaped = serde_json::Value::from(key).to_string();
    let partly = |hex: fn(u8) -> String| -> String {
        key.bytes()
            .map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                    char::from(byte).to_string()
                }
                byte => hex(byte),
            })
            .collect()
    };
    vec![
        key.to_owned(),
        format!("Bearer {key}"),
        escaped.trim_matches('"').to_owned(),
        partly(|byte| format!("%{byte:02X}")),
        partly(|byte| format!("%{byte:02x}")),
        base64(key.as_bytes()),
        base64(format!("u:{key}").as_bytes()),
        base64(format!("us:{key}").as_bytes()),
    ]
}

/// As text in JSON, with each character as a number.
fn numbered(key: &str) -> String {
    key.chars()
        .map(|c| format!("\\u{:04x}", c as u32))
        .collect()
}

/// Nothing of the key is in a text: none of its forms, and no eight characters of it in a row.
fn clean(key: &str, what: &str, text: &str) {
    for form in forms(key).iter().chain([&numbered(key), &percent(key)]) {
        assert!(
            !text.contains(form.as_str()),
            "{what} holds a form of the key: {form} in {text}"
        );
    }
    for window in key.as_bytes().windows(8) {
        let window = std::str::from_utf8(window).unwrap();
        assert!(
            !text.contains(window),
            "{what} holds a piece of the key: {window} in {text}"
        );
    }
}

/// Everything that comes of one answer.
fn asked(key: &str, response: Response) -> (String, Option<StopReason>) {
    let server = server(&[response, fine("openai")]);
    let place = with_key("openai", &server.url(), key);
    let outcome = Asking::new().texts(std::slice::from_ref(&place), &texts(1));
    let reason = match &outcome.end {
        Err(_) => Some(outcome.stopped().0),
        Ok(()) => None,
    };
    let mut shown = format!("{:?} {:?} {place:?}", outcome.replies, outcome.notices);
    if let Err(error) = &outcome.end {
        shown.push_str(&format!("{error} {error:?}"));
    }
    for reply in outcome.replies.iter().flatten() {
        match reply {
            Ok(reply) => shown.push_str(&reply.text),
            Err(failure) => shown.push_str(&failure.to_string()),
        }
    }
    for (words, _) in &outcome.notices {
        shown.push_str(words);
    }
    // The key did reach the server.
    let requests = server.requests().unwrap();
    assert_eq!(
        requests[0].header("authorization"),
        Some(&*format!("Bearer {key}"))
    );
    (shown, reason)
}

#[test]
fn a_key_that_comes_back_is_in_nothing() {
    let key = key();
    for form in forms(&key) {
        let json = serde_json::Value::from(&*form).to_string();
        let json = json.trim_matches('"');
        // As it is and escaped: a server that writes JSON by hand may forget to.
        for inside in [json, form.as_str()] {
            let error =
                |words: &str| format!(r#"{{"error":{{"message":"{words} {inside} was sent"}}}}"#);
            let reply = |rest: &str| {
                format!(
                    r#"{{"choices":[{{"index":0,"message":{{"role":"assistant",{rest}}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":5,"completion_tokens":1}}}}"#
                )
            };
            for (status, body, wanted) in [
                (401, error("Key"), Some(StopReason::KeyRefused)),
                (404, error("Model"), Some(StopReason::NotFound)),
                (400, error("Request"), None),
                (500, error("Broken"), None),
                (500, format!("plain text with {inside}"), None),
                (429, format!("<html><body>{inside}</body></html>"), None),
                (
                    200,
                    reply(&format!(r#""content":"my key is {inside}.""#)),
                    None,
                ),
                (
                    200,
                    reply(&format!(r#""content":null,"refusal":"no: {inside}""#)),
                    None,
                ),
                (200, error("Inside"), None),
                (200, format!("not JSON: {inside}"), None),
            ] {
                let response = Response::text(status, &body)
                    .header("x-request-id", &form)
                    .header("x-key", &form);
                let (shown, reason) = asked(&key, response);
                if inside == json {
                    assert_eq!(reason, wanted, "{status}");
                }
                clean(&key, &format!("an answer with status {status}"), &shown);
            }
        }
    }
}

#[test]
fn characters_written_as_numbers_and_addresses_are_no_way_out() {
    let key = key();
    let body = format!(
        r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}]}}"#,
        numbered(&key)
    );
    let (shown, _) = asked(&key, Response::text(200, &body));
    clean(&key, "a reply", &shown);
    let body = format!(r#"{{"error":{{"message":"{}"}}}}"#, numbered(&key));
    for status in [401, 500] {
        let (shown, _) = asked(&key, Response::text(status, &body));
        clean(&key, "an error", &shown);
    }
    for form in forms(&key) {
        let to = format!("http://other.invalid/{form}?key={form}");
        let redirect = Response::text(307, "").header("location", &to);
        let (shown, reason) = asked(&key, redirect);
        assert_eq!(reason, Some(StopReason::Redirected));
        clean(&key, "a redirect", &shown);
    }
}

#[test]
fn a_password_and_a_query_in_the_address_are_secrets_too() {
    let secret = "Qz7Yw3Kp9Xv2Lm5Rt8Nb4Hc6";
    let echo = Response::text(500, &format!("cannot use {secret}"));
    let server = server(&[echo, fine("vllm")]);
    let url = server
        .url()
        .replace("http://", &format!("http://me:{secret}@"));
    let place = with_key("vllm", &format!("{url}/v1?key={secret}"), "none");
    let outcome = Asking::new().texts(std::slice::from_ref(&place), &texts(1));
    assert_eq!(outcome.fine(), 1);
    let asking = Asking::new();
    let model = RemoteModel::open("vllm/mock", vec![place.clone()], asking.settings).unwrap();
    let identity = evalwright_core::Model::identity(&model);
    let shown = format!("{:?} {:?} {place:?}", outcome.notices, identity);
    clean(secret, "a notice", &shown);
    assert!(server.requests().unwrap()[0].target.contains(secret));
}
