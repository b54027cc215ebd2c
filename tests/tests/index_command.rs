//! `index` as a user types it: our versions, files of others and broken ones, in one site.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evalwright_testing::{Finished, Project, read_tree};
use evalwright_tests::foreign::{bring_fair_decisions, rows};
use serde_json::Value;

fn generated() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../generated")
}

/// Our published versions, copied, so that a test can break one.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for (name, bytes) in read_tree(from).unwrap() {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A project with our versions, foreign files, a file with a cut line, one without any row, and a damaged version.
fn project() -> Project {
    let project = Project::new().unwrap();
    copy(&generated(), &project.path().join("generated"));
    project
        .write("others/persona/keeps-things.jsonl", rows(30, 0.8))
        .unwrap();
    project
        .write(
            "others/persona/cut.jsonl",
            rows(10, 0.8) + "{\"question\": \"cut",
        )
        .unwrap();
    project
        .write("others/persona/hopeless.jsonl", "not a row\n")
        .unwrap();
    let damaged = project.path().join("others/takes-risks/1.0.0");
    copy(&generated().join("takes-risks/1.0.0"), &damaged);
    let data = damaged.join("data.jsonl");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    let gone = project.path().join("others/no-manifest/2.0.0");
    copy(&generated().join("takes-risks/1.0.0"), &gone);
    std::fs::remove_file(gone.join("manifest.json")).unwrap();
    project
}

/// How many datasets are committed, and how many versions in all.
fn committed() -> (usize, usize) {
    let datasets: Vec<PathBuf> = std::fs::read_dir(generated())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let versions = datasets
        .iter()
        .flat_map(|dataset| std::fs::read_dir(dataset).unwrap())
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count();
    (datasets.len(), versions)
}

fn done(finished: Finished) -> Finished {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

fn document(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap()
}

fn entry<'a>(document: &'a Value, place: &str) -> &'a Value {
    let entries = document["entries"].as_array().unwrap();
    entries.iter().find(|one| one["place"] == place).unwrap()
}

#[test]
fn versions_and_files_stand_in_one_site_and_what_is_broken_is_named() {
    let project = project();
    let finished = done(
        project
            .run(&["index", "generated", "others", "--out", "site", "--json"])
            .unwrap(),
    );
    let found = document(&finished);
    assert_eq!(found["schema"], "evalwright.index/1");
    let (_, versions) = committed();
    assert_eq!(found["totals"]["versions"], versions);
    assert_eq!(found["totals"]["files"], 2);
    assert_eq!(found["totals"]["damaged"], 1);

    // Figures of a version: agreement as its report says it, the rest from its rows.
    let report: Value = serde_json::from_slice(
        &std::fs::read(generated().join("takes-risks/1.0.0/report.json")).unwrap(),
    )
    .unwrap();
    let version = entry(&found, "generated/takes-risks/1.0.0");
    let agreement = &report["figures"]["agreement"][0];
    assert_eq!(version["figures"]["kappa"]["value"], agreement["kappa"]);
    assert_eq!(
        version["figures"]["kappa"]["interval"],
        agreement["kappa_interval"]
    );
    assert_eq!(version["figures"]["agreement"]["value"], agreement["raw"]);
    assert_eq!(version["figures"]["rows"]["value"], 40.0);
    assert_eq!(
        version["figures"]["length_area"]["value"],
        report["figures"]["length"]["area_under_curve"]
    );
    assert_eq!(version["generator"]["value"], "local/smollm2-135m-instruct");
    assert_eq!(version["group"], "statement");
    assert!(version["date"]["value"].as_str().unwrap().len() == 10);

    // What is missing is null and says why.
    let file = entry(&found, "others/persona/keeps-things.jsonl");
    assert!(file["figures"]["kappa"]["value"].is_null());
    assert!(file["figures"]["kappa"]["missing"].is_string());
    assert!(file["generator"]["missing"].is_string());

    // What is broken is named, in the document, on the page and to the reader, and is no entry.
    let page = std::fs::read_to_string(project.path().join("site/index.html")).unwrap();
    let page = page.replace("&#x2f;", "/");
    for place in [
        "others/persona/cut.jsonl",
        "others/persona/hopeless.jsonl",
        "others/takes-risks/1.0.0",
        "others/no-manifest/2.0.0",
    ] {
        let problems = found["problems"].as_array().unwrap();
        assert!(problems.iter().any(|one| one["place"] == place), "{place}");
        assert!(finished.stderr.contains(place), "{}", finished.stderr);
        assert!(page.contains(place), "{place}");
    }
    assert_eq!(found["entries"].as_array().unwrap().len(), versions + 2);
    let shown = project.path().display().to_string();
    assert!(
        !page.contains(&shown),
        "the page names a path of the machine"
    );

    // What is printed is what stands in the site.
    let written = std::fs::read_to_string(project.path().join("site/data/index.json")).unwrap();
    assert_eq!(written, finished.stdout);
    assert!(!written.contains(&shown));
    let files: Vec<String> = read_tree(&project.path().join("site"))
        .unwrap()
        .into_keys()
        .collect();
    assert_eq!(serde_json::json!(files), found["files"]);
}

