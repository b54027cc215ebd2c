//! What the user has to mend: one clear error, at once.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use evalwright_core::{SlotFailure, StopReason};
use evalwright_testing::Response;

use crate::ask::{Asking, KEY, connection, fine, nobody, server, texts};

/// What one place's trouble stops with; it takes no time, and nothing is asked again.
fn stops(kind: &str, url: &str) -> (StopReason, String) {
    let start = Instant::now();
    let outcome = Asking::new().texts(&[connection(kind, url)], &texts(20));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(outcome.notices.is_empty(), "{:?}", outcome.notices);
    assert_eq!(outcome.delivered(), 0);
    let (reason, words) = outcome.stopped();
    assert!(!words.contains(KEY), "{words}");
    (reason, words)
}

#[test]
fn a_server_that_is_down() {
    let url = nobody();
    let (reason, words) = stops("vllm", &url);
    assert_eq!(reason, StopReason::ServerSick);
    for word in [&*url, "refused", "start the server or check the address"] {
        assert!(words.contains(word), "{words}");
    }
}

#[test]
fn a_server_that_goes_down_later_is_waited_for() {
    let server = server(&[fine("vllm").header("connection", "close")]);
    let place = connection("vllm", &server.url());
    let asking = Asking::new().attempts(3);
    let mut server = Some(server);
    let outcome = {
        let model = evalwright_models::remote::RemoteModel::open(
            "test/mock",
            vec![place],
            asking.settings.clone(),
        )
        .unwrap();
        let server = std::sync::Mutex::new(server.take());
        let replies = std::sync::Mutex::new(Vec::new());
        evalwright_core::Model::sample(&model, &texts(2), &asking.interrupt, &|_, reply| {
            replies.lock().unwrap().push(reply);
            // It ends after its first answer.
            drop(server.lock().unwrap().take());
            Ok(())
        })
        .unwrap();
        replies.into_inner().unwrap()
    };
    assert_eq!(outcome[0].as_ref().unwrap().text, "fine");
    assert!(matches!(
        outcome[1],
        Err(SlotFailure::GaveUp { attempts: 3, .. })
    ));
}

#[test]
fn a_key_that_is_wrong() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-test-000","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    for status in [401, 403] {
        let server = server(&[Response::text(status, body)]);
        let (reason, words) = stops("openai", &server.url());
        assert_eq!(reason, StopReason::KeyRefused);
        assert!(words.contains("Incorrect API key provided"), "{words}");
        assert!(words.contains("check the key"), "{words}");
        assert_eq!(server.requests().unwrap().len(), 1);
    }
}

#[test]
fn a_model_that_the_server_does_not_know() {
    for (kind, body) in [
        (
            "openai",
            r#"{"error":{"message":"The model `mock` does not exist","code":"model_not_found"}}"#,
        ),
        ("ollama", r#"{"error":"model 'mock' not found"}"#),
        (
            "anthropic",
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: mock"}}"#,
        ),
    ] {
        let server = server(&[Response::text(404, body)]);
        let (reason, words) = stops(kind, &server.url());
        assert_eq!(reason, StopReason::NotFound);
        assert!(words.contains("mock") && words.contains("404"), "{words}");
        assert!(
            words.contains("check the model's name and the base URL"),
            "{words}"
        );
        assert_eq!(server.requests().unwrap().len(), 1);
    }
}

/// A server that says the same to everyone who says anything; it ends with the test's process.
fn says(words: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(4).flatten() {
            let mut heard = [0; 4096];
            let Ok(1..) = stream.read(&mut heard) else {
                continue;
            };
            drop(stream.write_all(words));
            if !words.is_empty() {
                drop(stream.read(&mut heard));
            }
        }
    });
    format!("https://127.0.0.1:{port}/v1")
}

#[test]
fn a_plain_server_behind_https() {
    let url = says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let (reason, words) = stops("openai", &url);
    assert_eq!(reason, StopReason::ServerSick);
    assert!(words.contains("no secure connection"), "{words}");
    assert!(words.contains("speaks https"), "{words}");
    // Another one just closes.
    let (reason, words) = stops("openai", &says(b""));
    assert_eq!(reason, StopReason::ServerSick);
    assert!(words.contains("may not speak https"), "{words}");
}

/// The first bytes of a TLS 1.2 server with a certificate of its own making, for 127.0.0.1.
const SELF_SIGNED: &[u8] = include_bytes!("self_signed.tls");

#[test]
fn a_certificate_that_nobody_trusts() {
    let (reason, words) = stops("openai", &says(SELF_SIGNED));
    assert_eq!(reason, StopReason::ServerSick);
    assert!(words.contains("certificate"), "{words}");
    assert!(words.contains("SSL_CERT_FILE"), "{words}");
}

#[test]
fn a_server_with_tls_that_is_asked_without() {
    for words in [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
    ] {
        let server = server(&[Response::text(400, words)]);
        let (reason, words) = stops("openai", &server.url());
        assert_eq!(reason, StopReason::NotFound);
        assert!(words.contains("write https://"), "{words}");
    }
    // Others send an alert in TLS, which is no HTTP.
    let url = says(&[0x15, 3, 1, 0, 2, 2, 70]).replace("https:", "http:");
    let outcome = Asking::new()
        .attempts(2)
        .texts(&[connection("openai", &url)], &texts(1));
    assert!(
        outcome.notices[0].0.contains("wants https"),
        "{:?}",
        outcome.notices
    );
}

#[test]
fn one_request_that_the_server_refuses_is_one_failure() {
    let refusal = Response::text(
        400,
        r#"{"error":{"message":"too many stop strings","type":"invalid_request_error"}}"#,
    );
    let server = server(&[refusal, fine("openai")]);
    let outcome = Asking::new().texts(&[connection("openai", &server.url())], &texts(3));
    outcome.end.as_ref().unwrap();
    assert_eq!((outcome.fine(), outcome.delivered()), (2, 3));
    let failed = outcome.replies[0].as_ref().unwrap().as_ref().unwrap_err();
    assert!(
        failed.to_string().contains("too many stop strings"),
        "{failed}"
    );
    assert!(matches!(
        failed,
        SlotFailure::RequestRefused { status: 400, .. }
    ));
}
