//! How many requests are under way, when the work ends, and what is still delivered then.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use evalwright_core::{Interrupt, Model, ModelError, SlotFailure, StopReason};
use evalwright_models::remote::RemoteModel;
use evalwright_testing::{Response, ScriptedServer};
use serde_json::Value;

use crate::ask::{Asking, connection, fine, fine_body, server, texts};

fn most_under_way(server: &ScriptedServer) -> usize {
    let requests = server.requests().unwrap();
    requests
        .iter()
        .map(|request| request.under_way)
        .max()
        .unwrap()
}

#[test]
fn connections_grow_to_the_users_limit_and_no_further() {
    let server = server(&[fine("openai").delay_ms(30)]);
    let place = connection("openai", &server.url());
    let outcome = Asking::new().connections(2, 6).texts(&[place], &texts(80));
    assert_eq!(outcome.fine(), 80);
    assert_eq!(most_under_way(&server), 6);
    let first = server.requests().unwrap();
    assert!(first.iter().take(2).all(|request| request.under_way <= 2));
}

#[test]
fn many_connections_carry_many_requests_at_once() {
    let server = server(&[fine("openai").delay_ms(100)]);
    let place = connection("openai", &server.url());
    let start = Instant::now();
    let outcome = Asking::new()
        .connections(64, 256)
        .texts(&[place], &texts(1024));
    assert_eq!(outcome.fine(), 1024);
    // One after the other they would take 102 s.
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(most_under_way(&server) <= 256);
}

#[test]
fn every_sample_is_a_request_of_its_own() {
    let server = server(&[fine("openai")]);
    let place = connection("openai", &server.url());
    let outcome = Asking::new().connections(4, 4).texts(&[place], &texts(5));
    assert_eq!(outcome.fine(), 5);
    let requests = server.requests().unwrap();
    let seeds: BTreeSet<u64> = requests
        .iter()
        .map(|request| serde_json::from_str::<Value>(&request.body).unwrap())
        .map(|body| body["seed"].as_u64().unwrap())
        .collect();
    assert_eq!((requests.len(), seeds.len()), (5, 5));
    assert!(
        !requests
            .iter()
            .any(|request| request.body.contains("\"n\":"))
    );
}

#[test]
fn ten_failures_in_a_row_stop_the_work_and_the_next_run_goes_on() {
    let mut answers = vec![Response::text(500, "broken"); 10];
    answers.push(fine("openai"));
    let server = server(&answers);
    let place = connection("openai", &server.url());
    // One at a time, while others wait for their turn.
    let asking = Asking::new().attempts(100).connections(1, 8);
    let outcome = asking.texts(std::slice::from_ref(&place), &texts(30));
    let (reason, words) = outcome.stopped();
    assert_eq!(reason, StopReason::ServerSick);
    assert!(words.contains("broken") && words.contains("500"), "{words}");
    assert_eq!(outcome.delivered(), 0);
    assert_eq!(server.requests().unwrap().len(), 10);
    // A new run against the same server, which is well again.
    assert_eq!(asking.texts(&[place], &texts(30)).fine(), 30);
}

#[test]
fn a_few_requests_that_always_fail_are_given_up_and_stop_nothing() {
    let server = server(&[Response::text(500, "broken")]);
    let place = connection("openai", &server.url());
    for connections in [1, 8] {
        let asking = Asking::new().connections(connections, connections);
        let outcome = asking.texts(std::slice::from_ref(&place), &texts(3));
        outcome.end.as_ref().unwrap();
        assert_eq!((outcome.fine(), outcome.delivered()), (0, 3));
        assert_eq!(outcome.spending.requests, 18);
    }
}

