//! One model at several servers.

use std::time::{Duration, Instant};

use evalwright_core::StopReason;
use evalwright_testing::Response;

use crate::ask::{Asking, connection, fine, nobody, server, texts};

#[test]
fn places_share_the_load() {
    let servers = [(), (), ()].map(|()| server(&[fine("vllm").delay_ms(20)]));
    let places: Vec<_> = servers
        .iter()
        .map(|server| connection("vllm", &server.url()))
        .collect();
    let outcome = Asking::new().connections(2, 4).texts(&places, &texts(90));
    assert_eq!(outcome.fine(), 90);
    for server in &servers {
        let requests = server.requests().unwrap();
        assert!((15..=60).contains(&requests.len()), "{}", requests.len());
        assert!(requests.iter().all(|request| request.under_way <= 4));
    }
}

#[test]
fn a_sick_place_is_left_and_the_others_do_its_work() {
    // It fails at once, so it looks free all the time.
    let sick = server(&[Response::text(500, "broken")]);
    let well = server(&[fine("vllm").delay_ms(10)]);
    let places = [&sick, &well].map(|server| connection("vllm", &server.url()));
    let outcome = Asking::new().connections(4, 4).texts(&places, &texts(200));
    outcome.end.as_ref().unwrap();
    assert_eq!(outcome.fine(), 200, "no request is lost to it");
    let sent = sick.requests().unwrap().len();
    // A first round of four, then one at a time until ten failures in a row.
    assert!((1..=14).contains(&sent), "{sent}");
}

#[test]
fn a_place_that_is_not_there_is_left_as_well() {
    let well = server(&[fine("vllm").delay_ms(5)]);
    let places = [nobody(), well.url()].map(|url| connection("vllm", &url));
    let outcome = Asking::new().connections(4, 4).texts(&places, &texts(60));
    outcome.end.as_ref().unwrap();
    assert_eq!(outcome.fine(), 60);
    assert!(
        outcome.notices[0].0.contains("refused"),
        "{:?}",
        outcome.notices
    );
}

#[test]
fn with_nobody_anywhere_there_is_one_clear_error() {
    let places = [nobody(), nobody()].map(|url| connection("vllm", &url));
    let start = Instant::now();
    let outcome = Asking::new().connections(4, 4).texts(&places, &texts(60));
    let (reason, words) = outcome.stopped();
    assert_eq!(reason, StopReason::ServerSick);
    assert!(words.contains("start the server"), "{words}");
    assert_eq!(outcome.delivered(), 0);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn all_places_sick_stop_the_work() {
    let servers = [(), ()].map(|()| server(&[Response::text(500, "broken")]));
    let places = servers
        .each_ref()
        .map(|server| connection("vllm", &server.url()));
    let outcome = Asking::new()
        .attempts(100)
        .connections(2, 2)
        .texts(&places, &texts(20));
    assert_eq!(outcome.stopped().0, StopReason::ServerSick);
    assert_eq!(outcome.delivered(), 0);
}
