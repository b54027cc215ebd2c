//! Servers that are asked too much.

use std::time::{Duration, Instant};

use evalwright_core::StopReason;
use evalwright_testing::Response;

use crate::ask::{Asking, connection, fine, server, texts};

#[test]
fn a_storm_of_429_passes() {
    let busy = Response::text(
        429,
        r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#,
    )
    .header("retry-after-ms", "40");
    let mut answers = vec![busy; 40];
    answers.push(fine("openai").delay_ms(5));
    let server = server(&answers);
    let place = connection("openai", &server.url());
    let outcome = Asking::new()
        .attempts(40)
        .connections(8, 16)
        .texts(&[place], &texts(60));
    outcome.end.as_ref().unwrap();
    assert_eq!(outcome.fine(), 60);
    assert_eq!(outcome.notices.len(), 40);
    assert!(
        outcome
            .notices
            .iter()
            .all(|(_, wait)| *wait >= Duration::from_millis(40))
    );
    assert_eq!(outcome.spending.retries, 40);
    assert_eq!(outcome.spending.possibly_paid_twice, 0);
    let requests = server.requests().unwrap();
    assert_eq!(requests.len(), 100);
    // The first round is eight wide; what follows it in the storm is narrower, and wider again after it.
    let widest = |requests: &[evalwright_testing::RecordedRequest]| {
        requests
            .iter()
            .map(|request| request.under_way)
            .max()
            .unwrap()
    };
    assert!(
        widest(&requests[8..40]) <= 4,
        "{}",
        widest(&requests[8..40])
    );
    assert!(widest(&requests) <= 16);
}

#[test]
fn a_limit_that_is_used_up_is_waited_for_before_it_is_passed() {
    let last = fine("openai")
        .header("x-ratelimit-remaining-requests", "0")
        .header("x-ratelimit-reset-requests", "300ms");
    let server = server(&[last, fine("openai")]);
    let place = connection("openai", &server.url());
    let start = Instant::now();
    let outcome = Asking::new().texts(&[place], &texts(4));
    assert_eq!(outcome.fine(), 4);
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(outcome.notices.is_empty());
}

#[test]
fn a_limit_that_is_used_up_for_hours_stops_the_work() {
    let last = fine("openai")
        .header("x-ratelimit-remaining-requests", "0")
        .header("x-ratelimit-reset-requests", "6h0m0s");
    let server = server(&[last]);
    let place = connection("openai", &server.url());
    let outcome = Asking::new().texts(&[place], &texts(4));
    let (reason, words) = outcome.stopped();
    assert_eq!(reason, StopReason::WaitTooLong);
    assert!(
        words.contains("21600 s") && words.contains("120 s"),
        "{words}"
    );
    assert_eq!((outcome.fine(), outcome.delivered()), (1, 1));
    assert_eq!(server.requests().unwrap().len(), 1);
}

#[test]
fn what_is_asked_again_spreads_out() {
    // Sixty requests fail together; with the waits that users get they come back one by one.
    let mut answers = vec![Response::text(503, "busy").delay_ms(200); 60];
    answers.push(fine("openai"));
    let server = server(&answers);
    let place = connection("openai", &server.url());
    let mut asking = Asking::new().connections(60, 60);
    asking.settings.backoff = evalwright_models::remote::Backoff::default();
    let start = Instant::now();
    let outcome = asking.texts(&[place], &texts(60));
    assert_eq!(outcome.fine(), 60);
    assert!(start.elapsed() < Duration::from_secs(8));
    let mut waits: Vec<_> = outcome.notices.iter().map(|(_, wait)| *wait).collect();
    waits.sort_unstable();
    let fullest = (0..waits.len())
        .map(|first| {
            let end = waits[first] + Duration::from_millis(100);
            waits.partition_point(|wait| *wait < end) - first
        })
        .max()
        .unwrap();
    assert!(fullest <= 9, "{fullest} of 60 within 100 ms");
}