#[test]
fn a_request_that_always_fails_does_not_stop_the_others() {
    let script = evalwright_testing::Script::new()
        .route(
            evalwright_testing::Route::at("/v1/chat/completions")
                .when_body_contains("Badly")
                .reply(Response::text(500, "cannot")),
        )
        .route(evalwright_testing::Route::at("/v1/chat/completions").reply(fine("openai")));
    let server = ScriptedServer::start(&script).unwrap();
    let place = connection("openai", &server.url());
    let mut requests = texts(60);
    for request in requests.iter_mut().step_by(20) {
        request.prompt = crate::ask::conversation("Badly.");
    }
    let outcome = Asking::new().connections(4, 4).texts(&[place], &requests);
    outcome.end.as_ref().unwrap();
    assert_eq!(outcome.fine(), 57);
    for failed in outcome.replies.iter().step_by(20) {
        match failed.as_ref().unwrap() {
            Err(SlotFailure::GaveUp { attempts, detail }) => {
                assert_eq!(*attempts, 6);
                assert!(detail.contains("cannot"), "{detail}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(outcome.spending.requests, 57 + 3 * 6);
    assert_eq!(outcome.spending.retries, 15);
}

#[test]
fn after_an_interrupt_what_is_under_way_arrives_and_nothing_is_sent() {
    let server = server(&[fine("openai").delay_ms(400)]);
    let place = connection("openai", &server.url());
    let asking = Asking::new().connections(4, 4);
    let interrupt = asking.interrupt.clone();
    let asks = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(150));
        interrupt.ask();
    });
    let outcome = asking.texts(&[place], &texts(20));
    asks.join().unwrap();
    assert!(matches!(outcome.end, Err(ModelError::Interrupted)));
    assert_eq!((outcome.fine(), outcome.delivered()), (4, 4));
    assert_eq!(server.requests().unwrap().len(), 4);
}

#[test]
fn an_interrupt_ends_a_wait() {
    let busy = Response::text(429, "later").header("retry-after", "60");
    let server = server(&[busy]);
    let place = connection("openai", &server.url());
    let asking = Asking::new();
    let interrupt = asking.interrupt.clone();
    let asks = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(150));
        interrupt.ask();
    });
    let start = Instant::now();
    let outcome = asking.texts(&[place], &texts(3));
    asks.join().unwrap();
    assert!(matches!(outcome.end, Err(ModelError::Interrupted)));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(server.requests().unwrap().len(), 1);
    assert_eq!(outcome.spending.retries, 0, "nothing was asked again");
}

#[test]
fn a_receiver_that_fails_ends_the_work() {
    let server = server(&[fine("openai").delay_ms(20)]);
    let model = RemoteModel::open(
        "test/mock",
        vec![connection("openai", &server.url())],
        Asking::new().connections(2, 2).settings,
    )
    .unwrap();
    let delivered = AtomicUsize::new(0);
    let end = model.sample(&texts(20), &Interrupt::default(), &|_, _| {
        if delivered.fetch_add(1, Ordering::SeqCst) == 2 {
            return Err("the disk is full".to_owned());
        }
        Ok(())
    });
    assert!(matches!(end, Err(ModelError::Receiver(cause)) if cause == "the disk is full"));
    assert_eq!(delivered.into_inner(), 3);
    assert!(server.requests().unwrap().len() <= 5);
}

#[test]
fn several_threads_may_share_a_model() {
    let server = server(&[fine("openai").delay_ms(10)]);
    let settings = Asking::new().connections(1, 3).settings;
    let place = connection("openai", &server.url());
    let model = Arc::new(RemoteModel::open("test/mock", vec![place], settings).unwrap());
    let replies = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                model
                    .sample(&texts(15), &Interrupt::default(), &|_, reply| {
                        replies.lock().unwrap().push(reply.unwrap().text);
                        Ok(())
                    })
                    .unwrap();
            });
        }
    });
    assert_eq!(replies.into_inner().unwrap(), vec!["fine"; 60]);
    assert!(most_under_way(&server) <= 3);
}

#[test]
fn what_may_have_been_paid_twice_is_counted() {
    let cut = Response::text(200, fine_body("openai")).cut_after(40);
    let turned_away = Response::text(503, "busy");
    let timed_out = Response::text(504, "upstream timed out");
    let odd = Response::text(
        200,
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#,
    );
    let server = server(&[cut, turned_away, timed_out, odd, fine("openai")]);
    let place = connection("openai", &server.url());
    let outcome = Asking::new().texts(&[place], &texts(1));
    let spending = outcome.spending;
    assert_eq!(outcome.only().unwrap().text, "fine");
    assert_eq!((spending.requests, spending.retries), (5, 4));
    // All but the one that was turned away.
    assert_eq!(spending.possibly_paid_twice, 3);
}
