//! The scripted server against raw sockets: every answer a later test relies on.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up is a failed test"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use evalwright_testing::{Response, Route, Script, ScriptedServer};

/// Sends text on a new connection and reads until the server closes.
fn ask(server: &ScriptedServer, request: &str) -> String {
    let address = server.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\n{headers}connection: close\r\n\r\n")
}

#[test]
fn answers_in_order_then_repeats_the_last_and_records_everything() {
    let script = Script::new().route(
        Route::at("/turns")
            .reply(Response::text(503, "first").header("retry-after", "1"))
            .reply(Response::text(200, "second")),
    );
    let server = ScriptedServer::start(&script).unwrap();
    let first = ask(&server, &get("/turns?a=1", "x-mark: one\r\n"));
    assert!(first.starts_with("HTTP/1.1 503 "), "{first}");
    assert!(first.contains("retry-after: 1\r\n"), "{first}");
    assert!(ask(&server, &get("/turns", "")).ends_with("second"));
    assert!(ask(&server, &get("/turns", "")).ends_with("second"));
    assert!(ask(&server, &get("/other", "")).starts_with("HTTP/1.1 404 "));

    let requests = server.requests().unwrap();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[0].target, "/turns?a=1");
    assert_eq!(requests[0].header("X-Mark"), Some("one"));
    assert_eq!(server.requests_for("/turns").unwrap().len(), 3);
}

#[test]
fn routes_tell_methods_and_bodies_apart_on_one_connection() {
    let script = Script::new()
        .route(
            Route::at("/chat")
                .method("POST")
                .when_body_contains("judge")
                .reply(Response::text(200, "yes")),
        )
        .route(
            Route::at("/chat")
                .method("POST")
                .reply(Response::text(200, "text")),
        );
    let server = ScriptedServer::start(&script).unwrap();
    let post = |body: &str, last: &str| {
        format!(
            "POST /chat HTTP/1.1\r\nhost: test\r\n{last}content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let both = post("write", "") + &post("judge é", "connection: close\r\n");
    let answers = ask(&server, &both);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
    assert!(answers.contains("\r\n\r\ntextHTTP/1.1"), "{answers}");
    assert!(answers.ends_with("\r\n\r\nyes"), "{answers}");
    assert_eq!(server.requests().unwrap()[1].body, "judge é");
    assert!(ask(&server, &get("/chat", "")).starts_with("HTTP/1.1 404 "));
}

#[test]
fn obeys_ranges_only_where_the_script_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits");
    std::fs::write(&path, "0123456789").unwrap();
    let script = Script::new()
        .route(Route::at("/yes").reply(Response::file(&path).header("etag", "\"v1\"").ranges()))
        .route(Route::at("/no").reply(Response::file(&path)));
    let server = ScriptedServer::start(&script).unwrap();

    let tail = ask(&server, &get("/yes", "range: bytes=7-\r\n"));
    assert!(tail.starts_with("HTTP/1.1 206 "), "{tail}");
    assert!(tail.contains("content-range: bytes 7-9/10\r\n"), "{tail}");
    assert!(tail.ends_with("\r\n\r\n789"), "{tail}");
    let middle = ask(
        &server,
        &get("/yes", "range: bytes=2-3\r\nif-range: \"v1\"\r\n"),
    );
    assert!(middle.ends_with("\r\n\r\n23"), "{middle}");
    let changed = ask(
        &server,
        &get("/yes", "range: bytes=7-\r\nif-range: \"v0\"\r\n"),
    );
    assert!(changed.starts_with("HTTP/1.1 200 ") && changed.ends_with("0123456789"));
    let outside = ask(&server, &get("/yes", "range: bytes=10-\r\n"));
    assert!(outside.starts_with("HTTP/1.1 416 "), "{outside}");
    let ignored = ask(&server, &get("/no", "range: bytes=7-\r\n"));
    assert!(ignored.starts_with("HTTP/1.1 200 ") && ignored.ends_with("0123456789"));
}

#[test]
fn cuts_waits_and_sends_chunks() {
    let script = Script::new()
        .route(Route::at("/cut").reply(Response::text(200, "0123456789").cut_after(4)))
        .route(Route::at("/late").reply(Response::text(200, "ok").delay_ms(150)))
        .route(Route::at("/chunks").reply(Response::text(200, "abcdef").chunked().trickle(3, 50)));
    let server = ScriptedServer::start(&script).unwrap();
    let cut = ask(&server, &get("/cut", ""));
    assert!(cut.contains("content-length: 10\r\n"), "{cut}");
    assert!(cut.ends_with("\r\n\r\n0123"), "{cut}");

    let start = Instant::now();
    assert!(ask(&server, &get("/late", "")).ends_with("ok"));
    assert!(start.elapsed() >= Duration::from_millis(150));

    let start = Instant::now();
    let chunks = ask(&server, &get("/chunks", ""));
    assert!(
        chunks.ends_with("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
        "{chunks}"
    );
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[test]
fn two_servers_live_side_by_side_and_end_with_their_value() {
    let script = Script::new().route(Route::at("/").reply(Response::text(200, "here")));
    let first = ScriptedServer::start(&script).unwrap();
    let second = ScriptedServer::start(&script).unwrap();
    assert_ne!(first.url(), second.url());
    assert_ne!(first.process_id(), second.process_id());
    let address = first.url().replace("http://", "");
    drop(first);
    assert!(TcpStream::connect(address).is_err());
    assert!(ask(&second, &get("/", "")).ends_with("here"));
}

#[test]
fn the_same_request_gets_the_same_words_and_others_get_others() {
    let words: &[&[&str]] = &[&["red", "green", "blue"], &["cat", "dog"]];
    let script = Script::new().route(
        Route::at("/write")
            .reply(Response::varied("{\"text\": \"{0} {1}\"}", words).header("x-kind", "varied")),
    );
    let server = ScriptedServer::start(&script).unwrap();
    let post = |body: &str| {
        let length = body.len();
        ask(
            &server,
            &format!(
                "POST /write HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            ),
        )
    };
    let answers: std::collections::BTreeSet<String> =
        (0..60).map(|number| post(&number.to_string())).collect();
    assert_eq!(answers.len(), 6, "every combination comes: {answers:?}");
    assert_eq!(post("7"), post("7"));
}

#[test]
fn raw_bytes_are_played_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer.http");
    let bytes = "HTTP/1.1 529 Overloaded\r\nContent-Length: 99\r\n\r\ntoo short";
    std::fs::write(&path, bytes).unwrap();
    let script = Script::new().route(Route::at("/raw").reply(Response::raw(&path)));
    let server = ScriptedServer::start(&script).unwrap();
    assert_eq!(ask(&server, &get("/raw", "")), bytes);
}