#[test]
fn neither_order_nor_threads_nor_the_way_a_folder_is_named_change_a_byte() {
    let project = project();
    let whole = project.path().join("others");
    let sites: Vec<BTreeMap<String, Vec<u8>>> = [
        ("one", "1", vec!["generated", "others"]),
        ("two", "4", vec!["others", "generated"]),
        (
            "three",
            "2",
            vec![whole.to_str().unwrap(), "./generated/", "others/persona"],
        ),
    ]
    .into_iter()
    .map(|(out, threads, paths)| {
        let mut arguments = vec!["index"];
        arguments.extend(&paths);
        arguments.extend(["--out", out]);
        let mut command = project.command(&arguments).unwrap();
        let finished = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        done(finished.into());
        read_tree(&project.path().join(out)).unwrap()
    })
    .collect();
    assert!(sites.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn a_site_is_replaced_whole_and_no_other_folder_is_touched() {
    let project = project();
    let index = |more: &[&str]| project.run(&[&["index"], more].concat()).unwrap();
    done(index(&["generated", "others", "--out", "generated/site"]));
    let first = read_tree(&project.path().join("generated/site")).unwrap();
    // A site inside what it is about is no dataset, and the same again gives the same.
    done(index(&["generated", "others", "--out", "generated/site"]));
    assert!(first == read_tree(&project.path().join("generated/site")).unwrap());
    // Files of before that are no part of the new site go.
    done(index(&[
        "others/persona/keeps-things.jsonl",
        "--out",
        "generated/site",
    ]));
    let less = read_tree(&project.path().join("generated/site")).unwrap();
    assert!(less.len() < first.len());
    let beside: Vec<String> = std::fs::read_dir(project.path().join("generated"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(beside, Vec::<String>::new());

    // A file of the user's in the site keeps it from being replaced.
    project.write("generated/site/notes.txt", "mine").unwrap();
    let refused = index(&["others", "--out", "generated/site"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("notes.txt"), "{}", refused.stderr);
    assert!(project.path().join("generated/site/notes.txt").is_file());
    let before = read_tree(&project.path().join("others")).unwrap();
    for out in ["others", "others/persona/cut.jsonl"] {
        let refused = index(&["generated", "--out", out]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    }
    assert!(before == read_tree(&project.path().join("others")).unwrap());
}

#[test]
fn nothing_to_index_is_an_error_that_writes_nothing() {
    let project = project();
    let missing = project
        .run(&["index", "generated", "nowhere", "--out", "site"])
        .unwrap();
    assert_eq!(missing.code, Some(3));
    assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
    std::fs::create_dir(project.path().join("empty")).unwrap();
    for path in [
        "empty",
        "others/persona/hopeless.jsonl",
        "others/takes-risks",
    ] {
        let failed = project.run(&["index", path, "--out", "site"]).unwrap();
        assert_eq!(failed.code, Some(3), "{path}: {}", failed.stderr);
        assert!(failed.stderr.contains("not read:"), "{}", failed.stderr);
        assert_eq!(failed.stdout, "");
    }
    assert!(!project.path().join("site").exists());
    // One that is empty beside one that is not is named and no more.
    let finished = done(
        project
            .run(&["index", "empty", "generated", "--out", "site"])
            .unwrap(),
    );
    assert!(
        finished.stderr.contains("not read: empty:"),
        "{}",
        finished.stderr
    );
    let (datasets, versions) = committed();
    let counted = format!("{versions} versions of {datasets} datasets");
    assert!(finished.stdout.contains(&counted), "{}", finished.stdout);
}

#[test]
fn versions_of_a_dataset_are_a_trend_with_the_last_as_the_latest() {
    let project = Project::new().unwrap();
    bring_fair_decisions(&project);
    done(
        project
            .run(&["run", "fair-decisions.toml", "--limit", "48"])
            .unwrap(),
    );
    for limit in ["72", "96"] {
        done(
            project
                .run(&[
                    "regenerate",
                    "generated/fair-decisions",
                    "--limit",
                    limit,
                    "--seed",
                    limit,
                ])
                .unwrap(),
        );
    }
    let found = document(&done(
        project
            .run(&["index", "generated", "--out", "site", "--json"])
            .unwrap(),
    ));
    let latest: Vec<(&str, bool)> = found["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let version = one["version"]["value"].as_str().unwrap();
            (version, one["is_latest"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        latest,
        [("1.0.0", false), ("1.1.0", false), ("1.2.0", true)]
    );
    assert_eq!(found["sets"][0]["kind"], "versions");
    assert_eq!(found["sets"][0]["called"].as_array().unwrap().len(), 3);
    let csv = std::fs::read_to_string(
        project
            .path()
            .join("site/charts/versions-fair-decisions.csv"),
    )
    .unwrap();
    let rows: Vec<&str> = csv.lines().filter(|line| line.contains(",rows,")).collect();
    assert!(rows.len() == 3 && rows[2].contains(",rows,96,"), "{csv}");

    // A dropped version is said to be one, and the one before it is the latest.
    let dropped = [
        "status",
        "generated/fair-decisions/1.2.0",
        "--set",
        "dropped",
        "--reason",
        "for <b>tests</b>",
    ];
    done(project.run(&dropped).unwrap());
    let found = document(&done(
        project
            .run(&["index", "generated", "--out", "site", "--json"])
            .unwrap(),
    ));
    let entries = found["entries"].as_array().unwrap();
    assert_eq!(entries[2]["status"], "dropped");
    let latest: Vec<&Value> = entries.iter().map(|one| &one["is_latest"]).collect();
    assert_eq!(latest, [false, true, false]);
    let page = std::fs::read_to_string(project.path().join("site/index.html")).unwrap();
    assert!(page.contains("DROPPED") && !page.contains("<b>tests"));
    project
        .write("generated/fair-decisions/status.json", "{")
        .unwrap();
    let finished = done(
        project
            .run(&["index", "generated", "--out", "site"])
            .unwrap(),
    );
    let named = "not read: generated/fair-decisions/status.json: ";
    assert_eq!(
        finished.stderr.matches(named).count(),
        1,
        "{}",
        finished.stderr
    );
    assert!(
        !finished
            .stderr
            .contains(&project.path().display().to_string()),
        "{}",
        finished.stderr
    );
}
